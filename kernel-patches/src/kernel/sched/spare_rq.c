// SPDX-License-Identifier: GPL-2.0
/*
 * Spare deadline reservations: what the scheduler does to those pending, waiting and
 * borrowing
 */

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
		return to;
	}

	if (next->spare.called)
		spare_latency_end(rq, next, to != &next->dl);
	if (to == &next->dl)
		spare_dispatch_own(rq, next);
	else if (prev != next || from != to)
		spare_dispatch(rq, next);

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

	if (!p->spare.loan && !p->spare.pending)
		return;

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
 * it is back, or with the rest of it if it is waited for after a reply. It goes
 * to another CPU: the same, if nobody was served so far.
 */
void __sched_spare_dequeue(struct rq *rq, struct task_struct *p, int flags)
{
	bool sleeps, halts, waited_for, pending;

	/* It stays: this is one half of a change of its parameters. */
	if (flags & DEQUEUE_SAVE)
		return;

	sleeps = (flags & DEQUEUE_SLEEP) && READ_ONCE(p->__state) != TASK_DEAD;
	/* On PREEMPT_RT a contended lock on the way to a halt is a sleep of its own. */
	halts = sleeps && p->spare.halting &&
		(READ_ONCE(p->__state) & TASK_INTERRUPTIBLE);
	waited_for = !p->spare.answered || (sleeps && spare_patience_left(rq, p) > 0);
	pending = p->spare.pending && !halts && (!sleeps || waited_for);

	/* Here it may be throttled, and it is not to ask any more: it leaves. */
	spare_set_pending(p, false);
	update_curr_dl(rq);

	WRITE_ONCE(p->spare.refused, false);
	if (p->spare.stock)
		spare_unwait(rq, p);
	if (p->spare.loan) {
		pending |= !halts && waited_for && (sleeps || !p->spare.served);
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
static void spare_account(struct rq *rq, struct task_struct *p, s64 delta_exec)
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

/* Charges what the current @p has run to its own reservation, or to its unit. */
void sched_spare_charge(struct rq *rq, struct task_struct *p)
{
	struct sched_dl_entity *dl_se = sched_spare_curr(p);
	s64 delta_exec;

	/* A drained unit pays for what is run on it until a reschedule. */
	if (!dl_task(p) || (!on_dl_rq(dl_se) && !dl_server(dl_se)))
		return;

	delta_exec = update_curr_common(rq);
	if (dl_se != &p->dl)
		spare_account(rq, p, delta_exec);
	update_curr_dl_se(rq, dl_se, delta_exec);
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
