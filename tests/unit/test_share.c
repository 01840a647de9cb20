// sources: cgroup-tools/daemon/share.c
#include "unit.h"

#include "daemon/share.h"

#define MS 1000000ll

static void goes_on_while_something_is_saved(void **state)
{
	struct share share = { 0 };

	(void)state;
	assert_int_equal(share_rest_ms(&share, 1000 * MS, 5 * MS), 0);
	assert_int_equal(share_rest_ms(&share, 1300 * MS, 305 * MS), 0);
	/* 300 ms of CPU time, saved at the start, and 12 for the time that has gone by */
	assert_int_equal(share_rest_ms(&share, 1300 * MS, 317 * MS), 0);
	assert_int_equal(share_rest_ms(&share, 1300 * MS, 318 * MS), 26);
	assert_int_equal(share_rest_ms(&share, 1320 * MS, 318 * MS), 6);
	assert_int_equal(share_rest_ms(&share, 1326 * MS, 318 * MS), 0);
}

static void saves_no_more_than_that(void **state)
{
	struct share share = { 0 };

	(void)state;
	share_rest_ms(&share, 1 * MS, 0);
	share_rest_ms(&share, 1000000 * MS, 0);
	assert_int_equal(share_rest_ms(&share, 1000000 * MS, 300 * MS), 0);
	assert_int_equal(share_rest_ms(&share, 1000000 * MS, 301 * MS), 26);
}

/* Who works for 20 ms whenever there is no rest has the share in the long run. */
static void has_its_share_in_the_long_run(void **state)
{
	int64_t clock = 1 * MS, cpu_time = 0;
	struct share share = { 0 };

	(void)state;
	while (clock < 1000000 * MS) {
		int ms = share_rest_ms(&share, clock, cpu_time);

		clock += ms ? ms * MS : 20 * MS;
		cpu_time += ms ? 0 : 20 * MS;
	}
	assert_in_range(cpu_time * 10000 / clock, 399, 405);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_on_while_something_is_saved),
		cmocka_unit_test(saves_no_more_than_that),
		cmocka_unit_test(has_its_share_in_the_long_run),
	};

	return cmocka_run_group_tests_name("share", tests, NULL, NULL);
}
