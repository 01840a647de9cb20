/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The scene of the tests of loans: borrowers are plain threads under SCHED_DEADLINE, events are packets through taps
 * named in cpu.spare.dev. CPU 1 is an exclusive partition (/sys/fs/cgroup/t) with the groups a and b; the tests stay on
 * CPU 0; CPU 2 is there to be repartitioned.
 */
#ifndef SCENE_H
#define SCENE_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../lab.h"

#define US 1000LL
#define ROOT "/sys/fs/cgroup"

enum order { SPIN, BLOCK, YIELD, LOCK, EXIT };

/* One borrower, in memory shared with it. */
struct borrower {
	_Atomic int64_t last;	/* when it last ran, ns, CLOCK_MONOTONIC */
	_Atomic int64_t woken;	/* when it last left a block */
	_Atomic int order;	/* enum order, back to SPIN when obeyed */
	_Atomic int lock;	/* PI futex; the first one's is what LOCK takes */
	int wake[2];		/* pipe that ends a block */
	pid_t pid;
};

#define BORROWERS 16

#define POOL "4000 10000 units=1 cpus=1"

extern struct borrower *borrowers;	/* [BORROWERS] */
extern struct tap tap_a, tap_b, tap_t;
extern const cpu_set_t all;	/* as far as the group allows */
extern unsigned int failures;

/* Why a test fails: false. */
bool because(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A line of TAP. */
void report(const char *name, bool passed);

/* A path is absolute, or below the mount. Returns 0 or what the write was refused with. */
int write_file(const char *file, const char *text);

/* Ends the program if it is refused. */
void must_write(const char *file, const char *text);

/* It may be there. */
void must_mkdir(const char *group);

/* Allocated bandwidth of CPU 1's root domain, from the scheduler's own report. */
long long total_bw(void);

/* A @runtime of 0: SCHED_OTHER. Returns 0 or an errno. */
int try_reserve(pid_t pid, int64_t runtime, int64_t period, uint64_t flags);

/*
 * EPERM until it has run on CPU 1: admission asks the domain it last ran in.
 * EBUSY until the bandwidth of a thread that was killed is free, at its 0-lag
 * time.
 */
void await_reservation(pid_t pid, int64_t runtime, int64_t period);

/* A new borrower in @group with a reservation, spinning. */
struct borrower *borrower_start(int i, const char *group, int64_t runtime, int64_t period);

/* Nothing if it was not started. */
void borrower_stop(struct borrower *b);

/* Waits for the next time @b runs out of budget: it ran, then it did not. */
void await_depletion(struct borrower *b);

/* How long after @since @b ran, ns; -1 if not within @limit. */
int64_t response(struct borrower *b, int64_t since, int64_t limit);

/* Within @limit, the counter of cpu.spare.stat. */
bool reaches(const char *group, const char *key, long long value, int64_t limit);

/*
 * The bandwidth of a thread that is gone leaves at its 0-lag time, less than a
 * period later. A domain that is rebuilt before that does not count the thread,
 * and mainline takes it off the new sum all the same: wait.
 */
void settle(void);

/* Brings every test to the same start: one pool, a and b borrow, nobody runs. */
void fresh(void);

/* A depleted borrower in a that an event has just come for. */
struct borrower *on_loan(void);

#endif
