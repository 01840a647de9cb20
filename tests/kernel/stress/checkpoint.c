// SPDX-License-Identifier: GPL-2.0
/*
 * At a checkpoint all borrowers are killed; then no unit may be busy, each loan
 * must have ended for a reason, and the bandwidth be exact.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include "stress.h"

/* Who spins on a reservation gets it: nobody has been forgotten in a queue. */
static void check_progress(void)
{
	int64_t end = patience(3000, 30000);
	uint32_t before[SLOTS];
	bool waits[SLOTS];
	int left;

	for (int i = 0; i < crowd; i++) {
		waits[i] = alive(i) && slots[i].policy == DEADLINE && !slots[i].stopped &&
			   !slots[i].guest && slots[i].shared->kind == SPIN && !slots[i].shared->twin;
		before[i] = slots[i].shared->progress;
	}
	do {
		left = -1;
		/* It may wait for a lock that another one holds. */
		let_all_go();
		for (int i = 0; i < crowd; i++) {
			waits[i] = waits[i] && slots[i].shared->progress - before[i] < 3;
			/* It may block once more before it sees that it is to spin. */
			if (waits[i]) {
				wake_slot(i);
				left = i;
			}
		}
		if (left >= 0 && now() > end) {
			char path[64];

			snprintf(path, sizeof(path), "/proc/%d/sched", slots[left].pid);
			dump_file(path);
			dump_file(DEBUGFS "debug");
			show_slots();
			fail("slot %d (%d) has a reservation and does not run", left, slots[left].pid);
		}
		if (left >= 0)
			pause_ns(MS);
	} while (left >= 0);
}

static void check_stat(void)
{
	struct stat_values stat;

	for (int i = 0; i < GROUPS; i++) {
		if (!groups[i].exists)
			continue;
		read_stat(i, &stat);
		if (stat.units_busy)
			fail("%llu units of %s busy with no borrower alive", stat.units_busy, groups[i].name);
		if (sum_of_returns(&stat) != stat.value[BORROWS])
			fail("%s: %llu borrows, %llu returns", groups[i].name, stat.value[BORROWS],
			     sum_of_returns(&stat));
		/* A thread may take an event, a wait or a loan along to another group. */
		if (i)
			continue;
		if (stat.value[WAITED] && !stat.value[WAITS])
			fail("waited %llu us in no wait", stat.value[WAITED]);
		if (stat.value[BORROWED] && !stat.value[DISPATCHES])
			fail("ran %llu us on loans in no dispatch", stat.value[BORROWED]);
		if (stat.value[DISPATCHES] && !stat.value[BORROWS])
			fail("%llu dispatches without a loan", stat.value[DISPATCHES]);
		if (stat.value[BORROWS] && !stat.value[EVENTS])
			fail("%llu loans without an event", stat.value[BORROWS]);
	}
	read_stat(0, &stat);
	check_monotone(&stat);
}

static void no_pool(const char *path, void *arg __attribute__((unused)))
{
	must_put(path, "none");
}

static void remove_pools(void)
{
	for (int i = 0; i < GROUPS; i++)
		if (groups[i].exists)
			no_pool(path_of(i, "cpu.spare.pool"), NULL);
	writers_pools(no_pool, NULL);
}

/* What was admitted without a limit, or beside small fair servers, may be too much. */
static void restore_limits(void)
{
	const char *const rt = "/proc/sys/kernel/sched_rt_runtime_us";

	if (put(rt, "950000")) {
		remove_pools();
		must_put(rt, "950000");
	}
	rt_unlimited = false;
	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++) {
		if (set_fair_server(cpu, FAIR_RUNTIME)) {
			remove_pools();
			if (set_fair_server(cpu, FAIR_RUNTIME))
				fail("the fair server of CPU %u cannot be restored", cpu);
		}
	}
}

void check_all(bool last)
{
	begin("checkpoint");
	scx_switch(false);
	check_progress();
	for (int i = 0; i < crowd; i++)
		kill_slot(i);
	stop_booster(0);
	stop_booster(1);
	await_reaped();
	while (now() < zero_lag())
		pause_ns(zero_lag() - now());
	groups_await_dead();
	check_stat();
	check_bandwidth("as it is");
	machine_restore();
	restore_limits();
	if (last)
		remove_pools();
	check_bandwidth(last ? "without pools" : "restored");
}

/* Whatever happened to taps and groups, there shall be somebody, and something to borrow for. */
void populate(void)
{
	int n = crowd * 2 / 3;

	start_booster(0, DEADLINE, true);
	start_booster(1, FIFO, true);
	for (int i = 0; i < TAPS; i++) {
		char text[16];

		sprintf(text, "+tap%d", i);
		put(path_of(i, "cpu.spare.dev"), text);
	}
	put(path_of(0, "cpu.spare.borrow"), "on");
	for (int i = 0; i < n; i++)
		if (!slots[i].pid) {
			spawn(i);
			move(slots[i].pid, slots[i].group);
		}
	pause_ns(5 * MS);
	for (int i = 0; i < n; i++)
		if (alive(i))
			slot_class(i, DEADLINE);
}
