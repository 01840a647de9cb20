/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How long a vCPU that always computes is deaf under a reservation (Q,P), and with a spare reservation (Qs,Ps), and
 * what CPU time that gives it. In the equations D = P-Q, Ds = Ps-Qs, U = Q/P, Us = Qs/Ps; delta is the time from an
 * event, at a random moment, to the first instant the vCPU runs: 0 when it runs already.
 */
#ifndef DLSPARE_LATENCY_H
#define DLSPARE_LATENCY_H

#include <stdint.h>

#include "host/reservation.h"
#include "plan/fraction.h"

/* Where in each period the budget is supplied. */
enum latency_supply {
	LATENCY_EARLY,			/* at its beginning: the VM is alone on the CPU */
	LATENCY_RANDOM,			/* anywhere, each place as likely */
	LATENCY_ALTERNATING,		/* early and late in turn: the worst of EDF beside others */
};

/* D; 2D; 2D (Cucinotta et al. 2011, section 2, figures 1 and 2). */
uint64_t latency_worst(struct reservation own, enum latency_supply supply);

/* D^2/2P; 7D^2/12P; D^2/P: the mean of delta over all events. */
struct fraction latency_mean(struct reservation own, enum latency_supply supply);

/* P(delta > x): (D-x)/P; x<=D: [D-x+x^3/6D^2]/P, else (2D-x)^3/6D^2P; (2D-x)/2P. */
struct fraction latency_exceeds(struct reservation own, enum latency_supply supply, uint64_t x);

/* The same when a fresh unit is always there: 0 from Ds on. */
struct fraction latency_exceeds_spare(struct reservation own, enum latency_supply supply, struct reservation spare,
				      uint64_t x);

/* (D/P)(Ds-x)/Ps, 0 from Ds on: a unit that is on loan for all of each gap and supplied at once. Exact if Ps divides D. */
struct fraction latency_exceeds_lent(struct reservation own, struct reservation spare, uint64_t x);

/* The mean of min(delta, most): the integral of P(delta > x) up to it. For most = Ds it bounds the mean with a unit. */
double latency_mean_below(struct reservation own, enum latency_supply supply, uint64_t most);

/* From an event to the first time on a unit, and to all of Qs. */
struct latency_loan {
	uint64_t first;
	uint64_t whole;
};

/* Ds and Ps, for a unit whose deadline has passed; 2Ds and 2Ps-Qs, for one that was drained just before. */
struct latency_loan latency_fresh(struct reservation spare);
struct latency_loan latency_drained(struct reservation spare);

/* U. */
struct fraction latency_share(struct reservation own);

/* U+(1-U)Us: on loan whenever the own budget is gone, for a unit of very short period. */
struct fraction latency_share_loan(struct reservation own, struct reservation spare);

/* U+(1-U)Us+Qs(1-Us)/P, and never above U+Us: the most under a flood of events (experiments/flood). */
struct fraction latency_share_flood(struct reservation own, struct reservation spare);

/* U+2Qs/window: the most in any window with charge=1, which is less than 2Qs ahead at any time. */
struct fraction latency_share_charged(struct reservation own, struct reservation spare, uint64_t window);

#endif
