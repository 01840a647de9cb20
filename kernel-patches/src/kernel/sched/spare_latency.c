// SPDX-License-Identifier: GPL-2.0
/*
 * Spare deadline reservations: how long what comes for a thread waits for its CPU
 *
 * S, from an event to when its thread is dispatched: 0 if that runs, and otherwise
 * until it is switched in, on whatever budget. An event that finds one waiting waits
 * no longer than that, and is not counted. A thread that is off the CPU again before
 * it has answered begins anew: it asks for a unit.
 */

/* Of a group on one CPU; all but the sums is written under its run-queue lock. */
struct spare_latency_cpu {
	struct spare_latency	sums;
	unsigned int		epoch;
	seqcount_t		seq;
};

/* The first is for less than 1 us, each next one for twice as much. */
static unsigned int spare_latency_bucket(u64 ns)
{
	return min_t(unsigned int, fls64(div_u64(ns, NSEC_PER_USEC)),
		     SPARE_LATENCY_BUCKETS - 1);
}

/* Something has come for @p, which runs: on its own reservation, or on @loan. */
static inline void spare_latency_none(struct task_struct *p, bool loan)
{
	struct spare_latency_cpu __percpu *latency = READ_ONCE(spare_group_of(p)->spare.latency);

	if (latency)
		this_cpu_inc(latency->sums.nr[loan ? SPARE_LATENCY_LOAN : SPARE_LATENCY_OWN][0]);
}

/* Something has come for @p, or is still to be answered by it, and it does not run. */
static inline void spare_latency_begin(struct rq *rq, struct task_struct *p)
{
	lockdep_assert_rq_held(rq);

	if (p->spare.called)
		return;
	WRITE_ONCE(p->spare.called, sched_clock_cpu(cpu_of(rq)));
	p->spare.held = SPARE_LATENCY_OWN;
}

static void spare_latency_worst(struct spare_latency_cpu *latency, unsigned int how,
				u64 ns, unsigned int epoch)
{
	write_seqcount_begin(&latency->seq);
	if (latency->epoch != epoch) {
		memset(latency->sums.worst, 0, sizeof(latency->sums.worst));
		latency->epoch = epoch;
	}
	if (ns > latency->sums.worst[how].ns) {
		latency->sums.worst[how].ns = ns;
		latency->sums.worst[how].time = ktime_get_real_fast_ns();
	}
	write_seqcount_end(&latency->seq);
}

/* @p, for which something has come, is dispatched on @rq: on its own, or on @loan. */
static void spare_latency_end(struct rq *rq, struct task_struct *p, bool loan)
{
	struct sched_spare_group *g = &spare_group_of(p)->spare;
	struct spare_latency_cpu __percpu *percpu = READ_ONCE(g->latency);
	unsigned int epoch = READ_ONCE(g->latency_epoch);
	unsigned int how = p->spare.held;
	struct spare_latency_cpu *latency;
	u64 ns;

	lockdep_assert_rq_held(rq);
	WARN_ON_ONCE(cpu_of(rq) != smp_processor_id());

	if (how == SPARE_LATENCY_OWN && loan)
		how = SPARE_LATENCY_LOAN;
	/* The clocks of two CPUs may differ. */
	ns = max_t(s64, rq_clock(rq) - p->spare.called, 0);
	WRITE_ONCE(p->spare.called, 0);
	trace_sched_spare_latency(p, ns, how);
	if (!percpu)
		return;

	latency = this_cpu_ptr(percpu);
	this_cpu_inc(percpu->sums.nr[how][spare_latency_bucket(ns)]);
	this_cpu_add(percpu->sums.total[how], ns);
	if (ns > latency->sums.worst[how].ns || latency->epoch != epoch)
		spare_latency_worst(latency, how, ns, epoch);
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
	int cpu;

	lockdep_assert_held(&spare_mutex);

	for (up = tg->css.parent; up->parent; up = up->parent) {
		struct sched_spare_group *g = &container_of(up, struct task_group, css)->spare;

		if (!g->latency_removed)
			g->latency_removed = kzalloc(sizeof(*g->latency_removed), GFP_KERNEL);
		if (!g->latency_removed)
			return -ENOMEM;
	}

	if (tg->spare.latency)
		return 0;
	latency = alloc_percpu(struct spare_latency_cpu);
	if (!latency)
		return -ENOMEM;
	for_each_possible_cpu(cpu)
		seqcount_init(&per_cpu_ptr(latency, cpu)->seq);
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
	unsigned int how, i;

	for (how = 0; how < SPARE_NR_LATENCY; how++) {
		for (i = 0; i < SPARE_LATENCY_BUCKETS; i++) {
			/* Others go on counting, by this_cpu_add(), which is unmarked. */
			sum->nr[how][i] += data_race(one->nr[how][i]);
		}
		/* The same. */
		sum->total[how] += data_race(one->total[how]);
	}
}

static void spare_latency_max(struct spare_latency *sum, const struct spare_worst *worst)
{
	unsigned int how;

	for (how = 0; how < SPARE_NR_LATENCY; how++)
		if (worst[how].ns > sum->worst[how].ns)
			sum->worst[how] = worst[how];
}

/* Add what @tg itself has counted, and what the groups that were below it have. */
static void spare_latency_add(struct spare_latency *sum, struct task_group *tg)
{
	struct spare_latency *removed = tg->spare.latency_removed;
	int cpu;

	lockdep_assert_held(&spare_mutex);

	if (removed) {
		spare_latency_sum(sum, removed);
		spare_latency_max(sum, removed->worst);
	}
	if (!tg->spare.latency)
		return;

	for_each_possible_cpu(cpu) {
		struct spare_latency_cpu *latency = per_cpu_ptr(tg->spare.latency, cpu);
		struct spare_worst worst[SPARE_NR_LATENCY];
		unsigned int seq, epoch;

		spare_latency_sum(sum, &latency->sums);
		do {
			seq = read_seqcount_begin(&latency->seq);
			memcpy(worst, latency->sums.worst, sizeof(worst));
			epoch = latency->epoch;
		} while (read_seqcount_retry(&latency->seq, seq));
		if (epoch == tg->spare.latency_epoch)
			spare_latency_max(sum, worst);
	}
}

/* @tg is removed: what it has counted lives on above. */
static void spare_latency_leave(struct task_group *tg)
{
	struct task_group *up = container_of(tg->css.parent, struct task_group, css);

	if (up->spare.latency_removed)
		spare_latency_add(up->spare.latency_removed, tg);
}

/* The worst of @tg is to be looked for anew. */
static void spare_latency_reset(struct task_group *tg)
{
	struct spare_latency *removed = tg->spare.latency_removed;

	lockdep_assert_held(&spare_mutex);

	if (removed)
		memset(removed->worst, 0, sizeof(removed->worst));
	WRITE_ONCE(tg->spare.latency_epoch, tg->spare.latency_epoch + 1);
}
