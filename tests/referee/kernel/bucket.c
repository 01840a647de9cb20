// SPDX-License-Identifier: GPL-2.0
/*
 * Supply: what an entity may have, by the time that it ran
 *
 * A bucket rises by the time its entity runs, and falls by its share U = Q/P of
 * all time, but not below empty. Its level is then the most by which the
 * entity's supply in any interval that ends now exceeds U times its length.
 *
 * For a hard CBS (a drained budget is not replenished before its deadline,
 * Abeni and Buttazzo 1998 with the throttling of mainline) that is at most
 * 2Q(1-U). Budgets follow each other: one that is replenished at r with the
 * deadline d = r+P supplies up to Q, between r and d, and the next one's r is
 * not before d. Of those an interval contains whole each gives at most U times
 * its own length. At the interval's begin there may be one that is contained in
 * part, with x < P left to its deadline: it gives min(Q,x), which exceeds Ux by
 * Q(1-U) at most, for x = Q; so does one at the end. The bound is reached: a
 * budget served as late as it may be, the next one at once.
 *
 * A thread that sleeps keeps its budget c and its deadline d on wake-up if c is
 * no more than U(d-t); otherwise it has a new budget from t on, and has had less
 * than U(t-r) of the old one, so the bound stands. Mainline compares in units of
 * 1024 ns: a wake-up may gain two of these.
 *
 * Beyond that a budget may be overrun, by o, until the kernel notices. It pays at
 * its replenishment: the next one has n budgets' deadline, n.P later, and the rest
 * of n.Q - o, which is at most Q. Of budgets in a row that adds up to the last
 * overrun alone. But the last one begins when the overrun before it is not paid
 * yet, and n.Q is as much as Q + o then: the last two overruns count. What ran
 * when nobody paid is excused, if it was short (watch.c). If an entity is served
 * T after its deadline, which is allowed where a root domain has several CPUs,
 * its budgets may follow each other without a pause until it has caught up, and
 * it gains U*T at each end.
 *
 * If Q and P change, the budget that is going on keeps its runtime and deadline.
 * So the larger of the old and the new share counts until that deadline, which
 * is at most the old period away, and the larger Q(1-U) until the bucket was
 * empty, since any interval that matters begins after that.
 */
#include "referee.h"

static u64 share_of(u64 runtime, u64 period)
{
	return period ? div64_u64((runtime << REFEREE_SHIFT) + period - 1, period) : 0;
}

static u64 burst_of(const struct referee_bucket *bucket)
{
	return bucket->runtime -
	       ((bucket->runtime * bucket->share) >> REFEREE_SHIFT);
}

void referee_bucket_empty(struct referee_bucket *bucket, u64 now)
{
	bucket->level = 0;
	bucket->burst = burst_of(bucket);
	bucket->slack = 0;
	bucket->since = now;
}

void referee_bucket_set(struct referee_bucket *bucket, u64 runtime, u64 period,
			u64 now)
{
	if (bucket->runtime == runtime && bucket->period == period)
		return;

	/* It has left the class: what it had falls at the share it had. */
	if (!runtime || !period)
		return;

	bucket->old_share = max(bucket->share,
				now < bucket->old_until ? bucket->old_share : 0);
	bucket->old_until = max(now + bucket->period, bucket->old_until);
	bucket->runtime = runtime;
	bucket->period = period;
	bucket->share = share_of(runtime, period);
	bucket->burst = max(bucket->burst, burst_of(bucket));
	if (!bucket->since)
		referee_bucket_empty(bucket, now);
}

/* Until @now, it ran for @ran. */
void referee_bucket_advance(struct referee_bucket *bucket, u64 now, u64 ran)
{
	u64 share = bucket->share;

	if (now <= bucket->since)
		return;

	if (bucket->since < bucket->old_until)
		share = max(share, bucket->old_share);

	/* A pause of minutes does not fit, and empties any bucket. */
	if (now - bucket->since > 100ULL * NSEC_PER_SEC)
		bucket->level = 0;
	else
		bucket->level += ((s64)ran << REFEREE_SHIFT) -
				 (s64)((now - bucket->since) * share);
	bucket->since = now;
	if (bucket->level <= 0)
		referee_bucket_empty(bucket, now);
}

void referee_bucket_allow(struct referee_bucket *bucket, u64 slack)
{
	bucket->slack = max(bucket->slack, slack);
}

void referee_bucket_excuse(struct referee_bucket *bucket, u64 ns)
{
	bucket->level = max(bucket->level - ((s64)ns << REFEREE_SHIFT), 0LL);
}

bool referee_bucket_over(const struct referee_bucket *bucket, s64 *level, s64 *limit)
{
	*level = bucket->level >> REFEREE_SHIFT;
	*limit = 2 * bucket->burst + bucket->slack;

	return bucket->runtime && *level > *limit;
}
