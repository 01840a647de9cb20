// sources: tests/unit/host_tree.c
#include "unit.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "apply/admission.h"
#include "apply/ceiling.h"
#include "apply/lender.h"
#include "apply/setting.h"
#include "host/group.h"
#include "host/histogram.h"
#include "host/host.h"
#include "host/spare.h"
#include "host_tree.h"

#define GROUP "dlspare.slice/gold"
#define POOL(more) "pools = ( { name = \"gold\"; runtime = \"1ms\"; period = \"10ms\"; cpus = \"1\"; exclusive = true; " more " } );"
#define VM(more) "vms = ( { name = \"web\"; runtime = \"40ms\"; period = \"100ms\"; pool = \"gold\"; " more " } );"

static int make_host(void **state)
{
	host_tree_make(state);
	host_tree_put("proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n", "/proc/mounts");
	host_tree_put("0-1\n", "/sys/devices/system/cpu/possible");
	host_tree_put("0-1\n", "/sys/devices/system/cpu/online");
	host_tree_folder("/sys/fs/cgroup/" GROUP "/");
	host_tree_folder("/run/dlspare/");
	return group_start();
}

/* --- who lends --- */

static void put_kernel(bool patched)
{
	host_tree_put(patched ? "0 T schedule\n0 T __sched_spare_event\n" : "0 T schedule\n", "/proc/kallsyms");
}

static struct policy policy_of(const char *text)
{
	struct policy_error error;
	struct policy policy;

	if (!policy_parse(&policy, text, "test.conf", &error))
		fail_msg("%s", error.text);
	return policy;
}

/* Of the only VM. */
static void settles(const char *text, enum lender lender, enum vm_class class, bool wanted)
{
	struct policy policy = policy_of(text), before;

	assert_true(policy_copy(&before, &policy));
	assert_int_equal(lender_of(&policy), lender);
	assert_int_equal(lender_class(&policy, &policy.vms[0]), class);
	assert_int_equal(lender_wanted(&policy), wanted);
	assert_int_equal(policy.lender, before.lender);
	assert_int_equal(policy.vms[0].class, before.vms[0].class);
	lender_settle(&policy);
	assert_int_equal(policy.lender, lender);
	assert_int_equal(policy.vms[0].class, class);
	assert_int_equal(lender_wanted(&policy), wanted);
	policy_free(&before);
	policy_free(&policy);
}

static void one_file_is_for_both_kernels(void **state)
{
	(void)state;
	put_kernel(true);
	settles(POOL("") VM(""), LENDER_KERNEL, CLASS_DEADLINE, false);
	put_kernel(false);
	settles(POOL("") VM(""), LENDER_DAEMON, CLASS_QUOTA, true);
	/* Who does not borrow keeps a reservation on each. */
	settles(POOL("") VM("borrow = { on = false; };"), LENDER_DAEMON, CLASS_DEADLINE, true);
	settles("pools = ( { name = \"gold\"; cpus = \"1\"; } );" VM(""), LENDER_DAEMON, CLASS_DEADLINE, false);
	/* One that cannot be asked has always been taken to lend. */
	unlink(host_path("/proc/kallsyms"));
	settles(POOL("") VM(""), LENDER_KERNEL, CLASS_DEADLINE, false);
}

static void the_policy_may_say_who_lends(void **state)
{
	(void)state;
	put_kernel(true);
	settles("lender = \"daemon\";" POOL("") VM(""), LENDER_DAEMON, CLASS_QUOTA, true);
	settles("lender = \"daemon\";" POOL("") VM("class = \"quota\";"), LENDER_DAEMON, CLASS_QUOTA, true);
	settles(POOL("") VM("class = \"quota\";"), LENDER_KERNEL, CLASS_QUOTA, false);
	put_kernel(false);
	settles("lender = \"kernel\";" POOL("") VM(""), LENDER_KERNEL, CLASS_DEADLINE, false);
}

/* --- what goes together --- */

static void refuses(const char *text, const char *why)
{
	struct policy_error error;
	struct policy policy;

	if (policy_parse(&policy, text, "test.conf", &error))
		fail_msg("taken: %s", text);
	if (!strstr(error.text, why) || !strstr(error.text, "test.conf:1: "))
		fail_msg("'%s' is not in: %s", why, error.text);
}

static void refuses_what_does_not_go_together(void **state)
{
	(void)state;
	refuses("lender = \"me\";", "lender 'me': it must be auto, kernel or daemon");
	refuses("lender = 1;", "lender is a number");
	refuses(POOL("") VM("class = \"fifo\";"), "class 'fifo': it must be auto, deadline or quota");
	refuses("lender = \"daemon\";" POOL("") VM("class = \"deadline\";"),
		"VM 'web': class 'deadline' cannot borrow where dlspare-lender lends");
	refuses("lender = \"daemon\";" POOL("") VM("borrow = { charge = true; };"),
		"VM 'web': charge is not to be had where dlspare-lender lends: each write of cpu.max fills the quota up");
	refuses("lender = \"kernel\";" POOL("") VM("class = \"quota\";"),
		"VM 'web': class 'quota' cannot borrow where the kernel lends");
	refuses("vms = ( { name = \"web\"; class = \"quota\"; runtime = \"40ms\"; period = \"100ms\"; } );", "class 'quota' needs a pool");
	refuses(POOL("") "vms = ( { name = \"web\"; class = \"quota\"; runtime = \"0.9ms\"; period = \"10ms\"; pool = \"gold\"; } );",
		"runtime 900us is at least 1ms");
	refuses(POOL("") "vms = ( { name = \"web\"; class = \"quota\"; runtime = \"9ms\"; period = \"1.1s\"; pool = \"gold\"; } );",
		"period 1.1s at most 1s");
	refuses(POOL("") "vms = ( { name = \"web\"; class = \"quota\"; runtime = \"1000001ns\"; period = \"1s\"; pool = \"gold\"; } );",
		"whole microseconds, the unit of cpu.max");
}

/* What is known only when it is settled: the check that apply makes then. */
static void refuses_what_the_host_settles(void **state)
{
	struct policy policy = policy_of(POOL("") VM("borrow = { charge = true; };"));
	struct policy_error error;

	(void)state;
	put_kernel(false);
	assert_true(policy_check_class(&policy, &policy.vms[0], &error));
	lender_settle(&policy);
	assert_false(policy_check_class(&policy, &policy.vms[0], &error));
	assert_non_null(strstr(error.text, "charge is not to be had"));
	policy_free(&policy);
	policy = policy_of(POOL("") VM("class = \"quota\";"));
	put_kernel(true);
	lender_settle(&policy);
	assert_false(policy_check_class(&policy, &policy.vms[0], &error));
	assert_non_null(strstr(error.text, "lender = \"daemon\", which works on this kernel, too"));
	policy_free(&policy);
}

static void reads_back_what_it_writes(void **state)
{
	struct policy policy = policy_of("lender = \"daemon\";" POOL("") VM("class = \"quota\";")), again;
	char *text = policy_text(&policy);

	(void)state;
	assert_non_null(strstr(text, "\nlender = \"daemon\";\n"));
	again = policy_of(text);
	assert_int_equal(again.lender, LENDER_DAEMON);
	assert_int_equal(again.vms[0].class, CLASS_QUOTA);
	free(text);
	policy_free(&again);
	policy_free(&policy);
	/* What says nothing is not written. */
	policy = policy_of(POOL("") VM(""));
	text = policy_text(&policy);
	assert_null(strstr(text, "lender"));
	assert_null(strstr(text, "class"));
	free(text);
	policy_free(&policy);
}

/* --- files for the lender --- */

static void assert_reads(const struct setting *setting, const char *wanted)
{
	char *value = setting_read(setting);

	if (!value || strcmp(value, wanted))
		fail_msg("%s reads '%s', not '%s'", setting->name, value ? value : "nothing", wanted);
	free(value);
}

static void assert_there(bool there, const char *path)
{
	if (host_exists(host_path("%s", path)) != there)
		fail_msg("%s is %s", path, there ? "not there" : "there");
}

static void files_read_as_the_kernels(void **state)
{
	const struct setting pool = { .kind = SETTING_LENDER, .object = (char *)GROUP, .name = (char *)"cpu.spare.pool" };
	const struct setting borrow = { .kind = SETTING_LENDER, .object = (char *)GROUP, .name = (char *)"cpu.spare.borrow" };
	const struct setting gone = { .kind = SETTING_LENDER, .object = (char *)"a", .name = (char *)"cpu.spare.pool" };
	struct stat stat_of_it;

	(void)state;
	assert_reads(&pool, "none");
	assert_reads(&borrow, "inherit");
	assert_null(setting_read(&gone));
	assert_int_equal(errno, ENOENT);
	assert_int_equal(setting_write(&gone, "4000 10000 units=1 cpus=1"), -1);
	assert_int_equal(errno, ENOENT);
	assert_there(false, SPARE_FOLDER);
	assert_int_equal(setting_write(&pool, "4000 10000 units=1 cpus=1"), 0);
	assert_int_equal(setting_write(&borrow, "on chances=max charge=0 reply=1 linger=200 timer=0"), 0);
	assert_reads(&pool, "4000 10000 units=1 cpus=1");
	assert_false(stat(host_path(SPARE_FOLDER "/" GROUP "/cpu.spare.pool"), &stat_of_it));
	assert_int_equal(stat_of_it.st_mode & 0777, 0644);
	assert_true(setting_shrinks(&pool, "4000 10000 units=1 cpus=1", "none"));
	/* Folders go with the last file, and what the lender has said. */
	host_tree_put("nr_events 7\n", SPARE_FOLDER "/" GROUP "/cpu.spare.stat");
	assert_int_equal(setting_write(&pool, "none"), 0);
	assert_there(true, SPARE_FOLDER "/" GROUP "/cpu.spare.stat");
	assert_int_equal(setting_write(&borrow, "inherit"), 0);
	assert_there(false, SPARE_FOLDER);
	assert_int_equal(setting_write(&borrow, "inherit"), 0);
}

static void devices_are_a_list(void **state)
{
	struct setting device = { .kind = SETTING_LENDER_DEVICE, .object = (char *)GROUP, .name = (char *)"tap0" };

	(void)state;
	assert_reads(&device, "off");
	assert_int_equal(setting_write(&device, "on"), 0);
	assert_int_equal(setting_write(&device, "on"), 0);
	device.name = (char *)"tap1";
	assert_reads(&device, "off");
	assert_int_equal(setting_write(&device, "on"), 0);
	assert_int_equal(setting_write(&device, "off"), 0);
	device.name = (char *)"tap0";
	assert_reads(&device, "on");
	assert_int_equal(setting_write(&device, "off"), 0);
	assert_there(false, SPARE_FOLDER);
}

/* A link in place of a folder or a file could lead anywhere. */
static void follows_no_links(void **state)
{
	const struct setting pool = { .kind = SETTING_LENDER, .object = (char *)GROUP, .name = (char *)"cpu.spare.pool" };

	(void)state;
	host_tree_put("before\n", "/elsewhere");
	host_tree_folder(SPARE_FOLDER);
	host_tree_folder(SPARE_FOLDER "/" GROUP);
	host_tree_link(host_path("/elsewhere"), SPARE_FOLDER "/" GROUP "/cpu.spare.pool");
	assert_int_equal(setting_write(&pool, "4000 10000 units=1 cpus=1"), -1);
	unlink(host_path(SPARE_FOLDER "/" GROUP "/cpu.spare.pool"));
	rmdir(host_path(SPARE_FOLDER "/" GROUP));
	host_tree_folder("/other");
	host_tree_link(host_path("/other"), SPARE_FOLDER "/" GROUP);
	assert_int_equal(setting_write(&pool, "4000 10000 units=1 cpus=1"), -1);
	assert_there(false, "/other/cpu.spare.pool");
}

static void sweeps_what_is_left(void **state)
{
	(void)state;
	host_tree_put("on\n", SPARE_FOLDER "/" GROUP "/cpu.spare.borrow");
	host_tree_put("on\n", SPARE_FOLDER "/" GROUP "/cpu.spare.borrow.ab12CD");
	host_tree_put("x\n", SPARE_FOLDER "/" GROUP "/cpu.spare.stat.ab12CD");
	host_tree_put("on\n", SPARE_FOLDER "/qemu.slice/9.scope/cpu.spare.borrow");
	host_tree_put("x\n", SPARE_FOLDER "/qemu.slice/9.scope/cpu.spare.stat");
	spare_lender_sweep();
	assert_there(true, SPARE_FOLDER "/" GROUP "/cpu.spare.borrow");
	assert_there(false, SPARE_FOLDER "/" GROUP "/cpu.spare.borrow.ab12CD");
	/* The lender may be at it. */
	assert_there(true, SPARE_FOLDER "/" GROUP "/cpu.spare.stat.ab12CD");
	assert_there(false, SPARE_FOLDER "/qemu.slice");
	unlink(host_path(SPARE_FOLDER "/" GROUP "/cpu.spare.borrow"));
	unlink(host_path(SPARE_FOLDER "/" GROUP "/cpu.spare.stat.ab12CD"));
	spare_lender_sweep();
	assert_there(false, SPARE_FOLDER);
	spare_lender_sweep();
}

/* --- what the lender tells --- */

static void assert_file(const char *path, const char *wanted)
{
	size_t length;
	char *text = host_read_all(host_path("%s", path), &length);

	if (!text || strcmp(text, wanted))
		fail_msg("%s is '%s', not '%s'", path, text ? text : "not there", wanted);
	free(text);
}

static void tells_where_something_is_wanted(void **state)
{
	const struct setting borrow = { .kind = SETTING_LENDER, .object = (char *)GROUP, .name = (char *)"cpu.spare.borrow" };
	struct stat before, after;

	(void)state;
	assert_int_equal(spare_lender_tell(GROUP, "nr_events 1\n", "1 own=1\n"), 0);
	assert_there(false, SPARE_FOLDER);
	assert_int_equal(setting_write(&borrow, "off"), 0);
	assert_int_equal(spare_lender_tell(GROUP, "nr_events 1\n", "1 own=1\n"), 0);
	assert_file(SPARE_FOLDER "/" GROUP "/cpu.spare.stat", "nr_events 1\n");
	assert_file(SPARE_FOLDER "/" GROUP "/cpu.spare.latency", "1 own=1\n");
	/* What is told already is not written again. */
	assert_false(stat(host_path(SPARE_FOLDER "/" GROUP "/cpu.spare.latency"), &before));
	assert_int_equal(spare_lender_tell(GROUP, "nr_events 2\n", "1 own=1\n"), 0);
	assert_false(stat(host_path(SPARE_FOLDER "/" GROUP "/cpu.spare.latency"), &after));
	assert_int_equal(before.st_ino, after.st_ino);
	assert_file(SPARE_FOLDER "/" GROUP "/cpu.spare.stat", "nr_events 2\n");
	/* Not of the groups between: nothing is wanted of them. */
	assert_int_equal(spare_lender_tell("dlspare.slice", "nr_events 2\n", "1 own=1\n"), 0);
	assert_there(false, SPARE_FOLDER "/dlspare.slice/cpu.spare.stat");
	assert_int_equal(setting_write(&borrow, "inherit"), 0);
	assert_there(false, SPARE_FOLDER);
	assert_int_equal(spare_lender_tell(GROUP, "nr_events 3\n", "1 own=1\n"), 0);
	assert_there(false, SPARE_FOLDER);
}

/* Its draft and a file of a killed one do not keep the folder. */
static void what_it_was_about_to_tell_goes_too(void **state)
{
	const struct setting borrow = { .kind = SETTING_LENDER, .object = (char *)GROUP, .name = (char *)"cpu.spare.borrow" };

	(void)state;
	assert_int_equal(setting_write(&borrow, "off"), 0);
	host_tree_put("nr_ev", SPARE_FOLDER "/" GROUP "/cpu.spare.stat.ab12CD");
	assert_int_equal(setting_write(&borrow, "inherit"), 0);
	assert_there(false, SPARE_FOLDER);
	/* One came between the removal of what was wanted, and of what was told; the next look finds it. */
	host_tree_put("nr_events 1\n", SPARE_FOLDER "/" GROUP "/cpu.spare.stat");
	spare_lender_sweep();
	assert_there(false, SPARE_FOLDER);
}

static bool a_while_has_passed(const struct timespec *since, int ms)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000 >= ms;
}

/* The lender tells all the time, while values come and go: each write succeeds, and nothing is left. */
static void nothing_is_left_when_both_are_at_it(void **state)
{
	const struct setting borrow = { .kind = SETTING_LENDER, .object = (char *)GROUP, .name = (char *)"cpu.spare.borrow" };
	struct timespec since;
	int status, round;
	pid_t lender;

	(void)state;
	lender = fork();
	if (!lender) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (round = 0;; round++)
			if (spare_lender_tell(GROUP, round & 1 ? "nr_events 1\n" : "nr_events 2\n", "1 own=1\n"))
				_exit(1);
	}
	assert_true(lender > 0);
	clock_gettime(CLOCK_MONOTONIC, &since);
	for (round = 0; round < 100 || !a_while_has_passed(&since, 300); round++) {
		if (setting_write(&borrow, "on chances=1 charge=0 reply=1 linger=200 timer=0"))
			fail_msg("round %d: written: %s", round, strerror(errno));
		if (round & 1)
			sched_yield();
		if (setting_write(&borrow, "inherit"))
			fail_msg("round %d: removed: %s", round, strerror(errno));
	}
	/* It may be at its last round. */
	for (clock_gettime(CLOCK_MONOTONIC, &since); host_exists(host_path(SPARE_FOLDER)) && !a_while_has_passed(&since, 2000);)
		usleep(1000);
	assert_there(false, SPARE_FOLDER);
	assert_int_equal(waitpid(lender, &status, WNOHANG), 0);
	kill(lender, SIGKILL);
	waitpid(lender, &status, 0);
	assert_there(false, SPARE_FOLDER);
}

/* Of a group that the daemon lends to, all that is counted is the daemon's, also on a kernel that counts. */
static void looks_where_it_is_lent(void **state)
{
	struct histogram histogram = { 0 };
	char *value;

	(void)state;
	host_tree_put("nr_events 1\n", "/sys/fs/cgroup/" GROUP "/cpu.spare.stat");
	value = spare_value(GROUP, "cpu.spare.stat");
	assert_string_equal(value, "nr_events 1");
	free(value);
	host_tree_put("on\n", SPARE_FOLDER "/" GROUP "/cpu.spare.borrow");
	assert_null(spare_value(GROUP, "cpu.spare.stat"));
	host_tree_put("nr_events 2\n", SPARE_FOLDER "/" GROUP "/cpu.spare.stat");
	value = spare_value(GROUP, "cpu.spare.stat");
	assert_string_equal(value, "nr_events 2");
	free(value);
	host_tree_put("1 own=3 loan=0 waited=0 refused=0\n", SPARE_FOLDER "/" GROUP "/cpu.spare.latency");
	histogram_add(&histogram, GROUP);
	assert_int_equal(histogram_count(&histogram), 3);
}

/* --- ceilings --- */

static void ceilings_are_of_groups(void **state)
{
	struct vm_thread threads[] = {
		{ .tid = 7, .role = VM_VCPU, .number = 0 }, { .tid = 8, .role = VM_VCPU, .number = 1 },
		{ .tid = 9, .role = VM_VCPU, .number = 2 }, { .tid = 10, .role = VM_IO, .number = -1 },
	};
	const struct vm vm = { .name = (char *)"web", .threads = threads, .nr_threads = 4 };
	const struct vm_policy policy = { .reservation = { 40000000, 100000000 } };
	struct reservation found;
	char *text = ceiling_text(policy.reservation, 2);

	(void)state;
	assert_string_equal(text, "80000 100000");
	found = ceiling_each(text, 2);
	assert_int_equal(found.runtime, 40000000);
	assert_int_equal(found.period, 100000000);
	free(text);
	assert_true(reservation_none(ceiling_each("max 100000", 1)));
	assert_true(reservation_none(ceiling_each(NULL, 1)));

	host_tree_put("0::/a\n", "/proc/7/cgroup");
	host_tree_put("0::/a\n", "/proc/8/cgroup");
	host_tree_put("0::/b\n", "/proc/9/cgroup");
	host_tree_put("80000 100000\n", "/sys/fs/cgroup/a/cpu.max");
	host_tree_put("40000 100000\n", "/sys/fs/cgroup/b/cpu.max");
	assert_int_equal(ceiling_of(&policy, &vm).runtime, 40000000);
	/* The one that differs. */
	host_tree_put("20000 100000\n", "/sys/fs/cgroup/b/cpu.max");
	assert_int_equal(ceiling_of(&policy, &vm).runtime, 20000000);
	host_tree_put("max 100000\n", "/sys/fs/cgroup/b/cpu.max");
	assert_true(reservation_none(ceiling_of(&policy, &vm)));
}

static void fits(const char *text, const char *why)
{
	const struct vms none = { 0 };
	struct policy policy = policy_of(text);
	struct admission admission;
	struct wanted_host host;

	lender_settle(&policy);
	assert_true(wanted_host(&host));
	assert_true(admission_make(&admission, &policy, &none, &host));
	if (why ? !strstr(admission.text, why) : !admission.fits)
		fail_msg("'%s' is not in: '%s'", why ? why : "", admission.text);
	admission_free(&admission);
	policy_free(&policy);
}

static void ceilings_are_at_most_the_cpu(void **state)
{
	const char *two = "vms = ( { name = \"web\"; runtime = \"40ms\"; period = \"100ms\"; pool = \"gold\"; },"
			  " { name = \"db\"; runtime = \"51ms\"; period = \"100ms\"; pool = \"gold\"; } );";
	char text[1024];

	(void)state;
	put_kernel(false);
	/* What a reservation cannot have, beside the fair server, a ceiling can. */
	fits(POOL("") "vms = ( { name = \"web\"; runtime = \"90ms\"; period = \"100ms\"; pool = \"gold\"; } );", NULL);
	snprintf(text, sizeof(text), "%s%s", POOL(""), two);
	fits(text, "no room on CPU 1: pool 'gold': 1 unit x 1ms/10ms on each of 1 CPU = 0.1000 + ceiling of VM 'web': 1 vCPU x 40ms/100ms = "
	     "0.4000 + ceiling of VM 'db': 1 vCPU x 51ms/100ms = 0.5100 makes 1.0100, and there is no more than 1.0000; would fit: 39ms of every "
	     "100ms for VM 'web', or 50ms of every 100ms for VM 'db'");
	snprintf(text, sizeof(text), "%s%s", POOL("edf = \"global\";"), two);
	fits(text, "or 2 CPUs");
	/* Where all the host runs, nobody adds ceilings up. */
	fits("pools = ( { name = \"gold\"; runtime = \"1ms\"; period = \"10ms\"; cpus = \"1\"; } );"
	     "vms = ( { name = \"web\"; vcpus = \"0-3\"; runtime = \"90ms\"; period = \"100ms\"; pool = \"gold\"; } );", NULL);
	/* On two CPUs each vCPU has its own. */
	fits("pools = ( { name = \"gold\"; runtime = \"1ms\"; period = \"10ms\"; cpus = \"0-1\"; exclusive = true; } );"
	     "vms = ( { name = \"web\"; vcpus = \"0-1\"; runtime = \"90ms\"; period = \"100ms\"; pool = \"gold\"; } );", NULL);
	put_kernel(true);
	fits(POOL("") "vms = ( { name = \"web\"; runtime = \"90ms\"; period = \"100ms\"; pool = \"gold\"; } );",
	     "makes 1.0500, and the limit is 0.9500");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, make_host, host_tree_remove)
	const struct CMUnitTest tests[] = {
		TEST(one_file_is_for_both_kernels),
		TEST(the_policy_may_say_who_lends),
		TEST(refuses_what_does_not_go_together),
		TEST(refuses_what_the_host_settles),
		TEST(reads_back_what_it_writes),
		TEST(files_read_as_the_kernels),
		TEST(devices_are_a_list),
		TEST(follows_no_links),
		TEST(sweeps_what_is_left),
		TEST(tells_where_something_is_wanted),
		TEST(what_it_was_about_to_tell_goes_too),
		TEST(nothing_is_left_when_both_are_at_it),
		TEST(looks_where_it_is_lent),
		TEST(ceilings_are_of_groups),
		TEST(ceilings_are_at_most_the_cpu),
	};

	return cmocka_run_group_tests_name("lender", tests, NULL, NULL);
}
