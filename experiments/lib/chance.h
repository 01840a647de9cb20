/* SPDX-License-Identifier: GPL-2.0 */
/* Random numbers that are the same everywhere: all follows from the seed. Without floating point, for guests too. */
#ifndef EXPERIMENTS_CHANCE_H
#define EXPERIMENTS_CHANCE_H

#include <stdint.h>

/*
 * Uniform in 0..2^64-1. splitmix64: G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", 2014,
 * figure 17; S. Vigna's form, public domain.
 */
static inline uint64_t chance_next(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* One of n, 0..n-1; n is small. */
static inline unsigned int chance_of(uint64_t *seed, unsigned int n)
{
	return chance_next(seed) % n;
}

/* 0 to below limit. */
static inline int64_t chance_below(uint64_t *seed, int64_t limit)
{
	return (unsigned __int128)chance_next(seed) * (uint64_t)limit >> 64;
}

#endif
