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
	 t(p).answered && (t(p).queued || t(p).sleep == OTHERWISE) || !source)

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

#include "account.pml"
#include "loan.pml"
#include "event.pml"
#include "cpu.pml"
#include "thread.pml"
