// sources: tests/unit/host_tree.c
#include "unit.h"

#include <stdlib.h>

#include "apply/quota.h"
#include "apply/vmgroup.h"
#include "host/group.h"
#include "host_tree.h"

#define LIBVIRTS "machine-qemu\\x2d1\\x2dweb.scope/libvirt"

static int make_host(void **state)
{
	host_tree_make(state);
	host_tree_put("proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n", "/proc/mounts");
	return group_start();
}

static void put_file(const char *text, const char *group, const char *file)
{
	host_tree_put(text, "/sys/fs/cgroup/%s/%s", group, file);
}

static bool stays(const char *group)
{
	return vmgroup_stays(&(struct vm){ .group = (char *)group });
}

static void says_which_vm_stays(void **state)
{
	(void)state;
	assert_false(stays(""));
	assert_false(stays("user.slice/user-0.slice/session-3.scope"));
	assert_false(stays("dlspare.slice/gold"));
	assert_true(stays("dlspare.slice/web.service"));
	assert_true(stays("qemu.slice/100.scope"));
	assert_true(stays("lxc/web"));
	assert_true(stays("user.slice/user-1.slice/user@1.service/session-3.scope"));
	assert_true(stays("user.slice/user-1.slice/run-3.scope"));
	assert_true(stays("machine.slice/user-1.slice/session-3.scope"));
	assert_true(vmgroup_stays(&(struct vm){ .group = (char *)"", .managed = true }));
	put_file("max 100000\n", "user.slice/user-0.slice/session-3.scope", "cpu.max");
	assert_false(stays("user.slice/user-0.slice/session-3.scope"));
	put_file("50000 100000\n", "user.slice", "cpu.max");
	assert_true(stays("user.slice/user-0.slice/session-3.scope"));
}

static void finds_the_nearest_quota(void **state)
{
	struct quota quota;
	char *text;

	(void)state;
	put_file("max 100000\n", "a/b/c", "cpu.max");
	assert_false(quota_above(&quota, "a/b/c"));
	put_file("nonsense\n", "a/b", "cpu.max");
	assert_false(quota_above(&quota, "a/b/c"));
	put_file("2000 10000\n", "a", "cpu.max");
	assert_true(quota_above(&quota, "a/b/c"));
	assert_string_equal(quota.group, "a");
	assert_int_equal(quota.runtime, 2000000);
	assert_int_equal(quota.period, 10000000);
	text = quota_text(&quota);
	assert_string_equal(text, "2ms of every 10ms by group a");
	free(text);
	free(quota.group);
	assert_false(quota_above(&quota, ""));
}

/* The quota of I/O threads counts before that of vCPUs. */
static void asks_all_threads_for_quotas(void **state)
{
	struct vm_thread threads[] = { { .tid = 7, .role = VM_VCPU }, { .tid = 8, .role = VM_IO } };
	struct vm vm = { .pid = 8, .group = (char *)"s", .threads = threads, .nr_threads = 2 };
	struct quota quota;

	(void)state;
	host_tree_put("0::/s/vcpu0\n", "/proc/7/cgroup");
	host_tree_put("0::/s/emulator\n", "/proc/8/cgroup");
	assert_false(quota_of(&quota, &vm, false));
	put_file("1000 10000\n", "s/vcpu0", "cpu.max");
	assert_true(quota_of(&quota, &vm, false));
	assert_string_equal(quota.group, "s/vcpu0");
	free(quota.group);
	/* What the policy gives the vCPUs there is none beside it. */
	assert_false(quota_of(&quota, &vm, true));
	put_file("2000 10000\n", "s/emulator", "cpu.max");
	assert_true(quota_of(&quota, &vm, false));
	assert_string_equal(quota.group, "s/emulator");
	free(quota.group);
}

static void assert_advice(const struct pool_policy *pool, const char *group, bool managed, const char *wanted)
{
	const struct vm vm = { .name = (char *)"web", .group = (char *)group, .managed = managed };
	char *text = vmgroup_advice(pool, &vm);

	assert_non_null(text);
	assert_string_equal(text, wanted);
	free(text);
}

static void advises_on_groups(void **state)
{
	struct pool_policy gold = { .name = (char *)"au-1", .exclusive = true };

	(void)state;
	assert_advice(&gold, "machine.slice/" LIBVIRTS, true,
		      "start it with <resource><partition>/machine/au_1</partition></resource> in its XML, and give pool 'au-1' the "
		      "group \"machine.slice/machine-au_1.slice\"");
	assert_advice(&gold, "machine.slice/machine-gold.slice/" LIBVIRTS, true,
		      "give pool 'au-1' the group \"machine.slice/machine-gold.slice\"");
	assert_advice(&gold, "machine/qemu-1-web.libvirt-qemu", true,
		      "start it with <resource><partition>/machine/au_1</partition></resource> in its XML, and give pool 'au-1' the "
		      "group \"machine/au_1.partition\"");
	assert_advice(&gold, "qemu.slice/100.scope", false, "give its pool the group \"qemu.slice/100.scope\"");
	gold.exclusive = false;
	assert_advice(&gold, "qemu.slice/100.scope", false,
		      "give its pool the group \"qemu.slice/100.scope\", or for several VMs \"qemu.slice\"");
	assert_advice(&gold, "web", false, "give its pool the group \"web\"");
	gold.group = (char *)"machine.slice/machine-a-b.slice";
	assert_advice(&gold, "machine.slice/" LIBVIRTS, true,
		      "start it with <resource><partition>/machine/a/b</partition></resource> in its XML");
	gold.group = (char *)"elsewhere";
	assert_advice(&gold, "machine.slice/" LIBVIRTS, true, "start it there");
	assert_advice(&gold, "web", false, "give it a pool of its own, with the group \"web\"");
}

static void assert_group(const struct pool_policy *pool, const struct vm *vm, const char *wanted)
{
	char *group = vmgroup_of(pool, vm, 3);

	assert_non_null(group);
	assert_string_equal(group, wanted);
	free(group);
}

static void puts_vcpus_into_groups(void **state)
{
	struct pool_policy pool = { .name = (char *)"gold" };
	struct vm vm = { .name = (char *)"web", .group = (char *)"qemu.slice/100.scope" };
	const struct vms vms = { &vm, 1 }, none = { 0 };

	(void)state;
	assert_group(&pool, &vm, "dlspare.slice/gold/cpus/web.vm");
	pool.exclusive = true;
	assert_group(&pool, &vm, "dlspare.slice/gold/cpu3/web.vm");
	assert_false(vmgroup_pool_in_place(&pool, &vms));
	assert_false(vmgroup_whole(&pool, &vm));
	pool.group = (char *)"qemu.slice";
	assert_group(&pool, &vm, "qemu.slice/100.scope");
	assert_false(vmgroup_pool_in_place(&pool, &vms));
	assert_true(vmgroup_whole(&pool, &vm));
	assert_true(vmgroup_whole(&pool, NULL));
	pool.group = (char *)"/qemu.slice/100.scope/";
	assert_group(&pool, &vm, "qemu.slice/100.scope/cpus/web.vm");
	assert_true(vmgroup_pool_in_place(&pool, &vms));
	assert_false(vmgroup_whole(&pool, &vm));
	pool.group = (char *)"qemu.slice/100.scope";
	assert_true(vmgroup_pool_in_place(&pool, &none));
	assert_false(vmgroup_whole(&pool, NULL));
	/* Its first thread is in a threaded group below. */
	put_file("threaded\n", "qemu.slice/100.scope/io", "cgroup.type");
	vm.group = (char *)"qemu.slice/100.scope/io";
	assert_group(&pool, &vm, "qemu.slice/100.scope/cpus/web.vm");
	vm.managed = true;
	assert_true(vmgroup_whole(&pool, &vm));
}

static void finds_what_is_no_vm(void **state)
{
	struct vm vm = { .group = (char *)"s/web.scope" };
	const struct vms vms = { &vm, 1 };
	char *found;

	(void)state;
	put_file("", "s", "cgroup.procs");
	put_file("7\n8\n", "s/web.scope", "cgroup.procs");
	put_file("", "s/inner", "cgroup.procs");
	assert_null(vmgroup_stranger("s", &vms));
	put_file("9\n", "s/inner/other.service", "cgroup.procs");
	found = vmgroup_stranger("s", &vms);
	assert_string_equal(found, "s/inner/other.service");
	free(found);
	put_file("", "s/inner/other.service", "cgroup.procs");
	put_file("10\n", "s", "cgroup.procs");
	found = vmgroup_stranger("s", &vms);
	assert_string_equal(found, "s");
	free(found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(says_which_vm_stays, make_host, host_tree_remove),
		cmocka_unit_test_setup_teardown(finds_the_nearest_quota, make_host, host_tree_remove),
		cmocka_unit_test_setup_teardown(asks_all_threads_for_quotas, make_host, host_tree_remove),
		cmocka_unit_test_setup_teardown(advises_on_groups, make_host, host_tree_remove),
		cmocka_unit_test_setup_teardown(puts_vcpus_into_groups, make_host, host_tree_remove),
		cmocka_unit_test_setup_teardown(finds_what_is_no_vm, make_host, host_tree_remove),
	};

	return cmocka_run_group_tests_name("vmgroup", tests, NULL, NULL);
}
