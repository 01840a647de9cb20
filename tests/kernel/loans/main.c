// SPDX-License-Identifier: GPL-2.0
/*
 * Loans on a real kernel, without a guest. Runs as root on three CPUs, inside the
 * testbed. Prints TAP; each test names the behaviour it shows.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>

#include "scene.h"
#include "tests.h"

static bool statistics_add_up(void)
{
	static const char *const returned[] = {
		"returned_own", "returned_unused", "returned_chances", "returned_sleep",
		"returned_reply", "returned_quiet", "returned_charge", "returned_gone",
	};
	long long sum = 0, borrows = stat_of("t", "nr_borrows");

	for (unsigned int i = 0; i < sizeof(returned) / sizeof(*returned); i++)
		sum += stat_of("t", returned[i]);
	if (stat_of("t", "units_busy") != 0)
		return because("%lld units busy with no borrower alive", stat_of("t", "units_busy"));
	if (sum != borrows)
		return because("%lld borrows, %lld returns", borrows, sum);
	/* Whoever has not had, or not finished, what the loan was for gets another. */
	return borrows <= stat_of("t", "nr_events") + stat_of("t", "returned_gone") +
			  stat_of("t", "returned_unused") + stat_of("t", "returned_sleep") ?
		true : because("more loans than events");
}

static const struct {
	const char *name;
	bool (*run)(void);
} tests[] = {
	{ "a depleted thread runs within Ps-Qs of an event", depleted_thread_answers },
	{ "a depleted thread waits when there is no event", without_event_it_waits },
	{ "an event for a thread with budget lends nothing", without_budget_gone_no_loan },
	{ "a loan ends when the thread runs on its own reservation", returns_on_own_dispatch },
	{ "chances=1: a loan ends after Qs", returns_after_chances },
	{ "chances=1: a borrower that is preempted has all of Qs", preempted_borrower_has_all_of_qs },
	{ "chances=1: what another has left of the unit is no chance", leftover_is_no_chance },
	{ "a loan ends when the thread sleeps", returns_on_sleep },
	{ "a loan ends when the thread yields", returns_on_yield },
	{ "an event for a depleted sleeper lends at its wake-up", sleeper_borrows_at_wake_up },
	{ "a borrower that was boosted while it was blocked runs again", boosted_sleeper_runs_again },
	{ "a loan ends when the thread exits", returns_on_exit },
	{ "a loan ends when the thread changes class", returns_on_class_change },
	{ "a loan goes on, and is charged, when the thread's parameters change", survives_parameter_change },
	{ "a loan goes on when the thread's affinity changes in place", survives_affinity_in_place },
	{ "a loan ends when the thread moves to another CPU", returns_on_affinity_change },
	{ "a loan ends when the thread changes group, and is not given again", returns_on_group_change },
	{ "a loan ends when borrowing is switched off", returns_on_borrow_off },
	{ "an ancestor's off binds the groups below it", ancestor_off_binds },
	{ "a loan ends when its pool is removed; bandwidth is conserved", returns_on_pool_removal },
	{ "a loan goes on when its CPU changes root domain; bandwidth is conserved", survives_rebuild },
	{ "bandwidth survives a rebuild of other root domains", bandwidth_survives_rebuild_of_others },
	{ "a loan ends when its CPU goes offline; bandwidth comes back", unit_and_pool_survive_hotplug },
	{ "the only CPU of a domain goes offline, with its units", only_cpu_goes_offline },
	{ "a CPU that may not go offline has all who had or waited for a unit", refused_offline_changes_nothing },
	{ "with one unit the second borrower waits, and is served", second_borrower_waits },
	{ "a waiter that dies leaves the line", waiter_leaves_when_it_sleeps },
	{ "an event for a running thread lends when its budget ends", pending_borrows_at_throttle },
	{ "who leaves the pool's groups, and comes back, has no event left", leaver_keeps_no_event },
	{ "an event is not over when the thread sleeps", sleep_keeps_the_event },
	{ "a borrower that blocks borrows again when it wakes up", borrows_again_after_a_lock },
	{ "of many borrowers none starves in line", nobody_starves_in_line },
	{ "a thread with budget behind an earlier deadline borrows", earlier_deadline_is_passed_by },
	{ "charge=1: loans are paid for, no more and no less", charged_borrower_gets_its_share },
	{ "a thread with SCHED_FLAG_RECLAIM borrows", reclaiming_thread_borrows },
	{ "sched_rt_runtime_us cannot go below a CPU's units", limit_counts_units_of_each_cpu },
	{ "two units serve two borrowers", two_units_serve_two },
	{ "a chain of borrowers stays within Qs every Ps", chain_stays_within_the_unit },
	{ "a neighbour meets its deadlines under a packet flood", neighbour_meets_deadlines_under_flood },
	{ "admission counts units, for tasks and for pools", admission_counts_units },
	{ "a device belongs to one group", device_belongs_to_one_group },
	{ "borrows equal returns when all is over", statistics_add_up },
};

static void set_up(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		die("affinity");
	borrowers = mmap(NULL, BORROWERS * sizeof(*borrowers), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (borrowers == MAP_FAILED)
		die("mmap");
	/* Linux 7.2 and later begin with 1. */
	must_write("/proc/sys/kernel/sched_rt_runtime_us", "950000");
	must_write("cgroup.subtree_control", "+cpu +cpuset");
	must_mkdir("t");
	must_write("t/cpuset.cpus", "1");
	must_write("t/cpuset.cpus.partition", "root");
	must_write("t/cgroup.subtree_control", "+cpu");
	must_mkdir("t/a");
	must_mkdir("t/b");
	tap_a = tap_open("tapa");
	tap_b = tap_open("tapb");
	tap_t = tap_open("tapt");
	must_write("t/a/cpu.spare.dev", "+tapa");
	must_write("t/b/cpu.spare.dev", "+tapb");
	must_write("t/cpu.spare.dev", "+tapt");
}

int main(void)
{
	unsigned int n = sizeof(tests) / sizeof(*tests);

	set_up();
	printf("1..%u\n", n);
	fflush(stdout);
	for (unsigned int i = 0; i < n; i++) {
		fresh();
		if (i == n - 1)
			pause_ns(10 * MS);
		report(tests[i].name, tests[i].run());
	}
	fresh();
	return failures != 0;
}
