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

/* Of a thread, and not so long ago that the next thing has nothing to do with it. */
enum spare_heard {
	SPARE_HEARD_NOTHING,
	SPARE_HEARD_EVENT,
	SPARE_HEARD_REPLY,
	SPARE_NR_HEARD
};

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
 * @quiet_from: its CPU time, ns, when an event came or it replied, or when it was
 *	dispatched for that, whatever was last; run-queue lock
 * @patience: for how much CPU time after that, ns, it is waited for, by @heard;
 *	0: nothing is known of it yet; run-queue lock
 * @debt: ns on loans that are not paid yet; run-queue lock
 * @depletions: how often it has drained units on loans for what came last;
 *	run-queue lock
 * @late: whether it answers late, by @heard: grows with each late answer, falls with
 *	each event that has none; run-queue lock
 * @slow: ns of CPU time after which its late replies to events have come: twice the
 *	longest, or less if that was long ago; run-queue lock
 * @hops: how often it may pass on what came last to another thread; run-queue lock
 * @refused: it was refused a unit, and nothing has changed since; run-queue lock
 * @pending: an event came that it neither answered nor got a loan for;
 *	run-queue lock
 * @served: it was dispatched on a loan for what came last; run-queue lock
 * @begun: it was dispatched on the loan that it has; run-queue lock
 * @answered: it has replied since the last event; run-queue lock
 * @added: it has added something to its reply, late; run-queue lock
 * @heard: what was heard of it last; run-queue lock
 * @halting: if it sleeps now, its guest has halted; its own
 * @tells: it is a vCPU whose guest has replied or halted once; its own
 * @sending: it is about to send something out, or has, and neither it nor an event
 *	has told so yet; set by itself, cleared with the run-queue lock
 * @called: when what it is to be dispatched for came, or it asked for a unit for
 *	that again, ns by its CPU's clock; 0: nothing, or it runs; run-queue lock
 * @held: what it waited for most recently since then, enum spare_latency_how;
 *	run-queue lock
 * @came: its CPU time, ns, when something came for it last, without what was not
 *	charged by then
 */
struct sched_spare_task {
	struct sched_dl_entity	*loan;
	struct task_group	*group;
	struct hlist_nulls_node	member;
	struct spare_stock	*stock;
	struct rb_node		wait;
	u64			asked;
	u64			since;
	u64			quiet_from;
	u64			came;
	u64			called;
	s64			debt;
	unsigned int		depletions;
	unsigned int		patience[SPARE_NR_HEARD];
	unsigned int		slow;
	unsigned int		hops;
	unsigned char		late[SPARE_NR_HEARD];
	unsigned char		heard;
	unsigned char		held;
	bool			refused;
	bool			pending;
	bool			served;
	bool			begun;
	bool			answered;
	bool			added;
	bool			halting;
	bool			tells;
	bool			sending;
};

/* True while at least one pool exists. */
DECLARE_STATIC_KEY_FALSE(sched_spare_key);

static inline bool sched_spare_enabled(void)
{
	return static_branch_unlikely(&sched_spare_key);
}

/*
 * How often an event may be passed on: from the vCPU that takes the interrupt to
 * the one that is to answer, and from there to one that it needs for that.
 */
#define SPARE_HOPS	2

void __sched_spare_event(struct task_struct *p, unsigned int hops);
void __sched_spare_timer(struct task_struct *p);
unsigned int __sched_spare_hops(void);
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
		__sched_spare_event(p, SPARE_HOPS);
}

/**
 * sched_spare_hops - how often what the current thread works on may be passed on
 *
 * Return: 0 if it works on nothing that came, or not any more.
 */
static inline unsigned int sched_spare_hops(void)
{
	return sched_spare_enabled() ? __sched_spare_hops() : 0;
}

/**
 * sched_spare_help - the current thread needs @p for what it works on
 * @p: the thread that it has signalled, and that is awake by now
 * @hops: what sched_spare_hops() returned, and not 0
 *
 * That is an event for @p. Context: as sched_spare_event().
 */
static inline void sched_spare_help(struct task_struct *p, unsigned int hops)
{
	if (sched_spare_enabled())
		__sched_spare_event(p, hops - 1);
}

/**
 * sched_spare_timer - a timer that @p has set for itself has expired
 * @p: the thread, a vCPU; the caller keeps it alive
 *
 * An event, if the group's cpu.spare.borrow says so. Context: as sched_spare_event().
 */
static inline void sched_spare_timer(struct task_struct *p)
{
	if (sched_spare_enabled())
		__sched_spare_timer(p);
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
#define sched_spare_halt(halted)				\
	do {							\
		current->spare.tells = true;			\
		current->spare.halting = (halted);		\
	} while (0)

/**
 * sched_spare_sends - the current thread is about to send something out
 *
 * What comes for it from now on may be the answer to that, and is none that is
 * answered by it. To be called before sched_spare_reply().
 *
 * A macro, because struct task_struct is not complete here.
 */
#define sched_spare_sends()					\
	do {							\
		if (sched_spare_enabled())			\
			WRITE_ONCE(current->spare.sending, true); \
	} while (0)

/**
 * sched_spare_reply - the current thread has sent something out
 *
 * That ends its loan after a while, if its group's cpu.spare.borrow says so.
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
static inline void sched_spare_timer(struct task_struct *p) { }
static inline unsigned int sched_spare_hops(void) { return 0; }
static inline void sched_spare_help(struct task_struct *p, unsigned int hops) { }
static inline void sched_spare_reply(void) { }
#define sched_spare_sends()		((void)0)
#define sched_spare_halt(halted)	((void)(halted))

#endif /* !CONFIG_SCHED_SPARE */

#endif /* _LINUX_SCHED_SPARE_H */
