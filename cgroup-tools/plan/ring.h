/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The I/O ring between a producer P and a consumer C, and what a CPU reservation does to it. Times may be in any unit,
 * but in nanoseconds where a reservation is meant; results are exact.
 *
 * Equations: L. Rizzo, S. Garzarella, G. Lettieri, V. Maffione, "A Study of Speed Mismatches Between Communicating
 * Virtual Machines", ANCS 2016. It leaves out FP, SPS, SCS and the latencies: those marked "derived" were checked
 * against an event simulation, as were the laws under reservations (tests/unit/ring-vectors.csv).
 */
#ifndef DLSPARE_RING_H
#define DLSPARE_RING_H

#include <stdint.h>

#include "host/reservation.h"
#include "plan/fraction.h"

/* The largest cost, delay and L, so that exact results fit; 18 minutes in nanoseconds. */
#define RING_MAX ((int64_t)1 << 40)

/* The paper's names. */
struct ring {
	int64_t L;			/* slots */
	int64_t WP, WC;			/* work for a message */
	int64_t kP, kC;			/* messages at which P notifies, free slots at which C does */
	int64_t NP, NC;			/* work to notify */
	int64_t SP, SC;			/* work to start after a notification */
	int64_t DP, DC;			/* scheduling delay of that start: adds to S in time and regime, no work */
};

enum ring_regime {
	RING_GP,			/* both poll: chosen, whatever the costs */
	RING_FC,			/* fast consumer */
	RING_FP,			/* fast producer */
	RING_SCS,			/* slow consumer start-up */
	RING_SPS,			/* slow producer start-up */
	RING_SS,			/* both start slowly */
	RING_LOCKSTEP,			/* equally fast: nobody waits */
};

/* Which party is the vCPU that has the reservation. */
enum ring_side {
	RING_CONSUMER,			/* the guest receives */
	RING_PRODUCER,			/* the guest sends */
};

/* What the ring breaks of what the functions below take for granted: a static text; NULL: nothing. */
const char *ring_rule(const struct ring *ring);

/* Table 1, by A = (L-kP)WP-WC and B = (L-kC)WC-WP; never RING_GP. A regime below is this one or RING_GP. */
enum ring_regime ring_regime(const struct ring *ring);
const char *ring_regime_name(enum ring_regime regime);

/* m. FC: 2.2.1; SCS: equation 3; FP, SPS: the same with P and C changed over (3.1); 0: the regime has none. */
int64_t ring_batch(const struct ring *ring, enum ring_regime regime);

/* Messages from one notification to the next of the same kind: m, L+m (SCS, SPS), L (SS); 1: no notifications. */
int64_t ring_messages(const struct ring *ring, enum ring_regime regime);

/* T, time per message. GP: equation 1, which wants L > 1; FC: 2; SS: 4; FP: 2 changed over; SCS, SPS: derived. */
struct fraction ring_time(const struct ring *ring, enum ring_regime regime);

/* E, work per message of both. As ring_time(). */
struct fraction ring_work(const struct ring *ring, enum ring_regime regime);

/*
 * From the start of a packet's own production until it is consumed. FC with kP = 1, GP: exact; SS, SCS, SPS: a bound;
 * -1: no formula. Derived.
 */
int64_t ring_latency(const struct ring *ring, enum ring_regime regime);

/*
 * C sleeps a fixed YC on an empty ring and is not notified: the longest with T = WP and a latency of at most target,
 * min{(L-1)WP-WC, target-2WP-WC}. Wants WC < WP. Negative: no sleep is short enough. Derived.
 */
int64_t ring_sleep(const struct ring *ring, int64_t target);

/* X = (L-kP)WP-WC-S: the longest delay with which the other party never blocks; P and C changed over for a producer. */
int64_t ring_room(const struct ring *ring, enum ring_side side);

/*
 * For that delay, the smallest L, kP+1+floor((S+delay+WC)/WP), and the largest k (kP, or kC for a producer), for which
 * the other party never blocks. Where WP divides, that is a slot more than X >= delay wants.
 */
int64_t ring_slots(const struct ring *ring, enum ring_side side, int64_t delay);
int64_t ring_threshold(const struct ring *ring, enum ring_side side, int64_t delay);

/* rho = (WC+(S+NC)/m)/WP: the share of a CPU that the vCPU's part takes at the other's full speed. */
struct fraction ring_demand(const struct ring *ring, enum ring_side side);

/*
 * Slots that fill up over the gaps D of the own reservation, beyond ring_slots(): 0 for rho < Us; D(1/WP-Us/WC) for
 * rho < U+(1-U)Us; -1 above, where the other must block.
 */
int64_t ring_backlog(const struct ring *ring, enum ring_side side, struct reservation own, struct reservation spare);

/* What a spare reservation for a ring has to obey. */
struct ring_terms {
	enum ring_side side;
	unsigned int beta;		/* gaps on loan last beta (Ps-Qs): 1 with a fixed place in Ps, 2 in general */
	struct fraction room;		/* share of the CPU that may go to the unit */
	uint64_t target;		/* no longer gap than this; UINT64_MAX: any */
	uint64_t switch_cost;		/* c: two a period */
	struct fraction overhead;	/* the most that 2c/Ps may be */
};

/* The rules that it breaks, as bits. */
enum {
	RING_SLOW = 1,			/* Us > rho */
	RING_LARGE = 2,			/* Us <= room */
	RING_LONG = 4,			/* beta (Ps-Qs) <= min(X, target) */
	RING_COSTLY = 8,		/* 2c/Ps <= overhead */
	RING_SHORT = 16,		/* Ps and Qs are what SCHED_DEADLINE takes; Ps >= 100 us */
};

unsigned int ring_check(const struct ring *ring, const struct ring_terms *terms, struct reservation spare);

struct ring_advice {
	struct reservation spare;	/* in whole us; none when there is no such unit at all */
	unsigned int broken;		/* the rules that it breaks; 0: it keeps the regime */
	int64_t slots;			/* L for a unit as large, if short periods are too costly; 0: no L helps */
};

/* (Qs,Ps): Ps <= min(X, target)/(beta (1-Us)), Qs = Us Ps, for a Us between rho and the room. */
struct ring_advice ring_advise(const struct ring *ring, const struct ring_terms *terms);

#endif
