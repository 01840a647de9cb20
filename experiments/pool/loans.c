// SPDX-License-Identifier: GPL-2.0
/*
 * Reads ftrace's text of sched_spare_{borrow,wait,return}, of sched_switch and of the marks "blocked", and prints a line for
 * each request for a unit, in the order of their ends: AT_US,TID,HOW,WAIT_US,HOLD_US,WHY
 *   HOW      free: a unit was; waited; left: its own budget came first; blocked: it was not made (TID 0)
 *   WHY      the loan ended
 * Fails if a line is not understood, the kernel has dropped some, or a loan or a wait does not end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TID 32768

/* In us since boot; 0: does not. */
static double waits_since[MAX_TID], lent_at[MAX_TID];
static double asked_at[MAX_TID];	/* of who has a loan: when it began to wait; 0: it did not */

static void __attribute__((noreturn)) fail(const char *what, const char *line)
{
	fprintf(stderr, "loans: %s: %s\n", what, line);
	exit(1);
}

static void print_request(double at, int tid, const char *how, double wait, double hold, const char *why)
{
	printf("%.0f,%d,%s,%.0f,%.0f,%s\n", at, tid, how, wait, hold, why);
}

static int tid_of(const char *event)
{
	const char *pid = strstr(event, " pid=");
	int tid = pid ? atoi(pid + 5) : 0;

	if (tid < 1 || tid >= MAX_TID)
		fail("no pid", event);
	return tid;
}

static void take_wait(double at, int tid, const char *event)
{
	if (waits_since[tid])
		fail("it waits already", event);
	waits_since[tid] = at;
}

/* On its own reservation, if it is in line. */
static void take_switch(double at, const char *event)
{
	const char *next = strstr(event, " next_pid=");
	int tid = next ? atoi(next + 10) : -1;

	if (tid < 0 || tid >= MAX_TID)
		fail("no next_pid", event);
	if (waits_since[tid])
		print_request(waits_since[tid], tid, "left", at - waits_since[tid], 0, "");
	waits_since[tid] = 0;
}

static void take_borrow(double at, int tid)
{
	asked_at[tid] = waits_since[tid];
	waits_since[tid] = 0;
	lent_at[tid] = at;
}

static void take_return(double at, int tid, const char *event)
{
	const char *reason = strstr(event, " reason=");
	char why[16];

	if (!reason || sscanf(reason, " reason=%15s", why) != 1)
		fail("no reason", event);
	if (!lent_at[tid])
		fail("nothing was lent", event);
	if (asked_at[tid])
		print_request(asked_at[tid], tid, "waited", lent_at[tid] - asked_at[tid], at - lent_at[tid], why);
	else
		print_request(lent_at[tid], tid, "free", 0, at - lent_at[tid], why);
	lent_at[tid] = 0;
}

/* "   vm00-123   [001] d..2.  12.345678: sched_spare_borrow: comm=... pid=124 ..." */
static void take(char *line)
{
	char *colon = strstr(line, ": "), *event;
	double at;

	if (*line == '#')
		return;
	if (!colon || strstr(line, "LOST"))
		fail("lost or not understood", line);
	event = colon + 2;
	*colon = '\0';
	at = atof(strrchr(line, ' ')) * 1e6;
	if (strstr(event, ": blocked"))
		print_request(at, 0, "blocked", 0, 0, "");
	else if (!strncmp(event, "sched_switch: ", 14))
		take_switch(at, event);
	else if (!strncmp(event, "sched_spare_borrow: ", 20))
		take_borrow(at, tid_of(event));
	else if (!strncmp(event, "sched_spare_wait: ", 18))
		take_wait(at, tid_of(event), event);
	else if (!strncmp(event, "sched_spare_return: ", 20))
		take_return(at, tid_of(event), event);
	else
		fail("not understood", event);
}

int main(void)
{
	char line[512];

	while (fgets(line, sizeof(line), stdin))
		take(line);
	for (int tid = 0; tid < MAX_TID; tid++)
		if (lent_at[tid] || waits_since[tid])
			fail("a loan or a wait does not end", "");
	return 0;
}
