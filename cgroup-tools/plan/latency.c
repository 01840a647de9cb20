// SPDX-License-Identifier: GPL-2.0
#include "plan/latency.h"

static uint64_t gap(struct reservation reservation)
{
	return reservation.period - reservation.runtime;
}

uint64_t latency_worst(struct reservation own, enum latency_supply supply)
{
	return supply == LATENCY_EARLY ? gap(own) : 2 * gap(own);
}

struct fraction latency_mean(struct reservation own, enum latency_supply supply)
{
	__int128 D = gap(own), P = own.period;

	switch (supply) {
	case LATENCY_EARLY:
		return fraction(D * D, 2 * P);
	case LATENCY_RANDOM:
		return fraction(7 * D * D, 12 * P);
	case LATENCY_ALTERNATING:
		break;
	}
	return fraction(D * D, P);
}

struct fraction latency_exceeds(struct reservation own, enum latency_supply supply, uint64_t x)
{
	__int128 D = gap(own), P = own.period, rest = 2 * D - x;

	if (x >= latency_worst(own, supply))
		return fraction(0, 1);
	switch (supply) {
	case LATENCY_EARLY:
		return fraction(D - x, P);
	case LATENCY_RANDOM:
		if (x <= D)
			return fraction(6 * D * D * (D - x) + (__int128)x * x * x, 6 * D * D * P);
		return fraction(rest * rest * rest, 6 * D * D * P);
	case LATENCY_ALTERNATING:
		break;
	}
	return fraction(rest, 2 * P);
}

struct fraction latency_exceeds_spare(struct reservation own, enum latency_supply supply, struct reservation spare,
				      uint64_t x)
{
	return x < gap(spare) ? latency_exceeds(own, supply, x) : fraction(0, 1);
}

struct fraction latency_exceeds_lent(struct reservation own, struct reservation spare, uint64_t x)
{
	__int128 D = gap(own), P = own.period, Ps = spare.period;

	if (x >= gap(spare))
		return fraction(0, 1);
	return fraction(D * (gap(spare) - (__int128)x), P * Ps);
}

double latency_mean_below(struct reservation own, enum latency_supply supply, uint64_t most)
{
	double D = gap(own), P = own.period, x = most, rest = 2 * D - x;

	if (most >= latency_worst(own, supply))
		return fraction_double(latency_mean(own, supply));
	switch (supply) {
	case LATENCY_EARLY:
		return (D * x - x * x / 2) / P;
	case LATENCY_RANDOM:
		if (x <= D)
			return (D * x - x * x / 2 + x * x * x * x / (24 * D * D)) / P;
		return (7 * D * D / 12 - rest * rest * rest * rest / (24 * D * D)) / P;
	case LATENCY_ALTERNATING:
		break;
	}
	return (2 * D * x - x * x / 2) / (2 * P);
}

struct latency_loan latency_fresh(struct reservation spare)
{
	return (struct latency_loan){ gap(spare), spare.period };
}

struct latency_loan latency_drained(struct reservation spare)
{
	return (struct latency_loan){ 2 * gap(spare), 2 * spare.period - spare.runtime };
}

struct fraction latency_share(struct reservation own)
{
	return fraction(own.runtime, own.period);
}

struct fraction latency_share_loan(struct reservation own, struct reservation spare)
{
	__int128 Q = own.runtime, P = own.period, Qs = spare.runtime, Ps = spare.period;

	return fraction(Q * Ps + (P - Q) * Qs, P * Ps);
}

struct fraction latency_share_flood(struct reservation own, struct reservation spare)
{
	__int128 Qs = spare.runtime, Ps = spare.period;
	struct fraction edge = fraction(Qs * (Ps - Qs), own.period * Ps);
	struct fraction share = fraction_add(latency_share_loan(own, spare), edge);
	struct fraction both = fraction_add(latency_share(own), latency_share(spare));

	return fraction_compare(share, both) < 0 ? share : both;
}

struct fraction latency_share_charged(struct reservation own, struct reservation spare, uint64_t window)
{
	return fraction_add(latency_share(own), fraction(2 * (__int128)spare.runtime, window));
}
