/* SPDX-License-Identifier: GPL-2.0 */
/* ---- What a thread does while it runs ---- */

/* It leaves the class or the run queue for good or until it is back. */
inline leave(p)
{
#ifdef FAULT_KEEP_LOAN_ON_EXIT
	t(p).queued = 0;
	leave_tree(CPU(p), p);
#else
	if
	:: t(p).queued -> sched_spare_dequeue(p, false, false)
	:: else
	fi;
#endif
	/* sched_spare_leave() */
	spare_over(p);
	all_over(p);
	t(p).dl = 0;
	t(p).sleep = RUNNING;
	t(p).throttled = 0;
	t(p).boosted = 0;
	t(p).answered = 0;
	t(p).unheard = 0;
	t(p).debt = 0;
	t(p).unseen = 0;
	if
	:: CURRENT(p) -> r(p).curr = 0; r(p).onloan = 0; r(p).resched = 1
	:: else
	fi
}

inline spare_replied(p)
{
	spare_over(p);
	t(p).answered = 0;
#ifndef FAULT_REPLY_KEEPS_PLACE
	spare_unwait(p);
#endif
	if
	:: t(p).loan -> finished(p); spare_return(p); spare_hand_over(CPU(p))
	:: else
	fi
}

#ifndef F_AWAKE
#define RUNS(c)		(R[c].curr && !t(R[c].curr).sleep)
#define RUNS_FREELY(c)	(RUNS(c) && VERSATILE(R[c].curr))
#define MAY_YIELD(c)	(R[c].curr && VERSATILE(R[c].curr) && !t(R[c].curr).boosted)
#define MAY_REPLY(c) \
	(R[c].curr && VERSATILE(R[c].curr) && !t(R[c].curr).answered && \
	 (t(R[c].curr).pending || t(R[c].curr).loan))

/* The last look for work before it sleeps, and all else a thread does to itself */
active proctype vcpu()
{
	do
	:: atomic {
		LOCK && ANY_CPU(RUNS) ->
		SELECT_CPU(RUNS);
		t(R[c].curr).sleep = HALTED;
		UNLOCK
	   }
#ifdef F_OTHERWISE
	:: atomic {
		LOCK && ANY_CPU(RUNS_FREELY) ->
		SELECT_CPU(RUNS_FREELY);
		t(R[c].curr).sleep = OTHERWISE;
		UNLOCK
	   }
#endif
#ifdef F_YIELD
	/* __sched_spare_yield() */
	:: atomic {
		LOCK && MAY_YIELD(0) ->
		prev = R[0].curr;
		charge(0);
		all_over(prev);
		spare_over(prev);
		spare_unwait(prev);
		if
		:: t(prev).loan -> spare_return(prev); spare_hand_over(0)
		:: else
		fi;
		if
		:: !t(prev).throttled && !R[0].onloan -> sched_spare_throttle(prev)
		:: else
		fi;
		R[0].resched = 1;
		UNLOCK
	   }
#endif
#ifdef F_REPLY
	/* __sched_spare_reply() */
	:: atomic {
		LOCK && MAY_REPLY(0) ->
		t(R[0].curr).answered = 1;
		all_over(R[0].curr);
		PATIENCE_BEGINS(R[0].curr);
		spare_serve(0);
		UNLOCK
	   }
	:: atomic {
		LOCK && MAY_REPLY(0) ->
		all_over(R[0].curr);
		PATIENCE_BEGINS(R[0].curr);
		prev = R[0].curr;
		spare_replied(prev);
		UNLOCK
	   }
#endif
#ifdef F_CLASS
	/* do_exit(): TASK_DEAD is no sleep. Another thread may take its place. */
	:: atomic {
		LOCK && R[0].curr && VERSATILE(R[0].curr) ->
		prev = R[0].curr;
		leave(prev);
		UNLOCK
	   }
#endif
	od
}
#endif

#ifdef F_REPLY
inline begin_replied(p)
{
	busy = 1;
#ifdef FAULT_ANSWER_ORDER
	t(p).answered = 0
#else
	t(p).pending = 0
#endif
}

inline end_replied(p)
{
	spare_replied(p);
	busy = 0
}

/* spare_linger_fires(): in two steps, which a shortcut can tell apart */
active proctype linger()
{
	do
	:: atomic { LOCK && t(1).answered && t(1).loan -> begin_replied(1) }
	   atomic { end_replied(1); UNLOCK }
#ifndef F_ONE
	:: atomic { LOCK && t(2).answered && t(2).loan -> begin_replied(2) }
	   atomic { end_replied(2); UNLOCK }
#endif
	od
}
#endif

/* ---- What others do to a thread, and to all ---- */

#ifdef F_CLASS
inline join(p)
{
	FORGET_PICK;
	t(p).dl = 1;
	t(p).queued = 1;
	enter_tree(CPU(p), p);
	sched_spare_enqueue(p)
}

/* __sched_setscheduler(), switched_from_dl() */
active proctype setscheduler()
{
	do
	:: atomic { LOCK && t(1).dl -> leave(1); UNLOCK }
	:: atomic { LOCK && !t(1).dl -> join(1); UNLOCK }
#ifndef F_ONE
	:: atomic { LOCK && t(2).dl -> leave(2); UNLOCK }
	:: atomic { LOCK && !t(2).dl -> join(2); UNLOCK }
#endif
	od
}
#endif

#ifdef F_PI
/* A boosted thread has what it needs: no budget is asked of it. */
inline boost(p)
{
	begin_in_place(p);
	t(p).boosted = 1;
	t(p).throttled = 0;
	end_in_place(p)
}

inline deboost(p)
{
	if
	:: t(p).queued ->
		begin_in_place(p);
		t(p).boosted = 0;
		end_in_place(p)
	:: else -> t(p).boosted = 0
	fi
}

/* rt_mutex_setprio() */
active proctype inheritance()
{
	do
	:: atomic { LOCK && t(1).queued && !t(1).boosted -> boost(1); UNLOCK }
	:: atomic { LOCK && t(1).boosted -> deboost(1); UNLOCK }
#ifndef F_ONE
	:: atomic { LOCK && t(2).queued && !t(2).boosted -> boost(2); UNLOCK }
	:: atomic { LOCK && t(2).boosted -> deboost(2); UNLOCK }
#endif
	od
}
#endif

/*
 * Dequeue and enqueue with save and restore, on the same run queue:
 * sched_setattr(), affinity, NUMA, migrate_enable(), uclamp, a BPF scheduler.
 */
#define KEPT(p) \
	(t(p).loan + 4 * t(p).begun + 8 * t(p).waits + 32 * t(p).ticket + 128 * t(p).depleted)

inline requeue(p)
{
	if
	:: CURRENT(p) -> charge(CPU(p))
	:: else
	fi;
	saved = KEPT(p);
	begin_in_place(p);
#ifdef FAULT_REQUEUE_ENDS_LOAN
	sched_spare_withdraw(p);
#endif
#ifdef FAULT_REQUEUE_LOSES_PLACE
	t(p).waits = 0;
#endif
#ifdef FAULT_REQUEUE_FRESH
	t(p).depleted = 0;
#endif
	/* What it had, it has. */
	assert(!saved || saved == KEPT(p));
	saved = 0;
	end_in_place(p)
}

/* sched_move_task(): to another group with the same pool */
inline regroup(p)
{
	begin_in_place(p);
	if
	:: t(p).loan -> finished(p)
	:: else
	fi;
	sched_spare_withdraw(p);
	end_in_place(p)
}

/* Push, pull, affinity: it does not run. */
inline move(p)
{
	if
	:: t(p).loan -> finished(p)
	:: else
	fi;
	sched_spare_dequeue(p, false, false);
#if C > 1
	CPU(p) = 1 - CPU(p);
#endif
	end_in_place(p)
}

#define MAY_REQUEUE(p)	(t(p).dl && t(p).queued && VERSATILE(p))
#define MAY_MOVE(p)	(t(p).queued && !CURRENT(p) && R[1 - CPU(p)].state == UP)
/* What task_is_throttled_dl() says of another CPU: units do not go along. */
#ifdef FAULT_UNIT_GOES_ALONG
#define MAY_STEAL(p)	(MAY_MOVE(p) && (OWN_ON_TREE(p) || LOAN_ON_TREE(p)))
#else
#define MAY_STEAL(p)	(MAY_MOVE(p) && OWN_ON_TREE(p))
#endif

active proctype others()
{
	do
#ifdef F_REQUEUE
	:: atomic { LOCK && ANY(MAY_REQUEUE) -> SELECT(MAY_REQUEUE); requeue(p); UNLOCK }
#endif
#ifdef F_GROUP
	:: atomic { LOCK && ANY(MAY_REQUEUE) -> SELECT(MAY_REQUEUE); regroup(p); UNLOCK }
#endif
#ifdef F_MIGRATE
	:: atomic { LOCK && ANY(MAY_MOVE) -> SELECT(MAY_MOVE); move(p); UNLOCK }
#endif
#ifdef F_STEAL
	/* try_steal_cookie(): it is to run there. */
	:: atomic {
		LOCK && ANY(MAY_STEAL) ->
		SELECT(MAY_STEAL);
		move(p);
		assert(OWN_ON_TREE(p));
		UNLOCK
	   }
#endif
	:: false
	od
}

/* Bandwidth that was used is free when it would have been replenished. */
inline attach_unit(v)
{
	s(v).free = 1;
#ifdef FAULT_ATTACHED_FRESH
	s(v).cbs = FRESH
#else
	s(v).cbs = (s(v).cbs == FRESH -> FRESH : DRAINED)
#endif
}

inline detach_unit(v)
{
	assert(s(v).free);
	s(v).free = 0
}

/* spare_pool_attach() */
inline attach_pool()
{
	attached = 1;
	t(1).newer = 0;
	t(2).newer = 0;
	attach_unit(1)
#if UNITS > 1
	; attach_unit(2)
#endif
}

/* spare_pool_detach() */
inline detach_pool()
{
	attached = 0;
	assert(!WAITERS(0));
	detach_unit(1)
#if UNITS > 1
	; detach_unit(2)
#endif
}

/* Loans become places in line: the CPU may come back, or its threads move. */
inline expel(p, c)
{
	if
	:: CPU(p) == c && t(p).loan ->
		spare_return(p);
		t(p).pending = 1;
#ifndef FAULT_OFFLINE_FORGETS
		spare_wait(p, false)
#endif
	:: else
	fi
}

/* sched_spare_rq_offline(), while the CPU is in another thread's hands */
inline go_offline(c)
{
	R[c].state = OFFLINE;
	expel(1, c);
	expel(2, c)
#if N > 2
	; expel(3, c)
#endif
}

/* sched_spare_rq_online(): also of a CPU that failed to go offline */
inline come_online(c)
{
#ifdef FAULT_SERVED_INACTIVE
	spare_serve(c);
	R[c].state = UP
#else
	R[c].state = UP;
#ifndef FAULT_ONLINE_SERVES_NOBODY
	spare_serve(c)
#endif
#endif
}

inline start(p)
{
	t(p).dl = 1;
	t(p).queued = 1
}

init {
	atomic {
		run own_timer(1);
		run own_timer(2);
#if N > 2
		run own_timer(3);
#endif
		start(1);
		start(2);
#if N > 2
		start(3);
#endif
		R[0].left = 1;
		R[0].resched = 1;
		attach_pool();
		stocked = 1;
		source = 1;
		busy = 0
	}
	/* The administrator: writes to cpu.spare.*, and hotplug; one at a time */
	do
#ifdef F_POOL
	/* A pool is made, replaced or removed; it may have no units on this CPU. */
	:: atomic {
		LOCK ->
		changing = 1;
		if
		:: source = 0; stocked = 0
		:: source = 1; stocked = 0
		:: source = 1; stocked = 1
		fi;
		UNLOCK
	   }
	   atomic { LOCK -> spare_recall(1); spare_recall(2); UNLOCK }
	   atomic { LOCK -> spare_retry(1); spare_retry(2); UNLOCK }
	   atomic {
		LOCK ->
		if
		:: attached -> detach_pool()
		:: else
		fi;
		if
		:: stocked -> attach_pool()
		:: else
		fi;
		changing = 0;
		spare_serve(0);
		UNLOCK
	   }
#endif
#ifdef F_TERMS
	:: atomic { LOCK -> charging = 1 - charging; rewriting = !charging; UNLOCK }
	   atomic { LOCK -> spare_retry(1); spare_retry(2); rewriting = 0; UNLOCK }
#endif
#ifdef F_HOTPLUG
	:: atomic { LOCK && R[C - 1].state == UP -> R[C - 1].state = INACTIVE; UNLOCK }
	   atomic { LOCK && !R[C - 1].resched -> go_offline(C - 1); UNLOCK }
	:: atomic { LOCK && R[C - 1].state == OFFLINE -> come_online(C - 1); UNLOCK }
#endif
	:: false
	od
}

#ifdef LIVENESS
ltl served { [] (t(2).waits -> <> !t(2).waits) }
#endif
