// SPDX-License-Identifier: GPL-2.0
/* What a wait went to: the most of it is the cause. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace/inside.h"

#define PRIO_FAIR 100			/* MAX_RT_PRIO: from here on */

const char *const why_causes[NR_WHY_CAUSES] = {
	[WHY_UNKNOWN] = "unknown",
	[WHY_NO_UNIT] = "no-unit",
	[WHY_NOT_FRESH] = "not-fresh",
	[WHY_REFUSED] = "refused",
	[WHY_CHARGED] = "charged",
	[WHY_NOT_EVENT] = "not-an-event",
	[WHY_IO_THREAD] = "io-thread",
	[WHY_HOST] = "host",
	[WHY_FROZE] = "frozen",
	[WHY_WAS_STOPPED] = "stopped",
	[WHY_SLEPT] = "asleep",
	[WHY_EARLIER] = "earlier-deadline",
	[WHY_DEPLETED] = "depleted",
};

/* Who had the CPU, or the units, of that part of the wait. */
struct crowd {
	struct why_other *list;
	size_t nr;
};

static void crowd_add(struct crowd *crowd, const struct why_other *other, uint64_t ns)
{
	struct why_other *list;
	size_t i;

	for (i = 0; i < crowd->nr && crowd->list[i].pid != other->pid; i++)
		;
	if (i == crowd->nr) {
		list = realloc(crowd->list, (crowd->nr + 1) * sizeof(*list));
		/* Without memory one is not named. */
		if (!list)
			return;
		crowd->list = list;
		list[crowd->nr++].ns = 0;
	}
	ns += crowd->list[i].ns;
	/* It may have another name since: the last one counts. */
	crowd->list[i] = *other;
	crowd->list[i].ns = ns;
}

static int by_time(const void *a, const void *b)
{
	const struct why_other *one = a, *two = b;

	if (one->ns != two->ns)
		return one->ns < two->ns ? 1 : -1;
	return one->pid < two->pid ? -1 : one->pid > two->pid;
}

static void crowd_name(struct crowd *crowd, struct why_late *late)
{
	size_t i;

	if (crowd->nr)
		qsort(crowd->list, crowd->nr, sizeof(*crowd->list), by_time);
	for (i = 0; i < crowd->nr && i < WHY_OTHERS; i++)
		late->others[i] = crowd->list[i];
	late->nr_others = crowd->nr;
	free(crowd->list);
}

/* The part of the span that is in the wait. */
static uint64_t overlap(const struct span *span, const struct why_late *late)
{
	uint64_t from = span->from > late->time ? span->from : late->time;
	uint64_t to = span->to < late->time + late->ns ? span->to : late->time + late->ns;

	return to > from ? to - from : 0;
}

static bool is_idle(const struct why_other *other)
{
	return other->pid == 0;
}

static bool is_known(const struct why_other *other)
{
	return other->pid >= 0;
}

/* What could run did not: by who ran on its CPU. */
static enum why_cause cause_of_ready(const struct span *span, const struct why_late *late, const struct thread *thread)
{
	const struct why_other *other = &span->other;

	if (thread->known.role == WHY_IO)
		return is_known(other) ? WHY_IO_THREAD : WHY_UNKNOWN;
	if (late->owes != 1 && span->state == WHY_READY)
		return WHY_REFUSED;
	if (!is_known(other))
		return WHY_UNKNOWN;
	if (!is_idle(other) && other->prio < 0)
		return WHY_EARLIER;
	if (!is_idle(other) && other->prio < PRIO_FAIR)
		return WHY_HOST;
	if (!thread->deadline)
		return is_idle(other) ? WHY_UNKNOWN : WHY_HOST;
	/* Below all deadlines, unless the fair server has one. */
	if (span->state == WHY_LENT)
		return is_idle(other) ? WHY_HOST : WHY_EARLIER;
	return late->reported ? WHY_DEPLETED : WHY_NOT_EVENT;
}

static enum why_cause cause_of(const struct span *span, const struct why_late *late, const struct thread *thread)
{
	switch (span->state) {
	case WHY_READY:
	case WHY_LENT:
		return cause_of_ready(span, late, thread);
	case WHY_IN_LINE:
		return WHY_NO_UNIT;
	case WHY_IS_REFUSED:
		return WHY_REFUSED;
	case WHY_OWES:
		return WHY_CHARGED;
	case WHY_DRAINED:
		return WHY_NOT_FRESH;
	case WHY_ASLEEP:
	case WHY_BLOCKED:
		return WHY_SLEPT;
	case WHY_STOPPED:
		return WHY_WAS_STOPPED;
	case WHY_FROZEN:
		return WHY_FROZE;
	default:
		return WHY_UNKNOWN;
	}
}

/* Two pools may have units on the same CPU. */
static bool may_be_of_its_pool(const struct loan *loan, const struct thread *thread)
{
	const struct why_thread *who = loan->who.known;

	return !who || !who->pool || !thread->known.pool || !strcmp(who->pool, thread->known.pool);
}

static void add_holders(struct crowd *crowd, const struct span *span, const struct why_late *late,
			const struct thread *thread, const struct loans *loans)
{
	const uint64_t from = span->from > late->time ? span->from : late->time, end = late->time + late->ns;
	const uint64_t to = span->to < end ? span->to : end;
	size_t i;

	for (i = 0; i < loans->nr; i++) {
		const struct loan *loan = &loans->list[i];
		const uint64_t began = loan->from > from ? loan->from : from, ended = loan->to && loan->to < to ? loan->to : to;

		if (loan->cpu == span->cpu && loan->who.pid != thread->known.tid && ended > began &&
		    may_be_of_its_pool(loan, thread))
			crowd_add(crowd, &loan->who, ended - began);
	}
}

static void tell_cause(struct why_late *late, const struct thread *thread, const struct loans *loans)
{
	struct crowd crowd = { 0 };
	size_t i;

	for (i = 0; i < thread->nr_spans; i++) {
		const struct span *span = &thread->spans[i];
		const uint64_t ns = overlap(span, late);

		if (!ns || cause_of(span, late, thread) != late->cause)
			continue;
		late->cpu = span->cpu;
		late->blocked |= span->state == WHY_BLOCKED;
		if (late->cause == WHY_NO_UNIT)
			add_holders(&crowd, span, late, thread, loans);
		else if (late->cause == WHY_EARLIER || late->cause == WHY_HOST || late->cause == WHY_IO_THREAD)
			crowd_add(&crowd, &span->other, ns);
	}
	if (late->cause == WHY_NOT_FRESH && is_known(&thread->drained_by))
		crowd_add(&crowd, &thread->drained_by, late->cause_ns);
	crowd_name(&crowd, late);
	late->fair_server = late->cause == WHY_EARLIER && late->nr_others && late->others[0].prio >= PRIO_FAIR;
	if (late->cause == WHY_NOT_FRESH && thread->fresh > late->time)
		late->fresh = thread->fresh - late->time;
	if (late->cause == WHY_REFUSED && late->owes == 1)
		late->owes = 0;
}

void verdict(struct why_late *late, const struct thread *thread, const struct loans *loans)
{
	uint64_t sums[NR_WHY_CAUSES] = { 0 };
	int cause;
	size_t i;

	for (i = 0; i < thread->nr_spans; i++)
		sums[cause_of(&thread->spans[i], late, thread)] += overlap(&thread->spans[i], late);
	for (cause = 0; cause < NR_WHY_CAUSES; cause++)
		if (sums[cause] > sums[late->cause])
			late->cause = cause;
	late->cause_ns = sums[late->cause];
	tell_cause(late, thread, loans);

	late->by = thread->by;
	if (!thread->woken)
		late->by.pid = -1;
	late->by_context = thread->by_context;
	if (late->cause == WHY_FROZE)
		snprintf(late->text, sizeof(late->text), "%s", thread->group);
	else if (late->by_context == RECORD_HARDIRQ)
		snprintf(late->text, sizeof(late->text), "%s", thread->by_timer);
}
