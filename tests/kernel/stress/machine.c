// SPDX-License-Identifier: GPL-2.0
/* The machine: CPUs, partitions, limits. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "stress.h"

unsigned int nr_cpus, first_cpu, last_cpu;
bool online[CPUS_MAX], rt_unlimited, own_cpus, smt;

static char cpus_of_t[8];

unsigned int all_cpus(void)
{
	return (1U << nr_cpus) - 1;
}

bool any_offline(void)
{
	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++)
		if (!online[cpu])
			return true;
	return false;
}

unsigned int cpu_list(const char *text)
{
	unsigned int mask = 0;
	char *end;

	while (*text >= '0' && *text <= '9') {
		int from = strtol(text, &end, 10), to = from;

		if (*end == '-')
			to = strtol(end + 1, &end, 10);
		while (from <= to)
			mask |= 1U << from++;
		text = *end == ',' ? end + 1 : end;
	}
	return mask;
}

int set_online(unsigned int cpu, bool on)
{
	char path[64];
	int err;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/online", cpu);
	err = put(path, on ? "1" : "0");
	if (!err)
		online[cpu] = on;
	return err;
}

static int put_fair_server(unsigned int cpu, const char *what, int64_t ns)
{
	char path[96], text[24];

	snprintf(path, sizeof(path), DEBUGFS "fair_server/cpu%u/%s", cpu, what);
	snprintf(text, sizeof(text), "%lld", (long long)ns);
	return put(path, text);
}

/* Of each FAIR_PERIOD. EBUSY where units and reservations leave less. */
int set_fair_server(unsigned int cpu, int64_t runtime)
{
	return put_fair_server(cpu, "runtime", runtime);
}

/*
 * Mainline defers the fair server anew each time a plain thread wakes up, and gives it a
 * period from then: a writer that waits for locks of threads beside one that reclaims all
 * of a CPU would go on once in 2 s. So the period is a tenth of the default, at the same 5 %.
 */
static void hasten_fair_servers(void)
{
	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++)
		if (put_fair_server(cpu, "runtime", FAIR_RUNTIME) || put_fair_server(cpu, "period", FAIR_PERIOD))
			fail("the fair server of CPU %u cannot be set", cpu);
}

/* All CPUs, and the partitions as they were at the start. */
void machine_restore(void)
{
	for (unsigned int cpu = 1; cpu < nr_cpus; cpu++)
		if (!online[cpu] && set_online(cpu, true))
			fail("CPU %u does not come back", cpu);
	must_put(path_of(OWN_CPUS, "cpuset.cpus.partition"), "member");
	/* None at all is refused to a group with threads. */
	must_put(path_of(OWN_CPUS, "cpuset.cpus"), cpus_of_t);
	own_cpus = false;
	must_put(path_of(0, "cpuset.cpus"), cpus_of_t);
	must_put(path_of(0, "cpuset.cpus.partition"), "root");
}

/*
 * This program and its writers have CPU 0, and the last, or, where processors have
 * threads, the whole of the first core: nobody's cookie keeps them from running.
 */
void machine_set_up(void)
{
	char text[64];

	nr_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	get("/sys/devices/system/cpu/cpu0/topology/thread_siblings_list", text, sizeof(text));
	smt = cpu_list(text) != 1;
	if (nr_cpus < (smt ? 6 : 4) || nr_cpus > CPUS_MAX)
		fail("%u CPUs", nr_cpus);
	first_cpu = smt ? 2 : 1;
	last_cpu = smt || nr_cpus == 4 ? nr_cpus - 1 : nr_cpus - 2;
	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++)
		online[cpu] = true;
	hasten_fair_servers();
	snprintf(cpus_of_t, sizeof(cpus_of_t), "%u-%u", first_cpu, last_cpu);
	must_put(path_of(0, "cpuset.cpus"), cpus_of_t);
	must_put(path_of(0, "cpuset.cpus.partition"), "root");
}
