// SPDX-License-Identifier: GPL-2.0
/*
 * neighbours JOBS [core]: others' jobs beside borrowers that are treated as badly as
 * can be. All are on CPU 1, or with CORE on the last CPU, whose sibling core scheduling
 * keeps apart.
 *
 * A pool (1,10) ms. Two borrowers (10,100) ms that compute for ever: a packet for
 * each every 0.1 to 0.5 ms, every packet an event (no reply ends a loan), and
 * between the packets their parameters and affinity change in place. Neighbours
 * of five periods, shorter and longer than the unit's; with core the last one is on
 * the sibling, with a cookie of its own. 0.10 + 0.20 + 0.60 is admitted, and 0.05
 * for the fair server, so EDF has room for each job (Liu and Layland 1973, theorem 7); for
 * threads of different cookies a core is one CPU.
 *
 * Prints TAP. A job is missed when it ends after its period. One that was charged more
 * than its runtime is promised nothing (an emulated CPU may stand still while a job
 * is on it): it is counted apart, and its debt is slept off.
 */
#define _GNU_SOURCE
#include "lab.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define US 1000LL
#define NEIGHBOURS 5

static const struct {
	int64_t work, runtime, period;	/* ns */
} kind[NEIGHBOURS] = {
	{ 200 * US, 250 * US, 3 * MS },
	{ 200 * US, 250 * US, 4 * MS },
	{ 450 * US, 500 * US, 6 * MS },
	{ 1950 * US, 2000 * US, 12 * MS },
	{ 4800 * US, 4900 * US, 24 * MS },
};

/* What each has done; shared. */
static struct record {
	int64_t jobs, misses, overruns, slack;	/* slack: the least left before a deadline, ns */
	int64_t began, ended, used, used_before;	/* of the last one that was missed, after its release; ns */
} *record;
static _Atomic int64_t *go;	/* when the first jobs are due */
static unsigned int number, failures;

static void report(bool passed, const char *name, long long value)
{
	printf("%sok %u - %s (%lld)\n", passed ? "" : "not ", ++number, name, value);
	fflush(stdout);
	failures += !passed;
}

static int64_t cpu_time(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void compute(void *unused)
{
	(void)unused;
	for (;;)
		;
}

static void work(void *data)
{
	int i = (int)(intptr_t)data;
	int64_t release, before, used_before = 0;
	unsigned int looks = 0;

	while (!*go)
		pause_ns(MS);
	before = cpu_time();
	for (release = *go;; release += kind[i].period) {
		struct timespec ts = { release / 1000000000, release % 1000000000 };
		int64_t began, used, slack;

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
		began = now() - release;
		while ((used = cpu_time() - before) < kind[i].work) {
			/* An emulated CPU keeps its turn, and its sibling stands still, until a PAUSE. */
			if (!(++looks % 64))
				__builtin_ia32_pause();
		}
		before += used;
		if (used > kind[i].runtime) {
			record[i].overruns++;
			release += used / kind[i].runtime * kind[i].period;
			continue;
		}
		slack = release + kind[i].period - now();
		if (slack < record[i].slack)
			record[i].slack = slack;
		if (slack < 0) {
			record[i].misses++;
			record[i].began = began;
			record[i].ended = kind[i].period - slack;
			record[i].used = used;
			record[i].used_before = used_before;
			release = now();	/* one fault is one miss */
		}
		used_before = used;
		record[i].jobs++;
	}
}

static void pin(pid_t pid, int first, int last)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(first, &cpus);
	CPU_SET(last, &cpus);
	if (sched_setaffinity(pid, sizeof(cpus), &cpus))
		die("affinity");
}

static void make(const char *group)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/fs/cgroup/%s", group);
	if (mkdir(path, 0755))
		die(group);
}

/* A root domain of one CPU, as dlspare makes it. */
static void partition(const char *group, int cpu)
{
	char text[16];

	make(group);
	snprintf(text, sizeof(text), "%d", cpu);
	put(group, "cpuset.cpus", text);
	put(group, "cpuset.cpus.exclusive", text);
	put(group, "cpuset.cpus.partition", "root");
}

static pid_t start_in(const char *group, void (*run)(void *), void *data, int64_t runtime, int64_t period)
{
	pid_t pid = child(run, data);

	join(group, pid);
	pause_ns(20 * MS);	/* it has to be there */
	reserve(pid, runtime, period);
	return pid;
}

static void cookie(pid_t pid)
{
	if (prctl(PR_SCHED_CORE, PR_SCHED_CORE_CREATE, pid, 0 /* the thread */, 0))
		die("PR_SCHED_CORE_CREATE");
}

static void share_cookie(pid_t from, pid_t to)
{
	if (prctl(PR_SCHED_CORE, PR_SCHED_CORE_SHARE_FROM, from, 0, 0) ||
	    prctl(PR_SCHED_CORE, PR_SCHED_CORE_SHARE_TO, to, 0, 0))
		die("PR_SCHED_CORE_SHARE");
}

static int64_t jobs_of_all(void)
{
	int64_t jobs = 0;

	for (int i = 0; i < NEIGHBOURS; i++)
		jobs += record[i].jobs;
	return jobs;
}

static long long sum_of_returns(void)
{
	static const char *const key[] = { "returned_own", "returned_unused", "returned_chances",
		"returned_sleep", "returned_reply", "returned_quiet", "returned_charge", "returned_gone" };
	long long sum = 0;

	for (size_t i = 0; i < sizeof(key) / sizeof(*key); i++)
		sum += stat_of("t", key[i]);
	return sum;
}

int main(int argc, char **argv)
{
	bool core = argc > 2 && !strcmp(argv[2], "core");
	int64_t jobs = argc > 1 ? atoll(argv[1]) : 0, told = 0, start = now();
	int cpu = core ? get_nprocs() - 1 : 1;
	long long requeues = 0, misses = 0, overruns = 0;
	struct tap tap[2];
	char text[64];
	pid_t borrower[2], pid;

	if (jobs < 1 || argc - 2 > core) {
		fprintf(stderr, "usage: neighbours JOBS [core]\n");
		return 2;
	}
	record = mmap(NULL, NEIGHBOURS * sizeof(*record) + sizeof(*go), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (record == MAP_FAILED)
		die("mmap");
	go = (_Atomic int64_t *)(record + NEIGHBOURS);
	for (int i = 0; i < NEIGHBOURS; i++)
		record[i].slack = INT64_MAX;
	put("", "cgroup.subtree_control", "+cpu +cpuset");
	partition("t", cpu);
	put("t", "cgroup.subtree_control", "+cpu");
	make("t/n");
	snprintf(text, sizeof(text), "1000 10000 cpus=%d", cpu);
	put("t", "cpu.spare.pool", text);
	for (int i = 0; i < 2; i++) {
		static const char *const group[] = { "t/a", "t/b" }, *const name[] = { "tapa", "tapb" };

		make(group[i]);
		tap[i] = tap_open(name[i]);
		put(group[i], "cpu.spare.borrow", "on reply=0");
		snprintf(text, sizeof(text), "+%s", name[i]);
		put(group[i], "cpu.spare.dev", text);
		borrower[i] = start_in(group[i], compute, NULL, 10 * MS, 100 * MS);
	}
	pin(0, 0, 0);
	if (core) {
		cookie(borrower[0]);
		share_cookie(borrower[0], borrower[1]);
	}
	for (int i = 0; i < NEIGHBOURS; i++) {
		bool sibling = core && i == NEIGHBOURS - 1;
		const char *group = sibling ? "u" : "t/n";

		if (sibling)
			partition(group, cpu - 1);
		pid = start_in(group, work, (void *)(intptr_t)i, kind[i].runtime, kind[i].period);
		if (sibling)
			cookie(pid);
		else if (core)
			share_cookie(borrower[0], pid);
	}
	srand48(1);
	*go = now() + 200 * MS;
	while (jobs_of_all() < jobs) {
		for (int i = 0; i < 2; i++) {
			tap_send(&tap[i]);
			reserve(borrower[i], 10 * MS - ((requeues >> 1) & 1) * 10 * US, 100 * MS);
			pin(borrower[i], (requeues & 4) ? cpu : 0, cpu);
			requeues++;
			pause_ns(100 * US + lrand48() % (400 * US));
		}
		if (jobs_of_all() >= told + 10000) {
			told = jobs_of_all();
			printf("# %lld jobs, %lld loans, %lld s\n", (long long)told, stat_of("t", "nr_borrows"),
			       (long long)((now() - start) / 1000000000));
			fflush(stdout);
		}
	}
	for (int i = 0; i < NEIGHBOURS; i++) {
		printf("# (%.1f,%.0f) ms: %lld jobs, %lld overran, %lld missed, the latest %.3f ms before its deadline\n",
		       kind[i].work / 1e6, kind[i].period / 1e6, (long long)record[i].jobs,
		       (long long)record[i].overruns, (long long)record[i].misses, record[i].slack / 1e6);
		if (record[i].misses)
			printf("# missed: began %.3f and ended %.3f ms after its release, used %.3f, the one before %.3f ms\n",
			       record[i].began / 1e6, record[i].ended / 1e6, record[i].used / 1e6,
			       record[i].used_before / 1e6);
		misses += record[i].misses;
		overruns += record[i].overruns;
	}
	report(!misses, "no neighbour has missed a deadline", misses);
	report(overruns * 100 <= jobs, "at most one of 100 has overrun its own budget", overruns);
	report(jobs_of_all() >= jobs, "in so many jobs", jobs_of_all());
	report(stat_of("t", "nr_dispatches") > jobs / 200, "beside so many dispatches on a unit", stat_of("t", "nr_dispatches"));
	report(requeues > jobs / 4, "and so many changes in place", requeues);
	put("t/a", "cpu.spare.borrow", "off");
	put("t/b", "cpu.spare.borrow", "off");
	report(sum_of_returns() == stat_of("t", "nr_borrows"), "each loan has ended once", sum_of_returns());
	printf("1..%u\n", number);
	return failures != 0;
}
