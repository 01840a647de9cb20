// SPDX-License-Identifier: GPL-2.0
/* Spare deadline reservations: units are borrowed and returned; waiting for one */

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
		p->spare.held = SPARE_LATENCY_WAITED;
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

	spare_latency_begin(p, rq_clock(rq));
	if (!cpumask_test_cpu(cpu_of(rq), pool->cpus) || spare_owes(rq, p)) {
		if (!p->spare.refused) {
			spare_count(p, SPARE_NR_REFUSED, 1);
			trace_sched_spare_refuse(p, cpumask_test_cpu(cpu_of(rq), pool->cpus));
		}
		p->spare.held = SPARE_LATENCY_REFUSED;
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
