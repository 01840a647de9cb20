// SPDX-License-Identifier: GPL-2.0
#include "lender/unit.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "host/thread.h"

/* Linux 5.14; not in Debian 12's header. */
#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif

#define END_SIGNAL SIGUSR1
#define STACK_SIZE (64 << 10)
/* ns; a loan takes a unit's thread a fifth of that. */
#define TURN 100000
#define PRIORITY_CLASS "fifo 45"
/* With more it is first in the line before the borrower inherits that, too. */
#define FREED_CLASS "fifo 46"

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

/*
 * The share of (Qs,Ps) in turns of about TURN: as a borrower that has used one up has a later deadline, the unit's thread, which
 * wakes up with an earlier one, ends its loan also on the CPU that it lends. By a priority it could not, for both have the same.
 */
static struct reservation in_turns(struct reservation spare)
{
	uint64_t turns = spare.runtime / TURN, most = spare.period / RESERVATION_PERIOD_MIN;

	turns = turns < most ? turns : most;
	if (!turns)
		return spare;
	return (struct reservation){ .runtime = spare.runtime / turns, .period = (spare.period + turns - 1) / turns };
}

/* 0, or errno: EBUSY, no room; EPERM, not all CPUs that a reservation needs. */
static int choose_class(struct unit *unit)
{
	char *text = thread_class_text(in_turns(unit->spare));
	int error = text && !thread_set_class(gettid(), text) ? 0 : errno;

	free(text);
	if (!error || !unit->apart)
		unit->apart = false;
	else
		error = thread_set_class(gettid(), PRIORITY_CLASS) ? errno : 0;
	return error;
}

static void *run(void *argument)
{
	struct unit *unit = argument;
	const int error = choose_class(unit);
	uint32_t order;

	mine = unit;
	unit->error = error;
	unit->tid = gettid();
	futex((_Atomic uint32_t *)&unit->tid, FUTEX_WAKE, 1, NULL);
	for (;;) {
		order = atomic_exchange(&unit->order, UNIT_WAIT);
		if (error || order == UNIT_QUIT)
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
	pthread_attr_t attributes;
	int error;

	if (sigaction(END_SIGNAL, &action, NULL))
		return errno;
	error = pthread_attr_init(&attributes);
	if (error)
		return error;
	pthread_attr_setstacksize(&attributes, STACK_SIZE > PTHREAD_STACK_MIN ? STACK_SIZE : PTHREAD_STACK_MIN);
	error = pthread_create(&unit->thread, &attributes, run, unit);
	pthread_attr_destroy(&attributes);
	if (error)
		return error;
	while (!unit->tid)
		futex((_Atomic uint32_t *)&unit->tid, FUTEX_WAIT, 0, NULL);
	return 0;
}

struct unit *unit_make(struct reservation spare, int cpu, bool apart, int told)
{
	struct unit *unit = calloc(1, sizeof(*unit));
	int error;

	if (!unit)
		return NULL;
	unit->spare = spare;
	unit->cpu = cpu;
	unit->apart = apart;
	unit->told = told;
	error = start(unit);
	if (!error && unit->error) {
		error = unit->error;
		pthread_join(unit->thread, NULL);
	}
	if (!error)
		return unit;
	free(unit);
	errno = error;
	return NULL;
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
	/* Should the signal have come too early, it ends at its time. By this also if its borrower has come to its CPU. */
	if (unit->apart)
		thread_set_class(unit->tid, FREED_CLASS);
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
