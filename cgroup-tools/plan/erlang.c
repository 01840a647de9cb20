// SPDX-License-Identifier: GPL-2.0
#include "plan/erlang.h"

#include <math.h>

double erlang_load(unsigned int vms, double rate, struct fraction share, double hold)
{
	return vms * rate * (1 - fraction_double(share)) * hold;
}

double erlang_blocking(double load, unsigned int units)
{
	double blocking = 1;

	for (unsigned int m = 1; m <= units; m++)
		blocking = load * blocking / (m + load * blocking);
	return blocking;
}

double erlang_engset(unsigned int vms, double load, unsigned int units)
{
	double blocking = 1, offered;

	if (units >= vms)
		return 0;
	for (unsigned int m = 1; m <= units; m++) {
		offered = (vms - m) * load / vms * blocking;
		blocking = offered / (m + offered);
	}
	return blocking;
}

double erlang_waiting(double load, unsigned int units)
{
	double blocking = erlang_blocking(load, units);

	return load < units ? units * blocking / (units - load * (1 - blocking)) : 1;
}

double erlang_palm(unsigned int vms, double load, unsigned int units)
{
	double weight = 1, sum = 0, waits = 0;

	for (unsigned int k = 0; k < vms; k++) {
		sum += weight;
		if (k >= units)
			waits += weight;
		weight *= (vms - 1 - k) * load / vms / (k < units ? k + 1 : units);
	}
	return waits ? waits / sum : 0;
}

double erlang_offered(unsigned int vms, double on_loan, double waiting)
{
	double idle = vms - on_loan - waiting;

	if (!on_loan)
		return 0;
	return idle > 0 ? vms * on_loan / idle : INFINITY;
}

double erlang_likely(double load, double requests)
{
	return load * (1 + 2 / sqrt(requests > 1 ? requests : 1));
}

double erlang_wait(double load, unsigned int units, double hold)
{
	return load < units ? erlang_waiting(load, units) * hold / (units - load) : INFINITY;
}

unsigned int erlang_units(double load, double target, unsigned int most)
{
	for (unsigned int m = 1; m <= most; m++)
		if (erlang_blocking(load, m) <= target)
			return m;
	return 0;
}

unsigned int erlang_units_engset(unsigned int vms, double load, double target, unsigned int most)
{
	for (unsigned int m = 1; m <= most; m++)
		if (erlang_engset(vms, load, m) <= target)
			return m;
	return 0;
}

unsigned int erlang_units_palm(unsigned int vms, double load, double target, unsigned int most)
{
	for (unsigned int m = 1; m <= most; m++)
		if (erlang_palm(vms, load, m) <= target)
			return m;
	return 0;
}
