// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "scene.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct borrower *borrowers;
struct tap tap_a, tap_b, tap_t;
const cpu_set_t all = { .__bits = { 7 } };
unsigned int failures;
static unsigned int number;
static char reason[256];

bool because(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	return false;
}

void report(const char *name, bool passed)
{
	printf("%sok %u - %s%s%s\n", passed ? "" : "not ", ++number, name,
	       passed ? "" : ": ", passed ? "" : reason);
	fflush(stdout);
	failures += !passed;
}

/* --- files --- */

int write_file(const char *file, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s%s", *file == '/' ? "" : ROOT "/", file);
	return try_put(path, text);
}

void must_write(const char *file, const char *text)
{
	errno = write_file(file, text);
	if (errno)
		die(file);
}

void must_mkdir(const char *group)
{
	char path[256];

	snprintf(path, sizeof(path), ROOT "/%s", group);
	if (mkdir(path, 0755) && errno != EEXIST)
		die(path);
}

long long total_bw(void)
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

int try_reserve(pid_t pid, int64_t runtime, int64_t period, uint64_t flags)
{
	return -set_attributes(pid, (struct attributes){
		.policy = runtime ? 6 /* SCHED_DEADLINE */ : SCHED_OTHER,
		.flags = flags,
		.runtime = runtime, .deadline = period, .period = period,
	});
}

void await_reservation(pid_t pid, int64_t runtime, int64_t period)
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

struct borrower *borrower_start(int i, const char *group, int64_t runtime, int64_t period)
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

void borrower_stop(struct borrower *b)
{
	if (!b->pid)
		return;
	kill(b->pid, SIGKILL);
	waitpid(b->pid, NULL, 0);
	close(b->wake[0]);
	close(b->wake[1]);
	b->pid = 0;
}

void await_depletion(struct borrower *b)
{
	int64_t since = now();

	while (b->last < since)
		pause_ns(100 * US);
	while (now() - b->last < 2 * MS)
		pause_ns(100 * US);
}

int64_t response(struct borrower *b, int64_t since, int64_t limit)
{
	while (b->last < since) {
		if (now() > since + limit)
			return -1;
		/* The emulator's CPUs take turns: give ours up. */
		__builtin_ia32_pause();
	}
	return b->last - since;
}

bool reaches(const char *group, const char *key, long long value, int64_t limit)
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

void settle(void)
{
	pause_ns(150 * MS);
}

void fresh(void)
{
	for (int i = 0; i < BORROWERS; i++)
		borrower_stop(&borrowers[i]);
	settle();
	must_write("t/cpu.spare.pool", POOL);
	must_write("t/a/cpu.spare.borrow", "on reply=0");
	must_write("t/b/cpu.spare.borrow", "on reply=0");
}

struct borrower *on_loan(void)
{
	struct borrower *b = borrower_start(0, "t/a", 5 * MS, 100 * MS);

	await_depletion(b);
	tap_send(&tap_a);
	response(b, now(), 10 * MS);
	return b;
}
