// SPDX-License-Identifier: GPL-2.0
/* Random numbers, the clock, what the kernel answered, and the last words. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "stress.h"

uint64_t seed, prng;
unsigned long operations, operation;
bool real_time, verbose;
struct op *current_op;

static uint64_t digest = 0xcbf29ce484222325;
static const char *what = "set-up";
static char words[256];

/* splitmix64, by Sebastiano Vigna, public domain: prng.di.unimi.it/splitmix64.c */
uint64_t next_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

uint32_t below_of(uint64_t *state, uint32_t n)
{
	return (next_random(state) >> 32) * n >> 32;
}

uint32_t below(uint32_t n)
{
	return below_of(&prng, n);
}

bool chance(uint32_t percent)
{
	return below(100) < percent;
}

int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

void pause_ns(int64_t ns)
{
	struct timespec ts = { ns / 1000000000, ns % 1000000000 };

	nanosleep(&ts, NULL);
}

/* Until when to wait: in real time an emulated CPU may be held up. */
int64_t patience(int64_t virtual_ms, int64_t real_ms)
{
	return now() + (real_time ? real_ms : virtual_ms) * MS;
}

/* FNV-1a: two runs of a seed can be compared without all their output. */
void record(const char *text)
{
	for (; *text; text++)
		digest = (digest ^ (unsigned char)*text) * 0x100000001b3;
}

uint64_t record_digest(void)
{
	return digest;
}

void dump_file(const char *path)
{
	char line[512];
	FILE *file = fopen(path, "r");

	printf("# %s:\n", path);
	while (file && fgets(line, sizeof(line), file))
		printf("#   %s", line);
	if (file)
		fclose(file);
}

/*
 * What was done last, put into words only when they are wanted: with --verbose the
 * clock, and so the run, is another one.
 */
#define LATEST 512
static struct {
	unsigned long operation;
	const char *name;
	char words[80];
	int err;
} latest[LATEST];
static unsigned int latest_next;

static void show_latest(void)
{
	for (unsigned int i = 0; i < LATEST; i++) {
		unsigned int k = (latest_next + i) % LATEST;

		if (latest[k].name)
			printf("# %lu %s %s: %d\n", latest[k].operation, latest[k].name,
			       latest[k].words, latest[k].err);
	}
}

/* What is done now. */
void begin(const char *name)
{
	what = name;
	words[0] = '\0';
}

/* To whom, and how. */
void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
}

void fail(const char *format, ...)
{
	va_list args;

	if (!verbose)
		show_latest();
	printf("FAILED seed %llu operation %lu (%s %s): ", (unsigned long long)seed,
	       operation, what, words);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n# replay: stress --verbose %llu %lu %s\n", (unsigned long long)seed,
	       operation + 1, real_time ? "real" : "virtual");
	fflush(stdout);
	exit(1);
}

/* For those that were done in another process. */
void outcome_of(struct op *op, int err)
{
	const int *allowed = op->allowed;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(op->outcome) - 1 && op->outcome[i].n && op->outcome[i].err != err; i++)
		;
	op->outcome[i].err = err;
	op->outcome[i].n++;
	if (!err)
		return;
	while (allowed && *allowed && *allowed != err)
		allowed++;
	if (!allowed || !*allowed)
		fail("unexpected in %s: %s", op->name, strerror(err));
}

/* The kernel answered @err to what was said. */
void outcome(int err)
{
	unsigned int k = latest_next++ % LATEST;

	latest[k].operation = operation;
	latest[k].name = current_op->name;
	latest[k].err = err;
	snprintf(latest[k].words, sizeof(latest[k].words), "%.79s", words);
	record(current_op->name);
	record(words);
	record((char[2]){ 1 + err, 0 });
	if (verbose) {
		printf("%lu %s %s: %d\n", operation, current_op->name, words, err);
		fflush(stdout);
	}
	outcome_of(current_op, err);
}

/* How many were accepted, or refused. */
unsigned long outcomes(const struct op *op, bool refused)
{
	unsigned long n = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(op->outcome); i++)
		if (!!op->outcome[i].err == refused)
			n += op->outcome[i].n;
	return n;
}

void show_outcomes(const struct op *op)
{
	for (; op->name; op++) {
		if (op->missing) {
			printf("# %-12s skipped: %s\n", op->name, op->missing);
			continue;
		}
		printf("# %-12s %6lld ms", op->name, (long long)(op->took / MS));
		for (unsigned int i = 0; i < ARRAY_SIZE(op->outcome) && op->outcome[i].n; i++)
			printf(" %s %lu", op->outcome[i].err ? strerrorname_np(op->outcome[i].err) : "ok",
			       op->outcome[i].n);
		printf("\n");
	}
}
