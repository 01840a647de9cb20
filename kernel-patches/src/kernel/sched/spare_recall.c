// SPDX-License-Identifier: GPL-2.0
/* Spare deadline reservations: recall of loans and places in line that are no longer theirs */

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

	if (!READ_ONCE(p->spare.refused) && !READ_ONCE(p->spare.pending) &&
	    !READ_ONCE(p->spare.called))
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
