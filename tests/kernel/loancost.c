// SPDX-License-Identifier: GPL-2.0
/*
 * What an event and a loan cost, in the testbed's nanoseconds: with an
 * instruction-counted clock one is one instruction. Nothing else runs.
 *
 *	event		a packet's report for a thread that runs and has budget
 *	event_again	the same while the one before still stands
 *	event_borrow	a packet's report for a depleted thread that would run: it
 *			borrows, and the sender, whose deadline is earlier, goes on
 *	dispatch	the switch to a thread on loan when the sender sleeps,
 *			against the same for a thread that has budget
 *	loan		borrow, dispatch and return: a depleted sleeper is sent
 *			a packet, woken up, and sleeps again, against the same
 *			for one that has budget and is sent nothing
 *
 * loancost VMS [UNITS]: with VMS groups below the pool, each with a SCHED_DEADLINE
 * thread and a tap of its own, and UNITS (1) on each CPU. All runs on the last CPU, or on VM_CPU.
 * Prints "NAME NANOSECONDS" a line: the median of ROUNDS, for a tick or an RCU
 * callback may fall into any of them.
 */
#define _GNU_SOURCE
#include "lab.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ROOT "/sys/fs/cgroup"
#define SLEEP 10000	/* ns */

enum { ROUNDS = 100, WARM_UP = 10, VMS_MAX = 256, UNITS_MAX = 64 };

/* The thread whose loans are measured. */
struct sleeper {
	pid_t pid;
	int wake[2], answer[2];
};

/* The same when it never sleeps: it says when it was given the CPU. */
struct spinner {
	pid_t pid;
	int yields;	/* which ends its loan, and its event */
	atomic_int armed;
	atomic_llong resumed;
};

/* What one round of a spinner's takes. */
struct steps {
	int64_t sent, there;
};

static long long loans(void)
{
	return stat_of("pool", "nr_borrows");
}

static void idle(void *unused)
{
	(void)unused;
	pause();
}

/* Spins until it is told by a first byte, then answers each byte. */
static void answer(void *data)
{
	struct sleeper *s = data;
	char byte;

	fcntl(s->wake[0], F_SETFL, O_NONBLOCK);
	while (read(s->wake[0], &byte, 1) != 1)
		;
	fcntl(s->wake[0], F_SETFL, 0);
	while (write(s->answer[1], &byte, 1) == 1 && read(s->wake[0], &byte, 1) == 1)
		;
}

static void round_trip(struct sleeper *s)
{
	if (write(s->wake[1], "", 1) != 1 || read(s->answer[0], &(char){ 0 }, 1) != 1)
		die("pipe");
}

/* A wake-up and its answer, with a packet through @tap before each. */
static int64_t trip_cost(struct tap *tap, int64_t runtime, int64_t period, int depleted,
			 long long *borrows)
{
	int64_t took[ROUNDS];
	struct sleeper s;

	if (pipe(s.wake) || pipe(s.answer))
		die("pipe");
	s.pid = child(answer, &s);
	join("pool/vm0", s.pid);
	reserve(s.pid, runtime, period);
	if (depleted) {
		/* It spins, and has used up its budget. */
		pause_ns(20 * MS);
		tap_send(tap);
	}
	for (int i = 0; i < WARM_UP + ROUNDS; i++) {
		int64_t sent = 0, start;

		if (i)
			sent = tap_send(tap);
		start = now();
		round_trip(&s);
		if (i >= WARM_UP)
			took[i - WARM_UP] = sent + now() - start;
	}
	/* To be killed is to wake up, with an event that it has not answered by halting. */
	*borrows = loans();
	kill(s.pid, SIGKILL);
	close(s.wake[0]);
	close(s.wake[1]);
	close(s.answer[0]);
	close(s.answer[1]);
	return median(took, ROUNDS);
}

/* Each packet after a yield, which ends what was pending. */
static int64_t send_cost(struct tap *tap, struct tap *before)
{
	int64_t took[ROUNDS];

	for (int i = 0; i < WARM_UP + ROUNDS; i++) {
		int64_t one;

		sched_yield();
		if (before)
			tap_send(before);
		one = tap_send(tap);
		if (i >= WARM_UP)
			took[i - WARM_UP] = one;
	}
	return median(took, ROUNDS);
}

static void spin(void *data)
{
	struct spinner *s = data;

	raise(SIGSTOP);
	for (;;) {
		while (!s->armed)
			;
		/* The next instant that it sees is after the sender's sleep has begun. */
		s->armed = 0;
		s->resumed = now();
		if (s->yields)
			sched_yield();
	}
}

static void sleep_until(int64_t when)
{
	struct timespec ts = { when / 1000000000, when % 1000000000 };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

/*
 * Stopped. Made before the sender has a reservation: a child keeps what is left of its
 * parent's budget and deadline, and would use them once it has a reservation of its own.
 */
static struct spinner *make_spinner(void)
{
	struct spinner *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (s == MAP_FAILED)
		die("mmap");
	s->pid = child(spin, s);
	join("pool/vm0", s->pid);
	return s;
}

/* A packet through @tap for a thread that spins, which has the CPU while the sender sleeps. */
static struct steps steps_cost(struct spinner *s, struct tap *tap, int64_t runtime, int64_t period)
{
	int64_t sent[ROUNDS], there[ROUNDS];

	reserve(s->pid, runtime, period);
	kill(s->pid, SIGCONT);
	pause_ns(20 * MS);
	for (int i = 0; i < WARM_UP + ROUNDS; i++) {
		int64_t one = tap_send(tap), before;

		s->armed = 1;
		before = now();
		sleep_until(before + SLEEP);
		if (i < WARM_UP)
			continue;
		sent[i - WARM_UP] = one;
		there[i - WARM_UP] = s->resumed - before;
	}
	kill(s->pid, SIGKILL);
	return (struct steps){ median(sent, ROUNDS), median(there, ROUNDS) };
}

/* Each round must have had its loan. */
static void check_loans(long long count)
{
	if (count == WARM_UP + ROUNDS)
		return;
	fprintf(stderr, "loancost: %lld loans in %d rounds\n", count, WARM_UP + ROUNDS);
	exit(1);
}

/* The sender's deadline is before its and the unit's. A loan ends when it yields. */
static void print_steps(struct tap *bound, struct tap *other)
{
	struct spinner *rich = make_spinner(), *poor = make_spinner();
	struct steps plain, loan;
	long long borrows;

	reserve(0, 20 * MS, 200 * MS);
	poor->yields = 1;
	plain = steps_cost(rich, other, 300 * MS, 1000 * MS);
	pause_ns(1100 * MS);
	borrows = loans();
	loan = steps_cost(poor, bound, MS, 1000 * MS);
	check_loans(loans() - borrows);
	printf("event_borrow %lld\n", (long long)(loan.sent - plain.sent));
	printf("dispatch %lld\n", (long long)(loan.there - plain.there));
}

static void print_loan(struct tap *bound, struct tap *other)
{
	long long before, after;
	int64_t plain, loan;

	plain = trip_cost(other, 300 * MS, 1000 * MS, 0, &after);
	pause_ns(1100 * MS);
	before = loans();
	loan = trip_cost(bound, MS, 1000 * MS, 1, &after);
	check_loans(after - before);
	printf("loan %lld\n", (long long)(loan - plain));
}

/* Deadline threads cannot be pinned but by a partition. */
static void pin_pool(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	const char *chosen = getenv("VM_CPU");
	char last[24];

	if (cpus == 1)
		return;
	snprintf(last, sizeof(last), "%ld", cpus - 1);
	put("pool", "cpuset.cpus", chosen ? chosen : last);
	put("pool", "cpuset.cpus.partition", "root");
}

static void make_pool(int units)
{
	char line[64];

	put("", "cgroup.subtree_control", "+cpu +cpuset");
	mkdir(ROOT "/pool", 0755);
	pin_pool();
	put("pool", "cgroup.subtree_control", "+cpu");
	mkdir(ROOT "/pool/self", 0755);
	join("pool/self", getpid());
	/* Enough for all rounds in one period, and for 64 units beside the threads. */
	snprintf(line, sizeof(line), "2000 400000 units=%d", units);
	put("pool", "cpu.spare.pool", line);
}

/* With a thread of its own, but for the first: its thread is what is measured. */
static struct tap make_vm(int i)
{
	char group[32], path[64], name[16], line[20];
	struct tap tap;
	pid_t pid;

	snprintf(group, sizeof(group), "pool/vm%d", i);
	snprintf(name, sizeof(name), "tap%d", i);
	snprintf(line, sizeof(line), "+tap%d", i);
	snprintf(path, sizeof(path), ROOT "/%s", group);
	mkdir(path, 0755);
	tap = tap_open(name);
	put(group, "cpu.spare.dev", line);
	put(group, "cpu.spare.borrow", "on");
	if (i) {
		pid = child(idle, NULL);
		join(group, pid);
		reserve(pid, MS, 1000 * MS);
	}
	return tap;
}

int main(int argc, char **argv)
{
	int vms = argc >= 2 ? atoi(argv[1]) : 0, units = argc == 3 ? atoi(argv[2]) : 1;
	struct tap bound, other;

	if (argc > 3 || vms < 1 || vms > VMS_MAX || units < 1 || units > UNITS_MAX) {
		fprintf(stderr, "Usage: loancost VMS (1-%d) [UNITS (1-%d)]\n", VMS_MAX, UNITS_MAX);
		return 2;
	}
	make_pool(units);
	other = tap_open("other");
	bound = make_vm(0);
	for (int i = 1; i < vms; i++)
		make_vm(i);

	print_loan(&bound, &other);
	pause_ns(1100 * MS);
	print_steps(&bound, &other);
	pause_ns(1100 * MS);
	join("pool/vm0", getpid());
	reserve(0, 3 * MS, 10 * MS);
	printf("event %lld\n", (long long)(send_cost(&bound, NULL) - send_cost(&other, NULL)));
	printf("event_again %lld\n", (long long)(send_cost(&bound, &bound) - send_cost(&other, &other)));
	return 0;
}
