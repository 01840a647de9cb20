// SPDX-License-Identifier: GPL-2.0
/*
 * What nobody gets beyond: a delegated group what its ancestors grant, units and
 * the fair server what their CPU can give, a borrower what the units of a CPU
 * supply, however often they are replaced.
 *
 * Runs as root on two CPUs in the testbed. t has CPU 1 and the pool, t/a/sub is
 * delegated to uid 1000; this program stays on CPU 0. Prints TAP.
 */
#define _GNU_SOURCE
#include "lab.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROOT "/sys/fs/cgroup"
#define SUB ROOT "/t/a/sub/"
#define FAIR "/sys/kernel/debug/sched/fair_server/cpu1/runtime"
#define LIMIT "/proc/sys/kernel/sched_rt_runtime_us"
#define ONLINE "/sys/devices/system/cpu/cpu1/online"
#define OWNER 1000	/* uid that t/a/sub is delegated to */
#define QS (4 * MS)
#define PS (10 * MS)

/* Shared with children. */
struct shared {
	_Atomic int64_t ran;	/* ns that the borrower has run */
	_Atomic bool stop;
	_Atomic int raised;	/* times the fair server was raised */
	_Atomic int beyond;	/* times it was raised beside units */
};

static struct shared *shared;
static struct tap tap;
static unsigned int number, failures;

static void report(bool passed, const char *name)
{
	printf("%sok %u - %s\n", passed ? "" : "not ", ++number, name);
	failures += !passed;
}

/* --- files --- */

static int open_as(uid_t uid, const char *path)
{
	int fd;

	if (seteuid(uid))
		die("seteuid");
	fd = open(path, O_WRONLY);
	if (seteuid(0))
		die("seteuid");
	return fd;
}

/* 0 or the error. */
static int write_as(uid_t uid, int fd, const char *text)
{
	int error = 0;

	if (seteuid(uid))
		die("seteuid");
	if (write(fd, text, strlen(text)) < 0)
		error = errno;
	if (seteuid(0))
		die("seteuid");
	return error;
}

static int put_as(uid_t uid, const char *path, const char *text)
{
	int fd = open_as(uid, path), error;

	if (fd < 0)
		die(path);
	error = write_as(uid, fd, text);
	close(fd);
	return error;
}

/* The file's first line is @text. */
static bool reads(const char *path, const char *text)
{
	char line[128] = "";
	FILE *file = fopen(path, "r");

	if (!file || !fgets(line, sizeof(line), file))
		die(path);
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
	if (!strcmp(line, text))
		return true;
	printf("# %s reads '%s' and not '%s'\n", path, line, text);
	return false;
}

static void group(const char *path)
{
	if (mkdir(path, 0755) && errno != EEXIST)
		die(path);
}

static void delegate(const char *path)
{
	if (chown(path, OWNER, OWNER))
		die(path);
}

/* --- what is lent --- */

static void spin(void *data)
{
	int64_t last = now();

	(void)data;
	for (;;) {
		int64_t time = now();

		/* A longer gap is one in which it did not run. */
		if (time - last < 40000)
			shared->ran += time - last;
		last = time;
	}
}

/* Whether the borrower gets loans for packets in 300 ms. */
static bool lends(void)
{
	long long before = stat_of("t", "nr_borrows");
	int i;

	for (i = 0; i < 300; i++) {
		tap_send(&tap);
		pause_ns(1 * MS);
	}
	return stat_of("t", "nr_borrows") > before;
}

/* --- delegation --- */

static void test_opener(void)
{
	int owners = open_as(OWNER, SUB "cpu.spare.borrow"), roots = open_as(0, SUB "cpu.spare.borrow");
	int owners_pool = open_as(OWNER, SUB "cpu.spare.pool"), roots_pool = open_as(0, SUB "cpu.spare.pool");

	report(put_as(OWNER, SUB "cpu.spare.borrow", "on") == EPERM && reads(SUB "cpu.spare.borrow", "inherit"),
	       "where nobody grants it, on needs CAP_SYS_NICE");
	report(!lends(), "and nothing is lent");
	report(write_as(0, owners, "on") == EPERM, "root's write through another's descriptor has that one's rights");
	report(write_as(0, owners_pool, "100 10000 cpus=1") == EPERM && reads(SUB "cpu.spare.pool", "none"),
	       "so has a pool's");
	report(!lends(), "and nothing is lent");
	report(write_as(OWNER, roots, "on reply=0") == 0 && lends(), "a write through root's descriptor has root's");
	report(write_as(OWNER, roots_pool, "100 10000 cpus=1") == 0 &&
	       reads(SUB "cpu.spare.pool", "100 10000 units=1 cpus=1"), "so has a pool's");
	report(!try_put(SUB "cpu.spare.pool", "none") && !try_put(SUB "cpu.spare.borrow", "inherit"),
	       "root takes both back");
	close(owners);
	close(roots);
	close(owners_pool);
	close(roots_pool);
}

static void test_narrow(void)
{
	static const char narrow[] = "on chances=3 charge=0 reply=0 linger=200 timer=0";

	put("t/a", "cpu.spare.borrow", "on reply=0");
	report(put_as(OWNER, SUB "cpu.spare.borrow", "on chances=3 reply=0") == 0 && reads(SUB "cpu.spare.borrow", narrow) &&
	       lends(), "where an ancestor grants it, on needs no right");
	put("t/a", "cpu.spare.borrow", "inherit");
	report(!lends() && reads(SUB "cpu.spare.borrow", narrow), "it ends with the grant");
	report(put_as(OWNER, SUB "cpu.spare.borrow", "on reply=0") == EPERM && reads(SUB "cpu.spare.borrow", narrow),
	       "and cannot be said again");
	put("t", "cpu.spare.borrow", "on reply=0");
	report(lends(), "a grant of the pool's owner is one");
	put("t/a", "cpu.spare.borrow", "off");
	report(!lends() && put_as(OWNER, SUB "cpu.spare.borrow", "on") == EPERM, "off is stronger than a grant above it");
	put("t/a", "cpu.spare.borrow", "inherit");
	report(lends(), "and gone when it is taken back");
	put("t", "cpu.spare.borrow", "inherit");
	report(!lends(), "as the grant is");
	report(put_as(OWNER, SUB "cpu.spare.borrow", "off") == 0 && put_as(OWNER, SUB "cpu.spare.borrow", "inherit") == 0,
	       "off and inherit need no right");
}

static void test_trusted(void)
{
	static const char trusted[] = "on chances=2 charge=1 reply=0 linger=200 timer=0";

	put("t/a/sub", "cpu.spare.borrow", "on chances=2 charge=1 reply=0");
	report(lends(), "root's on needs no grant");
	report(put_as(OWNER, SUB "cpu.spare.borrow", "on") == EPERM && reads(SUB "cpu.spare.borrow", trusted),
	       "its terms are root's, too");
	put("t", "cpu.spare.borrow", "on");
	report(put_as(OWNER, SUB "cpu.spare.borrow", "on") == EPERM && reads(SUB "cpu.spare.borrow", trusted),
	       "also where an ancestor grants others");
	put("t", "cpu.spare.borrow", "inherit");
	report(put_as(OWNER, SUB "cpu.spare.borrow", "inherit") == 0 && !lends(), "the owner may do without it");
	report(put_as(OWNER, SUB "cpu.spare.borrow", "on chances=2 charge=1 reply=0") == EPERM && !lends(),
	       "and not have it back");
}

/* A group below a group with a pool of its own, which root made in a delegated one. */
static void test_nested(void)
{
	put("t/a/sub", "cgroup.subtree_control", "+cpu");
	group(SUB "deep");
	delegate(SUB "deep/cpu.spare.borrow");
	put("t/a/sub", "cpu.spare.pool", "100 10000 cpus=1");
	report(put_as(OWNER, SUB "deep/cpu.spare.borrow", "on") == EPERM, "a nested pool grants nothing by itself");
	put("t/a", "cpu.spare.borrow", "on");
	report(put_as(OWNER, SUB "deep/cpu.spare.borrow", "on chances=1") == 0, "a grant above it is one for it");
	put("t/a", "cpu.spare.borrow", "inherit");
	put("t/a/sub", "cpu.spare.pool", "none");
	if (rmdir(SUB "deep"))
		die(SUB "deep");
	put("t/a/sub", "cgroup.subtree_control", "-cpu");
}

/* --- the fair server --- */

static void test_fair(void)
{
	put("t", "cpu.spare.pool", "9000 10000 cpus=1");
	report(try_put(FAIR, "500000000") == EBUSY && reads(FAIR, "50000000"),
	       "the fair server cannot be raised beyond what units leave");
	report(!try_put(FAIR, "20000000") && !try_put(ROOT "/t/cpu.spare.pool", "9300 10000 cpus=1"),
	       "what it is lowered by can be units");
	report(try_put(FAIR, "50000000") == EBUSY && reads(FAIR, "20000000"), "and then is not its own any more");
	put("t", "cpu.spare.pool", "none");
	report(!try_put(FAIR, "500000000"), "without units it can be raised");
	report(try_put(ROOT "/t/cpu.spare.pool", "9000 10000 cpus=1") == EBUSY && reads(ROOT "/t/cpu.spare.pool", "none"),
	       "and units do not fit beside it");
	report(!try_put(ROOT "/t/cpu.spare.pool", "4000 10000 cpus=1"), "unless they are smaller");
	report(try_put(LIMIT, "850000") == EBUSY && reads(LIMIT, "950000"), "no limit below both together");
	report(!try_put(LIMIT, "1000000") && !try_put(ROOT "/t/cpu.spare.pool", "5000 10000 cpus=1"),
	       "a higher one is for both");
	report(try_put(LIMIT, "950000") == EBUSY, "and cannot be lowered then");
	put("t", "cpu.spare.pool", "none");
	report(!try_put(LIMIT, "950000"), "but can without the units");
}

static void test_offline(void)
{
	if (try_put(ONLINE, "0"))
		die(ONLINE);
	report(try_put(FAIR, "50000000") == EBUSY, "the fair server of an offline CPU stays as it is");
	report(try_put(ROOT "/t/cpu.spare.pool", "9000 10000 cpus=1") == EBUSY, "and counts there");
	report(!try_put(ROOT "/t/cpu.spare.pool", "4000 10000 cpus=1"), "units that fit are set aside");
	report(!try_put(ONLINE, "1") && try_put(FAIR, "600000000") == EBUSY && reads(FAIR, "500000000"),
	       "and are there when the CPU is back");
	put("t", "cpu.spare.pool", "none");
	report(!try_put(FAIR, "50000000"), "the fair server is as it was");
}

static void raise_fair(void *data)
{
	cpu_set_t cpus;

	(void)data;
	CPU_ZERO(&cpus);
	CPU_SET(1, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	while (!shared->stop) {
		if (try_put(FAIR, "500000000"))
			continue;
		shared->raised++;
		if (!reads(ROOT "/t/cpu.spare.pool", "none"))
			shared->beyond++;
		while (try_put(FAIR, "50000000"))
			;
	}
}

/* Two who each take what is left: never both. */
static void test_fair_race(void)
{
	pid_t pid = child(raise_fair, NULL);
	int i, made = 0, beyond = 0;

	for (i = 0; i < 3000; i++) {
		if (try_put(ROOT "/t/cpu.spare.pool", "9000 10000 cpus=1"))
			continue;
		made++;
		beyond += !reads(FAIR, "50000000");
		put("t", "cpu.spare.pool", "none");
	}
	shared->stop = true;
	waitpid(pid, NULL, 0);
	printf("# 3000 tries: %d pools made, fair server raised %d times; both at once %d\n", made, shared->raised,
	       beyond + shared->beyond);
	report(made && shared->raised && !beyond && !shared->beyond, "units and fair server are never both given the same");
}

/* --- units that are replaced --- */

struct replacement {
	const char *name;
	const char *text[2];	/* written in turn, one each ms */
};

/* The most that the borrower ran in @window ms. */
static int64_t most(const int64_t *ran, int count, int window)
{
	int64_t most = 0;
	int i;

	for (i = window; i < count; i++)
		if (ran[i] - ran[i - window] > most)
			most = ran[i] - ran[i - window];
	return most;
}

/*
 * Its own 10 ms every 100 and one unit, in any 100 ms: its own budget once at
 * the end of a period and once at the beginning of the next, the unit's eleven
 * times, as of any CBS server. Over time it is U + (1 - U) Us.
 */
static void test_replaced(void)
{
	static const struct replacement tests[] = {
		{ "a pool that is left alone", { NULL, NULL } },
		{ "a pool that is written anew each ms", { "4000 10000 cpus=1", "4000 10000 cpus=1" } },
		{ "a pool that is removed and made anew each ms", { "none", "4000 10000 cpus=1" } },
		{ "a pool whose period changes each ms", { "2000 5000 cpus=1", "4000 10000 cpus=1" } },
	};
	static int64_t ran[3001];
	const int count = sizeof(ran) / sizeof(*ran);
	unsigned int test;
	int i;

	put("t", "cpu.spare.pool", "4000 10000 cpus=1");
	put("t/a/sub", "cpu.spare.borrow", "on reply=0");
	for (test = 0; test < sizeof(tests) / sizeof(*tests); test++) {
		int64_t begin = now();

		for (i = 0; i < count; i++) {
			const char *text = tests[test].text[i % 2];

			ran[i] = shared->ran;
			if (text)
				put("t", "cpu.spare.pool", text);
			tap_send(&tap);
			if (begin + (i + 1) * MS > now())
				pause_ns(begin + (i + 1) * MS - now());
		}
		printf("# %s: at most %.1f ms in 100 ms, %.3f over %d s\n", tests[test].name, most(ran, count, 100) / 1e6,
		       (ran[count - 1] - ran[0]) / (1e6 * (count - 1)), count / 1000);
		report(most(ran, count, 100) <= 2 * 10 * MS + 11 * QS && ran[count - 1] - ran[0] <= 0.485 * MS * (count - 1),
		       tests[test].name);
	}
	put("t", "cpu.spare.pool", "none");
	put("t/a/sub", "cpu.spare.borrow", "inherit");
}

int main(void)
{
	cpu_set_t cpus;
	pid_t pid;

	setvbuf(stdout, NULL, _IOLBF, 0);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap");
	/* Linux 7.2 and later begin with 1. */
	if (try_put(LIMIT, "950000"))
		die(LIMIT);
	put("", "cgroup.subtree_control", "+cpu +cpuset");
	group(ROOT "/t");
	put("t", "cpuset.cpus", "1");
	put("t", "cpuset.cpus.exclusive", "1");
	put("t", "cpuset.cpus.partition", "root");
	put("t", "cgroup.subtree_control", "+cpu +cpuset");
	group(ROOT "/t/a");
	put("t/a", "cgroup.subtree_control", "+cpu +cpuset");
	group(ROOT "/t/a/sub");
	delegate(SUB "cpu.spare.borrow");
	delegate(SUB "cpu.spare.pool");
	tap = tap_open("tapa");
	put("t/a", "cpu.spare.dev", "+tapa");
	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		die("sched_setaffinity");

	put("t", "cpu.spare.pool", "4000 10000 cpus=1");
	pid = child(spin, NULL);
	join("t/a/sub", pid);
	pause_ns(20 * MS);
	reserve(pid, 10 * MS, 100 * MS);
	test_opener();
	test_narrow();
	test_trusted();
	test_replaced();
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	test_nested();
	put("t", "cpu.spare.pool", "none");
	put("t", "cpuset.cpus.partition", "member");
	pause_ns(300 * MS);
	test_fair();
	test_offline();
	test_fair_race();
	printf("1..%u\n", number);
	return failures != 0;
}
