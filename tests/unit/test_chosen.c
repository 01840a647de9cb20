// sources: tests/unit/host_tree.c
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "apply/chosen.h"
#include "host/result.h"
#include "host_tree.h"

#define AUTO(name, more) "{ name = \"" name "\"; spare = \"auto\"; cpus = \"1\"; " more " }"
#define GOLD "pools = ( " AUTO("gold", "exclusive = true;") " ); "
#define VM(name, more) "{ name = \"" name "\"; runtime = \"10ms\"; period = \"100ms\"; pool = \"gold\"; " more " }"

static char said[2048];

static void tell(const char *text, void *data)
{
	(void)data;
	strncat(said, text, sizeof(said) - strlen(said) - 1);
}

static void has(const char *where, const char *text)
{
	if (!strstr(where, text))
		fail_msg("'%s' is not in: %s", text, where);
}

static void parse(struct policy *policy, const char *text)
{
	struct policy_error error;

	if (!policy_parse(policy, text, "test.conf", &error))
		fail_msg("%s", error.text);
}

static void refuses_the_policy(const char *text, const char *why)
{
	struct policy_error error;
	struct policy policy;

	assert_false(policy_parse(&policy, text, "test.conf", &error));
	has(error.text, why);
}

static int make_host(void **state)
{
	host_tree_make(state);
	host_tree_put("0-3\n", "/sys/devices/system/cpu/possible");
	host_tree_put("0-1\n", "/sys/devices/system/cpu/online");
	*said = '\0';
	return 0;
}

static void chooses(const char *text, unsigned int units, uint64_t runtime_us, uint64_t period_us)
{
	struct policy_error error;
	struct policy policy;

	parse(&policy, text);
	for (int again = 0; again < 2; again++) {
		if (chosen_here(&policy, policy.nr_vms, again ? NULL : tell, NULL, &error) != DONE)
			fail_msg("%s", error.text);
		assert_int_equal(policy.pools[0].units, units);
		assert_int_equal(policy.pools[0].spare.runtime, runtime_us * 1000);
		assert_int_equal(policy.pools[0].spare.period, period_us * 1000);
	}
	policy_free(&policy);
}

static void chooses_for_the_shortest(void **state)
{
	(void)state;
	chooses(GOLD "vms = ( " VM("a", "latency = \"20ms\";") ", " VM("b", "latency = \"5ms\";") ", " VM("c", "") " );", 3, 400, 2900);
	has(said, "pool 'gold', auto: units 3 of (400us, 2.9ms): 2(Ps-Qs) = 5ms <= latency 5ms of VM 'b'; a unit for each of 3 vCPUs on a CPU");
	has(said, "as rates are not given");
	has(said, "0.4138 of the 0.6000 that are left of CPU 1");
}

static void chooses_by_rates(void **state)
{
	(void)state;
	/* Each event in time, whatever comes. */
	chooses(GOLD "vms = ( " VM("a", "rate = 1; latency = \"5ms\";") ", " VM("b", "rate = 1;") " );", 2, 400, 2900);
	*said = '\0';
	chooses(GOLD "vms = ( " VM("a", "rate = 1; latency = \"5ms 99%\";") ", " VM("b", "rate = 1;") " );", 1, 400, 2900);
	has(said, "C(A,m) = 0.00522 <= 0.01 for m = 1, A = rate Ps = 0.00522");
	/* Of one it is not known. */
	chooses(GOLD "vms = ( " VM("a", "rate = 1; latency = \"5ms 99%\";") ", " VM("b", "") " );", 2, 400, 2900);
}

/* A loan lasts for linger; who does not borrow takes no unit. */
static void looks_at_terms(void **state)
{
	(void)state;
	chooses(GOLD "vms = ( " VM("a", "latency = \"5ms\"; borrow = { linger = \"0s\"; };") ", " VM("b", "borrow = { on = false; };") " );",
		1, 270, 2700);
	chooses(GOLD "vms = ( " VM("a", "latency = \"5ms\"; vcpus = \"0-1\"; borrow = { linger = \"300us\"; };") " );", 2, 600, 3100);
}

/* VMs of a pool whose vCPUs move may all be on one CPU. */
static void looks_at_placement(void **state)
{
	const char *vms = "vms = ( " VM("a", "latency = \"5ms\"; vcpus = \"0-1\";") " );";
	char text[512];

	(void)state;
	host_tree_put("0-3\n", "/sys/devices/system/cpu/online");
	snprintf(text, sizeof(text), "pools = ( { name = \"gold\"; spare = \"auto\"; cpus = \"1-2\"; exclusive = true; } ); %s", vms);
	chooses(text, 1, 400, 2900);
	snprintf(text, sizeof(text), "pools = ( { name = \"gold\"; spare = \"auto\"; cpus = \"1-2\"; } ); %s", vms);
	chooses(text, 2, 400, 2900);
}

static void refuses_what_does_not_fit(void **state)
{
	const char *text = "vms = ( " VM("a", "latency = \"5ms\";") ", { name = \"b\"; pool = \"gold\"; runtime = \"70ms\"; period = \"100ms\"; } );";
	char whole[512];
	struct policy_error error;
	struct policy policy;

	(void)state;
	snprintf(whole, sizeof(whole), GOLD "%s", text);
	parse(&policy, whole);
	assert_int_equal(chosen_here(&policy, policy.nr_vms, tell, NULL, &error), NO_ROOM);
	has(error.text, "holds latency 5ms of VM 'a' with units 2 of (400us, 2.9ms) at least, which take 0.2759; CPU 1 has 0.1000 left: "
	    "limit 0.9500 - reservations 0.8000 - units of other pools 0.0000 - fair server 0.0500; what helps: a longer latency");
	assert_int_equal(policy.pools[0].units, 0);
	assert_string_equal(said, "");
	/* b were a hook's. */
	assert_int_equal(chosen_here(&policy, 1, tell, NULL, &error), DONE);
	has(said, "CPU 1 has 0.1000 left");
	has(said, "pool 'gold', auto: units 1 of (400us, 2.9ms)");
	assert_int_equal(policy.pools[0].units, 1);
	policy_free(&policy);
}

/* The second has what the first leaves. */
static void chooses_one_beside_the_other(void **state)
{
	struct policy_error error;
	struct policy policy;

	(void)state;
	parse(&policy, "pools = ( " AUTO("gold", "") ", " AUTO("blue", "") " ); vms = ( " VM("a", "latency = \"1ms\";")
	      ", { name = \"b\"; runtime = \"1ms\"; period = \"100ms\"; pool = \"blue\"; latency = \"1ms\"; } );");
	assert_int_equal(chosen_here(&policy, policy.nr_vms, tell, NULL, &error), NO_ROOM);
	has(error.text, "pool 'blue'");
	has(error.text, "units of other pools 0.4444");
	policy_free(&policy);
}

static void has_rules(void **state)
{
	struct policy_error error;
	struct policy policy;
	char *text;

	(void)state;
	refuses_the_policy(GOLD "vms = ( " VM("a", "") " );", "test.conf:1: pool 'gold': spare 'auto' needs a latency: no VM of the pool has one");
	refuses_the_policy(GOLD, "needs a latency");
	refuses_the_policy("pools = ( " AUTO("gold", "units = 2;") " );", "spare 'auto' chooses runtime, period and units: leave them out");
	refuses_the_policy("pools = ( " AUTO("gold", "runtime = \"1ms\"; period = \"10ms\";") " );", "leave them out");
	refuses_the_policy("pools = ( { name = \"gold\"; spare = \"1ms\"; } );", "spare '1ms': it must be auto");
	refuses_the_policy(GOLD "vms = ( " VM("a", "latency = \"5ms\"; rate = 0;") " );", "rate 0 is not in 1..1000000");
	refuses_the_policy("vms = ( { name = \"a\"; runtime = \"1ms\"; period = \"10ms\"; rate = 5; } );", "rate 5 needs a pool");

	/* What was chosen is no part of it. */
	parse(&policy, GOLD "vms = ( " VM("a", "latency = \"5ms\"; rate = 7;") " );");
	assert_int_equal(chosen_here(&policy, policy.nr_vms, NULL, NULL, &error), DONE);
	text = policy_text(&policy);
	has(text, "spare = \"auto\"; /* runtime 400us, period 2.9ms, units 1 */");
	has(text, "rate = 7;");
	policy_free(&policy);
	parse(&policy, text);
	assert_true(policy.pools[0].automatic);
	assert_int_equal(policy.pools[0].units, 0);
	policy_free(&policy);
	free(text);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, make_host, host_tree_remove)
	const struct CMUnitTest tests[] = {
		TEST(chooses_for_the_shortest),
		TEST(chooses_by_rates),
		TEST(looks_at_terms),
		TEST(looks_at_placement),
		TEST(refuses_what_does_not_fit),
		TEST(chooses_one_beside_the_other),
		TEST(has_rules),
	};

	return cmocka_run_group_tests_name("chosen", tests, NULL, NULL);
}
