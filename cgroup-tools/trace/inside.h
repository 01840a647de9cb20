/* SPDX-License-Identifier: GPL-2.0 */
/* What why.c has made of: threads and loans as the trace shows them. */
#ifndef DLSPARE_TRACE_INSIDE_H
#define DLSPARE_TRACE_INSIDE_H

#include <string.h>

#include "trace/why.h"

/* Of a wait: the thread was in that state, and other was on its CPU. */
struct span {
	enum why_state state;
	uint64_t from, to;
	int cpu;
	struct why_other other;
};

struct loan {
	struct why_other who;
	int cpu, slot;
	uint64_t from;			/* 0: before the trace */
	uint64_t to;			/* 0: not yet */
	uint64_t deadline;		/* the unit's: names it as long as it is not replenished */
};

struct thread {
	struct why_thread known;
	bool deadline;			/* its class */
	bool seen;
	bool running;
	char asleep;			/* 0, or as ps(1) has it */
	bool frozen;			/* its group */
	bool loan, drained, in_line, refused;
	int owes;			/* when it was refused last: 1, 0, or -1 when the trace does not tell */
	int cpu;
	uint64_t fresh;			/* drained: when the unit gets its budget; 0: not known */
	struct why_other drained_by;
	uint64_t woken;			/* since it ran last; 0: it was not */
	struct why_other by;		/* who did */
	enum record_context by_context;
	char by_timer[RECORD_TEXT];
	bool served;			/* what it was woken for was an event, whose wait has ended */
	uint64_t called;		/* the first event that it has not got the CPU for; 0: none */
	uint64_t event;			/* the last one, who reported it, where */
	pid_t event_by;
	int event_cpu;
	char group[RECORD_TEXT];	/* that was frozen */
	enum why_state state;
	uint64_t since, state_since;	/* of the span, and of all spans in this state */
	struct why_other other;		/* of the span */
	struct span *spans;		/* since it ran last */
	size_t nr_spans;
};

struct loans {
	struct loan *list;		/* those that have ended, too, for some time */
	size_t nr;
};

/* Does the kernel run it there for work of its own, above all deadlines? Anybody may have that name, but not that priority. */
static inline bool is_stopper(const char *comm, int prio)
{
	return !prio && !strncmp(comm, "migration/", 10);
}

/* What the thread does, by all that is known. */
enum why_state wait_state(const struct thread *thread);
/* Ends the span that lasts; the next one begins. 0, or -1 without memory. */
int wait_cut(struct thread *thread, uint64_t time);
/* A wait ends on the loan that the thread had. 0, or -1 without memory. */
int wait_on_loan(struct thread *thread, uint64_t time);

/* The loan that lasts; NULL: it has none. */
struct loan *loans_open(const struct loans *loans, pid_t pid);
/* The first of a CPU's units that is on no loan, by number. */
int loans_slot(const struct loans *loans, int cpu);
/* With a slot. NULL without memory. */
struct loan *loans_add(struct loans *loans, const struct loan *loan);
/* Who had the unit with this deadline last; its pid is -1: not known. */
struct why_other loans_last(const struct loans *loans, int cpu, uint64_t deadline);

/* Fills in what a wait from late->time, of late->ns, went to. */
void verdict(struct why_late *late, const struct thread *thread, const struct loans *loans);

#endif
