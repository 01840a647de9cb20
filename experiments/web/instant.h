// Time of CLOCK_MONOTONIC in ns, and chance that is the same on every machine.

#ifndef INSTANT_H
#define INSTANT_H

#include <stdint.h>

enum { US = 1000 }; // in ns

int64_t instant_now(void);

// Returns at once if it is past.
void instant_sleep_until(int64_t when);

// The next of splitmix64's numbers (S. Vigna, public domain), uniform in 0...2^64-1.
uint64_t chance_next(uint64_t *state);

// A time to the next arrival of a Poisson process of so many a second: at least 0 ns.
int64_t chance_gap(uint64_t *state, double rate);

#endif
