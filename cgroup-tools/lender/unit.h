/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A unit: Qs of a CPU every Ps. A thread with that reservation, which the borrower inherits: the thread waits for a PI futex
 * that says the borrower owns it. So the borrower's class, group and CPUs stay as they are, and whatever happens to this
 * process, the loan ends with the thread's wait. Times are CLOCK_MONOTONIC, in ns.
 */
#ifndef DLSPARE_LENDER_UNIT_H
#define DLSPARE_LENDER_UNIT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "host/reservation.h"

/* Less than this is no loan: it is about what a loan takes to begin and to end. */
#define UNIT_LEAST 50000

struct borrower;
struct pool;

struct unit {
	struct reservation spare;
	int cpu;
	/* Who gives out units keeps these. */
	struct pool *pool;
	struct borrower *borrower;	/* NULL: it is free */
	uint64_t deadline;		/* until when the budget is */
	int64_t budget;			/* below 0: so much too late was the last loan ended */
	/* The thread's, and who uses it. */
	pthread_t thread;
	_Atomic pid_t tid;
	_Atomic uint32_t order;		/* enum unit_order */
	_Atomic uint32_t word;		/* the futex: the owner's number */
	_Atomic uint64_t loan;		/* its number */
	_Atomic uint64_t cancelled;	/* the loan that is to end */
	_Atomic bool ended;		/* the last loan, and nobody has asked for that yet */
	int error;			/* of the last loan: 0, ETIMEDOUT, or ESRCH: there is no such thread */
	bool lends;
	pid_t to;
	uint64_t until;
	int told;			/* an eventfd: a loan has ended */
};

/* NULL with errno: no memory, no right to reservations (EPERM), or no room for one where this process is (EBUSY). */
struct unit *unit_make(struct reservation spare, int cpu, int told);
/* Ends its loan, and waits for that. */
void unit_free(struct unit *unit);

/* By the deadline a budget is gone, and there is a new one (Abeni and Buttazzo, RTSS 1998, without their rule for early wake-ups). */
void unit_replenish(struct unit *unit, uint64_t now);

/* Until then at the latest. */
void unit_lend(struct unit *unit, pid_t tid, uint64_t until);
/* Is to end the loan; that it has ended is told later. */
void unit_end(struct unit *unit);
/* Has a loan ended since this was asked last? *error: why; 0: by unit_end(), or the borrower has died. */
bool unit_ended(struct unit *unit, int *error);

#endif
