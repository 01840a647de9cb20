// SPDX-License-Identifier: GPL-2.0
#include "observe/replay.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

/* Of an event that is in line. */
#define IN_LINE UINT64_MAX

/* The unit of a CPU, its loan, and the events of that CPU so far. */
struct lender {
	struct reservation unit;
	uint64_t linger;
	uint64_t now;
	uint64_t budget;		/* left until the deadline */
	uint64_t deadline;
	bool lent;
	uint32_t vcpu;			/* to which */
	uint64_t need;			/* CPU time that the loan lasts, with the linger */
	uint64_t own;			/* when the vCPU has budget of its own again */
	struct replay_event *line;	/* the first that may be in line */
	struct replay_event *last;	/* behind the last one that has come */
};

static uint64_t min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a < UINT64_MAX - b ? a + b : UINT64_MAX;
}

long replay_add(struct replay *replay, const struct replay_event *event)
{
	size_t room = replay->room ? 2 * replay->room : 1024;
	struct replay_event *events;

	errno = 0;
	if (replay->nr == REPLAY_MAX) {
		replay->cut++;
		return -1;
	}
	if (replay->nr == replay->room) {
		events = reallocarray(replay->events, room, sizeof(*events));
		if (!events)
			return -1;
		replay->events = events;
		replay->room = room;
	}
	replay->events[replay->nr] = *event;
	return replay->nr++;
}

void replay_free(struct replay *replay)
{
	free(replay->events);
	*replay = (struct replay){ 0 };
}

/* Of a unit that was idle: it keeps both, unless until its deadline it would supply more than its share (the rule of CBS). */
static void refresh(struct lender *lender)
{
	const struct reservation unit = lender->unit;

	if (lender->deadline > lender->now &&
	    (__int128)lender->budget * unit.period <= (__int128)(lender->deadline - lender->now) * unit.runtime)
		return;
	lender->budget = unit.runtime;
	lender->deadline = lender->now + unit.period;
}

/* How long an event for the borrower waits: as long as the unit has no budget. */
static void hear(const struct lender *lender, struct replay_event *event)
{
	const uint64_t supplied = lender->budget ? lender->now : lender->deadline;

	event->wait = min(supplied, event->end) - event->time;
}

/* Lends to the first in line, and answers all that its vCPU has there. */
static void lend(struct lender *lender)
{
	struct replay_event *event;

	lender->lent = false;
	for (event = lender->line; event < lender->last; event++) {
		if (event->wait != IN_LINE)
			continue;
		if (event->end <= lender->now) {
			event->wait = event->end - event->time;
			continue;
		}
		if (!lender->lent) {
			refresh(lender);
			lender->lent = true;
			lender->vcpu = event->vcpu;
			lender->own = event->end;
			lender->need = lender->linger;
			lender->line = event;
		}
		if (event->vcpu != lender->vcpu)
			continue;
		hear(lender, event);
		lender->need = sum(lender->need, event->need);
	}
	if (!lender->lent)
		lender->line = lender->last;
}

/* Up to the next moment at which something ends, and not beyond to. */
static void step(struct lender *lender, uint64_t to)
{
	uint64_t next = min(to, lender->own);

	if (!lender->budget) {
		lender->now = min(next, lender->deadline);
		if (lender->now == lender->deadline)
			refresh(lender);
	} else {
		next = min(next - lender->now, min(lender->budget, lender->need));
		lender->now += next;
		lender->budget -= next;
		lender->need -= lender->need == UINT64_MAX ? 0 : next;
	}
	if (!lender->need || lender->now >= lender->own)
		lend(lender);
}

static void advance(struct lender *lender, uint64_t to)
{
	while (lender->lent && lender->now < to)
		step(lender, to);
	lender->now = to;
}

/* What comes on a loan makes that longer: the linger begins again. */
static void come(struct lender *lender, struct replay_event *event)
{
	advance(lender, event->time);
	event->wait = IN_LINE;
	lender->last = event + 1;
	if (!lender->lent) {
		lend(lender);
	} else if (event->vcpu == lender->vcpu) {
		hear(lender, event);
		lender->need = sum(lender->need < lender->linger ? lender->linger : lender->need, event->need);
	}
}

static int by_cpu_time(const void *a, const void *b)
{
	const struct replay_event *one = a, *other = b;

	if (one->cpu != other->cpu)
		return one->cpu < other->cpu ? -1 : 1;
	if (one->time != other->time)
		return one->time < other->time ? -1 : 1;
	return (one->vcpu > other->vcpu) - (one->vcpu < other->vcpu);
}

void replay_run(struct replay *replay, struct reservation unit, uint64_t linger)
{
	struct lender lender = { 0 };
	size_t i;

	if (replay->nr)
		qsort(replay->events, replay->nr, sizeof(*replay->events), by_cpu_time);
	for (i = 0; i < replay->nr; i++) {
		struct replay_event *event = &replay->events[i];

		if (!i || event->cpu != event[-1].cpu) {
			advance(&lender, UINT64_MAX);
			lender = (struct lender){ .unit = unit, .linger = linger, .line = event };
		}
		come(&lender, event);
	}
	advance(&lender, UINT64_MAX);
}
