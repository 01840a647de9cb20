/*
 * Borrow and return: any order of what can happen, on one CPU or two.
 *
 * What the kernel does with the run queue locked is one atomic step here, and
 * each such step ends in UNLOCK, which asserts the invariants. Only events
 * that take the shortcut, and the work that injects interrupts, look in
 * between.
 *
 * Time is order. A reservation has budget or is throttled, a unit is fresh,
 * used or drained, and clock and timers act whenever they can. Of all the
 * deadlines only the earliest is kept (left); who has it may change to
 * anybody when an entity enters or leaves the tree. So the model can do all
 * that the kernel can do, and more.
 *
 * Entities: the reservation of thread p is p, 1 to N; unit u is N + u. Each
 * CPU has U units.
 *
 * ./check sets N, U, C, the features (F_) and the faults (FAULT_).
 */

#ifndef N
#define N 2
#endif
#ifndef C
#define C 1
#endif
#ifndef U
#define U 1
#endif
#ifndef SOURCES
#define SOURCES 1
#endif
#define UNITS (C * U)

/* With F_ONE only the first thread does more than run, sleep and wait. */
#ifdef F_ONE
#define VERSATILE(p) ((p) == 1)
#else
#define VERSATILE(p) true
#endif

/* thread.sleep */
#define RUNNING		0
#define HALTED		1	/* in KVM's halt */
#define OTHERWISE	2	/* mutex, page fault, futex, signal, freezer */

/* unit.cbs */
#define FRESH		0
#define USED		1
#define DRAINED		2

/* runqueue.state */
#define UP		0
#define INACTIVE	1	/* it is about to go offline */
#define OFFLINE		2	/* it has, or this will be refused */

/* thread.event */
#define NONE		0	/* none came, or it is over */
#define NEW		1	/* it was delivered */
#define SERVED		2	/* and the thread was dispatched on a loan */

typedef thread {
	bit dl;			/* a deadline thread */
	bit queued;
	unsigned sleep : 2;	/* __state; asleep if not queued */
	bit throttled;
	bit boosted;		/* by priority inheritance */
	unsigned loan : 2;	/* unit or 0 */
	bit begun;		/* it was dispatched on this loan */
	bit depleted;		/* a unit was, for this event: was that the last chance? */
	unsigned waits : 2;	/* in line on CPU waits - 1, or 0 */
	bit newer;		/* for units that are still to come there */
	unsigned ticket : 2;	/* the how manyth to have asked, or 0 */
	bit pending;
	bit served;
	bit refused;		/* asked in vain */
	bit answered;		/* replied, lingers */
	bit unheard;		/* of the proof: delivered since its patience has begun */
	bit came;		/* something has, and it has not had the CPU for long since */
	bit debt;		/* a unit's runtime or more */
	/* Of the proof, not of the kernel: */
	unsigned event : 2;	/* by what was delivered, not what was reported */
	bit credit;		/* a report entitles it to a loan */
	bit unseen;		/* delivered after the last look before sleep */
	bit fresh;		/* delivered since it has had the CPU for long */
};

typedef unit {
	unsigned borrower : 2;
	bit free;		/* in the free list */
	unsigned cbs : 2;
	bit spent;		/* of the proof: drained, not replenished since */
};

typedef runqueue {
	unsigned curr : 2;	/* 0 if that is no deadline thread */
	bit onloan;		/* it is charged to its unit, not to its own entity */
	unsigned left : 3;	/* the entity with the earliest deadline */
	bit resched;		/* need_resched of curr */
	unsigned state : 2;
#ifdef F_TIME
	bit ran;		/* of the proof: curr has, since it was charged */
#endif
#ifdef F_CORE
	bit recorded;		/* a sibling has picked for this CPU: */
	unsigned pick : 2;
	bit forced;		/* curr was picked for its cookie */
#endif
};

thread T[N];
unit S[UNITS];
runqueue R[C];
#if C > 1
bit cpu_of[N];		/* thread_info.cpu */
#endif

bit busy = 1;			/* a run queue is locked over more than one step */

bit source;			/* task_group->spare.source */
bit stocked;			/* that has units on the CPUs, now or in a moment */
bit attached;			/* there are units on the CPUs */
bit changing;			/* they are not those of source, or not all know */
bit charging = 1;		/* loans are charged to their borrower */
bit rewriting;			/* the terms are */

byte reporting[SOURCES];	/* whom an event is being reported for */

/* Scratch of a locked section, 0 outside. */
byte c, p, q, u, prev, next, picked, saved, gap;
bit later;			/* the balance callback is queued */

#define t(p) T[(p) - 1]
#define s(v) S[(v) - 1]
#if C > 1
#define CPU(p)		cpu_of[(p) - 1]
#define UNIT_CPU(v)	((v) - 1)
#else
#define CPU(p)		0
#define UNIT_CPU(v)	0
#endif
#define r(p)		R[CPU(p)]
#define CURRENT(p)	(r(p).curr == (p))
#define OWES(p)		(charging && t(p).debt)

#ifdef F_CORE
#define FORCED(c)	R[c].forced
#define FORGET_PICK	R[0].recorded = 0; R[0].pick = 0
#else
#define FORCED(c)	false
#define FORGET_PICK	skip
#endif

#define OWN_ON_TREE(p)	(t(p).queued && !t(p).throttled)
#define UNIT_ON_TREE(v)	(s(v).borrower && s(v).cbs != DRAINED)
#define LOAN_ON_TREE(p)	(t(p).loan && s(t(p).loan).cbs != DRAINED)
#define ENTITY(c) \
	(R[c].curr == 0 -> 0 : (R[c].onloan -> N + t(R[c].curr).loan : R[c].curr))
#define ENTITY_ON_TREE(c) \
	(R[c].onloan -> LOAN_ON_TREE(R[c].curr) : OWN_ON_TREE(R[c].curr))

#ifdef F_LATER
/* Of the injection that is reported from a work item, below. */
bit accepted;			/* kvm_vcpu.spare_event */
bit work;			/* it is queued */
bit looking;			/* it runs, and has not looked at accepted */

#define REPORTING(p) \
	((p) == 1 && (reporting[0] || reporting[1] || accepted && (work || looking)))
#elif SOURCES > 1
#define REPORTING(p)	(reporting[0] == (p) || reporting[1] == (p))
#else
#define REPORTING(p)	(reporting[0] == (p))
#endif

#if N > 2
#define THREADS(ok)	(ok(1) && ok(2) && ok(3))
#define ANY(is)		(is(1) || is(2) || is(3))
#define SELECT(is)	if :: is(1) -> p = 1 :: is(2) -> p = 2 :: is(3) -> p = 3 fi
#else
#define THREADS(ok)	(ok(1) && ok(2))
#define ANY(is)		(is(1) || is(2))
#define SELECT(is)	if :: is(1) -> p = 1 :: is(2) -> p = 2 fi
#endif
#if UNITS > 1
#define ALL_UNITS(ok)	(ok(1) && ok(2))
#else
#define ALL_UNITS(ok)	ok(1)
#endif
#if C > 1
#define CPUS(ok)	(ok(0) && ok(1))
#define ANY_CPU(is)	(is(0) || is(1))
#define SELECT_CPU(is)	if :: is(0) -> c = 0 :: is(1) -> c = 1 fi
#else
#define CPUS(ok)	ok(0)
#define ANY_CPU(is)	is(0)
#define SELECT_CPU(is)	c = 0
#endif

/*
 * ---- Invariants, whenever the run queues are unlocked ----
 *
 * First sentence: at every instant a running deadline thread is charged to
 * exactly one entity, and preempted by that entity's deadline.
 */

/* The entity that curr is charged to has the earliest deadline, or it stops. */
#define CHARGED_OK(c) \
	((R[c].resched || FORCED(c) || ENTITY(c) == R[c].left) && \
	 (!R[c].curr || t(R[c].curr).queued && CPU(R[c].curr) == (c)) && \
	 (!R[c].onloan || t(R[c].curr).loan))

/* With a cookie, of its own two entities; which is there. */
#ifdef F_CORE
#define OTHER_ENTITY(p)	(R[0].onloan -> (p) : (t(p).loan -> N + t(p).loan : 0))
#define COOKIE_OK \
	(R[0].resched || !R[0].curr || R[0].left != OTHER_ENTITY(R[0].curr) && \
	 ENTITY_ON_TREE(0))
#else
#define COOKIE_OK true
#endif

/*
 * Second sentence: one event, one loan at a time, and none without an event.
 */

/* A unit and its one borrower know each other; a unit is lent or free. */
#define LOAN_OK(p) \
	(!t(p).loan || s(t(p).loan).borrower == (p) && UNIT_CPU(t(p).loan) == CPU(p))
#define UNIT_OK(v) \
	((!s(v).borrower || t(s(v).borrower).loan == (v)) && \
	 (s(v).borrower != 0) + s(v).free == attached)

/* A drained unit waits for its own replenishment. */
#define DRAINED_OK(v)	(!s(v).spent || s(v).cbs == DRAINED)

#define CAUSE_OK(p) \
	(!t(p).pending && !t(p).loan || t(p).event || t(p).credit || \
	 t(p).answered && t(p).queued || !source)

/*
 * Third sentence: what a loan was for ends it. So it is there or it is pending
 * until it is over, and who cannot run for it has what can be had.
 */
#define EVENT_OK(p) \
	(REPORTING(p) || \
	 (t(p).event != NEW || t(p).pending && !t(p).served || t(p).loan && !t(p).begun) && \
	 (t(p).event != SERVED || t(p).pending || t(p).loan) && \
	 (!t(p).event || !t(p).queued || !t(p).throttled || CURRENT(p) || \
	  t(p).loan || t(p).waits || t(p).refused))

/* Who has had its chances, or owes, loses the loan at the next switch. */
#ifdef F_TERMS
#define DUE_OK(p)	(!t(p).loan || !t(p).depleted || CURRENT(p) && r(p).resched)
#else
#define DUE_OK(p) \
	(!t(p).loan || !t(p).depleted && !OWES(p) || CURRENT(p) && r(p).resched)
#endif

/* Who sleeps or is boosted has no loan and does not wait. */
#define GONE_OK(p) \
	((t(p).queued || !t(p).loan && !t(p).waits) && \
	 (!t(p).boosted || !t(p).loan && !t(p).waits && !t(p).throttled) && \
	 (t(p).dl || !t(p).queued))

/* Places, tickets and marks are of those that are pending. */
#define PLACE_OK(p) \
	((!t(p).waits || t(p).waits == CPU(p) + 1 && t(p).pending && t(p).ticket && !t(p).loan) && \
	 (!t(p).ticket || t(p).pending || t(p).loan && !t(p).begun))
#define REFUSED_OK(p) \
	(!t(p).refused || t(p).pending && t(p).queued && !t(p).loan && !t(p).waits && \
	 (!source || !stocked || changing || rewriting || OWES(p)))

/* Nothing is kept from those in line, and nothing lent where it cannot run. */
#define WAITS_ON(p, c)	(t(p).waits == (c) + 1 && !t(p).newer)
#if N > 2
#define WAITERS(c)	(WAITS_ON(1, c) || WAITS_ON(2, c) || WAITS_ON(3, c))
#else
#define WAITERS(c)	(WAITS_ON(1, c) || WAITS_ON(2, c))
#endif
#define LINGERS(v)	(s(v).borrower && t(s(v).borrower).answered)
#define RUNS_ON(v)	(R[UNIT_CPU(v)].onloan && R[UNIT_CPU(v)].curr == s(v).borrower)
#define STOCK_OK(v) \
	!((s(v).free || LINGERS(v) && !RUNS_ON(v)) && WAITERS(UNIT_CPU(v)) && \
	  R[UNIT_CPU(v)].state == UP)
#define ONLINE_OK(v)	!(s(v).borrower && R[UNIT_CPU(v)].state == OFFLINE)

#define IN_TIME(p)	(!t(p).newer || t(p).waits)
#define POOL_OK \
	((attached || !WAITERS(0)) && \
	 (changing || stocked == attached && (source || !attached) && \
	  !t(1).newer && !t(2).newer))

/* A limit: who has the earliest deadline does not ask, and can then lose it. */
#define OVERTAKEN_OK(p) \
	(!t(p).event || REPORTING(p) || !t(p).queued || t(p).boosted || CURRENT(p) || \
	 r(p).left == (p) || t(p).loan || t(p).waits)
#ifdef LIMIT_OVERTAKEN
#define LIMITS_OK THREADS(OVERTAKEN_OK)
#else
#define LIMITS_OK true
#endif

#ifdef F_DEFER
#define DEFER_OK (!due || signalling || arrived && (work || injecting))
#else
#define DEFER_OK true
#endif

#define LOCK !busy
#define UNLOCK d_step { \
	c = 0; p = 0; q = 0; u = 0; prev = 0; next = 0; picked = 0; saved = 0; gap = 0; later = 0; \
	assert(CPUS(CHARGED_OK)); \
	assert(COOKIE_OK); \
	assert(ALL_UNITS(UNIT_OK) && THREADS(LOAN_OK)); \
	assert(ALL_UNITS(DRAINED_OK)); \
	assert(THREADS(CAUSE_OK)); \
	assert(THREADS(EVENT_OK)); \
	assert(THREADS(DUE_OK)); \
	assert(THREADS(GONE_OK)); \
	assert(THREADS(PLACE_OK) && THREADS(IN_TIME)); \
	assert(THREADS(REFUSED_OK)); \
	assert(ALL_UNITS(STOCK_OK)); \
	assert(ALL_UNITS(ONLINE_OK)); \
	assert(POOL_OK); \
	assert(LIMITS_OK); \
	assert(DEFER_OK) \
}

#define SLEEPS(p) t(p).sleep
#define THROTTLED(p) t(p).throttled
#define IS_DL(p) t(p).dl

/* ---- The proof's own account of events ---- */

/* What came was dispatched on a loan, and now it is over. */
inline finished(p)
{
	t(p).event = (t(p).event == SERVED -> NONE : t(p).event)
}

/* Whatever came by now is over. */
inline all_over(p)
{
	t(p).event = NONE;
	t(p).credit = 0
}

/* An event that is reported while there is no pool is not noted. */
inline not_entitled(p)
{
	t(p).event = (t(p).event && (t(p).pending || t(p).loan) -> SERVED : NONE)
}

#ifdef F_REPLY
/* What came by now is waited for from now on. */
#define PATIENCE_BEGINS(p)	t(p).unheard = 0
#else
#define PATIENCE_BEGINS(p)	skip
#endif

/* It was waited for, in vain. What is about to be reported comes after that. */
inline quiet(p)
{
	assert(!t(p).unheard || REPORTING(p));
	t(p).event = (t(p).unheard -> NEW : NONE);
	t(p).credit = 0
}

/* It has had the CPU for long, and has nothing to say. */
inline seen(p)
{
	assert(!t(p).fresh || REPORTING(p));
	t(p).event = (t(p).fresh -> NEW : NONE);
	t(p).credit = 0
}

inline begins(p)
{
	assert(t(p).event || t(p).credit || t(p).answered);
	t(p).event = (t(p).event || t(p).credit -> SERVED : NONE);
	t(p).credit = 0;
	t(p).begun = 1;
	if
	:: !t(p).answered -> PATIENCE_BEGINS(p)
	:: else
	fi
}

#ifdef F_BOUND
/*
 * The bound: of the loans that others are given while thread 2 is in line, at
 * most N - 1 are dispatched before its event's, however often it leaves the
 * line.
 */
bit before[N];
byte passed_by;

#define GIVEN(p)	before[(p) - 1] = t(2).waits != 0
#define GIVEN_BACK(p)	before[(p) - 1] = 0
inline bound(p)
{
	passed_by = (p == 2 -> 0 : passed_by + before[(p) - 1]);
	before[(p) - 1] = 0;
	assert(passed_by < N)
}
#define BOUND_OVER(p)	passed_by = (p == 2 -> 0 : passed_by)
#else
#define GIVEN(p)	skip
#define GIVEN_BACK(p)	skip
#define BOUND_OVER(p)	skip
inline bound(p) { skip }
#endif

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
#ifdef FAULT_LINGERS_ASLEEP
	saved = t(p).pending && !(halts);
#else
	saved = t(p).pending && !(halts) && !((sleeps) && t(p).answered);
#endif
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

/* ---- Events ---- */

#ifdef F_SEEN
#define CAME(p)		t(p).came = 1
#else
#define CAME(p)		skip
#endif

/* sched_spare_event(), with the lock */
inline spare_event(p)
{
	if
	:: !t(p).dl || !source -> not_entitled(p)
#ifndef FAULT_HALTED_PENDING
	/* It has halted since this was delivered. */
	:: t(p).dl && source && !t(p).queued && t(p).sleep == HALTED -> spare_over(p)
	:: t(p).dl && source && (t(p).queued || t(p).sleep != HALTED) ->
#else
	:: else ->
#endif
		t(p).credit = (t(p).queued || t(p).sleep != HALTED);
		CAME(p);
		PATIENCE_BEGINS(p);
		t(p).answered = 0;
		t(p).served = 0;
		t(p).depleted = t(p).depleted && t(p).loan;
		t(p).pending = 1;
		if
		:: t(p).loan || !t(p).queued
		:: !t(p).loan && t(p).queued && !t(p).throttled && (CURRENT(p) || r(p).left == p)
		:: else -> spare_request(p)
		fi
	fi
}

/*
 * spare_event_stands(), without it: nothing is left to ask for, as the thread
 * runs, has what can be had, or was refused. On a loan that has begun each event
 * counts. The order of the looks matters: a thread that was quiet stops to be
 * pending before its loan ends, one whose reply has lingered before it stops to be
 * answered, and one that is pending for what was served stops to be both.
 */
#define HAS_ALL(p)	(CURRENT(p) || t(p).loan || t(p).waits || t(p).refused)
#define LOOK_0(p)	!t(p).begun
#define LOOK_1(p)	!t(p).answered
#define LOOK_2(p)	!t(p).served
#define LOOK_3(p)	t(p).pending
#define LOOK_4(p)	HAS_ALL(p)
#ifdef FAULT_PENDING_LOOK_FIRST
#undef LOOK_1
#undef LOOK_3
#define LOOK_1(p)	t(p).pending
#define LOOK_3(p)	!t(p).answered
#endif
#ifdef FAULT_SERVED_LOOK_LAST
#undef LOOK_2
#undef LOOK_3
#undef LOOK_4
#define LOOK_2(p)	t(p).pending
#define LOOK_3(p)	HAS_ALL(p)
#define LOOK_4(p)	!t(p).served
#endif
#ifdef FAULT_NO_SERVED_LOOK
#undef LOOK_2
#define LOOK_2(p)	true
#endif
#ifdef FAULT_NO_BEGUN_LOOK
#undef LOOK_0
#define LOOK_0(p)	true
#endif
#ifdef FAULT_BEGUN_LOOK_LAST
#undef LOOK_0
#undef LOOK_3
#undef LOOK_4
#define LOOK_0(p)	t(p).pending
#define LOOK_3(p)	!t(p).begun
#define LOOK_4(p)	HAS_ALL(p)
#endif

#ifdef FAULT_CAME_LAST
#define CAME_FIRST(p)	skip
#define CAME_LAST(p)	CAME(p)
#else
#define CAME_FIRST(p)	CAME(p)
#define CAME_LAST(p)	skip
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
	:: t(p).sleep == HALTED -> wake(p)
	:: else
	fi
}

/*
 * An event is reported after it was delivered and the thread was woken up. That
 * the lock is taken with no look at all stands for a look that did not allow
 * the shortcut, some time ago.
 */
inline report()
{
	if
#ifdef F_SHORTCUT
	:: atomic { LOOK_0(target) -> CAME_FIRST(target) };
	   if
	   :: atomic { LOOK_1(target) -> skip };
	      if
	      :: atomic { LOOK_2(target) -> skip };
		if
		:: atomic { LOOK_3(target) -> skip };
			if
			:: atomic { LOOK_4(target) -> CAME_LAST(target); REPORTED }
			:: atomic { LOCK -> spare_event(target); REPORTED; UNLOCK }
			fi
		:: atomic { LOCK -> spare_event(target); REPORTED; UNLOCK }
		fi
	      :: atomic { LOCK -> spare_event(target); REPORTED; UNLOCK }
	      fi
	   :: atomic { LOCK -> spare_event(target); REPORTED; UNLOCK }
	   fi
#ifdef FAULT_REFUSED_LOOK
	:: atomic { t(target).refused -> REPORTED }
#endif
#endif
	:: atomic { LOCK -> spare_event(target); REPORTED; UNLOCK }
	fi
}

#if !defined(F_DEFER) && !defined(F_LATER)

inline deliver(p)
{
	t(p).event = (source -> NEW : t(p).event);
#ifdef F_REPLY
	t(p).unheard = (source -> 1 : t(p).unheard);
#endif
#ifdef F_SEEN
	t(p).fresh = 1;
#endif
#ifdef FAULT_REPORT_BEFORE_WAKE
	t(p).unseen = t(p).queued && t(p).sleep == HALTED
#else
	wake_for_event(p)
#endif
}

/*
 * Reporters, which call sched_spare_event(). Delivery and wake-up are one step,
 * because only the last look of a thread before it sleeps could tell them apart.
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
	   report();
#ifdef FAULT_REPORT_BEFORE_WAKE
	   atomic { LOCK -> wake_for_event(target); target = 0; UNLOCK }
#endif
#endif
	od
}

#endif

#ifdef F_LATER
/*
 * An interrupt that many may accept: the thread that has is marked, and a work
 * item reports for the marked ones. Here that is thread 1.
 */

/* kvm_spare_work() */
active proctype report_work()
{
	do
	:: atomic { work -> work = 0; looking = 1 }
	   atomic {
		target = accepted;
		looking = 0;
#ifndef FAULT_MARK_TAKEN_LATE
		accepted = 0
#endif
	   }
	   if
	   :: target -> report()
	   :: else
	   fi
#ifdef FAULT_MARK_TAKEN_LATE
	   atomic { LOCK -> accepted = 0; UNLOCK }
#endif
	od
}

/* __kvm_spare_event_later() */
active proctype interrupt()
{
	do
	:: atomic {
		LOCK ->
		reporting[1] = 1;
		t(1).event = (source -> NEW : t(1).event);
		wake_for_event(1);
		UNLOCK
	   }
#ifdef FAULT_QUEUED_UNMARKED
	   work = 1;
	   atomic { LOCK -> accepted = 1; reporting[1] = 0; UNLOCK }
#else
	   accepted = 1;
	   atomic { LOCK -> work = 1; reporting[1] = 0; UNLOCK }
#endif
	od
}
#endif

#ifdef F_DEFER
/*
 * Injection that is deferred to a work item, for thread 1. Work that is queued
 * is not queued again: a device's arrival and its transmit completion may be
 * one injection.
 */
bit arrived;			/* of the irqfd: there is something to report */
bit work;			/* it is queued */
bit injecting;			/* it runs, and has not looked at arrived */
bit taken;			/* it has, and will report */
bit signalling;			/* a wake-up of the irqfd is half done */
bit due;			/* of the proof: an arrival that was not taken */

/* kvm_irqfd_inject() */
active proctype injection()
{
	do
	:: atomic { work -> work = 0; injecting = 1 }
	   atomic {
		assert(!arrived || due);
		taken = arrived;
		due = 0;
#ifndef FAULT_TAKEN_LATE
		arrived = 0;
		injecting = 0
#endif
	   }
	   atomic {
		LOCK ->
		if
		:: taken && t(1).dl ->
			target = 1;
			t(1).event = (source -> NEW : t(1).event)
#ifdef F_REPLY
			; t(1).unheard = (source -> 1 : t(1).unheard)
#endif
		:: else
		fi;
#ifdef FAULT_REPORT_EARLY
		target = 0;
#endif
		/* A completion wakes it up as well, but is no event. */
		wake_for_event(1);
#ifdef FAULT_TAKEN_LATE
		arrived = 0;
		injecting = 0;
#endif
		taken = 0;
		UNLOCK
	   }
#ifndef FAULT_REPORT_EARLY
	   if
	   :: target -> report()
	   :: else
	   fi
#endif
	od
}

/* irqfd_wakeup() */
active proctype device()
{
	do
#ifdef FAULT_FLAG_AFTER_QUEUE
	:: atomic { due = 1; signalling = 1; work = 1 }
	   atomic { LOCK -> arrived = 1; signalling = 0; UNLOCK }
#else
	:: atomic { due = 1; signalling = 1; arrived = 1 }
#ifdef FAULT_REPORT_EARLY
	   atomic { LOCK -> spare_event(1); UNLOCK }
#endif
	   atomic { LOCK -> work = 1; signalling = 0; UNLOCK }
#endif
	/* What the guest sent is out. */
#ifdef FAULT_COALESCED
	:: atomic { LOCK -> arrived = 0; work = 1; UNLOCK }
#else
	:: atomic { work = 1 }
#endif
	od
}

#endif /* F_DEFER */

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
