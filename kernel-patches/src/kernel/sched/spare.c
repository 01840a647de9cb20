// SPDX-License-Identifier: GPL-2.0
/*
 * Spare deadline reservations
 *
 * A SCHED_DEADLINE thread that has depleted its budget does not run before
 * its next replenishment, whatever arrives for it. A virtual CPU with a
 * reservation (Q,P) is therefore deaf for up to 2(P-Q). Here such a thread
 * borrows a spare, short reservation (Qs,Ps) when an event comes for it.
 *
 * The promise: for an admitted configuration and with a fresh unit free, an
 * event for a thread that is throttled and runnable gets it the CPU within
 * Ps-Qs, and all of Qs by Ps. No other reservation's guarantee changes, and a
 * unit never supplies more than Qs every Ps, whoever borrows it in turn.
 *
 *  - At every instant a running deadline thread is charged to exactly one
 *    entity, and preempted by that entity's deadline.
 *  - One event, one loan at a time, and none without an event.
 *  - What a loan was for ends it, and nothing that leaves the thread in place.
 *
 * A unit is a deadline server (struct sched_dl_entity with dl_server set),
 * pinned to one CPU, that picks its borrower. The borrower's own entity is
 * not touched: it stays throttled, its replenishment timer stays armed and
 * its bandwidth stays accounted, so nothing has to be put back. A unit keeps
 * its CBS state from borrower to borrower: one that was drained stays
 * throttled until its own replenishment. Its bandwidth is admitted when the
 * pool is made, and counts whether it is on loan or not.
 *
 *        event                               unit free
 *   idle ------> pending ---- not running -----------------> borrowed --> returned
 *                 ^   |                |  no unit               ^   |
 *                 |   +--> running     +---------> waiting -----+   |
 *                 |           |                       |             |
 *                 +-----------+ throttled, preempted  |             |
 *                 +-----------------------------------+-------------+
 *                        slept, but not halted; ran on its own first
 *
 * Follow a packet: sched_spare_event() -> spare_request() -> spare_serve() ->
 * spare_borrow() -> spare_pick() -> __sched_spare_switch() (dispatch) ->
 * spare_return().
 *
 * Locking: spare_mutex (configuration) nests inside cpus_read_lock() and
 * outside sched_domains_mutex. All of a unit's state, and a thread's as a
 * borrower, is protected by the lock of the unit's run queue, which is the
 * thread's: one that leaves its run queue returns its unit first, and gives
 * up its place among the waiters.
 *
 * The idea is from T. Cucinotta, F. Checconi, D. Giani, "Improving
 * Responsiveness for Virtualized Networking Under Intensive Computing
 * Workloads", 2011.
 */

#define CREATE_TRACE_POINTS
#include <trace/events/sched_spare.h>

DEFINE_STATIC_KEY_FALSE(sched_spare_key);
EXPORT_SYMBOL_GPL(sched_spare_key);

static DEFINE_MUTEX(spare_mutex);

static inline struct task_group *spare_css_tg(struct cgroup_subsys_state *css)
{
	return css ? container_of(css, struct task_group, css) : NULL;
}

/**
 * struct spare_unit - one spare reservation of one CPU
 * @dl: its CBS state; @dl.dl_server_active while it has a borrower
 * @stock: where it belongs
 * @borrower: the thread it is lent to, NULL if none; implies @dl active
 * @leftover: what is left of its budget is of before this loan
 * @fresh: while it is free, when it has or had its whole budget again, by the
 *	run queue's clock
 * @linger: ends the loan some time after a reply
 * @node: in the stock's free list or in the run queue's loans
 * @lingers: in the stock's list of those whose borrower has replied
 */
struct spare_unit {
	struct sched_dl_entity	dl;
	struct spare_stock	*stock;
	struct task_struct	*borrower;
	bool			leftover;
	u64			fresh;
	struct hrtimer		linger;
	struct list_head	node;
	struct list_head	lingers;
};

/**
 * struct spare_stock - a pool's units on one CPU, and who waits for them
 * @pool: the pool
 * @free: units without a borrower, by spare_unit::fresh
 * @lingering: units whose borrower has replied, the longest ago first
 * @line: threads, by sched_spare_task::asked: who asked first is served first;
 *	empty while there is one in @free, or one in @lingering that does not run,
 *	but for an offline CPU
 * @crowded: when somebody last found none free, by the run queue's clock
 * @node: in the run queue's stocks, if the pool has units on the CPU
 */
struct spare_stock {
	struct spare_pool	*pool;
	struct list_head	free;
	struct list_head	lingering;
	struct rb_root_cached	line;
	u64			crowded;
	struct list_head	node;
};

/**
 * struct spare_pool - the units one group provides to the groups below it
 * @runtime: Qs in ns
 * @period: Ps in ns
 * @nr_units: units on each CPU of @cpus
 * @cpus: where the pool has units
 * @stock: per CPU, its units there; run-queue lock
 * @rcu: frees the pool after the last reader of sched_spare_group::source
 * @units: all units, @nr_units for each CPU of @cpus in turn
 */
struct spare_pool {
	u64			runtime;
	u64			period;
	unsigned int		nr_units;
	cpumask_var_t		cpus;
	struct spare_stock __percpu *stock;
	struct rcu_head		rcu;
	struct spare_unit	units[];
};

static inline struct spare_unit *spare_unit_of(struct sched_dl_entity *dl_se)
{
	return container_of(dl_se, struct spare_unit, dl);
}

/* The group of @p, also for those without the run-queue lock. */
static inline struct task_group *spare_group_of(struct task_struct *p)
{
	/* If it is moved meanwhile either is right, and both stand under RCU. */
	return data_race(task_group(p));
}

/* A group has counters from when it first may borrow. */
static inline void spare_count(struct task_struct *p, unsigned int item, u64 n)
{
	struct spare_stat __percpu *stat = READ_ONCE(spare_group_of(p)->spare.stat);

	if (stat)
		this_cpu_add(stat->item[item], n);
}

static inline struct task_struct *spare_curr(struct rq *rq)
{
	return rcu_dereference_protected(rq->curr, lockdep_is_held(__rq_lockp(rq)));
}

static inline bool spare_is_curr(struct rq *rq, struct task_struct *p)
{
	return spare_curr(rq) == p;
}

static inline struct spare_pool *spare_source(struct rq *rq, struct task_struct *p)
{
	return rcu_dereference_check(task_group(p)->spare.source,
				     lockdep_is_held(__rq_lockp(rq)));
}

/* What @p may do on a loan; each field changes by itself. */
static inline const struct sched_spare_terms *spare_terms(struct task_struct *p)
{
	return &spare_group_of(p)->spare.granted.terms;
}

/* Readers without the run-queue lock: spare_event_stands(). */
static inline void spare_set_pending(struct task_struct *p, bool pending)
{
	WRITE_ONCE(p->spare.pending, pending);
}

/* What @p was pending for is answered, or can be no more. */
static void spare_event_over(struct task_struct *p)
{
	trace_sched_spare_over(p);
	spare_set_pending(p, false);
	/* Who sees it neither served nor answered must not see it pending for that. */
	smp_wmb();
	WRITE_ONCE(p->spare.served, false);
	WRITE_ONCE(p->spare.refused, false);
	p->spare.asked = 0;
	WRITE_ONCE(p->spare.called, 0);
}
