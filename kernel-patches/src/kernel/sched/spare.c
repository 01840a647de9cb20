// SPDX-License-Identifier: GPL-2.0
/*
 * Spare deadline reservations
 *
 * A SCHED_DEADLINE thread that has depleted its budget does not run before
 * its next replenishment, whatever arrives for it. A virtual CPU with a
 * reservation (Q,P) is therefore deaf for up to 2(P-Q). Here such a thread
 * borrows a spare, short reservation (Qs,Ps) when an event comes for it.
 *
 * The promise: for an admitted configuration and with a fresh unit free, an
 * event for a thread that is throttled and runnable gets it the CPU within
 * Ps-Qs, and all of Qs by Ps. No other reservation's guarantee changes, and a
 * unit never supplies more than Qs every Ps, whoever borrows it in turn.
 *
 *  - At every instant a running deadline thread is charged to exactly one
 *    entity, and preempted by that entity's deadline.
 *  - One event, one loan at a time, and none without an event.
 *  - What a loan was for ends it, and nothing that leaves the thread in place.
 *
 * A unit is a deadline server (struct sched_dl_entity with dl_server set),
 * pinned to one CPU, that picks its borrower. The borrower's own entity is
 * not touched: it stays throttled, its replenishment timer stays armed and
 * its bandwidth stays accounted, so nothing has to be put back. A unit keeps
 * its CBS state from borrower to borrower: one that was drained stays
 * throttled until its own replenishment. Its bandwidth is admitted when the
 * pool is made, and counts whether it is on loan or not.
 *
 *        event                               unit free
 *   idle ------> pending ---- not running -----------------> borrowed --> returned
 *                 ^   |                |  no unit               ^   |
 *                 |   +--> running     +---------> waiting -----+   |
 *                 |           |                       |             |
 *                 +-----------+ throttled, preempted  |             |
 *                 +-----------------------------------+-------------+
 *                        slept, but not halted; ran on its own first
 *
 * Follow a packet: sched_spare_event() -> spare_request() -> spare_serve() ->
 * spare_borrow() -> spare_pick() -> __sched_spare_switch() (dispatch) ->
 * spare_return().
 *
 * Locking: spare_mutex (configuration) nests inside cpus_read_lock() and
 * outside sched_domains_mutex. All of a unit's state, and a thread's as a
 * borrower, is protected by the lock of the unit's run queue, which is the
 * thread's: one that leaves its run queue returns its unit first, and gives
 * up its place among the waiters.
 *
 * The idea is from T. Cucinotta, F. Checconi, D. Giani, "Improving
 * Responsiveness for Virtualized Networking Under Intensive Computing
 * Workloads", 2011.
 */

#define CREATE_TRACE_POINTS
#include <trace/events/sched_spare.h>

DEFINE_STATIC_KEY_FALSE(sched_spare_key);
EXPORT_SYMBOL_GPL(sched_spare_key);

static DEFINE_MUTEX(spare_mutex);

/**
 * struct spare_unit - one spare reservation of one CPU
 * @dl: its CBS state; @dl.dl_server_active while it has a borrower
 * @stock: where it belongs
 * @borrower: the thread it is lent to, NULL if none; implies @dl active
 * @leftover: what is left of its budget is of before this loan
 * @fresh: while it is free, when it has or had its whole budget again, by the
 *	run queue's clock
 * @linger: ends the loan some time after a reply
 * @node: in the stock's free list or in the run queue's loans
 * @lingers: in the stock's list of those whose borrower has replied
 */
struct spare_unit {
	struct sched_dl_entity	dl;
	struct spare_stock	*stock;
	struct task_struct	*borrower;
	bool			leftover;
	u64			fresh;
	struct hrtimer		linger;
	struct list_head	node;
	struct list_head	lingers;
};

/**
 * struct spare_stock - a pool's units on one CPU, and who waits for them
 * @pool: the pool
 * @free: units without a borrower, by spare_unit::fresh
 * @lingering: units whose borrower has replied, the longest ago first
 * @line: threads, by sched_spare_task::asked: who asked first is served first;
 *	empty while there is one in @free, or one in @lingering that does not run,
 *	but for an offline CPU
 * @crowded: when somebody last found none free, by the run queue's clock
 * @node: in the run queue's stocks, if the pool has units on the CPU
 */
struct spare_stock {
	struct spare_pool	*pool;
	struct list_head	free;
	struct list_head	lingering;
	struct rb_root_cached	line;
	u64			crowded;
	struct list_head	node;
};

/**
 * struct spare_pool - the units one group provides to the groups below it
 * @runtime: Qs in ns
 * @period: Ps in ns
 * @nr_units: units on each CPU of @cpus
 * @cpus: where the pool has units
 * @stock: per CPU, its units there; run-queue lock
 * @rcu: frees the pool after the last reader of sched_spare_group::source
 * @units: all units, @nr_units for each CPU of @cpus in turn
 */
struct spare_pool {
	u64			runtime;
	u64			period;
	unsigned int		nr_units;
	cpumask_var_t		cpus;
	struct spare_stock __percpu *stock;
	struct rcu_head		rcu;
	struct spare_unit	units[];
};

static inline struct spare_unit *spare_unit_of(struct sched_dl_entity *dl_se)
{
	return container_of(dl_se, struct spare_unit, dl);
}

/* The group of @p, also for those without the run-queue lock. */
static inline struct task_group *spare_group_of(struct task_struct *p)
{
	/* If it is moved meanwhile either is right, and both stand under RCU. */
	return data_race(task_group(p));
}

/* A group has counters from when it first may borrow. */
static inline void spare_count(struct task_struct *p, unsigned int item, u64 n)
{
	struct spare_stat __percpu *stat = READ_ONCE(spare_group_of(p)->spare.stat);

	if (stat)
		this_cpu_add(stat->item[item], n);
}

static inline struct task_struct *spare_curr(struct rq *rq)
{
	return rcu_dereference_protected(rq->curr, lockdep_is_held(__rq_lockp(rq)));
}

static inline bool spare_is_curr(struct rq *rq, struct task_struct *p)
{
	return spare_curr(rq) == p;
}

static inline struct spare_pool *spare_source(struct rq *rq, struct task_struct *p)
{
	return rcu_dereference_check(task_group(p)->spare.source,
				     lockdep_is_held(__rq_lockp(rq)));
}

/* What @p may do on a loan; each field changes by itself. */
static inline const struct sched_spare_terms *spare_terms(struct task_struct *p)
{
	return &spare_group_of(p)->spare.granted.terms;
}

/* Readers without the run-queue lock: spare_event_stands(). */
static inline void spare_set_pending(struct task_struct *p, bool pending)
{
	WRITE_ONCE(p->spare.pending, pending);
}

/* What @p was pending for is answered, or can be no more. */
static void spare_event_over(struct task_struct *p)
{
	trace_sched_spare_over(p);
	spare_set_pending(p, false);
	/* Who sees it neither served nor answered must not see it pending for that. */
	smp_wmb();
	WRITE_ONCE(p->spare.served, false);
	WRITE_ONCE(p->spare.refused, false);
	p->spare.asked = 0;
}

/*
 * Patience: how long a thread is believed to work on what came
 *
 * That is CPU time since it last got or sent anything, and it is learned: one
 * patience for until it replies, another one for what it may send after that.
 * Each gets less when it was in vain, down to what linger= asks for; a thread that
 * answers later than that, by whatever budget, has twice as long for a while. Where
 * others want the unit nobody is waited for so long: two who talk to each other
 * would have it drained by who has nothing to say.
 */

/* In us; linger= may ask for more. To answer takes a guest as long, as a rule. */
static const unsigned int spare_patience_floor[] = {
	[SPARE_HEARD_EVENT]	= 100,
	[SPARE_HEARD_REPLY]	= 10,
};

/* In ns; before anything is known of the thread: until it replies, and after that. */
static const unsigned int spare_patience_first[] = {
	[SPARE_HEARD_EVENT]	= 2250 * NSEC_PER_USEC,
	[SPARE_HEARD_REPLY]	= 1150 * NSEC_PER_USEC,
};

/* In ns; at most. */
#define SPARE_PATIENCE_MOST	(8 * NSEC_PER_MSEC)
/*
 * A late answer counts so much, up to the most; one in time takes 1 off, and to
 * have been waited for in vain 2: a TCP segment's ACK has its own answer, or none.
 * Above one step the thread answers late: two answers of late, or one in five.
 */
#define SPARE_LATE_STEP		8
#define SPARE_LATE_MOST		16
#define SPARE_LATE_VAIN		2

/* The CPU time that @p has had, ns; also what is not charged yet. */
static u64 spare_ran(struct rq *rq, struct task_struct *p)
{
	u64 ran = p->se.sum_exec_runtime;

	lockdep_assert_rq_held(rq);

	if (spare_is_curr(rq, p))
		ran += max_t(s64, rq_clock_task(rq) - p->se.exec_start, 0);

	return ran;
}

static unsigned int spare_linger_us(struct task_struct *p)
{
	return max(READ_ONCE(spare_terms(p)->linger),
		   spare_patience_floor[READ_ONCE(p->spare.heard)]);
}

/*
 * What linger= says, and a quarter more: a part of an answer that the host takes
 * without being kicked, because it looks anyway, is on its way unseen.
 */
static u64 spare_patience_least(struct task_struct *p)
{
	return (u64)spare_linger_us(p) * (NSEC_PER_USEC * 5 / 4);
}

static u64 spare_patience_learned(struct task_struct *p)
{
	return p->spare.patience[p->spare.heard] ?: spare_patience_first[p->spare.heard];
}

/* The pool of @p's loan, if others wait for its units here, or did so a period ago. */
static struct spare_pool *spare_crowded(struct rq *rq, struct task_struct *p)
{
	struct spare_stock *stock;

	if (!p->spare.loan)
		return NULL;
	stock = spare_unit_of(p->spare.loan)->stock;
	if (!RB_EMPTY_ROOT(&stock->line.rb_root) ||
	    (stock->crowded &&
	     dl_time_before(rq_clock(rq), stock->crowded + stock->pool->period)))
		return stock->pool;

	return NULL;
}

/*
 * For how much CPU time, ns, @p may neither get nor send anything before what
 * came for it is over. Who is helped for another thread's event has the least,
 * unless it is known to answer late. Of a unit of @crowded, which others want, one
 * has an eighth for that.
 */
static u64 spare_patience(struct task_struct *p, struct spare_pool *crowded)
{
	enum spare_heard heard = READ_ONCE(p->spare.heard);
	u64 least = spare_patience_least(p);
	u64 most = crowded ? crowded->runtime / 8 : SPARE_PATIENCE_MOST;
	bool late = p->spare.late[heard] > SPARE_LATE_STEP;
	u64 learned = spare_patience_learned(p);

	if (crowded && heard == SPARE_HEARD_REPLY)
		return least;
	if (!late && p->spare.hops < SPARE_HOPS)
		return least;

	if (late)
		learned = max_t(u64, learned, p->spare.slow[heard]);

	return max(least, min(most, learned));
}

static s64 spare_patience_left(struct rq *rq, struct task_struct *p)
{
	return p->spare.quiet_from + spare_patience(p, spare_crowded(rq, p)) -
	       spare_ran(rq, p);
}

/* To wait for @p was in vain: after a reply, as it is with most. */
static void spare_patience_less(struct task_struct *p)
{
	enum spare_heard heard = p->spare.heard;
	unsigned int part = heard == SPARE_HEARD_REPLY ? 4 : 2;

	if (p->spare.late[heard]) {
		p->spare.late[heard] -= min(p->spare.late[heard], SPARE_LATE_VAIN);
		/* Once is no proof: not every part of an answer is seen. */
		if (heard == SPARE_HEARD_REPLY)
			return;
	}

	p->spare.patience[heard] = max(spare_patience_learned(p) / part,
				       spare_patience_floor[heard] * NSEC_PER_USEC);
}

/*
 * @p has answered late, after @gap ns of CPU time: one that takes as long is not to
 * be missed by a little. A late part makes itself felt at once.
 */
static void spare_patience_more(struct task_struct *p, u64 gap)
{
	enum spare_heard heard = p->spare.heard;
	unsigned int *slow = &p->spare.slow[heard];

	p->spare.late[heard] = min(p->spare.late[heard] + SPARE_LATE_STEP, SPARE_LATE_MOST);
	*slow = clamp_t(u64, 2 * gap, *slow - *slow / 8, SPARE_PATIENCE_MOST);
	if (heard == SPARE_HEARD_REPLY)
		p->spare.patience[heard] =
			clamp(2 * gap, spare_patience_learned(p), SPARE_PATIENCE_MOST);
}

/*
 * An event comes for @p. To wait on after the reply to the last one was in vain if
 * nothing was added. One that comes at once, as TCP's ACK does, is no proof; what is
 * not charged yet does not count. What @p does about this one counts from its
 * dispatch on.
 */
static void spare_patience_event(struct task_struct *p)
{
	s64 ran = p->se.sum_exec_runtime - p->spare.quiet_from;

	if (p->spare.heard == SPARE_HEARD_REPLY && !p->spare.was_late &&
	    ran >= (s64)spare_patience_least(p))
		spare_patience_less(p);
	WRITE_ONCE(p->spare.heard, SPARE_HEARD_NOTHING);
}

static void spare_patience_begin(struct rq *rq, struct task_struct *p)
{
	p->spare.was_late = false;
	p->spare.quiet_from = spare_ran(rq, p);
	WRITE_ONCE(p->spare.heard, SPARE_HEARD_EVENT);
}

/*
 * @p replies: late, if the least patience would hardly have been enough; an event
 * that it answers sooner takes 1 off. After the most it has nothing to do with what
 * came.
 */
static void spare_patience_reply(struct rq *rq, struct task_struct *p)
{
	u64 ran = spare_ran(rq, p), gap = ran - p->spare.quiet_from;
	unsigned char *late = &p->spare.late[p->spare.heard];

	if (gap <= (u64)spare_linger_us(p) * (NSEC_PER_USEC * 3 / 4)) {
		if (p->spare.heard == SPARE_HEARD_EVENT && *late)
			(*late)--;
	} else if (p->spare.heard && gap <= SPARE_PATIENCE_MOST) {
		spare_patience_more(p, gap);
		p->spare.was_late = true;
	}

	p->spare.quiet_from = ran;
	if (gap <= SPARE_PATIENCE_MOST || p->spare.pending || p->spare.loan)
		WRITE_ONCE(p->spare.heard, SPARE_HEARD_REPLY);
	else
		WRITE_ONCE(p->spare.heard, SPARE_HEARD_NOTHING);
}

/*
 * @p has sent something, and has not told of it so far. False if its terms do not
 * care.
 */
static bool spare_patience_sent(struct rq *rq, struct task_struct *p)
{
	if (!READ_ONCE(spare_terms(p)->reply))
		return false;

	update_rq_clock(rq);
	spare_patience_reply(rq, p);

	return true;
}

/*
 * Whether @p, which is pending, has seen what came and has nothing to say to it:
 * for the most that it is waited for it has had the CPU since. That is told to a
 * tick, for what was not charged when it came is counted, too.
 */
static bool spare_seen(struct rq *rq, struct task_struct *p)
{
	return !p->spare.served && READ_ONCE(p->spare.tells) &&
	       READ_ONCE(spare_terms(p)->reply) &&
	       spare_ran(rq, p) - READ_ONCE(p->spare.came) > SPARE_PATIENCE_MOST + TICK_NSEC;
}

/*
 * Whether it says anything that @p is quiet: its replies are seen, or it is only
 * helped. Of a thread that is no vCPU nobody knows when it has replied.
 */
static bool spare_awaits_reply(struct task_struct *p)
{
	return READ_ONCE(spare_terms(p)->reply) &&
	       (READ_ONCE(p->spare.tells) || p->spare.hops < SPARE_HOPS);
}

/*
 * Whether @p is on loan, and has neither got nor sent anything for as long as
 * it is waited for. On its own reservation it may take its time.
 */
static bool spare_quiet(struct rq *rq, struct task_struct *p)
{
	if (!p->spare.begun || !spare_awaits_reply(p))
		return false;

	/* Soon told of most. */
	return spare_ran(rq, p) - p->spare.quiet_from >= spare_patience_least(p) &&
	       spare_patience_left(rq, p) <= 0;
}

/*
 * Whether @p has had so much on loans that it has to pay first: one unit's
 * runtime. Between two payments it gets less than two, the last one whole.
 */
static bool spare_owes(struct rq *rq, struct task_struct *p)
{
	struct spare_pool *pool = spare_source(rq, p);

	return READ_ONCE(spare_terms(p)->charge) && pool &&
	       p->spare.debt >= pool->runtime;
}

/* Whether @p has drained as many units as it may, for what came last. */
static bool spare_out_of_chances(struct task_struct *p)
{
	return p->spare.depletions >= READ_ONCE(spare_terms(p)->chances);
}

/* Units: borrow and return */

/* The server's pick function: a unit on the tree always has a borrower. */
static struct task_struct *spare_pick(struct sched_dl_entity *dl_se)
{
	struct spare_unit *unit = spare_unit_of(dl_se);

	lockdep_assert_rq_held(dl_se->rq);
	WARN_ON_ONCE(!unit->borrower);

	return unit->borrower;
}

/*
 * When the unit's CBS state would entitle it to a whole budget: its 0-lag
 * time, as in task_non_contending(). That is its deadline if it was drained.
 */
static u64 spare_unit_fresh(const struct spare_unit *unit)
{
	const struct sched_dl_entity *dl_se = &unit->dl;

	return dl_se->deadline -
	       div64_long(dl_se->runtime * (s64)dl_se->dl_period, dl_se->dl_runtime);
}

static void spare_unit_shelve(struct spare_unit *unit)
{
	struct list_head *pos = &unit->stock->free;

	unit->fresh = spare_unit_fresh(unit);
	while (pos->prev != &unit->stock->free &&
	       dl_time_before(unit->fresh,
			      list_entry(pos->prev, struct spare_unit, node)->fresh))
		pos = pos->prev;
	list_move_tail(&unit->node, pos);
}

/*
 * A loan of @p has begun or ended: that is another deadline to pick it by, and
 * what siblings have picked and not dispatched yet may be wrong.
 */
static void spare_core_changed(struct rq *rq, struct task_struct *p)
{
#ifdef CONFIG_SCHED_CORE
	dl_core_changed(rq);
	if (sched_core_enqueued(p)) {
		sched_core_dequeue(rq, p, DEQUEUE_SAVE);
		sched_core_enqueue(rq, p);
	}
#endif
}

/*
 * End the loan of @p. The unit keeps its runtime, deadline and replenishment
 * timer, for the next borrower: the caller serves the stock. If @p is running
 * on it, it is charged up to now and stops at once.
 */
static struct spare_stock *spare_return(struct rq *rq, struct task_struct *p,
					enum spare_return_reason reason)
{
	struct spare_unit *unit = spare_unit_of(p->spare.loan);

	lockdep_assert_rq_held(rq);
	WARN_ON_ONCE(unit->borrower != p);
	WARN_ON_ONCE(unit->dl.rq != rq);

	if (p->dl_server == &unit->dl) {
		if (spare_is_curr(rq, p)) {
			update_curr_dl(rq);
			resched_curr(rq);
		}
		WRITE_ONCE(p->dl_server, NULL);
	}
#ifdef CONFIG_SCHED_CORE
	if (rq->core_dl_server == &unit->dl)
		rq->core_dl_server = NULL;
#endif

	dl_server_park(&unit->dl);
	trace_sched_spare_return(p, &unit->dl, reason);
	spare_count(p, SPARE_NR_RETURNED + reason, 1);

	/* If it cannot be cancelled, it finds nothing to end. */
	hrtimer_try_to_cancel(&unit->linger);
	WRITE_ONCE(unit->borrower, NULL);
	list_del_init(&unit->lingers);
	WRITE_ONCE(p->spare.loan, NULL);
	/* Who sees that must see what spare_event_over() did before. */
	smp_store_release(&p->spare.begun, false);
	spare_core_changed(rq, p);
	spare_unit_shelve(unit);

	return unit->stock;
}

static bool spare_runs_on(struct rq *rq, struct task_struct *p, struct spare_unit *unit)
{
	return spare_is_curr(rq, p) && p->dl_server == &unit->dl;
}

/* @p has replied, and is on its unit: it lingers for the rest of its patience. */
static void spare_linger(struct rq *rq, struct task_struct *p)
{
	s64 left = spare_patience_left(rq, p);

	hrtimer_start(&spare_unit_of(p->spare.loan)->linger,
		      ns_to_ktime(max(left, 0LL)), HRTIMER_MODE_REL_PINNED_HARD);
}

/* Lend @p a unit. It is on @rq or about to be: p->on_rq follows enqueue_task(). */
static void spare_borrow(struct rq *rq, struct task_struct *p,
			 struct spare_unit *unit)
{
	WARN_ON_ONCE(unit->borrower || p->spare.loan);

	spare_set_pending(p, false);
	WRITE_ONCE(p->spare.loan, &unit->dl);
	WRITE_ONCE(unit->borrower, p);
	/* Chances are the event's: a sleep in the middle of it gives no more. */
	if (!p->spare.served)
		p->spare.depletions = 0;
	list_move(&unit->node, &rq->spare.loans);
	spare_count(p, SPARE_NR_BORROWS, 1);

	dl_server_start(&unit->dl);
	/* Unless that has given it a new budget; one that is drained has it to come. */
	unit->leftover = on_dl_rq(&unit->dl) && unit->dl.runtime < unit->dl.dl_runtime;
	spare_core_changed(rq, p);
	trace_sched_spare_borrow(p, &unit->dl);
	if (p->spare.answered)
		list_add_tail(&unit->lingers, &unit->stock->lingering);
}

/* The reply of @p is out, and nobody waits for more. */
static struct spare_stock *spare_return_replied(struct rq *rq, struct task_struct *p)
{
	spare_event_over(p);
	WRITE_ONCE(p->spare.answered, false);

	return spare_return(rq, p, SPARE_RETURN_REPLY);
}

/* Waiting: request, serve */

/* Whether @unit would get @p, which has budget left, the CPU earlier. */
static bool spare_sooner(struct rq *rq, struct spare_unit *unit,
			 struct task_struct *p)
{
	u64 deadline = unit->dl.deadline;

	if (!dl_time_before(rq_clock(rq), unit->fresh))
		deadline = rq_clock(rq) + unit->dl.dl_deadline;
	else if (unit->dl.dl_throttled)
		deadline += unit->dl.dl_period;

	return dl_time_before(deadline, p->dl.deadline);
}

static struct task_struct *spare_in_line(struct rb_node *node)
{
	return rb_entry_safe(node, struct task_struct, spare.wait);
}

static bool spare_asked_before(struct rb_node *a, const struct rb_node *b)
{
	return spare_in_line(a)->spare.asked <
	       rb_entry(b, struct task_struct, spare.wait)->spare.asked;
}

/*
 * Nothing is lent on a CPU that is leaving: whoever ran there would be pushed
 * away. Nor where the run queue is not online: dl_task_timer() moves throttled
 * threads off it, for they do not run, and on a loan they do.
 */
static bool spare_may_serve(struct rq *rq)
{
	return rq->online && cpu_active(cpu_of(rq));
}

/*
 * Put @p in line, by when it first asked on account of its event: who was in
 * line before, and left it to run on its own reservation, has its place again.
 */
static void spare_wait(struct rq *rq, struct task_struct *p,
		       struct spare_stock *stock)
{
	if (!p->spare.asked)
		p->spare.asked = rq_clock(rq);
	p->spare.since = rq_clock(rq);
	WRITE_ONCE(p->spare.stock, stock);
	rb_add_cached(&p->spare.wait, &stock->line, spare_asked_before);

	if (list_empty(&stock->free) || !spare_may_serve(rq)) {
		stock->crowded = rq_clock(rq);
		spare_count(p, SPARE_NR_WAITS, 1);
		trace_sched_spare_wait(p);
	}
}

static void spare_unwait(struct rq *rq, struct task_struct *p)
{
	lockdep_assert_rq_held(rq);

	spare_count(p, SPARE_WAITED_NS, rq_clock(rq) - p->spare.since);
	p->spare.since = 0;
	rb_erase_cached(&p->spare.wait, &p->spare.stock->line);
	WRITE_ONCE(p->spare.stock, NULL);
}

/*
 * A unit that can be lent now: a free one, or else one whose borrower has replied.
 * If that is running it may be about to say the rest, a TCP ACK having been the
 * first: it has the least of patience left.
 */
static struct spare_unit *spare_unit_for_next(struct rq *rq, struct spare_stock *stock)
{
	struct spare_unit *unit;

	if (!list_empty(&stock->free))
		return list_first_entry(&stock->free, struct spare_unit, node);

	list_for_each_entry(unit, &stock->lingering, lingers) {
		struct task_struct *p = unit->borrower;

		if (spare_runs_on(rq, p, unit) && spare_patience_left(rq, p) > 0) {
			spare_linger(rq, p);
			continue;
		}
		spare_return_replied(rq, p);
		return unit;
	}

	return NULL;
}

/* Lend what can be lent to those who wait. */
static void spare_serve(struct rq *rq, struct spare_stock *stock)
{
	struct spare_unit *unit;
	struct task_struct *p;

	lockdep_assert_rq_held(rq);

	if (!spare_may_serve(rq))
		return;

	while ((p = spare_in_line(rb_first_cached(&stock->line)))) {
		unit = spare_unit_for_next(rq, stock);
		if (!unit)
			break;
		spare_unwait(rq, p);
		/* PI > spare > own: it stays pending. */
		if (is_dl_boosted(&p->dl) ||
		    (!p->dl.dl_throttled && !spare_sooner(rq, unit, p)))
			continue;
		spare_borrow(rq, p, unit);
	}
}

/*
 * @p, pending, does not run: it is throttled, or others have earlier
 * deadlines. Get in line. False if it may not, or is in line already.
 */
static bool spare_line_up(struct rq *rq, struct task_struct *p)
{
	struct spare_pool *pool = spare_source(rq, p);

	lockdep_assert_rq_held(rq);
	WARN_ON_ONCE(!p->spare.pending);

	if (p->spare.loan || p->spare.stock || is_dl_boosted(&p->dl))
		return false;

	/*
	 * What it is pending for was long ago, or has had its last chance before
	 * the thread went to sleep; or the thread may not borrow any more.
	 */
	if ((p->spare.answered && spare_patience_left(rq, p) <= 0) ||
	    (p->spare.served && spare_out_of_chances(p)) || !pool) {
		spare_event_over(p);
		return false;
	}

	if (spare_seen(rq, p)) {
		spare_set_pending(p, false);
		/* Pairs with spare_event_stands(): that finds it not pending, or we what came. */
		smp_mb();
		if (spare_seen(rq, p)) {
			spare_event_over(p);
			return false;
		}
		spare_set_pending(p, true);
	}

	if (!cpumask_test_cpu(cpu_of(rq), pool->cpus) || spare_owes(rq, p)) {
		if (!p->spare.refused)
			spare_count(p, SPARE_NR_REFUSED, 1);
		WRITE_ONCE(p->spare.refused, true);
		return false;
	}

	WRITE_ONCE(p->spare.refused, false);
	spare_wait(rq, p, per_cpu_ptr(pool->stock, cpu_of(rq)));

	return true;
}

static void spare_request(struct rq *rq, struct task_struct *p)
{
	if (spare_line_up(rq, p))
		spare_serve(rq, p->spare.stock);
}

/* Who of those on @rq runs next need not ask. */
static bool spare_runs_next(struct rq *rq, struct task_struct *p)
{
	return !p->dl.dl_throttled && is_leftmost(&p->dl, &rq->dl);
}

/*
 * A unit that is returned in the middle of a context switch is given to the
 * first waiter after it: until then rq->curr is the wrong thread to preempt,
 * and its need_resched will be cleared.
 */
static DEFINE_PER_CPU(struct balance_callback, spare_serve_head);

/*
 * Whether the current thread was picked before a unit was lent or returned: it
 * is not to run on nobody's budget, and not before an earlier deadline.
 */
static bool spare_overtaken(struct rq *rq)
{
	struct sched_dl_entity *first = pick_next_dl_entity(&rq->dl);
	struct task_struct *curr = spare_curr(rq);

	if (!dl_task(curr))
		return first;

	return !on_dl_rq(sched_spare_curr(curr)) ||
	       dl_entity_preempt(first, sched_spare_curr(curr));
}

static void spare_serve_all(struct rq *rq)
{
	struct spare_stock *stock;

	update_rq_clock(rq);
	list_for_each_entry(stock, &rq->spare.stocks, node)
		spare_serve(rq, stock);

	if (spare_overtaken(rq))
		resched_curr(rq);
}

static void spare_serve_later(struct rq *rq)
{
	queue_balance_callback(rq, &per_cpu(spare_serve_head, cpu_of(rq)),
			       spare_serve_all);
}

/* Run queue: what happens to those pending, waiting and borrowing */

/*
 * Whether the loan of @p has had what it may, and why. Units are drained while
 * they are charged, so it is asked after that.
 */
static bool spare_used_up(struct rq *rq, struct task_struct *p,
			  enum spare_return_reason *reason)
{
	if (spare_owes(rq, p)) {
		*reason = SPARE_RETURN_CHARGE;
		return true;
	}
	if (spare_quiet(rq, p)) {
		*reason = p->spare.answered ? SPARE_RETURN_REPLY : SPARE_RETURN_QUIET;
		return true;
	}
	*reason = SPARE_RETURN_CHANCES;

	return spare_out_of_chances(p);
}

/*
 * The loan of @p has had what it may. So has what it was for, but for terms that
 * charge since before it was served. What comes next does not stand in line by the
 * time when this asked: after a sleep in the middle it did so once more.
 */
static struct spare_stock *spare_end(struct rq *rq, struct task_struct *p,
				     enum spare_return_reason reason)
{
	struct spare_stock *stock;

	if (reason == SPARE_RETURN_REPLY)
		return spare_return_replied(rq, p);
	if (reason == SPARE_RETURN_QUIET) {
		spare_patience_less(p);
		/* It has had the time to see whatever came during the loan, too. */
		spare_event_over(p);
		return spare_return(rq, p, reason);
	}

	stock = spare_return(rq, p, reason);
	if (p->spare.served)
		spare_event_over(p);
	else
		spare_set_pending(p, true);

	return stock;
}

static void spare_switch_from(struct rq *rq, struct task_struct *prev,
			      struct task_struct *next)
{
	enum spare_return_reason reason;

	if (prev != next && prev->spare.loan && spare_used_up(rq, prev, &reason)) {
		spare_end(rq, prev, reason);
		spare_serve_later(rq);
	}

	/* It lingers no more where it does not run and others wait. */
	if (prev != next && prev->spare.loan && prev->spare.answered &&
	    !RB_EMPTY_ROOT(&spare_unit_of(prev->spare.loan)->stock->line.rb_root))
		spare_serve_later(rq);

	/* Preempted by an earlier deadline, or out of chances. */
	if (prev != next && prev->spare.pending && task_on_rq_queued(prev) &&
	    !spare_runs_next(rq, prev) && spare_line_up(rq, prev))
		spare_serve_later(rq);
}

/* @p is switched in on its unit. */
static void spare_dispatch(struct rq *rq, struct task_struct *p)
{
	/* What has come by now is served; what comes from now on is the next loan's. */
	if (!p->spare.begun) {
		spare_set_pending(p, false);
		WRITE_ONCE(p->spare.served, true);
		WRITE_ONCE(p->spare.begun, true);
		p->spare.asked = 0;
		if (!p->spare.answered)
			spare_patience_begin(rq, p);
	}
	spare_count(p, SPARE_NR_DISPATCHES, 1);
	trace_sched_spare_dispatch(p, p->spare.loan);
	if (p->spare.answered)
		spare_linger(rq, p);
}

/*
 * @p is switched in on its own reservation. That is the end of an event which
 * was served on a loan; any other stays pending, and keeps its time of asking.
 */
static void spare_dispatch_own(struct rq *rq, struct task_struct *p)
{
	if (p->spare.stock)
		spare_unwait(rq, p);
	if (p->spare.loan) {
		bool unused = !p->spare.begun;

		spare_return(rq, p, unused ? SPARE_RETURN_UNUSED : SPARE_RETURN_OWN);
		if (!p->spare.served)
			spare_set_pending(p, true);
		spare_serve_later(rq);
	}
	if (p->spare.served)
		spare_event_over(p);
}

/*
 * What @next runs on: that of its own entity and its unit that has the earlier
 * deadline, however it was picked. By its cookie or for a sibling it is picked
 * without any of them, and a sibling may dispatch it after both are gone.
 */
static struct sched_dl_entity *spare_switch_to(struct rq *rq,
					       struct task_struct *prev,
					       struct task_struct *next,
					       struct sched_dl_entity *from)
{
	struct sched_dl_entity *to = sched_spare_entity(next);

	if (!on_dl_rq(to)) {
		WARN_ON_ONCE(!sched_core_enabled(rq));
		spare_serve_later(rq);
	} else if (to == &next->dl) {
		spare_dispatch_own(rq, next);
	} else if (prev != next || from != to) {
		spare_dispatch(rq, next);
	}

	return to;
}

/*
 * The run queue switches from @prev to @next (they may be the same thread).
 * Return: the server that @next runs on; @server if it is no deadline thread.
 */
struct sched_dl_entity *__sched_spare_switch(struct rq *rq,
					     struct task_struct *prev,
					     struct task_struct *next,
					     struct sched_dl_entity *server)
{
	struct sched_dl_entity *from = prev->dl_server ?: &prev->dl, *to;
	bool borrows = prev->spare.loan;

	lockdep_assert_rq_held(rq);

	/*
	 * A class above deadline, or a sibling, has picked without asking us:
	 * charge here, too. Whoever is throttled and lent a unit by that may have
	 * to run instead.
	 */
	if (borrows || prev->spare.pending)
		update_curr_dl(rq);
	if (!borrows && prev->spare.loan)
		spare_serve_later(rq);
	spare_switch_from(rq, prev, next);
	if (!dl_task(next))
		return server;
	to = spare_switch_to(rq, prev, next, from);

	/* set_next_task() is not called for a thread that goes on. */
	if (prev == next && from != to)
		next->se.exec_start = rq_clock_task(rq);

	return to == &next->dl ? NULL : to;
}

/*
 * Before the next entity is picked: the current thread is charged, so that a
 * unit it has just drained is not picked, and one it now needs can be.
 */
void __sched_spare_pick(struct rq *rq)
{
	struct task_struct *p = spare_curr(rq);
	enum spare_return_reason reason;

	update_curr_dl(rq);
	if (p->spare.loan && spare_used_up(rq, p, &reason))
		spare_serve(rq, spare_end(rq, p, reason));
}

/* @p, pending, has used up its own budget. */
void __sched_spare_throttle(struct rq *rq, struct task_struct *p)
{
	spare_request(rq, p);
}

/*
 * @p was put on @rq, or back in its place there. Then its loan and its place in
 * line are still there; but while it is boosted it neither has nor waits for a
 * unit. What came stays pending until the boost is over.
 */
void __sched_spare_enqueue(struct rq *rq, struct task_struct *p)
{
	if (is_dl_boosted(&p->dl)) {
		sched_spare_withdraw(rq, p);
		return;
	}

	if (p->spare.pending &&
	    (!spare_is_curr(rq, p) ? !spare_runs_next(rq, p) : p->dl.dl_throttled))
		spare_request(rq, p);
}

/*
 * @p leaves @rq. Its guest has halted: whatever came is done with. It sleeps
 * for another reason, a lock of its VMM's, say: it goes on with what came when
 * it is back. It goes to another CPU: the same, if nobody was served so far.
 */
void __sched_spare_dequeue(struct rq *rq, struct task_struct *p, int flags)
{
	bool sleeps, halts, pending;

	/* It stays: this is one half of a change of its parameters. */
	if (flags & DEQUEUE_SAVE)
		return;

	sleeps = (flags & DEQUEUE_SLEEP) && READ_ONCE(p->__state) != TASK_DEAD;
	/* On PREEMPT_RT a contended lock on the way to a halt is a sleep of its own. */
	halts = sleeps && p->spare.halting &&
		(READ_ONCE(p->__state) & TASK_INTERRUPTIBLE);
	/* A reply has answered whatever had come by then: it does not linger asleep. */
	pending = p->spare.pending && !halts && !(sleeps && p->spare.answered);

	/* Here it may be throttled, and it is not to ask any more: it leaves. */
	spare_set_pending(p, false);
	update_curr_dl(rq);

	WRITE_ONCE(p->spare.refused, false);
	if (p->spare.stock)
		spare_unwait(rq, p);
	if (p->spare.loan) {
		pending |= !halts && !p->spare.answered &&
			   (sleeps || !p->spare.served);
		spare_serve(rq, spare_return(rq, p, sleeps ? SPARE_RETURN_SLEEP :
							     SPARE_RETURN_GONE));
	}

	if (pending)
		spare_set_pending(p, true);
	else
		spare_event_over(p);
}

/* The current thread gives up the CPU until its own next period. */
void __sched_spare_yield(struct rq *rq)
{
	struct task_struct *p = spare_curr(rq);

	spare_event_over(p);
	if (p->spare.stock)
		spare_unwait(rq, p);
	if (p->spare.loan)
		spare_serve(rq, spare_return(rq, p, SPARE_RETURN_SLEEP));
}

/**
 * sched_spare_withdraw - take @p's loan, and its place in line, where it stands
 * @rq: its run queue
 * @p: a thread that changes its class, group or CPU, or is boosted
 *
 * What they were for stays pending. One who was served already and changes its
 * group has had its loan.
 */
void sched_spare_withdraw(struct rq *rq, struct task_struct *p)
{
	lockdep_assert_rq_held(rq);

	if (p->spare.stock)
		spare_unwait(rq, p);
	if (p->spare.loan) {
		if (is_dl_boosted(&p->dl) || !p->spare.served)
			spare_set_pending(p, true);
		spare_serve(rq, spare_return(rq, p, SPARE_RETURN_GONE));
	}
	WRITE_ONCE(p->spare.refused, false);
	if (!p->spare.pending)
		spare_event_over(p);
}

/* @p is no deadline thread any more. */
static void spare_forget(struct task_struct *p)
{
	WARN_ON_ONCE(p->spare.loan || p->spare.stock);
	spare_event_over(p);
	WRITE_ONCE(p->spare.answered, false);
	WRITE_ONCE(p->spare.heard, SPARE_HEARD_NOTHING);
	memset(p->spare.patience, 0, sizeof(p->spare.patience));
	memset(p->spare.late, 0, sizeof(p->spare.late));
	p->spare.debt = 0;
}

/* What is charged, and what is paid back */

/*
 * @p ran for @delta_exec ns on its loan, which is about to be charged for that.
 * A drained unit has stopped being charged: what @p runs on it until it is off
 * the CPU is an overrun, and comes out of the next budget. What the one before
 * has left of a budget is no chance to have all of it.
 */
void __sched_spare_account(struct rq *rq, struct task_struct *p, s64 delta_exec)
{
	struct spare_unit *unit = spare_unit_of(p->spare.loan);

	if (delta_exec <= 0)
		return;

	if (unit->dl.dl_throttled) {
		unit->dl.runtime -= delta_exec;
	} else if (unit->dl.runtime <= delta_exec) {
		p->spare.depletions += !unit->leftover;
		unit->leftover = false;
	}

	spare_count(p, SPARE_BORROWED_NS, delta_exec);
	if (spare_quiet(rq, p))
		resched_curr(rq);
	if (!READ_ONCE(spare_terms(p)->charge))
		return;

	/* As much as it would have been charged on its own reservation. */
	p->spare.debt += dl_scaled_delta_exec(rq, &p->dl, delta_exec);
	if (spare_owes(rq, p))
		resched_curr(rq);
}

/*
 * The own reservation of @p is replenished: pay first, and postpone the
 * deadline until there is runtime left, as for an overrun.
 */
void __sched_spare_pay(struct task_struct *p)
{
	if (is_dl_boosted(&p->dl))
		return;

	p->dl.runtime -= p->spare.debt;
	p->spare.debt = 0;
	WRITE_ONCE(p->spare.refused, false);
	if (p->dl.runtime <= 0) {
		u64 periods = div64_u64(-p->dl.runtime, p->dl.dl_runtime) + 1;

		p->dl.deadline += periods * p->dl.dl_period;
		p->dl.runtime += periods * p->dl.dl_runtime;
	}
}

/* Recall: loans and places in line that are no longer theirs */

static bool spare_entitled(struct rq *rq, struct task_struct *p,
			   struct spare_stock *stock)
{
	return spare_source(rq, p) == stock->pool;
}

/* The pool of @p is gone, or not for it: what it was lent a unit for is not over. */
static void spare_recall_from(struct rq *rq, struct task_struct *p)
{
	if (p->spare.stock)
		spare_unwait(rq, p);
	if (p->spare.loan)
		spare_serve(rq, spare_return(rq, p, SPARE_RETURN_GONE));
	spare_set_pending(p, true);
	__sched_spare_enqueue(rq, p);
}

static void spare_recall(struct rq *rq)
{
	struct spare_unit *unit, *tmp;
	struct spare_stock *stock;
	struct rb_node *node, *next;

	lockdep_assert_rq_held(rq);

	list_for_each_entry(stock, &rq->spare.stocks, node) {
		for (node = rb_first_cached(&stock->line); node; node = next) {
			next = rb_next(node);
			if (!spare_entitled(rq, spare_in_line(node), stock))
				spare_recall_from(rq, spare_in_line(node));
		}
	}

	list_for_each_entry_safe(unit, tmp, &rq->spare.loans, node) {
		if (!spare_entitled(rq, unit->borrower, unit->stock))
			spare_recall_from(rq, unit->borrower);
	}
}

static void spare_recall_all(void)
{
	int cpu;

	lockdep_assert_held(&spare_mutex);

	for_each_possible_cpu(cpu) {
		struct rq *rq = cpu_rq(cpu);

		guard(rq_lock_irqsave)(rq);
		if (list_empty(&rq->spare.stocks))
			continue;
		update_rq_clock(rq);
		spare_recall(rq);
	}
}

/*
 * What may be had has changed: @p, if it was refused, asks again; if there is
 * nothing to ask for any more, nothing is left of what came. The last pool may
 * be about to go, and with it those who would tell that @p has halted.
 */
static void spare_retry(struct task_struct *p)
{
	struct rq_flags rf;
	struct rq *rq;

	if (!READ_ONCE(p->spare.refused) && !READ_ONCE(p->spare.pending))
		return;

	rq = task_rq_lock(p, &rf);
	if (!spare_source(rq, p)) {
		spare_event_over(p);
	} else if (p->spare.refused) {
		WRITE_ONCE(p->spare.refused, false);
		update_rq_clock(rq);
		if (p->spare.pending && task_on_rq_queued(p))
			__sched_spare_enqueue(rq, p);
	}
	task_rq_unlock(rq, p, &rf);
}

/*
 * The CPU goes offline, unless that is refused later: its loans become places
 * in line. Who is moved away asks again where it comes to; the others are
 * served if the CPU stays. One that only changes its root domain keeps its
 * loans.
 */
void sched_spare_rq_offline(struct rq *rq)
{
	struct spare_unit *unit, *tmp;

	if (cpu_active(cpu_of(rq)))
		return;

	list_for_each_entry_safe(unit, tmp, &rq->spare.loans, node) {
		struct task_struct *p = unit->borrower;
		struct spare_stock *stock = spare_return(rq, p, SPARE_RETURN_GONE);

		spare_set_pending(p, true);
		spare_wait(rq, p, stock);
	}
}

/* The CPU is back, or stays after all. */
void sched_spare_rq_online(struct rq *rq)
{
	lockdep_assert_rq_held(rq);

	if (!list_empty(&rq->spare.stocks))
		spare_serve_all(rq);
}

/* Events and replies */

static bool spare_runs(struct rq *rq, struct task_struct *p)
{
	return spare_is_curr(rq, p) && !p->dl.dl_throttled;
}

/*
 * What has come for @p, which is on loan, is what it works on from now on; or one
 * that is still to be dispatched is so for both.
 */
static void spare_event_on_loan(struct rq *rq, struct task_struct *p)
{
	list_del_init(&spare_unit_of(p->spare.loan)->lingers);
	if (p->spare.begun) {
		update_rq_clock(rq);
		spare_patience_begin(rq, p);
	}
}

/*
 * Whether @p sleeps because its guest has halted: whatever is reported now was
 * delivered, and has woken it up, before that. It has seen it.
 */
static bool spare_halted(struct task_struct *p)
{
	return !p->on_rq && READ_ONCE(p->spare.halting) &&
	       (READ_ONCE(p->__state) & TASK_INTERRUPTIBLE);
}

static void spare_event(struct rq *rq, struct task_struct *p, unsigned int hops)
{
	if (!dl_task(p) || !spare_source(rq, p))
		return;

	spare_count(p, SPARE_NR_EVENTS, 1);
	trace_sched_spare_event(p, false);
	if (spare_halted(p)) {
		spare_event_over(p);
		return;
	}

	/* What it has sent went before this, and this may have come for that. */
	if (READ_ONCE(p->spare.sending)) {
		spare_patience_sent(rq, p);
		WRITE_ONCE(p->spare.sending, false);
	}
	WRITE_ONCE(p->spare.came, p->se.sum_exec_runtime);

	/* It may be passed on as often as the one that it is handled with. */
	if (hops < p->spare.hops && p->spare.pending && !p->spare.begun && !p->spare.answered)
		hops = p->spare.hops;
	WRITE_ONCE(p->spare.hops, hops);
	if (p->spare.heard)
		spare_patience_event(p);

	WRITE_ONCE(p->spare.answered, false);
	WRITE_ONCE(p->spare.served, false);
	spare_set_pending(p, true);
	if (p->spare.loan) {
		spare_event_on_loan(rq, p);
		return;
	}
	if (spare_runs(rq, p) || !task_on_rq_queued(p) || spare_runs_next(rq, p))
		return;

	update_rq_clock(rq);
	spare_request(rq, p);
}

/* The lock of its run queue is enough for a thread that runs. */
static bool spare_event_running(struct task_struct *p, unsigned int hops)
{
	struct rq *rq = task_rq(p);

	if (rcu_access_pointer(rq->curr) != p)
		return false;

	guard(rq_lock_irqsave)(rq);
	if (!spare_runs(rq, p))
		return false;
	spare_event(rq, p, hops);

	return true;
}

/*
 * Whether the last event for @p still stands, and one more changes nothing:
 * @p runs on its own reservation, or has what can be had. Without a lock: the
 * event was delivered before it was reported, so if @p goes to sleep now and
 * stops to be pending, it has seen it. While it runs on a loan each event
 * begins its patience anew.
 */
static bool spare_event_stands(struct task_struct *p, unsigned int hops)
{
	/* To look again under the lock is never wrong. */
	if (!READ_ONCE(p->spare.pending))
		return false;
	/* What is not charged yet is not ours to know: spare_seen() counts it. */
	WRITE_ONCE(p->spare.came, data_race(p->se.sum_exec_runtime));
	/* Pairs with the barrier of whoever put @p to sleep, and with spare_line_up(). */
	smp_mb();
	/* Pairs with __sched_spare_reply(): then it has answered that one. */
	if (smp_load_acquire(&p->spare.sending))
		return false;
	/* Pairs with spare_return(): then it is not pending for what was over, either. */
	if (smp_load_acquire(&p->spare.begun))
		return false;
	if (READ_ONCE(p->spare.answered))
		return false;
	/* Pairs with spare_event_over(), for both. */
	smp_rmb();
	/* The last one was served, and is over when it runs on its own. */
	if (READ_ONCE(p->spare.served))
		return false;
	/* If it is served after this look, then with what is reported here. */
	smp_rmb();

	return READ_ONCE(p->spare.pending) && READ_ONCE(p->spare.hops) >= hops &&
	       (READ_ONCE(p->on_cpu) || READ_ONCE(p->spare.loan) ||
		READ_ONCE(p->spare.stock) || READ_ONCE(p->spare.refused));
}

void __sched_spare_event(struct task_struct *p, unsigned int hops)
{
	struct rq_flags rf;
	struct rq *rq;

	guard(rcu)();

	/* Most threads may not borrow; spare_event() asks again under the lock. */
	if (!data_race(dl_task(p)) || !rcu_access_pointer(spare_group_of(p)->spare.source))
		return;

	if (spare_event_stands(p, hops)) {
		spare_count(p, SPARE_NR_EVENTS, 1);
		if (!READ_ONCE(p->on_cpu) && READ_ONCE(p->spare.refused))
			spare_count(p, SPARE_NR_REFUSED, 1);
		trace_sched_spare_event(p, true);
		return;
	}

	if (spare_event_running(p, hops))
		return;

	rq = task_rq_lock(p, &rf);
	spare_event(rq, p, hops);
	task_rq_unlock(rq, p, &rf);
}
EXPORT_SYMBOL_GPL(__sched_spare_event);

/* The guest's own timer, which is nobody's packet: not to be passed on. */
void __sched_spare_timer(struct task_struct *p)
{
	bool counts;

	scoped_guard(rcu)
		counts = READ_ONCE(spare_terms(p)->timer);
	if (counts)
		__sched_spare_event(p, 0);
}
EXPORT_SYMBOL_GPL(__sched_spare_timer);

/*
 * How often the current thread may pass on what it works on. On its own
 * reservation it is believed to do so until it has replied and was quiet; what
 * it runs meanwhile and is not charged yet does not count.
 */
unsigned int __sched_spare_hops(void)
{
	struct task_struct *p = current;

	guard(rcu)();

	if (!READ_ONCE(p->spare.pending) && !READ_ONCE(p->spare.loan))
		return 0;

	if (!READ_ONCE(p->spare.answered))
		return READ_ONCE(p->spare.hops);

	/* Ours, but another CPU may charge us, or report to us: that counts next time. */
	if (data_race(p->se.sum_exec_runtime - p->spare.quiet_from < spare_patience(p, NULL)))
		return READ_ONCE(p->spare.hops);

	return 0;
}
EXPORT_SYMBOL_GPL(__sched_spare_hops);

/*
 * @p has replied to what it has a loan for, or is pending for. It lingers: what
 * comes next may belong to it.
 */
static void spare_replied(struct rq *rq, struct task_struct *p)
{
	struct spare_unit *unit = p->spare.loan ? spare_unit_of(p->spare.loan) : NULL;

	trace_sched_spare_reply(p);
	WRITE_ONCE(p->spare.answered, true);
	if (unit && list_empty(&unit->lingers)) {
		list_add_tail(&unit->lingers, &unit->stock->lingering);
		if (p->dl_server == p->spare.loan)
			spare_linger(rq, p);
	}

	if (READ_ONCE(spare_terms(p)->linger)) {
		/* Who waits for a unit does not wait long for that. */
		if (unit)
			spare_serve(rq, unit->stock);
		return;
	}

	/* It was throttled while it wrote its reply. */
	if (p->spare.stock)
		spare_unwait(rq, p);
	if (unit) {
		spare_serve(rq, spare_return_replied(rq, p));
	} else {
		spare_event_over(p);
		WRITE_ONCE(p->spare.answered, false);
	}
}

void __sched_spare_reply(void)
{
	struct task_struct *p = current;
	struct rq_flags rf;
	struct rq *rq;

	WRITE_ONCE(p->spare.tells, true);
	/* Only others give it a loan, and only when it does not run. */
	if (!READ_ONCE(p->spare.heard) && !READ_ONCE(p->spare.pending) &&
	    !READ_ONCE(p->spare.loan)) {
		WRITE_ONCE(p->spare.sending, false);
		return;
	}

	rq = task_rq_lock(p, &rf);
	/* If something has come since it was sent, then that is to be answered. */
	if (p->spare.sending && dl_task(p) && spare_patience_sent(rq, p) &&
	    (p->spare.pending || p->spare.loan))
		spare_replied(rq, p);
	/* Pairs with spare_event_stands(). */
	smp_store_release(&p->spare.sending, false);
	task_rq_unlock(rq, p, &rf);
}
EXPORT_SYMBOL_GPL(__sched_spare_reply);

static enum hrtimer_restart spare_linger_fires(struct hrtimer *timer)
{
	struct spare_unit *unit = container_of(timer, struct spare_unit, linger);
	struct rq *rq = unit->dl.rq;
	struct task_struct *p;
	s64 left;

	guard(rq_lock)(rq);

	/*
	 * An event since the reply, or another borrower: nothing to end. If it does
	 * not run, its next dispatch starts the timer again.
	 */
	p = unit->borrower;
	if (!p || !p->spare.answered || p->dl_server != &unit->dl)
		return HRTIMER_NORESTART;

	update_rq_clock(rq);
	left = spare_patience_left(rq, p);
	if (left > 0) {
		/* It has replied again, or the clocks differ. */
		hrtimer_forward_now(timer, ns_to_ktime(left));
		return HRTIMER_RESTART;
	}
	spare_serve(rq, spare_return_replied(rq, p));

	return HRTIMER_NORESTART;
}

/*
 * The borrower of @unit, which is current or about to be, and of whose time
 * @uncharged ns are to be charged yet: look at it when the unit is drained, or by
 * its patience.
 */
void __sched_spare_hrtick(struct rq *rq, struct sched_dl_entity *unit, s64 uncharged)
{
	struct task_struct *p = spare_unit_of(unit)->borrower;
	s64 left = unit->runtime - uncharged;

	if (spare_awaits_reply(p))
		left = min(left, spare_patience_left(rq, p));

	hrtick_start(rq, max(left, 0LL));
}

void sched_spare_init_rq(struct rq *rq)
{
	INIT_LIST_HEAD(&rq->spare.loans);
	INIT_LIST_HEAD(&rq->spare.stocks);
}
