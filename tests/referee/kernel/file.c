// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/debug/sched/referee: write N and it looks on, and allows for N us in
 * which the computer stands still; write 0 and it stops; both forget what was
 * seen. Read: what was looked at, and the faults.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "referee.h"

static const char *const count_names[REFEREE_COUNTS] = {
	[REFEREE_SWITCHES]	= "switches",
	[REFEREE_CHARGES]	= "charges",
	[REFEREE_LOOKS]		= "looks",
	[REFEREE_LOANS]		= "loans",
	[REFEREE_DISPATCHES]	= "dispatches",
	[REFEREE_SKIP_BOOSTED]	= "skipped boosted",
	[REFEREE_SKIP_RECLAIM]	= "skipped reclaiming",
	[REFEREE_SKIP_SCALED]	= "skipped scaled",
	[REFEREE_SKIP_COOKIE]	= "skipped cookie",
	[REFEREE_SKIP_LATE]	= "allowed late",
	[REFEREE_SKIP_FULL]	= "skipped full",
};

static const char *const maximum_names[REFEREE_MAXIMA] = {
	[REFEREE_MAX_UNPAID]	= "unpaid at most",
	[REFEREE_MAX_TIMER]	= "timer late at most",
	[REFEREE_MAX_LATE]	= "entity late at most",
};

static DEFINE_MUTEX(file_mutex);
static bool looks_on;

static void stop(void)
{
	if (!looks_on)
		return;
	referee_unwatch_latency();
	referee_unwatch_loans();
	referee_unwatch();
	tracepoint_synchronize_unregister();
	looks_on = false;
}

static int start(void)
{
	if (!referee_cpus)
		referee_cpus = kvcalloc(nr_cpu_ids, sizeof(*referee_cpus), GFP_KERNEL);
	if (!referee_threads)
		referee_threads = kvcalloc(PID_MAX_DEFAULT, sizeof(*referee_threads),
					   GFP_KERNEL);
	if (!referee_cpus || !referee_threads)
		return -ENOMEM;
	memset(referee_cpus, 0, nr_cpu_ids * sizeof(*referee_cpus));
	memset(referee_threads, 0, PID_MAX_DEFAULT * sizeof(*referee_threads));
	referee_domains_changed = 0;
	referee_forget_faults();
	referee_forget_tally();
	looks_on = true;

	return referee_watch() ?: referee_watch_loans() ?: referee_watch_latency();
}

static int show(struct seq_file *m, void *v)
{
	u64 count[REFEREE_COUNTS] = {}, longest[REFEREE_MAXIMA] = {};
	unsigned int i;
	int cpu;

	guard(mutex)(&file_mutex);
	if (!looks_on) {
		seq_puts(m, "off\n");
		return 0;
	}
	for_each_possible_cpu(cpu)
		referee_check_fits(cpu_rq(cpu), true);
	for_each_possible_cpu(cpu) {
		for (i = 0; i < REFEREE_COUNTS; i++)
			count[i] += referee_cpus[cpu].count[i];
		for (i = 0; i < REFEREE_MAXIMA; i++)
			longest[i] = max(longest[i], referee_cpus[cpu].longest[i]);
	}

	if (referee_nr_faults())
		seq_printf(m, "speaks, %llu faults", referee_nr_faults());
	else
		seq_puts(m, "silent");
	for (i = 0; i < REFEREE_COUNTS; i++) {
		if (count[i] || i < REFEREE_SKIP_BOOSTED)
			seq_printf(m, ", %llu %s", count[i], count_names[i]);
	}
	for (i = 0; i < REFEREE_MAXIMA; i++)
		seq_printf(m, ", %s %llu us", maximum_names[i],
			   div_u64(longest[i], NSEC_PER_USEC));
	seq_putc(m, '\n');
	referee_show_faults(m);
	referee_show_sums(m);
	referee_show_tally(m);

	return 0;
}

static int open(struct inode *inode, struct file *file)
{
	return single_open(file, show, NULL);
}

static ssize_t write(struct file *file, const char __user *text, size_t size,
		     loff_t *pos)
{
	unsigned int us;
	int ret = kstrtouint_from_user(text, size, 0, &us);

	if (ret)
		return ret;

	guard(mutex)(&file_mutex);
	stop();
	referee_still = us * NSEC_PER_USEC;
	if (us)
		ret = start();

	return ret ?: size;
}

static const struct file_operations file_ops = {
	.open		= open,
	.write		= write,
	.read		= seq_read,
	.llseek		= seq_lseek,
	.release	= single_release,
};

static int __init init(void)
{
	struct dentry *dir = debugfs_lookup("sched", NULL);

	debugfs_create_file("referee", 0600, dir, NULL, &file_ops);
	dput(dir);

	return 0;
}
late_initcall(init);
