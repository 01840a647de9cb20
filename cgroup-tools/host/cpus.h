/* SPDX-License-Identifier: GPL-2.0 */
/* Sets of CPUs (and of vCPUs) in the kernel's list format: "0-3,8". */
#ifndef DLSPARE_CPUS_H
#define DLSPARE_CPUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* NR_CPUS of Debian's kernel. */
#define CPUS_MAX 8192

struct cpus {
	uint64_t bits[CPUS_MAX / 64];
};

/* Reads a list; "" is the empty set. False: *rule says what the text breaks; the set is untouched. */
bool cpus_parse(struct cpus *cpus, const char *text, const char **rule);

/* Returns the list as a new text, to be freed; NULL without memory. */
char *cpus_print(const struct cpus *cpus);

void cpus_add(struct cpus *cpus, unsigned int cpu);
bool cpus_has(const struct cpus *cpus, unsigned int cpu);
bool cpus_empty(const struct cpus *cpus);
bool cpus_equal(const struct cpus *a, const struct cpus *b);
bool cpus_overlap(const struct cpus *a, const struct cpus *b);
/* Is a part of b? */
bool cpus_within(const struct cpus *a, const struct cpus *b);
unsigned int cpus_count(const struct cpus *cpus);
/* The first member from `from` on, or -1. */
int cpus_next(const struct cpus *cpus, int from);
/* *to gets from's members, or loses them, or keeps those alone that with has too. */
void cpus_unite(struct cpus *to, const struct cpus *from);
void cpus_subtract(struct cpus *to, const struct cpus *from);
void cpus_intersect(struct cpus *to, const struct cpus *with);

#endif
