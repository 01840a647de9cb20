/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DLSPARE_CLOCK_H
#define DLSPARE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* CLOCK_MONOTONIC, say, in ns. */
static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static inline int64_t clock_ms(clockid_t clock)
{
	return clock_ns(clock) / 1000000;
}

#endif
