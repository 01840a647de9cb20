// SPDX-License-Identifier: GPL-2.0
/*
 * Spare deadline reservations: the administrator's interface
 *
 *	cpu.spare.pool		none | RUNTIME PERIOD [units=N] [cpus=LIST]
 *	cpu.spare.borrow	inherit | off | on [chances=N|max] [charge=0|1]
 *				[reply=0|1] [linger=USEC]
 *	cpu.spare.stat		flat keyed
 *
 * in the cpu controller of every non-root group; cpu.spare.dev is in
 * spare_dev.c. Times are in microseconds. One write sets one thing and is
 * applied whole or not at all.
 *
 * A group uses the pool of its nearest ancestor that has one, if it or an
 * ancestor says "on" and neither it nor any ancestor says "off". A group can
 * restrict what its ancestors grant, but never widen it.
 */

#define SPARE_UNITS_MAX		64U	/* units of a pool on a CPU */
#define SPARE_LINGER_MAX	USEC_PER_SEC

/* What "on" says without options; see Documentation/scheduler/sched-spare.rst. */
static const struct sched_spare_terms spare_terms_default = {
	.chances	= SPARE_CHANCES_MAX,
	.linger		= 200,
	.charge		= false,
	.reply		= true,
};

static inline struct task_group *spare_css_tg(struct cgroup_subsys_state *css)
{
	return css ? container_of(css, struct task_group, css) : NULL;
}

/* Groups: who borrows from where */

/* What an ancestor has asked for stays: a group may only be stricter. */
static void spare_restrict(struct sched_spare_terms *granted,
			   const struct sched_spare_terms *asked)
{
	granted->chances = min(granted->chances, asked->chances);
	granted->linger = min(granted->linger, asked->linger);
	granted->charge |= asked->charge;
	granted->reply |= asked->reply;
}

static void spare_group_update(struct task_group *tg)
{
	struct task_group *parent = spare_css_tg(tg->css.parent);
	struct sched_spare_group *g = &tg->spare, *up;
	struct sched_spare_terms terms;
	struct spare_pool *source = NULL;
	enum spare_borrow_mode mode;

	lockdep_assert_held(&spare_mutex);

	if (!parent)
		return;

	up = &parent->spare;
	g->provider = up->pool ?: up->provider;
	mode = up->granted.mode;
	if (mode != SPARE_BORROW_OFF && g->mode != SPARE_BORROW_INHERIT)
		mode = g->mode;
	terms = up->granted.terms;
	if (g->mode == SPARE_BORROW_ON)
		spare_restrict(&terms, &g->terms);

	g->granted.mode = mode;
	WRITE_ONCE(g->granted.terms.chances, terms.chances);
	WRITE_ONCE(g->granted.terms.linger, terms.linger);
	WRITE_ONCE(g->granted.terms.charge, terms.charge);
	WRITE_ONCE(g->granted.terms.reply, terms.reply);

	if (g->online && mode == SPARE_BORROW_ON)
		source = g->provider;
	rcu_assign_pointer(g->source, source);
}

/* Bring all groups up to date, and end the loans that are no longer theirs. */
static void spare_update_groups(void)
{
	struct cgroup_subsys_state *css;

	rcu_read_lock();
	css_for_each_descendant_pre(css, &root_task_group.css)
		spare_group_update(spare_css_tg(css));
	rcu_read_unlock();

	spare_recall_all();

	rcu_read_lock();
	css_for_each_descendant_pre(css, &root_task_group.css)
		spare_members_retry(spare_css_tg(css));
	rcu_read_unlock();
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
	ret = tg->spare.online ? spare_reserve(new, old) : -ENODEV;
	if (!ret) {
		/* New before old: at no time is less admitted than in use. */
		if (new)
			spare_pool_attach(new);
		tg->spare.pool = new;
		spare_update_groups();
		if (old)
			spare_pool_detach(old);
		spare_unreserve(new, old, nr_cpu_ids);
	}

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

/* Counters */

static void spare_stat_add(struct spare_stat *sum, struct task_group *tg)
{
	int cpu, i;

	for (i = 0; i < SPARE_NR_STATS; i++) {
		sum->item[i] += tg->spare.removed.item[i];
		for_each_possible_cpu(cpu)
			sum->item[i] += per_cpu_ptr(tg->spare.stat, cpu)->item[i];
	}
}

static void spare_stat_sum(struct spare_stat *sum, struct task_group *tg)
{
	struct cgroup_subsys_state *css;

	lockdep_assert_held(&spare_mutex);

	rcu_read_lock();
	css_for_each_descendant_pre(css, &tg->css) {
		if (spare_css_tg(css)->spare.online)
			spare_stat_add(sum, spare_css_tg(css));
	}
	rcu_read_unlock();
}

static int spare_stat_show(struct seq_file *sf, void *v)
{
	static const struct {
		const char *key;
		unsigned int item;
		bool time;
	} lines[] = {
		{ "nr_events",		SPARE_NR_EVENTS },
		{ "nr_borrows",		SPARE_NR_BORROWS },
		{ "nr_waits",		SPARE_NR_WAITS },
		{ "nr_refused",		SPARE_NR_REFUSED },
		{ "nr_dispatches",	SPARE_NR_DISPATCHES },
		{ "borrowed_usec",	SPARE_BORROWED_NS, true },
		{ "waited_usec",	SPARE_WAITED_NS, true },
		{ "returned_own",	SPARE_NR_RETURNED + SPARE_RETURN_OWN },
		{ "returned_unused",	SPARE_NR_RETURNED + SPARE_RETURN_UNUSED },
		{ "returned_chances",	SPARE_NR_RETURNED + SPARE_RETURN_CHANCES },
		{ "returned_sleep",	SPARE_NR_RETURNED + SPARE_RETURN_SLEEP },
		{ "returned_reply",	SPARE_NR_RETURNED + SPARE_RETURN_REPLY },
		{ "returned_charge",	SPARE_NR_RETURNED + SPARE_RETURN_CHARGE },
		{ "returned_gone",	SPARE_NR_RETURNED + SPARE_RETURN_GONE },
	};
	struct task_group *tg = spare_css_tg(seq_css(sf));
	struct spare_stat sum = {};
	struct spare_pool *pool;
	unsigned int i;

	guard(mutex)(&spare_mutex);
	spare_stat_sum(&sum, tg);
	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		u64 n = sum.item[lines[i].item];

		seq_printf(sf, "%s %llu\n", lines[i].key,
			   lines[i].time ? div_u64(n, NSEC_PER_USEC) : n);
	}

	pool = tg->spare.pool;
	if (pool) {
		seq_printf(sf, "units %u\n",
			   pool->nr_units * cpumask_weight(pool->cpus));
		seq_printf(sf, "units_busy %u\n", spare_pool_busy(pool));
	}

	return 0;
}

/* cpu.spare.pool */

/*
 * The value of "KEY=VALUE" in @word, or NULL. No key may be given twice:
 * @seen has a bit for each that was.
 */
static char *spare_value(char *word, const char *key, unsigned int bit,
			 unsigned int *seen)
{
	size_t len = strlen(key);

	if (strncmp(word, key, len) || word[len] != '=' || (*seen & bit))
		return NULL;
	*seen |= bit;

	return word + len + 1;
}

static char *spare_next_word(char **line)
{
	char *word;

	do {
		word = strsep(line, " \t");
	} while (word && !*word);

	return word;
}

/* A decimal number of microseconds, as nanoseconds. */
static int spare_parse_usec(const char *word, u64 *ns)
{
	int ret;

	if (!word)
		return -EINVAL;
	ret = kstrtou64(word, 10, ns);
	if (ret || *ns > div_u64(S64_MAX, NSEC_PER_USEC))
		return -EINVAL;
	*ns *= NSEC_PER_USEC;

	return 0;
}

static bool spare_params_valid(u64 runtime, u64 period)
{
	struct sched_attr attr = {
		.sched_runtime = runtime,
		.sched_deadline = period,
		.sched_period = period,
	};

	return __checkparam_dl(&attr);
}

/* A new pool from what was written, NULL for "none", or an error. */
static struct spare_pool *spare_pool_parse(char *line)
{
	char *word = spare_next_word(&line), *value;
	unsigned int nr_units = 1, seen = 0;
	struct spare_pool *pool = ERR_PTR(-EINVAL);
	cpumask_var_t cpus;
	u64 runtime, period;

	if (word && !strcmp(word, "none"))
		return spare_next_word(&line) ? ERR_PTR(-EINVAL) : NULL;

	if (spare_parse_usec(word, &runtime) ||
	    spare_parse_usec(spare_next_word(&line), &period) ||
	    !spare_params_valid(runtime, period))
		return ERR_PTR(-EINVAL);

	if (!alloc_cpumask_var(&cpus, GFP_KERNEL))
		return ERR_PTR(-ENOMEM);
	cpumask_copy(cpus, cpu_possible_mask);

	while ((word = spare_next_word(&line))) {
		value = spare_value(word, "units", 1, &seen);
		if (value) {
			if (kstrtouint(value, 10, &nr_units) ||
			    !in_range(nr_units, 1, SPARE_UNITS_MAX))
				goto out;
			continue;
		}
		value = spare_value(word, "cpus", 2, &seen);
		if (!value || cpulist_parse(value, cpus) || cpumask_empty(cpus) ||
		    !cpumask_subset(cpus, cpu_possible_mask))
			goto out;
	}

	pool = spare_pool_alloc(runtime, period, nr_units, cpus) ?: ERR_PTR(-ENOMEM);
out:
	free_cpumask_var(cpus);

	return pool;
}

static ssize_t spare_pool_write(struct kernfs_open_file *of, char *buf,
				size_t nbytes, loff_t off)
{
	struct task_group *tg = spare_css_tg(of_css(of));
	struct spare_pool *pool;
	int ret;

	/* As for SCHED_DEADLINE itself: it takes bandwidth from everybody. */
	if (!capable(CAP_SYS_NICE))
		return -EPERM;

	pool = spare_pool_parse(strstrip(buf));
	if (IS_ERR(pool))
		return PTR_ERR(pool);

	ret = spare_set_pool(tg, pool);
	if (ret && pool)
		spare_pool_free(pool);

	return ret ?: nbytes;
}

static int spare_pool_show(struct seq_file *sf, void *v)
{
	struct spare_pool *pool;

	guard(mutex)(&spare_mutex);
	pool = spare_css_tg(seq_css(sf))->spare.pool;
	if (!pool)
		seq_puts(sf, "none\n");
	else
		seq_printf(sf, "%llu %llu units=%u cpus=%*pbl\n",
			   div_u64(pool->runtime, NSEC_PER_USEC),
			   div_u64(pool->period, NSEC_PER_USEC),
			   pool->nr_units, cpumask_pr_args(pool->cpus));

	return 0;
}

/* cpu.spare.borrow */

static int spare_parse_chances(const char *value, unsigned int *chances)
{
	if (!strcmp(value, "max")) {
		*chances = SPARE_CHANCES_MAX;
		return 0;
	}

	return kstrtouint(value, 10, chances) || !*chances ? -EINVAL : 0;
}

static int spare_parse_linger(const char *value, unsigned int *usec)
{
	return kstrtouint(value, 10, usec) || *usec > SPARE_LINGER_MAX ? -EINVAL : 0;
}

static int spare_parse_flag(const char *value, bool *flag)
{
	unsigned int n;

	if (kstrtouint(value, 10, &n) || n > 1)
		return -EINVAL;
	*flag = n;

	return 0;
}

static int spare_borrow_option(char *word, struct sched_spare_terms *terms,
			       unsigned int *seen)
{
	char *value;

	value = spare_value(word, "chances", 1, seen);
	if (value)
		return spare_parse_chances(value, &terms->chances);

	value = spare_value(word, "charge", 2, seen);
	if (value)
		return spare_parse_flag(value, &terms->charge);

	value = spare_value(word, "reply", 4, seen);
	if (value)
		return spare_parse_flag(value, &terms->reply);

	value = spare_value(word, "linger", 8, seen);
	if (value)
		return spare_parse_linger(value, &terms->linger);

	return -EINVAL;
}

static int spare_borrow_parse(char *line, enum spare_borrow_mode *mode,
			      struct sched_spare_terms *terms)
{
	char *word = spare_next_word(&line);
	unsigned int seen = 0;
	int ret = 0;

	*terms = spare_terms_default;

	if (!word)
		return -EINVAL;
	if (!strcmp(word, "inherit") || !strcmp(word, "off")) {
		*mode = !strcmp(word, "off") ? SPARE_BORROW_OFF : SPARE_BORROW_INHERIT;
		return spare_next_word(&line) ? -EINVAL : 0;
	}
	if (strcmp(word, "on"))
		return -EINVAL;

	*mode = SPARE_BORROW_ON;
	while (!ret && (word = spare_next_word(&line)))
		ret = spare_borrow_option(word, terms, &seen);

	return ret;
}

static ssize_t spare_borrow_write(struct kernfs_open_file *of, char *buf,
				  size_t nbytes, loff_t off)
{
	struct task_group *tg = spare_css_tg(of_css(of));
	struct sched_spare_terms terms;
	enum spare_borrow_mode mode;
	int ret;

	ret = spare_borrow_parse(strstrip(buf), &mode, &terms);
	if (ret)
		return ret;

	guard(mutex)(&spare_mutex);
	tg->spare.mode = mode;
	tg->spare.terms = terms;
	spare_update_groups();

	return nbytes;
}

static int spare_borrow_show(struct seq_file *sf, void *v)
{
	struct sched_spare_group *g = &spare_css_tg(seq_css(sf))->spare;

	guard(mutex)(&spare_mutex);
	switch (g->mode) {
	case SPARE_BORROW_INHERIT:
		seq_puts(sf, "inherit\n");
		break;
	case SPARE_BORROW_OFF:
		seq_puts(sf, "off\n");
		break;
	case SPARE_BORROW_ON:
		seq_puts(sf, "on chances=");
		if (g->terms.chances == SPARE_CHANCES_MAX)
			seq_puts(sf, "max");
		else
			seq_printf(sf, "%u", g->terms.chances);
		seq_printf(sf, " charge=%d reply=%d linger=%u\n",
			   g->terms.charge, g->terms.reply, g->terms.linger);
		break;
	}

	return 0;
}

/* Merged into the cpu controller's files. */
struct cftype sched_spare_files[] = {
	{
		.name = "spare.pool",
		.flags = CFTYPE_NOT_ON_ROOT,
		.seq_show = spare_pool_show,
		.write = spare_pool_write,
	},
	{
		.name = "spare.borrow",
		.flags = CFTYPE_NOT_ON_ROOT,
		.seq_show = spare_borrow_show,
		.write = spare_borrow_write,
	},
	{
		.name = "spare.dev",
		.flags = CFTYPE_NOT_ON_ROOT,
		.seq_show = spare_dev_show,
		.write = spare_dev_write,
	},
	{
		.name = "spare.stat",
		.flags = CFTYPE_NOT_ON_ROOT,
		.seq_show = spare_stat_show,
	},
	{ }	/* terminate */
};

static int __init sched_spare_add_files(void)
{
	WARN_ON(cgroup_add_dfl_cftypes(&cpu_cgrp_subsys, sched_spare_files));

	return 0;
}
late_initcall(sched_spare_add_files);

/* Life of a group */

static void spare_group_init(struct sched_spare_group *g)
{
	raw_spin_lock_init(&g->lock);
	INIT_HLIST_HEAD(&g->members);
	INIT_LIST_HEAD(&g->devs);
	g->terms = spare_terms_default;
	g->granted.terms.chances = SPARE_CHANCES_MAX;
	g->granted.terms.linger = SPARE_LINGER_MAX;
}

int sched_spare_group_alloc(struct task_group *tg)
{
	spare_group_init(&tg->spare);
	tg->spare.stat = alloc_percpu(struct spare_stat);

	return tg->spare.stat ? 0 : -ENOMEM;
}

void sched_spare_group_free(struct task_group *tg)
{
	free_percpu(tg->spare.stat);
}

void sched_spare_group_online(struct task_group *tg)
{
	guard(mutex)(&spare_mutex);
	tg->spare.online = true;
	spare_group_update(tg);
}

/* The group has no more threads and no children; its counters live on above. */
void sched_spare_group_offline(struct task_group *tg)
{
	struct task_group *parent = spare_css_tg(tg->css.parent);

	spare_dev_unbind_all(tg);
	if (tg->spare.pool)
		WARN_ON_ONCE(spare_set_pool(tg, NULL));

	guard(mutex)(&spare_mutex);
	tg->spare.online = false;
	spare_group_update(tg);
	spare_recall_all();
	if (parent)
		spare_stat_add(&parent->spare.removed, tg);
}

void __init sched_spare_init(void)
{
	static DEFINE_PER_CPU(struct spare_stat, root_stat);

	spare_group_init(&root_task_group.spare);
	root_task_group.spare.stat = &root_stat;
}
