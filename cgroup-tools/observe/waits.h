/* SPDX-License-Identifier: GPL-2.0 */
/* How long many events waited: as many as there are, in little memory. */
#ifndef DLSPARE_OBSERVE_WAITS_H
#define DLSPARE_OBSERVE_WAITS_H

#include <stdint.h>

/* Each factor of two in so many buckets of the same width: a quantile is at most 1/128 from what was added. */
#define WAITS_STEPS 64
#define WAITS_BUCKETS (59 * WAITS_STEPS)

struct waits {
	uint64_t nr;
	uint64_t worst;			/* ns, exact */
	uint32_t in[WAITS_BUCKETS];
};

void waits_add(struct waits *waits, uint64_t ns);

/* The wait that this share, 0 to 1, of them did not exceed; 0 when there are none. */
uint64_t waits_quantile(const struct waits *waits, double share);

#endif
