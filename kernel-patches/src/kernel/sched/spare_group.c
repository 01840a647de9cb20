// SPDX-License-Identifier: GPL-2.0
/* Spare deadline reservations: groups, who borrows from where, and what a group leaves behind */

/* The longest that a group may ask for, us. */
#define SPARE_LINGER_MAX	USEC_PER_SEC

/* What "on" says without options; see Documentation/scheduler/sched-spare.rst. */
static const struct sched_spare_terms spare_terms_default = {
	.chances	= SPARE_CHANCES_MAX,
	.linger		= 200,
	.charge		= false,
	.reply		= true,
	.timer		= false,
};

/* What an ancestor has asked for stays: a group may only be stricter. */
static void spare_restrict(struct sched_spare_terms *granted,
			   const struct sched_spare_terms *asked)
{
	granted->chances = min(granted->chances, asked->chances);
	granted->linger = min(granted->linger, asked->linger);
	granted->charge |= asked->charge;
	granted->reply |= asked->reply;
	granted->timer &= asked->timer;
}

static enum spare_borrow_mode spare_narrow(enum spare_borrow_mode granted,
					   const struct sched_spare_borrow *asked)
{
	if (granted == SPARE_BORROW_OFF || asked->mode == SPARE_BORROW_OFF)
		return SPARE_BORROW_OFF;
	if (asked->mode == SPARE_BORROW_ON && asked->trusted)
		return SPARE_BORROW_ON;

	return granted;
}

/* Who provides for @tg, and whether its threads are to borrow from that. */
static bool spare_group_decide(struct task_group *tg)
{
	struct sched_spare_group *up = &spare_css_tg(tg->css.parent)->spare;
	struct sched_spare_group *g = &tg->spare;

	lockdep_assert_held(&spare_mutex);

	g->provider = up->pool ?: up->provider;
	g->granted.mode = spare_narrow(up->granted.mode, &g->asked);

	return g->online && g->provider && g->granted.mode == SPARE_BORROW_ON;
}

/* Those who borrow are counted. */
static int spare_group_prepare(struct task_group *tg)
{
	struct spare_stat __percpu *stat;

	if (!spare_group_decide(tg) || tg->spare.stat)
		return 0;
	if (spare_latency_prepare(tg))
		return -ENOMEM;

	stat = alloc_percpu(struct spare_stat);
	if (!stat)
		return -ENOMEM;
	/* Pairs with the address dependency of spare_count(). */
	smp_store_release(&tg->spare.stat, stat);

	return 0;
}

static void spare_group_apply(struct task_group *tg)
{
	struct sched_spare_group *up = &spare_css_tg(tg->css.parent)->spare;
	struct sched_spare_group *g = &tg->spare;
	struct sched_spare_terms terms = up->granted.terms;

	if (g->asked.mode == SPARE_BORROW_ON)
		spare_restrict(&terms, &g->asked.terms);

	WRITE_ONCE(g->granted.terms.chances, terms.chances);
	WRITE_ONCE(g->granted.terms.linger, terms.linger);
	WRITE_ONCE(g->granted.terms.charge, terms.charge);
	WRITE_ONCE(g->granted.terms.reply, terms.reply);
	WRITE_ONCE(g->granted.terms.timer, terms.timer);
	rcu_assign_pointer(g->source, spare_group_decide(tg) ? g->provider : NULL);
}

static int spare_prepare_groups(struct task_group *tg)
{
	struct cgroup_subsys_state *css;
	int ret = 0;

	rcu_read_lock();
	css_for_each_descendant_pre(css, &tg->css) {
		/*
		 * Allocation sleeps. Only an online group gets to it, and it
		 * stays online, and so in its place, under spare_mutex.
		 */
		if (!spare_group_decide(spare_css_tg(css)))
			continue;
		rcu_read_unlock();
		ret = spare_group_prepare(spare_css_tg(css));
		rcu_read_lock();
		if (ret)
			break;
	}
	rcu_read_unlock();

	return ret;
}

/*
 * Something was changed in @tg: bring it and all groups below it up to date,
 * and end the loans that are no longer theirs. Changes nothing if it fails;
 * that it cannot do when the change is taken back.
 */
static int spare_update_groups(struct task_group *tg)
{
	struct cgroup_subsys_state *css;
	int ret;

	ret = spare_prepare_groups(tg);
	if (ret)
		return ret;

	rcu_read_lock();
	css_for_each_descendant_pre(css, &tg->css)
		spare_group_apply(spare_css_tg(css));
	rcu_read_unlock();

	if (!sched_spare_enabled())
		return 0;

	spare_recall_all();
	rcu_read_lock();
	css_for_each_descendant_pre(css, &tg->css)
		spare_members_call(spare_css_tg(css), spare_retry);
	rcu_read_unlock();

	return 0;
}

static int spare_switch_pool(struct task_group *tg, struct spare_pool *old,
			     struct spare_pool *new)
{
	int ret;

	ret = spare_reserve(new, old);
	if (ret)
		return ret;

	tg->spare.pool = new;
	ret = spare_update_groups(tg);
	if (ret) {
		tg->spare.pool = old;
		WARN_ON_ONCE(spare_update_groups(tg));
		spare_release(new, old, nr_cpu_ids);
		return ret;
	}

	/* Old before new: what those have consumed these may not. */
	if (old)
		spare_pool_detach(old);
	if (new)
		spare_pool_attach(new);
	spare_release(old, new, nr_cpu_ids);

	return 0;
}

/* Replace the pool of @tg by @new; either may be none. */
static int spare_set_pool(struct task_group *tg, struct spare_pool *new)
{
	struct spare_pool *old;
	int ret;

	if (new)
		static_branch_inc(&sched_spare_key);

	cpus_read_lock();
	mutex_lock(&spare_mutex);
	mutex_lock(&sched_domains_mutex);

	old = tg->spare.pool;
	ret = spare_switch_pool(tg, old, new);

	mutex_unlock(&sched_domains_mutex);
	mutex_unlock(&spare_mutex);
	cpus_read_unlock();

	if (ret) {
		if (new)
			static_branch_dec(&sched_spare_key);
	} else if (old) {
		spare_pool_put(old);
		static_branch_dec(&sched_spare_key);
	}

	return ret;
}

static void spare_stat_add(struct spare_stat *sum, struct task_group *tg)
{
	int cpu, i;

	for (i = 0; i < SPARE_NR_STATS; i++)
		sum->item[i] += tg->spare.removed.item[i];

	if (!tg->spare.stat)
		return;
	for_each_possible_cpu(cpu) {
		struct spare_stat *stat = per_cpu_ptr(tg->spare.stat, cpu);

		for (i = 0; i < SPARE_NR_STATS; i++) {
			/* Others go on counting, by this_cpu_add(), which is unmarked. */
			sum->item[i] += data_race(stat->item[i]);
		}
	}
}

/* Life of a group */

void sched_spare_group_init(struct task_group *tg)
{
	struct sched_spare_group *g = &tg->spare;

	raw_spin_lock_init(&g->lock);
	INIT_HLIST_NULLS_HEAD(&g->members, (unsigned long)tg);
	INIT_LIST_HEAD(&g->devs);
	g->asked.terms = spare_terms_default;
	g->granted.terms.chances = SPARE_CHANCES_MAX;
	g->granted.terms.linger = SPARE_LINGER_MAX;
	g->granted.terms.timer = true;
}

void sched_spare_group_free(struct task_group *tg)
{
	free_percpu(tg->spare.stat);
	spare_latency_free(tg);
}

int sched_spare_group_online(struct task_group *tg)
{
	int ret;

	/* The root group provides nothing and borrows from nobody. */
	if (!tg->css.parent)
		return 0;

	guard(mutex)(&spare_mutex);
	tg->spare.online = true;
	ret = spare_group_prepare(tg);
	if (ret)
		tg->spare.online = false;
	else
		spare_group_apply(tg);

	return ret;
}

/*
 * The group has no children and no files any more, and no threads but those
 * that have left it and are not dead yet. Its counters live on above.
 */
void sched_spare_group_offline(struct task_group *tg)
{
	spare_dev_unbind_all(tg);
	if (tg->spare.pool)
		WARN_ON_ONCE(spare_set_pool(tg, NULL));

	guard(mutex)(&spare_mutex);
	tg->spare.online = false;
	spare_group_apply(tg);
	if (spare_has_members(tg))
		spare_recall_all();
	spare_stat_add(&spare_css_tg(tg->css.parent)->spare.removed, tg);
	spare_latency_leave(tg);
}

void __init sched_spare_init(void)
{
	sched_spare_group_init(&root_task_group);
}
