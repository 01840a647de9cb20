// SPDX-License-Identifier: GPL-2.0
/* Answers each ring of doorbell 0 with one, counts them, and computes without a pause meanwhile. */
#include "guest.h"

#include "doorbells.h"

static struct doorbells *area;

static void answer(void)
{
	area->taken++;
	area->taken_at = guest_tsc();
	guest_ring(0);
}

void guest_main(void *shared)
{
	area = shared;
	guest_on_doorbell(0, answer);
	guest_enable();
	while (!area->stop) {
		guest_disable();
		if (area->sleeps && !area->stop)
			guest_halt();
		guest_enable();
		area->loops++;
	}
	guest_exit(DOORBELLS_STATUS);
}
