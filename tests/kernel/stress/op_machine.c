// SPDX-License-Identifier: GPL-2.0
/* Operations on the machine: limits, CPUs, partitions, and all while others go on. */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include "stress.h"

#define FEATURES DEBUGFS "features"
#define RT_RUNTIME "/proc/sys/kernel/sched_rt_runtime_us"

void op_rt_runtime(void)
{
	static const char *const values[] = { "950000", "950000", "900000", "800000", "600000", "980000" };
	bool unlimited = chance(40);
	const char *text = unlimited ? "-1" : values[below(ARRAY_SIZE(values))];
	int err;

	/* It rebuilds the root domains: as in op_rebuild(). */
	await_zero_lag();
	machine_restore();
	begin("rt_runtime");
	say("%s", text);
	err = put(RT_RUNTIME, text);
	if (!err)
		rt_unlimited = unlimited;
	outcome(err);
}

void op_hrtick(void)
{
	bool on = chance(70);

	say("%d", on);
	outcome(put(FEATURES, on ? "HRTICK_DL" : "NO_HRTICK_DL"));
}

/* 5 % by default; never off, for with sched_rt_runtime_us at -1 nothing else would be left. */
void op_fair_server(void)
{
	unsigned int cpu = below(nr_cpus), percent = chance(50) ? 5 : 1 + below(30);

	say("CPU %u %u %%", cpu, percent);
	outcome(set_fair_server(cpu, percent * FAIR_PERIOD / 100));
}

/* EBUSY: too little bandwidth would be left. */
void op_hotplug(void)
{
	unsigned int cpu = first_cpu + below(last_cpu - first_cpu + 1);

	for (unsigned int k = 1; k < nr_cpus; k++)
		if (!online[k])
			cpu = k;
	say("CPU %u %s", cpu, online[cpu] ? "off" : "on");
	outcome(set_online(cpu, !online[cpu]));
}

/*
 * The CPUs of a group are changed only while it is a member, and t only while no
 * group below it is more: mainline warns of overlapping partitions otherwise.
 */
void op_partition(void)
{
	static const char *const states[] = { "root", "member", "isolated" };
	int group = chance(60) ? OWN_CPUS : 0;
	bool change_cpus = group && (chance(50) || !own_cpus);
	unsigned int choice = below(3);
	char cpus[8];

	if (!group || change_cpus)
		must_put(path_of(OWN_CPUS, "cpuset.cpus.partition"), "member");
	if (change_cpus) {
		own_cpus = true;
		snprintf(cpus, sizeof(cpus), "%u-%u", last_cpu - (choice > 0), last_cpu - (choice == 1));
		say("%s cpus %s", groups[group].name, cpus);
		outcome(put(path_of(group, "cpuset.cpus"), cpus));
	} else {
		say("%s %s", groups[group].name, states[choice]);
		outcome(put(path_of(group, "cpuset.cpus.partition"), states[choice]));
	}
}

/*
 * Mainline takes the bandwidth of a thread that left its class at its 0-lag time
 * from the root domain of then; one that was rebuilt meanwhile never counted it.
 */
void await_zero_lag(void)
{
	int64_t end = patience(10000, 60000);
	struct op *op = current_op;

	await_reaped();
	/*
	 * Who has left its class before its 0-lag time and holds a lock that the
	 * booster waits for is a deadline thread still, with all its bandwidth.
	 */
	let_all_go();
	/*
	 * In real time an emulated CPU may be held up; what a thread overruns by
	 * puts off its 0-lag time, more the smaller its reservation.
	 */
	while (now() < zero_lag() || bandwidth_beyond()) {
		if (now() > end) {
			show_bandwidth();
			show_slots();
			fail("total_bw is %lld beyond what was given to servers and threads", bandwidth_beyond());
		}
		for (int n = 0; n < 8; n++)
			run_quiet_op();
		let_all_go();
	}
	current_op = op;
}

/* All that have a reservation spin from here on, or wait for budget. */
static void await_nobody_blocked(void)
{
	int64_t end = patience(10000, 60000);
	bool left;

	stop_booster(0);
	may_block = false;
	for (int i = 0; i < crowd; i++)
		if (alive(i))
			set_kind(i, below(2) ? SPIN : YIELD);
	do {
		left = false;
		let_all_go();
		for (int i = 0; i < crowd; i++) {
			struct shared *shared = slots[i].shared;

			if (!alive(i) || !slots[i].bw)
				continue;
			if (slots[i].guest ? make_steady(i) : (shared->awake & shared->threads) == shared->threads)
				continue;
			left = true;
			wake_slot(i);
		}
		if (left && now() > end) {
			show_slots();
			fail("a borrower does not wake up");
		}
		for (int n = 0; left && n < 6; n++)
			run_quiet_op();
	} while (left);
	await_zero_lag();
}

/*
 * Root domains change, and what goes on meanwhile: nobody leaves his class.
 *
 * CPUs go off and on, one at a time, or partitions change, not both: mainline
 * divides by zero in set_cpus_allowed_dl() when a thread gets a new mask that
 * lacks the CPU where it fell asleep, and that is offline. Nobody sleeps: mainline
 * counts the bandwidth of a sleeper in the domain of the CPU where it fell asleep,
 * also if it may not run there any more, and takes it from another in the end.
 * Nor is anybody kept from migrating: who is throttled meanwhile is moved all the
 * same by mainline's dl_task_timer() when its CPU goes offline.
 *
 * The hrtick lets nobody overrun: whose budget ends just before its replenishment,
 * on a CPU that goes offline, is moved to another by mainline's dl_task_timer(),
 * although it is still the current thread here.
 */
void op_rebuild(void)
{
	struct op *op = &rebuild_ops[below(2)], *rebuild = current_op;
	int n = 4 + below(8);

	await_zero_lag();
	await_nobody_blocked();
	machine_restore();
	if (op->run == op_hotplug) {
		must_put(FEATURES, "HRTICK_DL");
		for (int i = 0; i < crowd; i++)
			if (alive(i))
				set_affinity(i, all_cpus());
	}
	while (n--) {
		int events = 3 + below(8);

		run_op(op);
		operation++;
		while (events--)
			run_quiet_op();
	}
	may_block = true;
	for (int i = 0; i < crowd; i++)
		if (alive(i))
			make_restless(i);
	/* EPERM where its group's CPUs are no root domain now. */
	start_booster(0, DEADLINE, false);
	current_op = rebuild;
	outcome(0);
}
