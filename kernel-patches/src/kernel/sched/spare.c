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
 * A unit is a deadline server (struct sched_dl_entity with dl_server set),
 * pinned to one CPU, that picks its borrower. The borrower's own entity is
 * not touched: it stays throttled, its replenishment timer stays armed and
 * its bandwidth stays accounted, so nothing has to be put back. A unit keeps
 * its CBS state from borrower to borrower: one that was drained stays
 * throttled until its own replenishment. Its bandwidth is admitted when the
 * pool is made, and counts whether it is on loan or not.
 *
 *	  event                                     unit free
 *   ---------> throttled, runnable ------------------------> borrowed
 *     |                ^                    |                    |
 *     v                | wake-up            v no unit            v
 *   throttled, --------+                 refused              returned
 *   blocked: pending
 *
 * Follow a packet: sched_spare_event() -> [pending] -> spare_borrow() ->
 * spare_pick() -> __sched_spare_switch() (dispatch) -> spare_return().
 *
 * Locking: spare_mutex (configuration) nests inside cpus_read_lock() and
 * outside sched_domains_mutex. All of a unit's state, and which unit a thread
 * has on loan, is protected by the lock of the unit's run queue, which is the
 * borrower's: a thread that leaves its run queue returns its unit first.
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

/**
 * struct spare_unit - one spare reservation of one CPU
 * @dl: its CBS state; @dl.dl_server_active while it has a borrower
 * @pool: the pool it belongs to
 * @borrower: the thread it is lent to, NULL if none; implies @dl active
 * @dispatches: how often @borrower was switched in on it during this loan
 * @node: in the pool's free list or in the run queue's loans
 * @rq_node: in the run queue's units
 */
struct spare_unit {
	struct sched_dl_entity	dl;
	struct spare_pool	*pool;
	struct task_struct	*borrower;
	unsigned int		dispatches;
	struct list_head	node;
	struct list_head	rq_node;
};

/**
 * struct spare_pool - the units one group provides to the groups below it
 * @runtime: Qs in ns
 * @period: Ps in ns
 * @nr_units: units on each CPU of @cpus
 * @cpus: where the pool has units
 * @free: per CPU, the units without a borrower, least recently returned
 *	first: the one most likely to have its whole budget; run-queue lock
 * @rcu: frees the pool after the last reader of sched_spare_group::source
 * @units: all units, @nr_units for each CPU of @cpus in turn
 */
struct spare_pool {
	u64			runtime;
	u64			period;
	unsigned int		nr_units;
	cpumask_var_t		cpus;
	struct list_head __percpu *free;
	struct rcu_head		rcu;
	struct spare_unit	units[];
};

static inline struct spare_unit *spare_unit_of(struct sched_dl_entity *dl_se)
{
	return container_of(dl_se, struct spare_unit, dl);
}

static inline void spare_count(struct task_struct *p, unsigned int item, u64 n)
{
	this_cpu_add(task_group(p)->spare.stat->item[item], n);
}

static inline struct spare_pool *spare_source(struct rq *rq, struct task_struct *p)
{
	return rcu_dereference_check(task_group(p)->spare.source,
				     lockdep_is_held(__rq_lockp(rq)));
}

/* Units: borrow, dispatch, return */

/* The server's pick function: a unit on the tree always has a borrower. */
static struct task_struct *spare_pick(struct sched_dl_entity *dl_se)
{
	struct spare_unit *unit = spare_unit_of(dl_se);

	lockdep_assert_rq_held(dl_se->rq);
	WARN_ON_ONCE(!unit->borrower);

	return unit->borrower;
}

/*
 * End the loan of @p. The unit keeps its runtime, deadline and replenishment
 * timer, for the next borrower.
 */
static void spare_return(struct rq *rq, struct task_struct *p,
			 enum spare_return_reason reason)
{
	struct spare_unit *unit = spare_unit_of(p->spare.loan);

	lockdep_assert_rq_held(rq);
	WARN_ON_ONCE(unit->borrower != p);
	WARN_ON_ONCE(unit->dl.rq != rq);

	if (p->dl_server == &unit->dl) {
		if (task_current(rq, p))
			update_curr_dl(rq);
		p->dl_server = NULL;
	}
#ifdef CONFIG_SCHED_CORE
	if (rq->core_dl_server == &unit->dl)
		rq->core_dl_server = NULL;
#endif

	dl_server_park(&unit->dl);
	trace_sched_spare_return(p, &unit->dl, reason);
	spare_count(p, SPARE_NR_RETURNED + reason, 1);

	unit->borrower = NULL;
	p->spare.loan = NULL;
	list_move_tail(&unit->node, per_cpu_ptr(unit->pool->free, cpu_of(rq)));
}

/*
 * Lend @p, throttled and runnable, a unit of its group's pool. @p is on @rq or
 * about to be: p->on_rq is set only after enqueue_task().
 */
static void spare_borrow(struct rq *rq, struct task_struct *p)
{
	struct spare_pool *pool = spare_source(rq, p);
	struct spare_unit *unit = NULL;

	lockdep_assert_rq_held(rq);
	WARN_ON_ONCE(!p->dl.dl_throttled);

	p->spare.pending = false;
	if (!pool || p->spare.loan || is_dl_boosted(&p->dl))
		return;

	if (rq->online)
		unit = list_first_entry_or_null(per_cpu_ptr(pool->free, cpu_of(rq)),
						struct spare_unit, node);
	if (!unit) {
		spare_count(p, SPARE_NR_REFUSED, 1);
		return;
	}

	WARN_ON_ONCE(unit->borrower);
	unit->borrower = p;
	unit->dispatches = 0;
	p->spare.loan = &unit->dl;
	list_move(&unit->node, &rq->spare.loans);
	spare_count(p, SPARE_NR_BORROWS, 1);

	dl_server_start(&unit->dl);
	trace_sched_spare_borrow(p, &unit->dl);
}

static inline bool spare_reservation_resumed(struct rq *rq, struct task_struct *next)
{
	return next->spare.loan && rq->dl_server != next->spare.loan;
}

/*
 * The run queue switches from @prev to @next (they may be the same thread);
 * rq->dl_server is the server @next was picked from, prev->dl_server still
 * the one that @prev ran on.
 */
void __sched_spare_switch(struct rq *rq, struct task_struct *prev,
			  struct task_struct *next)
{
	struct sched_dl_entity *from = prev->dl_server, *to = rq->dl_server;

	lockdep_assert_rq_held(rq);

	/* A class above deadline picks without asking us: charge here too. */
	if (from && from == prev->spare.loan) {
		struct spare_unit *unit = spare_unit_of(from);

		update_curr_dl(rq);
		if (from != to &&
		    unit->dispatches >= task_group(prev)->spare.max_chances)
			spare_return(rq, prev, SPARE_RETURN_CHANCES);
	}

	if (spare_reservation_resumed(rq, next))
		spare_return(rq, next, SPARE_RETURN_OWN);

	if (next->spare.loan && !(prev == next && from == to)) {
		spare_unit_of(to)->dispatches++;
		spare_count(next, SPARE_NR_DISPATCHES, 1);
		trace_sched_spare_dispatch(next, to);
	}

	/*
	 * set_next_task() is not called for a thread that goes on, but what it
	 * is charged to has changed, and schedule() has cleared the hrtick.
	 */
	if (prev == next) {
		next->se.exec_start = rq_clock_task(rq);
		if (hrtick_enabled_dl(rq))
			start_hrtick_dl(rq, next->spare.loan ?: &next->dl);
	}
}

/* @p was put on @rq with an event pending: it was asleep when that came. */
void __sched_spare_enqueue(struct rq *rq, struct task_struct *p)
{
	if (p->dl.dl_throttled)
		spare_borrow(rq, p);
	else
		p->spare.pending = false;
}

/* @p, a borrower, leaves @rq or its place in it. */
void __sched_spare_dequeue(struct rq *rq, struct task_struct *p, int flags)
{
	bool sleeps = (flags & DEQUEUE_SLEEP) &&
		      READ_ONCE(p->__state) != TASK_DEAD;

	spare_return(rq, p, sleeps ? SPARE_RETURN_SLEEP : SPARE_RETURN_GONE);
}

/* The running borrower gives up the CPU until its own next period. */
void __sched_spare_yield(struct rq *rq)
{
	spare_return(rq, rq->curr, SPARE_RETURN_SLEEP);
	resched_curr(rq);
}

/* @p ran for @delta_exec ns on its loan. */
void __sched_spare_account(struct task_struct *p, s64 delta_exec)
{
	if (delta_exec > 0)
		spare_count(p, SPARE_BORROWED_NS, delta_exec);
}

/* End the loans on @rq but for those that may stay; all if @stays is NULL. */
static void spare_recall(struct rq *rq, bool (*stays)(struct rq *rq, struct spare_unit *unit))
{
	struct spare_unit *unit, *tmp;

	lockdep_assert_rq_held(rq);

	list_for_each_entry_safe(unit, tmp, &rq->spare.loans, node) {
		struct task_struct *p = unit->borrower;

		if (stays && stays(rq, unit))
			continue;

		spare_return(rq, p, SPARE_RETURN_GONE);
		/* On its own reservation, if it has budget; off otherwise. */
		if (task_current(rq, p))
			resched_curr(rq);
	}
}

static bool spare_still_entitled(struct rq *rq, struct spare_unit *unit)
{
	return spare_source(rq, unit->borrower) == unit->pool;
}

static void spare_recall_all(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct rq *rq = cpu_rq(cpu);

		guard(rq_lock_irqsave)(rq);
		if (list_empty(&rq->spare.loans))
			continue;
		update_rq_clock(rq);
		spare_recall(rq, spare_still_entitled);
	}
}

/* The CPU goes offline, or changes its root domain. */
void sched_spare_rq_offline(struct rq *rq)
{
	spare_recall(rq, NULL);
}

/* Events */

static void spare_event(struct rq *rq, struct task_struct *p)
{
	if (!dl_task(p) || !spare_source(rq, p))
		return;

	spare_count(p, SPARE_NR_EVENTS, 1);
	trace_sched_spare_event(p);

	/* With budget left it runs by itself. */
	if (!p->dl.dl_throttled)
		return;

	if (!task_on_rq_queued(p)) {
		p->spare.pending = true;
		return;
	}

	update_rq_clock(rq);
	spare_borrow(rq, p);
}

void __sched_spare_event(struct task_struct *p)
{
	struct rq_flags rf;
	struct rq *rq;

	/* Most threads are not; spare_event() asks again under the lock. */
	if (!data_race(dl_task(p)))
		return;

	rq = task_rq_lock(p, &rf);
	spare_event(rq, p);
	task_rq_unlock(rq, p, &rf);
}
EXPORT_SYMBOL_GPL(__sched_spare_event);

/* Pools: admission, the units of each CPU */

/* Bandwidth of the servers that are pinned to @rq, but for the fair server. */
u64 sched_spare_bw(struct rq *rq)
{
	return rq->spare.bw;
}

static u64 spare_pool_bw(const struct spare_pool *pool, int cpu)
{
	if (!pool || !cpumask_test_cpu(cpu, pool->cpus))
		return 0;

	return pool->nr_units * to_ratio(pool->period, pool->runtime);
}

/* What @new takes of @cpu beyond what @old has there. */
static u64 spare_pool_growth(const struct spare_pool *new,
			     const struct spare_pool *old, int cpu)
{
	u64 has = spare_pool_bw(old, cpu), wants = spare_pool_bw(new, cpu);

	return wants > has ? wants - has : 0;
}

/* Units cannot move: together they must fit on their CPU, not just in its domain. */
static bool spare_fits_cpu(int cpu, u64 growth)
{
	struct rq *rq = cpu_rq(cpu);
	u64 limit;

	if (global_rt_runtime() == RUNTIME_INF)
		return true;

	limit = to_ratio(global_rt_period(), global_rt_runtime());
	limit = cap_scale(limit, arch_scale_cpu_capacity(cpu));

	return rq->fair_server.dl_bw + rq->spare.bw + growth <= limit;
}

static void spare_unreserve(const struct spare_pool *new,
			    const struct spare_pool *old, int end)
{
	int cpu;

	for_each_cpu(cpu, cpu_active_mask) {
		u64 growth = spare_pool_growth(new, old, cpu);

		if (cpu >= end)
			break;
		if (growth)
			dl_bw_free(cpu, growth);
	}
}

/*
 * Set aside what @new needs beyond @old in every root domain, all or nothing.
 * Inactive CPUs belong to no root domain that admits; their units are added
 * when they come back, see sched_spare_attach_root().
 */
static int spare_reserve(const struct spare_pool *new, const struct spare_pool *old)
{
	int cpu;

	for_each_cpu(cpu, cpu_active_mask) {
		u64 growth = spare_pool_growth(new, old, cpu);

		if (!growth)
			continue;
		if (!spare_fits_cpu(cpu, growth) || dl_bw_alloc(cpu, growth)) {
			spare_unreserve(new, old, cpu);
			return -EBUSY;
		}
	}

	return 0;
}

static void spare_pool_attach(struct spare_pool *pool)
{
	struct spare_unit *unit = pool->units;
	int cpu, i;

	for_each_cpu(cpu, pool->cpus) {
		struct rq *rq = cpu_rq(cpu);

		rq->spare.bw += spare_pool_bw(pool, cpu);

		guard(rq_lock_irqsave)(rq);
		for (i = 0; i < pool->nr_units; i++, unit++) {
			dl_server_attach(&unit->dl, pool->runtime, pool->period);
			list_add_tail(&unit->rq_node, &rq->spare.units);
			list_add_tail(&unit->node, per_cpu_ptr(pool->free, cpu));
		}
	}
}

/* All loans have been recalled, and no group borrows from @pool any more. */
static void spare_pool_detach(struct spare_pool *pool)
{
	struct spare_unit *unit = pool->units;
	int cpu, i;

	for_each_cpu(cpu, pool->cpus) {
		struct rq *rq = cpu_rq(cpu);

		rq->spare.bw -= spare_pool_bw(pool, cpu);

		guard(rq_lock_irqsave)(rq);
		for (i = 0; i < pool->nr_units; i++, unit++) {
			WARN_ON_ONCE(unit->borrower);
			dl_server_detach(&unit->dl);
			list_del(&unit->rq_node);
			list_del(&unit->node);
		}
	}
}

static void spare_pool_free(struct spare_pool *pool)
{
	free_percpu(pool->free);
	free_cpumask_var(pool->cpus);
	kvfree(pool);
}

static void spare_pool_free_rcu(struct rcu_head *rcu)
{
	spare_pool_free(container_of(rcu, struct spare_pool, rcu));
}

/* Wait for the timers of a detached pool, and for those who may still see it. */
static void spare_pool_put(struct spare_pool *pool)
{
	unsigned int i, n = pool->nr_units * cpumask_weight(pool->cpus);

	for (i = 0; i < n; i++) {
		hrtimer_cancel(&pool->units[i].dl.dl_timer);
		hrtimer_cancel(&pool->units[i].dl.inactive_timer);
	}
	call_rcu(&pool->rcu, spare_pool_free_rcu);
}

static struct spare_pool *spare_pool_alloc(u64 runtime, u64 period,
					   unsigned int nr_units,
					   const struct cpumask *cpus)
{
	struct spare_pool *pool;
	struct spare_unit *unit;
	int cpu, i;

	pool = kvzalloc(struct_size(pool, units, nr_units * cpumask_weight(cpus)),
			GFP_KERNEL);
	if (!pool)
		return NULL;

	pool->runtime = runtime;
	pool->period = period;
	pool->nr_units = nr_units;
	pool->free = alloc_percpu(struct list_head);
	if (!pool->free || !alloc_cpumask_var(&pool->cpus, GFP_KERNEL)) {
		free_percpu(pool->free);
		kvfree(pool);
		return NULL;
	}
	cpumask_copy(pool->cpus, cpus);
	for_each_possible_cpu(cpu)
		INIT_LIST_HEAD(per_cpu_ptr(pool->free, cpu));

	unit = pool->units;
	for_each_cpu(cpu, pool->cpus) {
		for (i = 0; i < nr_units; i++, unit++) {
			unit->pool = pool;
			init_dl_entity(&unit->dl);
			dl_server_init(&unit->dl, cpu_rq(cpu), spare_pick);
		}
	}

	return pool;
}

static unsigned int spare_pool_busy(const struct spare_pool *pool)
{
	unsigned int i, busy = 0, n = pool->nr_units * cpumask_weight(pool->cpus);

	for (i = 0; i < n; i++)
		busy += !!READ_ONCE(pool->units[i].borrower);

	return busy;
}

/*
 * The units of @rq are no tasks: whoever recomputes the bandwidth of a root
 * domain from its tasks must add them.
 */
void sched_spare_attach_root(struct rq *rq)
{
	struct spare_unit *unit;

	lockdep_assert_rq_held(rq);

	if (!cpu_active(cpu_of(rq)))
		return;
	list_for_each_entry(unit, &rq->spare.units, rq_node)
		__dl_server_attach_root(&unit->dl, rq);
}

void sched_spare_init_rq(struct rq *rq)
{
	INIT_LIST_HEAD(&rq->spare.units);
	INIT_LIST_HEAD(&rq->spare.loans);
}
