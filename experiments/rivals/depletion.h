// The instant at which a vCPU has used up its budget, whatever its class: it is switched out although it could run, and
// its CPU goes idle. Nothing else may want that CPU. The kernel's trace tells it, so nobody has to spin for it.

#ifndef DEPLETION_H
#define DEPLETION_H

#include <stdbool.h>

struct depletion {
	int pipe, on; // of the tracer: what it tells, and whether it does
};

// The folder of the tracer (/sys/kernel/tracing). The event and its filter are set by whoever knows the vCPU and its
// CPU; recording is off. False and errno.
bool depletion_open(struct depletion *depletion, const char *folder);

// Records from now on and returns at the first depletion, some ten microseconds after it. False: none in TIMEOUT_MS.
bool depletion_wait(const struct depletion *depletion, int timeout_ms);

#endif
