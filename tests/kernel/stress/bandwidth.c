// SPDX-License-Identifier: GPL-2.0
/* The bandwidth that the scheduler accounts is that of what was configured. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include "stress.h"

/* What the kernel says of a CPU; tests/testbed/debug/ has it say so. */
struct bandwidth {
	bool seen;
	unsigned long long total, this_bw, running;
	int uncounted;			/* by rq->nr_running */
	unsigned int span;
};

static void read_bandwidth(struct bandwidth *bw)
{
	char text[2048], list[32], *line, *rest = text;
	struct bandwidth one = { .seen = true };
	unsigned int cpu;

	memset(bw, 0, CPUS_MAX * sizeof(*bw));
	get(DEBUGFS "dl_bandwidth", text, sizeof(text));
	while ((line = strsep(&rest, "\n")) && *line) {
		if (sscanf(line, "cpu=%u total_bw=%llu this_bw=%llu running_bw=%llu uncounted=%d span=%31s",
			   &cpu, &one.total, &one.this_bw, &one.running, &one.uncounted, list) != 6 || cpu >= CPUS_MAX)
			fail("dl_bandwidth has the line '%s'", line);
		if (one.uncounted)
			fail("CPU %u: nr_running is %d less than what the classes have", cpu, one.uncounted);
		one.span = cpu_list(list);
		bw[cpu] = one;
	}
}

static void count_pool(const char *path, void *units)
{
	unsigned long long runtime, period, *of_cpu = units;
	char text[128], list[64];
	unsigned int n, mask;

	get(path, text, sizeof(text));
	if (sscanf(text, "%llu %llu units=%u cpus=%63s", &runtime, &period, &n, list) != 4)
		return;
	mask = cpu_list(list);
	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++)
		if (mask & 1 << cpu)
			of_cpu[cpu] += n * to_ratio(period * 1000, runtime * 1000);
}

/* The bandwidth of the servers of each CPU, as configured now. */
static void expected_bandwidth(unsigned long long *fair, unsigned long long *units)
{
	unsigned long long runtime;
	char path[96];

	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++) {
		snprintf(path, sizeof(path), DEBUGFS "fair_server/cpu%u/runtime", cpu);
		runtime = read_number(path);
		snprintf(path, sizeof(path), DEBUGFS "fair_server/cpu%u/period", cpu);
		fair[cpu] = to_ratio(read_number(path), runtime);
		units[cpu] = 0;
	}
	for (int i = 0; i < GROUPS; i++)
		if (groups[i].exists)
			count_pool(path_of(i, "cpu.spare.pool"), units);
	writers_pools(count_pool, units);
}

/*
 * What root domains have beyond what was given to servers and living threads.
 * Threads that left their class still count until their 0-lag time.
 */
long long bandwidth_beyond(void)
{
	unsigned long long fair[CPUS_MAX], units[CPUS_MAX];
	struct bandwidth bw[CPUS_MAX];
	unsigned int seen = 0;
	long long beyond = 0;

	expected_bandwidth(fair, units);
	read_bandwidth(bw);
	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++) {
		if (!bw[cpu].seen)
			continue;
		if (!(seen & 1 << cpu))
			beyond += bw[cpu].total;
		seen |= bw[cpu].span;
		beyond -= fair[cpu] + units[cpu];
	}
	for (int i = 0; i < crowd; i++)
		if (alive(i))
			beyond -= slots[i].bw + slots[i].twin_bw;
	if (boosters[0])
		beyond -= to_ratio(BOOSTER_PERIOD, BOOSTER_RUNTIME);
	return beyond;
}

void show_bandwidth(void)
{
	unsigned long long fair[CPUS_MAX], units[CPUS_MAX];
	struct bandwidth bw[CPUS_MAX];

	expected_bandwidth(fair, units);
	read_bandwidth(bw);
	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++)
		printf("# CPU %u: fair server %llu, units %llu; total_bw %llu, this_bw %llu, running_bw %llu, span %#x\n",
		       cpu, fair[cpu], units[cpu], bw[cpu].total, bw[cpu].this_bw, bw[cpu].running, bw[cpu].span);
}

/* To find where bandwidth is lost: says whenever that changes. */
void audit_bandwidth(void)
{
	static long long last;
	long long beyond = bandwidth_beyond();

	if (beyond != last)
		printf("# after operation %lu (%s): %lld beyond what was given\n",
		       operation, current_op->name, beyond);
	last = beyond;
}

/* Says in @wrong what is not as it must be, with no borrower alive. */
static bool bandwidth_is_exact(char *wrong, size_t size)
{
	unsigned long long fair[CPUS_MAX], units[CPUS_MAX];
	struct bandwidth bw[CPUS_MAX];
	size_t n = 0;

	expected_bandwidth(fair, units);
	read_bandwidth(bw);
	for (unsigned int cpu = 0; cpu < nr_cpus && n < size; cpu++) {
		unsigned long long total = 0;

		if (bw[cpu].seen != online[cpu])
			n += snprintf(wrong + n, size - n, " CPU %u is not as set;", cpu);
		if (!online[cpu])
			continue;
		for (unsigned int k = 0; k < nr_cpus; k++)
			if (bw[cpu].span & 1 << k && online[k])
				total += fair[k] + units[k];
		if (n < size && bw[cpu].total != total)
			n += snprintf(wrong + n, size - n, " total_bw of CPU %u is %llu, its servers have %llu (span %#x);",
				      cpu, bw[cpu].total, total, bw[cpu].span);
		if (n < size && bw[cpu].this_bw != fair[cpu] + units[cpu])
			n += snprintf(wrong + n, size - n, " this_bw of CPU %u is %llu, its servers have %llu + %llu;",
				      cpu, bw[cpu].this_bw, fair[cpu], units[cpu]);
		/* The fair server may be at work for somebody. */
		if (n < size && bw[cpu].running && bw[cpu].running != fair[cpu])
			n += snprintf(wrong + n, size - n, " running_bw of CPU %u is %llu, of which the fair server %llu;",
				      cpu, bw[cpu].running, fair[cpu]);
	}
	return !n;
}

void check_bandwidth(const char *when)
{
	char wrong[800] = "";
	int64_t began = now(), end = began + 3000 * MS;

	while (!bandwidth_is_exact(wrong, sizeof(wrong))) {
		if (now() > end) {
			show_slots();
			fail("%s:%s", when, wrong);
		}
		pause_ns(10 * MS);
	}
	if (*wrong && now() > began + 100 * MS)
		printf("# %s: bandwidth exact after %lld ms more:%s\n", when, (long long)((now() - began) / MS), wrong);
}
