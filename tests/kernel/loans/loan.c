// SPDX-License-Identifier: GPL-2.0
/* One borrower: when a loan begins, what ends it, what leaves it alone. */
#define _GNU_SOURCE
#include "scene.h"
#include "tests.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

bool depleted_thread_answers(void)
{
	long long borrows = stat_of("t/a", "nr_borrows");
	struct borrower *b = borrower_start(0, "t/a", 5 * MS, 100 * MS);
	int64_t sent, took;

	await_depletion(b);
	sent = now();
	tap_send(&tap_a);
	took = response(b, sent, 50 * MS);
	if (took < 0 || took > 6 * MS)
		return because("ran %lld us after the event", (long long)(took / US));
	return reaches("t/a", "nr_borrows", borrows + 1, MS);
}

bool without_event_it_waits(void)
{
	long long borrows = stat_of("t/a", "nr_borrows");
	struct borrower *b = borrower_start(0, "t/a", 5 * MS, 100 * MS);

	await_depletion(b);
	if (response(b, now(), 50 * MS) >= 0)
		return because("ran without budget");
	if (stat_of("t/a", "nr_borrows") != borrows)
		return because("borrowed without an event");
	return true;
}

bool without_budget_gone_no_loan(void)
{
	long long events = stat_of("t/a", "nr_events"), borrows = stat_of("t/a", "nr_borrows");
	struct borrower *b = borrower_start(0, "t/a", 40 * MS, 100 * MS);

	response(b, now(), 100 * MS);
	tap_send(&tap_a);
	if (stat_of("t/a", "nr_events") != events + 1)
		return because("the event was not counted");
	if (stat_of("t/a", "nr_borrows") != borrows)
		return because("borrowed with budget left");
	return true;
}

bool returns_on_own_dispatch(void)
{
	long long own = stat_of("t/a", "returned_own");

	on_loan();
	return reaches("t/a", "returned_own", own + 1, 200 * MS);
}

bool returns_after_chances(void)
{
	long long returned = stat_of("t/a", "returned_chances");
	long long used = stat_of("t/a", "borrowed_usec");

	must_write("t/a/cpu.spare.borrow", "on chances=1 reply=0");
	on_loan();
	if (!reaches("t/a", "returned_chances", returned + 1, 20 * MS))
		return false;
	used = stat_of("t/a", "borrowed_usec") - used;
	return used <= 4100 ? true : because("ran %lld us on a loan of 4000", used);
}

bool returns_on_sleep(void)
{
	long long sleep = stat_of("t/a", "returned_sleep");
	struct borrower *b = on_loan();

	b->order = BLOCK;
	return reaches("t/a", "returned_sleep", sleep + 1, 20 * MS);
}

bool returns_on_yield(void)
{
	long long sleep = stat_of("t/a", "returned_sleep");
	struct borrower *b = on_loan();

	b->order = YIELD;
	if (!reaches("t/a", "returned_sleep", sleep + 1, 20 * MS))
		return false;
	return response(b, now() + MS, 200 * MS) >= 0 ?
		true : because("never ran again");
}

bool sleeper_borrows_at_wake_up(void)
{
	long long sleep = stat_of("t/a", "returned_sleep"), borrows;
	struct borrower *b = on_loan();
	int64_t at;

	b->order = BLOCK;
	if (!reaches("t/a", "returned_sleep", sleep + 1, 20 * MS))
		return false;
	borrows = stat_of("t/a", "nr_borrows");
	tap_send(&tap_a);
	if (stat_of("t/a", "nr_borrows") != borrows)
		return because("borrowed while blocked");
	at = now();
	if (write(b->wake[1], "", 1) != 1)
		die("wake");
	if (!reaches("t/a", "nr_borrows", borrows + 1, 5 * MS))
		return false;
	pause_ns(15 * MS);
	return b->woken > at && b->woken - at < 11 * MS ?
		true : because("woke after %lld us", (long long)((b->woken - at) / US));
}

/* Who waits for a's lock boosts it while a is replenished, and dies. */
bool boosted_sleeper_runs_again(void)
{
	long long sleep;
	struct borrower *a, *b = borrower_start(1, "t/b", MS, 20 * MS);
	bool passed;

	a = on_loan();
	a->lock = a->pid;
	sleep = stat_of("t/a", "returned_sleep");
	a->order = BLOCK;
	if (!reaches("t/a", "returned_sleep", sleep + 1, 20 * MS))
		return false;
	b->order = LOCK;
	pause_ns(25 * MS);
	if (!(a->lock & FUTEX_WAITERS))
		return because("nobody waits for the lock");
	pause_ns(100 * MS);
	borrower_stop(b);
	if (write(a->wake[1], "", 1) != 1)
		die("wake");
	passed = response(a, now(), 200 * MS) >= 0 || because("never ran again");
	try_reserve(a->pid, 0, 0, 0);	/* or it could not even be killed */
	return passed;
}

bool returns_on_exit(void)
{
	long long gone = stat_of("t/a", "returned_gone");
	struct borrower *b = on_loan();

	b->order = EXIT;
	return reaches("t/a", "returned_gone", gone + 1, 20 * MS);
}

bool returns_on_class_change(void)
{
	long long gone = stat_of("t/a", "returned_gone");

	try_reserve(on_loan()->pid, 0, 0, 0);
	return reaches("t/a", "returned_gone", gone + 1, 5 * MS);
}

/*
 * Put off its run queue and back again every 0.3 ms, with packets all the time:
 * the loan stays, and so does what it is charged to.
 */
bool survives_parameter_change(void)
{
	const int64_t horizon = 500 * MS;
	long long gone, used;
	struct borrower *b;
	int64_t start, cpu;

	must_write("t/cpu.spare.pool", "1000 10000 cpus=1");
	must_write("t/a/cpu.spare.borrow", "on reply=0");
	b = borrower_start(0, "t/a", 10 * MS, 100 * MS);
	await_depletion(b);
	gone = stat_of("t/a", "returned_gone");
	used = stat_of("t/a", "borrowed_usec");
	start = now();
	cpu = cpu_time_of(b->pid);
	for (int i = 0; now() - start < horizon; i++) {
		tap_send(&tap_a);
		errno = try_reserve(b->pid, 10 * MS + i % 2 * US, 100 * MS, 0);
		if (errno)
			die("reserve");
		pause_ns(300 * US);
	}
	cpu = cpu_time_of(b->pid) - cpu;
	used = stat_of("t/a", "borrowed_usec") - used;
	printf("# ran %lld us in %lld, %lld of them on loans\n", (long long)(cpu / US),
	       (long long)(horizon / US), used);
	if (stat_of("t/a", "returned_gone") != gone)
		return because("the loan ended");
	if (used < horizon / 10 / US * 7 / 10)
		return because("only %lld us on loans", used);
	/* One budget and one unit more for the ends. */
	return cpu <= horizon / 5 + 11 * MS ? true :
		because("ran %lld us of at most %lld", (long long)(cpu / US),
			(long long)((horizon / 5 + 11 * MS) / US));
}

/* Affinity cannot change while admission looks after the root domain. */
static void open_domain(void)
{
	must_write("t/cpuset.cpus.partition", "member");
	must_write("/proc/sys/kernel/sched_rt_runtime_us", "-1");
}

static void close_domain(struct borrower *b)
{
	borrower_stop(b);
	settle();
	must_write("/proc/sys/kernel/sched_rt_runtime_us", "950000");
	must_write("t/cpuset.cpus", "1");
	must_write("t/cpuset.cpus.partition", "root");
}

/* Its affinity changes, and still allows the CPU it is on. */
bool survives_affinity_in_place(void)
{
	long long gone;
	struct borrower *b;
	cpu_set_t cpus;
	bool passed;

	open_domain();
	b = on_loan();
	gone = stat_of("t/a", "returned_gone");
	must_write("t/cpuset.cpus", "1-2");
	CPU_ZERO(&cpus);
	CPU_SET(1, &cpus);
	if (sched_setaffinity(b->pid, sizeof(cpus), &cpus))
		die("affinity");
	passed = stat_of("t/a", "returned_gone") == gone || because("the loan ended");
	close_domain(b);
	return passed;
}

bool returns_on_affinity_change(void)
{
	long long gone = stat_of("t/a", "returned_gone");
	struct borrower *b;
	cpu_set_t cpus;
	bool passed;

	open_domain();
	b = on_loan();
	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	must_write("t/cpuset.cpus", "0-2");
	if (sched_setaffinity(b->pid, sizeof(cpus), &cpus))
		die("affinity");
	passed = reaches("t/a", "returned_gone", gone + 1, 20 * MS);
	close_domain(b);
	return passed;
}

/* A neighbour with an earlier deadline runs whenever it may. */
bool preempted_borrower_has_all_of_qs(void)
{
	long long returned = stat_of("t/a", "returned_chances"), used;
	struct borrower *b;

	must_write("t/a/cpu.spare.borrow", "on chances=1 reply=0");
	b = borrower_start(0, "t/a", 5 * MS, 100 * MS);
	borrower_start(1, "t/b", 1 * MS, 4 * MS);
	await_depletion(b);
	used = stat_of("t/a", "borrowed_usec");
	tap_send(&tap_a);
	if (!reaches("t/a", "returned_chances", returned + 1, 20 * MS))
		return false;
	used = stat_of("t/a", "borrowed_usec") - used;
	return used >= 3990 && used <= 4100 ? true : because("ran %lld us on a loan of 4000", used);
}

/* a gives a part of a fresh unit back, which b drains before it gets a budget: 4 ms and that. */
bool leftover_is_no_chance(void)
{
	long long returned = stat_of("t/b", "returned_chances"), used = stat_of("t/b", "borrowed_usec");
	long long slept = stat_of("t/a", "returned_sleep");
	struct borrower *a, *b;

	must_write("t/b/cpu.spare.borrow", "on chances=1 reply=0");
	b = borrower_start(1, "t/b", 5 * MS, 200 * MS);
	await_depletion(b);
	pause_ns(10 * MS);
	a = on_loan();
	pause_ns(MS);
	a->order = YIELD;
	if (!reaches("t/a", "returned_sleep", slept + 1, 20 * MS))
		return false;
	tap_send(&tap_b);
	if (!reaches("t/b", "returned_chances", returned + 1, 30 * MS))
		return false;
	used = stat_of("t/b", "borrowed_usec") - used;
	return used >= 4000 && used < 8100 ? true : because("ran %lld us, for a unit of 4000", used);
}
