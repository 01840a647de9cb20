/* SPDX-License-Identifier: GPL-2.0 */
/* Events at random. */
#ifndef EXPERIMENTS_POISSON_H
#define EXPERIMENTS_POISSON_H

#include <math.h>

#include "chance.h"

/* Time to the next event of a Poisson process, in the unit of 1/rate: 0 or more. */
static inline double poisson_gap(uint64_t *seed, double rate)
{
	return -log(((chance_next(seed) >> 11) + 1) * 0x1p-53) / rate;	/* of 2^-53..1 */
}

#endif
