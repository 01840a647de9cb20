// SPDX-License-Identifier: GPL-2.0
/*
 * Spare deadline reservations: pools, their admission, the units of each CPU
 *
 * A pool has the same number of units on each of its CPUs. They count against
 * the bandwidth of the CPU and of its root domain from when the pool is made
 * until it is gone, lent or not.
 *
 * rq->spare.bw is what the CPU has set aside for units. It is decided together
 * with the fair server's bandwidth, under the run-queue lock, and is in the
 * sum of the root domain while the CPU is active.
 */

static u64 spare_pool_bw(const struct spare_pool *pool, int cpu)
{
	if (!pool || !cpumask_test_cpu(cpu, pool->cpus))
		return 0;

	return pool->nr_units * to_ratio(pool->period, pool->runtime);
}

/* What @pool takes of @cpu beyond what @other has there. */
static u64 spare_pool_excess(const struct spare_pool *pool,
			     const struct spare_pool *other, int cpu)
{
	u64 takes = spare_pool_bw(pool, cpu), has = spare_pool_bw(other, cpu);

	return takes > has ? takes - has : 0;
}

/* A CPU that never was online gets its fair server in dl_server_start(). */
static u64 spare_fair_bw(struct rq *rq)
{
	if (!dl_server(&rq->fair_server))
		return to_ratio(1000 * NSEC_PER_MSEC, 50 * NSEC_PER_MSEC);

	return rq->fair_server.dl_bw;
}

/*
 * Units and the fair server cannot move: together they must fit on their CPU,
 * offline or not, and not just in its root domain.
 */
static bool spare_fits(struct rq *rq, u64 bw)
{
	u64 limit;

	lockdep_assert_rq_held(rq);

	if (global_rt_runtime() == RUNTIME_INF)
		return true;

	limit = to_ratio(global_rt_period(), global_rt_runtime());

	return bw <= cap_scale(limit, arch_scale_cpu_capacity(cpu_of(rq)));
}

/* Whether a fair server of bandwidth @bw fits beside the units of @rq. */
bool sched_spare_fits_fair(struct rq *rq, u64 bw)
{
	lockdep_assert_rq_held(rq);

	return !rq->spare.bw || spare_fits(rq, bw + rq->spare.bw);
}

/*
 * Whether all units still fit when sched_rt_{runtime,period}_us is changed.
 * The new value is there already: a pool that is made on a CPU after the look
 * at it is admitted by that.
 */
bool sched_spare_fits(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct rq *rq = cpu_rq(cpu);

		guard(rq_lock_irqsave)(rq);
		if (!sched_spare_fits_fair(rq, spare_fair_bw(rq)))
			return false;
	}

	return true;
}

/* What leaves the root domain with the CPU of @rq, when that goes offline. */
u64 sched_spare_bw(struct rq *rq)
{
	lockdep_assert_cpus_held();

	return rq->spare.bw;
}

/*
 * Inactive CPUs belong to no root domain that admits; what they have set aside
 * is added when they come back, see sched_spare_attach_root().
 */
static int spare_reserve_cpu(int cpu, u64 bw)
{
	struct rq *rq = cpu_rq(cpu);

	guard(rq_lock_irqsave)(rq);
	if (!spare_fits(rq, spare_fair_bw(rq) + rq->spare.bw + bw))
		return -EBUSY;
	if (cpu_active(cpu) && dl_bw_alloc(cpu, bw))
		return -EBUSY;
	rq->spare.bw += bw;

	return 0;
}

static void spare_release_cpu(int cpu, u64 bw)
{
	struct rq *rq = cpu_rq(cpu);

	guard(rq_lock_irqsave)(rq);
	if (cpu_active(cpu))
		dl_bw_free(cpu, bw);
	rq->spare.bw -= bw;
}

/* Give back what @pool has beyond @other on the CPUs before @end. */
static void spare_release(const struct spare_pool *pool,
			  const struct spare_pool *other, int end)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		u64 bw = spare_pool_excess(pool, other, cpu);

		if (cpu >= end)
			break;
		if (bw)
			spare_release_cpu(cpu, bw);
	}
}

/* Set aside what @new needs beyond @old on each CPU, all or nothing. */
static int spare_reserve(const struct spare_pool *new, const struct spare_pool *old)
{
	int cpu;

	lockdep_assert_cpus_held();
	lockdep_assert_held(&sched_domains_mutex);

	for_each_possible_cpu(cpu) {
		u64 bw = spare_pool_excess(new, old, cpu);

		if (bw && spare_reserve_cpu(cpu, bw)) {
			spare_release(new, old, cpu);
			return -EBUSY;
		}
	}

	return 0;
}

/*
 * The units of @rq are no tasks: whoever recomputes the bandwidth of a root
 * domain from its tasks must add them.
 */
void sched_spare_attach_root(struct rq *rq)
{
	int cpu = cpu_of(rq);
	struct dl_bw *dl_b;

	lockdep_assert_rq_held(rq);

	if (!rq->spare.bw || !cpu_active(cpu))
		return;

	dl_b = dl_bw_of(cpu);
	guard(raw_spinlock)(&dl_b->lock);
	__dl_add(dl_b, rq->spare.bw, dl_bw_cpus(cpu));
}

/*
 * Bring the units of @pool to their CPUs, and lend them to those who are in
 * line already. Units that were there before may have consumed what these
 * would: a fresh budget at once would be 2 Qs in one Ps. So these begin at the
 * 0-lag time of those.
 */
static void spare_pool_attach(struct spare_pool *pool)
{
	struct spare_unit *unit = pool->units;
	struct spare_stock *stock;
	int cpu, i;

	for_each_cpu(cpu, pool->cpus) {
		struct rq *rq = cpu_rq(cpu);

		stock = per_cpu_ptr(pool->stock, cpu);

		guard(rq_lock_irqsave)(rq);
		update_rq_clock(rq);
		list_add_tail(&stock->node, &rq->spare.stocks);
		for (i = 0; i < pool->nr_units; i++, unit++) {
			dl_server_attach(&unit->dl, pool->runtime, pool->period,
					 rq->spare.taken);
			unit->fresh = rq->spare.taken;
			list_add_tail(&unit->node, &stock->free);
		}
		spare_serve(rq, stock);
	}
}

/* All loans have been recalled, and no group borrows from @pool any more. */
static void spare_pool_detach(struct spare_pool *pool)
{
	struct spare_unit *unit = pool->units;
	struct spare_stock *stock;
	int cpu, i;

	for_each_cpu(cpu, pool->cpus) {
		struct rq *rq = cpu_rq(cpu);

		stock = per_cpu_ptr(pool->stock, cpu);

		guard(rq_lock_irqsave)(rq);
		update_rq_clock(rq);
		WARN_ON_ONCE(!RB_EMPTY_ROOT(&stock->line.rb_root));
		list_del(&stock->node);
		for (i = 0; i < pool->nr_units; i++, unit++) {
			WARN_ON_ONCE(unit->borrower);
			if (dl_time_before(rq->spare.taken, unit->fresh))
				rq->spare.taken = unit->fresh;
			dl_server_detach(&unit->dl);
			list_del(&unit->node);
		}
	}
}

static void spare_pool_free(struct spare_pool *pool)
{
	free_percpu(pool->stock);
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
		hrtimer_cancel(&pool->units[i].linger);
	}
	call_rcu(&pool->rcu, spare_pool_free_rcu);
}

static void spare_unit_init(struct spare_unit *unit, struct spare_stock *stock,
			    struct rq *rq)
{
	unit->stock = stock;
	init_dl_entity(&unit->dl);
	dl_server_init(&unit->dl, rq, spare_pick);
	hrtimer_init(&unit->linger, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	unit->linger.function = spare_linger_fires;
	INIT_LIST_HEAD(&unit->lingers);
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
	pool->stock = alloc_percpu(struct spare_stock);
	if (!pool->stock || !alloc_cpumask_var(&pool->cpus, GFP_KERNEL)) {
		free_percpu(pool->stock);
		kvfree(pool);
		return NULL;
	}
	cpumask_copy(pool->cpus, cpus);

	unit = pool->units;
	for_each_cpu(cpu, pool->cpus) {
		struct spare_stock *stock = per_cpu_ptr(pool->stock, cpu);

		stock->pool = pool;
		INIT_LIST_HEAD(&stock->free);
		INIT_LIST_HEAD(&stock->lingering);
		stock->line = RB_ROOT_CACHED;
		for (i = 0; i < nr_units; i++, unit++)
			spare_unit_init(unit, stock, cpu_rq(cpu));
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
