// splitmix64, S. Vigna, public domain: the same numbers from the same seed everywhere.

#ifndef RANDOM_H
#define RANDOM_H

#include <stdint.h>

static inline uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

// 0 to below limit.
static inline int64_t random_below(uint64_t *state, int64_t limit)
{
	return (unsigned __int128)random_next(state) * (uint64_t)limit >> 64;
}

#endif
