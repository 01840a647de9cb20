// SPDX-License-Identifier: GPL-2.0
/*
 * Spare deadline reservations: how long what comes for a thread waits for its CPU
 *
 * S, from an event to when its thread is dispatched: 0 if that runs, and otherwise
 * until it is switched in, on whatever budget. An event that finds one waiting waits
 * no longer than that, and is not counted. A thread that is off the CPU again before
 * it has answered begins anew: it asks for a unit.
 */

/*
 * Of a group on one CPU. Waits that end are counted with the CPU's run-queue lock, with
 * which the worst ones are reset, too; who runs is counted without, and all is read so.
 */
struct spare_latency_cpu {
	struct spare_latency how[SPARE_NR_LATENCY];
};

/* The first is for less than 1 us, each next one for twice as much. */
static inline unsigned int spare_latency_bucket(u64 ns)
{
	return min_t(unsigned int, fls64(div_u64(ns, NSEC_PER_USEC)),
		     SPARE_LATENCY_BUCKETS - 1);
}

/* Something has come for @p, which runs: on its own reservation, or on a loan. */
static inline void spare_latency_none(struct task_struct *p, bool loan)
{
	struct spare_latency_cpu __percpu *latency = READ_ONCE(spare_group_of(p)->spare.latency);

	if (latency)
		this_cpu_inc(latency->how[loan ? SPARE_LATENCY_LOAN : SPARE_LATENCY_OWN].nr[0]);
}

/* Something has come for @p, or is still to be answered by it, and it does not run. */
static inline void spare_latency_begin(struct task_struct *p, u64 now)
{
	if (p->spare.called)
		return;
	WRITE_ONCE(p->spare.called, now);
	p->spare.held = SPARE_LATENCY_OWN;
}

/*
 * @p, for which something has come, is dispatched on @rq: on its own reservation, or on
 * a loan.
 */
static __always_inline void spare_latency_end(struct rq *rq, struct task_struct *p, bool loan)
{
	struct spare_latency_cpu __percpu *percpu = READ_ONCE(spare_group_of(p)->spare.latency);
	unsigned int how = p->spare.held;
	struct spare_latency *latency;
	u64 ns;

	lockdep_assert_rq_held(rq);
	lockdep_assert(cpu_of(rq) == smp_processor_id());

	if (how == SPARE_LATENCY_OWN && loan)
		how = SPARE_LATENCY_LOAN;
	/* The clocks of two CPUs may differ. */
	ns = max_t(s64, rq_clock(rq) - p->spare.called, 0);
	WRITE_ONCE(p->spare.called, 0);
	trace_sched_spare_latency(p, ns, how);
	if (!percpu)
		return;

	latency = &this_cpu_ptr(percpu)->how[how];
	latency->nr[spare_latency_bucket(ns)]++;
	latency->total += ns;
	if (unlikely(ns > latency->worst)) {
		latency->worst = ns;
		latency->worst_time = ktime_get_real_fast_ns();
	}
}

void __sched_spare_called(struct rq *rq, struct task_struct *p)
{
	spare_latency_end(rq, p, false);
}

/* Room for those of @tg, and above it for those that groups leave behind. */
static int spare_latency_prepare(struct task_group *tg)
{
	struct spare_latency_cpu __percpu *latency;
	struct cgroup_subsys_state *up;

	lockdep_assert_held(&spare_mutex);

	for (up = tg->css.parent; up->parent; up = up->parent) {
		struct sched_spare_group *g = &spare_css_tg(up)->spare;

		if (!g->latency_removed)
			g->latency_removed = kcalloc(SPARE_NR_LATENCY, sizeof(*g->latency_removed),
						     GFP_KERNEL);
		if (!g->latency_removed)
			return -ENOMEM;
	}

	if (tg->spare.latency)
		return 0;
	latency = alloc_percpu(struct spare_latency_cpu);
	if (!latency)
		return -ENOMEM;
	/* Pairs with the address dependency of those who count. */
	smp_store_release(&tg->spare.latency, latency);

	return 0;
}

static void spare_latency_free(struct task_group *tg)
{
	free_percpu(tg->spare.latency);
	kfree(tg->spare.latency_removed);
}

static void spare_latency_sum(struct spare_latency *sum, const struct spare_latency *one)
{
	unsigned int i;
	u64 worst;

	/* Others go on counting: anybody may read, and is not to hold them up. */
	for (i = 0; i < SPARE_LATENCY_BUCKETS; i++) {
		/* As spare_stat_add(). */
		sum->nr[i] += data_race(one->nr[i]);
	}
	/* The same. */
	sum->total += data_race(one->total);
	/* Its time may be still that of the one before. */
	worst = data_race(one->worst);
	if (worst > sum->worst) {
		sum->worst = worst;
		/* See above. */
		sum->worst_time = data_race(one->worst_time);
	}
}

/*
 * Add what @tg itself has counted, and what the groups that were below it have, to
 * SPARE_NR_LATENCY of @sum.
 */
static void spare_latency_add(struct spare_latency *sum, struct task_group *tg)
{
	unsigned int how;
	int cpu;

	lockdep_assert_held(&spare_mutex);

	for (how = 0; tg->spare.latency_removed && how < SPARE_NR_LATENCY; how++)
		spare_latency_sum(&sum[how], &tg->spare.latency_removed[how]);
	if (!tg->spare.latency)
		return;

	for_each_possible_cpu(cpu) {
		struct spare_latency_cpu *latency = per_cpu_ptr(tg->spare.latency, cpu);

		for (how = 0; how < SPARE_NR_LATENCY; how++)
			spare_latency_sum(&sum[how], &latency->how[how]);
	}
}

/* @tg is removed: what it has counted lives on above. */
static void spare_latency_leave(struct task_group *tg)
{
	struct task_group *up = spare_css_tg(tg->css.parent);

	if (up->spare.latency_removed)
		spare_latency_add(up->spare.latency_removed, tg);
}

static void spare_latency_forget(struct spare_latency *latency)
{
	unsigned int how;

	for (how = 0; how < SPARE_NR_LATENCY; how++) {
		latency[how].worst = 0;
		latency[how].worst_time = 0;
	}
}

/* The worst of @tg is to be looked for anew. */
static void spare_latency_reset(struct task_group *tg)
{
	int cpu;

	lockdep_assert_held(&spare_mutex);

	if (tg->spare.latency_removed)
		spare_latency_forget(tg->spare.latency_removed);
	if (!tg->spare.latency)
		return;

	for_each_possible_cpu(cpu) {
		guard(rq_lock_irqsave)(cpu_rq(cpu));
		spare_latency_forget(per_cpu_ptr(tg->spare.latency, cpu)->how);
	}
}
