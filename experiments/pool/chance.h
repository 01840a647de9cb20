/* SPDX-License-Identifier: GPL-2.0 */
/* Random numbers that are the same everywhere: all follows from the seed. */
#ifndef EXPERIMENTS_CHANCE_H
#define EXPERIMENTS_CHANCE_H

#include <math.h>
#include <stdint.h>

/* splitmix64: G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", 2014, figure 17. */
static inline uint64_t chance_next(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* Time to the next event of a Poisson process, in the unit of 1/rate. */
static inline double chance_gap(uint64_t *seed, double rate)
{
	return -log(((chance_next(seed) >> 11) + 1) * 0x1p-53) / rate;
}

/* One of n, 0..n-1; n is small. */
static inline unsigned int chance_of(uint64_t *seed, unsigned int n)
{
	return chance_next(seed) % n;
}

#endif
