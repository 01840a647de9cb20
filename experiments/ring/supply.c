#include "supply.h"

#include "../lib/chance.h"

static int64_t placed(struct supply *supply, enum supply_place place, unsigned int count, int64_t gap)
{
	switch (place) {
	case SUPPLY_EARLY:
		return 0;
	case SUPPLY_RANDOM:
		return chance_below(&supply->random, gap + 1);
	case SUPPLY_ALTERNATING:
		return count % 2 ? gap : 0;
	case SUPPLY_LATE:
		break;
	}
	return gap;
}

static int64_t gap_of(struct reservation reservation)
{
	return reservation.period - reservation.runtime;
}

// --- the unit ---

static void place_unit(struct supply *supply, int64_t from, int64_t runtime)
{
	const int64_t gap = supply->unit_period + (int64_t)supply->terms.spare.period - runtime - from;

	supply->unit.begin = from + placed(supply, supply->terms.spare_place, supply->unit_count++, gap);
	supply->unit.end = supply->unit.begin + runtime;
}

static void renew_unit(struct supply *supply, int64_t period)
{
	supply->unit_period = period;
	place_unit(supply, period, supply->terms.spare.runtime);
}

// While it is lent: a batch load drains it in each of its periods.
static void advance_unit(struct supply *supply, int64_t to)
{
	while (supply->unit.end <= to)
		renew_unit(supply, supply->unit_period + (int64_t)supply->terms.spare.period);
}

static int64_t end_of_loan(const struct supply *supply)
{
	return supply->terms.until_dispatched ? supply->own.begin : supply->period;
}

static void return_unit(struct supply *supply)
{
	const int64_t at = end_of_loan(supply);

	advance_unit(supply, at);
	// A period that begins later than the loan ends is the one before, drained.
	if (supply->unit_period > at)
		supply->left = 0, supply->unit_period -= (int64_t)supply->terms.spare.period;
	else
		supply->left = supply->unit.end - (supply->unit.begin > at ? supply->unit.begin : at);
	supply->lent = false;
}

// As the wake-up rule of CBS has it: what is left goes on if that does not exceed the unit's share until its deadline.
static void borrow(struct supply *supply, int64_t at)
{
	const int64_t period = supply->terms.spare.period, runtime = supply->terms.spare.runtime;
	const int64_t rest = supply->unit_period + period - at;

	supply->lent = true;
	if (rest <= 0 || (supply->left && (__int128)supply->left * period > (__int128)rest * runtime))
		renew_unit(supply, at);
	else if (supply->left)
		place_unit(supply, at, supply->left);
	else
		renew_unit(supply, supply->unit_period + period);
}

// --- both ---

static void next_budget(struct supply *supply)
{
	const int64_t gap = gap_of(supply->terms.own);

	if (supply->lent)
		return_unit(supply);
	supply->period += (int64_t)supply->terms.own.period;
	supply->own.begin = supply->period + placed(supply, supply->terms.place, supply->count++, gap);
	supply->own.end = supply->own.begin + (int64_t)supply->terms.own.runtime;
}

static void advance(struct supply *supply, int64_t to)
{
	while (supply->own.end <= to)
		next_budget(supply);
	if (supply->lent && end_of_loan(supply) <= to)
		return_unit(supply);
}

// The first time with a CPU that does not end by a moment.
static struct supply_chunk chunk_after(struct supply *supply, int64_t at)
{
	struct supply_chunk chunk;

	advance(supply, at);
	if (!supply->lent)
		return supply->own;
	advance_unit(supply, at);
	chunk = supply->unit;
	if (chunk.begin >= end_of_loan(supply))
		return supply->own;
	if (chunk.end > end_of_loan(supply))
		chunk.end = end_of_loan(supply);
	return chunk;
}

void supply_start(struct supply *supply, const struct supply_terms *terms)
{
	*supply = (struct supply){ .terms = *terms, .random = terms->seed, .unit_period = INT64_MIN / 2 };
	if (!terms->own.period)
		return;
	supply->period = -(int64_t)terms->own.period;
	next_budget(supply);
}

void supply_event(struct supply *supply, int64_t at)
{
	if (!supply->terms.spare.period || !supply->terms.own.period)
		return;
	advance(supply, at);
	if (!supply->lent && at < end_of_loan(supply))
		borrow(supply, at);
}

int64_t supply_run(struct supply *supply, int64_t from, int64_t work)
{
	struct supply_chunk chunk;

	if (!supply->terms.own.period)
		return from + work;
	for (;;) {
		chunk = chunk_after(supply, from);
		if (from < chunk.begin)
			from = chunk.begin;
		if (work <= chunk.end - from)
			return from + work;
		work -= chunk.end - from;
		from = chunk.end;
		if (supply->terms.at_throttle)
			supply_event(supply, from);
	}
}
