/* SPDX-License-Identifier: GPL-2.0 */
/* One picture of the host: the policy in force, the VMs that run, and what the kernel has set and counted for them. */
#ifndef DLSPARE_STATE_H
#define DLSPARE_STATE_H

#include "apply/target.h"
#include "host/histogram.h"
#include "policy/policy.h"
#include "vmm-hooks/vm.h"

/* The lines of cpu.spare.stat. */
enum state_counter {
	STATE_EVENTS,
	STATE_LOANS,
	STATE_WAITS,
	STATE_REFUSED,
	STATE_DISPATCHES,
	STATE_BORROWED,			/* ns on loans */
	STATE_WAITED,			/* ns for a unit */
	STATE_RETURNED_OWN,		/* loans by the reason of their end */
	STATE_RETURNED_UNUSED,
	STATE_RETURNED_CHANCES,
	STATE_RETURNED_SLEEP,
	STATE_RETURNED_REPLY,
	STATE_RETURNED_QUIET,
	STATE_RETURNED_CHARGE,
	STATE_RETURNED_GONE,
	STATE_UNITS,			/* of a group with a pool, now */
	STATE_UNITS_BUSY,
	NR_STATE_COUNTERS
};

struct state_counters {
	bool known;			/* false: no such group, or no spare reservations in this kernel */
	uint64_t value[NR_STATE_COUNTERS];
};

struct state_thread {
	char *class;			/* as thread_class(); NULL: it is gone */
	uint64_t cpu_time;		/* ns */
};

struct state_vm {
	const char *name;
	const struct vm_policy *policy;	/* NULL: the policy does not have it, or it is refused */
	const struct pool_policy *pool;	/* NULL: none */
	const struct vm *vm;		/* NULL: it does not run, and nothing below is known */
	char **groups;			/* of its vCPU threads; NULL is behind the last */
	char *terms;			/* cpu.spare.borrow there, of the first that differs if one does; NULL: there is none */
	struct state_counters counters;	/* sums of those groups */
	struct histogram latency;	/* the same */
	struct state_thread *threads;	/* in the order of vm->threads */
	unsigned int nr_vcpus;		/* that the policy is about, those that are gone left out */
	bool ceiling;			/* what they have is one, and no reservation */
	struct reservation reservation;	/* of them; of the first that differs if one does */
	bool reservation_differs;	/* from the policy */
	bool terms_differ;
	const struct target_verdict *verdict;	/* on its latency; NULL: it has no target, or was not judged lately */
	uint64_t cpu_time;		/* of all vCPUs, ns */
	uint64_t age;			/* since the start, ns */
};

struct state_pool {
	const struct pool_policy *policy;
	char *group;
	struct state_counters counters;	/* of the pool's group: all VMs it has had */
	struct histogram latency;
};

struct state {
	uint64_t time;			/* CLOCK_BOOTTIME, ns */
	struct policy policy;		/* with the VMs that hooks have told of, and settled */
	struct vms seen;
	struct state_vm *vms;		/* by name, those refused last, then pid: those seen and those of the policy */
	size_t nr_vms;
	struct state_pool *pools;	/* in the order of the policy */
	size_t nr_pools;
	struct target_verdicts verdicts;
	unsigned int left_out;		/* files of hooks that break a rule */
};

/* DONE, or another code of command.h after telling why. What the caller may not read is missing. */
int state_read(struct state *state);
void state_free(struct state *state);

/* Prints the pools, or the one of that name, as the command does: in cmd_status.c. Returns a code as state_read(). */
int state_show_pools(const char *name);

/* Does it still run? Another process with its name is another VM. */
bool state_runs(const struct state_vm *vm);

/* What the VM may borrow; NULL: nothing, and then nothing that comes for it is counted. */
static inline const struct reservation *state_unit(const struct state_vm *vm)
{
	return vm->pool && vm->pool->spare.runtime && vm->policy->borrow.on ? &vm->pool->spare : NULL;
}

/* By how much a counter has grown between two looks. A group that was made anew counts from 0. */
static inline double state_grown(const struct state_counters *now, const struct state_counters *before,
				 enum state_counter counter)
{
	return now->value[counter] > before->value[counter] ? now->value[counter] - before->value[counter] : 0;
}

/* Adds the text of cpu.spare.stat; what it does not name is 0. */
void state_parse(struct state_counters *counters, const char *text);

#endif
