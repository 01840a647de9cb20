// SPDX-License-Identifier: GPL-2.0
#include "lender/unit.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Linux 5.14; not in Debian 12's header. */
#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif

#define END_SIGNAL SIGUSR1
#define STACK_SIZE (64 << 10)

enum unit_order { UNIT_WAIT, UNIT_LEND, UNIT_QUIT };

/* For the signal's handler. */
static __thread struct unit *mine;

static long futex(_Atomic uint32_t *word, int operation, uint32_t value, const struct timespec *until)
{
	return syscall(SYS_futex, word, operation | FUTEX_PRIVATE_FLAG, value, until, NULL, 0);
}

/* The wait for the futex begins again after it, and finds that nobody owns it. A signal that comes late ends no other loan. */
static void end_wait(int signal)
{
	(void)signal;
	if (mine->cancelled == mine->loan)
		mine->word = 0;
}

static void lend(struct unit *unit)
{
	const struct timespec until = { .tv_sec = unit->until / 1000000000, .tv_nsec = unit->until % 1000000000 };

	unit->word = unit->to;
	/* It may have been ended before that. */
	if (unit->cancelled == unit->loan)
		unit->word = 0;
	unit->error = futex(&unit->word, FUTEX_LOCK_PI2, 0, &until) ? errno : 0;
	unit->word = 0;
	unit->ended = true;
	if (eventfd_write(unit->told, 1))
		abort();
}

static void *run(void *argument)
{
	struct unit *unit = argument;
	uint32_t order;

	mine = unit;
	unit->tid = gettid();
	futex((_Atomic uint32_t *)&unit->tid, FUTEX_WAKE, 1, NULL);
	for (;;) {
		order = atomic_exchange(&unit->order, UNIT_WAIT);
		if (order == UNIT_QUIT)
			return NULL;
		if (order == UNIT_LEND)
			lend(unit);
		else
			futex(&unit->order, FUTEX_WAIT, UNIT_WAIT, NULL);
	}
}

static int start(struct unit *unit)
{
	const struct sigaction action = { .sa_handler = end_wait, .sa_flags = SA_RESTART };
	const struct sched_param parameter = { .sched_priority = UNIT_PRIORITY };
	pthread_attr_t attributes;
	int error;

	if (sigaction(END_SIGNAL, &action, NULL))
		return errno;
	error = pthread_attr_init(&attributes);
	if (error)
		return error;
	pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attributes, SCHED_FIFO);
	pthread_attr_setschedparam(&attributes, &parameter);
	pthread_attr_setstacksize(&attributes, STACK_SIZE > PTHREAD_STACK_MIN ? STACK_SIZE : PTHREAD_STACK_MIN);
	error = pthread_create(&unit->thread, &attributes, run, unit);
	pthread_attr_destroy(&attributes);
	while (!error && !unit->tid)
		futex((_Atomic uint32_t *)&unit->tid, FUTEX_WAIT, 0, NULL);
	return error;
}

struct unit *unit_make(struct reservation spare, int cpu, int told)
{
	struct unit *unit = calloc(1, sizeof(*unit));

	if (!unit)
		return NULL;
	unit->spare = spare;
	unit->cpu = cpu;
	unit->told = told;
	errno = start(unit);
	if (errno) {
		free(unit);
		return NULL;
	}
	return unit;
}

static void order(struct unit *unit, enum unit_order what)
{
	unit->order = what;
	futex(&unit->order, FUTEX_WAKE, 1, NULL);
}

void unit_free(struct unit *unit)
{
	if (!unit)
		return;
	/* Should the signal have come too early, it ends at its time. */
	unit_end(unit);
	order(unit, UNIT_QUIT);
	pthread_join(unit->thread, NULL);
	free(unit);
}

void unit_replenish(struct unit *unit, uint64_t now)
{
	if (now < unit->deadline)
		return;
	unit->deadline = now + unit->spare.period;
	unit->budget = (unit->budget < 0 ? unit->budget : 0) + (int64_t)unit->spare.runtime;
}

void unit_lend(struct unit *unit, pid_t tid, uint64_t until)
{
	unit->to = tid;
	unit->until = until;
	unit->loan++;
	unit->lends = true;
	order(unit, UNIT_LEND);
}

void unit_end(struct unit *unit)
{
	if (!unit->lends)
		return;
	unit->cancelled = unit->loan;
	syscall(SYS_tgkill, getpid(), unit->tid, END_SIGNAL);
}

bool unit_ended(struct unit *unit, int *error)
{
	if (!atomic_exchange(&unit->ended, false))
		return false;
	*error = unit->error;
	unit->lends = false;
	return true;
}
