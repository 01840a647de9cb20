/* SPDX-License-Identifier: GPL-2.0 */
/* What is counted of a group's loans, by the kernel's names: Documentation/scheduler/sched-spare.rst, 6.5 and 6.6. Times in ns. */
#ifndef DLSPARE_LENDER_TALLY_H
#define DLSPARE_LENDER_TALLY_H

#include <stdint.h>
#include <stdio.h>

#include "host/histogram.h"

enum tally_count {
	TALLY_EVENTS,
	TALLY_BORROWS,
	TALLY_WAITS,
	TALLY_REFUSED,
	TALLY_DISPATCHES,
	TALLY_BORROWED,			/* ns */
	TALLY_WAITED,			/* ns */
	TALLY_OWN,			/* and the reasons of ends */
	TALLY_UNUSED,
	TALLY_CHANCES,
	TALLY_SLEEP,
	TALLY_REPLY,
	TALLY_QUIET,
	TALLY_CHARGE,			/* none: nobody pays for loans here */
	TALLY_GONE,
	NR_TALLY_COUNTS
};

struct tally {
	uint64_t counts[NR_TALLY_COUNTS];
	struct histogram waits;
};

/* A wait that has ended so; time: since the epoch. */
void tally_wait(struct tally *tally, enum histogram_how how, uint64_t waited, uint64_t time);
/* So many events that found their thread running. */
void tally_prompt(struct tally *tally, uint64_t nr);
void tally_add(struct tally *to, const struct tally *from);

/* cpu.spare.stat without the units, and cpu.spare.latency. */
void tally_print_counts(FILE *file, const struct tally *tally);
void tally_print_waits(FILE *file, const struct tally *tally);

#endif
