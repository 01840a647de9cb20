// SPDX-License-Identifier: GPL-2.0
/*
 * Spare deadline reservations: the administrator's interface
 *
 *	cpu.spare.pool		none | RUNTIME PERIOD [units=N] [cpus=LIST]
 *	cpu.spare.borrow	inherit | off | on [chances=N|max] [charge=0|1]
 *				[reply=0|1] [linger=USEC] [timer=0|1]
 *	cpu.spare.stat		flat keyed
 *	cpu.spare.latency	nested keyed; 0 resets the worst
 *
 * in the cpu controller of every non-root group; cpu.spare.dev is in
 * spare_dev.c. Times are in microseconds. One write sets one thing and is
 * applied whole or not at all.
 *
 * A group uses the pool of its nearest ancestor that has one, if it or an
 * ancestor says "on" and neither it nor any ancestor says "off". A group can
 * restrict what its ancestors grant. Only an "on" that was said with
 * CAP_SYS_NICE grants by itself; any other, of whoever a group was delegated
 * to, sets terms and is no more than "inherit" besides.
 *
 * Who wrote is who opened the file: a descriptor that is passed on, or that a
 * privileged program is made to write to, has its opener's rights.
 */

#define SPARE_UNITS_MAX		64U	/* units of a pool on a CPU */

/* Whether @of was opened by somebody who may give reservations to anybody. */
static bool spare_privileged(struct kernfs_open_file *of)
{
	return file_ns_capable(of->file, &init_user_ns, CAP_SYS_NICE);
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
		{ "returned_quiet",	SPARE_NR_RETURNED + SPARE_RETURN_QUIET },
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

/* cpu.spare.latency */

static void spare_latency_line(struct seq_file *sf, const u64 *values)
{
	seq_printf(sf, " own=%llu loan=%llu waited=%llu refused=%llu\n",
		   values[SPARE_LATENCY_OWN], values[SPARE_LATENCY_LOAN],
		   values[SPARE_LATENCY_WAITED], values[SPARE_LATENCY_REFUSED]);
}

static void spare_latency_print(struct seq_file *sf, const struct spare_latency *sum)
{
	u64 total[SPARE_NR_LATENCY], worst[SPARE_NR_LATENCY], time[SPARE_NR_LATENCY];
	unsigned int how, i;

	for (how = 0; how < SPARE_NR_LATENCY; how++) {
		total[how] = div_u64(sum[how].total, NSEC_PER_USEC);
		worst[how] = div_u64(sum[how].worst, NSEC_PER_USEC);
		time[how] = div_u64(sum[how].worst_time, NSEC_PER_USEC);
	}
	seq_puts(sf, "total_usec");
	spare_latency_line(sf, total);
	seq_puts(sf, "worst_usec");
	spare_latency_line(sf, worst);
	seq_puts(sf, "worst_time");
	spare_latency_line(sf, time);

	for (i = 0; i < SPARE_LATENCY_BUCKETS; i++) {
		u64 nr[SPARE_NR_LATENCY];

		for (how = 0; how < SPARE_NR_LATENCY; how++)
			nr[how] = sum[how].nr[i];
		if (i < SPARE_LATENCY_BUCKETS - 1)
			seq_printf(sf, "%u", 1U << i);
		else
			seq_puts(sf, "max");
		spare_latency_line(sf, nr);
	}
}

static int spare_latency_show(struct seq_file *sf, void *v)
{
	struct task_group *tg = spare_css_tg(seq_css(sf));
	struct cgroup_subsys_state *css;
	struct spare_latency *sum;

	/* Too much for the stack. */
	sum = kcalloc(SPARE_NR_LATENCY, sizeof(*sum), GFP_KERNEL);
	if (!sum)
		return -ENOMEM;

	mutex_lock(&spare_mutex);
	rcu_read_lock();
	css_for_each_descendant_pre(css, &tg->css) {
		if (spare_css_tg(css)->spare.online)
			spare_latency_add(sum, spare_css_tg(css));
	}
	rcu_read_unlock();
	mutex_unlock(&spare_mutex);

	spare_latency_print(sf, sum);
	kfree(sum);

	return 0;
}

static ssize_t spare_latency_write(struct kernfs_open_file *of, char *buf,
				   size_t nbytes, loff_t off)
{
	struct task_group *tg = spare_css_tg(of_css(of));
	struct cgroup_subsys_state *css;
	unsigned int value;

	if (kstrtouint(strstrip(buf), 10, &value) || value)
		return -EINVAL;
	/* The groups above lose their worst with it. */
	if (!spare_privileged(of))
		return -EPERM;

	guard(mutex)(&spare_mutex);
	guard(rcu)();
	css_for_each_descendant_pre(css, &tg->css)
		spare_latency_reset(spare_css_tg(css));

	return nbytes;
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
	if (!spare_privileged(of))
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

	value = spare_value(word, "timer", 16, seen);
	if (value)
		return spare_parse_flag(value, &terms->timer);

	return -EINVAL;
}

static int spare_borrow_parse(char *line, struct sched_spare_borrow *borrow)
{
	char *word = spare_next_word(&line);
	unsigned int seen = 0;
	int ret = 0;

	borrow->trusted = false;
	borrow->terms = spare_terms_default;

	if (!word)
		return -EINVAL;
	if (!strcmp(word, "inherit") || !strcmp(word, "off")) {
		borrow->mode = !strcmp(word, "off") ? SPARE_BORROW_OFF :
						      SPARE_BORROW_INHERIT;
		return spare_next_word(&line) ? -EINVAL : 0;
	}
	if (strcmp(word, "on"))
		return -EINVAL;

	borrow->mode = SPARE_BORROW_ON;
	while (!ret && (word = spare_next_word(&line)))
		ret = spare_borrow_option(word, &borrow->terms, &seen);

	return ret;
}

/*
 * Whether an "on" that is not trusted may be said in @tg: there must be a grant
 * to narrow, and a trusted one has to be given up first.
 */
static bool spare_may_narrow(struct task_group *tg)
{
	return spare_css_tg(tg->css.parent)->spare.granted.mode == SPARE_BORROW_ON &&
	       !tg->spare.asked.trusted;
}

static int spare_set_borrow(struct task_group *tg,
			    const struct sched_spare_borrow *new)
{
	struct sched_spare_borrow old;
	int ret;

	guard(mutex)(&spare_mutex);
	if (new->mode == SPARE_BORROW_ON && !new->trusted && !spare_may_narrow(tg))
		return -EPERM;

	old = tg->spare.asked;
	tg->spare.asked = *new;
	ret = spare_update_groups(tg);
	if (ret) {
		tg->spare.asked = old;
		WARN_ON_ONCE(spare_update_groups(tg));
	}

	return ret;
}

static ssize_t spare_borrow_write(struct kernfs_open_file *of, char *buf,
				  size_t nbytes, loff_t off)
{
	struct sched_spare_borrow borrow;
	int ret;

	ret = spare_borrow_parse(strstrip(buf), &borrow);
	if (ret)
		return ret;
	if (borrow.mode == SPARE_BORROW_ON)
		borrow.trusted = spare_privileged(of);

	return spare_set_borrow(spare_css_tg(of_css(of)), &borrow) ?: nbytes;
}

static int spare_borrow_show(struct seq_file *sf, void *v)
{
	struct sched_spare_borrow *asked = &spare_css_tg(seq_css(sf))->spare.asked;

	guard(mutex)(&spare_mutex);
	switch (asked->mode) {
	case SPARE_BORROW_INHERIT:
		seq_puts(sf, "inherit\n");
		break;
	case SPARE_BORROW_OFF:
		seq_puts(sf, "off\n");
		break;
	case SPARE_BORROW_ON:
		seq_puts(sf, "on chances=");
		if (asked->terms.chances == SPARE_CHANCES_MAX)
			seq_puts(sf, "max");
		else
			seq_printf(sf, "%u", asked->terms.chances);
		seq_printf(sf, " charge=%d reply=%d linger=%u timer=%d\n",
			   asked->terms.charge, asked->terms.reply,
			   asked->terms.linger, asked->terms.timer);
		break;
	}

	return 0;
}

/* Merged into the cpu controller's files. */
static struct cftype sched_spare_files[] = {
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
	{
		.name = "spare.latency",
		.flags = CFTYPE_NOT_ON_ROOT,
		.seq_show = spare_latency_show,
		.write = spare_latency_write,
	},
	{ }	/* terminate */
};

static int __init sched_spare_add_files(void)
{
	WARN_ON(cgroup_add_dfl_cftypes(&cpu_cgrp_subsys, sched_spare_files));

	return 0;
}
late_initcall(sched_spare_add_files);
