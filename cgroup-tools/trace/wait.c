// SPDX-License-Identifier: GPL-2.0
/* What a thread does, and its waits as a row of spans. */
#include <stdlib.h>

#include "trace/inside.h"

/* A wait in more parts is not looked at any more closely. */
#define MAX_SPANS (1 << 18)
/* By more than the scheduler's clock is off from the trace's, ns. */
#define CLOCKS_DIFFER 100000

const char *const why_states[NR_WHY_STATES] = {
	[WHY_UNSEEN] = "unknown",
	[WHY_RUNS] = "runs",
	[WHY_RUNS_ON_LOAN] = "runs on a loan",
	[WHY_READY] = "waits for the CPU",
	[WHY_IN_LINE] = "waits for a unit",
	[WHY_IS_REFUSED] = "refused: no unit there",
	[WHY_OWES] = "refused: owes",
	[WHY_DRAINED] = "its unit is drained",
	[WHY_LENT] = "has a unit, waits for the CPU",
	[WHY_ASLEEP] = "sleeps",
	[WHY_BLOCKED] = "waits for a page or a disk",
	[WHY_STOPPED] = "stopped",
	[WHY_FROZEN] = "frozen",
};

enum why_state wait_state(const struct thread *thread)
{
	if (thread->running)
		return thread->loan ? WHY_RUNS_ON_LOAN : WHY_RUNS;
	if (!thread->seen)
		return WHY_UNSEEN;
	switch (thread->asleep) {
	case 0:
		break;
	case 'T':
	case 't':
		return WHY_STOPPED;
	case 'D':
		return WHY_BLOCKED;
	default:
		return thread->frozen ? WHY_FROZEN : WHY_ASLEEP;
	}
	if (thread->loan)
		return thread->drained ? WHY_DRAINED : WHY_LENT;
	if (thread->in_line)
		return WHY_IN_LINE;
	if (thread->refused)
		return thread->owes == 1 ? WHY_OWES : WHY_IS_REFUSED;
	return WHY_READY;
}

static int push(struct thread *thread, enum why_state state, uint64_t from, uint64_t to)
{
	/* Doubled whenever it is full. */
	const bool full = !(thread->nr_spans & (thread->nr_spans - 1));
	const bool waits = state != WHY_UNSEEN && state != WHY_RUNS && state != WHY_RUNS_ON_LOAN;
	struct span *spans = thread->spans;

	if (!waits || to <= from || thread->nr_spans >= MAX_SPANS)
		return 0;
	if (full)
		spans = realloc(spans, (thread->nr_spans ? 2 * thread->nr_spans : 1) * sizeof(*spans));
	if (!spans)
		return -1;
	thread->spans = spans;
	spans[thread->nr_spans++] = (struct span){ state, from, to, thread->cpu, thread->other };
	return 0;
}

int wait_cut(struct thread *thread, uint64_t time)
{
	uint64_t from = thread->since;
	int status = 0;

	thread->since = time;
	if (!thread->known.watched)
		return 0;
	/* A drained unit is as good as any when it has its budget: nobody tells. */
	if (thread->state != WHY_DRAINED || !thread->fresh || thread->fresh >= time)
		return push(thread, thread->state, from, time);
	if (thread->fresh > from) {
		status = push(thread, WHY_DRAINED, from, thread->fresh);
		from = thread->fresh;
	}
	return status ? status : push(thread, WHY_LENT, from, time);
}

int wait_on_loan(struct thread *thread, uint64_t time)
{
	int status;
	size_t i;

	if (!thread->drained || thread->drained_by.pid != thread->known.tid || time + CLOCKS_DIFFER >= thread->fresh)
		return 0;
	/* Its unit had budget before it could get the next one: it was not drained, but put off by the fair server. */
	status = wait_cut(thread, time);
	for (i = 0; i < thread->nr_spans; i++)
		if (thread->spans[i].state == WHY_DRAINED)
			thread->spans[i].state = WHY_LENT;
	if (thread->state == WHY_DRAINED)
		thread->state = WHY_LENT;
	thread->drained = false;
	return status;
}
