// SPDX-License-Identifier: GPL-2.0
/*
 * Spare deadline reservations: how long a thread is believed to work on what came
 *
 * That is CPU time since it last got or sent anything, and it is learned: one
 * patience for until it replies, another one for what it may send after that.
 * Each gets less when it was in vain, down to what linger= asks for; a thread that
 * answers later than that, by whatever budget, has twice as long for a while. Where
 * others want the unit nobody is waited for so long: two who talk to each other
 * would have it drained by who has nothing to say.
 */

/* In us; linger= may ask for more. To answer takes a guest as long, as a rule. */
static const unsigned int spare_patience_floor[] = {
	[SPARE_HEARD_EVENT]	= 100,
	[SPARE_HEARD_REPLY]	= 10,
};

/* In ns; before anything is known of the thread: until it replies, and after that. */
static const unsigned int spare_patience_first[] = {
	[SPARE_HEARD_EVENT]	= 2250 * NSEC_PER_USEC,
	[SPARE_HEARD_REPLY]	= 1150 * NSEC_PER_USEC,
};

/* In ns; at most. */
#define SPARE_PATIENCE_MOST	(8 * NSEC_PER_MSEC)
/*
 * A late answer counts so much, up to the most; one in time takes 1 off, and to
 * have been waited for in vain 2: a TCP segment's ACK has its own answer, or none.
 * Above one step the thread answers late: two answers of late, or one in five.
 */
#define SPARE_LATE_STEP		8
#define SPARE_LATE_MOST		16
#define SPARE_LATE_VAIN		2

/* The CPU time that @p has had, ns; also what is not charged yet. */
static u64 spare_ran(struct rq *rq, struct task_struct *p)
{
	u64 ran = p->se.sum_exec_runtime;

	lockdep_assert_rq_held(rq);

	if (spare_is_curr(rq, p))
		ran += max_t(s64, rq_clock_task(rq) - p->se.exec_start, 0);

	return ran;
}

static unsigned int spare_linger_us(struct task_struct *p)
{
	return max(READ_ONCE(spare_terms(p)->linger),
		   spare_patience_floor[READ_ONCE(p->spare.heard)]);
}

/*
 * What linger= says, and a quarter more: a part of an answer that the host takes
 * without being kicked, because it looks anyway, is on its way unseen.
 */
static u64 spare_patience_least(struct task_struct *p)
{
	return (u64)spare_linger_us(p) * (NSEC_PER_USEC * 5 / 4);
}

static u64 spare_patience_learned(struct task_struct *p)
{
	return p->spare.patience[p->spare.heard] ?: spare_patience_first[p->spare.heard];
}

/* The pool of @p's loan, if others wait for its units here, or did so a period ago. */
static struct spare_pool *spare_crowded(struct rq *rq, struct task_struct *p)
{
	struct spare_stock *stock;

	if (!p->spare.loan)
		return NULL;
	stock = spare_unit_of(p->spare.loan)->stock;
	if (!RB_EMPTY_ROOT(&stock->line.rb_root) ||
	    (stock->crowded &&
	     dl_time_before(rq_clock(rq), stock->crowded + stock->pool->period)))
		return stock->pool;

	return NULL;
}

/*
 * For how much CPU time, ns, @p may neither get nor send anything before what
 * came for it is over. Who is helped for another thread's event has the least,
 * unless it is known to answer late. Of a unit of @crowded, which others want, one
 * has an eighth for that.
 */
static u64 spare_patience(struct task_struct *p, struct spare_pool *crowded)
{
	enum spare_heard heard = READ_ONCE(p->spare.heard);
	u64 least = spare_patience_least(p);
	u64 most = crowded ? crowded->runtime / 8 : SPARE_PATIENCE_MOST;
	bool late = p->spare.late[heard] > SPARE_LATE_STEP;
	u64 learned = spare_patience_learned(p);

	if (crowded && heard == SPARE_HEARD_REPLY)
		return least;
	if (!late && p->spare.hops < SPARE_HOPS)
		return least;

	if (late && heard == SPARE_HEARD_EVENT)
		learned = max_t(u64, learned, p->spare.slow);

	return max(least, min(most, learned));
}

static s64 spare_patience_left(struct rq *rq, struct task_struct *p)
{
	return p->spare.quiet_from + spare_patience(p, spare_crowded(rq, p)) -
	       spare_ran(rq, p);
}

/* To wait for @p was in vain: after a reply, as it is with most. */
static void spare_patience_less(struct task_struct *p)
{
	enum spare_heard heard = p->spare.heard;
	unsigned int part = heard == SPARE_HEARD_REPLY ? 4 : 2;

	if (p->spare.late[heard]) {
		p->spare.late[heard] -= min(p->spare.late[heard], SPARE_LATE_VAIN);
		/* Once is no proof: not every part of an answer is seen. */
		if (heard == SPARE_HEARD_REPLY)
			return;
	}

	p->spare.patience[heard] = max(spare_patience_learned(p) / part,
				       spare_patience_floor[heard] * NSEC_PER_USEC);
}

/*
 * How long a late answer is waited for, after one that took @gap ns of CPU time: it
 * is not to be missed by a little. A longer one is forgotten in time.
 */
static u64 spare_patience_for(u64 gap, u64 before)
{
	return clamp(2 * gap, before - before / 8, SPARE_PATIENCE_MOST);
}

/* @p has answered late, after @gap. A late part makes itself felt at once. */
static void spare_patience_more(struct task_struct *p, u64 gap)
{
	enum spare_heard heard = p->spare.heard;

	p->spare.late[heard] = min(p->spare.late[heard] + SPARE_LATE_STEP, SPARE_LATE_MOST);
	if (heard == SPARE_HEARD_REPLY)
		p->spare.patience[heard] = spare_patience_for(gap, spare_patience_learned(p));
	else
		p->spare.slow = spare_patience_for(gap, p->spare.slow);
}

/*
 * An event comes for @p. To wait on after the reply to the last one was in vain if
 * nothing was added. One that comes at once, as TCP's ACK does, is no proof; what is
 * not charged yet does not count. What @p does about this one counts from its
 * dispatch on.
 */
static void spare_patience_event(struct task_struct *p)
{
	s64 ran = p->se.sum_exec_runtime - p->spare.quiet_from;

	if (p->spare.heard == SPARE_HEARD_REPLY && !p->spare.added &&
	    ran >= (s64)spare_patience_least(p))
		spare_patience_less(p);
	WRITE_ONCE(p->spare.heard, SPARE_HEARD_NOTHING);
}

static void spare_patience_begin(struct rq *rq, struct task_struct *p)
{
	p->spare.added = false;
	p->spare.quiet_from = spare_ran(rq, p);
	WRITE_ONCE(p->spare.heard, SPARE_HEARD_EVENT);
}

/*
 * @p replies: late, if the least patience would hardly have been enough; an event
 * that it answers sooner takes 1 off. After the most it has nothing to do with what
 * came.
 */
static void spare_patience_reply(struct rq *rq, struct task_struct *p)
{
	u64 ran = spare_ran(rq, p), gap = ran - p->spare.quiet_from;
	unsigned char *late = &p->spare.late[p->spare.heard];

	if (gap <= (u64)spare_linger_us(p) * (NSEC_PER_USEC * 3 / 4)) {
		if (p->spare.heard == SPARE_HEARD_EVENT && *late)
			(*late)--;
	} else if (p->spare.heard && gap <= SPARE_PATIENCE_MOST) {
		spare_patience_more(p, gap);
		p->spare.added = p->spare.heard == SPARE_HEARD_REPLY;
	}

	p->spare.quiet_from = ran;
	if (gap <= SPARE_PATIENCE_MOST || p->spare.pending || p->spare.loan)
		WRITE_ONCE(p->spare.heard, SPARE_HEARD_REPLY);
	else
		WRITE_ONCE(p->spare.heard, SPARE_HEARD_NOTHING);
}

/*
 * @p has sent something, and has not told of it so far. False if its terms do not
 * care.
 */
static bool spare_patience_sent(struct rq *rq, struct task_struct *p)
{
	if (!READ_ONCE(spare_terms(p)->reply))
		return false;

	update_rq_clock(rq);
	spare_patience_reply(rq, p);

	return true;
}

/*
 * Whether @p, which is pending, has seen what came and has nothing to say to it:
 * for the most that it is waited for it has had the CPU since. That is told to a
 * tick, for what was not charged when it came is counted, too.
 */
static bool spare_seen(struct rq *rq, struct task_struct *p)
{
	return !p->spare.served && READ_ONCE(p->spare.tells) &&
	       READ_ONCE(spare_terms(p)->reply) &&
	       spare_ran(rq, p) - READ_ONCE(p->spare.came) > SPARE_PATIENCE_MOST + TICK_NSEC;
}

/*
 * Whether it says anything that @p is quiet: its replies are seen, or it is only
 * helped. Of a thread that is no vCPU nobody knows when it has replied.
 */
static bool spare_awaits_reply(struct task_struct *p)
{
	return READ_ONCE(spare_terms(p)->reply) &&
	       (READ_ONCE(p->spare.tells) || p->spare.hops < SPARE_HOPS);
}

/*
 * Whether @p is on loan, and has neither got nor sent anything for as long as
 * it is waited for. On its own reservation it may take its time.
 */
static bool spare_quiet(struct rq *rq, struct task_struct *p)
{
	if (!p->spare.begun || !spare_awaits_reply(p))
		return false;

	/* Soon told of most. */
	return spare_ran(rq, p) - p->spare.quiet_from >= spare_patience_least(p) &&
	       spare_patience_left(rq, p) <= 0;
}

/*
 * Whether @p has had so much on loans that it has to pay first: one unit's
 * runtime. Between two payments it gets less than two, the last one whole.
 */
static bool spare_owes(struct rq *rq, struct task_struct *p)
{
	struct spare_pool *pool = spare_source(rq, p);

	return READ_ONCE(spare_terms(p)->charge) && pool &&
	       p->spare.debt >= pool->runtime;
}

/* Whether @p has drained as many units as it may, for what came last. */
static bool spare_out_of_chances(struct task_struct *p)
{
	return p->spare.depletions >= READ_ONCE(spare_terms(p)->chances);
}
