/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _KERNEL_SCHED_SPARE_H
#define _KERNEL_SCHED_SPARE_H

/*
 * Spare deadline reservations inside the scheduler: what the classes, the
 * groups and the root domains call. See kernel/sched/spare.c.
 */

#include <linux/sched/spare.h>

struct rq;
struct spare_pool;

#ifdef CONFIG_SCHED_SPARE

/* Why a loan ended; the order of the returned_* lines of cpu.spare.stat. */
enum spare_return_reason {
	SPARE_RETURN_OWN,	/* runs on its own reservation again */
	SPARE_RETURN_UNUSED,	/* the same, and it never ran on the unit */
	SPARE_RETURN_CHANCES,	/* has drained the unit as often as it may */
	SPARE_RETURN_SLEEP,	/* halted, blocked or yielded */
	SPARE_RETURN_REPLY,	/* has answered, and lingered */
	SPARE_RETURN_QUIET,	/* has not, and nothing more was heard of it */
	SPARE_RETURN_CHARGE,	/* has to pay first */
	SPARE_RETURN_GONE,	/* exit, class, affinity, group, CPU or pool */
};

enum spare_stat_item {
	SPARE_NR_EVENTS,
	SPARE_NR_BORROWS,
	SPARE_NR_WAITS,
	SPARE_NR_REFUSED,
	SPARE_NR_DISPATCHES,
	SPARE_BORROWED_NS,
	SPARE_WAITED_NS,
	SPARE_NR_RETURNED,	/* + enum spare_return_reason */
	SPARE_NR_STATS = SPARE_NR_RETURNED + SPARE_RETURN_GONE + 1,
};

struct spare_stat {
	u64 item[SPARE_NR_STATS];
};

/* How an event was dispatched; the order of the values in cpu.spare.latency. */
enum spare_latency_how {
	SPARE_LATENCY_OWN,	/* on the thread's own reservation, nothing was asked in vain */
	SPARE_LATENCY_LOAN,	/* on a unit that was there at once */
	SPARE_LATENCY_WAITED,	/* on whatever came first, no unit was free */
	SPARE_LATENCY_REFUSED,	/* the same, it was not to have a unit */
	SPARE_NR_LATENCY
};

/* Up to 1 us, 2 us, ... 2^22 us (4.2 s), and beyond that. */
#define SPARE_LATENCY_BUCKETS	24

/**
 * struct spare_latency - how long events waited that were dispatched in one way
 * @nr: how many did so long
 * @total: the sum, ns
 * @worst: the longest since that was last reset, ns
 * @worst_time: when it ended, ns since the epoch
 */
struct spare_latency {
	u64 nr[SPARE_LATENCY_BUCKETS];
	u64 total;
	u64 worst;
	u64 worst_time;
};

struct spare_latency_cpu;

enum spare_borrow_mode {
	SPARE_BORROW_INHERIT,
	SPARE_BORROW_OFF,
	SPARE_BORROW_ON,
};

#define SPARE_CHANCES_MAX	UINT_MAX	/* no limit */

/**
 * struct sched_spare_terms - on what terms a group's threads borrow
 * @chances: how often a loan may drain its unit
 * @linger: for how much of its CPU time a thread is waited for at least after
 *	what it has got or sent last, us
 * @charge: loans are paid for out of the thread's own next budgets
 * @reply: a loan ends when the thread has replied, or is quiet
 * @timer: what a guest has set a timer for is an event
 */
struct sched_spare_terms {
	unsigned int	chances;
	unsigned int	linger;
	bool		charge;
	bool		reply;
	bool		timer;
};

/**
 * struct sched_spare_borrow - whether and how threads may borrow
 * @mode: whether; a group that inherits has no terms of its own
 * @trusted: "on" was said with CAP_SYS_NICE: it stands by itself, and does not
 *	just narrow what an ancestor grants
 * @terms: how
 */
struct sched_spare_borrow {
	enum spare_borrow_mode		mode;
	bool				trusted;
	struct sched_spare_terms	terms;
};

/**
 * struct sched_spare_group - a task group as provider and user of units
 * @pool: what it provides to the groups below it; spare_mutex
 * @asked: what cpu.spare.borrow says; spare_mutex
 * @granted: what comes of that after all ancestors' restrictions; written
 *	under spare_mutex, its terms are read without a lock
 * @provider: the pool of the nearest ancestor that has one; spare_mutex
 * @source: the pool its threads borrow from, NULL if they may not; written
 *	under spare_mutex, read under RCU or a run-queue lock
 * @lock: protects @members
 * @members: its SCHED_DEADLINE threads, by sched_spare_task::member
 * @devs: its network devices; RTNL
 * @stat: counters of its threads, NULL if it never had a source; set once
 *	under spare_mutex, read without a lock
 * @removed: counters of child groups that were removed; spare_mutex
 * @latency: of its threads, NULL if it never had a source; set once under
 *	spare_mutex, read without a lock
 * @latency_removed: SPARE_NR_LATENCY of groups below it that were removed, NULL if it
 *	never had one with @latency below it; spare_mutex
 * @online: its counters are not yet in its parent's @removed; spare_mutex
 */
struct sched_spare_group {
	struct spare_pool		*pool;
	struct sched_spare_borrow	asked;
	struct {
		enum spare_borrow_mode	mode;
		struct sched_spare_terms terms;
	} granted;

	struct spare_pool		*provider;
	struct spare_pool __rcu		*source;

	raw_spinlock_t			lock;
	struct hlist_nulls_head		members;
	struct list_head		devs;

	struct spare_stat __percpu	*stat;
	struct spare_stat		removed;
	struct spare_latency_cpu __percpu *latency;
	struct spare_latency		*latency_removed;
	bool				online;
};

/**
 * struct sched_spare_rq - a CPU's units
 * @loans: units that have a borrower; run-queue lock
 * @stocks: by spare_stock::node, one for each pool with units on the CPU;
 *	run-queue lock
 * @bw: bandwidth that is set aside for units; written under spare_mutex with
 *	the run-queue lock
 * @taken: until when units that were removed have used their bandwidth up:
 *	the last of their 0-lag times, by the run queue's clock; run-queue lock
 */
struct sched_spare_rq {
	struct list_head	loans;
	struct list_head	stocks;
	u64			bw;
	u64			taken;
};

void __init sched_spare_init(void);
void sched_spare_init_rq(struct rq *rq);
void sched_spare_group_init(struct task_group *tg);
void sched_spare_group_free(struct task_group *tg);
int sched_spare_group_online(struct task_group *tg);
void sched_spare_group_offline(struct task_group *tg);

void sched_spare_fork(struct task_struct *p);
void sched_spare_join(struct task_struct *p);
void sched_spare_leave(struct task_struct *p);
void sched_spare_move(struct task_struct *p);

void __sched_spare_enqueue(struct rq *rq, struct task_struct *p);
void __sched_spare_dequeue(struct rq *rq, struct task_struct *p, int flags);
void __sched_spare_yield(struct rq *rq);
void __sched_spare_throttle(struct rq *rq, struct task_struct *p);
void __sched_spare_pick(struct rq *rq);
void __sched_spare_pay(struct task_struct *p);
void sched_spare_charge(struct rq *rq, struct task_struct *p);
void sched_spare_hrtick(struct rq *rq, struct task_struct *p, s64 uncharged);
struct sched_dl_entity *__sched_spare_switch(struct rq *rq,
					     struct task_struct *prev,
					     struct task_struct *next,
					     struct sched_dl_entity *server);
void __sched_spare_called(struct rq *rq, struct task_struct *p);
void sched_spare_withdraw(struct rq *rq, struct task_struct *p);
void sched_spare_rq_offline(struct rq *rq);
void sched_spare_rq_online(struct rq *rq);
void sched_spare_attach_root(struct rq *rq);
u64 sched_spare_bw(struct rq *rq);
bool sched_spare_fits(void);
bool sched_spare_fits_fair(struct rq *rq, u64 bw);

/*
 * The entity whose runtime and deadline @p runs on, if @p is current: the
 * unit it was dispatched on, otherwise its own.
 */
static inline struct sched_dl_entity *sched_spare_curr(struct task_struct *p)
{
	if (sched_spare_enabled()) {
		struct sched_dl_entity *server = READ_ONCE(p->dl_server);

		if (server && server == READ_ONCE(p->spare.loan))
			return server;
	}

	return &p->dl;
}

static inline bool sched_spare_borrows(const struct task_struct *p)
{
	return sched_spare_enabled() && p->spare.loan;
}

/*
 * The entity that @p runs on if it is picked now: of its own and its unit,
 * those that are on the run queue, the one with the earlier deadline.
 */
static inline struct sched_dl_entity *sched_spare_entity(struct task_struct *p)
{
	struct sched_dl_entity *unit = sched_spare_enabled() ? p->spare.loan : NULL;

	if (unit && !RB_EMPTY_NODE(&unit->rb_node) &&
	    (RB_EMPTY_NODE(&p->dl.rb_node) ||
	     dl_time_before(unit->deadline, p->dl.deadline)))
		return unit;

	return &p->dl;
}

static inline void sched_spare_enqueue(struct rq *rq, struct task_struct *p)
{
	if (sched_spare_enabled() &&
	    (p->spare.pending || p->spare.loan || p->spare.stock))
		__sched_spare_enqueue(rq, p);
}

static inline void sched_spare_dequeue(struct rq *rq, struct task_struct *p,
				       int flags)
{
	if (sched_spare_enabled() &&
	    (p->spare.pending || p->spare.loan || p->spare.stock))
		__sched_spare_dequeue(rq, p, flags);
}

static inline void sched_spare_yield(struct rq *rq)
{
	if (sched_spare_enabled())
		__sched_spare_yield(rq);
}

static inline void sched_spare_throttle(struct rq *rq, struct task_struct *p)
{
	if (sched_spare_enabled() && p->spare.pending)
		__sched_spare_throttle(rq, p);
}

static inline void sched_spare_pick(struct rq *rq)
{
	if (sched_spare_enabled())
		__sched_spare_pick(rq);
}

/* Debts are paid also when the last pool is gone. */
static inline void sched_spare_pay(struct task_struct *p)
{
	if (unlikely(p->spare.debt))
		__sched_spare_pay(p);
}

/* Which server @next runs on, @server having been picked. */
static inline struct sched_dl_entity *
sched_spare_switch(struct rq *rq, struct task_struct *prev,
		   struct task_struct *next, struct sched_dl_entity *server)
{
	if (!sched_spare_enabled())
		return server;
	if (prev->spare.loan || prev->spare.pending ||
	    next->spare.loan || next->spare.stock || next->spare.served)
		return __sched_spare_switch(rq, prev, next, server);
	if (next->spare.called)
		__sched_spare_called(rq, next);

	return server;
}

#else /* !CONFIG_SCHED_SPARE: */

static inline void sched_spare_init(void) { }
static inline void sched_spare_init_rq(struct rq *rq) { }
static inline void sched_spare_group_init(struct task_group *tg) { }
static inline void sched_spare_group_free(struct task_group *tg) { }
static inline int sched_spare_group_online(struct task_group *tg) { return 0; }
static inline void sched_spare_group_offline(struct task_group *tg) { }
static inline void sched_spare_fork(struct task_struct *p) { }
static inline void sched_spare_join(struct task_struct *p) { }
static inline void sched_spare_leave(struct task_struct *p) { }
static inline void sched_spare_move(struct task_struct *p) { }

static inline struct sched_dl_entity *sched_spare_curr(struct task_struct *p)
{
	return &p->dl;
}

static inline bool sched_spare_borrows(const struct task_struct *p)
{
	return false;
}

static inline struct sched_dl_entity *sched_spare_entity(struct task_struct *p)
{
	return &p->dl;
}

static inline void sched_spare_enqueue(struct rq *rq, struct task_struct *p) { }
static inline void sched_spare_dequeue(struct rq *rq, struct task_struct *p,
				       int flags) { }
static inline void sched_spare_yield(struct rq *rq) { }
static inline void sched_spare_throttle(struct rq *rq, struct task_struct *p) { }
static inline void sched_spare_pick(struct rq *rq) { }
static inline void sched_spare_charge(struct rq *rq, struct task_struct *p) { }
static inline void sched_spare_hrtick(struct rq *rq, struct task_struct *p,
				      s64 uncharged) { }
static inline void sched_spare_pay(struct task_struct *p) { }
static inline struct sched_dl_entity *
sched_spare_switch(struct rq *rq, struct task_struct *prev,
		   struct task_struct *next, struct sched_dl_entity *server)
{
	return server;
}

static inline void sched_spare_withdraw(struct rq *rq, struct task_struct *p) { }
static inline void sched_spare_rq_offline(struct rq *rq) { }
static inline void sched_spare_rq_online(struct rq *rq) { }
static inline void sched_spare_attach_root(struct rq *rq) { }
static inline u64 sched_spare_bw(struct rq *rq) { return 0; }
static inline bool sched_spare_fits(void) { return true; }
static inline bool sched_spare_fits_fair(struct rq *rq, u64 bw) { return true; }

#endif /* !CONFIG_SCHED_SPARE */

/* The same for the current thread of @rq. */
#define sched_spare_rq_curr(rq)	sched_spare_curr(rcu_dereference_raw((rq)->curr))

#endif /* _KERNEL_SCHED_SPARE_H */
