/* SPDX-License-Identifier: GPL-2.0 */
/* What the guest of doorbells.c shares with it. */
#ifndef EXPERIMENTS_DOORBELLS_H
#define EXPERIMENTS_DOORBELLS_H

#include <stdint.h>

#define DOORBELLS_STATUS	42

struct doorbells {
	volatile uint64_t taken;		/* rings that the guest has answered */
	volatile uint64_t taken_at;		/* TSC of the last one */
	volatile uint64_t loops;
	volatile uint32_t sleeps;		/* the host: halt in place of computing */
	volatile uint32_t stop;			/* the host: exit */
};

#endif
