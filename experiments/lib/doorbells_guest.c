// SPDX-License-Identifier: GPL-2.0
/* Answers each ring of doorbell 0 with one, counts them, and computes or sleeps meanwhile. */
#include "guest.h"

#include "doorbells.h"

static struct doorbells *area;

static void answer(void)
{
	area->taken++;
	area->taken_at = guest_tsc();
	guest_ring(0);
}

/* Some microseconds: see turn.h. */
static void compute_once(void)
{
	for (int loops = 0; loops < 1000; loops++)
		area->loops++;
	guest_relax();
}

static void sleep_once(void)
{
	guest_disable();
	if (!area->stop)
		guest_halt();
	guest_enable();
}

void guest_main(void *shared)
{
	area = shared;
	guest_on_doorbell(0, answer);
	guest_enable();
	while (!area->stop) {
		if (area->sleeps)
			sleep_once();
		else
			compute_once();
	}
	guest_exit(DOORBELLS_STATUS);
}
