// SPDX-License-Identifier: GPL-2.0
/*
 * replay VMS RATE UNITS SEED SECONDS HOLD_US PERIOD_US: the events of a phase "cleared" of pool.c, for units without a kernel.
 * A loan lasts HOLD_US. If its VM is struck again meanwhile, the unit is drained: the VM answers when the unit is
 * refilled, PERIOD_US after the last time, and the loan lasts HOLD_US from then on. Prints REQUESTS,BLOCKED.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../lib/chance.h"
#include "../lib/poisson.h"

#define MAX_VMS		99

struct loan {
	double begin, end;		/* s */
};

static unsigned int count_busy(const struct loan *loans, unsigned int vms, double now)
{
	unsigned int busy = 0;

	for (unsigned int i = 0; i < vms; i++)
		busy += loans[i].end > now;
	return busy;
}

int main(int argc, char **argv)
{
	static struct loan loans[MAX_VMS];
	unsigned int vms, units, requests = 0, blocked = 0;
	double rate, seconds, hold, period;
	uint64_t seed;

	if (argc != 8 || strtoul(argv[1], NULL, 10) > MAX_VMS) {
		fprintf(stderr, "Usage: replay VMS RATE UNITS SEED SECONDS HOLD_US PERIOD_US, at most %d VMs\n", MAX_VMS);
		return 2;
	}
	vms = strtoul(argv[1], NULL, 10);
	rate = atof(argv[2]) * vms;
	units = strtoul(argv[3], NULL, 10);
	seed = strtoull(argv[4], NULL, 10);
	seconds = atof(argv[5]);
	hold = atof(argv[6]) / 1e6;
	period = atof(argv[7]) / 1e6;
	for (double now = poisson_gap(&seed, rate); now <= seconds; now += poisson_gap(&seed, rate)) {
		struct loan *loan = &loans[chance_of(&seed, vms)];

		if (loan->end > now) {
			loan->end = loan->begin + ceil((now - loan->begin) / period) * period + hold;
			continue;
		}
		requests++;
		if (count_busy(loans, vms, now) >= units)
			blocked++;
		else
			*loan = (struct loan){ now, now + hold };
	}
	printf("%u,%u\n", requests, blocked);
	return 0;
}
