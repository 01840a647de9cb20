// SPDX-License-Identifier: GPL-2.0
/* Spare deadline reservations: events and replies */

static bool spare_runs(struct rq *rq, struct task_struct *p)
{
	return spare_is_curr(rq, p) && !p->dl.dl_throttled;
}

/* The same, on whatever budget. */
static bool spare_has_cpu(struct rq *rq, struct task_struct *p)
{
	struct sched_dl_entity *unit = p->dl_server;

	if (!spare_is_curr(rq, p))
		return false;

	return unit && unit == p->spare.loan ? on_dl_rq(unit) : !p->dl.dl_throttled;
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
	if (p->spare.loan)
		spare_event_on_loan(rq, p);
	if (spare_has_cpu(rq, p)) {
		spare_latency_none(p, p->spare.loan);
		return;
	}
	if (p->spare.loan || !task_on_rq_queued(p) || spare_runs_next(rq, p)) {
		spare_latency_begin(p, sched_clock_cpu(cpu_of(rq)));
		return;
	}

	update_rq_clock(rq);
	spare_latency_begin(p, rq_clock(rq));
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
		if (READ_ONCE(p->on_cpu))
			spare_latency_none(p, READ_ONCE(p->spare.loan));
		else if (READ_ONCE(p->spare.refused))
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
 * @p, which is current or about to be, and of whose time @uncharged ns are to be
 * charged yet: look at it when what it runs on is drained, or, if that is a unit,
 * by its patience.
 */
void sched_spare_hrtick(struct rq *rq, struct task_struct *p, s64 uncharged)
{
	struct sched_dl_entity *dl_se = sched_spare_curr(p);
	s64 left = dl_se->runtime - uncharged;

	if (dl_se != &p->dl && spare_awaits_reply(p))
		left = min(left, spare_patience_left(rq, p));

	hrtick_start(rq, max(left, 0LL));
}

void sched_spare_init_rq(struct rq *rq)
{
	INIT_LIST_HEAD(&rq->spare.loans);
	INIT_LIST_HEAD(&rq->spare.stocks);
}
