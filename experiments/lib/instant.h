// Time of CLOCK_MONOTONIC in ns.

#ifndef INSTANT_H
#define INSTANT_H

#include <stdint.h>

enum { US = 1000 }; // in ns

int64_t instant_now(void);

// Returns at once if it is past.
void instant_sleep_until(int64_t when);

#endif
