/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A unit: Qs of a CPU every Ps. Its thread waits for a PI futex that says the borrower owns it, and so the borrower inherits what
 * the thread is. The borrower's class, group and CPUs stay as they are, and whatever happens to this process, the loan ends with
 * the thread's wait. Times are CLOCK_MONOTONIC, in ns.
 *
 * The thread has a reservation. Who inherits that has a later deadline after a turn, so that the thread gets a CPU to end the
 * loan also where its borrower is. With a real-time priority, which both have, it would wait for its own borrower: so it gets
 * one only where there is no room for the reservation, and this process is kept away from the CPUs that are lent.
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
	bool apart;			/* a priority has to do, and the thread is on no CPU that is lent */
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

/*
 * apart: this process is on no CPU that is lent. NULL with errno: no memory, or else no reservation: no room where this process
 * is (EBUSY), no right, or it may not be on all CPUs of its partition (EPERM).
 */
struct unit *unit_make(struct reservation spare, int cpu, bool apart, int told);
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
