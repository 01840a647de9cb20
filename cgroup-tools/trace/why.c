// SPDX-License-Identifier: GPL-2.0
#include "trace/why.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace/inside.h"

#define MAX_CPUS 8192
/* A unit's deadline is by the clock of the scheduler; a trace with another one is no measure of it, ns. */
#define MAX_PERIOD 4300000000ull
/* What is woken by an unfreeze is so at once, ns. */
#define UNFREEZE_TAKES 10000000ull

struct cpu {
	struct why_other now;		/* who runs there */
	uint64_t since;			/* 0: not known */
	bool seen;			/* now is known */
	bool told;			/* a thread that is watched has been here */
	uint64_t timer;			/* when the last one fired */
	char timer_function[RECORD_TEXT];
	uint64_t unfreeze;		/* when a group was unfrozen from here */
	pid_t unfreeze_by;
	char unfreeze_group[RECORD_TEXT];
};

struct why {
	uint64_t later_than;
	struct why_listener listener;
	struct thread *threads;
	size_t nr_threads;
	struct cpu *cpus;
	int nr_cpus;
	struct loans loans;
	uint64_t lost;
	bool lost_unknown;
	bool failed;			/* there was no memory */
};

static struct thread *find(const struct why *why, pid_t tid)
{
	size_t i;

	for (i = 0; i < why->nr_threads; i++)
		if (why->threads[i].known.tid == tid)
			return &why->threads[i];
	return NULL;
}

static struct why_other other_of(const struct why *why, pid_t pid, const char *comm, int prio)
{
	const struct thread *thread = find(why, pid);
	struct why_other other = { .pid = pid, .known = thread ? &thread->known : NULL, .prio = prio };

	snprintf(other.comm, sizeof(other.comm), "%s", comm);
	return other;
}

static struct cpu *cpu_of(struct why *why, int number)
{
	struct cpu *cpus;

	if (number < 0 || number >= MAX_CPUS)
		return NULL;
	if (number >= why->nr_cpus) {
		cpus = realloc(why->cpus, (number + 1) * sizeof(*cpus));
		if (!cpus) {
			why->failed = true;
			return NULL;
		}
		memset(cpus + why->nr_cpus, 0, (number + 1 - why->nr_cpus) * sizeof(*cpus));
		why->cpus = cpus;
		why->nr_cpus = number + 1;
	}
	return &why->cpus[number];
}

/* --- states and spans --- */

/* Ends the span that lasts; the next one begins. */
static void cut(struct why *why, struct thread *thread, uint64_t time)
{
	why->failed |= wait_cut(thread, time) != 0;
}

static void tell_span(struct why *why, struct thread *thread, uint64_t time)
{
	if (why->listener.span && thread->known.watched && thread->state != WHY_UNSEEN && time > thread->state_since)
		why->listener.span(&thread->known, thread->state, thread->cpu, thread->state_since, time, why->listener.data);
	thread->state_since = time;
}

/* What is known of the thread has changed, or who runs on its CPU. */
static void look(struct why *why, struct thread *thread, uint64_t time)
{
	enum why_state state = wait_state(thread);
	struct cpu *cpu = cpu_of(why, thread->cpu);

	cut(why, thread, time);
	if (state != thread->state) {
		tell_span(why, thread, time);
		thread->state = state;
	}
	thread->other = cpu && cpu->seen ? cpu->now : (struct why_other){ .pid = -1 };
	if (cpu && thread->known.watched)
		cpu->told = true;
}

static void place(struct why *why, struct thread *thread, int cpu, uint64_t time)
{
	if (cpu < 0 || cpu == thread->cpu)
		return;
	cut(why, thread, time);
	tell_span(why, thread, time);
	thread->cpu = cpu;
}

/* --- what is late --- */

static void judge(struct why *why, struct thread *thread, struct why_late *late, uint64_t time)
{
	if (!thread->known.watched || late->ns < why->later_than)
		return;
	cut(why, thread, time);
	late->thread = &thread->known;
	late->cpu = thread->cpu;
	verdict(late, thread, &why->loans);
	why->listener.late(late, why->listener.late_data);
}

/* The thread was woken, and got the CPU now, or waits still. */
static void judge_wake(struct why *why, struct thread *thread, uint64_t time, bool waits)
{
	struct why_late late = { .time = thread->woken, .ns = time - thread->woken, .waits = waits, .owes = 1 };

	if (thread->woken && !thread->served && time > thread->woken)
		judge(why, thread, &late, time);
}

/* What was reported has got its thread the CPU. */
static void tell_event(struct why *why, struct thread *thread, uint64_t time)
{
	if (thread->event && thread->known.watched && why->listener.event)
		why->listener.event(thread->event_cpu, thread->event_by, thread->event, &thread->known, time,
				    why->listener.data);
	thread->event = 0;
}

/* For what came then, or for something else long before? */
static bool was_woken_for(const struct why *why, const struct thread *thread, uint64_t event)
{
	return event < thread->woken + why->later_than;
}

static void judge_event(struct why *why, struct thread *thread, const struct record *record)
{
	uint64_t ns = record->ns < record->time ? record->ns : record->time;
	struct why_late late = { .time = record->time - ns, .ns = ns, .reported = true, .owes = 1 };

	/* A refusal that stands is not told again. */
	if (record->refused)
		late.owes = thread->owes;
	why->failed |= record->loan && wait_on_loan(thread, record->time);
	judge(why, thread, &late, record->time);
	thread->served = was_woken_for(why, thread, late.time);
	thread->called = 0;
	if (thread->running)
		tell_event(why, thread, record->time);
}

/* --- switches and wake-ups --- */

static void leaves(struct why *why, struct thread *thread, const struct record *record)
{
	cut(why, thread, record->time);
	place(why, thread, record->cpu, record->time);
	thread->seen = true;
	thread->running = false;
	thread->asleep = record->prev_state == 'R' ? 0 : record->prev_state;
	thread->woken = 0;
	thread->served = false;
	if (thread->asleep) {
		thread->in_line = thread->refused = false;
	} else if (thread->loan && record->prio >= 0 && !is_stopper(record->comm, record->prio)) {
		/* Nothing above it came: the unit has no budget left. */
		thread->drained = true;
		thread->drained_by = other_of(why, record->prev, thread->known.comm ? thread->known.comm : "", -1);
	}
}

static void comes(struct why *why, struct thread *thread, const struct record *record)
{
	place(why, thread, record->cpu, record->time);
	judge_wake(why, thread, record->time, false);
	thread->deadline = record->prio < 0;
	thread->seen = thread->running = true;
	thread->asleep = 0;
	thread->drained = thread->in_line = false;
	thread->woken = thread->called = 0;
	/* cut() has what came before; now it runs. */
	look(why, thread, record->time);
	thread->nr_spans = 0;
	tell_event(why, thread, record->time);
}

static void take_switch(struct why *why, const struct record *record)
{
	struct cpu *cpu = cpu_of(why, record->cpu);
	struct thread *prev = find(why, record->prev), *next = find(why, record->pid);
	size_t i;

	if (!cpu)
		return;
	if (cpu->seen && cpu->told && why->listener.ran && record->time > cpu->since)
		why->listener.ran(record->cpu, &cpu->now, cpu->since, record->time, why->listener.data);
	if (prev)
		leaves(why, prev, record);
	cpu->now = other_of(why, record->pid, record->pid ? record->comm : "", record->prio);
	cpu->since = record->time;
	cpu->seen = true;
	for (i = 0; i < why->nr_threads; i++) {
		struct thread *thread = &why->threads[i];

		if (thread->cpu == record->cpu && thread != next && thread->known.watched && !thread->running &&
		    (!thread->asleep || thread == prev))
			look(why, thread, record->time);
	}
	if (next)
		comes(why, next, record);
}

static bool is_below(const char *group, const char *path)
{
	/* Longer than a record has room for: all that is known of it is how it begins. */
	const bool cut = strlen(path) == RECORD_TEXT - 1;
	size_t length;

	path += *path == '/';
	length = strlen(path);
	return group && !strncmp(group, path, length) && (cut || !length || !group[length] || group[length] == '/');
}

/* Where the trace begins later, or the group is not known: who was frozen is woken by who ends that. */
static void thaw(struct why *why, struct thread *thread, const struct record *record)
{
	struct cpu *cpu = cpu_of(why, record->cpu);

	if (!cpu || !cpu->unfreeze || cpu->unfreeze_by != record->by || record->time - cpu->unfreeze > UNFREEZE_TAKES ||
	    record->context != RECORD_PROCESS || thread->state != WHY_ASLEEP)
		return;
	if (thread->known.group && !is_below(thread->known.group, cpu->unfreeze_group))
		return;
	thread->state = WHY_FROZEN;
	strcpy(thread->group, cpu->unfreeze_group);
}

static void take_waking(struct why *why, const struct record *record)
{
	struct thread *thread = find(why, record->pid);
	struct cpu *cpu = cpu_of(why, record->cpu);

	if (!thread || thread->running || (thread->seen && !thread->asleep))
		return;
	thread->deadline = record->prio < 0;
	thaw(why, thread, record);
	cut(why, thread, record->time);
	thread->seen = true;
	thread->asleep = 0;
	thread->woken = record->time;
	thread->served = false;
	thread->by = other_of(why, record->by, record->text, 0);
	thread->by_context = record->context;
	*thread->by_timer = 0;
	if (cpu && cpu->timer && record->context == RECORD_HARDIRQ && record->time - cpu->timer < UNFREEZE_TAKES)
		snprintf(thread->by_timer, sizeof(thread->by_timer), "%s", cpu->timer_function);
	place(why, thread, record->target, record->time);
	look(why, thread, record->time);
}

static void take_wakeup(struct why *why, const struct record *record)
{
	struct thread *thread = find(why, record->pid);

	if (!thread || thread->running)
		return;
	/* A trace without sched_waking does not tell who. */
	if (thread->asleep || !thread->seen) {
		thread->deadline = record->prio < 0;
		thread->seen = true;
		thread->asleep = 0;
		thread->woken = record->time;
		thread->by = (struct why_other){ .pid = -1 };
	}
	place(why, thread, record->target, record->time);
	look(why, thread, record->time);
}

/* --- loans --- */

static struct loan *add_loan(struct why *why, const struct record *record, int cpu, uint64_t from)
{
	struct loan loan = { .who = other_of(why, record->pid, record->comm, 0), .cpu = cpu, .from = from,
			     .deadline = record->deadline };
	struct loan *added = loans_add(&why->loans, &loan);

	why->failed |= !added;
	return added;
}

static void take_borrow(struct why *why, struct thread *thread, const struct record *record)
{
	int cpu = thread && thread->cpu >= 0 ? thread->cpu : record->cpu;

	if (thread) {
		thread->loan = true;
		thread->in_line = thread->refused = false;
		thread->drained = record->throttled;
		thread->drained_by = loans_last(&why->loans, cpu, record->deadline);
		thread->fresh = 0;
		if (record->deadline > record->time && record->deadline - record->time < MAX_PERIOD)
			thread->fresh = record->deadline;
	}
	add_loan(why, record, cpu, record->time);
}

/* Here it runs, so this is its CPU. */
static void take_dispatch(struct why *why, struct thread *thread, const struct record *record)
{
	struct loan *loan = loans_open(&why->loans, record->pid);

	if (!loan)
		loan = add_loan(why, record, record->cpu, 0);
	if (loan && loan->cpu != record->cpu) {
		loan->slot = loans_slot(&why->loans, record->cpu);
		loan->cpu = record->cpu;
	}
	if (loan)
		loan->deadline = record->deadline;
	if (!thread)
		return;
	thread->loan = true;
	thread->fresh = 0;
	if (record->deadline > record->time && record->deadline - record->time < MAX_PERIOD)
		thread->fresh = record->deadline;
}

static void take_return(struct why *why, struct thread *thread, const struct record *record)
{
	struct loan *loan = loans_open(&why->loans, record->pid);

	if (!loan)
		loan = add_loan(why, record, thread && thread->cpu >= 0 ? thread->cpu : record->cpu, 0);
	if (loan) {
		loan->to = record->time;
		loan->deadline = record->deadline;
		if (why->listener.loan && loan->from)
			why->listener.loan(loan->cpu, loan->slot, &loan->who, loan->from, loan->to, why->listener.data);
	}
	if (thread)
		thread->loan = thread->drained = false;
}

/* --- events --- */

static void take_event(struct why *why, struct thread *thread, const struct record *record)
{
	thread->deadline = true;
	/* What was not traced yet, or is lost. */
	if (!thread->running && record->queued)
		thread->asleep = 0;
	else if (!thread->running && !thread->asleep && !thread->woken)
		thread->asleep = 'S';
	thread->seen = true;
	if (!thread->running && !thread->called)
		thread->called = record->time;
	if (!thread->event && !(thread->running && record->again)) {
		thread->event = record->time;
		thread->event_by = record->by;
		thread->event_cpu = record->cpu;
	}
	if (thread->running)
		tell_event(why, thread, record->time);
}

static void take_spare(struct why *why, const struct record *record)
{
	struct thread *thread = find(why, record->pid);

	switch (record->kind) {
	case RECORD_BORROW:
		take_borrow(why, thread, record);
		break;
	case RECORD_DISPATCH:
		take_dispatch(why, thread, record);
		break;
	case RECORD_RETURN:
		take_return(why, thread, record);
		break;
	default:
		break;
	}
	if (!thread)
		return;
	switch (record->kind) {
	case RECORD_EVENT:
		take_event(why, thread, record);
		break;
	case RECORD_WAIT:
		thread->in_line = true;
		thread->refused = false;
		break;
	case RECORD_REFUSE:
		thread->refused = true;
		thread->in_line = false;
		thread->owes = record->owes;
		break;
	case RECORD_OVER:
		thread->in_line = thread->refused = false;
		thread->called = thread->event = 0;
		break;
	case RECORD_LATENCY:
		judge_event(why, thread, record);
		break;
	default:
		break;
	}
	look(why, thread, record->time);
}

/* --- groups --- */

static void take_freeze(struct why *why, const struct record *record)
{
	const bool freeze = record->kind == RECORD_FREEZE;
	struct cpu *cpu = cpu_of(why, record->cpu);
	size_t i;

	/* Of a group and those below it, the one that was written to comes first. */
	if (cpu && !freeze && (cpu->unfreeze_by != record->by || record->time - cpu->unfreeze > UNFREEZE_TAKES))
		strcpy(cpu->unfreeze_group, record->text);
	if (cpu && !freeze) {
		cpu->unfreeze = record->time;
		cpu->unfreeze_by = record->by;
	}
	for (i = 0; i < why->nr_threads; i++) {
		struct thread *thread = &why->threads[i];

		if (thread->frozen == freeze || !is_below(thread->known.group, record->text))
			continue;
		thread->frozen = freeze;
		if (freeze)
			strcpy(thread->group, record->text);
		look(why, thread, record->time);
	}
}

/* --- the whole --- */

static void take_timer(struct why *why, const struct record *record)
{
	struct cpu *cpu = cpu_of(why, record->cpu);

	if (!cpu)
		return;
	cpu->timer = record->time;
	strcpy(cpu->timer_function, record->text);
}

int why_take(struct why *why, const struct record *record)
{
	struct thread *thread;

	switch (record->kind) {
	case RECORD_SWITCH:
		take_switch(why, record);
		break;
	case RECORD_WAKING:
		take_waking(why, record);
		break;
	case RECORD_WAKEUP:
		take_wakeup(why, record);
		break;
	case RECORD_MIGRATE:
		thread = find(why, record->pid);
		if (!thread || thread->running)
			break;
		thread->in_line = thread->refused = false;
		place(why, thread, record->target, record->time);
		look(why, thread, record->time);
		break;
	case RECORD_FREEZE:
	case RECORD_UNFREEZE:
		take_freeze(why, record);
		break;
	case RECORD_TIMER:
		take_timer(why, record);
		break;
	case RECORD_LOST:
		why->lost += record->missing > 0 ? record->missing : 0;
		why->lost_unknown |= record->missing <= 0;
		break;
	case RECORD_MARK:
		break;
	default:
		take_spare(why, record);
	}
	return why->failed ? -1 : 0;
}

/* What has not got the CPU yet: an event, and what the thread was woken for before. */
static void judge_waiting(struct why *why, struct thread *thread, uint64_t time)
{
	struct why_late late = { .time = thread->called, .ns = time - thread->called, .waits = true, .reported = true, .owes = 1 };

	if (thread->running)
		return;
	if (thread->called && time > thread->called) {
		judge(why, thread, &late, time);
		thread->served |= was_woken_for(why, thread, thread->called);
	}
	judge_wake(why, thread, time, true);
}

int why_end(struct why *why, uint64_t time)
{
	size_t i;

	for (i = 0; i < why->nr_threads; i++) {
		judge_waiting(why, &why->threads[i], time);
		tell_span(why, &why->threads[i], time);
	}
	for (i = 0; i < why->loans.nr; i++) {
		const struct loan *loan = &why->loans.list[i];

		if (!loan->to && loan->from && loan->from < time && why->listener.loan)
			why->listener.loan(loan->cpu, loan->slot, &loan->who, loan->from, time, why->listener.data);
	}
	for (i = 0; i < (size_t)why->nr_cpus; i++) {
		const struct cpu *cpu = &why->cpus[i];

		if (cpu->seen && cpu->told && why->listener.ran && time > cpu->since)
			why->listener.ran(i, &cpu->now, cpu->since, time, why->listener.data);
	}
	return why->failed ? -1 : 0;
}

int why_add(struct why *why, const struct why_thread *known)
{
	struct thread *threads = realloc(why->threads, (why->nr_threads + 1) * sizeof(*threads));

	if (!threads)
		return -1;
	why->threads = threads;
	threads[why->nr_threads++] = (struct thread){ .known = *known, .cpu = known->cpu, .frozen = known->frozen, .owes = -1,
						      .by = { .pid = -1 }, .other = { .pid = -1 } };
	if (known->frozen && known->group)
		snprintf(threads[why->nr_threads - 1].group, RECORD_TEXT, "/%s", known->group);
	return 0;
}

uint64_t why_lost(const struct why *why, bool *unknown)
{
	*unknown = why->lost_unknown;
	return why->lost;
}

bool why_saw(const struct why *why, pid_t tid)
{
	const struct thread *thread = find(why, tid);

	return thread && thread->seen;
}

struct why *why_new(uint64_t later_than, const struct why_listener *listener)
{
	struct why *why = calloc(1, sizeof(*why));

	if (why) {
		why->later_than = later_than;
		why->listener = *listener;
	}
	return why;
}

void why_free(struct why *why)
{
	size_t i;

	for (i = 0; why && i < why->nr_threads; i++)
		free(why->threads[i].spans);
	if (why) {
		free(why->threads);
		free(why->cpus);
		free(why->loans.list);
	}
	free(why);
}
