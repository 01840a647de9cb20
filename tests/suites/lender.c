// SPDX-License-Identifier: GPL-2.0
/*
 * Loans all the time: lender GROUP BORROWERS
 *
 * A thread in the group BORROWERS, below GROUP and its pool, that always computes
 * under SCHED_DEADLINE, so that its budget is gone for most of each period; and
 * a packet each 5 ms through a tap of GROUP, an event for it and for whichever
 * deadline threads there are besides. Runs until it is killed.
 */
#define _GNU_SOURCE
#include "lab.h"

#include <sched.h>
#include <stdio.h>

static void compute(void *unused)
{
	(void)unused;
	for (;;)
		;
}

int main(int argc, char **argv)
{
	struct sched_param first = { .sched_priority = 1 };
	struct tap tap;
	pid_t borrower;

	if (argc != 3) {
		fprintf(stderr, "Usage: lender GROUP BORROWERS\n");
		return 2;
	}

	tap = tap_open("lender");
	put(argv[1], "cpu.spare.dev", "+lender");
	borrower = child(compute, NULL);
	join(argv[2], borrower);
	reserve(borrower, 1 * MS, 100 * MS);

	/* Ahead of programs that compute, behind those with a priority. */
	if (sched_setscheduler(0, SCHED_FIFO, &first))
		die("sched_setscheduler");
	for (;;) {
		pause_ns(5 * MS);
		tap_send(&tap);
	}
}
