/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pool that costs least and holds a target of latency. An event is late by 2(Ps-Qs) at most when a unit is free, also one that
 * was drained just before (latency.h). How many find none free: none with a unit for each vCPU; else C(A,m), A = rate Ps, as a
 * loan lasts for a period (erlang.h). Erlang-C and not B, for the kernel lets them wait.
 */
#ifndef DLSPARE_SIZING_H
#define DLSPARE_SIZING_H

#include <stdbool.h>
#include <stdint.h>

#include "host/reservation.h"
#include "plan/fraction.h"

struct sizing_terms {
	uint64_t target;		/* ns */
	double waiting;			/* so large a share of the events may find no unit free */
	double rate;			/* of those that ask, on one CPU, 1/s; negative: unknown */
	unsigned int borrowers;		/* vCPUs that may ask there; one at least */
	uint64_t answer;		/* the least Qs, whole us: what one event takes */
	unsigned int most;		/* units */
};

struct sizing {
	struct reservation unit;
	unsigned int units;		/* of each CPU; 0: none holds the target, or more than most would */
	double waiting;			/* the share that finds no unit free, by the formula; 0: there is one for each vCPU */
};

/*
 * Of all periods of two digits the one whose units take least, and of equals the longest: it switches least. A unit gives a tenth of
 * its period, or what one event takes if that is more.
 */
struct sizing sizing_make(const struct sizing_terms *terms);

/* Units x Qs/Ps. */
struct fraction sizing_share(const struct sizing *sizing);

#endif
