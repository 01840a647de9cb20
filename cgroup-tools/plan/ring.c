// SPDX-License-Identifier: GPL-2.0
#include "plan/ring.h"

#include "host/units.h"

static __int128 min(__int128 a, __int128 b)
{
	return a < b ? a : b;
}

static __int128 max(__int128 a, __int128 b)
{
	return a > b ? a : b;
}

/* The equations are "completely symmetric" (3.1): only one half of them is written down here. */
static struct ring changed_over(const struct ring *ring)
{
	return (struct ring){ .L = ring->L, .WP = ring->WC, .WC = ring->WP, .kP = ring->kC, .kC = ring->kP,
		.NP = ring->NC, .NC = ring->NP, .SP = ring->SC, .SC = ring->SP, .DP = ring->DC, .DC = ring->DP };
}

/* Of the two regimes that are each other changed over the one that is written down, and the ring in it. */
static struct ring written(const struct ring *ring, enum ring_regime *regime)
{
	if (*regime != RING_FP && *regime != RING_SPS)
		return *ring;
	*regime = *regime == RING_FP ? RING_FC : RING_SCS;
	return changed_over(ring);
}

/* The ring as seen by a vCPU that consumes. */
static struct ring consumed(const struct ring *ring, enum ring_side side)
{
	return side == RING_CONSUMER ? *ring : changed_over(ring);
}

const char *ring_rule(const struct ring *ring)
{
	if (ring->L < 1 || ring->WP < 1 || ring->WC < 1)
		return "a ring needs L, WP and WC above 0";
	if (ring->kP < 1 || ring->kP > ring->L || ring->kC < 1 || ring->kC > ring->L)
		return "kP and kC are at least 1 and at most L";
	if (ring->NP < 0 || ring->NC < 0 || ring->SP < 0 || ring->SC < 0 || ring->DP < 0 || ring->DC < 0)
		return "costs are not negative";
	if (ring->L > 1 << 20)
		return "L is at most 1048576";
	if (ring->WP > RING_MAX || ring->WC > RING_MAX || ring->NP > RING_MAX || ring->NC > RING_MAX ||
	    ring->SP > RING_MAX || ring->SC > RING_MAX || ring->DP > RING_MAX || ring->DC > RING_MAX)
		return "a cost is at most 2^40 ns, which are 18 minutes";
	return NULL;
}

enum ring_regime ring_regime(const struct ring *ring)
{
	bool consumer_slow = ring->SC + ring->DC > (ring->L - ring->kP) * ring->WP - ring->WC;
	bool producer_slow = ring->SP + ring->DP > (ring->L - ring->kC) * ring->WC - ring->WP;

	if (consumer_slow && producer_slow)
		return RING_SS;
	if (ring->WC < ring->WP)
		return consumer_slow ? RING_SCS : RING_FC;
	if (ring->WP < ring->WC)
		return producer_slow ? RING_SPS : RING_FP;
	return RING_LOCKSTEP;
}

const char *ring_regime_name(enum ring_regime regime)
{
	static const char *const names[] = {
		[RING_GP] = "GP", [RING_FC] = "FC", [RING_FP] = "FP", [RING_SCS] = "SCS", [RING_SPS] = "SPS",
		[RING_SS] = "SS", [RING_LOCKSTEP] = "lockstep",
	};

	return names[regime];
}

int64_t ring_batch(const struct ring *ring, enum ring_regime regime)
{
	struct ring r = written(ring, &regime);

	switch (regime) {
	case RING_FC:
		return (r.SC + r.DC + (r.kP - 1) * r.WC) / (r.WP - r.WC) + r.kP;
	case RING_SCS:
		return ((r.L - r.kC) * r.WC - (r.SP + r.DP) - r.WP) / (r.WP - r.WC) + 1;
	default:
		return 0;
	}
}

int64_t ring_messages(const struct ring *ring, enum ring_regime regime)
{
	int64_t m = ring_batch(ring, regime);

	switch (regime) {
	case RING_FC:
	case RING_FP:
		return m;
	case RING_SCS:
	case RING_SPS:
	case RING_SS:
		return ring->L + m;
	default:
		return 1;
	}
}

struct fraction ring_time(const struct ring *ring, enum ring_regime regime)
{
	__int128 messages = ring_messages(ring, regime), m = ring_batch(ring, regime);
	struct ring r = written(ring, &regime);
	__int128 both = r.NP + r.SC + r.DC + r.NC + r.SP + r.DP;

	switch (regime) {
	case RING_FC:
		return fraction(m * r.WP + r.NP, messages);
	case RING_SCS:
		return fraction(both + r.kC * r.WC + (m + r.kP) * r.WP, messages);
	case RING_SS:
		return fraction(both + r.kC * r.WC + r.kP * r.WP, messages);
	default:
		return fraction(max(r.WP, r.WC), 1);
	}
}

struct fraction ring_work(const struct ring *ring, enum ring_regime regime)
{
	__int128 messages = ring_messages(ring, regime);
	struct ring r = written(ring, &regime);
	__int128 notifying = 0;

	switch (regime) {
	case RING_GP:
		notifying = max(r.WP, r.WC) - min(r.WP, r.WC);
		break;
	case RING_FC:
		notifying = r.NP + r.SC;
		break;
	case RING_SCS:
	case RING_SS:
		notifying = r.NP + r.SP + r.NC + r.SC;
		break;
	default:
		break;
	}
	return fraction(messages * (r.WP + r.WC) + notifying, messages);
}

int64_t ring_latency(const struct ring *ring, enum ring_regime regime)
{
	int64_t SC = ring->SC + ring->DC, SP = ring->SP + ring->DP, once = ring->WP + ring->NP + SC + ring->WC;

	switch (regime) {
	case RING_GP:
		return ring->WC <= ring->WP ? 2 * ring->WP + ring->WC : (ring->L + 1) * ring->WC;
	case RING_FC:
		return ring->kP == 1 ? once : -1;
	case RING_SCS:
	case RING_SPS:
	case RING_SS:
		return max(ring->WP, SC - (ring->L - 2) * ring->WP) + ring->kC * ring->WC + ring->NC + SP + once;
	default:
		return -1;
	}
}

int64_t ring_sleep(const struct ring *ring, int64_t target)
{
	return min((ring->L - 1) * ring->WP - ring->WC, target - 2 * ring->WP - ring->WC);
}

int64_t ring_room(const struct ring *ring, enum ring_side side)
{
	struct ring r = consumed(ring, side);

	return (r.L - r.kP) * r.WP - r.WC - r.SC;
}

/* Slots that fill up until the vCPU has taken its first message. */
static int64_t filled(const struct ring *r, int64_t delay)
{
	return (r->SC + delay + r->WC) / r->WP + 1;
}

int64_t ring_slots(const struct ring *ring, enum ring_side side, int64_t delay)
{
	struct ring r = consumed(ring, side);

	return r.kP + filled(&r, delay);
}

int64_t ring_threshold(const struct ring *ring, enum ring_side side, int64_t delay)
{
	struct ring r = consumed(ring, side);

	return r.L - filled(&r, delay);
}

struct fraction ring_demand(const struct ring *ring, enum ring_side side)
{
	struct ring r = consumed(ring, side);
	__int128 m;

	/* A vCPU that is no faster than the other is never notified again: m is infinite. */
	if (r.WC >= r.WP)
		return fraction(r.WC, r.WP);
	r.DC = 0;
	m = ring_batch(&r, RING_FC);
	return fraction(m * r.WC + r.SC + r.NC, m * r.WP);
}

int64_t ring_backlog(const struct ring *ring, enum ring_side side, struct reservation own, struct reservation spare)
{
	__int128 P = own.period, D = P - own.runtime, Qs = spare.runtime, Ps = spare.period;
	struct fraction rho = ring_demand(ring, side);
	struct ring r = consumed(ring, side);

	if (fraction_compare(rho, fraction(Qs, Ps)) < 0)
		return 0;
	if (fraction_compare(rho, fraction(own.runtime * Ps + D * Qs, P * Ps)) >= 0)
		return -1;
	return max(0, fraction_ceil(fraction(D * (r.WC * Ps - r.WP * Qs), Ps * r.WP * r.WC)));
}

/* The longest gap of a unit that its ring, and the target, bear; negative: none. */
static int64_t bearable(const struct ring *ring, const struct ring_terms *terms)
{
	return min(ring_room(ring, terms->side), terms->target < INT64_MAX ? terms->target : INT64_MAX);
}

unsigned int ring_check(const struct ring *ring, const struct ring_terms *terms, struct reservation spare)
{
	struct fraction share = fraction(spare.runtime, spare.period);
	struct fraction switching = fraction(2 * (__int128)terms->switch_cost, spare.period);
	__int128 gap = (__int128)terms->beta * (spare.period - spare.runtime);
	unsigned int broken = 0;

	if (fraction_compare(share, ring_demand(ring, terms->side)) <= 0)
		broken |= RING_SLOW;
	if (fraction_compare(share, terms->room) > 0)
		broken |= RING_LARGE;
	if (gap > bearable(ring, terms))
		broken |= RING_LONG;
	if (fraction_compare(switching, terms->overhead) > 0)
		broken |= RING_COSTLY;
	if (spare.period < RESERVATION_PERIOD_MIN || spare.runtime < RESERVATION_RUNTIME_MIN)
		broken |= RING_SHORT;
	return broken;
}

/* In the kernel's steps of a share (BW_SHIFT), up or down, so that products with it fit. */
static struct fraction in_steps(struct fraction share, bool up)
{
	struct fraction steps = fraction_multiply(share, fraction(1 << 20, 1));

	return fraction(up ? fraction_ceil(steps) : fraction_floor(steps), 1 << 20);
}

/*
 * 3/2 rho, with which the backlog of a gap is gone after twice the gap; where that does not leave as much room
 * above as below, the middle.
 */
static struct fraction fitting_share(struct fraction rho, struct fraction room)
{
	struct fraction middle = fraction_multiply(fraction_add(rho, room), fraction(1, 2));
	struct fraction ample = fraction_multiply(rho, fraction(3, 2));

	return fraction_compare(ample, middle) < 0 ? ample : middle;
}

/* The shortest period, in whole us, that is neither too short nor too costly. */
static __int128 shortest_period(const struct ring_terms *terms, struct fraction share)
{
	__int128 costs = 2 * (__int128)terms->switch_cost;
	__int128 cheap = fraction_ceil(fraction(costs * terms->overhead.den, terms->overhead.num));
	__int128 period = max(max(cheap, RESERVATION_PERIOD_MIN),
			      fraction_ceil(fraction(RESERVATION_RUNTIME_MIN * share.den, share.num)));

	return fraction_ceil(fraction(period, NSEC_PER_USEC)) * NSEC_PER_USEC;
}

/* Rounded down to at most two digits, in whole us. */
static __int128 round_period(__int128 period)
{
	int64_t step = NSEC_PER_USEC;

	while (period / step >= 20)
		step *= 10;
	return period / step * step;
}

struct ring_advice ring_advise(const struct ring *ring, const struct ring_terms *terms)
{
	__int128 gap = bearable(ring, terms), least, least_gap, period;
	struct ring_advice advice = { .broken = 0 };
	struct fraction rho, room, share, rest;

	rho = in_steps(ring_demand(ring, terms->side), true);
	room = in_steps(terms->room, false);
	if (fraction_compare(rho, room) >= 0) {
		advice.broken = RING_SLOW | RING_LARGE;
		return advice;
	}
	share = fitting_share(rho, room);
	rest = fraction(terms->beta * (share.den - share.num), share.den);

	least = shortest_period(terms, share);
	least_gap = fraction_ceil(fraction(least * rest.num, rest.den));
	if (least <= RESERVATION_PERIOD_MAX && least_gap <= terms->target)
		advice.slots = ring_slots(ring, terms->side, least_gap);

	period = gap < 0 ? 0 : min(fraction_floor(fraction(gap * rest.den, rest.num)), RESERVATION_PERIOD_MAX);
	period = max(round_period(period), min(period, least) / NSEC_PER_USEC * NSEC_PER_USEC);
	if (!period) {
		advice.broken = RING_LONG;
		return advice;
	}
	advice.spare.period = period;
	advice.spare.runtime = fraction_ceil(fraction(period * share.num, share.den * NSEC_PER_USEC)) * NSEC_PER_USEC;
	advice.broken = ring_check(ring, terms, advice.spare);
	return advice;
}
