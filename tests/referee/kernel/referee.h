/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KERNEL_SCHED_REFEREE_H
#define _KERNEL_SCHED_REFEREE_H

/*
 * A referee of deadline scheduling and of spare reservations: looks on by
 * tracepoints, keeps books of its own, and says what is against the rules.
 * See tests/referee/README.md.
 *
 * Times are in ns. What runs is timed by the run queue's clock, that it is
 * charged by. A thread's and a unit's books, and a CPU's, are protected by the
 * lock of the run queue they are on.
 */

#include <linux/mm.h>
#include <linux/mmu_context.h>
#include <linux/sched/clock.h>
#include <linux/sched/cputime.h>

#include "../sched.h"

/* Shares of a CPU, and levels of buckets, have so many bits behind the point. */
#define REFEREE_SHIFT	20

/* What a wake-up may gain: mainline's CBS compares in units of 1024 ns. */
#define REFEREE_WAKEUP_GAIN	2048

enum referee_rule {
	REFEREE_UNPAID,		/* a deadline thread runs, and nobody pays */
	REFEREE_SUPPLY_OWN,	/* a reservation gave more than Q every P */
	REFEREE_SUPPLY_UNIT,	/* a unit gave more than Qs every Ps */
	REFEREE_SUPPLY_CHARGED,	/* a thread that pays had more than it may owe */
	REFEREE_ORDER,		/* not the earliest deadline runs */
	REFEREE_LATE,		/* a reservation missed its deadline */
	REFEREE_LOAN,		/* a loan, its begin or end, has no reason */
	REFEREE_LOST,		/* an event that is not over was forgotten */
	REFEREE_LINE,		/* served before one that had asked earlier */
	REFEREE_LATENCY,	/* cpu.spare.latency counts another wait than there was */
	REFEREE_COUNTERS,	/* cpu.spare.stat is not what happened */
	REFEREE_BANDWIDTH,	/* the sums are not those of their parts */
	REFEREE_RULES,
};

/* What was looked at, or left out, and how often. */
enum referee_count {
	REFEREE_SWITCHES,	/* context switches from, to or over deadline entities */
	REFEREE_CHARGES,	/* charges of deadline threads */
	REFEREE_LOOKS,		/* looks at a run queue with deadline entities */
	REFEREE_LOANS,
	REFEREE_DISPATCHES,
	REFEREE_SKIP_BOOSTED,	/* stints of threads with another's priority */
	REFEREE_SKIP_RECLAIM,	/* stints with SCHED_FLAG_RECLAIM */
	REFEREE_SKIP_SCALED,	/* stints on CPUs that are slow at the moment */
	REFEREE_SKIP_COOKIE,	/* picks by core scheduling */
	REFEREE_SKIP_LATE,	/* deadlines missed where that is allowed */
	REFEREE_SKIP_FULL,	/* no room in a book */
	REFEREE_COUNTS,
};

/* By group, in the order of cpu.spare.stat. */
enum referee_tally_item {
	REFEREE_TALLY_EVENTS,
	REFEREE_TALLY_BORROWS,
	REFEREE_TALLY_WAITS,
	REFEREE_TALLY_DISPATCHES,
	REFEREE_TALLY_BORROWED,
	REFEREE_TALLY_RETURNED,	/* + enum spare_return_reason */
	REFEREE_TALLY_ITEMS = REFEREE_TALLY_RETURNED + SPARE_RETURN_GONE + 1,
};

enum referee_longest {
	REFEREE_MAX_UNPAID,	/* nobody pays, within what is allowed */
	REFEREE_MAX_TIMER,	/* a timer's interrupt, while a deadline thread ran */
	REFEREE_MAX_LATE,	/* an entity was late, within what is allowed */
	REFEREE_MAXIMA,
};

/**
 * struct referee_bucket - what an entity has had, against what it may have
 * @runtime: Q
 * @period: P
 * @share: Q/P
 * @old_share: a larger one that it had before, if not 0
 * @old_until: when the last budget under @old_share must be over
 * @level: rises while it runs, falls at its share always; not below 0
 * @burst: the largest Q(1-U) since @level was 0
 * @slack: what else was allowed since @level was 0
 * @overrun: by how much the last budget was overrun; a unit's only
 * @since: up to when @level is known
 */
struct referee_bucket {
	u64	runtime;
	u64	period;
	u64	share;
	u64	old_share;
	u64	old_until;
	s64	level;
	u64	burst;
	u64	slack;
	u64	overrun;
	u64	since;
};

/**
 * struct referee_unit - a unit
 * @dl: whose books these are; NULL: free
 * @supply: what it gave, to whomever
 * @borrower: who has it
 * @fresh: while it is free, when it has or had a whole budget again
 */
struct referee_unit {
	struct sched_dl_entity	*dl;
	struct referee_bucket	supply;
	struct task_struct	*borrower;
	u64			fresh;
};

/**
 * struct referee_thread - a SCHED_DEADLINE thread
 * @task: whose books these are; NULL: free
 * @own: what its own reservation gave it
 * @all: what that and loans gave it, while loans are charged to it
 * @pays: they are
 * @largest_unit: runtime of the largest unit since @all was empty
 * @ran: since the last settlement
 * @charged: of that
 * @told: that nobody pays was reported since then
 * @unpaid: of @ran, on its own drained budget
 * @own_drained: it has just drained that
 * @excused: of @ran, until that was replenished and it ran: nobody need pay
 * @drained: when it drained the unit that it runs on, since then
 * @skip_until: it was boosted, or is not looked at for another reason
 * @loan: the unit it has
 * @dispatched: it was dispatched on it, and is about to be switched to
 * @dispatches: of this loan
 * @least_drained, @most_drained: how often it has drained units for what came last
 * @chances: how often it might when it did last; UINT_MAX: it has not
 * @surely_fresh: its unit had a whole budget when it was lent, and still has
 * @surely_leftover: it had not, and has not been drained since
 * @due: an event is not over
 * @served: it was dispatched on a loan since the last event
 * @again: an event came during the loan
 * @replied: it has replied since the last event
 * @source: the pool it has that from, or waits for; NULL: not known
 * @source_group: the group it was in when @source was seen
 * @group: the group it was in when its loan ended
 * @asked: when it first asked for a unit, 0: it has not, or was dispatched since
 * @asks_from: it cannot have asked before: its event came, or it was dispatched. It asks
 *	untold where it is given no unit because its own deadline is earlier
 * @unentitled: since when it borrows and should not, 0: it does not
 * @waits_on: where it is in line
 * @called: when what it was not dispatched for yet came, by its CPU's clock; 0: nothing
 * @left: when it had the CPU last, by the run queue's clock
 * @overran: how long before that its budget may have ended
 */
struct referee_thread {
	struct task_struct	*task;
	struct referee_bucket	own;
	struct referee_bucket	all;
	bool			pays;
	u64			largest_unit;
	s64			ran;
	s64			charged;
	bool			told;
	u64			unpaid;
	bool			own_drained;
	u64			excused;
	u64			drained;
	u64			skip_until;

	struct referee_unit	*loan;
	bool			dispatched;
	unsigned int		dispatches;
	unsigned int		least_drained;
	unsigned int		most_drained;
	unsigned int		chances;
	bool			surely_fresh;
	bool			surely_leftover;
	bool			due;
	bool			served;
	bool			again;
	bool			replied;
	u64			came;
	u64			quiet_from;
	u64			linger;
	bool			waits_for_reply;
	struct spare_pool	*source;
	struct task_group	*source_group;
	struct task_group	*group;
	u64			asked;
	u64			asks_from;
	u64			unentitled;
	struct referee_cpu	*waits_on;
	u64			called;
	u64			left;
	u64			overran;
};

#define REFEREE_UNITS	256	/* on a CPU */
#define REFEREE_WAITING	128	/* on a CPU */
#define REFEREE_TRAIL	32

/* What happened on a CPU lately. */
struct referee_step {
	u64		time;
	const char	*what;
	pid_t		pid;
	s64		value;
};

/**
 * struct referee_cpu - a CPU
 * @thread: the deadline thread that runs
 * @unit: what it runs on, NULL: its own
 * @entered: since when @thread runs, @since: since when that is not accounted
 * @hrtick: it was on then: not on a CPU that is leaving, nor where the feature is off
 * @leaves: since when a reschedule is due for @thread, 0: none is
 * @late_told: the deadline that was missed last
 * @offline: when it was last seen to leave
 * @rd: its root domain when it was looked at last
 * @unfit: since when it has more units and fair server than it may, 0: it has not
 * @lost: how long nobody paid since no deadline entity was runnable
 * @crowd: how many were late together at most, since then
 * @interrupt: when the last timer's interrupt was, by that timer's clock; @began: by the monotonic one;
 *	@hard: of a timer that expires in the interrupt itself
 * @by_cookie: core scheduling was on at the last switch, or since
 * @goes_on: how many of them have found that a reschedule was due
 * @timer_late: how late a timer was, @timer_time: when that was
 * @unit_book: the units that were lent here
 * @waiting: the threads in line, @nr_waiting of them
 * @lost_loan: its loan ended as "gone", and where it went was not seen yet
 * @trail: the last steps, the next goes to @trail[@trail_next % REFEREE_TRAIL]
 */
struct referee_cpu {
	struct referee_thread	*thread;
	struct referee_unit	*unit;
	u64			entered;
	bool			hrtick;
	u64			leaves;
	u64			since;
	u64			late_told;
	u64			offline;
	struct root_domain	*rd;
	u64			unfit;
	u64			lost;
	u64			crowd;
	ktime_t			interrupt;
	u64			began;
	bool			hard;
	bool			by_cookie;
	unsigned int		goes_on;
	u64			timer_late;
	u64			timer_time;
	u64			count[REFEREE_COUNTS];
	u64			longest[REFEREE_MAXIMA];
	struct referee_unit	unit_book[REFEREE_UNITS];
	struct referee_thread	*waiting[REFEREE_WAITING];
	unsigned int		nr_waiting;
	struct referee_thread	*lost_loan;
	struct referee_step	trail[REFEREE_TRAIL];
	unsigned int		trail_next;
};

/* So long the computer may stand still, in real time. */
extern u64 referee_still;

/* How often a CPU's root domain was another one. */
extern unsigned int referee_domains_changed;

/* By CPU, and by thread id. */
extern struct referee_cpu *referee_cpus;
extern struct referee_thread *referee_threads;

static inline struct referee_cpu *referee_cpu(struct rq *rq)
{
	return &referee_cpus[cpu_of(rq)];
}

static inline void referee_note_longest(struct referee_cpu *cpu,
					enum referee_longest which, u64 ns)
{
	cpu->longest[which] = max(cpu->longest[which], ns);
}

/* The run queue's clock as it would be if it were read now. */
static inline u64 referee_clock(struct rq *rq)
{
	s64 ahead = sched_clock_cpu(cpu_of(rq)) - rq->clock;

	return rq->clock_task + max(ahead, 0LL);
}

static inline bool referee_queued(struct sched_dl_entity *dl_se)
{
	return !RB_EMPTY_NODE(&dl_se->rb_node);
}

static inline struct sched_dl_entity *referee_first(struct rq *rq)
{
	struct rb_node *node = rb_first_cached(&rq->dl.root);

	return node ? rb_entry(node, struct sched_dl_entity, rb_node) : NULL;
}

static inline bool referee_boosted(struct task_struct *p)
{
#ifdef CONFIG_RT_MUTEXES
	return p->dl.pi_se != &p->dl || !dl_prio(p->normal_prio);
#else
	return false;
#endif
}

/* fault.c */
void referee_fault(struct rq *rq, enum referee_rule rule, struct task_struct *p,
		   const char *what, s64 expected, s64 seen);
void referee_step(struct rq *rq, const char *what, struct task_struct *p, s64 value);
void referee_show_faults(struct seq_file *m);
u64 referee_nr_faults(void);
void referee_forget_faults(void);

/* bucket.c */
void referee_bucket_set(struct referee_bucket *bucket, u64 runtime, u64 period,
			u64 now);
void referee_bucket_advance(struct referee_bucket *bucket, u64 now, u64 ran);
void referee_bucket_allow(struct referee_bucket *bucket, u64 slack);
void referee_bucket_excuse(struct referee_bucket *bucket, u64 ns);
bool referee_bucket_over(const struct referee_bucket *bucket, s64 *level, s64 *limit);
void referee_bucket_empty(struct referee_bucket *bucket, u64 now);

/* watch.c */
struct referee_thread *referee_thread(struct task_struct *p);
struct referee_unit *referee_unit(struct rq *rq, struct sched_dl_entity *dl_se);
void referee_come_in(struct rq *rq, struct task_struct *p, u64 since);
void referee_account(struct rq *rq, u64 now);
void referee_settle(struct rq *rq);
/* By how many ns what ends on @rq may go on, its interrupt being late. */
u64 referee_overrun(struct rq *rq, u64 now);
int referee_watch(void);
void referee_unwatch(void);

/* loan.c */
void referee_leave_line(struct referee_thread *thread);
void referee_may_wait(struct rq *rq, struct task_struct *p);
void referee_check_due(struct rq *rq, struct task_struct *p);
void referee_has_left(struct rq *rq, struct referee_thread *thread);
void referee_check_stays(struct rq *rq);
bool referee_loan_charged(struct referee_thread *thread, u64 ns);
void referee_loan_own(struct referee_thread *thread);
int referee_watch_loans(void);
void referee_unwatch_loans(void);

/* latency.c */
void referee_check_wait(struct rq *rq, struct task_struct *prev, struct task_struct *next);
int referee_watch_latency(void);
void referee_unwatch_latency(void);

/* tally.c, sums.c */
void referee_tally(struct task_struct *p, unsigned int item, u64 n);
void referee_forget_tally(void);
void referee_show_tally(struct seq_file *m);
void referee_check_fits(struct rq *rq, bool last);
void referee_show_sums(struct seq_file *m);

#endif /* _KERNEL_SCHED_REFEREE_H */
