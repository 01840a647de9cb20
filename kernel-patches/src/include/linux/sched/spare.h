/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_SCHED_SPARE_H
#define _LINUX_SCHED_SPARE_H

/*
 * Spare deadline reservations: what the rest of the kernel sees of them.
 * The mechanism is described at the top of kernel/sched/spare.c.
 */

#include <linux/jump_label.h>
#include <linux/types.h>

struct net_device;
struct sched_dl_entity;
struct sched_spare_dev;
struct task_group;
struct task_struct;

#ifdef CONFIG_SCHED_SPARE

/**
 * struct sched_spare_task - a SCHED_DEADLINE thread as a borrower
 * @loan: the unit it has borrowed, NULL if none; run-queue lock
 * @group: the group whose member list it is on; @group's lock
 * @member: link in that list; hlist, because an RCU reader that is carried
 *	into another group's list by a move must still come to an end
 * @pending: an event came while it was throttled and blocked; run-queue lock
 */
struct sched_spare_task {
	struct sched_dl_entity	*loan;
	struct task_group	*group;
	struct hlist_node	member;
	bool			pending;
};

/* True while at least one pool exists. */
DECLARE_STATIC_KEY_FALSE(sched_spare_key);

static inline bool sched_spare_enabled(void)
{
	return static_branch_unlikely(&sched_spare_key);
}

void __sched_spare_event(struct task_struct *p);
void __sched_spare_dev_event(struct sched_spare_dev *sdev);

/**
 * sched_spare_event - something arrived that @p should react to
 * @p: the thread, usually a vCPU; the caller keeps it alive
 *
 * Context: any but NMI; no run-queue lock and no @p->pi_lock held. Takes the
 * locks that try_to_wake_up() takes, and may be called wherever that may be.
 */
static inline void sched_spare_event(struct task_struct *p)
{
	if (sched_spare_enabled())
		__sched_spare_event(p);
}

/**
 * sched_spare_dev_event - a packet arrived at a device named in cpu.spare.dev
 * @sdev: the device's binding, NULL if it has none
 *
 * Context: RCU read side; otherwise as sched_spare_event().
 */
static inline void sched_spare_dev_event(struct sched_spare_dev *sdev)
{
	if (sdev)
		__sched_spare_dev_event(sdev);
}

#else /* !CONFIG_SCHED_SPARE: */

static inline bool sched_spare_enabled(void) { return false; }
static inline void sched_spare_event(struct task_struct *p) { }

#endif /* !CONFIG_SCHED_SPARE */

#endif /* _LINUX_SCHED_SPARE_H */
