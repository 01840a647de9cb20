// SPDX-License-Identifier: GPL-2.0
/* What the threads of slots and the boosters do. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include "stress.h"

#define PAGE 4096

struct common *common;

void common_set_up(void)
{
	common = mmap(NULL, sizeof(*common), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (common == MAP_FAILED)
		fail("mmap: %s", strerror(errno));
}

long futex(_Atomic uint32_t *word, int op, uint32_t value)
{
	return syscall(SYS_futex, word, op, value, NULL, NULL, 0);
}

void spin(int units)
{
	while (units--) {
		for (volatile int i = 0; i < 1000; i++)
			;
		/* The emulator's CPUs take turns: give ours up. */
		__builtin_ia32_pause();
	}
}

/*
 * A holder may be killed: without waiters its id stays in the futex, and who
 * comes next gets ESRCH. Returns whether the lock was taken.
 */
static bool pi_lock(_Atomic uint32_t *lock, bool *waited)
{
	uint32_t tid = syscall(SYS_gettid);

	for (int tries = 0; tries < 100; tries++) {
		uint32_t value = 0;

		if (atomic_compare_exchange_strong(lock, &value, tid))
			return true;
		if (waited)
			*waited = true;
		if (!futex(lock, FUTEX_LOCK_PI, 0))
			return true;
		if (errno == ESRCH)
			atomic_compare_exchange_strong(lock, &value, 0);
		else if (errno != EAGAIN && errno != EINTR)
			break;
	}
	common->lock_errors++;
	return false;
}

static void pi_unlock(_Atomic uint32_t *lock)
{
	uint32_t value = syscall(SYS_gettid);

	if (!atomic_compare_exchange_strong(lock, &value, 0))
		futex(lock, FUTEX_UNLOCK_PI, 0);
}

static void lock_and_work(uint64_t *state)
{
	int first = below_of(state, LOCKS);
	bool held = pi_lock(&common->lock[first], NULL);
	/* In one order only; the second makes chains of waiters. */
	bool nested = first + 1 < LOCKS && below_of(state, 2) &&
		      pi_lock(&common->lock[first + 1], NULL);

	spin(10 + below_of(state, 60));
	if (nested)
		pi_unlock(&common->lock[first + 1]);
	if (held)
		pi_unlock(&common->lock[first]);
}

/* --- pages that the main program fills in late --- */

/* A page for each thread; NULL: no userfaultfd. */
uint8_t *pages_make(struct shared *me)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register pages = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	uint8_t *at = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	me->uffd = -1;
	if (fd < 0)
		return NULL;
	pages.range.start = (uintptr_t)at;
	pages.range.len = 2 * PAGE;
	if (at == MAP_FAILED || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &pages))
		_exit(14);
	me->uffd = fd;
	return at;
}

/*
 * The fault of the program's own sleeps interruptibly, that of the kernel on
 * its behalf does not.
 */
static void touch(struct shared *me, uint8_t *page, bool in_kernel)
{
	if (!page)
		return;
	madvise(page, PAGE, MADV_DONTNEED);
	if (in_kernel) {
		uint8_t byte;
		struct iovec to = { &byte, 1 }, from = { page, 1 };

		process_vm_readv(getpid(), &to, 1, &from, 1, 0);
	} else {
		*(volatile uint8_t *)page;
	}
	common->touches[me - common->slot][in_kernel]++;
}

/* --- borrowers --- */

/* Computes where it is, and may not migrate meanwhile. */
static void stay(struct shared *me, uint32_t us)
{
	static _Atomic int fd = -1;
	char text[16];

	if (fd < 0)
		fd = open(DEBUGFS "migrate_disable", O_WRONLY | O_CLOEXEC);
	if (write(fd, text, snprintf(text, sizeof(text), "%u", us)) > 0)
		common->pins[me - common->slot]++;
}

static uint8_t *pages;

void borrower_run(struct shared *me, uint32_t bit, uint64_t state)
{
	if (bit == 1)
		pages = pages_make(me);
	me->threads |= bit;
	me->ready = 1;
	for (;;) {
		uint32_t kind, wake = me->wake;
		bool steady, calm;

		/* Not to be seen awake on what was read before. */
		me->awake &= ~bit;
		steady = me->steady;
		calm = me->calm && !steady;
		kind = steady ? SPIN : me->kind;
		if (steady || (!calm && (kind == SPIN || kind == YIELD)))
			me->awake |= bit;
		spin(2 + below_of(&state, 30));
		me->progress++;
		if (kind == MIX)
			kind = below_of(&state, MIX);
		if (kind == BLOCK)
			futex(&me->wake, FUTEX_WAIT, wake);
		else if (kind == YIELD)
			sched_yield();
		else if (kind == LOCK)
			lock_and_work(&state);
		else if (kind == PIN)
			stay(me, 50 + below_of(&state, 400));
		else if (kind == TOUCH)
			touch(me, pages ? pages + (bit - 1) * PAGE : NULL, below_of(&state, 2));
		if (kind == NAP || kind == LOCK)
			pause_ns((50 + below_of(&state, 700)) * US);
		if (calm)
			pause_ns(MS);
	}
}

struct twin {
	struct shared *me;
	uint64_t state;
};

static void *twin_run(void *arg)
{
	struct twin *twin = arg;

	twin->me->threads |= 2;
	twin->me->twin = syscall(SYS_gettid);
	borrower_run(twin->me, 2, twin->state);
}

void twin_start(struct shared *me, uint64_t state)
{
	static struct twin twin;
	pthread_t thread;

	twin = (struct twin){ me, state };
	if (pthread_create(&thread, NULL, twin_run, &twin))
		_exit(13);
}

/* Waits for its turn, and then for a lock that a borrower may hold. */
void booster_run(void)
{
	for (;;) {
		uint32_t ask = common->ask;
		bool waited = false, held;

		while (common->steady)
			spin(5);

		if (ask & 1) {
			_Atomic uint32_t *lock = &common->lock[ask >> 1 & (LOCKS - 1)];

			held = pi_lock(lock, &waited);
			common->boosts += waited;
			spin(5);
			if (held)
				pi_unlock(lock);
		}
		futex(&common->ask, FUTEX_WAIT, ask);
	}
}
