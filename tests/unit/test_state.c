// sources: cgroup-tools/command/state.c tests/unit/host_tree.c
#include "unit.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/* Of cmocka's; the product has its own. */
#undef fail
#include "command/command.h"
#include "host/host.h"
#include "command/state.h"
#include "apply/store.h"
#include "host_tree.h"
#include "told.h"

#define STAT "nr_events 7\nnr_borrows 5\nnr_waits 2\nnr_refused 1\nnr_dispatches 6\nborrowed_usec 4500\n" \
	"waited_usec 300\nreturned_own 1\nreturned_chances 0\nreturned_sleep 2\nreturned_reply 1\nreturned_quiet 0\nreturned_charge 0\n" \
	"returned_gone 1\n"
/* As of a later kernel. */
#define STAT_UNUSED "nr_borrows 3\nreturned_own 2\nreturned_unused 3\nnr_new 9\n"
#define TERMS "on chances=max charge=0 reply=1 linger=200 timer=0\n"

/* Beyond all that a kernel gives. */
#define NO_TID 99999999

static void put_process(int pid, int tid, const char *name)
{
	FILE *file;

	host_tree_task(pid, tid, "vmm", 0);
	host_tree_put("0::/machines\n", "/proc/%d/cgroup", tid);
	host_tree_put("", "/proc/%d/cmdline", tid);
	file = fopen(host_path("/proc/%d/cmdline", tid), "w");
	fprintf(file, "qemu-system-x86_64%c-name%c%s%c", 0, 0, name, 0);
	fclose(file);
}

/* The scheduling class is the one of the vCPU's number in the kernel that the test runs on. */
static void put_vm(int pid, const char *name, int vcpu, int number)
{
	char text[32];

	put_process(pid, pid, name);
	put_process(pid, vcpu, name);
	host_tree_put("2500000 100 3\n", "/proc/%d/schedstat", vcpu);
	snprintf(text, sizeof(text), "%d\n", vcpu);
	host_tree_put(text, "/sys/kernel/debug/kvm/%d-10/vcpu%d/pid", pid, number);
}

static void put_host(const char *policy)
{
	host_tree_put("proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n", "/proc/mounts");
	host_tree_put(policy, STORE_POLICY);
}

static void reads_counters(void **state)
{
	struct state_counters counters = { 0 };

	(void)state;
	state_parse(&counters, STAT "units 4\nunits_busy 3\n");
	assert_true(counters.known);
	assert_int_equal(counters.value[STATE_EVENTS], 7);
	assert_int_equal(counters.value[STATE_LOANS], 5);
	assert_int_equal(counters.value[STATE_WAITS], 2);
	assert_int_equal(counters.value[STATE_REFUSED], 1);
	assert_int_equal(counters.value[STATE_DISPATCHES], 6);
	assert_int_equal(counters.value[STATE_BORROWED], 4500000);
	assert_int_equal(counters.value[STATE_WAITED], 300000);
	assert_int_equal(counters.value[STATE_RETURNED_OWN], 1);
	assert_int_equal(counters.value[STATE_RETURNED_CHANCES], 0);
	assert_int_equal(counters.value[STATE_RETURNED_SLEEP], 2);
	assert_int_equal(counters.value[STATE_RETURNED_REPLY], 1);
	assert_int_equal(counters.value[STATE_RETURNED_CHARGE], 0);
	assert_int_equal(counters.value[STATE_RETURNED_GONE], 1);
	assert_int_equal(counters.value[STATE_UNITS], 4);
	assert_int_equal(counters.value[STATE_UNITS_BUSY], 3);
	assert_int_equal(counters.value[STATE_RETURNED_UNUSED], 0);
	state_parse(&counters, STAT_UNUSED);
	assert_int_equal(counters.value[STATE_LOANS], 8);
	assert_int_equal(counters.value[STATE_RETURNED_OWN], 3);
	assert_int_equal(counters.value[STATE_RETURNED_UNUSED], 3);
	assert_int_equal(counters.value[STATE_RETURNED_GONE], 1);
}

static void reads_what_a_later_kernel_may_write(void **state)
{
	struct state_counters counters = { 0 };

	(void)state;
	state_parse(&counters, "");
	assert_true(counters.known);
	assert_int_equal(counters.value[STATE_EVENTS], 0);
	state_parse(&counters, "\nnr_new 9\nnr_events\nnr_events x\nNR_EVENTS 3\nnr_borrows 18446744073709551615\n"
		    "a_key_that_is_longer_than_any_that_there_is 1\nnr_events_more 4\nnr_waits 2 and more");
	assert_int_equal(counters.value[STATE_EVENTS], 0);
	assert_int_equal(counters.value[STATE_LOANS], UINT64_MAX);
	assert_int_equal(counters.value[STATE_WAITS], 2);
}

/* A VM in a pool of dlspare's, one that does not run, one that the policy does not have. */
static void sees_policy_and_vms_together(void **state)
{
	struct state host;

	(void)state;
	put_host("pools = ( { name = \"gold\"; runtime = \"4ms\"; period = \"10ms\"; } );\n"
		 "vms = ( { name = \"web\"; runtime = \"40ms\"; period = \"100ms\"; pool = \"gold\"; },"
		 " { name = \"absent\"; pool = \"gold\"; } );\n");
	put_vm(100, "web", getpid(), 0);
	put_vm(200, "stray", NO_TID, 0);
	host_tree_put(STAT, "/sys/fs/cgroup/dlspare.slice/gold/cpus/web.vm/cpu.spare.stat");
	host_tree_put("on chances=max charge=0 reply=1 linger=200 timer=0\n",
		      "/sys/fs/cgroup/dlspare.slice/gold/cpus/web.vm/cpu.spare.borrow");
	host_tree_put(STAT "units 4\nunits_busy 3\n", "/sys/fs/cgroup/dlspare.slice/gold/cpu.spare.stat");
	assert_int_equal(state_read(&host), DONE);

	assert_int_equal(host.nr_vms, 3);
	assert_string_equal(host.vms[0].name, "absent");
	assert_null(host.vms[0].vm);
	assert_false(host.vms[0].reservation_differs);
	assert_false(host.vms[0].counters.known);

	assert_string_equal(host.vms[1].name, "stray");
	assert_null(host.vms[1].policy);
	assert_int_equal(host.vms[1].vm->pid, 200);
	assert_null(host.vms[1].pool);
	/* Its vCPU is gone. */
	assert_int_equal(host.vms[1].nr_vcpus, 0);
	assert_string_equal(host.vms[1].groups[0], "machines");
	assert_null(host.vms[1].groups[1]);
	assert_null(host.vms[1].terms);
	assert_false(host.vms[1].terms_differ);

	assert_string_equal(host.vms[2].name, "web");
	assert_true(state_runs(&host.vms[2]));
	assert_false(state_runs(&host.vms[0]));
	/* Another process has its number. */
	host_tree_put("100 (vmm) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 1001 0 0\n", "/proc/100/stat");
	assert_false(state_runs(&host.vms[2]));
	assert_int_equal(host.vms[2].vm->pid, 100);
	assert_string_equal(host.vms[2].pool->name, "gold");
	assert_string_equal(host.vms[2].groups[0], "dlspare.slice/gold/cpus/web.vm");
	assert_null(host.vms[2].groups[1]);
	assert_int_equal(host.vms[2].counters.value[STATE_BORROWED], 4500000);
	assert_int_equal(host.vms[2].cpu_time, 2500000);
	assert_int_equal(host.vms[2].nr_vcpus, 1);
	/* This test has no reservation. */
	assert_true(host.vms[2].reservation_differs);
	assert_int_equal(host.vms[2].reservation.runtime, 0);
	assert_false(host.vms[2].terms_differ);

	assert_int_equal(host.nr_pools, 1);
	assert_string_equal(host.pools[0].group, "dlspare.slice/gold");
	assert_int_equal(host.pools[0].counters.value[STATE_UNITS_BUSY], 3);
	state_free(&host);
	assert_int_equal(host.nr_vms, 0);
}

static void sees_other_terms_than_the_policys(void **state)
{
	struct state host;

	(void)state;
	put_host("pools = ( { name = \"gold\"; runtime = \"4ms\"; period = \"10ms\"; } );\n"
		 "vms = ( { name = \"web\"; pool = \"gold\"; borrow = { charge = true; }; } );\n");
	put_vm(100, "web", getpid(), 0);
	assert_int_equal(state_read(&host), DONE);
	assert_null(host.vms[0].terms);
	assert_true(host.vms[0].terms_differ);
	assert_false(host.vms[0].counters.known);
	/* None is asked for. */
	assert_false(host.vms[0].reservation_differs);
	state_free(&host);

	host_tree_put("on chances=max charge=0 reply=1 linger=200 timer=0\n",
		      "/sys/fs/cgroup/dlspare.slice/gold/cpus/web.vm/cpu.spare.borrow");
	assert_int_equal(state_read(&host), DONE);
	assert_true(host.vms[0].terms_differ);
	state_free(&host);

	host_tree_put("on chances=max charge=1 reply=1 linger=200 timer=0\n",
		      "/sys/fs/cgroup/dlspare.slice/gold/cpus/web.vm/cpu.spare.borrow");
	assert_int_equal(state_read(&host), DONE);
	assert_false(host.vms[0].terms_differ);
	state_free(&host);
}

/* In a group on each CPU of its pool that has some of its vCPUs. */
static void sees_one_vm_in_several_groups(void **state)
{
	struct state host;

	(void)state;
	put_host("pools = ( { name = \"gold\"; runtime = \"4ms\"; period = \"10ms\"; cpus = \"1-3\"; exclusive = true; } );\n"
		 "vms = ( { name = \"web\"; pool = \"gold\"; } );\n");
	put_vm(100, "web", getpid(), 0);
	assert_int_equal(state_read(&host), DONE);
	assert_null(host.vms[0].groups[0]);
	assert_null(host.vms[0].terms);
	assert_true(host.vms[0].terms_differ);
	assert_false(host.vms[0].counters.known);
	state_free(&host);

	host_tree_put(STAT, "/sys/fs/cgroup/dlspare.slice/gold/cpu1/web.vm/cpu.spare.stat");
	host_tree_put(STAT_UNUSED, "/sys/fs/cgroup/dlspare.slice/gold/cpu3/web.vm/cpu.spare.stat");
	host_tree_put(TERMS, "/sys/fs/cgroup/dlspare.slice/gold/cpu1/web.vm/cpu.spare.borrow");
	host_tree_put(TERMS, "/sys/fs/cgroup/dlspare.slice/gold/cpu3/web.vm/cpu.spare.borrow");
	assert_int_equal(state_read(&host), DONE);
	assert_int_equal(host.nr_vms, 1);
	assert_string_equal(host.vms[0].groups[0], "dlspare.slice/gold/cpu1/web.vm");
	assert_string_equal(host.vms[0].groups[1], "dlspare.slice/gold/cpu3/web.vm");
	assert_null(host.vms[0].groups[2]);
	assert_false(host.vms[0].terms_differ);
	assert_true(host.vms[0].counters.known);
	assert_int_equal(host.vms[0].counters.value[STATE_LOANS], 8);
	assert_int_equal(host.vms[0].counters.value[STATE_RETURNED_UNUSED], 3);
	state_free(&host);

	host_tree_put("off\n", "/sys/fs/cgroup/dlspare.slice/gold/cpu3/web.vm/cpu.spare.borrow");
	assert_int_equal(state_read(&host), DONE);
	assert_true(host.vms[0].terms_differ);
	assert_string_equal(host.vms[0].terms, "off");
	state_free(&host);
}

static void looks_at_the_vcpus_of_the_policy_only(void **state)
{
	struct state host;

	(void)state;
	put_host("vms = ( { name = \"web\"; runtime = \"40ms\"; period = \"100ms\"; vcpus = \"1\"; } );\n");
	put_vm(100, "web", getpid(), 0);
	put_vm(100, "web", NO_TID, 1);
	assert_int_equal(state_read(&host), DONE);
	assert_int_equal(host.nr_vms, 1);
	assert_int_equal(host.vms[0].vm->nr_threads, 3);
	assert_int_equal(host.vms[0].nr_vcpus, 0);
	/* vCPU 1 is gone, and vCPU 0 has what it likes. */
	assert_false(host.vms[0].reservation_differs);
	assert_int_equal(host.vms[0].cpu_time, 5000000);
	state_free(&host);
}

static void shows_each_vm_of_a_name(void **state)
{
	struct state host;

	(void)state;
	put_host("vms = ( { name = \"web\"; runtime = \"40ms\"; period = \"100ms\"; } );\n");
	put_vm(300, "web", 301, 0);
	put_vm(100, "web", 101, 0);
	assert_int_equal(state_read(&host), DONE);
	/* Nothing tells which of them is the policy's. */
	assert_int_equal(host.nr_vms, 3);
	assert_non_null(host.vms[0].policy);
	assert_null(host.vms[0].vm);
	assert_int_equal(host.vms[1].vm->pid, 100);
	assert_null(host.vms[1].policy);
	assert_int_equal(host.vms[2].vm->pid, 300);
	state_free(&host);

	/* One is another user's: the other comes first. */
	host_tree_put("Tgid:\t100\nUid:\t1001\t1001\t1001\t1001\n", "/proc/100/status");
	assert_int_equal(state_read(&host), DONE);
	assert_int_equal(host.nr_vms, 2);
	assert_int_equal(host.vms[0].vm->pid, 300);
	assert_non_null(host.vms[0].policy);
	assert_int_equal(host.vms[1].vm->pid, 100);
	assert_non_null(host.vms[1].vm->refused);
	assert_null(host.vms[1].policy);
	state_free(&host);
}

static void works_on_a_host_without_anything(void **state)
{
	struct state host;

	(void)state;
	host_tree_folder("/proc");
	assert_int_equal(state_read(&host), DONE);
	assert_int_equal(host.nr_vms, 0);
	assert_int_equal(host.nr_pools, 0);
	state_free(&host);
}

static void tells_what_is_wrong_with_the_policy(void **state)
{
	struct state host;

	(void)state;
	put_host("vms = ( { names = \"web\"; } );\n");
	assert_int_equal(state_read(&host), FAILED);
	assert_non_null(strstr(told, "policy.conf:1"));
	assert_int_equal(host.nr_vms, 0);
}

static void borrows_when_it_may(void **state)
{
	struct pool_policy pool = { .spare = { 1000000, 10000000 } };
	struct vm_policy policy = { .borrow = { .on = true } };
	struct state_vm vm = { .policy = &policy, .pool = &pool };

	(void)state;
	assert_ptr_equal(state_unit(&vm), &pool.spare);
	/* By assign --off it is in the pool, and lends it nothing. */
	policy.borrow.on = false;
	assert_null(state_unit(&vm));
	policy.borrow.on = true;
	pool.spare = (struct reservation){ 0 };
	assert_null(state_unit(&vm));
	vm.pool = NULL;
	assert_null(state_unit(&vm));
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, host_tree_make, host_tree_remove)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(borrows_when_it_may),
		cmocka_unit_test(reads_counters),
		cmocka_unit_test(reads_what_a_later_kernel_may_write),
		TEST(sees_policy_and_vms_together),
		TEST(sees_other_terms_than_the_policys),
		TEST(sees_one_vm_in_several_groups),
		TEST(looks_at_the_vcpus_of_the_policy_only),
		TEST(shows_each_vm_of_a_name),
		TEST(works_on_a_host_without_anything),
		TEST(tells_what_is_wrong_with_the_policy),
	};

	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
