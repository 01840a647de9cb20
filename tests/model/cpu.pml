/* SPDX-License-Identifier: GPL-2.0 */
/* ---- The CPU ---- */

/*
 * Whether a loan is over by its terms, asked before the next entity is picked
 * and, as others may have picked, at the switch. How many chances a borrower
 * has is left open.
 */
inline spare_end_due(p)
{
	if
#ifdef F_REPLY
	/* It has run on its loan for as long as it is waited for, and was quiet. */
	:: t(p).loan && t(p).begun && !OWES(p) ->
		quiet(p);
		spare_over(p);
		t(p).answered = 0;
		spare_return(p);
		t(p).depleted = 0;
		later = 1
#endif
	:: t(p).loan && (OWES(p) || t(p).depleted) ->
		finished(p);
#ifndef FAULT_CHARGE_ENDS_UNSERVED
		t(p).pending = t(p).pending || !t(p).served;
#endif
		spare_return(p);
		t(p).depleted = 0;
		later = 1
#ifndef F_ONE_CHANCE
	:: t(p).loan && !OWES(p) && t(p).depleted -> t(p).depleted = 0
#endif
	:: !(t(p).loan && (OWES(p) || t(p).depleted))
	fi
}

/* sched_spare_pick() */
inline sched_spare_pick(c)
{
	if
	:: prev && t(prev).queued && (t(prev).loan || t(prev).pending) ->
		charge(c);
		spare_end_due(prev);
		spare_serve(c);
		later = 0
	:: prev && t(prev).queued && !t(prev).loan && !t(prev).pending -> charge(c)
	:: else
	fi
}

#ifdef F_CORE
/* What task_is_throttled_dl() says. */
#ifdef FAULT_COOKIE_THROTTLED
#define RUNNABLE(p)	(OWN_ON_TREE(p) || t(p).loan)
#else
#define RUNNABLE(p)	(OWN_ON_TREE(p) || LOAN_ON_TREE(p))
#endif

/* Whoever has the core's cookie: any thread that can run, or none. */
inline choose_next(c)
{
	if
	:: RUNNABLE(1) -> next = 1
	:: RUNNABLE(2) -> next = 2
	:: next = 0
	fi
}

/* sched_spare_entity(): of those of its entities on the tree the earlier one */
inline choose_entity(c)
{
#ifdef FAULT_ENTITY_BY_PICK
	picked = (R[c].left == N + 1 && s(1).borrower == next -> N + 1 : next)
#else
	if
	:: next == 0 -> picked = 0
	:: next && R[c].left == next -> picked = next
	:: next && t(next).loan && R[c].left == N + t(next).loan -> picked = N + t(next).loan
	:: else ->
		if
		:: LOAN_ON_TREE(next) -> picked = N + t(next).loan
		:: OWN_ON_TREE(next) || !LOAN_ON_TREE(next) -> picked = next
		fi
	fi
#endif
}

/* A sibling picks for the whole core: for this CPU as well, which is to switch later. */
active proctype sibling()
{
	do
	:: atomic {
		LOCK ->
		prev = R[0].curr;
		sched_spare_pick(0);
		choose_next(0);
		R[0].recorded = next != R[0].curr;
		R[0].pick = (R[0].recorded -> next : 0);
		R[0].resched = R[0].resched || R[0].recorded;
		R[0].forced = 1;
		UNLOCK
	   }
	od
}

/*
 * A sibling has picked without charging prev, or a class above: the switch
 * does, and what prev runs on may be used up by that.
 */
inline charge_at_switch(c)
{
	if
	:: prev && R[c].onloan && s(t(prev).loan).cbs == USED -> deplete_loan(c)
	:: prev && !R[c].onloan && OWN_ON_TREE(prev) && !t(prev).boosted && t(prev).pending ->
		later = 1;
		sched_spare_throttle(prev)
	:: true
	fi
}
#endif

/* Either the throttling or the switch is enough for a thread that is throttled. */
#if defined(FAULT_NO_PENDING_AT_THROTTLE) || defined(FAULT_ONLY_PREEMPTED_ASK)
#define ASKS_AT_SWITCH(p)	!t(p).throttled
#else
#define ASKS_AT_SWITCH(p)	true
#endif

/* sched_spare_switch(): what the thread that is switched from loses and asks for */
inline spare_switch_from(c)
{
#ifdef FAULT_CHANCES_BY_DISPATCH
	if
	:: R[c].onloan && prev != next ->
		assert(t(prev).depleted || OWES(prev));
		spare_return(prev)
	:: else
	fi;
#endif
#ifdef F_CORE
#ifndef FAULT_DUE_AT_PICK_ONLY
	if
	:: prev && prev != next && t(prev).queued -> spare_end_due(prev)
	:: else
	fi;
#endif
#endif
#ifdef F_REPLY
#ifndef FAULT_LINGERS_OFF
	if
	:: prev && prev != next && t(prev).loan && t(prev).answered -> later = 1
	:: else
	fi;
#endif
#endif
	if
	:: prev && prev != next && t(prev).queued && t(prev).pending &&
	   (t(prev).throttled || R[c].left != prev) && ASKS_AT_SWITCH(prev) ->
		spare_line_up(prev);
		later = 1
	:: else
	fi
}

#ifdef FAULT_UNUSED_IS_OWN
#define OVER(p)		(t(p).served || t(p).loan)
#else
#define OVER(p)		t(p).served
#endif

/* sched_spare_switch(): what the thread that is switched to runs on */
inline spare_switch_to(c)
{
	if
	:: next && picked <= N && OWN_ON_TREE(next) ->
		/* spare_dispatch_own() */
		finished(next);
#ifndef FAULT_OWN_KEEPS_PLACE
		spare_unwait(next);
#endif
		saved = OVER(next);
		if
		:: t(next).loan ->
			t(next).pending = t(next).pending || !saved;
			spare_return(next);
			later = 1
		:: else
		fi;
		if
		:: saved -> spare_over(next)
		:: else
		fi;
		saved = 0
	:: next && picked > N ->
		/* spare_dispatch() */
		s(picked - N).cbs = USED;
		if
		:: t(next).begun
		:: else ->
			begins(next);
			bound(next);
			t(next).pending = 0;
			t(next).served = 1;
			drop_ticket(next)
		fi
	:: next && picked <= N && !OWN_ON_TREE(next) ->
		/* Used up by the charge at the switch. */
		assert(next == prev);
		later = 1
	:: else
	fi
}

/* The balance callback: spare_serve_all() */
inline spare_serve_all(c)
{
	spare_hand_over(c);
#ifndef FAULT_NOT_OVERTAKEN
	R[c].resched = R[c].resched || ENTITY(c) != R[c].left
#else
	skip
#endif
}

#ifdef FAULT_ANY_SLEEP_ANSWERS
#define HALTS(p)	true
#else
#define HALTS(p)	(t(p).sleep == HALTED)
#endif

/* deactivate_task() of a thread that sleeps */
inline go_to_sleep(p)
{
	if
	:: t(p).sleep == HALTED ->
		all_over(p);
		t(p).event = (t(p).unseen -> NEW : NONE)
	:: else
	fi;
	sched_spare_dequeue(p, true, HALTS(p))
}

#define HAS_TO_SWITCH(c) (R[c].resched || R[c].curr && t(R[c].curr).sleep)

/* __schedule() */
active proctype scheduler()
{
	do
	:: atomic {
		LOCK && ANY_CPU(HAS_TO_SWITCH) ->
		SELECT_CPU(HAS_TO_SWITCH);
		prev = R[c].curr;
		if
		:: prev && t(prev).sleep -> go_to_sleep(prev)
		:: else
		fi;
#ifdef F_CORE
		if
		:: R[c].recorded -> next = R[c].pick
		:: else -> sched_spare_pick(c); choose_next(c)
		fi;
		if
		:: prev && t(prev).queued -> charge_at_switch(c)
		:: else
		fi;
		spare_switch_from(c);
		choose_entity(c);
#else
		sched_spare_pick(c);
		picked = R[c].left;
		next = (picked <= N -> picked : s(picked > N -> picked - N : 1).borrower);
#ifdef FAULT_SERVED_IN_SWITCH
		if
		:: prev && t(prev).queued && prev != next && !R[c].onloan && !t(prev).throttled &&
		   !t(prev).boosted -> sched_spare_throttle(prev)
		:: true
		fi;
#endif
		spare_switch_from(c);
#endif
		spare_switch_to(c);
#ifdef FAULT_LOST_RESCHED
		spare_hand_over(c);
		later = 0;
#endif
		assert(!RAN(c));
		R[c].onloan = picked > N;
		R[c].curr = next;
		R[c].resched = 0;
#ifdef F_CORE
		R[c].recorded = 0;
		R[c].pick = 0;
		R[c].forced = picked != R[c].left;
#endif
		assert(R[c].onloan || !next || !(t(next).loan || t(next).waits) || later);
		if
		:: later -> spare_serve_all(c)
		:: else
		fi;
		UNLOCK
	   }
	od
}

#define MAY_THROTTLE(c) \
	(R[c].curr && !R[c].onloan && OWN_ON_TREE(R[c].curr) && !t(R[c].curr).boosted)
#define MAY_DEPLETE(c) \
	(R[c].onloan && s(t(R[c].curr).loan).cbs == USED)
#define ON_CHARGED_LOAN(c) \
	(R[c].onloan && VERSATILE(R[c].curr) && charging && \
	 (!t(R[c].curr).debt || !R[c].resched))

/* update_curr_dl(): what runs uses up its budget */
active proctype clock()
{
	do
#ifdef F_SEEN
	/* It has had the CPU for long. */
	:: atomic {
		LOCK && R[0].curr && VERSATILE(R[0].curr) && t(R[0].curr).came ->
		t(R[0].curr).came = 0;
		t(R[0].curr).fresh = 0;
		UNLOCK
	   }
#endif
#ifdef F_TIME
	:: atomic {
		LOCK && !R[0].ran && R[0].curr &&
		ENTITY_ON_TREE(0) ->
		R[0].ran = 1;
		UNLOCK
	   }
	:: atomic { LOCK && R[0].ran -> charge(0); UNLOCK }
#else
	:: atomic {
		LOCK && ANY_CPU(MAY_THROTTLE) ->
		SELECT_CPU(MAY_THROTTLE);
		p = R[c].curr;
		sched_spare_throttle(p);
		UNLOCK
	   }
	:: atomic {
		LOCK && ANY_CPU(MAY_DEPLETE) ->
		SELECT_CPU(MAY_DEPLETE);
		deplete_loan(c);
		UNLOCK
	   }
#endif
#ifdef F_CHARGE
	/* __sched_spare_account() */
	:: atomic {
		LOCK && ANY_CPU(ON_CHARGED_LOAN) ->
		SELECT_CPU(ON_CHARGED_LOAN);
		t(R[c].curr).debt = 1;
		R[c].resched = 1;
		UNLOCK
	   }
#endif
	od
}

/* sched_spare_pay(), and the timer's enqueue */
inline replenish(p)
{
#ifndef FAULT_REFUSED_KEPT
	t(p).refused = t(p).refused && !t(p).debt;
#endif
	t(p).debt = 0;
	t(p).throttled = 0;
	if
	:: t(p).queued -> enter_tree(CPU(p), p); sched_spare_enqueue(p)
	:: else
	fi
}

/* dl_task_timer() of a thread's own reservation */
proctype own_timer(byte whose)
{
	do
	:: atomic {
		LOCK && THROTTLED(whose) ->
		p = whose;
#if C > 1
		/* dl_task_offline_migration() */
		if
		:: t(p).queued && r(p).state == OFFLINE && !CURRENT(p) ->
#ifndef FAULT_MIGRATION_KEEPS_PLACE
			sched_spare_withdraw(p);
#endif
			CPU(p) = 1 - CPU(p)
		:: else
		fi;
#endif
		replenish(p);
		UNLOCK
	   }
	od
}

inline refill(v)
{
	s(v).cbs = FRESH;
	s(v).spent = 0;
	if
	:: s(v).borrower -> enter_tree(UNIT_CPU(v), N + v)
	:: else
	fi
}

/* dl_task_timer() of a unit, or the deadline of one that is not lent passes */
active proctype unit_timer()
{
	do
	:: atomic { LOCK && s(1).cbs == DRAINED -> refill(1); UNLOCK }
	:: atomic { LOCK && s(1).cbs == USED && s(1).free -> s(1).cbs = FRESH; UNLOCK }
#if UNITS > 1
	:: atomic { LOCK && s(2).cbs == DRAINED -> refill(2); UNLOCK }
	:: atomic { LOCK && s(2).cbs == USED && s(2).free -> s(2).cbs = FRESH; UNLOCK }
#endif
	od
}
