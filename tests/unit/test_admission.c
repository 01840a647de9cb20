// sources: tests/unit/host_tree.c
#include "unit.h"

#include "apply/admission.h"
#include "host/bandwidth.h"
#include "host_tree.h"

#define GOLD "name = \"gold\"; exclusive = true; edf = \"global\";"
#define WEB "vms = ( { name = \"web\"; runtime = \"40ms\"; period = \"100ms\"; pool = \"gold\"; } );"

static void put_cpus(const char *possible, const char *online)
{
	host_tree_put(possible, "/sys/devices/system/cpu/possible");
	host_tree_put(online, "/sys/devices/system/cpu/online");
}

/* Without VMs that run. */
static struct admission admission_of(const char *text, struct policy *policy)
{
	const struct vms none = { 0 };
	struct admission admission;
	struct policy_error error;
	struct wanted_host host;

	if (!policy_parse(policy, text, "test.conf", &error))
		fail_msg("%s", error.text);
	assert_true(wanted_host(&host));
	assert_true(admission_make(&admission, policy, &none, &host));
	return admission;
}

static void refuses(const char *text, const char *why)
{
	struct policy policy;
	struct admission admission = admission_of(text, &policy);

	assert_false(admission.fits);
	if (!strstr(admission.text, why))
		fail_msg("'%s' is not in: %s", why, admission.text);
	assert_null(strstr(admission.text, "CPU :"));
	assert_null(strstr(admission.text, "1 CPUs"));
	admission_free(&admission);
	policy_free(&policy);
}

static void takes(const char *text)
{
	struct policy policy;
	struct admission admission = admission_of(text, &policy);

	if (!admission.fits)
		fail_msg("refused: %s", admission.text);
	admission_free(&admission);
	policy_free(&policy);
}

static void names_cpus_that_are_away(void **state)
{
	(void)state;
	put_cpus("0-3\n", "0-1\n");
	refuses("pools = ( { " GOLD " cpus = \"2\"; } ); " WEB, "no CPU of pool 'gold' is online for VM 'web': 1 vCPU x "
		"40ms/100ms; CPU 2 is offline");
	refuses("pools = ( { " GOLD " cpus = \"2-3\"; } ); " WEB, "CPUs 2-3 are offline");
	refuses("pools = ( { " GOLD " cpus = \"7\"; } ); " WEB, "CPU 7 is absent from this host");
	refuses("pools = ( { " GOLD " cpus = \"3,8-9\"; } ); " WEB, "CPUs 8-9 are absent from this host; CPU 3 is offline");
	/* The one that is there has not enough. */
	refuses("pools = ( { " GOLD " cpus = \"1-2\"; runtime = \"6ms\"; period = \"10ms\"; } ); " WEB, "CPU 2 is offline");
	takes("pools = ( { " GOLD " cpus = \"1-2\"; runtime = \"4ms\"; period = \"10ms\"; } ); " WEB);
}

static void names_pools_that_have_all_cpus(void **state)
{
	(void)state;
	put_cpus("0-1\n", "0-1\n");
	refuses("pools = ( { " GOLD " cpus = \"0-1\"; } );"
		"vms = ( { name = \"db\"; runtime = \"40ms\"; period = \"100ms\"; } );",
		"exclusive pools leave no CPU that is online for VM 'db'");
}

static void takes_the_hosts_limit(void **state)
{
	const char *full = "vms = ( { name = \"db\"; runtime = \"98ms\"; period = \"100ms\"; } );";

	(void)state;
	put_cpus("0\n", "0\n");
	refuses(full, "and the limit is 0.9500; would fit: 90ms of every 100ms for VM 'db', or 2 CPUs");
	host_tree_put("1000000\n", "/proc/sys/kernel/sched_rt_runtime_us");
	refuses(full, "and the limit is 1.0000; would fit: 95ms of every 100ms");
	host_tree_put("10000000\n", "/sys/kernel/debug/sched/fair_server/cpu0/runtime");
	takes(full);
	host_tree_put("-1\n", "/proc/sys/kernel/sched_rt_runtime_us");
	takes(full);
	host_tree_put("0\n", "/proc/sys/kernel/sched_rt_runtime_us");
	refuses(full, "and the limit is 0.0000");
}

static void reads_what_may_be_reserved(void **state)
{
	struct reservation limit = bandwidth_limit(), server = bandwidth_fair_server(3);

	(void)state;
	assert_int_equal(limit.runtime, 950000000);
	assert_int_equal(limit.period, 1000000000);
	assert_int_equal(server.runtime, 50000000);
	assert_int_equal(server.period, 1000000000);
	host_tree_put("900000\n", "/proc/sys/kernel/sched_rt_runtime_us");
	host_tree_put("2000000\n", "/proc/sys/kernel/sched_rt_period_us");
	host_tree_put("0\n", "/sys/kernel/debug/sched/fair_server/cpu3/runtime");
	limit = bandwidth_limit();
	assert_int_equal(limit.runtime, 900000000);
	assert_int_equal(limit.period, 2000000000);
	assert_int_equal(bandwidth_fair_server(3).runtime, 0);
	assert_int_equal(bandwidth_fair_server(2).runtime, 50000000);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, host_tree_make, host_tree_remove)
	const struct CMUnitTest tests[] = {
		TEST(names_cpus_that_are_away),
		TEST(names_pools_that_have_all_cpus),
		TEST(takes_the_hosts_limit),
		TEST(reads_what_may_be_reserved),
	};

	return cmocka_run_group_tests_name("admission", tests, NULL, NULL);
}
