// SPDX-License-Identifier: GPL-2.0
#include "host/cpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS (CPUS_MAX / 64)

#define NO_LIST "it must be numbers and ranges with commas between them, such as 0-3,8"

/* A CPU's number; what is too large comes back as CPUS_MAX. */
static bool take_cpu(const char **at, unsigned int *cpu)
{
	if (**at < '0' || **at > '9')
		return false;
	for (*cpu = 0; **at >= '0' && **at <= '9'; ++*at) {
		*cpu = *cpu * 10 + (**at - '0');
		if (*cpu > CPUS_MAX)
			*cpu = CPUS_MAX;
	}
	return true;
}

static bool take_range(const char **at, unsigned int *first, unsigned int *last, const char **rule)
{
	if (!take_cpu(at, first)) {
		*rule = NO_LIST;
		return false;
	}
	*last = *first;
	if (**at == '-') {
		++*at;
		if (!take_cpu(at, last)) {
			*rule = "a range needs a number after its '-'";
			return false;
		}
	}
	if (*first >= CPUS_MAX || *last >= CPUS_MAX) {
		_Static_assert(CPUS_MAX == 8192, "the rule names it");
		*rule = "the largest number is 8191";
		return false;
	}
	if (*last < *first) {
		*rule = "a range begins with its smaller number";
		return false;
	}
	return true;
}

bool cpus_parse(struct cpus *cpus, const char *text, const char **rule)
{
	struct cpus read = { 0 };
	unsigned int first, last;
	const char *at = text;
	bool more = *at;

	while (more) {
		if (!take_range(&at, &first, &last, rule))
			return false;
		for (unsigned int cpu = first; cpu <= last; cpu++)
			cpus_add(&read, cpu);
		more = *at == ',';
		at += more;
	}
	if (*at) {
		*rule = NO_LIST;
		return false;
	}
	*cpus = read;
	return true;
}

char *cpus_print(const struct cpus *cpus)
{
	char *text = NULL;
	size_t length;
	FILE *file;
	int first, end;

	file = open_memstream(&text, &length);
	if (!file)
		return NULL;
	for (first = cpus_next(cpus, 0); first >= 0; first = cpus_next(cpus, end)) {
		for (end = first + 1; cpus_has(cpus, end); end++)
			;
		fprintf(file, "%s%d", ftell(file) ? "," : "", first);
		if (end - 1 > first)
			fprintf(file, "-%d", end - 1);
	}
	if (fclose(file)) {
		free(text);
		return NULL;
	}
	return text;
}

void cpus_add(struct cpus *cpus, unsigned int cpu)
{
	if (cpu < CPUS_MAX)
		cpus->bits[cpu / 64] |= 1ull << cpu % 64;
}

bool cpus_has(const struct cpus *cpus, unsigned int cpu)
{
	return cpu < CPUS_MAX && cpus->bits[cpu / 64] >> cpu % 64 & 1;
}

bool cpus_empty(const struct cpus *cpus)
{
	return cpus_next(cpus, 0) < 0;
}

bool cpus_equal(const struct cpus *a, const struct cpus *b)
{
	return !memcmp(a->bits, b->bits, sizeof(a->bits));
}

bool cpus_overlap(const struct cpus *a, const struct cpus *b)
{
	for (int i = 0; i < WORDS; i++)
		if (a->bits[i] & b->bits[i])
			return true;
	return false;
}

bool cpus_within(const struct cpus *a, const struct cpus *b)
{
	for (int i = 0; i < WORDS; i++)
		if (a->bits[i] & ~b->bits[i])
			return false;
	return true;
}

unsigned int cpus_count(const struct cpus *cpus)
{
	unsigned int count = 0;

	for (int i = 0; i < WORDS; i++)
		count += __builtin_popcountll(cpus->bits[i]);
	return count;
}

int cpus_next(const struct cpus *cpus, int from)
{
	for (int cpu = from < 0 ? 0 : from; cpu < CPUS_MAX; cpu = (cpu | 63) + 1) {
		uint64_t rest = cpus->bits[cpu / 64] >> cpu % 64;

		if (rest)
			return cpu + __builtin_ctzll(rest);
	}
	return -1;
}

void cpus_unite(struct cpus *to, const struct cpus *from)
{
	for (int i = 0; i < WORDS; i++)
		to->bits[i] |= from->bits[i];
}

void cpus_subtract(struct cpus *to, const struct cpus *from)
{
	for (int i = 0; i < WORDS; i++)
		to->bits[i] &= ~from->bits[i];
}

void cpus_intersect(struct cpus *to, const struct cpus *with)
{
	for (int i = 0; i < WORDS; i++)
		to->bits[i] &= with->bits[i];
}
