/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DLSPARE_RESERVATION_H
#define DLSPARE_RESERVATION_H

#include <stdbool.h>
#include <stdint.h>

/* Limits of SCHED_DEADLINE (kernel/sched/deadline.c, __checkparam_dl, and sched_deadline_period_{min,max}_us). */
#define RESERVATION_PERIOD_MIN 100000ull
#define RESERVATION_PERIOD_MAX 4194304000ull
#define RESERVATION_RUNTIME_MIN 1024ull

/* So many nanoseconds of a CPU every so many; none when both are 0. */
struct reservation {
	uint64_t runtime;
	uint64_t period;
};

static inline bool reservation_none(struct reservation reservation)
{
	return !reservation.runtime && !reservation.period;
}

#endif
