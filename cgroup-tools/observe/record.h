/* SPDX-License-Identifier: GPL-2.0 */
/* What the programs in the kernel tell: events.bpf.c and who reads it share these. Times are CLOCK_MONOTONIC, in ns. */
#ifndef DLSPARE_OBSERVE_RECORD_H
#define DLSPARE_OBSERVE_RECORD_H

#ifndef __bpf__
#include <stdint.h>
#else
typedef __u64 uint64_t;
typedef __u32 uint32_t;
typedef __u16 uint16_t;
typedef __u8 uint8_t;
#endif

/* What comes for a vCPU. */
enum observe_event {
	OBSERVE_DEVICE,			/* a device's interrupt */
	OBSERVE_SENT,			/* one that says that what the guest sent is gone: vhost's */
	OBSERVE_IPI,			/* from another vCPU of the VM */
	OBSERVE_TIMER,			/* the vCPU's own */
	OBSERVE_OTHER,			/* KVM wants something */
	OBSERVE_SILENT,			/* vhost has put it into the ring; the guest wants no interrupt */
	NR_OBSERVE_EVENTS
};

/* A vCPU that runs has not heard what came so short a time before its budget ended, ns. */
#define OBSERVE_UNHEARD 100000
/* For so long a lender waits for an answer, ns of CPU time: the kernel's own begins with that (sched-spare.rst, 3.3). */
#define OBSERVE_PATIENCE 2250000

enum observe_kind {
	OBSERVE_WAITS,			/* so much has come that it is told before the vCPU runs */
	OBSERVE_RUNS,			/* the vCPU is on a CPU from now on */
	OBSERVE_STOPS,			/* not any more */
	OBSERVE_REPLIES,		/* the guest rings a device's doorbell */
	OBSERVE_HALTS,			/* it has nothing more to do */
	OBSERVE_ASKS,			/* to a lender: something waits that nothing is lent for */
};

/* Devices' interrupts that are told at a time: a record costs more than to note one. */
#define OBSERVE_BATCH 8

struct observe_record {
	uint64_t time;
	uint32_t tid;			/* of the vCPU */
	uint16_t cpu;			/* that the vCPU is on, or was on last */
	uint8_t kind;			/* enum observe_kind */
	uint8_t nr_came;		/* devices' interrupts since the last record, while it wanted to run and had no budget */
	uint64_t came[OBSERVE_BATCH];	/* when; 0: of one that another record has */
};

/* The threads are in lists by the remainders of their numbers. A place is from 1 on; 0: none. */
#define OBSERVE_THREADS 8192
#define OBSERVE_HEADS 4096
/* The longest list. */
#define OBSERVE_CHAIN 16

/* Where a vCPU's thread is. */
enum observe_state {
	OBSERVE_UNSEEN,			/* until it is switched for the first time */
	OBSERVE_RUNNING,
	OBSERVE_READY,
	OBSERVE_ASLEEP,
};

/* A thread that is looked at: a vCPU's, or a vhost worker's, which has events alone. */
struct observe_thread {
	uint64_t events[NR_OBSERVE_EVENTS];
	uint64_t starved;		/* ns in all */
	uint64_t nr_starved;		/* times */
	uint64_t starved_since;		/* 0: it has budget, or runs */
	uint64_t nr_busy;		/* devices' interrupts while it had budget, and others the CPU */
	uint64_t busy_worst;		/* the longest wait of one of these, ns */
	uint64_t busy_came;		/* the first of them that waits; 0: none */
	uint64_t came;			/* a device's interrupt came then, it runs, and has not replied; 0: none */
	uint64_t exhaustion;		/* where the kernel says that the budget of its queue is gone; 0: nowhere */
	uint64_t asleep_came;		/* a device's interrupt came then, and it sleeps still; 0: none */
	uint64_t waits[OBSERVE_BATCH];	/* what waits for budget and was not told yet: when it came */
	/* For a lender alone. */
	uint64_t ran;			/* ns of CPU time, until it was given the CPU */
	uint64_t ran_since;		/* when that was; 0: it has no CPU */
	uint64_t replied;		/* its CPU time when it replied last */
	uint64_t nr_prompt;		/* events that found it running */
	uint32_t nr_waits;
	uint32_t pending;		/* a device's interrupt waits for budget */
	uint32_t tid;
	uint16_t next;			/* place of another one with that remainder */
	uint32_t vm;			/* the same number for all of a VM */
	uint16_t cpu;
	uint8_t vcpu;			/* 0: a vhost worker */
	uint8_t state;			/* enum observe_state */
	uint8_t serving;		/* it runs, and has not replied yet */
	uint8_t lent;			/* by a lender, who sets it: it is on loan */
	uint8_t timer;			/* and this: its own timer is an event */
};

#endif
