/* SPDX-License-Identifier: GPL-2.0 */
/* ---- The deadline tree ---- */

#ifdef F_FAIR
/*
 * For liveness: deadlines grow, so that nobody is passed over for ever. An
 * entity is passed at most once while it is in the tree, and the next one
 * comes in turn. With one unit.
 */
byte passed;			/* entities, as bits */
#define MAY_PASS		!passed
#define PASSES(e, other)	((other) != (e) && ON_TREE(other)) << ((other) - 1)
#if N > 2
#define SET_PASSED(e)	passed = PASSES(e, 1) | PASSES(e, 2) | PASSES(e, 3) | PASSES(e, 4)
#else
#define SET_PASSED(e)	passed = PASSES(e, 1) | PASSES(e, 2) | PASSES(e, 3)
#endif
#define CLEAR_PASSED(e)	passed = passed & ~(1 << ((e) - 1))

#define ON_TREE(e) \
	((e) <= N -> OWN_ON_TREE((e) <= N -> (e) : 1) : UNIT_ON_TREE((e) > N -> (e) - N : 1))

inline choose_left(c, gone)
{
	d_step {
		R[c].left = (gone) % (N + U) + 1;
		do
		:: R[c].left != gone && !ON_TREE(R[c].left) ->
			R[c].left = R[c].left % (N + U) + 1
		:: R[c].left != gone && ON_TREE(R[c].left) -> break
		:: R[c].left == gone -> R[c].left = 0; break
		od
	}
}
#else
#define MAY_PASS		true
#define SET_PASSED(e)	skip
#define CLEAR_PASSED(e)	skip

#define OWN_THERE(p, c)	(OWN_ON_TREE(p) && CPU(p) == c && MAY_LEAD(p))
#define UNIT_THERE(v, c) (UNIT_ON_TREE(v) && UNIT_CPU(v) == c && MAY_LEAD(N + v))

#ifdef F_CORE
/* Of its two entities curr runs on the earlier one, whoever else is there. */
#define MAY_LEAD(e) \
	(R[0].resched || !R[0].curr || (e) != OTHER_ENTITY(R[0].curr) || !ENTITY_ON_TREE(0))
#else
#define MAY_LEAD(e) true
#endif

inline choose_left(c, gone)
{
	if
	:: OWN_THERE(1, c) -> R[c].left = 1
	:: OWN_THERE(2, c) -> R[c].left = 2
#if N > 2
	:: OWN_THERE(3, c) -> R[c].left = 3
#endif
	:: UNIT_THERE(1, c) -> R[c].left = N + 1
#if UNITS > 1
	:: UNIT_THERE(2, c) -> R[c].left = N + 2
#endif
	:: else -> R[c].left = 0
	fi
}
#endif

inline enter_tree(c, e)
{
	CLEAR_PASSED(e);
	if
	:: R[c].left == 0 -> R[c].left = e; R[c].resched = 1
	:: R[c].left != 0 && MAY_PASS -> SET_PASSED(e); R[c].left = e; R[c].resched = 1
	:: R[c].left != 0
	fi
}

inline leave_tree(c, e)
{
	CLEAR_PASSED(e);
	if
	:: R[c].left == e -> choose_left(c, e)
	:: else
	fi
}

/* ---- spare.c: borrow, serve, return ---- */

inline take_ticket(p)
{
	if
	:: t(p).ticket
	:: else ->
#if N > 2
		t(p).ticket = 1 + (t(1).ticket != 0) + (t(2).ticket != 0) + (t(3).ticket != 0)
#else
		t(p).ticket = 1 + (t(1).ticket != 0) + (t(2).ticket != 0)
#endif
	fi
}

#define MOVE_UP(p)	t(p).ticket = t(p).ticket - (t(p).ticket > gap)
inline drop_ticket(p)
{
	d_step {
		if
		:: t(p).ticket ->
			gap = t(p).ticket;
			t(p).ticket = 0;
			MOVE_UP(1);
			MOVE_UP(2);
#if N > 2
			MOVE_UP(3);
#endif
			gap = 0
		:: else
		fi
	}
}

/* spare_event_over() */
inline spare_over(p)
{
	t(p).pending = 0;
	t(p).served = 0;
	t(p).refused = 0;
	t(p).depleted = t(p).depleted && t(p).loan;
	drop_ticket(p);
	BOUND_OVER(p)
}

/* spare_borrow() */
inline spare_borrow(p, v)
{
	d_step {
		assert(!s(v).borrower && !t(p).loan && !t(p).boosted);
		assert(UNIT_CPU(v) == CPU(p));
		t(p).pending = 0;
		t(p).loan = v;
		s(v).borrower = p;
		s(v).free = 0;
#ifndef FAULT_RECORDED_PICK
		FORGET_PICK;
#endif
		GIVEN(p)
	}
	if
	:: s(v).cbs != DRAINED -> enter_tree(CPU(p), N + v)
	:: else
	fi
}

/* Of those in line on a CPU the first to have asked. */
#define EARLIER(q, p, c) (WAITS_ON(q, c) && t(q).ticket < t(p).ticket)
#if N > 2
#define FIRST(p, c) \
	(WAITS_ON(p, c) && !EARLIER(1, p, c) && !EARLIER(2, p, c) && !EARLIER(3, p, c))
#else
#define FIRST(p, c)	(WAITS_ON(p, c) && !EARLIER(1, p, c) && !EARLIER(2, p, c))
#endif

/* A unit does not help a thread with budget whose own deadline is earlier. */
inline spare_serve_first(c, v)
{
	q = (FIRST(1, c) -> 1 : (FIRST(2, c) -> 2 : 3));
	t(q).waits = 0;
	if
#ifndef LIMIT_OVERTAKEN
	:: !t(q).throttled
#endif
	:: spare_borrow(q, v)
	fi
}

#ifdef FAULT_OFFLINE_LENDS
#define LENDS(c)	true
#else
#define LENDS(c)	R[c].state == UP
#endif

/* update_curr_dl(): the unit that curr runs on */
inline deplete_loan(c)
{
	s(t(R[c].curr).loan).cbs = DRAINED;
	s(t(R[c].curr).loan).spent = 1;
	t(R[c].curr).depleted = 1;
	leave_tree(c, N + t(R[c].curr).loan);
	R[c].resched = 1
}

#ifdef F_TIME
/* Charges curr up to now; what it runs on may be used up by that. */
inline charge(c)
{
	if
	:: R[c].ran && R[c].onloan && s(t(R[c].curr).loan).cbs == USED ->
		R[c].ran = 0; deplete_loan(c)
	:: R[c].ran && R[c].curr && !R[c].onloan && OWN_ON_TREE(R[c].curr) &&
	   !t(R[c].curr).boosted ->
		R[c].ran = 0; sched_spare_throttle(R[c].curr)
	:: R[c].ran = 0
	fi
}
/* The unit that curr runs on, only: it is to be returned. */
inline charge_loan(c)
{
	if
	:: R[c].ran && s(t(R[c].curr).loan).cbs == USED -> R[c].ran = 0; deplete_loan(c)
	:: R[c].ran = 0
	fi
}
#define RAN(c)	R[c].ran
#else
/* clock() does, before any step. */
inline charge(c) { skip }
inline charge_loan(c) { skip }
#define RAN(c)	false
#endif

/* spare_return(): the unit keeps its CBS state */
inline spare_return(p)
{
#ifndef FAULT_UNCHARGED_RETURN
	if
	:: CURRENT(p) && r(p).onloan -> charge_loan(CPU(p))
	:: else
	fi;
#endif
	d_step {
		u = t(p).loan;
		assert(s(u).borrower == p);
		assert(!(CURRENT(p) && r(p).onloan && RAN(CPU(p))));
		s(u).borrower = 0;
		s(u).free = 1;
#ifdef FAULT_REFILL_AT_RETURN
		s(u).cbs = FRESH;
#endif
		t(p).loan = 0;
		t(p).begun = 0;
		t(p).depleted = t(p).depleted && t(p).served;
#ifdef FAULT_SERVED_BY_LOAN
		t(p).served = 0;
#endif
		GIVEN_BACK(p);
#ifndef FAULT_RECORDED_PICK
		FORGET_PICK;
#endif
#ifndef FAULT_LOSS_GOES_ON
		r(p).resched = r(p).resched || (CURRENT(p) && r(p).onloan);
#endif
		r(p).onloan = r(p).onloan && !CURRENT(p)
	}
	leave_tree(CPU(p), N + u);
	u = 0
}

/* spare_serve(): fresh units first, the others by deadline, whatever that is */
#if U > 1
#define OTHER_FRESHER(v) (s(v).cbs != FRESH && s(3 - v).free && s(3 - v).cbs == FRESH)
#else
#define OTHER_FRESHER(v) false
#endif
#define LENDABLE(v, c)	(s(v).free && UNIT_CPU(v) == c && !OTHER_FRESHER(v))

#ifdef F_REPLY
#ifdef FAULT_LINGERS_ON
#define TAKEABLE(v, c)	false
#else
#if U > 1
#define NONE_FREE(c)	(!s(1).free && !s(2).free)
#else
#define NONE_FREE(c)	!s(c + 1).free
#endif
#define TAKEABLE(v, c)	(NONE_FREE(c) && LINGERS(v) && UNIT_CPU(v) == c)
#endif

/* spare_return_replied(): who has replied does not keep it from who waits. */
inline spare_take(v)
{
	q = s(v).borrower;
	spare_over(q);
	t(q).answered = 0;
	finished(q);
	spare_return(q);
	q = 0
}
#endif

inline spare_serve(c)
{
	do
#ifdef F_REPLY
	:: WAITERS(c) && LENDS(c) && TAKEABLE(1, c) -> spare_take(1)
	/* It runs, and has some patience left. */
	:: WAITERS(c) && LENDS(c) && TAKEABLE(1, c) && RUNS_ON(1) -> break
#if UNITS > 1
	:: WAITERS(c) && LENDS(c) && TAKEABLE(2, c) -> spare_take(2)
	:: WAITERS(c) && LENDS(c) && TAKEABLE(2, c) && RUNS_ON(2) -> break
#endif
#endif
	:: WAITERS(c) && LENDS(c) && LENDABLE(1, c) -> spare_serve_first(c, 1)
#if UNITS > 1
	:: WAITERS(c) && LENDS(c) && LENDABLE(2, c) -> spare_serve_first(c, 2)
#endif
	:: else -> break
	od
}

/* What the caller of spare_return() does with the unit. */
inline spare_hand_over(c)
{
#ifndef FAULT_NO_HANDOVER
	spare_serve(c)
#else
	skip
#endif
}

/* spare_unwait(): the ticket is kept */
inline spare_unwait(p)
{
	t(p).waits = 0;
	t(p).newer = 0;
#ifdef FAULT_BACK_OF_LINE
	drop_ticket(p)
#endif
}

/* spare_wait(): units of the source, or of the pool that it replaces */
inline spare_wait(p, to_come)
{
	take_ticket(p);
	t(p).waits = CPU(p) + 1;
	t(p).newer = to_come
}

/*
 * spare_line_up(): a refusal does not end the event, but the thread is marked.
 * On a CPU that is offline it gets in line as well, and is not served.
 */
inline spare_line_up(p)
{
	if
	:: t(p).loan || t(p).waits || t(p).boosted
	:: else ->
		if
		:: !source -> spare_over(p); all_over(p)
#ifdef F_REPLY
		/* The reply has lingered enough. Whoever reports now, does so locked. */
		:: source && t(p).answered -> spare_over(p); finished(p)
#endif
#ifdef F_SEEN
		:: source && !t(p).served && !t(p).came -> spare_over(p); seen(p)
#endif
#ifndef FAULT_CHANCES_KEPT
		/* That was the last chance. */
		:: source && t(p).served && t(p).depleted -> spare_over(p); finished(p)
#endif
		:: source && (!stocked || OWES(p)) ->
#ifdef FAULT_REFUSAL_ENDS
			spare_over(p)
#else
			t(p).refused = 1
#endif
		:: source && stocked && !OWES(p) ->
#ifndef FAULT_CHANCES_KEPT
			t(p).depleted = 0;
#endif
#ifndef FAULT_MARK_KEPT_IN_LINE
			t(p).refused = 0;
#endif
			spare_wait(p, changing)
		fi
	fi
}

/* spare_request() */
inline spare_request(p)
{
	spare_line_up(p);
	spare_serve(CPU(p))
}

/* ---- spare.c: hooks ---- */

#ifdef FAULT_MOVE_KEEPS_EVENT
#define KEPT_BY_MOVE(p)	true
#else
#ifdef FAULT_MOVE_FORGETS_EVENT
#define KEPT_BY_MOVE(p)	false
#else
#define KEPT_BY_MOVE(p)	!t(p).served
#endif
#endif

/* sched_spare_withdraw(): it changes its group or CPU, or is boosted */
inline sched_spare_withdraw(p)
{
	spare_unwait(p);
	if
	:: t(p).loan ->
		t(p).pending = t(p).pending || t(p).boosted || KEPT_BY_MOVE(p);
		spare_return(p);
		spare_hand_over(CPU(p))
	:: else
	fi;
	t(p).refused = 0;
	if
	:: t(p).pending
	:: else -> spare_over(p)
	fi
}

#ifdef FAULT_REFUSED_KEPT
#define ASKS(p)	(t(p).pending && !t(p).refused)
#else
#define ASKS(p)	t(p).pending
#endif

/*
 * sched_spare_enqueue(): who has the earliest deadline runs next and does not
 * ask, but may lose it before it is dispatched.
 */
inline sched_spare_enqueue(p)
{
	if
	:: t(p).boosted && (t(p).pending || t(p).loan || t(p).waits) ->
#ifdef FAULT_BOOSTED_KEEPS_LOAN
		skip
#else
		sched_spare_withdraw(p)
#endif
	:: !t(p).boosted && ASKS(p) &&
	   (CURRENT(p) -> t(p).throttled : t(p).throttled || r(p).left != p) ->
		spare_request(p)
	:: else
	fi
}

/* sched_spare_throttle() */
inline sched_spare_throttle(p)
{
	t(p).throttled = 1;
	leave_tree(CPU(p), p);
	r(p).resched = 1;
#ifndef FAULT_NO_PENDING_AT_THROTTLE
	if
	:: t(p).pending -> spare_request(p)
	:: else
	fi
#endif
}

/* update_curr_dl() of a thread that leaves, on its own reservation */
inline charge_leaving(p)
{
	if
	:: CURRENT(p) && !r(p).onloan && !t(p).throttled && !t(p).boosted ->
		sched_spare_throttle(p)
	:: true
	fi
}


/* sched_spare_dequeue() and dequeue_task_dl(): it sleeps or moves */
inline sched_spare_dequeue(p, sleeps, halts)
{
	FORGET_PICK;
	if
	:: (sleeps) && t(p).answered && (t(p).pending || t(p).loan) ->
		/* The patience that is left when it is back, or none. A halt ends it. */
		if
#ifdef FAULT_LINGERS_ASLEEP
		:: saved = 1
#else
		:: saved = !(halts)
#endif
		:: saved = 0
		fi
	:: else -> saved = t(p).pending && !(halts)
	fi;
	t(p).pending = 0;
	if
	:: CURRENT(p) -> charge(CPU(p))
	:: else
	fi;
#ifndef FAULT_ASKS_WHILE_LEAVING
	charge_leaving(p);
#endif
	t(p).refused = 0;
	spare_unwait(p);
	if
	:: t(p).loan ->
		saved = saved || !(halts) && !t(p).answered && ((sleeps) || KEPT_BY_MOVE(p));
		spare_return(p);
		spare_hand_over(CPU(p))
	:: else
	fi;
	if
	:: saved -> t(p).pending = 1
	:: else -> spare_over(p)
	fi;
	saved = 0;
#ifdef FAULT_ASKS_WHILE_LEAVING
	charge_leaving(p);
#endif
	t(p).queued = 0;
	if
	:: !t(p).throttled -> leave_tree(CPU(p), p)
	:: else
	fi
}

/* dequeue_task() and enqueue_task() in place: all is kept. */
inline begin_in_place(p)
{
	FORGET_PICK;
	if
	:: CURRENT(p) -> charge(CPU(p))
	:: else
	fi;
	t(p).queued = 0;
	if
	:: !t(p).throttled -> leave_tree(CPU(p), p)
	:: else
	fi
}

inline end_in_place(p)
{
	t(p).queued = 1;
	if
	:: !t(p).throttled -> enter_tree(CPU(p), p)
	:: else
	fi;
	sched_spare_enqueue(p);
	/* prio_changed_dl() */
	r(p).resched = r(p).resched || CURRENT(p) && !FORCED(CPU(p)) && ENTITY(CPU(p)) != r(p).left
}

/* spare_recall_from(): while the pool changes nobody borrows from the old one. */
inline spare_recall_from(p)
{
	spare_unwait(p);
	if
	:: t(p).loan -> spare_return(p); spare_hand_over(CPU(p))
	:: else
	fi;
	t(p).pending = 1;
	sched_spare_enqueue(p)
}

inline spare_recall(p)
{
	if
#ifndef FAULT_RECALL_FORGETS_WAITERS
	:: t(p).waits && !t(p).newer -> spare_recall_from(p)
#endif
	:: t(p).loan -> spare_recall_from(p)
	:: else
	fi
}

/* spare_retry(): who was refused asks again. */
inline spare_retry(p)
{
	if
	:: !source && (t(p).pending || t(p).refused) -> spare_over(p); all_over(p)
#ifndef FAULT_NO_RETRY
	:: source && t(p).refused ->
		t(p).refused = 0;
		if
		:: t(p).pending && t(p).queued -> sched_spare_enqueue(p)
		:: else
		fi
#endif
	:: else
	fi
}

/* ttwu_runnable() and activate_task(), on any CPU */
inline wake(p)
{
	t(p).sleep = RUNNING;
	t(p).unseen = 0;
	if
	:: !t(p).queued ->
		FORGET_PICK;
#if C > 1
		if
		:: R[1 - CPU(p)].state == UP -> CPU(p) = 1 - CPU(p)
		:: R[CPU(p)].state == UP
		fi;
#endif
		t(p).queued = 1;
		if
		:: !t(p).throttled -> enter_tree(CPU(p), p)
		:: else
		fi;
		sched_spare_enqueue(p)
	:: else
	fi
}
