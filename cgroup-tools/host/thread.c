// SPDX-License-Identifier: GPL-2.0
#include "host/thread.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/cpus.h"
#include "host/host.h"
#include "host/proc.h"

/* glibc 2.36 has neither the calls nor this (include/uapi/linux/sched/types.h). */
struct attributes {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime;
	uint64_t deadline;
	uint64_t period;
};

static const char *const class_names[] = {
	[SCHED_NORMAL] = "other", [SCHED_FIFO] = "fifo", [SCHED_RR] = "rr", [SCHED_BATCH] = "batch",
	[SCHED_IDLE] = "idle", [SCHED_DEADLINE] = "deadline",
};

#define NR_CLASSES (sizeof(class_names) / sizeof(*class_names))

static bool is_realtime(uint32_t policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

static int class_number(const char *name)
{
	size_t i;

	for (i = 0; i < NR_CLASSES; i++)
		if (class_names[i] && !strcmp(class_names[i], name))
			return i;
	return -1;
}

char *thread_class(pid_t tid)
{
	struct attributes a = { .size = sizeof(a) };
	uint64_t others;
	char *text = NULL;
	char flags[32] = "";
	int made;

	if (syscall(SYS_sched_getattr, tid, &a, sizeof(a), 0))
		return NULL;
	if (a.policy >= NR_CLASSES || !class_names[a.policy]) {
		errno = EOPNOTSUPP;
		return NULL;
	}
	others = a.flags & ~(uint64_t)SCHED_FLAG_RESET_ON_FORK;
	if (others)
		snprintf(flags, sizeof(flags), " flags=%" PRIu64, others);
	if (a.policy == SCHED_DEADLINE)
		made = asprintf(&text, "deadline %" PRIu64 " %" PRIu64 " %" PRIu64 "%s%s", a.runtime, a.deadline,
				a.period, a.flags & SCHED_FLAG_RESET_ON_FORK ? " reset" : "", flags);
	else
		made = asprintf(&text, "%s %d%s%s", class_names[a.policy],
				is_realtime(a.policy) ? (int)a.priority : a.nice,
				a.flags & SCHED_FLAG_RESET_ON_FORK ? " reset" : "", flags);
	return made < 0 ? NULL : text;
}

static bool class_parse(struct attributes *a, const char *text)
{
	char name[16], rest[64] = "";
	uint64_t flags;
	int policy, used = 0, level;

	memset(a, 0, sizeof(*a));
	a->size = sizeof(*a);
	if (sscanf(text, "%15s%n", name, &used) != 1)
		return false;
	policy = class_number(name);
	if (policy < 0)
		return false;
	a->policy = policy;
	text += used;
	if (policy == SCHED_DEADLINE) {
		if (sscanf(text, "%" SCNu64 " %" SCNu64 " %" SCNu64 "%n", &a->runtime, &a->deadline, &a->period,
			   &used) != 3)
			return false;
	} else {
		if (sscanf(text, "%d%n", &level, &used) != 1)
			return false;
		if (is_realtime(a->policy))
			a->priority = level;
		else
			a->nice = level;
	}
	text += used;
	if (!strncmp(text, " reset", 6)) {
		a->flags |= SCHED_FLAG_RESET_ON_FORK;
		text += 6;
	}
	if (sscanf(text, " flags=%" SCNu64 "%63s", &flags, rest) == 1)
		a->flags |= flags;
	else if (*text)
		return false;
	return true;
}

int thread_set_class(pid_t tid, const char *text)
{
	struct attributes a;

	if (!class_parse(&a, text)) {
		errno = EINVAL;
		return -1;
	}
	return syscall(SYS_sched_setattr, tid, &a, 0);
}

char *thread_class_text(struct reservation reservation)
{
	char *text;

	if (asprintf(&text, "deadline %" PRIu64 " %" PRIu64 " %" PRIu64 " reset", reservation.runtime,
		     reservation.period, reservation.period) < 0)
		return NULL;
	return text;
}

bool thread_class_reservation(const char *text, struct reservation *reservation)
{
	struct attributes a;

	if (!class_parse(&a, text) || a.policy != SCHED_DEADLINE)
		return false;
	reservation->runtime = a.runtime;
	reservation->period = a.period;
	return true;
}

int thread_cpus(pid_t tid, struct cpus *cpus)
{
	*cpus = (struct cpus){ 0 };
	/* The kernel's unsigned longs are ours on a 64-bit machine. */
	return syscall(SYS_sched_getaffinity, tid, sizeof(cpus->bits), cpus->bits) < 0 ? -1 : 0;
}

char *thread_affinity(pid_t tid)
{
	struct cpus cpus;

	return thread_cpus(tid, &cpus) ? NULL : cpus_print(&cpus);
}

int thread_set_affinity(pid_t tid, const char *list)
{
	struct cpus cpus;
	const char *rule;

	if (!cpus_parse(&cpus, list, &rule)) {
		errno = EINVAL;
		return -1;
	}
	return syscall(SYS_sched_setaffinity, tid, sizeof(cpus.bits), cpus.bits);
}

uint64_t thread_cpu_time(pid_t tid)
{
	uint64_t ns = 0;
	char *text = host_read(host_path("/proc/%d/schedstat", (int)tid), NULL);

	if (text && sscanf(text, "%" SCNu64, &ns) != 1)
		ns = 0;
	free(text);
	return ns;
}

int thread_cpu(pid_t tid)
{
	struct proc_stat stat;

	return proc_stat(&stat, tid, 0) ? stat.cpu : -1;
}

/* Traced, it stops where it returns to user space. Whatever ends this process also lets the thread go on. */
static void stop_once(pid_t tid)
{
	int status;

	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) || ptrace(PTRACE_INTERRUPT, tid, NULL, NULL))
		_exit(1);
	if (waitpid(tid, &status, __WALL) != tid || !WIFSTOPPED(status))
		_exit(1);
	_exit(ptrace(PTRACE_DETACH, tid, NULL, NULL) ? 1 : 0);
}

bool thread_wake(pid_t tid)
{
	const struct timespec turn = { 0, 1000000 };
	int status = -1, turns;
	pid_t tracer = fork();

	if (tracer < 0)
		return false;
	if (!tracer)
		stop_once(tid);
	for (turns = 0; turns < 200; turns++) {
		if (waitpid(tracer, &status, WNOHANG) == tracer)
			return WIFEXITED(status) && !WEXITSTATUS(status);
		nanosleep(&turn, NULL);
	}
	kill(tracer, SIGKILL);
	waitpid(tracer, &status, 0);
	return false;
}
