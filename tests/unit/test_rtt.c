// sources: experiments/ping/rtt.c
#include "unit.h"
#include "../../experiments/ping/rtt.h"

static void reads_a_reply(void **state)
{
	struct rtt rtt;

	(void)state;
	assert_true(rtt_parse("spare-small,2,17,1.205,133.007\n", &rtt));
	assert_string_equal(rtt.arm, "spare-small");
	assert_int_equal(rtt.cpus, 2);
	assert_int_equal(rtt.seq, 17);
	assert_int_equal(rtt.phase_ns, 1205);
	assert_false(rtt.lost);
	assert_int_equal(rtt.rtt_ns, 133007);
}

static void reads_a_lost_ping(void **state)
{
	struct rtt rtt;

	(void)state;
	assert_true(rtt_parse("hard,1,3,0.000,\n", &rtt));
	assert_true(rtt.lost);
	assert_true(rtt_parse("hard,1,3,0.000,", &rtt));
	assert_true(rtt.lost);
}

static void refuses_malformed_lines(void **state)
{
	static const char *const lines[] = {
		"", "\n", "hard\n", "hard,1,3,0.000\n", ",1,3,0.000,1.000\n", "hard,x,3,0.000,1.000\n",
		"hard,-1,3,0.000,1.000\n", "hard,1,3,0.000,1.00\n", "hard,1,3,0.000,1.0000\n",
		"hard,1,3,0.000,1\n", "hard,1,3,0.000,-1.000\n", "hard,1,3,0.000,1.000,\n",
		"hard,1,3,0.000,1.000,2\n", "hard,1,3,0.000,1.000 \n", "hard,4294967296,3,0.000,1.000\n",
		"hard,1,3,0.000,9223372036854775.807\n", "hard,1,3,,1.000\n",
		"an-arm-whose-name-has-32-letters,1,3,0.000,1.000\n",
	};
	struct rtt rtt;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (rtt_parse(lines[i], &rtt))
			fail_msg("took '%s'", lines[i]);
}

static void reads_a_stage(void **state)
{
	struct stage stage;

	(void)state;
	assert_true(stage_parse("spare,1,40000,100000,4000,10000,10100000000,6464000000,1073740000\n", &stage));
	assert_string_equal(stage.arm, "spare");
	assert_int_equal(stage.cpus, 1);
	assert_int_equal(stage.runtime_us, 40000);
	assert_int_equal(stage.period_us, 100000);
	assert_int_equal(stage.spare_runtime_us, 4000);
	assert_int_equal(stage.spare_period_us, 10000);
	assert_int_equal(stage.wall_ns, 10100000000);
	assert_int_equal(stage.vcpu_ns, 6464000000);
	assert_int_equal(stage.loops, 1073740000);
}

static void refuses_malformed_stages(void **state)
{
	static const char *const lines[] = {
		"", "spare,1,40000,100000,4000,10000,1,2\n", "spare,1,40000,100000,4000,10000,1,2,\n",
		"spare,1,40000,100000,4000,10000,1,2,3,\n", "spare,1,40000,100000,4000,10000,0,2,3\n",
		"spare,1,40000,100000,4000,10000,1,2,3.5\n",
	};
	struct stage stage;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (stage_parse(lines[i], &stage))
			fail_msg("took '%s'", lines[i]);
}

static void percentiles_are_values_by_nearest_rank(void **state)
{
	int64_t five[] = { 40, 15, 50, 20, 35 }, hundred[100];

	(void)state;
	rtt_sort(five, 5);
	assert_int_equal(nearest_rank(five, 5, 0), 15);
	assert_int_equal(nearest_rank(five, 5, 20), 15);
	assert_int_equal(nearest_rank(five, 5, 21), 20);
	assert_int_equal(nearest_rank(five, 5, 50), 35);
	assert_int_equal(nearest_rank(five, 5, 99), 50);
	assert_int_equal(nearest_rank(five, 5, 100), 50);

	for (int i = 0; i < 100; i++)
		hundred[i] = 100 - i;
	rtt_sort(hundred, 100);
	assert_int_equal(nearest_rank(hundred, 100, 50), 50);
	assert_int_equal(nearest_rank(hundred, 100, 99), 99);
	assert_int_equal(nearest_rank(hundred, 1, 50), 1);
}

static void sorts_what_an_int_cannot_hold(void **state)
{
	int64_t ns[] = { INT64_C(1) << 40, 1, INT64_C(3) << 32, 0 };

	(void)state;
	rtt_sort(ns, 4);
	assert_int_equal(ns[0], 0);
	assert_int_equal(ns[1], 1);
	assert_int_equal(ns[2], INT64_C(3) << 32);
	rtt_sort(NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_reply),
		cmocka_unit_test(reads_a_lost_ping),
		cmocka_unit_test(refuses_malformed_lines),
		cmocka_unit_test(reads_a_stage),
		cmocka_unit_test(refuses_malformed_stages),
		cmocka_unit_test(percentiles_are_values_by_nearest_rank),
		cmocka_unit_test(sorts_what_an_int_cannot_hold),
	};

	return cmocka_run_group_tests_name("rtt", tests, NULL, NULL);
}
