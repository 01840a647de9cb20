/* SPDX-License-Identifier: GPL-2.0 */
/* One thing that the kernel has traced, and that tells what an event waits for. */
#ifndef DLSPARE_RECORD_H
#define DLSPARE_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define RECORD_COMM 16
#define RECORD_TEXT 128

enum record_kind {
	RECORD_SWITCH,			/* sched:sched_switch */
	RECORD_WAKING,			/* sched:sched_waking: somebody wakes it */
	RECORD_WAKEUP,			/* sched:sched_wakeup: it is on a run queue */
	RECORD_MIGRATE,			/* sched:sched_migrate_task */
	RECORD_EVENT,			/* sched_spare:sched_spare_*: sched-spare.rst, 6.7 */
	RECORD_WAIT,
	RECORD_REFUSE,
	RECORD_BORROW,
	RECORD_DISPATCH,
	RECORD_REPLY,
	RECORD_RETURN,
	RECORD_OVER,
	RECORD_LATENCY,
	RECORD_FREEZE,			/* cgroup:cgroup_freeze, cgroup_unfreeze */
	RECORD_UNFREEZE,
	RECORD_TIMER,			/* timer:hrtimer_expire_entry */
	RECORD_MARK,			/* ftrace:print: what we have written ourselves */
	RECORD_LOST,			/* the buffer had no room: here some are missing */
	NR_RECORDS
};

/* Where the kernel was when it traced this. */
enum record_context { RECORD_PROCESS, RECORD_SOFTIRQ, RECORD_HARDIRQ };

struct record {
	uint64_t time;			/* ns, of the trace's clock */
	enum record_kind kind;
	int cpu;			/* where it was traced */
	enum record_context context;
	pid_t by;			/* the thread that ran there; 0: none */
	pid_t pid;			/* the thread that it is about; of a switch: the next one; 0: none */
	char comm[RECORD_COMM];		/* its name */
	int prio;			/* its priority in the kernel: below 0 deadline, below 100 real time */
	pid_t prev;			/* of a switch: who ran before */
	char prev_state;		/* R, S, D, T, t, X: why it runs no more, as ps(1) has it */
	int target;			/* the CPU that it is put on */
	bool queued;			/* of an event: its thread is not blocked */
	bool throttled;			/* … has no budget; of a loan: the unit has none */
	bool owes;			/* of a refusal: there are units, and it has to pay first */
	bool again;			/* of an event: it adds nothing to the one before */
	uint64_t ns;			/* of a latency */
	bool refused;			/* … no unit could be had */
	bool loan;			/* … it was on a unit that was there at once */
	uint64_t deadline;		/* of a loan: the unit's */
	int64_t missing;		/* of what was lost; below 1: an unknown number */
	char text[RECORD_TEXT];		/* a group's path, a timer's function, a mark; of a waking and an event: the name of by */
};

#endif
