// SPDX-License-Identifier: GPL-2.0
/*
 * Loans on a real kernel, without a guest: borrowers are plain threads under
 * SCHED_DEADLINE, events are packets through taps named in cpu.spare.dev.
 *
 * Runs as root on three CPUs, inside the testbed. CPU 1 is an exclusive
 * partition (/sys/fs/cgroup/t) with the groups a and b; this program stays on
 * CPU 0; CPU 2 is there to be repartitioned. Prints TAP; each test names the
 * behaviour it shows.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "lab.h"

#define US 1000LL
#define ROOT "/sys/fs/cgroup"

enum order { SPIN, BLOCK, YIELD, LOCK, EXIT };

/* One borrower, in memory shared with it. */
struct borrower {
	_Atomic int64_t last;	/* when it last ran, ns, CLOCK_MONOTONIC */
	_Atomic int64_t woken;	/* when it last left a block */
	_Atomic int order;	/* enum order, back to SPIN when obeyed */
	_Atomic int lock;	/* PI futex; the first one's is what LOCK takes */
	int wake[2];		/* pipe that ends a block */
	pid_t pid;
};

#define BORROWERS 16

static struct borrower *borrowers;	/* [BORROWERS] */
static struct tap tap_a, tap_b, tap_t;
static const cpu_set_t all = { .__bits = { 7 } };	/* as far as the group allows */
static unsigned int number, failures;
static char reason[256];

static bool because(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	return false;
}

static void report(const char *name, bool passed)
{
	printf("%sok %u - %s%s%s\n", passed ? "" : "not ", ++number, name,
	       passed ? "" : ": ", passed ? "" : reason);
	fflush(stdout);
	failures += !passed;
}

/* --- files --- */

static int write_file(const char *file, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s%s", *file == '/' ? "" : ROOT "/", file);
	return try_put(path, text);
}

static void must_write(const char *file, const char *text)
{
	errno = write_file(file, text);
	if (errno)
		die(file);
}

static void must_mkdir(const char *group)
{
	char path[256];

	snprintf(path, sizeof(path), ROOT "/%s", group);
	if (mkdir(path, 0755) && errno != EEXIST)
		die(path);
}

/* Allocated bandwidth of CPU 1's root domain, from the scheduler's own report. */
static long long total_bw(void)
{
	FILE *file = fopen("/sys/kernel/debug/sched/debug", "r");
	char line[256];
	long long value = -1;
	int cpu = -1;

	if (!file)
		die("sched/debug");
	while (fgets(line, sizeof(line), file)) {
		sscanf(line, "dl_rq[%d]:", &cpu);
		if (cpu == 1 && sscanf(line, " .dl_bw->total_bw : %lld", &value) == 1)
			break;
	}
	fclose(file);
	return value;
}

/* --- threads under SCHED_DEADLINE --- */

/* A @runtime of 0: SCHED_OTHER. Returns 0 or an errno. */
static int try_reserve(pid_t pid, int64_t runtime, int64_t period, uint64_t flags)
{
	return -set_attributes(pid, (struct attributes){
		.policy = runtime ? 6 /* SCHED_DEADLINE */ : SCHED_OTHER,
		.flags = flags,
		.runtime = runtime, .deadline = period, .period = period,
	});
}

/*
 * EPERM until it has run on CPU 1: admission asks the domain it last ran in.
 * EBUSY until the bandwidth of a thread that was killed is free, at its 0-lag
 * time.
 */
static void await_reservation(pid_t pid, int64_t runtime, int64_t period)
{
	int64_t end = now() + 500 * MS;

	for (;;) {
		errno = try_reserve(pid, runtime, period, 0);
		if (!errno)
			return;
		if ((errno != EBUSY && errno != EPERM) || now() > end)
			die("reserve");
		pause_ns(5 * MS);
	}
}

static void borrower_run(struct borrower *b)
{
	char byte;

	for (;;) {
		b->last = now();
		switch (b->order) {
		case SPIN:
			break;
		case BLOCK:
			b->order = SPIN;
			if (read(b->wake[0], &byte, 1) != 1)
				_exit(1);
			b->woken = now();
			break;
		case YIELD:
			b->order = SPIN;
			sched_yield();
			break;
		case LOCK:
			b->order = SPIN;
			syscall(SYS_futex, &borrowers->lock, FUTEX_LOCK_PI, 0, NULL);
			break;
		case EXIT:
			_exit(0);
		}
	}
}

/* A new borrower in @group with a reservation, spinning. */
static struct borrower *borrower_start(int i, const char *group, int64_t runtime, int64_t period)
{
	struct borrower *b = &borrowers[i];
	pid_t pid;

	if (pipe(b->wake))
		die("pipe");
	b->order = SPIN;
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		sched_setaffinity(0, sizeof(all), &all);
		borrower_run(b);
	}
	b->pid = pid;
	join(group, pid);
	await_reservation(pid, runtime, period);
	return b;
}

static void borrower_stop(struct borrower *b)
{
	if (!b->pid)
		return;
	kill(b->pid, SIGKILL);
	waitpid(b->pid, NULL, 0);
	close(b->wake[0]);
	close(b->wake[1]);
	b->pid = 0;
}

/* Waits for the next time @b runs out of budget: it ran, then it did not. */
static void await_depletion(struct borrower *b)
{
	int64_t since = now();

	while (b->last < since)
		pause_ns(100 * US);
	while (now() - b->last < 2 * MS)
		pause_ns(100 * US);
}

/* How long after @since @b ran, ns; -1 if not within @limit. */
static int64_t response(struct borrower *b, int64_t since, int64_t limit)
{
	while (b->last < since) {
		if (now() > since + limit)
			return -1;
		/* The emulator's CPUs take turns: give ours up. */
		__builtin_ia32_pause();
	}
	return b->last - since;
}

static bool reaches(const char *group, const char *key, long long value, int64_t limit)
{
	int64_t end = now() + limit;

	while (stat_of(group, key) < value) {
		if (now() > end)
			return because("%s of %s is %lld, not %lld", key, group,
				       stat_of(group, key), value);
		pause_ns(MS);
	}
	return true;
}

/* --- the tests --- */

/*
 * The bandwidth of a thread that is gone leaves at its 0-lag time, less than a
 * period later. A domain that is rebuilt before that does not count the thread,
 * and mainline takes it off the new sum all the same: wait.
 */
static void settle(void)
{
	pause_ns(150 * MS);
}

#define POOL "4000 10000 units=1 cpus=1"

/* Brings every test to the same start: one pool, a and b borrow, nobody runs. */
static void fresh(void)
{
	for (int i = 0; i < BORROWERS; i++)
		borrower_stop(&borrowers[i]);
	settle();
	must_write("t/cpu.spare.pool", POOL);
	must_write("t/a/cpu.spare.borrow", "on reply=0");
	must_write("t/b/cpu.spare.borrow", "on reply=0");
}

/* A depleted borrower in a that an event has just come for. */
static struct borrower *on_loan(void)
{
	struct borrower *b = borrower_start(0, "t/a", 5 * MS, 100 * MS);

	await_depletion(b);
	tap_send(&tap_a);
	response(b, now(), 10 * MS);
	return b;
}

static bool depleted_thread_answers(void)
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

static bool without_event_it_waits(void)
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

static bool without_budget_gone_no_loan(void)
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

static bool returns_on_own_dispatch(void)
{
	long long own = stat_of("t/a", "returned_own");

	on_loan();
	return reaches("t/a", "returned_own", own + 1, 200 * MS);
}

static bool returns_after_chances(void)
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

static bool returns_on_sleep(void)
{
	long long sleep = stat_of("t/a", "returned_sleep");
	struct borrower *b = on_loan();

	b->order = BLOCK;
	return reaches("t/a", "returned_sleep", sleep + 1, 20 * MS);
}

static bool returns_on_yield(void)
{
	long long sleep = stat_of("t/a", "returned_sleep");
	struct borrower *b = on_loan();

	b->order = YIELD;
	if (!reaches("t/a", "returned_sleep", sleep + 1, 20 * MS))
		return false;
	return response(b, now() + MS, 200 * MS) >= 0 ?
		true : because("never ran again");
}

static bool sleeper_borrows_at_wake_up(void)
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
static bool boosted_sleeper_runs_again(void)
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

static bool returns_on_exit(void)
{
	long long gone = stat_of("t/a", "returned_gone");
	struct borrower *b = on_loan();

	b->order = EXIT;
	return reaches("t/a", "returned_gone", gone + 1, 20 * MS);
}

static bool returns_on_class_change(void)
{
	long long gone = stat_of("t/a", "returned_gone");

	try_reserve(on_loan()->pid, 0, 0, 0);
	return reaches("t/a", "returned_gone", gone + 1, 5 * MS);
}

/*
 * Put off its run queue and back again every 0.3 ms, with packets all the time:
 * the loan stays, and so does what it is charged to.
 */
static bool survives_parameter_change(void)
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

/* Its affinity changes, and still allows the CPU it is on. */
static bool survives_affinity_in_place(void)
{
	long long gone;
	struct borrower *b;
	cpu_set_t cpus;
	bool passed;

	must_write("t/cpuset.cpus.partition", "member");
	must_write("/proc/sys/kernel/sched_rt_runtime_us", "-1");
	b = on_loan();
	gone = stat_of("t/a", "returned_gone");
	must_write("t/cpuset.cpus", "1-2");
	CPU_ZERO(&cpus);
	CPU_SET(1, &cpus);
	if (sched_setaffinity(b->pid, sizeof(cpus), &cpus))
		die("affinity");
	passed = stat_of("t/a", "returned_gone") == gone || because("the loan ended");
	borrower_stop(b);
	settle();
	must_write("/proc/sys/kernel/sched_rt_runtime_us", "950000");
	must_write("t/cpuset.cpus", "1");
	must_write("t/cpuset.cpus.partition", "root");
	return passed;
}

static bool returns_on_affinity_change(void)
{
	long long gone = stat_of("t/a", "returned_gone");
	struct borrower *b;
	cpu_set_t cpus;
	bool passed;

	/* Affinity cannot change while admission looks after the root domain. */
	must_write("t/cpuset.cpus.partition", "member");
	must_write("/proc/sys/kernel/sched_rt_runtime_us", "-1");
	b = on_loan();
	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	must_write("t/cpuset.cpus", "0-2");
	if (sched_setaffinity(b->pid, sizeof(cpus), &cpus))
		die("affinity");
	passed = reaches("t/a", "returned_gone", gone + 1, 20 * MS);
	borrower_stop(b);
	settle();
	must_write("/proc/sys/kernel/sched_rt_runtime_us", "950000");
	must_write("t/cpuset.cpus", "1");
	must_write("t/cpuset.cpus.partition", "root");
	return passed;
}

static bool returns_on_group_change(void)
{
	long long gone = stat_of("t", "returned_gone"), borrows;
	struct borrower *b = on_loan();

	borrows = stat_of("t", "nr_borrows");
	join("t/b", b->pid);
	if (!reaches("t", "returned_gone", gone + 1, 5 * MS))
		return false;
	pause_ns(20 * MS);
	return stat_of("t", "nr_borrows") == borrows ? true :
		because("a second loan for an event that was served");
}

static bool returns_on_borrow_off(void)
{
	long long gone = stat_of("t/a", "returned_gone");

	on_loan();
	must_write("t/a/cpu.spare.borrow", "off");
	return reaches("t/a", "returned_gone", gone + 1, MS);
}

static bool ancestor_off_binds(void)
{
	long long borrows = stat_of("t/a", "nr_borrows");
	struct borrower *b = borrower_start(0, "t/a", 5 * MS, 100 * MS);
	bool passed;

	must_write("t/cpu.spare.borrow", "off");
	await_depletion(b);
	tap_send(&tap_a);
	passed = stat_of("t/a", "nr_borrows") == borrows ||
		 because("borrowed although an ancestor forbids it");
	must_write("t/cpu.spare.borrow", "inherit");
	return passed;
}

static bool returns_on_pool_removal(void)
{
	long long gone = stat_of("t/a", "returned_gone"), bw = total_bw();

	on_loan();
	must_write("t/cpu.spare.pool", "none");
	if (!reaches("t/a", "returned_gone", gone + 1, MS))
		return false;
	borrower_stop(&borrowers[0]);
	must_write("t/cpu.spare.pool", POOL);
	settle();
	return total_bw() == bw ? true :
		because("total_bw %lld, before %lld", total_bw(), bw);
}

static bool survives_rebuild(void)
{
	long long gone = stat_of("t/a", "returned_gone"), bw;
	struct borrower *b = on_loan();

	bw = total_bw();
	must_write("t/cpuset.cpus.partition", "isolated");
	must_write("t/cpuset.cpus.partition", "root");
	if (stat_of("t/a", "returned_gone") != gone)
		return because("the loan ended");
	if (response(b, now(), 20 * MS) < 0)
		return because("the borrower does not run any more");
	return total_bw() == bw ? true :
		because("total_bw %lld, before %lld", total_bw(), bw);
}

/* The others' root domain is rebuilt; ours is kept and recounted. */
static bool bandwidth_survives_rebuild_of_others(void)
{
	long long bw = total_bw();

	must_write("cgroup.subtree_control", "+cpuset");
	must_mkdir("other");
	must_write("other/cpuset.cpus", "2");
	must_write("other/cpuset.cpus.partition", "root");
	must_write("other/cpuset.cpus.partition", "member");
	rmdir(ROOT "/other");
	return total_bw() == bw ? true :
		because("total_bw %lld, before %lld", total_bw(), bw);
}

static bool unit_and_pool_survive_hotplug(void)
{
	struct borrower *b;
	bool passed = false;
	long long bw;

	must_write("t/cpuset.cpus.partition", "member");
	must_write("t/cpuset.cpus", "0-2");
	bw = total_bw();
	b = borrower_start(0, "t/a", 5 * MS, 100 * MS);
	/* Global EDF: the thread may run on CPU 0, where the pool has no unit. */
	for (int i = 0; i < 20 && stat_of("t", "units_busy") < 1; i++) {
		await_depletion(b);
		tap_send(&tap_a);
	}
	errno = write_file("/sys/devices/system/cpu/cpu1/online", "0");
	if (errno) {
		because("CPU 1 does not go offline: %s", strerror(errno));
		goto out;
	}
	if (stat_of("t", "units_busy") != 0) {
		because("a unit of an offline CPU is on loan");
		goto online;
	}
	passed = true;
online:
	must_write("/sys/devices/system/cpu/cpu1/online", "1");
out:
	borrower_stop(b);
	settle();
	if (passed && total_bw() != bw)
		passed = because("total_bw %lld, before %lld", total_bw(), bw);
	must_write("t/cpuset.cpus", "1");
	must_write("t/cpuset.cpus.partition", "root");
	return passed;
}

#define ONLINE "/sys/devices/system/cpu/cpu1/online"

/* The others need not carry its fair server and its units. */
static bool only_cpu_goes_offline(void)
{
	long long bw = total_bw();

	errno = write_file(ONLINE, "0");
	if (errno)
		return because("CPU 1 does not go offline: %s", strerror(errno));
	must_write(ONLINE, "1");
	settle();
	must_write("t/cpuset.cpus.partition", "root");
	return total_bw() == bw ? true :
		because("total_bw %lld, before %lld", total_bw(), bw);
}

/*
 * a has drained the unit, b waits, and no other CPU could carry them. Nobody is to
 * run meanwhile: mainline pushes away who does, also if the CPU stays after all.
 */
static bool refused_offline_changes_nothing(void)
{
	long long waits = stat_of("t", "nr_waits"), gone = stat_of("t/a", "returned_gone");
	long long used = stat_of("t/b", "borrowed_usec");
	struct borrower *a = borrower_start(0, "t/a", 5 * MS, 200 * MS);
	struct borrower *b = borrower_start(1, "t/b", 5 * MS, 200 * MS);

	must_write("t/cpu.spare.pool", "1000 100000 cpus=1");
	must_write("t/a/cpu.spare.borrow", "on reply=0");
	must_write("t/b/cpu.spare.borrow", "on reply=0");
	await_depletion(a);
	await_depletion(b);
	tap_send(&tap_a);
	pause_ns(3 * MS);
	tap_send(&tap_b);
	if (!reaches("t", "nr_waits", waits + 1, MS))
		return false;
	errno = write_file(ONLINE, "0");
	if (errno != EBUSY)
		return because("to take CPU 1 offline said %d", errno);
	/* b has asked first on account of what it has not been served for. */
	return reaches("t/a", "returned_gone", gone + 1, MS) &&
	       reaches("t/b", "borrowed_usec", used + 990, 110 * MS);
}

/* The first burns all of its chances; the second is given the unit then. */
static bool second_borrower_waits(void)
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

static bool waiter_leaves_when_it_sleeps(void)
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

static bool pending_borrows_at_throttle(void)
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
static bool leaver_keeps_no_event(void)
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
static bool sleep_keeps_the_event(void)
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
static bool borrows_again_after_a_lock(void)
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

/* A neighbour with an earlier deadline runs whenever it may. */
static bool preempted_borrower_has_all_of_qs(void)
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
static bool leftover_is_no_chance(void)
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

/* One unit for all; packets for all, all the time. */
static bool nobody_starves_in_line(void)
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
static bool earlier_deadline_is_passed_by(void)
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
static bool charged_borrower_gets_its_share(void)
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

static bool reclaiming_thread_borrows(void)
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

static bool limit_counts_units_of_each_cpu(void)
{
	int err;

	must_write("t/cpu.spare.pool", "6000 10000 cpus=1");
	err = write_file("/proc/sys/kernel/sched_rt_runtime_us", "600000");
	if (!err)
		must_write("/proc/sys/kernel/sched_rt_runtime_us", "950000");
	return err == EBUSY ? true : because("lowering the limit below the units said %d", err);
}

static bool two_units_serve_two(void)
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
static bool chain_stays_within_the_unit(void)
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
static bool neighbour_meets_deadlines_under_flood(void)
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

static bool admission_counts_units(void)
{
	/* 0.4 (pool) + 0.05 (fair server) + 0.6 > 0.95 */
	pid_t pid = borrower_start(0, "t/a", 40 * MS, 100 * MS)->pid;

	if (try_reserve(pid, 60 * MS, 100 * MS, 0) != EBUSY)
		return because("a reservation beyond the limit was admitted");
	if (write_file("t/cpu.spare.pool", "6000 10000 cpus=1") != EBUSY)
		return because("a pool beyond the limit was admitted");
	if (stat_of("t", "units") != 1)
		return because("the refused pool changed the old one");
	return write_file("t/cpu.spare.pool", "5000 10000 cpus=1") ?
		because("a pool that fits was refused") : true;
}

static bool device_belongs_to_one_group(void)
{
	if (write_file("t/b/cpu.spare.dev", "+tapa") != EBUSY)
		return because("a device was bound twice");
	if (write_file("t/a/cpu.spare.dev", "+tapa"))
		return because("binding again is not idempotent");
	if (write_file("t/b/cpu.spare.dev", "-tapa") != ENODEV)
		return because("a group released another group's device");
	if (write_file("t/a/cpu.spare.dev", "+nosuch") != ENODEV)
		return because("an absent device was bound");
	if (write_file("t/a/cpu.spare.dev", "tapa") != EINVAL)
		return because("a name without a sign was accepted");
	return write_file("t/a/cpu.spare.dev", "-tapa") || write_file("t/a/cpu.spare.dev", "+tapa") ?
		because("a device cannot be released and bound again") : true;
}

static bool statistics_add_up(void)
{
	static const char *const returned[] = {
		"returned_own", "returned_unused", "returned_chances", "returned_sleep",
		"returned_reply", "returned_quiet", "returned_charge", "returned_gone",
	};
	long long sum = 0, borrows = stat_of("t", "nr_borrows");

	for (unsigned int i = 0; i < sizeof(returned) / sizeof(*returned); i++)
		sum += stat_of("t", returned[i]);
	if (stat_of("t", "units_busy") != 0)
		return because("%lld units busy with no borrower alive", stat_of("t", "units_busy"));
	if (sum != borrows)
		return because("%lld borrows, %lld returns", borrows, sum);
	/* Whoever has not had, or not finished, what the loan was for gets another. */
	return borrows <= stat_of("t", "nr_events") + stat_of("t", "returned_gone") +
			  stat_of("t", "returned_unused") + stat_of("t", "returned_sleep") ?
		true : because("more loans than events");
}

static const struct {
	const char *name;
	bool (*run)(void);
} tests[] = {
	{ "a depleted thread runs within Ps-Qs of an event", depleted_thread_answers },
	{ "a depleted thread waits when there is no event", without_event_it_waits },
	{ "an event for a thread with budget lends nothing", without_budget_gone_no_loan },
	{ "a loan ends when the thread runs on its own reservation", returns_on_own_dispatch },
	{ "chances=1: a loan ends after Qs", returns_after_chances },
	{ "chances=1: a borrower that is preempted has all of Qs", preempted_borrower_has_all_of_qs },
	{ "chances=1: what another has left of the unit is no chance", leftover_is_no_chance },
	{ "a loan ends when the thread sleeps", returns_on_sleep },
	{ "a loan ends when the thread yields", returns_on_yield },
	{ "an event for a depleted sleeper lends at its wake-up", sleeper_borrows_at_wake_up },
	{ "a borrower that was boosted while it was blocked runs again", boosted_sleeper_runs_again },
	{ "a loan ends when the thread exits", returns_on_exit },
	{ "a loan ends when the thread changes class", returns_on_class_change },
	{ "a loan goes on, and is charged, when the thread's parameters change", survives_parameter_change },
	{ "a loan goes on when the thread's affinity changes in place", survives_affinity_in_place },
	{ "a loan ends when the thread moves to another CPU", returns_on_affinity_change },
	{ "a loan ends when the thread changes group, and is not given again", returns_on_group_change },
	{ "a loan ends when borrowing is switched off", returns_on_borrow_off },
	{ "an ancestor's off binds the groups below it", ancestor_off_binds },
	{ "a loan ends when its pool is removed; bandwidth is conserved", returns_on_pool_removal },
	{ "a loan goes on when its CPU changes root domain; bandwidth is conserved", survives_rebuild },
	{ "bandwidth survives a rebuild of other root domains", bandwidth_survives_rebuild_of_others },
	{ "a loan ends when its CPU goes offline; bandwidth comes back", unit_and_pool_survive_hotplug },
	{ "the only CPU of a domain goes offline, with its units", only_cpu_goes_offline },
	{ "a CPU that may not go offline has all who had or waited for a unit", refused_offline_changes_nothing },
	{ "with one unit the second borrower waits, and is served", second_borrower_waits },
	{ "a waiter that dies leaves the line", waiter_leaves_when_it_sleeps },
	{ "an event for a running thread lends when its budget ends", pending_borrows_at_throttle },
	{ "who leaves the pool's groups, and comes back, has no event left", leaver_keeps_no_event },
	{ "an event is not over when the thread sleeps", sleep_keeps_the_event },
	{ "a borrower that blocks borrows again when it wakes up", borrows_again_after_a_lock },
	{ "of many borrowers none starves in line", nobody_starves_in_line },
	{ "a thread with budget behind an earlier deadline borrows", earlier_deadline_is_passed_by },
	{ "charge=1: loans are paid for, no more and no less", charged_borrower_gets_its_share },
	{ "a thread with SCHED_FLAG_RECLAIM borrows", reclaiming_thread_borrows },
	{ "sched_rt_runtime_us cannot go below a CPU's units", limit_counts_units_of_each_cpu },
	{ "two units serve two borrowers", two_units_serve_two },
	{ "a chain of borrowers stays within Qs every Ps", chain_stays_within_the_unit },
	{ "a neighbour meets its deadlines under a packet flood", neighbour_meets_deadlines_under_flood },
	{ "admission counts units, for tasks and for pools", admission_counts_units },
	{ "a device belongs to one group", device_belongs_to_one_group },
	{ "borrows equal returns when all is over", statistics_add_up },
};

static void set_up(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		die("affinity");
	borrowers = mmap(NULL, BORROWERS * sizeof(*borrowers), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (borrowers == MAP_FAILED)
		die("mmap");
	must_write("cgroup.subtree_control", "+cpu +cpuset");
	must_mkdir("t");
	must_write("t/cpuset.cpus", "1");
	must_write("t/cpuset.cpus.partition", "root");
	must_write("t/cgroup.subtree_control", "+cpu");
	must_mkdir("t/a");
	must_mkdir("t/b");
	tap_a = tap_open("tapa");
	tap_b = tap_open("tapb");
	tap_t = tap_open("tapt");
	must_write("t/a/cpu.spare.dev", "+tapa");
	must_write("t/b/cpu.spare.dev", "+tapb");
	must_write("t/cpu.spare.dev", "+tapt");
}

int main(void)
{
	unsigned int n = sizeof(tests) / sizeof(*tests);

	set_up();
	printf("1..%u\n", n);
	fflush(stdout);
	for (unsigned int i = 0; i < n; i++) {
		fresh();
		if (i == n - 1)
			pause_ns(10 * MS);
		report(tests[i].name, tests[i].run());
	}
	fresh();
	return failures != 0;
}
