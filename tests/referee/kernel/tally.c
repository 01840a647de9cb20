// SPDX-License-Identifier: GPL-2.0
/*
 * What happened, by group: to be compared with cpu.spare.stat
 *
 * A group's counters are those of all below it, also of those that were removed;
 * so what counts is the group below the root. The emulator's init compares.
 */
#include <linux/cgroup.h>
#include <linux/seq_file.h>

#include "referee.h"

#define GROUPS	32

/* As in cpu.spare.stat. */
static const char *const keys[REFEREE_TALLY_ITEMS] = {
	[REFEREE_TALLY_EVENTS]				= "nr_events",
	[REFEREE_TALLY_BORROWS]				= "nr_borrows",
	[REFEREE_TALLY_WAITS]				= "nr_waits",
	[REFEREE_TALLY_DISPATCHES]			= "nr_dispatches",
	[REFEREE_TALLY_BORROWED]			= "borrowed_usec",
	[REFEREE_TALLY_RETURNED + SPARE_RETURN_OWN]	= "returned_own",
	[REFEREE_TALLY_RETURNED + SPARE_RETURN_UNUSED]	= "returned_unused",
	[REFEREE_TALLY_RETURNED + SPARE_RETURN_CHANCES]	= "returned_chances",
	[REFEREE_TALLY_RETURNED + SPARE_RETURN_SLEEP]	= "returned_sleep",
	[REFEREE_TALLY_RETURNED + SPARE_RETURN_REPLY]	= "returned_reply",
	[REFEREE_TALLY_RETURNED + SPARE_RETURN_QUIET]	= "returned_quiet",
	[REFEREE_TALLY_RETURNED + SPARE_RETURN_CHARGE]	= "returned_charge",
	[REFEREE_TALLY_RETURNED + SPARE_RETURN_GONE]	= "returned_gone",
};

/* @id: the cgroup's, which is its inode's; 0: free. */
static struct group {
	atomic64_t	id;
	atomic64_t	item[REFEREE_TALLY_ITEMS];
} groups[GROUPS];

static u64 top_of(struct task_struct *p)
{
	struct task_group *tg = task_group(p);

	while (tg->parent && tg->parent != &root_task_group)
		tg = tg->parent;

	return tg->css.cgroup ? cgroup_id(tg->css.cgroup) : 0;
}

void referee_tally(struct task_struct *p, unsigned int item, u64 n)
{
	s64 id = top_of(p);
	unsigned int i;

	for (i = 0; id && i < GROUPS; i++) {
		if (!atomic64_read(&groups[i].id))
			atomic64_cmpxchg(&groups[i].id, 0, id);
		if (atomic64_read(&groups[i].id) == id) {
			atomic64_add(n, &groups[i].item[item]);
			return;
		}
	}
	referee_cpus[raw_smp_processor_id()].count[REFEREE_SKIP_FULL]++;
}

void referee_forget_tally(void)
{
	memset(groups, 0, sizeof(groups));
}

void referee_show_tally(struct seq_file *m)
{
	unsigned int i, k;

	for (i = 0; i < GROUPS && atomic64_read(&groups[i].id); i++) {
		for (k = 0; k < REFEREE_TALLY_ITEMS; k++) {
			u64 n = atomic64_read(&groups[i].item[k]);

			if (k == REFEREE_TALLY_BORROWED)
				n = div_u64(n, NSEC_PER_USEC);
			seq_printf(m, "  group %lld: %s %llu\n",
				   atomic64_read(&groups[i].id), keys[k], n);
		}
	}
}
