// SPDX-License-Identifier: GPL-2.0
/* Groups, pools, root domains and CPUs that change under a loan; admission. */
#define _GNU_SOURCE
#include "scene.h"
#include "tests.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

bool returns_on_group_change(void)
{
	long long gone = stat_of("t", "returned_gone"), borrows;
	struct borrower *b = on_loan();

	borrows = stat_of("t", "nr_borrows");
	join("t/b", b->pid);
	if (!reaches("t", "returned_gone", gone + 1, 5 * MS))
		return false;
	pause_ns(20 * MS);
	return stat_of("t", "nr_borrows") == borrows ? true :
		because("a second loan for an event that was served");
}

bool returns_on_borrow_off(void)
{
	long long gone = stat_of("t/a", "returned_gone");

	on_loan();
	must_write("t/a/cpu.spare.borrow", "off");
	return reaches("t/a", "returned_gone", gone + 1, MS);
}

bool ancestor_off_binds(void)
{
	long long borrows = stat_of("t/a", "nr_borrows");
	struct borrower *b = borrower_start(0, "t/a", 5 * MS, 100 * MS);
	bool passed;

	must_write("t/cpu.spare.borrow", "off");
	await_depletion(b);
	tap_send(&tap_a);
	passed = stat_of("t/a", "nr_borrows") == borrows ||
		 because("borrowed although an ancestor forbids it");
	must_write("t/cpu.spare.borrow", "inherit");
	return passed;
}

bool returns_on_pool_removal(void)
{
	long long gone = stat_of("t/a", "returned_gone"), bw = total_bw();

	on_loan();
	must_write("t/cpu.spare.pool", "none");
	if (!reaches("t/a", "returned_gone", gone + 1, MS))
		return false;
	borrower_stop(&borrowers[0]);
	must_write("t/cpu.spare.pool", POOL);
	settle();
	return total_bw() == bw ? true :
		because("total_bw %lld, before %lld", total_bw(), bw);
}

bool survives_rebuild(void)
{
	long long gone = stat_of("t/a", "returned_gone"), bw;
	struct borrower *b = on_loan();

	bw = total_bw();
	must_write("t/cpuset.cpus.partition", "isolated");
	must_write("t/cpuset.cpus.partition", "root");
	if (stat_of("t/a", "returned_gone") != gone)
		return because("the loan ended");
	if (response(b, now(), 20 * MS) < 0)
		return because("the borrower does not run any more");
	return total_bw() == bw ? true :
		because("total_bw %lld, before %lld", total_bw(), bw);
}

/* The others' root domain is rebuilt; ours is kept and recounted. */
bool bandwidth_survives_rebuild_of_others(void)
{
	long long bw = total_bw();

	must_write("cgroup.subtree_control", "+cpuset");
	must_mkdir("other");
	must_write("other/cpuset.cpus", "2");
	must_write("other/cpuset.cpus.partition", "root");
	must_write("other/cpuset.cpus.partition", "member");
	rmdir(ROOT "/other");
	return total_bw() == bw ? true :
		because("total_bw %lld, before %lld", total_bw(), bw);
}

bool unit_and_pool_survive_hotplug(void)
{
	struct borrower *b;
	bool passed = false;
	long long bw;

	must_write("t/cpuset.cpus.partition", "member");
	must_write("t/cpuset.cpus", "0-2");
	bw = total_bw();
	b = borrower_start(0, "t/a", 5 * MS, 100 * MS);
	/* Global EDF: the thread may run on CPU 0, where the pool has no unit. */
	for (int i = 0; i < 20 && stat_of("t", "units_busy") < 1; i++) {
		await_depletion(b);
		tap_send(&tap_a);
	}
	errno = write_file("/sys/devices/system/cpu/cpu1/online", "0");
	if (errno) {
		because("CPU 1 does not go offline: %s", strerror(errno));
		goto out;
	}
	if (stat_of("t", "units_busy") != 0) {
		because("a unit of an offline CPU is on loan");
		goto online;
	}
	passed = true;
online:
	must_write("/sys/devices/system/cpu/cpu1/online", "1");
out:
	borrower_stop(b);
	settle();
	if (passed && total_bw() != bw)
		passed = because("total_bw %lld, before %lld", total_bw(), bw);
	must_write("t/cpuset.cpus", "1");
	must_write("t/cpuset.cpus.partition", "root");
	return passed;
}

#define ONLINE "/sys/devices/system/cpu/cpu1/online"

/* The others need not carry its fair server and its units. */
bool only_cpu_goes_offline(void)
{
	long long bw = total_bw();

	errno = write_file(ONLINE, "0");
	if (errno)
		return because("CPU 1 does not go offline: %s", strerror(errno));
	must_write(ONLINE, "1");
	settle();
	must_write("t/cpuset.cpus.partition", "root");
	return total_bw() == bw ? true :
		because("total_bw %lld, before %lld", total_bw(), bw);
}

/*
 * a has drained the unit, b waits, and no other CPU could carry them. Nobody is to
 * run meanwhile: mainline pushes away who does, also if the CPU stays after all.
 */
bool refused_offline_changes_nothing(void)
{
	long long waits = stat_of("t", "nr_waits"), gone = stat_of("t/a", "returned_gone");
	long long used = stat_of("t/b", "borrowed_usec"), most = 210 * MS;
	struct borrower *a = borrower_start(0, "t/a", 5 * MS, 200 * MS);
	struct borrower *b = borrower_start(1, "t/b", 5 * MS, 200 * MS);

	must_write("t/cpu.spare.pool", "1000 100000 cpus=1");
	must_write("t/a/cpu.spare.borrow", "on reply=0");
	must_write("t/b/cpu.spare.borrow", "on reply=0");
	await_depletion(a);
	await_depletion(b);
	tap_send(&tap_a);
	pause_ns(3 * MS);
	tap_send(&tap_b);
	if (!reaches("t", "nr_waits", waits + 1, MS))
		return false;
	errno = write_file(ONLINE, "0");
	if (errno != EBUSY)
		return because("to take CPU 1 offline said %d", errno);
	/*
	 * Linux 6.12 takes the CPU from its threads before it is refused: then b has asked first on
	 * account of what it has not been served for. Later ones do not, and a has the unit once more.
	 */
	if (stat_of("t/a", "returned_gone") == gone + 1)
		most = 110 * MS;
	return reaches("t/b", "borrowed_usec", used + 990, most);
}

bool limit_counts_units_of_each_cpu(void)
{
	int err;

	must_write("t/cpu.spare.pool", "6000 10000 cpus=1");
	err = write_file("/proc/sys/kernel/sched_rt_runtime_us", "600000");
	if (!err)
		must_write("/proc/sys/kernel/sched_rt_runtime_us", "950000");
	return err == EBUSY ? true : because("lowering the limit below the units said %d", err);
}

bool admission_counts_units(void)
{
	/* 0.4 (pool) + 0.05 (fair server) + 0.6 > 0.95 */
	pid_t pid = borrower_start(0, "t/a", 40 * MS, 100 * MS)->pid;

	if (try_reserve(pid, 60 * MS, 100 * MS, 0) != EBUSY)
		return because("a reservation beyond the limit was admitted");
	if (write_file("t/cpu.spare.pool", "6000 10000 cpus=1") != EBUSY)
		return because("a pool beyond the limit was admitted");
	if (stat_of("t", "units") != 1)
		return because("the refused pool changed the old one");
	return write_file("t/cpu.spare.pool", "5000 10000 cpus=1") ?
		because("a pool that fits was refused") : true;
}

bool device_belongs_to_one_group(void)
{
	if (write_file("t/b/cpu.spare.dev", "+tapa") != EBUSY)
		return because("a device was bound twice");
	if (write_file("t/a/cpu.spare.dev", "+tapa"))
		return because("binding again is not idempotent");
	if (write_file("t/b/cpu.spare.dev", "-tapa") != ENODEV)
		return because("a group released another group's device");
	if (write_file("t/a/cpu.spare.dev", "+nosuch") != ENODEV)
		return because("an absent device was bound");
	if (write_file("t/a/cpu.spare.dev", "tapa") != EINVAL)
		return because("a name without a sign was accepted");
	return write_file("t/a/cpu.spare.dev", "-tapa") || write_file("t/a/cpu.spare.dev", "+tapa") ?
		because("a device cannot be released and bound again") : true;
}
