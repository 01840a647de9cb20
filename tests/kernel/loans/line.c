// SPDX-License-Identifier: GPL-2.0
/* Several borrowers, and who waits: the line, what a unit supplies, what is kept of an event. */
#define _GNU_SOURCE
#include "scene.h"
#include "tests.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The first burns all of its chances; the second is given the unit then. */
bool second_borrower_waits(void)
{
	long long waits = stat_of("t", "nr_waits"), borrows = stat_of("t", "nr_borrows");
	long long waited = stat_of("t", "waited_usec");
	struct borrower *a, *b;

	must_write("t/cpu.spare.borrow", "on chances=1 reply=0");
	a = borrower_start(0, "t/a", 5 * MS, 200 * MS);
	b = borrower_start(1, "t/b", 5 * MS, 200 * MS);
	await_depletion(a);
	await_depletion(b);
	tap_send(&tap_a);
	tap_send(&tap_b);
	if (!reaches("t", "nr_waits", waits + 1, MS) ||
	    !reaches("t", "nr_borrows", borrows + 2, 20 * MS))
		return false;
	must_write("t/cpu.spare.borrow", "inherit");
	waited = stat_of("t", "waited_usec") - waited;
	return waited > 2000 && waited < 11000 ? true :
		because("waited %lld us for a loan of 4000", waited);
}

bool waiter_leaves_when_it_sleeps(void)
{
	long long waits = stat_of("t", "nr_waits"), borrows;
	struct borrower *a = borrower_start(0, "t/a", 5 * MS, 200 * MS);
	struct borrower *b = borrower_start(1, "t/b", 5 * MS, 200 * MS);

	await_depletion(a);
	await_depletion(b);
	tap_send(&tap_a);
	tap_send(&tap_b);
	if (!reaches("t", "nr_waits", waits + 1, MS))
		return false;
	/* One that is killed leaves the line, or the unit would be lent to it. */
	borrower_stop(b);
	borrows = stat_of("t", "nr_borrows");
	borrower_stop(a);
	pause_ns(20 * MS);
	return stat_of("t", "nr_borrows") == borrows && stat_of("t", "units_busy") == 0 ?
		true : because("a dead thread was served");
}

bool pending_borrows_at_throttle(void)
{
	long long borrows = stat_of("t/a", "nr_borrows");
	struct borrower *b = borrower_start(0, "t/a", 30 * MS, 100 * MS);

	await_depletion(b);
	response(b, now(), 100 * MS);
	tap_send(&tap_a);
	if (stat_of("t/a", "nr_borrows") != borrows)
		return because("borrowed with budget left");
	return reaches("t/a", "nr_borrows", borrows + 1, 45 * MS);
}

/* It had a packet, with budget left, and was elsewhere when the last pool went. */
bool leaver_keeps_no_event(void)
{
	struct borrower *b = borrower_start(0, "t/a", 30 * MS, 100 * MS);
	long long borrows;

	await_depletion(b);
	response(b, now(), 100 * MS);
	tap_send(&tap_a);
	join(".", b->pid);
	must_write("t/cpu.spare.pool", "none");
	must_write("t/cpu.spare.pool", POOL);
	borrows = stat_of("t/a", "nr_borrows");
	join("t/a", b->pid);
	await_depletion(b);
	await_depletion(b);
	return stat_of("t/a", "nr_borrows") == borrows ? true :
		because("borrowed, and no event had come since it is back");
}

/* Only a guest that halts has answered; a thread may sleep for many reasons. */
bool sleep_keeps_the_event(void)
{
	long long borrows = stat_of("t/a", "nr_borrows");
	struct borrower *b = borrower_start(0, "t/a", 30 * MS, 100 * MS);

	await_depletion(b);
	response(b, now(), 100 * MS);
	tap_send(&tap_a);
	b->order = BLOCK;
	pause_ns(2 * MS);
	if (write(b->wake[1], "", 1) != 1)
		die("wake");
	return reaches("t/a", "nr_borrows", borrows + 1, 45 * MS);
}

/* It blocks on its loan, as for a lock of its VMM, and goes on where it was. */
bool borrows_again_after_a_lock(void)
{
	long long sleep = stat_of("t/a", "returned_sleep"), borrows;
	struct borrower *b = on_loan();

	borrows = stat_of("t/a", "nr_borrows");
	b->order = BLOCK;
	if (!reaches("t/a", "returned_sleep", sleep + 1, 20 * MS))
		return false;
	if (write(b->wake[1], "", 1) != 1)
		die("wake");
	return reaches("t/a", "nr_borrows", borrows + 1, 5 * MS);
}

/* One unit for all; packets for all, all the time. */
bool nobody_starves_in_line(void)
{
	const int64_t horizon = 3000 * MS, own = horizon / 50;
	int64_t start, cpu[BORROWERS], least = INT64_MAX, most = 0;

	must_write("t/cpu.spare.borrow", "on chances=1 reply=0");
	for (int i = 0; i < BORROWERS; i++)
		borrower_start(i, i % 2 ? "t/a" : "t/b", 1 * MS, 50 * MS);
	pause_ns(60 * MS);
	start = now();
	for (int i = 0; i < BORROWERS; i++)
		cpu[i] = cpu_time_of(borrowers[i].pid);
	while (now() - start < horizon) {
		tap_send(&tap_t);
		pause_ns(500 * US);
	}
	for (int i = 0; i < BORROWERS; i++) {
		int64_t lent = cpu_time_of(borrowers[i].pid) - cpu[i] - own;

		least = lent < least ? lent : least;
		most = lent > most ? lent : most;
	}
	must_write("t/cpu.spare.borrow", "inherit");
	printf("# of %lld us lent, one thread had %lld, another %lld; %lld loans of %lld unused\n",
	       (long long)(horizon / US * 4 / 10), (long long)(least / US), (long long)(most / US),
	       stat_of("t", "returned_unused"), stat_of("t", "nr_borrows"));
	return least * 2 >= horizon * 4 / 10 / BORROWERS ? true :
		because("one thread had %lld us on loans", (long long)(least / US));
}

/* b has budget, but a's deadline is earlier and a always runs. */
bool earlier_deadline_is_passed_by(void)
{
	struct borrower *a = borrower_start(0, "t/a", 20 * MS, 40 * MS), *b;
	long long own, sent;

	must_write("t/cpu.spare.pool", "1000 10000 cpus=1");
	must_write("t/a/cpu.spare.borrow", "off");
	b = borrower_start(1, "t/b", 30 * MS, 900 * MS);
	/* a starts a new period just after b has run in a's gap. */
	response(b, now(), 100 * MS);
	while (now() - a->last > 100 * US)
		__builtin_ia32_pause();
	pause_ns(2 * MS);
	own = b->last;
	sent = now();
	tap_send(&tap_b);
	if (response(b, sent, 10 * MS) < 0)
		return because("b, last run %lld us before, still waits for a",
			       (long long)((sent - own) / US));
	return true;
}

/* 40 % of the time on loans, had it not to pay: with charge=1 it gets Q/P. */
bool charged_borrower_gets_its_share(void)
{
	const int64_t horizon = 2000 * MS;
	struct borrower *b;
	long long used, bound;
	int64_t start, cpu;

	must_write("t/a/cpu.spare.borrow", "on charge=1 reply=0");
	b = borrower_start(0, "t/a", 20 * MS, 100 * MS);
	pause_ns(300 * MS);
	used = stat_of("t/a", "borrowed_usec");
	start = now();
	cpu = cpu_time_of(b->pid);
	while (now() - start < horizon) {
		tap_send(&tap_a);
		pause_ns(MS);
	}
	cpu = cpu_time_of(b->pid) - cpu;
	used = stat_of("t/a", "borrowed_usec") - used;
	/* Less than 2 Qs beyond Q/P, and a budget cut by the horizon's ends. */
	bound = horizon / 5 + 8 * MS + 20 * MS;
	printf("# %lld us in %lld, %lld of them on loans\n", (long long)(cpu / US),
	       (long long)(horizon / US), used);
	if (used < 20000)
		return because("only %lld us on loans", used);
	if (cpu < horizon / 5 - 28 * MS)
		return because("lost budget: %lld us", (long long)(cpu / US));
	return cpu <= bound ? true : because("ran %lld us, at most %lld",
					     (long long)(cpu / US), bound / US);
}

bool reclaiming_thread_borrows(void)
{
	struct borrower *b;
	int64_t sent;

	b = borrower_start(0, "t/a", 5 * MS, 100 * MS);
	errno = try_reserve(b->pid, 5 * MS, 100 * MS, 2 /* SCHED_FLAG_RECLAIM */);
	if (errno)
		die("reclaim");
	await_depletion(b);
	sent = now();
	tap_send(&tap_a);
	return response(b, sent, 6 * MS) >= 0 ? true : because("no loan");
}

bool two_units_serve_two(void)
{
	long long refused = stat_of("t", "nr_refused"), borrows = stat_of("t", "nr_borrows");
	struct borrower *a, *b;

	must_write("t/cpu.spare.pool", "2000 10000 units=2 cpus=1");
	a = borrower_start(0, "t/a", 5 * MS, 100 * MS);
	b = borrower_start(1, "t/b", 5 * MS, 100 * MS);
	await_depletion(a);
	await_depletion(b);
	tap_send(&tap_t);
	if (!reaches("t", "nr_borrows", borrows + 2, MS))
		return false;
	return stat_of("t", "nr_refused") == refused ? true : because("refused");
}

/* However many borrow in turn, the unit gives Qs every Ps and no more. */
bool chain_stays_within_the_unit(void)
{
	const int64_t horizon = 1000 * MS;
	long long used, most = 4000 * (horizon / (10 * MS) + 1) + 100;
	int64_t start;

	must_write("t/a/cpu.spare.borrow", "on chances=1 reply=0");
	must_write("t/b/cpu.spare.borrow", "on chances=1 reply=0");
	borrower_start(0, "t/a", 2 * MS, 100 * MS);
	borrower_start(1, "t/b", 2 * MS, 100 * MS);
	borrower_start(2, "t/b", 2 * MS, 100 * MS);
	pause_ns(20 * MS);
	used = stat_of("t", "borrowed_usec");
	start = now();
	while (now() - start < horizon) {
		tap_send(&tap_t);
		pause_ns(500 * US);
	}
	used = stat_of("t", "borrowed_usec") - used;
	printf("# %lld us on loan in %lld us, at most %lld\n", used,
	       (long long)(horizon / US), most);
	if (used > most)
		return because("%lld us on loan, at most %lld", used, most);
	return used >= most * 8 / 10 ? true :
		because("only %lld us on loan: the test does not reach the limit", used);
}

/*
 * A neighbour with (10,50) ms needs 9 ms of it each period, while a borrower
 * on the same CPU has loans all the time.
 */
bool neighbour_meets_deadlines_under_flood(void)
{
	const int periods = 40;
	struct { _Atomic int64_t first, misses, ended; } *shared;
	int64_t misses;
	pid_t pid;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap");
	pid = fork();
	if (!pid) {
		sched_setaffinity(0, sizeof(all), &all);
		while (!shared->first)
			__builtin_ia32_pause();
		for (int k = 0; k < periods; k++) {
			int64_t release = shared->first + k * 50 * MS, cpu;
			struct timespec ts = { release / 1000000000, release % 1000000000 };

			clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
			cpu = cpu_time_of(0);
			while (cpu_time_of(0) - cpu < 9 * MS)
				;
			shared->misses += now() > release + 50 * MS;
			shared->ended++;
		}
		_exit(0);
	}
	join("t/b", pid);
	must_write("t/b/cpu.spare.borrow", "off");
	await_reservation(pid, 10 * MS, 50 * MS);
	borrower_start(0, "t/a", 20 * MS, 100 * MS);
	shared->first = now() + 50 * MS;
	while (!waitpid(pid, NULL, WNOHANG)) {
		tap_send(&tap_a);
		pause_ns(300 * US);
	}
	misses = shared->misses;
	if (shared->ended != periods)
		return because("the neighbour ended after %lld periods", (long long)shared->ended);
	munmap(shared, sizeof(*shared));
	return misses ? because("%lld misses in %d periods", (long long)misses, periods) : true;
}
