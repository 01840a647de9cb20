// SPDX-License-Identifier: GPL-2.0
/*
 * Spare deadline reservations: pools, their admission, the units of each CPU
 *
 * A pool has the same number of units on each of its CPUs. They count against
 * the bandwidth of the CPU and of its root domain from when the pool is made
 * until it is gone, lent or not.
 */

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

/*
 * Units cannot move: together they must fit on their CPU, offline or not, and
 * not just in its root domain.
 */
static bool spare_fits_cpu(int cpu, u64 growth)
{
	struct rq *rq = cpu_rq(cpu);
	u64 limit;

	if (global_rt_runtime() == RUNTIME_INF)
		return true;

	limit = to_ratio(global_rt_period(), global_rt_runtime());
	limit = cap_scale(limit, arch_scale_cpu_capacity(cpu));

	return rq->fair_server.dl_bw + READ_ONCE(rq->spare.bw) + growth <= limit;
}

/* Whether all units still fit when sched_rt_{runtime,period}_us is changed. */
bool sched_spare_fits(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		if (READ_ONCE(cpu_rq(cpu)->spare.bw) && !spare_fits_cpu(cpu, 0))
			return false;
	}

	return true;
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

	for_each_possible_cpu(cpu) {
		u64 growth = spare_pool_growth(new, old, cpu);

		if (growth && !spare_fits_cpu(cpu, growth))
			return -EBUSY;
	}

	for_each_cpu(cpu, cpu_active_mask) {
		u64 growth = spare_pool_growth(new, old, cpu);

		if (growth && dl_bw_alloc(cpu, growth)) {
			spare_unreserve(new, old, cpu);
			return -EBUSY;
		}
	}

	return 0;
}

static void spare_pool_attach(struct spare_pool *pool)
{
	struct spare_unit *unit = pool->units;
	struct spare_stock *stock;
	int cpu, i;

	for_each_cpu(cpu, pool->cpus) {
		struct rq *rq = cpu_rq(cpu);

		stock = per_cpu_ptr(pool->stock, cpu);
		WRITE_ONCE(rq->spare.bw, rq->spare.bw + spare_pool_bw(pool, cpu));

		guard(rq_lock_irqsave)(rq);
		list_add_tail(&stock->node, &rq->spare.stocks);
		for (i = 0; i < pool->nr_units; i++, unit++) {
			dl_server_attach(&unit->dl, pool->runtime, pool->period);
			list_add_tail(&unit->rq_node, &rq->spare.units);
			list_add_tail(&unit->node, &stock->free);
		}
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
		WRITE_ONCE(rq->spare.bw, rq->spare.bw - spare_pool_bw(pool, cpu));

		guard(rq_lock_irqsave)(rq);
		WARN_ON_ONCE(!RB_EMPTY_ROOT(&stock->line.rb_root));
		list_del(&stock->node);
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
