// SPDX-License-Identifier: GPL-2.0
#include "plan/sizing.h"

#include "host/units.h"
#include "plan/erlang.h"
#include "plan/latency.h"

/* A unit gives one part of so many of its period. */
#define PARTS 10

/* The fewest units of that period; a unit for each vCPU is always enough. */
static unsigned int fewest(const struct sizing_terms *terms, uint64_t period, double *waiting)
{
	double load = terms->rate * period / NSEC_PER_SEC;

	for (unsigned int m = 1; terms->rate >= 0 && m < terms->borrowers; m++) {
		*waiting = erlang_waiting(load, m);
		if (*waiting <= terms->waiting)
			return m;
	}
	*waiting = 0;
	return terms->borrowers;
}

struct fraction sizing_share(const struct sizing *sizing)
{
	return fraction_multiply(latency_share(sizing->unit), fraction(sizing->units, 1));
}

/* *best becomes the one with that period, if that holds the target and takes no more. */
static void try_period(struct sizing *best, const struct sizing_terms *terms, uint64_t period)
{
	uint64_t runtime = period / PARTS > terms->answer ? period / PARTS : terms->answer;
	struct sizing sizing = { .unit = { runtime, period } };

	if (runtime > period || latency_drained(sizing.unit).first > terms->target)
		return;
	sizing.units = fewest(terms, period, &sizing.waiting);
	if (sizing.units <= terms->most && (!best->units || fraction_compare(sizing_share(&sizing), sizing_share(best)) <= 0))
		*best = sizing;
}

struct sizing sizing_make(const struct sizing_terms *terms)
{
	struct sizing best = { .units = 0 };

	for (uint64_t step = 10 * NSEC_PER_USEC; 10 * step <= RESERVATION_PERIOD_MAX; step *= 10)
		for (uint64_t period = 10 * step; period < 100 * step && period <= RESERVATION_PERIOD_MAX; period += step)
			try_period(&best, terms, period);
	return best;
}
