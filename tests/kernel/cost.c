// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel's hot paths cost, in the testbed's nanoseconds: with an
 * instruction-counted clock one is one instruction. One CPU, nothing else runs.
 *
 *	switch		two SCHED_OTHER threads that wake each other by pipes
 *	deadline	the same under SCHED_DEADLINE
 *	packet		a frame sent to a tap and read from it
 *
 * Prints "NAME NANOSECONDS" a line: the mean of ROUNDS.
 */
#include "lab.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 5000, WARM_UP = 500 };

static int there[2], back[2];	/* pipes */

static void answer(void *unused)
{
	char byte;

	(void)unused;
	for (int i = 0; i < WARM_UP + ROUNDS; i++)
		if (read(there[0], &byte, 1) != 1 || write(back[1], &byte, 1) != 1)
			die("pipe");
}

/* Half a round trip: one switch. */
static int64_t switch_cost(int deadline)
{
	int64_t start = 0, took;
	pid_t pid;

	if (pipe(there) || pipe(back))
		die("pipe");
	pid = child(answer, NULL);
	if (deadline) {
		reserve(pid, 400 * MS, 1000 * MS);
		reserve(0, 400 * MS, 1000 * MS);
	}
	for (int i = 0; i < WARM_UP + ROUNDS; i++) {
		if (i == WARM_UP)
			start = now();
		if (write(there[1], "", 1) != 1 || read(back[0], &(char){ 0 }, 1) != 1)
			die("pipe");
	}
	took = now() - start;
	waitpid(pid, NULL, 0);
	return took / (2 * ROUNDS);
}

static int64_t packet_cost(void)
{
	struct tap tap = tap_open("cost");
	int64_t start = 0;

	for (int i = 0; i < WARM_UP + ROUNDS; i++) {
		if (i == WARM_UP)
			start = now();
		tap_send(&tap);
	}
	return (now() - start) / ROUNDS;
}

int main(void)
{
	printf("packet %lld\n", (long long)packet_cost());
	printf("switch %lld\n", (long long)switch_cost(0));
	printf("deadline %lld\n", (long long)switch_cost(1));
	return 0;
}
