// SPDX-License-Identifier: GPL-2.0
/*
 * What may come between an event and its answer, and is no answer: a contended lock, a page that another process
 * provides, the freezer, a signal, a stop. Each takes its own time, and the rest as long as without it.
 *
 * Runs as root on two CPUs, inside the testbed. CPU 1 is a partition (/sys/fs/cgroup/t) with the borrower; this program
 * stays on CPU 0. The borrower is no vCPU: nobody sees when it has answered. Prints TAP.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lab.h"

#define ROUNDS	20
#define PAGE	4096
#define SPARE_PERIOD	(10 * MS)
#define OWN	(50 * MS / 1000)	/* what the other side adds, ns */
#define SLACK	(2 * MS)		/* emulated CPUs take turns of up to 1 ms; the own budget is tens of ms away */

enum between { NOTHING, LOCK, FAULT };

struct shared {
	_Atomic int asked, working, answered;
	_Atomic int between;		/* enum between: what the borrower does in the midst of it */
	_Atomic int lock;		/* lab.h's */
	_Atomic int64_t last;		/* when the borrower last ran */
	_Atomic int signals;
	_Atomic int uffd;		/* its userfaultfd, there */
	volatile char *page;		/* ... for this, there */
};

static struct shared *shared;
static struct tap tap;
static pid_t borrower;
static int uffd, number, failures;

/* --- the borrower --- */

static void on_signal(int unused)
{
	(void)unused;
	shared->signals++;
}

static void make_page(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING, .range.len = PAGE };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	shared->page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	range.range.start = (uintptr_t)shared->page;
	if (shared->page == MAP_FAILED || fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &range))
		die("userfaultfd");
	shared->uffd = fd;
}

/* Its own time: gaps, in which it did not run, do not count. */
static void compute(int64_t ns)
{
	for (int64_t done = 0, last = now(), at; done < ns; last = at) {
		at = now();
		shared->last = at;
		if (at - last < MS / 25)
			done += at - last;
		__builtin_ia32_pause(); /* the next emulated CPU has its turn */
	}
}

static void answer(int asked)
{
	shared->working = asked;
	compute(MS / 4);
	if (shared->between == LOCK) {
		lock_take(&shared->lock);
		lock_drop(&shared->lock);
	} else if (shared->between == FAULT) {
		*shared->page = 1;
	}
	compute(MS / 4);
	shared->answered = asked;
	if (shared->between == FAULT)
		madvise((void *)shared->page, PAGE, MADV_DONTNEED);
}

static void serve(void *unused)
{
	struct sigaction action = { .sa_handler = on_signal };

	(void)unused;
	if (sigaction(SIGUSR1, &action, NULL))
		die("sigaction");
	make_page();
	for (;;) {
		shared->last = now();
		if (shared->asked != shared->answered)
			answer(shared->asked);
		__builtin_ia32_pause();
	}
}

/* --- who asks --- */

static void await(_Atomic int *value, int wanted)
{
	for (int64_t end = now() + 1000 * MS; *value != wanted && now() < end;)
		__builtin_ia32_pause();
}

static void wait_ns(int64_t ns)
{
	for (int64_t end = now() + ns; now() < end;)
		__builtin_ia32_pause();
}

/* Its budget is gone, the last loan over, its unit fresh, and @phase ns have passed. */
static void await_depletion(int64_t phase)
{
	do
		pause_ns(MS);
	while (now() - shared->last > 2 * MS);
	do
		pause_ns(MS / 4);
	while (now() - shared->last < 2 * MS);
	pause_ns(SPARE_PERIOD + phase);
}

static void hold_the_lock(void)
{
	await(&shared->lock, LOCK_WAITED);
	wait_ns(OWN);
	lock_drop(&shared->lock);
}

static void provide_the_page(void)
{
	struct uffdio_zeropage page = { .range = { .start = (uintptr_t)shared->page, .len = PAGE } };
	struct pollfd file = { .fd = uffd, .events = POLLIN };
	struct uffd_msg message;

	if (poll(&file, 1, 1000) != 1 || read(uffd, &message, sizeof(message)) != sizeof(message))
		return;
	wait_ns(OWN);
	if (ioctl(uffd, UFFDIO_ZEROPAGE, &page))
		die("UFFDIO_ZEROPAGE");
}

static bool is_frozen(void)
{
	char text[128];
	int fd = open("/sys/fs/cgroup/t/a/cgroup.events", O_RDONLY);
	ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (size <= 0)
		die("cgroup.events");
	close(fd);
	text[size] = '\0';
	return strstr(text, "frozen 1");
}

static void freeze(void)
{
	await(&shared->working, shared->asked);
	put("t/a", "cgroup.freeze", "1");
	for (int64_t end = now() + 1000 * MS; !is_frozen() && now() < end;)
		pause_ns(MS / 100);
	put("t/a", "cgroup.freeze", "0");
}

static void send_signal(void)
{
	await(&shared->working, shared->asked);
	kill(borrower, SIGUSR1);
}

static void stop_and_continue(void)
{
	await(&shared->working, shared->asked);
	kill(borrower, SIGSTOP);
	wait_ns(OWN);
	kill(borrower, SIGCONT);
}

struct disturbance {
	const char *name;
	enum between between;
	void (*disturb)(void);
};

/* How long the answer takes; in *own how long the disturbance did. */
static int64_t ask(const struct disturbance *what, int64_t phase, int64_t *own)
{
	int64_t begin, end;

	shared->between = what->between;
	await_depletion(phase);
	begin = now();
	if (what->between == LOCK)
		lock_take(&shared->lock);
	shared->asked++;
	tap_send(&tap);
	*own = now();
	if (what->disturb)
		what->disturb();
	*own = now() - *own;
	for (end = now() + 1000 * MS; shared->answered != shared->asked && now() < end;)
		pause_ns(MS / 50);
	return now() - begin;
}

/* The longest answer of some rounds, ns, with and without what was added on purpose. */
static int64_t ask_often(const struct disturbance *what, int64_t *without)
{
	int64_t most = 0;

	*without = 0;
	for (int i = 0; i < ROUNDS; i++) {
		int64_t own, took = ask(what, i * 2 * MS, &own);

		most = took > most ? took : most;
		*without = took - own > *without ? took - own : *without;
	}
	return most;
}

static void report(const struct disturbance *what, int64_t bound)
{
	int64_t without, most = ask_often(what, &without);
	bool good = without <= bound && shared->answered == shared->asked;

	printf("%sok %d - %s: the answer takes no longer, but for its own time (%.2f ms, in all %.2f, at most %.2f)\n",
	       good ? "" : "not ", ++number, what->name, without / (double)MS, most / (double)MS, bound / (double)MS);
	failures += !good;
}

static void set_up(void)
{
	cpu_set_t first = { .__bits = { 1 } };

	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || sched_setaffinity(0, sizeof(first), &first))
		die("set-up");
	put("", "cgroup.subtree_control", "+cpu +cpuset");
	if (mkdir("/sys/fs/cgroup/t", 0755))
		die("mkdir");
	put("t", "cpuset.cpus", "1");
	put("t", "cpuset.cpus.exclusive", "1");
	put("t", "cpuset.cpus.partition", "root");
	put("t", "cgroup.subtree_control", "+cpu +cpuset");
	if (mkdir("/sys/fs/cgroup/t/a", 0755))
		die("mkdir");
	tap = tap_open("tapa");
	put("t", "cpu.spare.pool", "4000 10000 cpus=1");
	/* No loan goes on until the own budget, with its unit drained. */
	put("t/a", "cpu.spare.borrow", "on chances=1");
	put("t/a", "cpu.spare.dev", "+tapa");
	borrower = child(serve, NULL);
	while (!shared->uffd)
		pause_ns(MS);
	uffd = syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, borrower, 0), shared->uffd, 0);
	if (uffd < 0)
		die("pidfd_getfd");
	join("t/a", borrower);
	reserve(borrower, 20 * MS, 100 * MS);
}

int main(void)
{
	static const struct disturbance all[] = {
		{ "a contended futex", LOCK, hold_the_lock },
		{ "a page of userfaultfd", FAULT, provide_the_page },
		{ "the freezer", NOTHING, freeze },
		{ "a signal with a handler", NOTHING, send_signal },
		{ "a stop", NOTHING, stop_and_continue },
	};
	static const struct disturbance nothing = { "nothing", NOTHING, NULL };
	int64_t without, plain;

	setlinebuf(stdout);
	set_up();
	puts("1..7");
	plain = ask_often(&nothing, &without);
	printf("%sok %d - without any, an answer takes less than the borrower is throttled (%.2f ms)\n",
	       plain < 20 * MS ? "" : "not ", ++number, plain / (double)MS);
	failures += plain >= 20 * MS;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		report(&all[i], plain + SLACK);
	printf("%sok %d - the signals were handled (%d == %d)\n", shared->signals == ROUNDS ? "" : "not ", ++number,
	       shared->signals, ROUNDS);
	failures += shared->signals != ROUNDS;
	kill(borrower, SIGKILL);
	return failures != 0;
}
