/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Why events are late: records in the order of time go in, what was late and what it has waited for comes out. Pure: it
 * asks no kernel.
 *
 * A thread is in one of the states below, and each of its waits is a row of spans in which it was in one of them, while
 * somebody else ran on its CPU. What most of a late event's wait went to is its cause.
 */
#ifndef DLSPARE_WHY_H
#define DLSPARE_WHY_H

#include "trace/record.h"

struct why;

enum why_role { WHY_VCPU, WHY_IO };

/* A thread that the caller knows. The texts are the caller's, and stay. */
struct why_thread {
	pid_t tid;
	const char *vm;
	enum why_role role;
	int number;			/* of the vCPU; -1: not known */
	const char *comm;
	const char *pool;		/* NULL: not known, or none */
	const char *group;		/* NULL: not known */
	int cpu;			/* where it is when the trace begins; -1: not known */
	bool frozen;			/* … its group is */
	bool watched;			/* its late events are asked for */
};

enum why_state {
	WHY_UNSEEN,			/* nothing is known of it yet */
	WHY_RUNS,
	WHY_RUNS_ON_LOAN,
	WHY_READY,			/* could run, and has not asked for a unit */
	WHY_IN_LINE,			/* no unit is free */
	WHY_IS_REFUSED,			/* there is no unit for it */
	WHY_OWES,			/* … before it has paid */
	WHY_DRAINED,			/* has a unit, which has no budget yet */
	WHY_LENT,			/* has a unit with budget */
	WHY_ASLEEP,
	WHY_BLOCKED,			/* sleeps, and no signal wakes it: a page, the disk */
	WHY_STOPPED,
	WHY_FROZEN,
	NR_WHY_STATES
};

enum why_cause {
	WHY_UNKNOWN,			/* the trace does not say */
	WHY_NO_UNIT,			/* others: who had them */
	WHY_NOT_FRESH,			/* others: who had drained it */
	WHY_REFUSED,
	WHY_CHARGED,
	WHY_NOT_EVENT,			/* by: who has woken it; its budget was gone */
	WHY_IO_THREAD,			/* others: who ran there; 0: nobody */
	WHY_HOST,			/* others: those that are no deadline threads */
	WHY_FROZE,
	WHY_WAS_STOPPED,
	WHY_SLEPT,			/* by: who has woken it */
	WHY_EARLIER,			/* others: the deadline threads, or those that the fair server served */
	WHY_DEPLETED,			/* its budget was gone, and it did not ask for a unit */
	NR_WHY_CAUSES
};

/* "no-unit", as --json has them. */
extern const char *const why_causes[NR_WHY_CAUSES];
/* "in line", as a timeline has them. */
extern const char *const why_states[NR_WHY_STATES];

struct why_other {
	pid_t pid;			/* 0: nobody */
	char comm[RECORD_COMM];		/* "": not known */
	const struct why_thread *known;	/* NULL: not */
	int prio;			/* as in a record; of a loan's borrower 0 */
	uint64_t ns;			/* of the wait that it had the CPU or the unit */
};

#define WHY_OTHERS 3

struct why_late {
	uint64_t time;			/* when it came */
	uint64_t ns;			/* for how long it waited */
	bool waits;			/* … and it waits still */
	bool reported;			/* it was an event; otherwise the thread was woken, and that is all */
	const struct why_thread *thread;
	int cpu;			/* -1: not known */
	enum why_cause cause;
	uint64_t cause_ns;		/* so much of it */
	struct why_other others[WHY_OTHERS];	/* the longest first */
	int nr_others;			/* there may be more than are named */
	struct why_other by;
	enum record_context by_context;
	char text[RECORD_TEXT];		/* frozen: the group; not an event: the timer's function */
	bool blocked;			/* slept: no signal would have woken it */
	bool fair_server;		/* earlier: it was the fair server's */
	int owes;			/* refused: 0 no unit there, -1 not known which */
	uint64_t fresh;			/* not fresh: so long after it came the unit had its budget; 0: not known */
};

/* What is told while the records go in. All but late may be NULL. */
struct why_listener {
	void (*late)(const struct why_late *late, void *late_data);
	void *late_data;
	void (*span)(const struct why_thread *thread, enum why_state state, int cpu, uint64_t from, uint64_t to, void *data);
	/* slot: of the units of that CPU, by number. */
	void (*loan)(int cpu, int slot, const struct why_other *who, uint64_t from, uint64_t to, void *data);
	void (*ran)(int cpu, const struct why_other *who, uint64_t from, uint64_t to, void *data);
	/* From who reported it, there, to the thread that got the CPU for it. */
	void (*event)(int cpu, pid_t by, uint64_t from, const struct why_thread *thread, uint64_t to, void *data);
	void *data;
};

/* What is late waits for later_than ns, or longer. NULL without memory. */
struct why *why_new(uint64_t later_than, const struct why_listener *listener);
void why_free(struct why *why);
/* Before the first record. The thread is copied. 0, or -1 without memory. */
int why_add(struct why *why, const struct why_thread *thread);
/* Takes the next record. 0, or -1 without memory. */
int why_take(struct why *why, const struct record *record);
/* There are no more: tells of what waits still at that time. */
int why_end(struct why *why, uint64_t time);
/* So many records were lost; *unknown: at least. */
uint64_t why_lost(const struct why *why, bool *unknown);
/* Has it run, slept or waited in the trace? */
bool why_saw(const struct why *why, pid_t tid);

/* What it waited for, as administrators say it. Returns text. */
#define WHY_WORDS 640
char *why_words(char text[WHY_WORDS], const struct why_late *late);

#endif
