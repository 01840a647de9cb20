/*
 * Borrow and return: one run queue, one pool, any order of what can happen.
 *
 * What the kernel does with the run queue locked is one atomic step here, and
 * each such step ends in UNLOCK, which asserts the invariants. Only events
 * that take the shortcut look at a thread in between.
 *
 * Time is order. A reservation has budget or is throttled, a unit is fresh,
 * used or drained, and clock and timers act whenever they can. Of all the
 * deadlines only the earliest is kept (left); who has it may change to
 * anybody when an entity enters or leaves the tree. So the model can do all
 * that the kernel can do, and more.
 *
 * Entities: the reservation of thread p is p, 1 to N; unit u is N + u.
 *
 * ./check sets N, U, the features (F_) and the faults (FAULT_).
 */

#ifndef N
#define N 2
#endif
#ifndef U
#define U 1
#endif
#ifndef SOURCES
#define SOURCES 1
#endif

/* With F_ONE only the first thread does more than run, sleep and wait. */
#ifdef F_ONE
#define VERSATILE(p) ((p) == 1)
#else
#define VERSATILE(p) true
#endif

/* thread.sleep */
#define RUNNING		0
#define INTERRUPTIBLE	1
#define OTHERWISE	2

/* unit.cbs */
#define FRESH		0
#define USED		1
#define DRAINED		2

typedef thread {
	bit dl;			/* a deadline thread of this run queue */
	bit queued;
	unsigned sleep : 2;	/* __state; asleep if not queued */
	bit throttled;
	bit boosted;		/* by priority inheritance */
	unsigned loan : 2;	/* unit or 0 */
	bit waits;		/* in the FIFO */
	bit pending;
	bit answered;		/* replied, lingers */
	bit debt;		/* owes a unit's runtime or more */
	/* Of the proof, not of the kernel: */
	bit owed;		/* an event was delivered, and neither lent for nor
				 * answered, slept through or refused */
	bit unseen;		/* it was delivered after the last look before sleep */
};

typedef unit {
	unsigned borrower : 2;
	bit free;		/* in the free list */
	unsigned cbs : 2;
	bit spent;		/* of the proof: drained, not replenished since */
};

thread T[N];
unit S[U];
chan fifo = [N] of { byte };

unsigned curr : 2;		/* rq->curr; 0 if that is no deadline thread */
bit onloan;			/* curr->dl_server */
unsigned left : 3;		/* the entity with the earliest deadline */
bit resched;			/* need_resched of rq->curr */
bit busy;			/* the run queue is locked over more than one step */

bit online = 1;
bit source;			/* task_group->spare.source */
bit attached;			/* the units are there */
unsigned bw : 2;		/* units in the root domain's total_bw */
bit changing;			/* the pool is being made or removed */

byte reporting[SOURCES];	/* whom an event is being reported for */

/* Scratch of a locked section, 0 outside. */
byte p, q, u, prev, next, picked;

#define t(p) T[(p) - 1]
#define s(v) S[(v) - 1]

#define OWN_ON_TREE(p)	(t(p).queued && !t(p).throttled)
#define UNIT_ON_TREE(v)	(s(v).borrower && s(v).cbs != DRAINED)
#define CURR_ENTITY	(curr == 0 -> 0 : (onloan -> N + t(curr).loan : curr))

#if SOURCES > 1
#define REPORTING(p)	(reporting[0] == (p) || reporting[1] == (p))
#else
#define REPORTING(p)	(reporting[0] == (p))
#endif

/* ---- Invariants, whenever the run queue is unlocked ---- */

#if N > 2
#define THREADS(ok)	(ok(1) && ok(2) && ok(3))
#else
#define THREADS(ok)	(ok(1) && ok(2))
#endif
#if U > 1
#define UNITS(ok)	(ok(1) && ok(2))
#else
#define UNITS(ok)	ok(1)
#endif

/* A unit and its one borrower know each other; a unit is lent or free. */
#define LOAN_OK(p)	(!t(p).loan || s(t(p).loan).borrower == (p))
#define UNIT_OK(v) \
	((!s(v).borrower || t(s(v).borrower).loan == (v)) && \
	 (s(v).borrower != 0) + s(v).free == attached)

/* Who sleeps, is boosted or owes has no loan and does not wait. */
#define GONE_OK(p) \
	((t(p).queued || !t(p).loan && !t(p).waits) && \
	 (!t(p).boosted || !t(p).loan && !t(p).waits && !t(p).throttled) && \
	 (!t(p).debt || !t(p).loan) && (t(p).dl || !t(p).queued))

#define PLACE_OK(p) \
	(t(p).waits == (fifo??[p] != 0) && (!t(p).waits || t(p).pending && !t(p).loan))
#define STOCK_OK(v)	(!(s(v).free && len(fifo)))

/* A drained unit waits for its own replenishment. */
#define DRAINED_OK(v)	(!s(v).spent || s(v).cbs == DRAINED)

/*
 * An event that is not over is pending. If its thread is throttled and
 * runnable, that has a loan or waits.
 */
#define EVENT_OK(p) \
	(!t(p).owed || REPORTING(p) || \
	 t(p).pending && (!t(p).queued || !t(p).throttled || curr == (p) || t(p).loan || t(p).waits))

/* A limit: who has the earliest deadline does not ask, and can then lose it. */
#define OVERTAKEN_OK(p) \
	(!t(p).owed || REPORTING(p) || !t(p).queued || t(p).boosted || curr == (p) || \
	 left == (p) || t(p).loan || t(p).waits)
#ifdef LIMIT_OVERTAKEN
#define LIMITS_OK THREADS(OVERTAKEN_OK)
#else
#define LIMITS_OK true
#endif

#define POOL_OK \
	((attached || !len(fifo)) && \
	 (changing || source == attached && bw == (online && attached -> U : 0)))

/* The entity with the earliest deadline runs, or need_resched is set. */
#define CURR_OK \
	((resched || CURR_ENTITY == left) && (!curr || t(curr).queued) && \
	 (!onloan || t(curr).loan))

#define LOCK !busy
#define UNLOCK d_step { \
	p = 0; q = 0; u = 0; prev = 0; next = 0; picked = 0; \
	assert(UNITS(UNIT_OK) && THREADS(LOAN_OK)); \
	assert(THREADS(GONE_OK)); \
	assert(THREADS(PLACE_OK)); \
	assert(UNITS(STOCK_OK)); \
	assert(UNITS(DRAINED_OK)); \
	assert(THREADS(EVENT_OK)); \
	assert(LIMITS_OK); \
	assert(POOL_OK); \
	assert(CURR_OK) \
}

/* One of those of whom is() is true. */
#if N > 2
#define ANY(is) (is(1) || is(2) || is(3))
#define SELECT(is) if :: is(1) -> p = 1 :: is(2) -> p = 2 :: is(3) -> p = 3 fi
#else
#define ANY(is) (is(1) || is(2))
#define SELECT(is) if :: is(1) -> p = 1 :: is(2) -> p = 2 fi
#endif

#define SLEEPS(p) t(p).sleep
#define THROTTLED(p) t(p).throttled
#define IS_DL(p) t(p).dl

/* ---- The deadline tree ---- */

#ifdef F_FAIR
/*
 * For liveness: deadlines grow, so that nobody is passed over for ever. An
 * entity is passed at most once while it is in the tree, and the next one
 * comes in turn.
 */
bit passed[N + U];
#define MAY_PASS	!passed[left - 1]
#define SET_PASSED	passed[left - 1] = 1
#define CLEAR_PASSED(e)	passed[(e) - 1] = 0

#define ON_TREE(e) \
	((e) <= N -> OWN_ON_TREE((e) <= N -> (e) : 1) : UNIT_ON_TREE((e) > N -> (e) - N : 1))

inline choose_left(gone)
{
	d_step {
		left = (gone) % (N + U) + 1;
		do
		:: left != gone && !ON_TREE(left) -> left = left % (N + U) + 1
		:: left != gone && ON_TREE(left) -> break
		:: left == gone -> left = 0; break
		od
	}
}
#else
#define MAY_PASS	true
#define SET_PASSED	skip
#define CLEAR_PASSED(e)	skip

inline choose_left(gone)
{
	if
	:: OWN_ON_TREE(1) -> left = 1
	:: OWN_ON_TREE(2) -> left = 2
#if N > 2
	:: OWN_ON_TREE(3) -> left = 3
#endif
	:: UNIT_ON_TREE(1) -> left = N + 1
#if U > 1
	:: UNIT_ON_TREE(2) -> left = N + 2
#endif
	:: else -> left = 0
	fi
}
#endif

inline enter_tree(e)
{
	CLEAR_PASSED(e);
	if
	:: left == 0 -> left = e
	:: left != 0 && MAY_PASS -> SET_PASSED; left = e
	:: left != 0
	fi;
	resched = resched || CURR_ENTITY != left
}

inline leave_tree(e)
{
	CLEAR_PASSED(e);
	if
	:: left == e -> choose_left(e); resched = resched || CURR_ENTITY != left
	:: else
	fi
}

/* ---- spare.c: borrow, serve, return ---- */

/* spare_borrow() */
inline spare_borrow(p, v)
{
	d_step {
		assert(!s(v).borrower && !t(p).loan && !t(p).boosted && !t(p).debt);
		t(p).pending = 0;
		t(p).owed = 0;
		t(p).loan = v;
		s(v).borrower = p;
		s(v).free = 0
	}
	if
	:: s(v).cbs != DRAINED -> enter_tree(N + v)
	:: else
	fi
}

/* A unit does not help a thread with budget whose own deadline is earlier. */
inline spare_serve_first(v)
{
	fifo?q;
	t(q).waits = 0;
	if
	:: !t(q).throttled -> t(q).owed = 0
	:: spare_borrow(q, v)
	fi
}

/* spare_serve(): fresh units first, the others by deadline, whatever that is */
inline spare_serve()
{
#if U > 1
	do
	:: len(fifo) && s(1).free && (s(1).cbs == FRESH || !(s(2).free && s(2).cbs == FRESH)) ->
		spare_serve_first(1)
	:: len(fifo) && s(2).free && (s(2).cbs == FRESH || !(s(1).free && s(1).cbs == FRESH)) ->
		spare_serve_first(2)
	:: else -> break
	od
#else
	do
	:: len(fifo) && s(1).free -> spare_serve_first(1)
	:: else -> break
	od
#endif
}

/* What the caller of spare_return() does with the unit. */
inline spare_hand_over()
{
#ifndef FAULT_NO_HANDOVER
	spare_serve()
#else
	skip
#endif
}

/* spare_return(): the unit keeps its CBS state */
inline spare_return(p)
{
	d_step {
		u = t(p).loan;
		assert(s(u).borrower == p);
		s(u).borrower = 0;
		s(u).free = 1;
#ifdef FAULT_REFILL_AT_RETURN
		s(u).cbs = FRESH;
#endif
		t(p).loan = 0;
		resched = resched || (curr == p && onloan);
		onloan = onloan && curr != p
	}
	leave_tree(N + u);
	u = 0
}

/* spare_unwait() */
inline spare_unwait(p)
{
	if
	:: t(p).waits -> fifo??eval(p); t(p).waits = 0
	:: else
	fi
}

/*
 * spare_line_up(): a refusal ends the event, for a reason that is stated. But
 * not on a CPU that is offline: the thread is to ask on the one it goes to.
 */
inline spare_line_up(p)
{
	if
	:: t(p).loan || t(p).waits || t(p).boosted
	:: else ->
		if
		:: !online -> t(p).owed = 0
		:: online && (!source || t(p).debt) -> t(p).pending = 0; t(p).owed = 0
#ifdef F_REPLY
		/* The reply has lingered enough. Whoever reports now, does so locked. */
		:: online && source && !t(p).debt && t(p).answered -> t(p).pending = 0
#endif
		:: online && source && !t(p).debt -> fifo!p; t(p).waits = 1
		fi
	fi
}

/* spare_request() */
inline spare_request(p)
{
	spare_line_up(p);
	spare_serve()
}

/* ---- spare.c: hooks ---- */

/*
 * sched_spare_enqueue(): who has the earliest deadline runs next and does not
 * ask, but may lose it before it is dispatched.
 */
inline sched_spare_enqueue(p)
{
	if
	:: !t(p).pending || t(p).loan || t(p).waits || t(p).boosted
	:: else ->
		if
		:: curr != p && left == p
		:: curr == p && !t(p).throttled
		:: else -> spare_request(p)
		fi
	fi
}

/* sched_spare_throttle() */
inline sched_spare_throttle(p)
{
	t(p).throttled = 1;
	leave_tree(p);
	resched = 1;
#ifndef FAULT_NO_PENDING_AT_THROTTLE
	if
	:: t(p).pending -> spare_request(p)
	:: else
	fi
#endif
}

/* update_curr_dl() of a thread that leaves, on its own reservation by now */
inline charge_leaving(p)
{
	if
	:: curr == p && !t(p).throttled && !t(p).boosted -> sched_spare_throttle(p)
	:: true
	fi
}

/*
 * sched_spare_dequeue(): who sleeps of its own will is done with whatever came;
 * all others will ask again.
 */
inline sched_spare_dequeue(p)
{
	spare_unwait(p);
	t(p).queued = 0;
	leave_tree(p);
	if
#ifdef FAULT_ASKS_WHILE_LEAVING
	:: t(p).loan -> t(p).pending = 1; spare_return(p); spare_hand_over(); charge_leaving(p)
#else
	:: t(p).loan ->
		spare_return(p);
		t(p).pending = 0;
		charge_leaving(p);
		t(p).pending = 1;
		spare_hand_over()
#endif
	:: else
	fi
}

/* spare_recall(): p is not entitled any more, or its CPU is offline */
inline spare_recall(p)
{
	if
	:: t(p).loan -> t(p).pending = 1; spare_return(p); spare_line_up(p)
#ifndef FAULT_RECALL_FORGETS_WAITERS
	:: t(p).waits -> spare_unwait(p); spare_line_up(p)
#endif
	:: else
	fi
}

inline spare_recall_all()
{
	spare_recall(1);
	spare_recall(2)
#if N > 2
	; spare_recall(3)
#endif
}

/* ttwu_runnable() and activate_task() */
inline wake(p)
{
	t(p).sleep = RUNNING;
	t(p).unseen = 0;
	if
	:: !t(p).queued ->
		t(p).queued = 1;
		if
		:: !t(p).throttled -> enter_tree(p)
		:: else
		fi;
		sched_spare_enqueue(p)
	:: else
	fi
}

/* ---- Events ---- */

/* sched_spare_event(), with the lock */
inline spare_event(p)
{
	if
	:: !t(p).dl || !source -> t(p).owed = 0
	:: else ->
		t(p).answered = 0;
		t(p).pending = 1;
		if
		:: t(p).loan || t(p).waits || !t(p).queued
		:: else ->
			if
			:: !t(p).throttled && curr == p
			:: !t(p).throttled && curr != p && left == p
			:: else -> spare_request(p)
			fi
		fi
	fi
}

/*
 * spare_event_stands(), without it: nothing is left to ask for, as the thread
 * runs or has what can be had. The looks are at answered, pending and the rest,
 * in this order, for a thread whose reply has lingered stops to be pending
 * before it stops to be answered.
 */
#ifdef FAULT_LOOK_ORDER
#define FIRST_LOOK(p)	t(p).pending
#define SECOND_LOOK(p)	!t(p).answered
#else
#define FIRST_LOOK(p)	!t(p).answered
#define SECOND_LOOK(p)	t(p).pending
#endif
#ifdef FAULT_SHORTCUT_BY_PENDING
#define THIRD_LOOK(p)	true
#else
#define THIRD_LOOK(p)	curr == p || t(p).loan || t(p).waits
#endif

#define target reporting[_pid]
#ifdef FAULT_REPORT_BEFORE_WAKE
#define REPORTED skip
#else
#define REPORTED target = 0
#endif

inline wake_for_event(p)
{
	if
	:: t(p).sleep == INTERRUPTIBLE -> wake(p)
	:: else
	fi
}

inline deliver(p)
{
	t(p).owed = source;
#ifdef FAULT_REPORT_BEFORE_WAKE
	t(p).unseen = t(p).queued && t(p).sleep == INTERRUPTIBLE
#else
	wake_for_event(p)
#endif
}

/*
 * Reporters, which call sched_spare_event(): they deliver first and wake up,
 * then report. Delivery and wake-up are one step, because only the last look
 * of a thread before it sleeps could tell them apart.
 *
 * That the lock is taken with no look at all stands for a look that did not
 * allow the shortcut, some time ago.
 */
active [SOURCES] proctype source_of_events()
{
	do
	:: atomic {
		LOCK && ANY(IS_DL) ->
		SELECT(IS_DL);
		target = p;
		deliver(p);
#ifdef F_PROMPT
		spare_event(target);
		REPORTED;
#endif
		UNLOCK
	   }
#ifndef F_PROMPT
	   if
#ifdef F_SHORTCUT
	   :: atomic { FIRST_LOOK(target) -> skip }
		if
		:: atomic { SECOND_LOOK(target) -> skip };
			if
			:: atomic { THIRD_LOOK(target) -> REPORTED }
			:: atomic { LOCK -> spare_event(target); REPORTED; UNLOCK }
			fi
		:: atomic { LOCK -> spare_event(target); REPORTED; UNLOCK }
		fi
#endif
	   :: atomic { LOCK -> spare_event(target); REPORTED; UNLOCK }
	   fi
#ifdef FAULT_REPORT_BEFORE_WAKE
	   ;
	   atomic { LOCK -> wake_for_event(target); target = 0; UNLOCK }
#endif
#endif
	od
}

#ifndef F_AWAKE
/* What else wakes a thread up: its guest's timer, the host's input and output. */
active proctype waker()
{
	do
	:: atomic {
		LOCK && ANY(SLEEPS) ->
		SELECT(SLEEPS);
		wake(p);
		UNLOCK
	   }
	od
}
#endif

/* ---- The CPU ---- */

#ifdef F_ONE_CHANCE
#define MORE_CHANCES	false
#else
#define MORE_CHANCES	true
#endif

/* Either the throttling or the switch is enough for a thread that is throttled. */
#if defined(FAULT_NO_PENDING_AT_THROTTLE) || defined(FAULT_ONLY_PREEMPTED_ASK)
#define ASKS_AT_SWITCH(p)	!t(p).throttled
#else
#define ASKS_AT_SWITCH(p)	true
#endif

/*
 * sched_spare_switch(), between the choice of the next entity and the switch.
 * What it returns and who lines up meet in the balance callback. How many
 * chances a borrower has is left open.
 */
inline sched_spare_switch()
{
	if
	:: onloan && picked != N + t(prev).loan -> spare_return(prev)
	:: onloan && picked != N + t(prev).loan && MORE_CHANCES
	:: else
	fi;
	if
	:: prev && prev != next ->
		if
		:: t(prev).queued && t(prev).pending && ASKS_AT_SWITCH(prev) -> spare_line_up(prev)
		:: else
		fi
	:: else
	fi;
	if
	:: next ->
		spare_unwait(next);
		if
		:: t(next).loan && picked <= N -> spare_return(next)
		:: picked > N -> s(picked - N).cbs = USED
		:: else
		fi
	:: else
	fi
}

/* The balance callback */
inline spare_serve_all()
{
	spare_hand_over()
}

/* __schedule() */
active proctype scheduler()
{
	do
	:: atomic {
		LOCK && (resched || (curr && t(curr).sleep)) ->
		prev = curr;
		if
		:: prev && t(prev).sleep ->
			if
			:: t(prev).sleep == INTERRUPTIBLE ->
				t(prev).pending = 0;
				t(prev).owed = t(prev).unseen;
				sched_spare_dequeue(prev);
				t(prev).pending = 0
			:: else -> sched_spare_dequeue(prev)
			fi
		:: resched
		fi;
		picked = left;
		next = (picked <= N -> picked : s(picked > N -> picked - N : 1).borrower);
#ifdef FAULT_THROTTLE_AFTER_PICK
		if
		:: curr && t(curr).queued && curr != next && !onloan && !t(curr).throttled &&
		   !t(curr).boosted -> sched_spare_throttle(prev)
		:: true
		fi;
#endif
		sched_spare_switch();
#ifdef FAULT_LOST_RESCHED
		spare_serve_all();
#endif
		onloan = picked > N;
		curr = next;
		resched = 0;
		assert(onloan || !curr || !(t(curr).loan || t(curr).waits));
		spare_serve_all();
		UNLOCK
	   }
	od
}

/* update_curr_dl(): what runs uses up its budget */
active proctype clock()
{
	do
	:: atomic {
		LOCK && curr && !onloan && !t(curr).throttled && !t(curr).boosted ->
		sched_spare_throttle(curr);
		UNLOCK
	   }
	:: atomic {
		LOCK && onloan && s(t(curr).loan).cbs == USED ->
		u = t(curr).loan;
		s(u).cbs = DRAINED;
		s(u).spent = 1;
		leave_tree(N + u);
		resched = 1;
		UNLOCK
	   }
#ifdef F_CHARGE
	/* Before it picks, the kernel ends the loan of a thread that owes. */
	:: atomic {
		LOCK && onloan && VERSATILE(curr) ->
		t(curr).debt = 1;
		spare_return(curr);
		spare_hand_over();
		UNLOCK
	   }
#endif
	od
}

inline replenish(p)
{
	t(p).debt = 0;
	t(p).throttled = 0;
	if
	:: t(p).queued -> enter_tree(p); sched_spare_enqueue(p)
	:: else
	fi
}

/* dl_task_timer() of a thread's own reservation; sched_spare_pay() */
active proctype own_timer()
{
	do
	:: atomic {
		LOCK && ANY(THROTTLED) ->
		SELECT(THROTTLED);
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
	:: s(v).borrower -> enter_tree(N + v)
	:: else
	fi
}

/* dl_task_timer() of a unit, or the deadline of one that is not lent passes */
active proctype unit_timer()
{
	do
	:: atomic { LOCK && s(1).cbs == DRAINED -> refill(1); UNLOCK }
	:: atomic { LOCK && s(1).cbs == USED && s(1).free -> s(1).cbs = FRESH; UNLOCK }
#if U > 1
	:: atomic { LOCK && s(2).cbs == DRAINED -> refill(2); UNLOCK }
	:: atomic { LOCK && s(2).cbs == USED && s(2).free -> s(2).cbs = FRESH; UNLOCK }
#endif
	od
}

/* ---- What a thread does while it runs ---- */

/* It leaves the class or the run queue for good or until it is back. */
inline leave(p)
{
#ifdef FAULT_KEEP_LOAN_ON_EXIT
	t(p).queued = 0;
	leave_tree(p);
#else
	if
	:: t(p).queued -> sched_spare_dequeue(p)
	:: else
	fi;
#endif
	/* sched_spare_forget() */
	t(p).dl = 0;
	t(p).sleep = RUNNING;
	t(p).throttled = 0;
	t(p).boosted = 0;
	t(p).pending = 0;
	t(p).answered = 0;
	t(p).debt = 0;
	t(p).owed = 0;
	t(p).unseen = 0;
	if
	:: curr == p -> curr = 0; onloan = 0; resched = 1
	:: else
	fi
}

inline spare_replied(p)
{
	t(p).pending = 0;
	t(p).answered = 0;
#ifndef FAULT_REPLY_KEEPS_PLACE
	spare_unwait(p);
#endif
	if
	:: t(p).loan -> spare_return(p); spare_hand_over()
	:: else
	fi
}

#ifndef F_AWAKE
/* The last look for work before it sleeps, and all else a thread does to itself */
active proctype vcpu()
{
	do
	:: atomic { LOCK && curr && !t(curr).sleep -> t(curr).sleep = INTERRUPTIBLE; UNLOCK }
#ifdef F_OTHERWISE
	:: atomic {
		LOCK && curr && VERSATILE(curr) && !t(curr).sleep ->
		t(curr).sleep = OTHERWISE;
		UNLOCK
	   }
#endif
#ifdef F_YIELD
	/* __sched_spare_yield() */
	:: atomic {
		LOCK && curr && VERSATILE(curr) && !t(curr).boosted ->
		t(curr).pending = 0;
		t(curr).owed = 0;
		spare_unwait(curr);
		if
		:: t(curr).loan -> spare_return(curr); spare_hand_over()
		:: else
		fi;
		if
		:: !t(curr).throttled && !onloan -> sched_spare_throttle(curr)
		:: else
		fi;
		resched = 1;
		UNLOCK
	   }
#endif
#ifdef F_REPLY
	/* __sched_spare_reply() */
	:: atomic {
		LOCK && curr && VERSATILE(curr) && !t(curr).answered &&
		(t(curr).pending || t(curr).loan) ->
		t(curr).answered = 1;
		t(curr).owed = 0;
		UNLOCK
	   }
	:: atomic {
		LOCK && curr && VERSATILE(curr) && !t(curr).answered &&
		(t(curr).pending || t(curr).loan) ->
		t(curr).owed = 0;
		spare_replied(curr);
		UNLOCK
	   }
#endif
#ifdef F_CLASS
	/* do_exit(): TASK_DEAD is no sleep. Another thread may take its place. */
	:: atomic {
		LOCK && curr && VERSATILE(curr) ->
		prev = curr;
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
	t(p).dl = 1;
	t(p).queued = 1;
	enter_tree(p);
	sched_spare_enqueue(p)
}

/* __sched_setscheduler(), sched_move_task(), set_cpus_allowed_ptr() */
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
	sched_spare_dequeue(p);
	t(p).boosted = 1;
	t(p).throttled = 0;
	t(p).queued = 1;
	enter_tree(p);
	sched_spare_enqueue(p)
}

inline deboost(p)
{
	if
	:: t(p).queued ->
		sched_spare_dequeue(p);
		t(p).boosted = 0;
		t(p).queued = 1;
		enter_tree(p);
		sched_spare_enqueue(p)
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

inline attach_unit(v)
{
	s(v).free = 1;
	s(v).cbs = FRESH;
	s(v).spent = 0
}

inline detach_unit(v)
{
	assert(s(v).free);
	s(v).free = 0;
	s(v).cbs = FRESH;
	s(v).spent = 0
}

/* spare_pool_attach() */
inline attach_pool()
{
	attached = 1;
	bw = (online -> U : 0);
	attach_unit(1)
#if U > 1
	; attach_unit(2)
#endif
}

/* spare_pool_detach() */
inline detach_pool()
{
	attached = 0;
	bw = 0;
	detach_unit(1)
#if U > 1
	; detach_unit(2)
#endif
}

inline start(p)
{
	t(p).dl = 1;
	t(p).queued = 1
}

init {
	d_step {
		start(1);
		start(2);
#if N > 2
		start(3);
#endif
		left = 1;
		resched = 1;
		attach_pool();
		source = 1
	}
	/* The administrator: writes to cpu.spare.pool, and hotplug; one at a time */
	do
#ifdef F_POOL
	:: atomic { LOCK && source -> changing = 1; source = 0; UNLOCK }
	   atomic { LOCK -> spare_recall_all(); UNLOCK }
	   atomic { LOCK -> detach_pool(); changing = 0; UNLOCK }
	:: atomic { LOCK && !source -> changing = 1; attach_pool(); UNLOCK }
	   atomic { LOCK -> source = 1; changing = 0; UNLOCK }
#endif
#ifdef F_HOTPLUG
	:: atomic { LOCK && online -> online = 0; bw = 0; spare_recall_all(); UNLOCK }
	:: atomic { LOCK && !online -> online = 1; bw = (attached -> U : 0); UNLOCK }
#endif
	:: false
	od
}

#ifdef LIVENESS
ltl served { [] (t(2).waits -> <> !t(2).waits) }
#endif
