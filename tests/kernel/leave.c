// SPDX-License-Identifier: GPL-2.0
/*
 * What mainline loses when a thread leaves SCHED_DEADLINE, and the first patches of the series keep: the bandwidth of a thread
 * that sleeps, and the replenishment of one that is throttled. Run with --no-hrtick-dl: overruns make the second easy to meet.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lab.h"

static int number;
static int failures;

static void report(int good, const char *name)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++number, name);
	failures += !good;
}

/* 0: SCHED_OTHER */
static int set_class(pid_t pid, int64_t runtime, int64_t period)
{
	return set_attributes(pid, (struct attributes){
		.policy = runtime ? SCHED_DEADLINE : SCHED_OTHER,
		.runtime = runtime, .deadline = period, .period = period });
}

static void wait_ms(unsigned int ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * MS };

	while (nanosleep(&time, &time))
		;
}

/* One that computes on the first emulated CPU without a PAUSE leaves the others no turn (tests/testbed/README.md). */
static pid_t start(int spins)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	for (volatile unsigned int i = 0;; i++) {
		if (!spins)
			pause();
		else if (i % 4096 == 0)
			__builtin_ia32_pause();
	}
}

static void end(pid_t pid)
{
	set_class(pid, 0, 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* total_bw of the first root domain. */
static long long total_bandwidth(void)
{
	FILE *file = fopen("/sys/kernel/debug/sched/debug", "r");
	char line[256];
	long long bandwidth = -1;

	while (file && bandwidth < 0 && fgets(line, sizeof(line), file)) {
		char *at = strstr(line, "dl_bw->total_bw");

		if (at)
			sscanf(strchr(at, ':') + 1, "%lld", &bandwidth);
	}
	if (file)
		fclose(file);
	return bandwidth;
}

static void test_bandwidth(void)
{
	long long before = total_bandwidth();
	pid_t pid = start(0);
	int i, error = 0;

	for (i = 0; i < 10 && !error; i++) {
		error = set_class(pid, 40 * MS, 100 * MS);
		/* Longer than the 0-lag time of a new reservation. */
		wait_ms(250);
		if (!error)
			error = set_class(pid, 0, 0);
	}
	if (error)
		printf("# round %d: %s\n", i, strerror(-error));
	report(!error, "a sleeping thread is given a reservation ten times");
	end(pid);
	wait_ms(250);
	printf("# total_bw %lld before, %lld after\n", before, total_bandwidth());
	report(before > 0 && total_bandwidth() == before, "its bandwidth is given back each time");
}

static void test_replenishment(void)
{
	int64_t least = INT64_MAX, begin, ran;
	int i;

	for (i = 0; i < 10; i++) {
		pid_t pid = start(1);

		wait_ms(5);
		set_class(pid, 2 * MS, 400 * MS);
		/* Its budget is gone, and more than it, to the next tick. */
		wait_ms(20 + i);
		set_class(pid, 0, 0);
		/* The replenishment comes at 400 ms, and the 0-lag time after that by what it has overrun. */
		wait_ms(390 + 5 * i);
		set_class(pid, 2 * MS, 400 * MS);
		begin = cpu_time_of(pid);
		wait_ms(1000);
		ran = cpu_time_of(pid) - begin;
		if (ran < least)
			least = ran;
		end(pid);
	}
	printf("# of ten threads each ran %lld us or more in a second\n", (long long)least / 1000);
	report(least >= 2 * MS, "a thread that was away at its replenishment runs when it is back");
}

static int switch_cpu1(const char *state)
{
	return try_put("/sys/devices/system/cpu/cpu1/online", state);
}

/* A sleeper is on the CPU that it ran on last; its root domain may have none that is active. */
static void test_offline(void)
{
	const cpu_set_t cpu1 = { .__bits = { 2 } }, all = { .__bits = { 3 } };
	long long before;
	pid_t pid;
	int error;

	/* Who has just ended gives his back at his 0-lag time. */
	wait_ms(1000);
	before = total_bandwidth();
	pid = start(0);
	sched_setaffinity(pid, sizeof(cpu1), &cpu1);
	kill(pid, SIGSTOP);
	kill(pid, SIGCONT);
	wait_ms(50);
	sched_setaffinity(pid, sizeof(all), &all);
	error = -set_class(pid, 2 * MS, 100 * MS);
	wait_ms(250);
	error = error ? error : switch_cpu1("0");
	if (!error)
		error = -set_class(pid, 0, 0);
	switch_cpu1("1");
	if (error)
		printf("# %s\n", strerror(error));
	report(!error, "a thread that sleeps on a CPU that is offline leaves the class");
	end(pid);
	wait_ms(250);
	printf("# total_bw %lld before, %lld after\n", before, total_bandwidth());
	report(total_bandwidth() == before, "its bandwidth is given back, too");
}

/* What it would be given nobody would give back: its last context switch was before that. */
static void test_zombie(void)
{
	long long before;
	siginfo_t info;
	int error = 0;

	wait_ms(1000);
	before = total_bandwidth();
	for (int i = 0; i < 10 && (!error || error == -ESRCH); i++) {
		pid_t pid = start(0);

		kill(pid, SIGKILL);
		waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
		error = set_class(pid, 2 * MS, 100 * MS);
		waitpid(pid, NULL, 0);
	}
	if (error)
		printf("# %s\n", strerror(-error));
	report(error == -ESRCH, "a thread that is dead is given no reservation");
	wait_ms(250);
	printf("# total_bw %lld before, %lld after\n", before, total_bandwidth());
	report(before > 0 && total_bandwidth() == before, "and no bandwidth is lost");
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	test_bandwidth();
	test_replenishment();
	test_offline();
	test_zombie();
	printf("1..%d\n", number);
	return failures != 0;
}
