// SPDX-License-Identifier: GPL-2.0
#include "observe/waits.h"

#include <math.h>

/* Below 64 ns a bucket a nanosecond; from there on the six bits behind the first say which of its factor of two. */
static unsigned int bucket_of(uint64_t ns)
{
	int shift;

	if (ns < WAITS_STEPS)
		return ns;
	shift = 63 - __builtin_clzll(ns) - 6;
	return shift * WAITS_STEPS + (ns >> shift);
}

static uint64_t middle_of(unsigned int bucket)
{
	int shift = bucket / WAITS_STEPS - 1;

	if (shift <= 0)
		return bucket;
	return ((uint64_t)(bucket % WAITS_STEPS + WAITS_STEPS) << shift) + ((1ull << shift) >> 1);
}

void waits_add(struct waits *waits, uint64_t ns)
{
	waits->nr++;
	waits->in[bucket_of(ns)]++;
	if (ns > waits->worst)
		waits->worst = ns;
}

uint64_t waits_quantile(const struct waits *waits, double share)
{
	/* The first has rank 1. */
	uint64_t rank = share > 0 ? ceil(share * waits->nr) : 1, seen = 0;
	unsigned int i;

	if (!waits->nr)
		return 0;
	for (i = 0; i < WAITS_BUCKETS; i++) {
		seen += waits->in[i];
		if (seen >= rank && waits->in[i])
			break;
	}
	if (i == WAITS_BUCKETS || middle_of(i) > waits->worst)
		return waits->worst;
	return middle_of(i);
}
