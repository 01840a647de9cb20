// SPDX-License-Identifier: GPL-2.0
/* Operations on borrowers, and what comes for them. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "stress.h"

#define PR_SCHED_CORE 62
enum { CORE_CREATE = 1, CORE_SHARE_TO, CORE_SHARE_FROM };

static void try_class(int i, enum policy policy)
{
	int err = slot_class(i, policy);

	if (err >= 0)
		outcome(err);
}

void op_spawn(void)
{
	int i = below(crowd);

	say("%d", i);
	if (slots[i].pid)
		return;
	spawn(i);
	outcome(move(slots[i].pid, slots[i].group));
	pause_ns(300 * US);
	say("%d guest %d kind %u in %s", i, slots[i].guest, slots[i].shared->kind,
	    groups[slots[i].group].name);
	try_class(i, DEADLINE);
}

void op_kill(void)
{
	int i = some_slot();

	say("%d", i);
	if (i >= 0)
		kill_slot(i);
	outcome(0);
}

/* --- events --- */

/* The first is for all groups, unless it was taken away from them. */
static int some_tap(void)
{
	return chance(50) ? 0 : below(TAPS);
}

void op_event(void)
{
	int i = some_tap();

	say("%d", i);
	outcome(tap_send(i, 1));
}

void op_burst(void)
{
	int i = some_tap(), n = 2 + below(10);

	say("%d x%d", i, n);
	outcome(tap_send(i, n));
}

void op_kick(void)
{
	int i, start = below(crowd);

	for (int k = 0; k < crowd; k++) {
		i = (start + k) % crowd;
		if (alive(i) && slots[i].guest && slots[i].shared->ready) {
			say("%d", i);
			outcome(eventfd_write(slots[i].kick, 1) ? errno : 0);
			return;
		}
	}
}

/* --- sleep and wake-up --- */

void op_wake(void)
{
	int i = some_slot();

	say("%d", i);
	if (i < 0)
		return;
	wake_slot(i);
	outcome(0);
}

void op_page(void)
{
	int i = some_slot();

	say("%d", i);
	if (i < 0)
		return;
	fill_pages(i);
	outcome(0);
}

void op_kind(void)
{
	int i = some_slot();

	if (i < 0)
		return;
	set_kind(i, may_block ? below(KINDS) : below(2) ? SPIN : YIELD);
	say("%d kind %u", i, slots[i].shared->kind);
	outcome(0);
}

void op_boost(void)
{
	uint32_t ask = common->ask;

	/* The lowest bit: not before anybody has asked. */
	common->ask = (ask | 1) + (2 + 2 * below(4));
	say("%u", common->ask);
	futex(&common->ask, FUTEX_WAKE, 2);
	outcome(0);
}

void op_pause(void)
{
	int us = 50 + below(800);

	say("%d", us);
	pause_ns(us * US);
	outcome(0);
}

void op_stop(void)
{
	int i = some_slot();

	if (i < 0)
		return;
	stop_slot(i, !slots[i].stopped);
	say("%d %d", i, slots[i].stopped);
	outcome(0);
}

void op_trace(void)
{
	int i = some_slot();

	if (i < 0 || !slots[i].shared->ready)
		return;
	say("%d %d", i, slots[i].traced);
	outcome(trace(i, below(4)));
}

/* --- classes and where they run --- */

void op_class(void)
{
	int i = some_slot();
	enum policy policy = chance(60) ? DEADLINE : below(2);

	say("%d to %d", i, policy);
	if (i < 0)
		return;
	/* Otherwise one that was pinned would never come back. */
	if (slots[i].policy != DEADLINE && policy == DEADLINE && chance(80))
		set_affinity(i, all_cpus());
	try_class(i, policy);
}

void op_affinity(void)
{
	int i = some_slot();
	unsigned int cpus = chance(40) || any_offline() ? all_cpus() : 2 * (1 + below(all_cpus() / 2));

	say("%d to %x", i, cpus);
	if (i >= 0)
		outcome(set_affinity(i, cpus));
}

unsigned long moved_across;

/* g2 may be a partition of its own. */
static bool leaves(int from, int to)
{
	return (groups[from].parent == OWN_CPUS) != (groups[to].parent == OWN_CPUS);
}

/*
 * Between root domains only who is awake: mainline takes the bandwidth of a thread
 * that moves from where it last ran, and a sleeper that goes and comes back did not
 * run where it went. Nor who has left its class before its 0-lag time: what it still
 * counts for is taken from where it is then. Between cpusets nobody who may be boosted
 * into SCHED_DEADLINE: mainline counts the threads of that class before the move and
 * after it, and a recount passes over a cpuset that has none. Nor between two isolated
 * partitions: they are one root domain, in which mainline adds what moves once more.
 */
static bool may_move(int i, int group)
{
	bool away = leaves(slots[i].group, group);

	if (groups[slots[i].group].parent == groups[group].parent)
		return true;
	if (away && group_is_isolated(0) && group_is_isolated(OWN_CPUS))
		return false;
	if (away && slots[i].policy != DEADLINE &&
	    (now() < zero_lag() || bandwidth_beyond()))
		return false;
	if (away || slots[i].policy != DEADLINE || slots[i].shared->twin)
		return make_steady(i);
	return true;
}

void op_move(void)
{
	int i = some_slot(), group = group_some(true), err;

	if (i < 0)
		return;
	say("%d to %s", i, groups[group].name);
	if (may_move(i, group)) {
		err = move(slots[i].pid, group);
		if (!err) {
			moved_across += own_cpus && leaves(slots[i].group, group);
			slots[i].group = group;
		}
		outcome(err);
	}
	make_restless(i);
}

/* --- requeues in place --- */

/* A thread of a slot: -1 where it is gone. */
static pid_t some_thread(int i)
{
	pid_t twin = slots[i].shared->twin;

	return twin && chance(30) ? twin : slots[i].pid;
}

static void requeue_same(pid_t tid)
{
	struct attr attr;

	if (syscall(SYS_sched_getattr, tid, &attr, sizeof(attr), 0)) {
		outcome(errno);
		return;
	}
	attr.flags &= ~SCHED_FLAG_UTIL_CLAMP;
	outcome(set_attr(tid, &attr));
}

/* Another deadline, the same bandwidth: this is never refused for want of it. */
static void requeue_changed(pid_t tid)
{
	struct attr attr;

	if (syscall(SYS_sched_getattr, tid, &attr, sizeof(attr), 0)) {
		outcome(errno);
		return;
	}
	if (attr.policy != SCHED_DEADLINE)
		return;
	attr.flags &= ~SCHED_FLAG_UTIL_CLAMP;
	attr.deadline = attr.deadline == attr.period ? attr.period * 3 / 4 : attr.period;
	outcome(set_attr(tid, &attr));
}

static void requeue_uclamp(pid_t tid)
{
	uint32_t low = below(1024);
	struct attr attr = {
		.size = sizeof(attr), .flags = SCHED_FLAG_KEEP_ALL | SCHED_FLAG_UTIL_CLAMP,
		.util_min = low, .util_max = low + below(1025 - low),
	};

	outcome(set_attr(tid, &attr));
}

static void requeue_setnuma(pid_t tid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", tid);
	outcome(put(DEBUGFS "setnuma", text));
}

static void requeue(void (*how)(pid_t tid))
{
	int i = some_slot();
	pid_t tid;

	if (i < 0)
		return;
	tid = some_thread(i);
	say("%d tid %d", i, tid);
	how(tid);
}

void op_same(void)
{
	requeue(requeue_same);
}

void op_uclamp(void)
{
	requeue(requeue_uclamp);
}

void op_setnuma(void)
{
	requeue(requeue_setnuma);
}

void op_changed(void)
{
	int i = some_slot();

	if (i < 0 || slots[i].policy != DEADLINE)
		return;
	say("%d", i);
	if (make_steady(i))
		requeue_changed(slots[i].pid);
	make_restless(i);
}

/* Other parameters: they may be refused. */
void op_parameters(void)
{
	int i = some_slot();

	say("%d", i);
	if (i >= 0 && slots[i].policy == DEADLINE)
		try_class(i, DEADLINE);
}

/*
 * Many in a row on one that spins meanwhile: it is made to borrow, and put back on
 * its run queue as often as can be. Each of them is an operation.
 */
void op_requeue(void)
{
	static void (*const how[])(pid_t tid) = { requeue_changed, requeue_uclamp, requeue_setnuma, requeue_same };
	static const char *const names[] = { "changed", "uclamp", "setnuma", "same" };
	struct op *op = current_op;
	int i = some_slot(), n = 4 + below(24);

	if (i < 0 || slots[i].policy != DEADLINE)
		return;
	say("%d x%d", i, n);
	if (make_steady(i)) {
		outcome(0);
		while (n--) {
			unsigned int k = below(ARRAY_SIZE(how));

			current_op = op_named(names[k]);
			if (current_op->missing)
				continue;
			if (chance(25))
				tap_send(some_tap(), 1);
			how[k](slots[i].pid);
			operation++;
			if (chance(30))
				pause_ns(below(100) * US);
		}
		current_op = op;
	}
	make_restless(i);
}

/* --- core scheduling --- */

static int core(int what, pid_t tid)
{
	return prctl(PR_SCHED_CORE, what, tid, 0 /* one thread */, 0) ? errno : 0;
}

/* A cookie of its own, that of another, or none, which is process 1's. */
void op_cookie(void)
{
	int i = some_slot(), k = some_slot(), err;
	bool none = chance(40);

	if (i < 0)
		return;
	if (chance(40)) {
		say("%d new", i);
		outcome(core(CORE_CREATE, slots[i].pid));
		return;
	}
	say("%d as %d", i, none ? -1 : k);
	err = core(CORE_SHARE_FROM, none ? 1 : slots[k].pid);
	if (!err)
		err = core(CORE_SHARE_TO, some_thread(i));
	core(CORE_SHARE_FROM, 1);
	outcome(err);
}
