// When a vCPU has its CPU: in the budgets of its own reservation, and on a unit that it borrows in between. A batch load
// beside it uses up whatever it does not need. Integers, in ns or any other unit.

#ifndef SUPPLY_H
#define SUPPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "host/reservation.h"

// Where in each period a runtime is supplied.
enum supply_place {
	SUPPLY_EARLY,       // at its beginning
	SUPPLY_LATE,        // at its end: the longest wait for the first
	SUPPLY_RANDOM,      // anywhere
	SUPPLY_ALTERNATING, // early and late in turn: the longest gap of EDF beside others
};

struct supply_terms {
	struct reservation own; // none: the CPU is always there
	enum supply_place place;
	struct reservation spare; // of the unit; none: none is lent
	enum supply_place spare_place;
	bool until_dispatched; // rule 1: a loan lasts until the own budget is dispatched; else: is replenished
	bool at_throttle;      // rule 2: who is at work when its budget ends borrows at that moment
	uint64_t seed;
};

struct supply_chunk {
	int64_t begin, end;
};

struct supply {
	struct supply_terms terms;
	uint64_t random;
	int64_t period, unit_period; // begin of the present one
	struct supply_chunk own, unit;
	unsigned int count, unit_count;
	bool lent;
	int64_t left; // of the unit's runtime when the last loan ended
};

void supply_start(struct supply *supply, const struct supply_terms *terms);

// Calls of the two below must not go back in time.

// Something happens for the vCPU at a time when it may be without a CPU: it borrows, if there is something to borrow.
void supply_event(struct supply *supply, int64_t at);

// When work of a duration that begins at a time is done.
int64_t supply_run(struct supply *supply, int64_t from, int64_t work);

#endif
