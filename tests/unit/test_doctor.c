// sources: cgroup-tools/command/doctor_hazards.c tests/unit/host_tree.c
#include "unit.h"

#include <stdarg.h>
#include <stdio.h>

#include "apply/store.h"
#include "command/doctor.h"
#include "host/group.h"
#include "host/host.h"
#include "host_tree.h"

#define VM(more) "vms = ( { name = \"web\"; runtime = \"94ms\"; period = \"100ms\"; " more " } );\n"
#define PF_KTHREAD 0x00200000
/* Beyond all that a kernel gives. */
#define WEB 99999990
#define PIT 99999998

/* A line a check: "warning NAME: TEXT". */
static char said[4096];

void doctor_tell(struct doctor *doctor, enum doctor_verdict verdict, const char *check, const char *format, ...)
{
	size_t used = strlen(said);
	va_list arguments;

	(void)doctor;
	used += snprintf(said + used, sizeof(said) - used, "%s %s: ", verdict == DOCTOR_FINE ? "ok" : "warning", check);
	va_start(arguments, format);
	used += vsnprintf(said + used, sizeof(said) - used, format, arguments);
	va_end(arguments);
	snprintf(said + used, sizeof(said) - used, "\n");
}

static void look(const char *policy)
{
	struct doctor doctor = { 0 };

	host_tree_put("0-1\n", "/sys/devices/system/cpu/possible");
	host_tree_put("0-1\n", "/sys/devices/system/cpu/online");
	host_tree_put("proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n", "/proc/mounts");
	host_tree_put(policy, STORE_POLICY);
	group_start();
	said[0] = '\0';
	doctor_hazards(&doctor);
}

static void says(const char *text)
{
	if (!strstr(said, text))
		fail_msg("'%s' is not in: %s", text, said);
}

static void warns_of_nothing_where_nothing_is(void **state)
{
	(void)state;
	host_tree_folder("/sys/kernel/debug/sched/fair_server");
	look(VM(""));
	assert_null(strstr(said, "warning"));
	look("");
	assert_null(strstr(said, "warning"));
}

static void warns_of_a_fair_server_that_is_off(void **state)
{
	(void)state;
	look(VM(""));
	says("warning fair server: whether it is on cannot be seen");
	host_tree_put("0\n", "/sys/kernel/debug/sched/fair_server/cpu1/runtime");
	host_tree_put("50000000\n", "/sys/kernel/debug/sched/fair_server/cpu0/runtime");
	look(VM(""));
	/* 94 % of a CPU and 5 % for the other's fair server, on two. */
	says("warning fair server: VM 'web': the fair server is off on CPU 1, and reservations may take 49.5 % of CPU 1");
	says("io housekeeping, or echo 50000000 > /sys/kernel/debug/sched/fair_server/cpu1/runtime");
	look(VM("io = { policy = \"housekeeping\"; };"));
	says("ok fair server: ");
	/* Its I/O threads are not on the pool's CPUs, unless the pool has a group of its own. */
	look("pools = ( { name = \"p\"; cpus = \"1\"; exclusive = true; } ); " VM("pool = \"p\";"));
	says("ok fair server: ");
	look("pools = ( { name = \"p\"; cpus = \"1\"; exclusive = true; group = \"a\"; } ); " VM("pool = \"p\";"));
	says("reservations may take 94.0 % of CPU 1");
}

static void warns_of_schedutil(void **state)
{
	(void)state;
	host_tree_put("performance\n", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
	look("");
	says("ok governor: ");
	host_tree_put("schedutil\n", "/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor");
	look("");
	says("warning governor: schedutil on CPU 1: ");
	says("cpupower -c 1 frequency-set -g performance");
}

static void warns_of_halt_polling_beside_a_reservation(void **state)
{
	(void)state;
	host_tree_put("200000\n", "/sys/module/kvm/parameters/halt_poll_ns");
	look("");
	says("ok halt polling: ");
	look(VM(""));
	says("warning halt polling: a vCPU of VM 'web' that halts may go on for 200 us");
	says("echo 0 > /sys/module/kvm/parameters/halt_poll_ns");
	host_tree_put("0\n", "/sys/module/kvm/parameters/halt_poll_ns");
	look(VM(""));
	says("ok halt polling: ");
}

static void warns_of_sched_ext(void **state)
{
	(void)state;
	host_tree_put("disabled\n", "/sys/kernel/sched_ext/state");
	look("");
	says("ok sched_ext: ");
	host_tree_put("enabled\n", "/sys/kernel/sched_ext/state");
	host_tree_put("rusty_1.0\n", "/sys/kernel/sched_ext/root/ops");
	look("");
	says("warning sched_ext: the BPF scheduler 'rusty_1.0' has all ordinary threads");
	says("systemctl stop scx");
}

static void warns_of_pits_outside_the_vms_group(void **state)
{
	FILE *file;

	(void)state;
	host_tree_task(WEB, WEB, "vmm", 0);
	host_tree_put("0::/machines/web\n", "/proc/%d/cgroup", WEB);
	host_tree_put("", "/proc/%d/cmdline", WEB);
	file = fopen(host_path("/proc/%d/cmdline", WEB), "w");
	fprintf(file, "qemu-system-x86_64%c-name%cweb%c", 0, 0, 0);
	fclose(file);
	host_tree_put("99999990\n", "/sys/kernel/debug/kvm/%d-10/vcpu0/pid", WEB);
	host_tree_task(PIT, PIT, "kvm-pit/99999990", PF_KTHREAD);
	host_tree_put("0::/\n", "/proc/%d/cgroup", PIT);
	look("");
	says("ok kvm-pit: ");
	look(VM(""));
	says("warning kvm-pit: VM 'web': the kernel's thread kvm-pit/99999990 (99999998) is in group '/'");
	says("echo 99999998 > ");
	says("/machines/web/cgroup.procs");
	host_tree_put("0::/machines/web\n", "/proc/%d/cgroup", PIT);
	look(VM(""));
	says("ok kvm-pit: ");
	/* What only says that it is one. */
	host_tree_task(PIT, PIT, "kvm-pit/99999990", 0);
	host_tree_put("0::/\n", "/proc/%d/cgroup", PIT);
	look(VM(""));
	says("ok kvm-pit: ");
}

static void tells_of_a_policy_that_cannot_be_read(void **state)
{
	(void)state;
	look("vms = (");
	says("warning policy: ");
	says("dlspare apply FILE makes a new one");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, host_tree_make, host_tree_remove)
	const struct CMUnitTest tests[] = {
		TEST(warns_of_nothing_where_nothing_is),
		TEST(warns_of_a_fair_server_that_is_off),
		TEST(warns_of_schedutil),
		TEST(warns_of_halt_polling_beside_a_reservation),
		TEST(warns_of_sched_ext),
		TEST(warns_of_pits_outside_the_vms_group),
		TEST(tells_of_a_policy_that_cannot_be_read),
	};

	return cmocka_run_group_tests_name("doctor", tests, NULL, NULL);
}
