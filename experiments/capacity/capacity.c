// SPDX-License-Identifier: GPL-2.0
/*
 * capacity VMS: makes so many virtual machines, a process each, and asks them. Each command is a line on standard input;
 * a line on standard output says that it is done.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../lib/chance.h"
#include "../lib/doorbells.h"
#include "../lib/fleet.h"
#include "../lib/instant.h"
#include "../lib/poisson.h"

#define NSEC		INT64_C(1000000000)
#define PATIENCE	(2 * NSEC)	/* for the last answers */

extern const char guest_program[], guest_program_end[];

static struct fleet_vm vms[FLEET_MOST];
static struct pollfd answers[FLEET_MOST];
static int64_t asked_at[FLEET_MOST];	/* 0: it has answered */
static unsigned int nr_vms;

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "capacity: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Who sleeps has to be woken up to see it. */
static void set_sleeping(bool sleeps)
{
	for (unsigned int i = 0; i < nr_vms; i++) {
		((struct doorbells *)vms[i].shared)->sleeps = sleeps;
		if (!sleeps)
			fleet_ring(&vms[i]);
	}
}

static void take_answer(unsigned int i, FILE *file)
{
	uint64_t rings;

	if (read(answers[i].fd, &rings, sizeof(rings)) != sizeof(rings) || !asked_at[i])
		return;
	fprintf(file, "%u,%.3f\n", i, (instant_now() - asked_at[i]) / 1e3);
	asked_at[i] = 0;
}

static void take_answers_until(int64_t end, FILE *file)
{
	for (int64_t left; (left = end - instant_now()) > 0;) {
		struct timespec time = { left / NSEC, left % NSEC };

		if (ppoll(answers, nr_vms, &time, NULL) <= 0)
			continue;
		for (unsigned int i = 0; i < nr_vms; i++)
			if (answers[i].revents)
				take_answer(i, file);
	}
}

static bool is_any_asked(void)
{
	for (unsigned int i = 0; i < nr_vms; i++)
		if (asked_at[i])
			return true;
	return false;
}

/* One that has not answered yet is not asked again: its doorbell would ring once for both. */
static void ask(unsigned int i)
{
	if (asked_at[i])
		return;
	asked_at[i] = instant_now();
	fleet_ring(&vms[i]);
}

/* N independent Poisson processes are one of N times the rate, each of whose requests is any VM's. */
static void play(double seconds, double rate, uint64_t seed, FILE *file)
{
	int64_t begin = instant_now(), end;
	double at = 0;

	while ((at += poisson_gap(&seed, rate * nr_vms)) <= seconds) {
		take_answers_until(begin + (int64_t)(at * NSEC), file);
		ask(chance_of(&seed, nr_vms));
	}
	for (end = instant_now() + PATIENCE; is_any_asked() && instant_now() < end;)
		take_answers_until(instant_now() + NSEC / 100, file);
	for (unsigned int i = 0; i < nr_vms; i++)
		if (asked_at[i])
			fprintf(file, "%u,\n", i);
}

static bool obey(const char *line)
{
	unsigned long long seed;
	double seconds, rate;
	char path[256];
	FILE *file;

	if (!strcmp(line, "sleep\n") || !strcmp(line, "compute\n")) {
		set_sleeping(*line == 's');
		puts("done");
		return true;
	}
	if (sscanf(line, "ask %lf %lf %llu %255s", &seconds, &rate, &seed, path) != 4)
		return false;
	file = fopen(path, "w");
	if (!file)
		die(path);
	play(seconds, rate, seed, file);
	if (fclose(file))
		die(path);
	puts("asked");
	return true;
}

static void print_usage(void)
{
	fputs("Usage: capacity VMS\n"
	      "\n"
	      "Makes VMS (1..99) VMs, which sleep, and prints their names, vmNN-PID, a line. Then does what standard\n"
	      "input says:\n"
	      "  sleep, compute                what the VMs do beside answering\n"
	      "  ask SECONDS RATE SEED FILE    requests to VMs at random, RATE a second to each; FILE gets VM,US lines,\n"
	      "                                without US for one that was not answered\n", stderr);
}

int main(int argc, char **argv)
{
	char line[512];

	nr_vms = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
	if (!nr_vms || nr_vms > FLEET_MOST) {
		print_usage();
		return 2;
	}
	setlinebuf(stdout);
	fleet_make(vms, nr_vms, guest_program, guest_program_end - guest_program);
	for (unsigned int i = 0; i < nr_vms; i++)
		answers[i] = (struct pollfd){ .fd = vms[i].out, .events = POLLIN };
	set_sleeping(true);
	while (fgets(line, sizeof(line), stdin)) {
		if (!obey(line)) {
			fprintf(stderr, "capacity: cannot do '%s'\n", line);
			return 2;
		}
	}
	fleet_signal(vms, nr_vms, SIGKILL, 0);
	return 0;
}
