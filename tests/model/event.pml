/* SPDX-License-Identifier: GPL-2.0 */
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
