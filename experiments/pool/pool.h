/* SPDX-License-Identifier: GPL-2.0 */
/* What a guest of pool.c shares with it; all counters begin at 0. */
#ifndef EXPERIMENTS_POOL_H
#define EXPERIMENTS_POOL_H

#include <stdint.h>

struct talk {
	volatile uint64_t begun;		/* host: compute from now on */
	volatile uint64_t asked;		/* host: events that it has sent */
	volatile uint64_t answered;		/* guest: of these, those that it has answered */
	volatile uint64_t answered_at;		/* TSC of the last answer */
	volatile uint64_t loops;		/* guest: what it computes */
};

#endif
