// What ringbench and ringvm have in common: their words, the area, the party in a thread of this process, and the results.

#ifndef BENCH_H
#define BENCH_H

#include <argp.h>
#include <stdbool.h>

#include "area.h"

struct bench_setup {
	int64_t L, kP, kC, messages, batch, loops;
	struct bench_party {
		int64_t work, start, sleep, combine, moderate, gap, spread, every, lookups, wait;
	} party[2];
	bool storms;
	const char *log; // a folder to write all samples to; NULL: none
};

// Arguments for argp_parse(): its input is the setup.
extern const struct argp bench_argp;
void bench_defaults(struct bench_setup *setup);

// Memory that children and guests share; ticks_per_us of the parties' clock.
struct area *bench_area(const struct bench_setup *setup, uint64_t ticks_per_us);

// A doorbell is an eventfd, for one who blocks on it.
struct bench_doorbells {
	int own, other;
};

// Runs a party here; CLOCK_MONOTONIC is now() unless it is given.
void bench_run(struct area *area, enum channel_party which, struct bench_doorbells *doorbells, uint64_t (*now)(void));
uint64_t bench_clock(void); // ns

// Is C of the one area and P of the other, on the clock of bench_run().
struct bench_link {
	struct area *area;
	struct bench_doorbells doorbells;
};
void bench_relay(struct bench_link *from, struct bench_link *to, uint64_t (*now)(void));

// NAME=VALUE lines of P of the one area and of C of the other, or the same, in ns; and their samples, when they were logged.
void bench_print(struct area *from, struct area *to, const struct bench_setup *setup, uint64_t ticks_per_us);

#endif
