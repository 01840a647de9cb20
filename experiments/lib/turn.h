// Turns of emulated CPUs: QEMU's TCG with a counted clock runs them one after the other, each until the next timer of any
// of them, up to 1 ms, unless it comes to a PAUSE. On a real CPU it is a rest of some ten cycles.
#ifndef TURN_H
#define TURN_H

#include "instant.h"

#include <stdnoreturn.h>

static inline void turn_end(void)
{
	__builtin_ia32_pause();
}

// Computes until that time, of instant.h.
static inline void turn_work_until(int64_t end)
{
	while (instant_now() < end)
		turn_end();
}

// Computes for ever in turns of a few microseconds.
static inline noreturn void turn_burn(void)
{
	for (;;) {
		for (volatile int loops = 0; loops < 1000; loops++)
			;
		turn_end();
	}
}

#endif
