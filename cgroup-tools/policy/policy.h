/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the administrator wants: pools of spare reservations, and virtual machines with reservations of
 * their own. Read from a file in libconfig's format, see dlspare.conf(5). Times are in nanoseconds.
 */
#ifndef DLSPARE_POLICY_H
#define DLSPARE_POLICY_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "host/cpus.h"
#include "host/reservation.h"

struct histogram;

/* Of cpu.spare.pool. */
#define POLICY_UNITS_MAX 64
#define POLICY_LINGER_MAX 1000000000ull
#define POLICY_CHANCES_MAX INT_MAX

/* Who lends the units of pools. */
enum lender {
	LENDER_AUTO,			/* the kernel where it can, else the daemon */
	LENDER_KERNEL,
	LENDER_DAEMON,			/* dlspare-lender, under dlspared's watch */
};

/* What the (Q,P) of a VM is. */
enum vm_class {
	CLASS_AUTO,			/* a ceiling for a VM that the daemon lends to, else a reservation */
	CLASS_DEADLINE,			/* a reservation of each vCPU thread: SCHED_DEADLINE, to which the kernel lends */
	CLASS_QUOTA,			/* a ceiling: cpu.max of the vCPUs' groups, to which the daemon lends */
};

/* Which CPUs of an exclusive pool a deadline thread may have. */
enum edf {
	EDF_DEFAULT,			/* partitioned, where that can be */
	EDF_PARTITIONED,		/* one: each is a cpuset partition */
	EDF_GLOBAL,			/* all: they are a cpuset partition together */
};

/* CPUs, and what each of them offers to the VMs of the pool. */
struct pool_policy {
	char *name;
	struct reservation spare;	/* none: a pool of CPUs only, which needs no patched kernel */
	unsigned int units;		/* a CPU, 1..POLICY_UNITS_MAX; 0 when spare is none */
	bool automatic;			/* both are chosen, from the targets of its VMs; until then they are none */
	struct cpus cpus;		/* empty: all */
	bool exclusive;			/* nothing else runs on these CPUs: a cpuset partition */
	enum edf edf;
	char *group;			/* below the cgroup mount; NULL: dlspare.slice/NAME */
};

/* The terms of cpu.spare.borrow. */
struct borrow_policy {
	bool on;
	unsigned int chances;		/* 0: max */
	bool charge;
	bool reply;
	bool timer;
	uint64_t linger;
};

enum io_kind {
	IO_KEEP,			/* leave them alone */
	IO_HOUSEKEEPING,		/* on io.cpus */
	IO_DEADLINE,			/* a reservation each */
};

/* The threads of a VM that are no vCPUs: its main loop, I/O threads, vhost workers. */
struct io_policy {
	enum io_kind kind;
	struct cpus cpus;		/* housekeeping; empty: all that no exclusive pool has */
	struct reservation reservation;	/* deadline */
};

/* Which process a VM is, beside its name, which proves nothing. What is not given may be any. */
struct process_policy {
	pid_t pid;			/* 0: any */
	int64_t uid;			/* that it runs as, 0..INT_MAX; -1: any */
	char *group;			/* in which it is, or below, as a path without slashes around it; NULL: any */
};

/* How long its events may wait until a vCPU has the CPU. */
struct target_policy {
	uint64_t latency;		/* ns; 0: for any time */
	uint32_t share;			/* of the events, in millionths; POLICY_SHARE_ALL: each */
};

#define POLICY_SHARE_ALL 1000000
#define POLICY_LATENCY_MAX 4000000000ull
#define POLICY_RATE_MAX 1000000

struct vm_policy {
	char *name;
	struct process_policy process;
	enum vm_class class;
	struct reservation reservation;	/* of each vCPU thread, or its ceiling; none: they keep what they have */
	struct cpus vcpus;		/* their numbers; empty: all */
	char *pool;			/* NULL: none */
	struct borrow_policy borrow;
	struct target_policy target;
	unsigned int rate;		/* of events for each vCPU, 1/s; 0: unknown */
	struct io_policy io;
	bool any_device;		/* all network devices of the VM are events for it */
	char **devices;			/* else these; at most IFNAMSIZ - 1 bytes each */
	size_t nr_devices;
};

struct policy {
	bool hrtick;			/* let budgets end on time, not at the next tick: HRTICK_DL */
	enum lender lender;
	struct pool_policy *pools;
	size_t nr_pools;
	struct vm_policy *vms;
	size_t nr_vms;
};

/* What is wrong, and where. */
struct policy_error {
	char text[1024];
};

/* A policy without pools and VMs. */
void policy_init(struct policy *policy);
void policy_free(struct policy *policy);

/*
 * Reads a policy and checks all that can be known without the host: names, units, ranges, references, sums.
 * name: what errors call the source. False: error says what and where, "FILE:LINE: …"; the policy is empty.
 */
bool policy_read(struct policy *policy, const char *path, struct policy_error *error);
bool policy_parse(struct policy *policy, const char *text, const char *name, struct policy_error *error);

/* The checks of policy_read() for a policy made otherwise. */
bool policy_check(const struct policy *policy, struct policy_error *error);

/* Writes what policy_read() reads back as the same policy. -1 and errno when that fails. */
int policy_write(const struct policy *policy, FILE *file);

/* The same as a text; new, NULL without memory. */
char *policy_text(const struct policy *policy);

/* Nothing longer is read, bytes: some thousand VMs. */
#define POLICY_TEXT_MAX (1 << 20)

struct pool_policy *policy_pool(const struct policy *policy, const char *name);
struct vm_policy *policy_vm(const struct policy *policy, const char *name);

/* New ones with the defaults; NULL without memory. Valid until the next call. */
struct pool_policy *policy_add_pool(struct policy *policy, const char *name);
struct vm_policy *policy_add_vm(struct policy *policy, const char *name);
void policy_remove_pool(struct policy *policy, const char *name);
void policy_remove_vm(struct policy *policy, const char *name);

/* A copy of the whole; false without memory, and then `to` is empty. */
bool policy_copy(struct policy *to, const struct policy *from);

/*
 * Adds the VMs of a text that has nothing else, and refers to the pools that are there; those it has already stay as they
 * are. False: error says what and where; the policy is as before.
 */
bool policy_parse_more(struct policy *policy, const char *text, const char *name, struct policy_error *error);

/* Copies the VMs of `from` that `to` does not have; false without memory. */
bool policy_merge(struct policy *to, const struct policy *from);

/* Reads "auto", "kernel" or "daemon"; "auto", "deadline" or "quota". False: it is none of them. */
bool policy_lender(enum lender *lender, const char *text);
bool policy_class(enum vm_class *class, const char *text);
/* As they are read. */
extern const char *const policy_lender_names[], *const policy_class_names[];

/* Has the pool units, or will have them when they are chosen? Does the VM borrow from one that has? */
bool policy_lends(const struct pool_policy *pool);
bool policy_borrows(const struct policy *policy, const struct vm_policy *vm);

/* May the VM have its class, beside who lends? What is auto may be anything yet. The error does not name the VM. */
bool policy_check_class(const struct policy *policy, const struct vm_policy *vm, struct policy_error *error);

/* Reads "partitioned" or "global"; false: it is neither. */
bool policy_edf(enum edf *edf, const char *text);

/* Reads "5ms" or "5ms 99.9%". False: *rule says in words what the text breaks; *target is untouched. */
bool policy_target(struct target_policy *target, const char *text, const char **rule);
/* As it is read; new, NULL without memory. */
char *policy_target_text(const struct target_policy *target);
/* "99.9985%": no more than it is, so only all of them is 100%. Returns text. */
#define POLICY_SHARE_TEXT 20
char *policy_share_text(char text[POLICY_SHARE_TEXT], double share);
/* Did so many of these events wait no longer? True without a target, or where nothing is known. */
bool policy_target_met(const struct target_policy *target, const struct histogram *histogram);

/* Has each CPU a partition of its own? */
bool policy_partitioned(const struct pool_policy *pool);

/* The pool's group below the cgroup mount; a new text, to be freed. */
char *policy_group(const struct pool_policy *pool);
/* A path without the slashes around it; "" when nothing else is there. New, NULL without memory. */
char *policy_strip_slashes(const char *group);

/* In one that has VMs' vCPUs below groups of dlspare, that of a CPU; cpu < 0: that of all CPUs. As policy_group(). */
char *policy_cpus_group(const struct pool_policy *pool, int cpu);
/* Is it one in which a manager puts all its VMs or services, without slashes around it? */
bool policy_group_of_all(const char *group);

/* The text of cpu.spare.pool and of cpu.spare.borrow; new, to be freed. */
char *policy_pool_text(const struct pool_policy *pool);
char *policy_borrow_text(const struct borrow_policy *borrow);

#endif
