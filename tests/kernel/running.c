// SPDX-License-Identifier: GPL-2.0
/*
 * What mainline does to a SCHED_DEADLINE thread that runs, and the first patches of
 * the series mend: it is not stopped when it is throttled where it stands, nor when
 * it leaves the class while others of the class wait. Nor is a plain thread that has
 * come before those by the fair server, when it loses that, or the server is switched off. For one CPU.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lab.h"

#define ROUNDS 20
#define PERIOD (100 * MS)
#define FAIR_SERVER "/sys/kernel/debug/sched/fair_server/cpu0/"

/* What the threads of a test tell each other. */
struct shared {
	int64_t start;		/* of the first period */
	int64_t ran[ROUNDS];
	volatile int round;
	volatile int others;		/* how often the other has run */
	volatile int armed;		/* the fair server is on */
};

static struct shared *shared;
static int number, failures;

static void report(int good, const char *name)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++number, name);
	failures += !good;
}

static int set_class(pid_t pid, uint32_t policy, int64_t runtime, int64_t deadline, int64_t period)
{
	return set_attributes(pid, (struct attributes){
		.policy = policy, .priority = policy == SCHED_FIFO ? 50 : 0,
		.runtime = runtime, .deadline = deadline, .period = period });
}

static void sleep_until(int64_t at)
{
	struct timespec time = { at / (1000 * MS), at % (1000 * MS) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR)
		;
}

static void end(pid_t pid)
{
	if (kill(pid, SIGKILL) || waitpid(pid, NULL, 0) != pid)
		die("end of a child");
}

/* Runs for 7 ms of each period, from @data ns after its beginning on, with an earlier deadline than late(). */
static void be_first(void *data)
{
	int64_t at, delay = *(int64_t *)data;

	if (set_class(0, SCHED_DEADLINE, 8 * MS, 8 * MS, PERIOD))
		die("sched_setattr");
	for (int64_t i = 0;; i++) {
		sleep_until(shared->start + i * PERIOD + delay);
		for (at = now(); now() - at < 7 * MS;)
			;
	}
}

/* Its deadline is over when it comes to run, and then it sets its parameters. */
static void late(void *unused)
{
	int64_t last, at;

	(void)unused;
	if (set_class(0, SCHED_DEADLINE, 5 * MS, 10 * MS, PERIOD))
		die("sched_setattr");
	sleep_until(shared->start);
	last = now();
	/* What is set again as it is changes nothing. Its CPU clock stands still while nobody is charged. */
	for (int i = 0;; i++) {
		if (set_class(0, SCHED_DEADLINE, 5 * MS - i % 2 * 1000, 10 * MS, PERIOD))
			die("sched_setattr");
		at = now();
		if (at - last < MS)
			shared->ran[0] += at - last;
		last = at;
	}
}

static void spin(void *unused)
{
	(void)unused;
	for (;;)
		;
}

static void test_late(void)
{
	int64_t delay[] = { MS, 3 * MS / 2 }, time, ran, had;
	pid_t first[2], pid, neighbour;

	/* By then the first period of those that come before it is over. */
	shared->start = now() + 2 * PERIOD;
	for (int i = 0; i < 2; i++)
		first[i] = child(be_first, &delay[i]);
	neighbour = child(spin, NULL);
	reserve(neighbour, 30 * MS, PERIOD);
	pid = child(late, NULL);
	sleep_until(shared->start);
	had = cpu_time_of(neighbour);
	time = now();
	pause_ns(ROUNDS * PERIOD);
	ran = shared->ran[0];
	had = cpu_time_of(neighbour) - had;
	time = now() - time;
	end(pid);
	end(neighbour);
	end(first[0]);
	end(first[1]);
	printf("# 5 ms in 100, with a deadline that others keep it from, ran %lld of %lld us; who waits with 30 ms %lld us\n",
	       (long long)ran / 1000, (long long)time / 1000, (long long)had / 1000);
	report(ran > MS && ran < (time / PERIOD + 1) * 5 * MS,
	       "a thread that is throttled in its place does not run on nobody's budget");
	report(had > (time / PERIOD - 1) * 30 * MS, "and who waits behind it has its own");
}

static void be_behind(void *data)
{
	char byte;

	while (read(*(int *)data, &byte, 1) == 1)
		shared->others++;
}

/* From the class to SCHED_FIFO while another of the class, whose deadline is later, waits. */
static void step_down(void *data)
{
	for (; shared->round < ROUNDS; shared->round++) {
		int before = shared->others;

		if (set_class(0, SCHED_DEADLINE, 4 * MS, 8 * MS, 8 * MS) ||
		    write(*(int *)data, "", 1) != 1 || shared->others != before ||
		    set_class(0, SCHED_FIFO, 0, 0, 0))
			die("round");
		shared->ran[shared->round] = shared->others - before;
		pause_ns(PERIOD);
	}
	pause();
}

static void test_steps_down(void)
{
	pid_t pid, other;
	int ran = 0, ends[2];

	memset(shared, 0, sizeof(*shared));
	if (pipe(ends))
		die("pipe");
	other = child(be_behind, &ends[0]);
	reserve(other, 10 * MS, PERIOD);
	pid = child(step_down, &ends[1]);
	pause_ns((ROUNDS + 5) * PERIOD);
	end(pid);
	end(other);
	for (int i = 0; i < ROUNDS; i++)
		ran += shared->ran[i];
	printf("# it has run when sched_setattr() returns: in %d of %d rounds\n", ran, shared->round);
	report(shared->round == ROUNDS && ran == ROUNDS,
	       "who waits behind a thread that leaves the class runs at once");
}

/* From the fair server, by which alone it runs, to SCHED_FIFO, while one of SCHED_DEADLINE waits. */
static void step_up(void *data)
{
	for (; shared->round < ROUNDS; shared->round++) {
		int before = shared->others;

		if (write(*(int *)data, "", 1) != 1 || shared->others != before ||
		    set_class(0, SCHED_FIFO, 0, 0, 0))
			die("round");
		shared->ran[shared->round] = shared->others - before;
		if (set_class(0, SCHED_OTHER, 0, 0, 0))
			die("round");
	}
	pause();
}

/* @beside: another plain thread, so that the server does not stop when this one leaves it. */
static void test_steps_up(int beside)
{
	pid_t pid, other, hog, plain = beside ? child(spin, NULL) : 0;
	int ran = 0, ends[2];

	memset(shared, 0, sizeof(*shared));
	if (pipe(ends))
		die("pipe");
	/* 5 ms in each PERIOD. */
	if (try_put(FAIR_SERVER "runtime", "5000000") || try_put(FAIR_SERVER "period", "100000000"))
		die(FAIR_SERVER);
	other = child(be_behind, &ends[0]);
	/* Its deadline is later than that of the server. */
	reserve(other, 10 * MS, 20 * PERIOD);
	hog = child(spin, NULL);
	pid = child(step_up, &ends[1]);
	/* This thread comes before the hog, and ends it. */
	if (set_attributes(0, (struct attributes){ .policy = SCHED_FIFO, .priority = 60 }) ||
	    set_attributes(hog, (struct attributes){ .policy = SCHED_FIFO, .priority = 40 }))
		die("sched_setattr");
	pause_ns(3 * (ROUNDS + 5) * PERIOD);
	end(hog);
	if (set_class(0, SCHED_OTHER, 0, 0, 0))
		die("sched_setattr");
	end(pid);
	end(other);
	if (beside)
		end(plain);
	for (int i = 0; i < ROUNDS; i++)
		ran += shared->ran[i];
	printf("# it has run when sched_setattr() returns: in %d of %d rounds\n", ran, shared->round);
	report(shared->round == ROUNDS && ran == ROUNDS, beside ?
	       "so it does if the server has another to run" :
	       "who waits behind a thread that the fair server runs, and that leaves it, runs at once");
}

/* Switches the fair server off, by which alone it runs. */
static void switch_off(void *unused)
{
	(void)unused;
	for (;;) {
		int before;

		while (!shared->armed)
			;
		shared->armed = 0;
		before = shared->others;
		if (try_put(FAIR_SERVER "runtime", "0"))
			die(FAIR_SERVER);
		shared->ran[shared->round++] = shared->others != before;
	}
}

static void count_on(void *unused)
{
	(void)unused;
	for (;;)
		shared->others++;
}

static void test_switched_off(void)
{
	pid_t pid, hog;
	int ran = 0;

	memset(shared, 0, sizeof(*shared));
	hog = child(count_on, NULL);
	pid = child(switch_off, NULL);
	/* This thread comes before the hog, and the server to the other's help when it is on. */
	if (set_attributes(0, (struct attributes){ .policy = SCHED_FIFO, .priority = 60 }) ||
	    set_attributes(hog, (struct attributes){ .policy = SCHED_FIFO, .priority = 40 }))
		die("sched_setattr");
	for (int i = 0; i < ROUNDS / 2; i++) {
		if (try_put(FAIR_SERVER "runtime", "5000000"))
			die(FAIR_SERVER);
		shared->armed = 1;
		pause_ns(3 * PERIOD);
	}
	if (try_put(FAIR_SERVER "runtime", "5000000"))
		die(FAIR_SERVER);
	pause_ns(3 * PERIOD);
	end(hog);
	if (set_class(0, SCHED_OTHER, 0, 0, 0))
		die("sched_setattr");
	end(pid);
	for (int i = 0; i < ROUNDS / 2; i++)
		ran += shared->ran[i];
	printf("# it has run when the write returns: in %d of %d rounds\n", ran, shared->round);
	report(shared->round == ROUNDS / 2 && ran == ROUNDS / 2,
	       "who waits behind a thread that the fair server runs, and is switched off for, runs at once");
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap");
	test_late();
	test_steps_down();
	test_steps_up(0);
	test_steps_up(1);
	test_switched_off();
	printf("1..%d\n", number);
	return failures != 0;
}
