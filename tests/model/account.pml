/* SPDX-License-Identifier: GPL-2.0 */
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
