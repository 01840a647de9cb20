// The guest of ringvm: one party of the ring, and a batch load that runs whenever that has nothing to do.

#include "area.h"
#include "../lib/guest.h"

static struct area *area;
static volatile uint64_t rung, interrupts;

static void take_ring(void)
{
	rung = 1;
	interrupts++;
}

// Looks at the clock or the flag of its caller again after a while.
static void compute(void)
{
	for (uint64_t loops = area->batch; loops; loops--)
		asm volatile("");
	area->batches++;
	guest_relax();
}

static void rest(void *data)
{
	(void)data;
	if (area->replies)
		guest_ring(1);
	while (!rung) {
		if (area->batch) {
			compute();
			continue;
		}
		guest_disable();
		if (!rung)
			guest_halt();
		guest_enable();
	}
	rung = 0;
}

// It has no timer: so it computes until then in any case.
static void idle(void *data, uint64_t when)
{
	(void)data;
	while (guest_tsc() < when)
		compute();
}

static void ring(void *data)
{
	(void)data;
	guest_ring(0);
}

void guest_main(void *shared)
{
	const struct party_place here = { guest_tsc, guest_relax, ring, rest, idle, &interrupts, 0 };
	enum channel_party which;

	area = shared;
	which = area->guest_is;
	guest_on_doorbell(0, take_ring);
	guest_enable();
	area->ready++;
	while (!area->go)
		compute();
	area->running++;
	area_locate(area, which);
	party_run(&area->party[which], which, &area->channel, area_begun(area), &here);
	area->ended++;
	// The other party may still ring it, and who runs beside it reckons with its load.
	for (;;)
		rest(0);
}
