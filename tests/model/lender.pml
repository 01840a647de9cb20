/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The lender without a patched kernel: cgroup-tools/lender/. Three kinds of processes share words without a lock: the programs
 * in the kernel (what comes for a vCPU), the thread that lends, and a unit's thread, whose wait for a futex is the loan.
 *
 * What must hold: who is boosted has the unit; a loan is ended by its own end or its own timeout, never by a signal for the loan
 * before; and when all is quiet nothing waits that a free unit could serve. EVENTS for each vCPU. One unit.
 */
#ifndef N
#define N 2
#endif
#ifndef EVENTS
#define EVENTS 2
#endif
/* So often a loan ends by its timeout, at any moment. */
#ifndef TIMEOUTS
#define TIMEOUTS 2
#endif
/* So often a vCPU has budget of its own. */
#ifndef OWNS
#define OWNS 1
#endif
#define NOBODY 9

/* So often a loan is told to end for another reason than a reply, at any moment: who has it goes, or is quiet. */
#ifndef GIVEUPS
#define GIVEUPS 1
#endif

mtype = { idle, waits, on_loan, drained, ends };
mtype = { asks, replies };

/* A vCPU's, which the programs write, and the lender reads. */
bool pending[N];
bool starved[N];
byte came[N];
/* The lender writes this one, and the programs read it. */
bool lent[N];

mtype state[N];
chan ring = [4] of { mtype, byte };

/* The unit. */
byte borrower = NOBODY;
byte first = NOBODY;		/* who waits */
byte loan, cancelled, to, timeouts, owns, giveups;
bool lends, order, ended, depleted;
byte word = NOBODY;		/* the futex: who owns it; NOBODY: none */
bool signal;
byte boosted = NOBODY;

/* --- the programs, where the vCPU's interrupts come from --- */

proctype device(byte who)
{
	bool new, is_lent;

	do
	:: came[who] < EVENTS && starved[who] ->
		came[who]++;
#ifdef FAULT_LENT_FIRST
		is_lent = lent[who];
#endif
#ifdef FAULT_PENDING_APART
		new = !pending[who];
		pending[who] = true;
#else
		atomic { new = !pending[who]; pending[who] = true };
#endif
#ifndef FAULT_LENT_FIRST
		is_lent = lent[who];
#endif
		if
		:: new && !is_lent -> ring!asks(who)
		:: else
		fi;
		/* It has begun to run meanwhile. */
		if
		:: !starved[who] -> pending[who] = false
		:: else
		fi
	:: came[who] == EVENTS -> break
	od
}

/* It computes always. On a loan it serves what came, and says so. */
proctype vcpu(byte who)
{
end:	do
	:: atomic { boosted == who && pending[who] -> pending[who] = false };
		if
		:: lent[who] -> ring!replies(who)
		:: else
		fi
	:: atomic { owns < OWNS && starved[who] && boosted != who -> owns++; starved[who] = false; pending[who] = false }
	:: atomic { !starved[who] -> starved[who] = true }
	od
}

/* --- a unit's thread --- */

inline handle_signal()
{
	if
	:: signal ->
		signal = false;
#ifdef FAULT_STALE_SIGNAL
		cancelled = loan;
#endif
		if
		:: cancelled == loan && word != NOBODY ->
			/* Whose loan it ends is one that is to end. */
			assert(state[word] == ends);
			word = NOBODY
		:: else
		fi
	:: else
	fi
}

proctype unit()
{
end:	do
	:: atomic { signal && !order -> handle_signal() }
	:: atomic { order -> order = false };
		if
		:: atomic { signal -> handle_signal() }
		:: true
		fi;
		word = to;
#ifndef FAULT_ENDED_BEFORE
		if
		:: cancelled == loan -> word = NOBODY
		:: else
		fi;
#endif
		/* The wait: the kernel looks at the word, and boosts its owner. */
		do
		:: atomic { word != NOBODY && boosted == NOBODY -> assert(borrower == word && lent[word]); boosted = word }
		:: atomic { signal -> handle_signal() }
		:: word == NOBODY -> break
		/* A loan without an event, by a vCPU that had budget meanwhile, has no other end. */
		:: atomic { boosted != NOBODY && (timeouts < TIMEOUTS || !pending[boosted]) ->
			/* One that was told to end did so then. */
			assert(word == NOBODY || signal || cancelled != loan);
			timeouts = timeouts + (timeouts < TIMEOUTS -> 1 : 0);
			depleted = true };
			break
		od;
		atomic { boosted = NOBODY; word = NOBODY };
		ended = true
	od
}

/* --- the thread that lends --- */

inline lend(who)
{
	state[who] = on_loan;
	to = who;
	loan++;
	lends = true;
	order = true
}

inline borrow(who)
{
	borrower = who;
	lent[who] = true;
	lend(who)
}

/* It may have had what it asks for meanwhile: then this is an event that was served. */
inline ask(who)
{
	if
	:: !pending[who]
	:: pending[who] && state[who] == idle && borrower == NOBODY -> borrow(who)
	:: pending[who] && state[who] == idle && borrower != NOBODY -> state[who] = waits; first = who
	:: else
	fi
}

inline settle(who)
{
#ifdef FAULT_LOOK_FIRST
	again = pending[who];
	lent[who] = false;
#else
	lent[who] = false;
#endif
	state[who] = idle;
	borrower = NOBODY;
	if
	:: first != NOBODY ->
		next = first;
		first = NOBODY;
		state[next] = idle;
		if
#ifdef FAULT_STARVED_ALONE
		:: starved[next] && pending[next] -> borrow(next)
#else
		:: pending[next] -> borrow(next)
#endif
		:: else
		fi
	:: else
	fi;
#ifndef FAULT_LOOK_FIRST
	again = pending[who];
#endif
	if
	:: again -> ask(who)
	:: else
	fi
}

inline end_loan(who)
{
	state[who] = ends;
	if
	:: lends -> atomic { cancelled = loan; signal = true }
	:: else
	fi
}

proctype lender()
{
	byte who, next;
	bool again;

end:	do
	:: ring?asks(who) -> ask(who)
	:: ring?replies(who) ->
		if
		:: state[who] == on_loan -> end_loan(who)
		:: else
		fi
	:: ended ->
		ended = false;
		lends = false;
		who = borrower;
		/* Nobody else has ended it: then its time is over. */
		assert(state[who] == ends || depleted);
		depleted = false;
		if
		:: state[who] == ends -> settle(who)
		:: else -> state[who] = drained
		fi
	/* The unit is replenished. */
	:: borrower != NOBODY && state[borrower] == drained ->
		who = borrower;
		if
		/* Without an event it computes on, until it is quiet for too long: that is no part of this. */
		:: pending[who] || (starved[who] && timeouts < TIMEOUTS) -> lend(who)
		:: else -> settle(who)
		fi
	:: giveups < GIVEUPS && borrower != NOBODY && (state[borrower] == on_loan || state[borrower] == drained) ->
		giveups++;
		who = borrower;
		if
		:: state[who] == on_loan -> end_loan(who)
		:: else -> settle(who)
		fi
	od
}

/* When nothing moves any more. */
proctype quiet()
{
	byte i;

	timeout ->
	for (i : 0 .. N - 1) {
		assert(!pending[i]);
		assert(state[i] == idle && !lent[i])
	}
	assert(borrower == NOBODY && boosted == NOBODY)
}

init {
	byte i;

	atomic {
		for (i : 0 .. N - 1) {
			starved[i] = true;
			state[i] = idle;
			run device(i);
			run vcpu(i)
		}
		run unit();
		run lender();
		run quiet()
	}
}
