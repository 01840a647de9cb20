// SPDX-License-Identifier: GPL-2.0
/*
 * A borrower's states:
 *
 *	IDLE	-- asks, a unit is free --------> LENT		else WAITS; with no unit on its CPU it is refused
 *	WAITS	-- a unit comes back -----------> LENT		or runs on its own budget: IDLE
 *	LENT	-- the unit is depleted --------> DRAINED	or, by chances, ENDS
 *	DRAINED	-- the unit is replenished -----> LENT		or has budget of its own, or sleeps: IDLE
 *	LENT	-- halts, has replied and lingered, was quiet: ENDS
 *	ENDS	-- the unit's thread says so ---> IDLE
 *
 * A unit has a borrower from LENT or DRAINED until IDLE. So it is lent to one at a time, and for no longer than its budget lasts
 * by the clock: that is the last stop, whatever else fails.
 */
#include "lender/inside.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "host/clock.h"

struct loans loans;

/* --- what is seen --- */

static uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* The CPU time that a thread has had. It changes meanwhile: then once more. */
static uint64_t cpu_time(const struct borrower *b)
{
	const volatile struct observe_thread *seen = b->seen;
	uint64_t ran, since;

	do {
		since = seen->ran_since;
		ran = seen->ran;
	} while (since != seen->ran_since || ran != seen->ran);
	return since ? ran + (now_ns() - since) : ran;
}

static bool is_starved(const struct borrower *b)
{
	return b->seen->state == OBSERVE_READY && b->seen->starved_since;
}

static int by_number(const void *key, const void *at)
{
	const pid_t tid = *(const pid_t *)key;
	const struct borrower *b = *(struct borrower *const *)at;

	return (tid > b->tid) - (tid < b->tid);
}

static struct borrower *find(pid_t tid)
{
	struct borrower **at;

	if (!loans.nr_borrowers)
		return NULL;
	at = bsearch(&tid, loans.borrowers, loans.nr_borrowers, sizeof(*at), by_number);
	return at ? *at : NULL;
}

/* --- the line of those that wait --- */

static void stand_in_line(struct borrower *b, uint64_t now)
{
	struct pool *pool = b->group->pool;

	b->state = LOAN_WAITS;
	b->waits_since = now;
	b->next = NULL;
	if (pool->last)
		pool->last->next = b;
	else
		pool->first = b;
	pool->last = b;
}

static void leave_line(struct borrower *b)
{
	struct pool *pool = b->group->pool;
	struct borrower *before = NULL, *at;

	for (at = pool->first; at && at != b; at = at->next)
		before = at;
	if (!at)
		return;
	if (before)
		before->next = b->next;
	else
		pool->first = b->next;
	if (pool->last == b)
		pool->last = before;
	b->state = LOAN_IDLE;
	loans_count(b, TALLY_WAITED, now_ns() - b->waits_since);
}

/* --- loans --- */

/* The unit gives what it has; when that is nothing, it is waited for. */
static void lend(struct borrower *b, uint64_t now)
{
	struct unit *unit = b->unit;

	unit_replenish(unit, now);
	b->state = unit->budget < UNIT_LEAST ? LOAN_DRAINED : LOAN_LENT;
	if (b->state == LOAN_DRAINED)
		return;
	unit_lend(unit, b->tid, now + unit->budget);
}

static void borrow(struct borrower *b, struct unit *unit, uint64_t now)
{
	unit->borrower = b;
	b->unit = unit;
	b->served = b->answered = false;
	b->depleted = 0;
	b->ran = b->patience = cpu_time(b);
	b->check = 0;
	b->seen->lent = 1;
	loans_count(b, TALLY_BORROWS, 1);
	lend(b, now);
}

/* A free one on its CPU, the freshest; *there: are there any? */
static struct unit *free_unit(const struct borrower *b, uint64_t now, bool *there)
{
	const struct pool *pool = b->group->pool;
	struct unit *found = NULL;
	size_t i;

	*there = false;
	for (i = 0; i < pool->nr_units && !b->strays; i++) {
		struct unit *unit = pool->units[i];

		if (unit->cpu != b->seen->cpu)
			continue;
		*there = true;
		if (unit->borrower)
			continue;
		unit_replenish(unit, now);
		if (!found || unit->budget > found->budget)
			found = unit;
	}
	return found;
}

static void ask(struct borrower *b, uint64_t since)
{
	const bool refused = b->asked && b->how == HISTOGRAM_REFUSED;
	const uint64_t now = now_ns();
	struct unit *unit;
	bool there;

	/* It may have had what it asks for meanwhile: by a loan, and by settle(). */
	if (b->state != LOAN_IDLE || !b->seen->pending)
		return;
	b->asked = since;
	b->how = HISTOGRAM_LOAN;
	unit = free_unit(b, now, &there);
	if (unit) {
		borrow(b, unit, now);
	} else if (there) {
		b->how = HISTOGRAM_WAITED;
		loans_count(b, TALLY_WAITS, 1);
		stand_in_line(b, now);
	} else {
		b->how = HISTOGRAM_REFUSED;
		loans_count(b, TALLY_REFUSED, !refused);
	}
}

void loans_ask_again(struct borrower *b)
{
	if (b->there && is_starved(b))
		ask(b, b->asked ? b->asked : now_ns());
}

/* To the first in line on that CPU who needs it still. */
static void hand_on(struct pool *pool, struct unit *unit)
{
	struct borrower *b = pool->first, *next;

	for (; b && !unit->borrower; b = next) {
		next = b->next;
		if (b->seen->cpu != unit->cpu)
			continue;
		leave_line(b);
		/* Not only if it has no budget now: it may lose that again before it runs. */
		if (b->seen->pending && !b->strays)
			borrow(b, unit, now_ns());
	}
}

/* What came during the loan and was not told asks now: lent goes first, as pending comes first in the programs. */
static void settle(struct borrower *b)
{
	struct unit *unit = b->unit;

	__atomic_store_n(&b->seen->lent, 0, __ATOMIC_SEQ_CST);
	loans_count(b, b->reason, 1);
	b->state = LOAN_IDLE;
	b->unit = NULL;
	b->check = 0;
	unit->borrower = NULL;
	if (unit->pool->there)
		hand_on(unit->pool, unit);
	if (b->there && __atomic_load_n(&b->seen->pending, __ATOMIC_SEQ_CST))
		ask(b, now_ns());
}

static void end(struct borrower *b, enum tally_count reason)
{
	b->reason = reason;
	if (b->state == LOAN_DRAINED) {
		settle(b);
	} else if (b->state == LOAN_LENT) {
		b->state = LOAN_ENDS;
		unit_end(b->unit);
	}
}

void loans_give_up(struct borrower *b)
{
	if (b->state == LOAN_WAITS)
		leave_line(b);
	else
		end(b, TALLY_GONE);
}

static void charge(struct borrower *b)
{
	const uint64_t ran = cpu_time(b);

	b->unit->budget -= ran - b->ran;
	loans_count(b, TALLY_BORROWED, ran - b->ran);
	b->ran = ran;
}

/* The unit's thread lends no more: it was told so, or it is time. */
static void handle_end(struct unit *unit, int error)
{
	struct borrower *b = unit->borrower;
	const uint64_t before = b->ran, now = now_ns();

	charge(b);
	if (b->state == LOAN_ENDS) {
		settle(b);
		return;
	}
	b->state = LOAN_DRAINED;
	if (error != ETIMEDOUT) {
		end(b, TALLY_GONE);
	} else if (unit->budget < UNIT_LEAST) {
		b->depleted++;
		if (b->group->terms.chances && b->depleted >= b->group->terms.chances)
			end(b, TALLY_CHANCES);
	} else if (b->ran == before && b->seen->state == OBSERVE_ASLEEP) {
		/* Stopped by its VMM, say: nobody knows for how long. */
		end(b, TALLY_SLEEP);
	} else {
		lend(b, now);
	}
}

/* By what it does, its own budget is back. */
static enum tally_count own(const struct borrower *b)
{
	return b->served ? TALLY_OWN : TALLY_UNUSED;
}

static void handle_replenishment(struct borrower *b, uint64_t now)
{
	if (is_starved(b) || b->seen->pending)
		lend(b, now);
	else
		end(b, b->seen->state == OBSERVE_ASLEEP ? TALLY_SLEEP : own(b));
}

/* Has it replied, and not got anything more since? */
static bool has_answered(struct borrower *b)
{
	if (b->answered && b->seen->serving) {
		b->answered = false;
		b->patience = cpu_time(b);
	}
	return b->answered;
}

static void handle_check(struct borrower *b, uint64_t now)
{
	const bool answered = has_answered(b);
	const uint64_t limit = answered ? b->group->terms.linger : OBSERVE_PATIENCE, ran = cpu_time(b);
	const uint64_t from = answered && b->seen->replied > b->patience ? b->seen->replied : b->patience;
	const uint64_t idle = ran > from ? ran - from : 0;

	if (idle >= limit)
		end(b, answered ? TALLY_REPLY : TALLY_QUIET);
	else
		b->check = now + (limit - idle);
}

/* --- what the programs tell --- */

/* It has the CPU: a wait is over, whatever budget that is. */
static void dispatched(struct borrower *b, const struct observe_record *record)
{
	const bool on_loan = b->state == LOAN_LENT || b->state == LOAN_ENDS;
	const uint64_t came = b->asked ? b->asked : record->nr_came ? record->came[0] : 0;
	const enum histogram_how how = b->asked ? b->how : on_loan ? HISTOGRAM_LOAN : HISTOGRAM_OWN;

	if (b->state == LOAN_WAITS)
		leave_line(b);
	if (came && record->time > came)
		tally_wait(&b->group->tally, how, record->time - came, clock_ns(CLOCK_REALTIME));
	b->asked = 0;
	if (!on_loan)
		return;
	b->served = true;
	loans_count(b, TALLY_DISPATCHES, 1);
	/* Of a guest that never replied nor halted nobody would see it. */
	if (b->group->terms.reply && b->seen->replied && !b->check)
		b->check = now_ns() + OBSERVE_PATIENCE;
}

static void replied(struct borrower *b)
{
	if (b->state != LOAN_LENT || !b->group->terms.reply)
		return;
	b->answered = true;
	b->patience = 0;
	handle_check(b, now_ns());
}

static bool take(const struct observe_record *record, void *data)
{
	struct borrower *b = find(record->tid);

	(void)data;
	if (!b)
		return true;
	switch (record->kind) {
	case OBSERVE_ASKS:
		ask(b, record->time);
		break;
	case OBSERVE_RUNS:
		dispatched(b, record);
		break;
	case OBSERVE_REPLIES:
		replied(b);
		break;
	case OBSERVE_HALTS:
		end(b, TALLY_SLEEP);
		break;
	default:
		break;
	}
	return true;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return !a || (b && b < a) ? b : a;
}

/* A unit whose time has come; when it comes next. */
static uint64_t look_after(struct unit *unit, uint64_t now)
{
	struct borrower *b;
	int error;

	if (unit_ended(unit, &error) && unit->borrower)
		handle_end(unit, error);
	b = unit->borrower;
	if (b && b->state == LOAN_DRAINED && unit->deadline <= now)
		handle_replenishment(b, now);
	b = unit->borrower;
	if (b && b->state == LOAN_LENT && b->check && b->check <= now)
		handle_check(b, now);
	b = unit->borrower;
	if (!b)
		return 0;
	return b->state == LOAN_DRAINED ? unit->deadline : b->state == LOAN_LENT ? b->check : 0;
}

uint64_t loans_go_on(void)
{
	uint64_t next = 0;
	size_t i, j;

	pthread_mutex_lock(&loans.lock);
	watch_read(loans.watch, take, NULL);
	for (i = 0; i < loans.nr_pools; i++)
		for (j = 0; j < loans.pools[i]->nr_units; j++)
			next = earlier(next, look_after(loans.pools[i]->units[j], now_ns()));
	pthread_mutex_unlock(&loans.lock);
	return next;
}
