// SPDX-License-Identifier: GPL-2.0
/*
 * law VMS RATE HOLD_US UNITS: what is expected when each VM is struck RATE times a second and a loan is held for so long
 * (on average, as measured). Prints on one line, without names
 *   erlang_b engset          an event that finds all units on loan is lost
 *   erlang_c palm constant   it waits; the loans' length is exponential, exponential, constant
 *   and the mean wait in us over all of these last three
 * Erlang's are for any number of VMs, the others for so many of which each has one loan at a time.
 *
 * palm: C. Palm 1943, the "machine repair" model: VMS sources, of which each asks RATE times a second when it has
 * nothing and waits for nothing; who asks sees the others as if there were one source less (Sevcik, Mitrani 1981).
 * constant: no formula is known; a simulation of 4 million events.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "plan/erlang.h"
#include "../lib/chance.h"
#include "../lib/poisson.h"

#define MAX_VMS		99
#define MAX_UNITS	64
#define EVENTS		4000000

struct law {
	unsigned int vms, units;
	double rate, hold;		/* 1/s, s */
};

struct waiting {
	double probability, mean;	/* s, over all requests */
};

/* --- exponential --- */

/* The number of the others that have a loan or wait: weight k is C(VMS-1,k) a^k, a queue's from k = units on. */
static struct waiting palm(const struct law *law)
{
	double weight = 1, sum = 0, waits = 0, wait = 0;

	for (unsigned int k = 0; k < law->vms; k++) {
		unsigned int served = k + 1 < law->units ? k + 1 : law->units;

		sum += weight;
		if (k >= law->units) {
			waits += weight;
			wait += weight * (k - law->units + 1) * law->hold / law->units;
		}
		weight *= (law->vms - 1 - k) * law->rate * law->hold / served;
	}
	return (struct waiting){ waits / sum, wait / sum };
}

/* --- constant --- */

struct pool {
	double ends[MAX_VMS];		/* of a VM's loan; < 0: it has none, and does not wait */
	double asked[MAX_VMS];
	unsigned int queue[MAX_VMS], first, length;
	unsigned int borrowers[MAX_UNITS], busy;
};

/* The unit whose loan ends first. */
static unsigned int next_end(const struct pool *pool)
{
	unsigned int next = 0;

	for (unsigned int i = 1; i < pool->busy; i++)
		if (pool->ends[pool->borrowers[i]] < pool->ends[pool->borrowers[next]])
			next = i;
	return next;
}

static void end_loan(struct pool *pool, unsigned int unit, double hold, double *waited)
{
	unsigned int vm = pool->borrowers[unit];
	double now = pool->ends[vm];

	pool->ends[vm] = -1;
	if (!pool->length) {
		pool->borrowers[unit] = pool->borrowers[--pool->busy];
		return;
	}
	vm = pool->borrowers[unit] = pool->queue[pool->first];
	pool->first = (pool->first + 1) % MAX_VMS;
	pool->length--;
	pool->ends[vm] = now + hold;
	*waited += now - pool->asked[vm];
}

/*
 * An event during a loan is answered too, and makes it last until a hold after that: so the mean length of a loan is
 * (exp(rate hold) - 1) / rate, which is the one that was measured.
 */
static struct waiting constant(const struct law *law)
{
	double hold = log1p(law->rate * law->hold) / law->rate, now = 0, waited = 0;
	uint64_t seed = 0, requests = 0, waits = 0;
	struct pool pool = { 0 };

	for (unsigned int i = 0; i < law->vms; i++)
		pool.ends[i] = -1;
	for (uint64_t i = 0; i < EVENTS; i++) {
		unsigned int vm = chance_of(&seed, law->vms), unit;

		now += poisson_gap(&seed, law->rate * law->vms);
		while (pool.busy && pool.ends[pool.borrowers[unit = next_end(&pool)]] <= now)
			end_loan(&pool, unit, hold, &waited);
		if (pool.ends[vm] == INFINITY)
			continue;		/* it waits already */
		if (pool.ends[vm] >= 0) {
			pool.ends[vm] = now + hold;
			continue;
		}
		requests++;
		if (pool.busy < law->units) {
			pool.borrowers[pool.busy++] = vm;
			pool.ends[vm] = now + hold;
			continue;
		}
		waits++;
		pool.asked[vm] = now;
		pool.ends[vm] = INFINITY;
		pool.queue[(pool.first + pool.length++) % MAX_VMS] = vm;
	}
	return (struct waiting){ (double)waits / requests, waited / requests };
}

int main(int argc, char **argv)
{
	struct waiting exponential, equal;
	struct law law;
	double load;

	if (argc != 5) {
		fputs("Usage: law VMS RATE HOLD_US UNITS\n", stderr);
		return 2;
	}
	law = (struct law){
		.vms = strtoul(argv[1], NULL, 10), .rate = atof(argv[2]),
		.hold = atof(argv[3]) / 1e6, .units = strtoul(argv[4], NULL, 10),
	};
	if (law.vms < 1 || law.vms > MAX_VMS || law.units < 1 || law.units > MAX_UNITS || law.rate <= 0 || law.hold <= 0) {
		fprintf(stderr, "law: VMS is 1..%d, UNITS 1..%d, RATE and HOLD_US are positive\n", MAX_VMS, MAX_UNITS);
		return 2;
	}
	load = law.vms * law.rate * law.hold;
	exponential = palm(&law);
	equal = constant(&law);
	printf("%.6f,%.6f,%.6f,%.6f,%.6f,%.1f,%.1f,%.1f\n", erlang_blocking(load, law.units),
	       erlang_engset(law.vms, load, law.units), erlang_waiting(load, law.units), exponential.probability,
	       equal.probability, erlang_wait(load, law.units, law.hold) * 1e6, exponential.mean * 1e6,
	       equal.mean * 1e6);
	return 0;
}
