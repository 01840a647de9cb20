// SPDX-License-Identifier: GPL-2.0
/*
 * Makes N virtual machines, a process each, and sends them events. Each command is a line on standard input; a line on
 * standard output says that it is done. In the testbed: a cycle of the TSC is a nanosecond.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "../lib/chance.h"
#include "../lib/counter.h"
#include "../lib/fleet.h"
#include "../lib/poisson.h"
#include "pool.h"

#define MARKER		"/sys/kernel/tracing/trace_marker"
#define NSEC		1000000000ull

extern const char guest_program[], guest_program_end[];

static struct fleet_vm vms[FLEET_MOST];
static unsigned int nr_vms;
static uint64_t seed;

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "pool: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* --- virtual machines --- */

static struct talk *talk_of(const struct fleet_vm *vm)
{
	return vm->shared;
}

static void send_event(const struct fleet_vm *vm)
{
	talk_of(vm)->asked++;
	fleet_ring(vm);
}

/* An event, too: who is woken up by it and does not answer borrows until its next period. */
static void begin_to_compute(void)
{
	for (unsigned int i = 0; i < nr_vms; i++) {
		talk_of(&vms[i])->begun = 1;
		send_event(&vms[i]);
	}
}

/* --- the pool --- */

static unsigned int read_busy(int stat)
{
	char text[1024];
	ssize_t length = pread(stat, text, sizeof(text) - 1, 0);
	unsigned long long busy;

	if (length < 0)
		die("cpu.spare.stat");
	text[length] = '\0';
	if (!counter_find(text, "units_busy", &busy))
		die("no units_busy in cpu.spare.stat");
	return busy;
}

/* By what we see of it: it has not answered yet, or is waited for. */
static bool may_have_loan(const struct fleet_vm *vm, uint64_t hold_ns)
{
	const struct talk *talk = talk_of(vm);

	return talk->answered != talk->asked || __rdtsc() < talk->answered_at + hold_ns;
}

/* --- phases --- */

struct phase {
	double seconds, rate;		/* events/s: of each VM, or broadcasts */
	bool broadcast;
	unsigned int units;		/* 0: events wait; else one that finds so many on loan is not sent */
	uint64_t hold_ns;
	int stat, marker;
};

struct totals {
	uint64_t events, blocked;
	uint64_t late_ns, most_late_ns;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NSEC + now.tv_nsec;
}

static void sleep_until(uint64_t at_ns, struct totals *totals)
{
	struct timespec at = { at_ns / NSEC, at_ns % NSEC };
	uint64_t late;

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL))
		;
	late = now_ns() - at_ns;
	totals->late_ns += late;
	if (late > totals->most_late_ns)
		totals->most_late_ns = late;
}

static void strike(const struct phase *phase, const struct fleet_vm *vm, struct totals *totals)
{
	static const char text[] = "blocked";

	totals->events++;
	if (phase->units && !may_have_loan(vm, phase->hold_ns) && read_busy(phase->stat) >= phase->units) {
		totals->blocked++;
		if (write(phase->marker, text, strlen(text)) < 0)
			die(MARKER);
		return;
	}
	send_event(vm);
}

/* N independent Poisson processes are one of N times the rate, each of whose events is any VM's. */
static void play(const struct phase *phase)
{
	double rate = phase->rate * (phase->broadcast ? 1 : nr_vms), at = 0;
	struct totals totals = { 0 };
	uint64_t begin = now_ns(), strokes = 0;

	for (;; strokes++) {
		at += poisson_gap(&seed, rate);
		if (at > phase->seconds)
			break;
		sleep_until(begin + at * NSEC, &totals);
		for (unsigned int i = 0; phase->broadcast && i < nr_vms; i++)
			strike(phase, &vms[i], &totals);
		if (!phase->broadcast)
			strike(phase, &vms[chance_of(&seed, nr_vms)], &totals);
	}
	while (read_busy(phase->stat))
		usleep(20000);
	printf("events=%" PRIu64 " blocked=%" PRIu64 " late_us=%.1f most_late_us=%.1f\n", totals.events,
	       totals.blocked, totals.late_ns / 1e3 / (strokes ? strokes : 1), totals.most_late_ns / 1e3);
}

/* Periods begin when a thread wakes up after a long sleep: each a gap after the one before it. */
static void arrange(unsigned int gap_us, unsigned int sleep_us)
{
	fleet_signal(vms, nr_vms, SIGSTOP, 0);
	usleep(sleep_us);
	fleet_signal(vms, nr_vms, SIGCONT, gap_us);
	puts("arranged");
}

static bool obey(const char *line, struct phase *phase)
{
	unsigned int gap_us, sleep_us;
	char how[16];

	if (!strcmp(line, "begin\n")) {
		begin_to_compute();
		puts("begun");
		return true;
	}
	if (sscanf(line, "arrange %u %u", &gap_us, &sleep_us) == 2) {
		arrange(gap_us, sleep_us);
		return true;
	}
	if (sscanf(line, "%15s %lf %lf %" SCNu64 " %u %" SCNu64, how, &phase->seconds, &phase->rate, &seed,
		   &phase->units, &phase->hold_ns) != 6)
		return false;
	phase->broadcast = !strcmp(how, "broadcast");
	if (!phase->broadcast && strcmp(how, "single"))
		return false;
	play(phase);
	return true;
}

static void print_usage(void)
{
	fputs("Usage: pool VMS STAT\n"
	      "\n"
	      "Makes VMS (1..99) VMs and prints their names, vmNN-PID, a line. STAT is the cpu.spare.stat of their\n"
	      "pool. Then does what standard input says:\n"
	      "  begin                      the VMs compute\n"
	      "  arrange GAP_US SLEEP_US    stop all for so long, then continue one after the other\n"
	      "  single|broadcast SECONDS RATE SEED UNITS HOLD_NS\n"
	      "                             events for one VM or all at a time, RATE a second for each. UNITS > 0: one\n"
	      "                             that finds so many on loan is not sent but marked in the trace\n", stderr);
}

int main(int argc, char **argv)
{
	struct phase phase = { 0 };
	char line[256];

	nr_vms = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
	if (!nr_vms || nr_vms > FLEET_MOST) {
		print_usage();
		return 2;
	}
	setlinebuf(stdout);
	fleet_make(vms, nr_vms, guest_program, guest_program_end - guest_program);
	phase.marker = open(MARKER, O_WRONLY | O_CLOEXEC);
	while (fgets(line, sizeof(line), stdin)) {
		if (!phase.stat)
			phase.stat = open(argv[2], O_RDONLY | O_CLOEXEC);
		if (phase.stat < 0 || phase.marker < 0)
			die(phase.marker < 0 ? MARKER : argv[2]);
		if (!obey(line, &phase)) {
			fprintf(stderr, "pool: cannot do '%s'\n", line);
			return 2;
		}
	}
	fleet_signal(vms, nr_vms, SIGKILL, 0);
	return 0;
}
