/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_SCHED_SPARE_H
#define _LINUX_SCHED_SPARE_H

/*
 * Spare deadline reservations: what the rest of the kernel sees of them.
 * The mechanism is described at the top of kernel/sched/spare.c.
 */

#include <linux/jump_label.h>
#include <linux/list_nulls.h>
#include <linux/rbtree_types.h>
#include <linux/types.h>

struct net_device;
struct sched_dl_entity;
struct sched_spare_dev;
struct spare_stock;
struct task_group;
struct task_struct;

#ifdef CONFIG_SCHED_SPARE

/**
 * struct sched_spare_task - a SCHED_DEADLINE thread as a borrower
 * @loan: the unit it has borrowed, NULL if none; run-queue lock
 * @group: the group whose member list it is on; @group's lock
 * @member: link in that list; nulls, because an RCU reader may be carried into
 *	another group's list by a move, and must find that out
 * @stock: where it waits for a unit, NULL if nowhere; run-queue lock
 * @wait: link in @stock's line
 * @asked: when it first asked for a unit on account of what came; 0 if it has
 *	not, or was dispatched on one since; run-queue lock
 * @since: when it began to wait, by the run queue's clock; 0: it does not
 * @answered: until when a loan goes on although it has replied, by the run
 *	queue's clock; 0 if no reply came since the last event; run-queue lock
 * @debt: ns on loans that are not paid yet; run-queue lock
 * @depletions: how often it has drained units on loans for what came last;
 *	run-queue lock
 * @refused: it was refused a unit, and nothing has changed since; run-queue lock
 * @pending: an event came that it neither answered nor got a loan for;
 *	run-queue lock
 * @served: it was dispatched on a loan for what came last; run-queue lock
 * @halting: if it sleeps now, its guest has halted; its own
 */
struct sched_spare_task {
	struct sched_dl_entity	*loan;
	struct task_group	*group;
	struct hlist_nulls_node	member;
	struct spare_stock	*stock;
	struct rb_node		wait;
	u64			asked;
	u64			since;
	u64			answered;
	s64			debt;
	unsigned int		depletions;
	bool			refused;
	bool			pending;
	bool			served;
	bool			halting;
};

/* True while at least one pool exists. */
DECLARE_STATIC_KEY_FALSE(sched_spare_key);

static inline bool sched_spare_enabled(void)
{
	return static_branch_unlikely(&sched_spare_key);
}

void __sched_spare_event(struct task_struct *p);
void __sched_spare_reply(void);
void __sched_spare_dev_event(struct sched_spare_dev *sdev);

/**
 * sched_spare_event - something arrived that @p should react to
 * @p: the thread, usually a vCPU; the caller keeps it alive
 *
 * Deliver first, wake @p up if it may sleep, then report: an event that @p
 * cannot see yet may be taken for one that it has slept through.
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
 * sched_spare_halt - the current thread is a vCPU whose guest has halted
 * @halted: true before the thread sleeps for that reason, false afterwards
 *
 * A guest that halts has answered whatever came. Any other sleep of the thread
 * has not: it goes on with the event when it is back.
 *
 * A macro, because struct task_struct is not complete here.
 */
#define sched_spare_halt(halted)	(current->spare.halting = (halted))

/**
 * sched_spare_reply - the current thread has sent something out
 *
 * That ends its loan, if its group's cpu.spare.borrow says so.
 *
 * Context: as sched_spare_event().
 */
static inline void sched_spare_reply(void)
{
	if (sched_spare_enabled())
		__sched_spare_reply();
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
static inline void sched_spare_reply(void) { }
#define sched_spare_halt(halted)	((void)(halted))

#endif /* !CONFIG_SCHED_SPARE */

#endif /* _LINUX_SCHED_SPARE_H */
