// SPDX-License-Identifier: GPL-2.0
/*
 * Spare deadline reservations, see Documentation/scheduler/sched-spare.rst
 *
 * No guest is needed: borrowers are plain processes under SCHED_DEADLINE,
 * events are packets through taps that are named in cpu.spare.dev.
 *
 * A cgroup of its own becomes a cpuset partition of the last CPU and provides
 * one unit there; two groups below it borrow. A supervisor sets this up and
 * takes it down again however the process that runs the tests ends.
 *
 * Periods are long beside what a tick may add: the time a thread without budget
 * waits is ten times the time within which a loan must make it run. A test that
 * fails is repeated if something held a thread up meanwhile, and only then.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kselftest.h"
#include "spare_lab.h"

/* A test during which a thread was held up for so long proves little. */
#define DISTURBED		(5 * MSEC)
#define MAX_TRIES		3

static struct tap tap_a, tap_b, tap_all;

static atomic_int stopped;
static atomic_int tester;

/* A thread of group a that has been lent the unit and has run on it. */
static struct borrower *on_loan(void)
{
	struct borrower *b = borrower_start(0, "a", RUNTIME, PERIOD);
	long long since;

	deplete(b);
	since = now();
	send_event(&tap_a);
	if (response(b, since, UNIT_PERIOD + SLACK) < 0 || stat_of(".", "units_busy") != 1) {
		because("an event lends nothing");
		return NULL;
	}

	return b;
}

/* The files */

/* @keys, in this order, and all zero but for the number of units */
static bool stat_has(const char *group, const char *keys)
{
	char text[1024], is[1024], key[64], *line, *rest = text;
	long long value;
	size_t len = 0;

	get(group, "cpu.spare.stat", text, sizeof(text));
	while ((line = strsep(&rest, "\n"))) {
		if (sscanf(line, "%63s %lld", key, &value) != 2)
			return because("'%s' in cpu.spare.stat", line);
		if (value && strcmp(key, "units"))
			return because("%s begins with %lld", key, value);
		len += snprintf(is + len, sizeof(is) - len, "%s%s", len ? " " : "", key);
	}

	return !strcmp(is, keys) ? true : because("the keys are %s", is);
}

static bool files_have_their_defaults(void)
{
#define KEYS "nr_events nr_borrows nr_waits nr_refused nr_dispatches "		\
	     "borrowed_usec waited_usec returned_own returned_unused "		\
	     "returned_chances returned_sleep returned_reply "			\
	     "returned_quiet returned_charge returned_gone"

	return file_reads("c", "cpu.spare.pool", "none") &&
	       file_reads("c", "cpu.spare.borrow", "inherit") &&
	       file_reads("c", "cpu.spare.dev", "") &&
	       latency_is_empty("c") &&
	       stat_has("c", KEYS) &&
	       stat_has(".", KEYS " units units_busy");
#undef KEYS
}

static bool files_read_as_written(void)
{
	char pool[64];

	snprintf(pool, sizeof(pool), "2000 40000 units=2 cpus=%d", cpu);

	return file_takes(".", "cpu.spare.pool", pool) &&
	       file_reads(".", "cpu.spare.pool", pool) &&
	       file_takes(".", "cpu.spare.pool", "none") &&
	       file_reads(".", "cpu.spare.pool", "none") &&
	       file_takes("a", "cpu.spare.borrow", "off") &&
	       file_reads("a", "cpu.spare.borrow", "off") &&
	       file_takes("a", "cpu.spare.borrow",
			  "on timer=1 linger=7 reply=1 charge=1 chances=3") &&
	       file_reads("a", "cpu.spare.borrow",
			  "on chances=3 charge=1 reply=1 linger=7 timer=1") &&
	       file_takes("a", "cpu.spare.borrow", "on chances=max charge=0 reply=0 linger=0") &&
	       file_reads("a", "cpu.spare.borrow",
			  "on chances=max charge=0 reply=0 linger=0 timer=0") &&
	       file_takes("a", "cpu.spare.borrow", "inherit") &&
	       file_reads("a", "cpu.spare.borrow", "inherit");
}

static bool invalid_writes_change_nothing(void)
{
	static const char * const pool[] = {
		" ", "x", "5000", "5000 x", "20000 5000", "-5000 20000", "0 20000",
		"5ms 20ms", "5000 20000 units=0", "5000 20000 units=x",
		"5000 20000 units=1 units=1", "5000 20000 cpus=",
		"5000 20000 cpus=x", "5000 20000 nonsense=1", "none units=1",
	};
	static const char * const borrow[] = {
		" ", "yes", "on off", "off chances=1", "inherit charge=1",
		"on chances", "on chances=0", "on chances=-1", "on chances=x",
		"on chances=1 chances=1", "on charge=2", "on charge=", "on reply=2",
		"on reply=x", "on linger=x", "on linger=-1", "on timer=2", "on nonsense=1",
	};
	static const char * const latency[] = { " ", "x", "1", "-1", "0 0", "max" };
	unsigned int i;
	bool passed = true;

	for (i = 0; i < ARRAY_SIZE(pool); i++)
		passed &= file_refuses(".", "cpu.spare.pool", pool[i], -EINVAL);
	for (i = 0; i < ARRAY_SIZE(borrow); i++)
		passed &= file_refuses("a", "cpu.spare.borrow", borrow[i], -EINVAL);
	for (i = 0; i < ARRAY_SIZE(latency); i++)
		passed &= file_refuses("a", "cpu.spare.latency", latency[i], -EINVAL);

	return passed;
}

static bool device_belongs_to_one_group(void)
{
	char bind[IFNAMSIZ + 1], release[IFNAMSIZ + 1];

	snprintf(bind, sizeof(bind), "+%s", tap_a.name);
	snprintf(release, sizeof(release), "-%s", tap_a.name);

	return file_reads("a", "cpu.spare.dev", tap_a.name) &&
	       file_refuses("b", "cpu.spare.dev", bind, -EBUSY) &&
	       file_refuses("b", "cpu.spare.dev", release, -ENODEV) &&
	       file_refuses("a", "cpu.spare.dev", "+nosuchdevice", -ENODEV) &&
	       file_refuses("a", "cpu.spare.dev", tap_a.name, -EINVAL) &&
	       file_takes("a", "cpu.spare.dev", bind) &&
	       file_takes("a", "cpu.spare.dev", release) &&
	       file_reads("a", "cpu.spare.dev", "") &&
	       file_takes("a", "cpu.spare.dev", bind);
}

/* Admission */

static bool pool_that_does_not_fit_changes_nothing(void)
{
	char pool[64];

	/* 99 % and the fair server's 5 %; then 25 % four times */
	snprintf(pool, sizeof(pool), "9900 10000 cpus=%d", cpu);
	if (!file_refuses(".", "cpu.spare.pool", pool, -EBUSY))
		return false;
	snprintf(pool, sizeof(pool), UNIT " units=4 cpus=%d", cpu);

	return file_refuses(".", "cpu.spare.pool", pool, -EBUSY) &&
	       stays("units", 1);
}

static bool bandwidth_is_shared_with_threads(void)
{
	struct borrower *b = borrower_start(0, "a", RUNTIME, PERIOD);
	char pool[64];
	int error;

	snprintf(pool, sizeof(pool), "5000 10000 cpus=%d", cpu);
	if (!file_takes(".", "cpu.spare.pool", pool))
		return false;
	error = reserve(b->pid, 60 * MSEC, 100 * MSEC);
	if (error != -EBUSY)
		return because("60 %% beside a pool of 50 %%: %s", strerror(-error));

	must_put(".", "cpu.spare.pool", "none");
	error = reserve(b->pid, 60 * MSEC, 100 * MSEC);
	if (error)
		return because("60 %% after the pool is gone: %s", strerror(-error));
	if (!file_refuses(".", "cpu.spare.pool", pool, -EBUSY))
		return false;

	error = reserve(b->pid, RUNTIME, PERIOD);
	if (error)
		return because("less than before: %s", strerror(-error));

	return file_takes(".", "cpu.spare.pool", pool);
}

/* Events and loans */

static bool event_is_answered(void)
{
	const int events = 5;
	long long since, took, sum = 0;
	struct borrower *b;
	int i;

	for (i = 0; i < events; i++) {
		b = borrower_start(0, "a", RUNTIME, PERIOD);
		deplete(b);
		since = now();
		send_event(&tap_a);
		took = response(b, since, UNIT_PERIOD + SLACK);
		if (took < 0)
			return because("does not run within Ps");
		sum += took;
		borrower_stop(b);
		sleep_ns(UNIT_PERIOD);
	}
	ksft_print_msg("runs %lld us after the event on average\n", usec(sum / events));

	return true;
}

static bool without_event_it_waits(void)
{
	long long borrows = stat_of(".", "nr_borrows");
	struct borrower *b = borrower_start(0, "a", RUNTIME, PERIOD);
	long long since, took;

	deplete(b);
	since = now();
	took = response(b, since, b->started + PERIOD - SLACK - since);
	if (took >= 0)
		return because("ran %lld us later without budget or loan", usec(took));

	return stays("nr_borrows", borrows);
}

static bool event_stays_pending_until_throttled(void)
{
	long long borrows = stat_of(".", "nr_borrows");
	struct borrower *b = borrower_start(0, "a", 4 * RUNTIME, PERIOD);
	bool early;

	go(b);
	while (b->ran < b->started && now() < b->started + PERIOD)
		sleep_ns(MSEC / 5);
	send_event(&tap_a);
	early = stat_of(".", "nr_borrows") != borrows;
	/* Unless this process was held up until the budget was gone. */
	if (early && now() < b->started + 3 * RUNTIME)
		return because("lent although the thread runs on its own");

	return reaches("nr_borrows", borrows + 1, PERIOD / 2);
}

/* Only a guest that halts has answered; a thread may sleep for many reasons. */
static bool sleep_keeps_event(void)
{
	long long borrows = stat_of(".", "nr_borrows");
	struct borrower *b = borrower_start(0, "a", 4 * RUNTIME, PERIOD);

	go(b);
	while (b->ran < b->started && now() < b->started + PERIOD)
		sleep_ns(MSEC / 5);
	send_event(&tap_a);
	b->order = BLOCK;
	sleep_ns(QUIET);
	go(b);

	return reaches("nr_borrows", borrows + 1, PERIOD);
}

static bool sleeper_borrows_when_woken(void)
{
	long long slept = stat_of(".", "returned_sleep"), borrows;
	struct borrower *b = on_loan();
	long long since;

	if (!b)
		return false;
	b->order = BLOCK;
	if (!reaches("returned_sleep", slept + 1, UNIT_PERIOD + 2 * SLACK))
		return false;

	borrows = stat_of(".", "nr_borrows");
	send_event(&tap_a);
	if (!stays("nr_borrows", borrows))
		return false;

	since = now();
	go(b);
	if (!reaches("nr_borrows", borrows + 1, UNIT_PERIOD))
		return false;

	return response(b, since, 2 * UNIT_PERIOD + SLACK) >= 0 ? true :
		because("lent, but does not run");
}

/* @a has budget, but @b, whose deadline is earlier, runs. */
static bool event_overtakes_earlier_deadline(void)
{
	long long borrows = stat_of(".", "nr_borrows");
	struct borrower *a = borrower_start(0, "a", 60 * MSEC, 2 * PERIOD);
	struct borrower *b = borrower_start(1, "b", 40 * MSEC, PERIOD / 2);
	long long since, took;

	go(a);
	sleep_ns(5 * MSEC);
	go(b);
	sleep_ns(5 * MSEC);
	since = now();
	if (since - b->started > 10 * MSEC || a->ran > b->started + 3 * MSEC) {
		disturbed_for(DISTURBED);
		return because("too late to tell");
	}
	send_event(&tap_a);
	took = response(a, since, UNIT_PERIOD + SLACK);
	if (took < 0)
		return because("waits for the other's budget to end");

	return reaches("nr_borrows", borrows + 1, MSEC);
}

/* How loans end */

static bool ends_on_own_reservation(void)
{
	long long own = stat_of(".", "returned_own");

	return on_loan() && reaches("returned_own", own + 1, 2 * PERIOD);
}

static bool ends_after_chances(void)
{
	long long returned = stat_of(".", "returned_chances");
	long long dispatches = stat_of(".", "nr_dispatches");
	long long used = stat_of(".", "borrowed_usec");

	must_put("a", "cpu.spare.borrow", "on chances=1 reply=0");
	if (!on_loan() ||
	    !reaches("returned_chances", returned + 1, UNIT_PERIOD + 2 * SLACK) ||
	    !stays("nr_dispatches", dispatches + 1))
		return false;

	used = stat_of(".", "borrowed_usec") - used;
	return used > 0 && used <= usec(UNIT_RUNTIME + SLACK) ? true :
		because("%lld us on one dispatch of %lld", used, usec(UNIT_RUNTIME));
}

static bool ends_on_sleep(void)
{
	long long slept = stat_of(".", "returned_sleep");
	struct borrower *b = on_loan();

	if (!b)
		return false;
	b->order = BLOCK;

	return reaches("returned_sleep", slept + 1, UNIT_PERIOD + 2 * SLACK);
}

static bool one_more_gone(long long before)
{
	return reaches("returned_gone", before + 1, UNIT_PERIOD + 2 * SLACK);
}

static bool ends_on_exit(void)
{
	long long gone = stat_of(".", "returned_gone");
	struct borrower *b = on_loan();

	if (!b)
		return false;
	b->order = EXIT;

	return one_more_gone(gone);
}

static bool ends_on_class_change(void)
{
	long long gone = stat_of(".", "returned_gone");
	struct borrower *b = on_loan();

	if (!b)
		return false;
	reserve(b->pid, 0, 0);

	return one_more_gone(gone);
}

/* Off its run queue and back again at once: nothing ends. */
static bool stays_when_parameters_change(void)
{
	long long gone = stat_of(".", "returned_gone");
	long long borrows, own = stat_of(".", "returned_own");
	struct borrower *b = on_loan();
	int i;

	if (!b)
		return false;
	borrows = stat_of(".", "nr_borrows");
	for (i = 0; i < 4; i++)
		reserve(b->pid, RUNTIME + i % 2 * 1000, PERIOD);
	/* Unless this process was held up until the next budget. */
	if (stat_of(".", "returned_own") != own) {
		disturbed_for(DISTURBED);
		return because("too late to tell");
	}

	return stays("returned_gone", gone) && stays("nr_borrows", borrows);
}

static bool ends_on_group_change(void)
{
	long long gone = stat_of(".", "returned_gone");
	struct borrower *b = on_loan();
	char pid[16];

	if (!b)
		return false;
	snprintf(pid, sizeof(pid), "%d", b->pid);
	must_put("b", "cgroup.procs", pid);

	return one_more_gone(gone);
}

static bool ends_when_forbidden(void)
{
	long long gone = stat_of(".", "returned_gone");

	if (!on_loan())
		return false;
	must_put("a", "cpu.spare.borrow", "off");

	return one_more_gone(gone);
}

static bool ends_on_pool_removal(void)
{
	long long gone = stat_of(".", "returned_gone");

	if (!on_loan())
		return false;
	must_put(".", "cpu.spare.pool", "none");

	return one_more_gone(gone);
}

/*
 * A root domain must not be rebuilt before the bandwidth of threads that are
 * gone has left it, at their 0-lag time: it is taken off the new sum too.
 */
static void settle(void)
{
	int i;

	for (i = 0; i < NR_BORROWERS; i++)
		borrower_stop(&borrowers[i]);
	sleep_ns(2 * PERIOD);
}

static void enter_partition(void)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", cpu);
	must_put(".", "cpuset.cpus", text);
	must_put(".", "cpuset.cpus.partition", "root");
}

/* An affinity can change only while admission control is off. */
static bool ends_on_affinity_change(void)
{
	long long gone = stat_of(".", "returned_gone");
	struct borrower *b;
	bool passed = false;
	cpu_set_t others;
	char cpus[32];
	int i;

	snprintf(cpus, sizeof(cpus), "0-%d", cpu);
	CPU_ZERO(&others);
	for (i = 0; i < cpu; i++)
		CPU_SET(i, &others);

	settle();
	must_put(".", "cpuset.cpus.partition", "member");
	set_admission(false);
	b = on_loan();
	if (b) {
		must_put(".", "cpuset.cpus", cpus);
		if (sched_setaffinity(b->pid, sizeof(others), &others))
			ksft_exit_fail_perror("affinity");
		passed = one_more_gone(gone);
	}
	settle();
	set_admission(true);
	enter_partition();

	return passed;
}

/* Waiting */

static bool second_borrower_waits_for_the_unit(void)
{
	struct borrower *a = borrower_start(0, "a", RUNTIME, PERIOD);
	struct borrower *b = borrower_start(1, "b", RUNTIME, PERIOD);
	long long borrows = stat_of(".", "nr_borrows");
	long long waits = stat_of(".", "nr_waits");
	long long waited = stat_of(".", "waited_usec");
	long long refused = stat_of(".", "nr_refused");
	long long since;

	go(a);
	go(b);
	await_depletion(a);
	await_depletion(b);

	since = now();
	send_event(&tap_a);
	if (response(a, since, UNIT_PERIOD + SLACK) < 0)
		return because("the first event lends nothing");
	since = now();
	send_event(&tap_b);
	if (!reaches("nr_waits", waits + 1, MSEC) ||
	    !stays("nr_borrows", borrows + 1))
		return false;
	if (b->resumed >= since)
		return because("the second borrower runs while the unit is on loan");

	since = now();
	a->order = BLOCK;
	if (!reaches("nr_borrows", borrows + 2, UNIT_PERIOD + 2 * SLACK))
		return false;
	if (response(b, since, 2 * UNIT_PERIOD + 2 * SLACK) < 0)
		return because("the unit was handed over, but its borrower does not run");
	if (stat_of(".", "waited_usec") <= waited)
		return because("waited_usec has not grown");

	return stays("nr_refused", refused);
}

static bool two_units_serve_two(void)
{
	long long borrows = stat_of(".", "nr_borrows"), waits = stat_of(".", "nr_waits");
	struct borrower *a, *b;
	int error;

	error = set_pool(UNIT " units=2");
	if (error)
		return because("two units: %s", strerror(-error));
	a = borrower_start(0, "a", RUNTIME, PERIOD);
	b = borrower_start(1, "b", RUNTIME, PERIOD);
	go(a);
	go(b);
	await_depletion(a);
	await_depletion(b);
	send_event(&tap_all);

	return reaches("nr_borrows", borrows + 2, MSEC) && stays("nr_waits", waits);
}

/* Limits */

struct sample {
	long long	before;		/* when reading began */
	long long	after;		/* and ended */
	long long	used;		/* us on loan */
};

/*
 * Any window of w ns overlaps w/Ps + 2 of the unit's periods. The counter may
 * lag behind by a tick, and a budget may be overrun by one, or by what held the
 * borrower up; the unit makes up for it later.
 */
static bool supply_is_bounded(const struct sample *s, int n)
{
	long long used, most;
	long long window;
	int i, j;

	for (i = 0; i < n; i++) {
		for (j = i + 1; j < n; j++) {
			window = s[j].after - s[i].before;
			used = s[j].used - s[i].used;
			most = usec((window / UNIT_PERIOD + 2) * UNIT_RUNTIME +
				    2 * SLACK + *disturbance);
			if (used > most)
				return because("%lld us on loan in %lld us, at most %lld",
					       used, usec(window), most);
		}
	}

	return true;
}

/* Three borrow in turn, each for one dispatch; the events never end. */
static bool unit_supplies_no_more_than_its_runtime(void)
{
	enum { SAMPLES = 500 };
	static struct sample samples[SAMPLES];
	long long used, least;
	int i, n;

	must_put("a", "cpu.spare.borrow", "on chances=1 reply=0");
	must_put("b", "cpu.spare.borrow", "on chances=1 reply=0");
	for (i = 0; i < NR_BORROWERS; i++)
		borrower_start(i, i ? "b" : "a", RUNTIME, PERIOD);
	for (i = 0; i < NR_BORROWERS; i++)
		go(&borrowers[i]);
	for (i = 0; i < NR_BORROWERS; i++)
		await_depletion(&borrowers[i]);

	for (n = 0; n < SAMPLES; n++) {
		send_event(&tap_all);
		samples[n].before = now();
		samples[n].used = stat_of(".", "borrowed_usec");
		samples[n].after = now();
		sleep_ns(2 * MSEC);
	}

	used = samples[n - 1].used - samples[0].used;
	least = usec((samples[n - 1].before - samples[0].after) / UNIT_PERIOD * UNIT_RUNTIME) / 2;
	ksft_print_msg("%lld us on loan in %lld us\n", used,
		       usec(samples[n - 1].after - samples[0].before));
	if (used < least)
		return because("only %lld us on loan: the limit is not reached", used);

	return supply_is_bounded(samples, n);
}

/* What a thread uses in ten periods of (10,100) ms, events coming all the time. */
static long long use_under_flood(void)
{
	struct borrower *b = borrower_start(0, "a", 10 * MSEC, 100 * MSEC);
	long long since = now(), used;
	clockid_t clock;

	if (clock_getcpuclockid(b->pid, &clock))
		ksft_exit_fail_msg("no CPU clock\n");
	used = read_clock(clock);
	go(b);
	while (now() - since < NSEC_PER_SEC) {
		send_event(&tap_a);
		sleep_ns(MSEC);
	}
	used = read_clock(clock) - used;
	borrower_stop(b);

	return used;
}

/* 11 budgets may fall into the window, and the excess is below 2 Qs. */
static bool charge_takes_loans_off_the_budget(void)
{
	long long most = 110 * MSEC + 2 * UNIT_RUNTIME + 2 * SLACK;
	long long charged = stat_of(".", "returned_charge"), borrows;
	long long used;

	must_put("a", "cpu.spare.borrow", "on charge=0 reply=0");
	used = use_under_flood();
	ksft_print_msg("%lld us in 1 s without charge\n", usec(used));
	if (used <= most + 2 * SLACK)
		return because("borrows too little without charge: nothing to see");

	if (!file_takes("a", "cpu.spare.borrow", "on charge=1 reply=0"))
		return false;
	borrows = stat_of(".", "nr_borrows");
	used = use_under_flood();
	ksft_print_msg("%lld us in 1 s with charge\n", usec(used));
	most += *disturbance;
	if (used > most)
		return because("more than %lld us", usec(most));
	if (stat_of(".", "nr_borrows") < borrows + 3)
		return because("hardly borrows any more");

	return reaches("returned_charge", charged + 1, MSEC);
}

static bool off_binds_descendants(void)
{
	long long borrows = stat_of(".", "nr_borrows");
	struct borrower *b;

	must_put(".", "cpu.spare.borrow", "off");
	must_put("a", "cpu.spare.borrow", "on");
	b = borrower_start(0, "a", RUNTIME, PERIOD);
	deplete(b);
	send_event(&tap_a);
	if (!stays("nr_borrows", borrows))
		return false;

	must_put(".", "cpu.spare.borrow", "inherit");
	borrower_stop(b);

	return on_loan();
}

/* How long events wait */

/* The worst of @how in group a, ns */
static bool worst_is(const char *how, long long least, long long most)
{
	long long worst = latency_of("a", "worst_usec", how);

	ksft_print_msg("the worst that was %s: %lld us\n", how, worst);
	if (worst < usec(least) || worst > usec(most))
		return because("the worst that was %s is not in %lld to %lld us", how,
			       usec(least), usec(most));

	return true;
}

static bool latency_on_loan_is_short(void)
{
	long long loans = latency_count("a", "loan"), all = latency_count(".", "loan");
	long long before = time(NULL), when;

	if (!file_takes(".", "cpu.spare.latency", "0") ||
	    latency_of("a", "worst_usec", "loan"))
		return because("0 leaves a worst");
	if (!on_loan())
		return false;
	if (latency_count("a", "loan") != loans + 1 || latency_count(".", "loan") != all + 1)
		return because("%lld, %lld events were dispatched on loans, not one each",
			       latency_count("a", "loan") - loans,
			       latency_count(".", "loan") - all);
	when = latency_of("a", "worst_time", "loan") / 1000000;
	if (when < before || when > time(NULL))
		return because("the worst was at %lld", when);

	return worst_is("loan", 0, UNIT_PERIOD);
}

/* No pool where it runs: until its own next period. */
static bool latency_is_long_when_refused(void)
{
	struct borrower *b;
	long long since, end, refused;
	char pool[64];

	snprintf(pool, sizeof(pool), UNIT " cpus=%d", cpu ? 0 : 1);
	must_put(".", "cpu.spare.pool", "none");
	must_put(".", "cpu.spare.pool", pool);
	must_put(".", "cpu.spare.latency", "0");
	refused = latency_count("a", "refused");
	b = borrower_start(0, "a", RUNTIME, PERIOD);
	deplete(b);
	since = now();
	end = b->started + PERIOD;
	send_event(&tap_a);
	send_event(&tap_a);
	if (response(b, since, PERIOD + SLACK) < 0)
		return because("does not run in its next period");
	if (latency_count("a", "refused") != refused + 1)
		return because("%lld events waited, not one",
			       latency_count("a", "refused") - refused);

	return worst_is("refused", end - since - SLACK, end - since + SLACK);
}

/* After all the other tests, with no borrower left. */
static bool every_borrow_was_returned(void)
{
	static const char * const returned[] = {
		"returned_own", "returned_unused", "returned_chances",
		"returned_sleep", "returned_reply", "returned_quiet",
		"returned_charge", "returned_gone",
	};
	long long end = now() + NSEC_PER_SEC, sum = 0, borrows;
	unsigned int i;

	/* The last one may be reaped before it has left its run queue. */
	while (stat_of(".", "units_busy") && now() < end)
		sleep_ns(MSEC);

	borrows = stat_of(".", "nr_borrows");
	for (i = 0; i < ARRAY_SIZE(returned); i++)
		sum += stat_of(".", returned[i]);
	ksft_print_msg("%lld borrows, %lld returns\n", borrows, sum);
	if (!borrows)
		return because("nothing was ever borrowed");

	return sum == borrows && stays("units_busy", 0);
}

static const struct {
	const char *name;
	bool (*run)(void);
} tests[] = {
	{ "the files have their defaults", files_have_their_defaults },
	{ "the files read as written", files_read_as_written },
	{ "invalid writes change nothing", invalid_writes_change_nothing },
	{ "a device belongs to one group", device_belongs_to_one_group },
	{ "a pool that does not fit changes nothing", pool_that_does_not_fit_changes_nothing },
	{ "threads and pools share the bandwidth", bandwidth_is_shared_with_threads },
	{ "an event for a depleted thread is answered within Ps", event_is_answered },
	{ "without an event a depleted thread waits", without_event_it_waits },
	{ "an event stays pending until the thread is throttled",
	  event_stays_pending_until_throttled },
	{ "an event is not answered by a sleep", sleep_keeps_event },
	{ "an event for a depleted sleeper lends when it wakes", sleeper_borrows_when_woken },
	{ "an event overtakes an earlier deadline", event_overtakes_earlier_deadline },
	{ "a loan ends on the own reservation", ends_on_own_reservation },
	{ "a loan ends after its chances", ends_after_chances },
	{ "a loan ends on sleep", ends_on_sleep },
	{ "a loan ends on exit", ends_on_exit },
	{ "a loan ends when the class changes", ends_on_class_change },
	{ "a loan goes on when parameters change", stays_when_parameters_change },
	{ "a loan ends when the group changes", ends_on_group_change },
	{ "a loan ends when the affinity changes", ends_on_affinity_change },
	{ "a loan ends when borrowing is forbidden", ends_when_forbidden },
	{ "a loan ends when the pool is removed", ends_on_pool_removal },
	{ "a second borrower waits for the unit", second_borrower_waits_for_the_unit },
	{ "two units serve two borrowers", two_units_serve_two },
	{ "a unit supplies no more than Qs per Ps", unit_supplies_no_more_than_its_runtime },
	{ "charge=1 takes loans off the budget", charge_takes_loans_off_the_budget },
	{ "off binds the groups below", off_binds_descendants },
	{ "what is answered on a loan has waited shortly", latency_on_loan_is_short },
	{ "what is refused a loan has waited long", latency_is_long_when_refused },
	{ "every borrow was returned", every_borrow_was_returned },
};

/* Brings every test to the same start: one fresh unit, both groups borrow. */
static void start_over(void)
{
	int error, i;

	for (i = 0; i < NR_BORROWERS; i++)
		borrower_stop(&borrowers[i]);
	must_put(".", "cpu.spare.borrow", "inherit");
	must_put("a", "cpu.spare.borrow", "on chances=max charge=0 reply=0");
	must_put("b", "cpu.spare.borrow", "on chances=max charge=0 reply=0");
	error = set_pool(UNIT);
	if (error)
		ksft_exit_fail_msg("pool: %s\n", strerror(-error));
}

static bool passes(bool (*run)(void))
{
	int try;

	for (try = 1;; try++) {
		start_over();
		*disturbance = 0;
		if (run())
			return true;
		if (*disturbance < DISTURBED || try == MAX_TRIES)
			return false;
		ksft_print_msg("failed try %d, but a thread was held up for %lld us\n",
			       try, usec(*disturbance));
	}
}

static void *map_shared(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		ksft_exit_fail_perror("mmap");

	return memory;
}

static void set_up_taps(void)
{
	/* Nobody else's packets. IPv6 would send some by itself. */
	if (!unshare(CLONE_NEWNET))
		write_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");

	tap_a = tap_open();
	tap_b = tap_open();
	tap_all = tap_open();
	tap_bind("a", &tap_a);
	tap_bind("b", &tap_b);
	tap_bind(".", &tap_all);
}

static void run_tests(void)
{
	/* Ahead of what else runs on the other CPUs, if that is allowed. */
	struct sched_param param = { .sched_priority = 1 };
	unsigned int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param);
	borrowers = map_shared(NR_BORROWERS * sizeof(*borrowers));
	disturbance = map_shared(sizeof(*disturbance));
	set_up_taps();

	ksft_set_plan(ARRAY_SIZE(tests));
	for (i = 0; i < ARRAY_SIZE(tests); i++)
		ksft_test_result(passes(tests[i].run), "%s\n", tests[i].name);
	start_over();
	ksft_finished();
}

/* The supervisor */

static void stop(int signal)
{
	stopped = signal;
	if (tester > 0)
		kill(tester, SIGKILL);
}

static const int stop_signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM };

static void on_stop_signals(void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(stop_signals); i++)
		sigaction(stop_signals[i], &action, NULL);
}

/* Runs the tests in a process of their own; returns what waitpid() says. */
static int supervise(void)
{
	sigset_t mask, old;
	unsigned int i;
	pid_t pid;
	int status;

	sigemptyset(&mask);
	for (i = 0; i < ARRAY_SIZE(stop_signals); i++)
		sigaddset(&mask, stop_signals[i]);
	sigprocmask(SIG_BLOCK, &mask, &old);
	pid = stopped ? -1 : fork();
	if (!pid) {
		on_stop_signals(SIG_DFL);
		sigprocmask(SIG_SETMASK, &old, NULL);
		run_tests();
	}
	tester = pid;
	sigprocmask(SIG_SETMASK, &old, NULL);

	if (pid < 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	tester = 0;

	return status;
}

int main(void)
{
	int status;

	ksft_print_header();
	on_stop_signals(stop);
	set_up();
	status = supervise();
	if (!tear_down())
		status = KSFT_FAIL << 8;

	if (stopped) {
		printf("Bail out! stopped by a signal\n");
		on_stop_signals(SIG_DFL);
		raise(stopped);
	}
	if (status < 0 || !WIFEXITED(status))
		ksft_exit_fail_msg("the tests did not come to their end\n");

	return WEXITSTATUS(status);
}
