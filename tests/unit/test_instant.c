// sources: experiments/lib/instant.c
#include "unit.h"
#include "../../experiments/lib/instant.h"
#include "../../experiments/lib/poisson.h"

#include <math.h>

// The reference implementation's first numbers for seed 0.
static void chance_is_splitmix64(void **state)
{
	uint64_t seed = 0;

	(void)state;
	assert_true(chance_next(&seed) == UINT64_C(0xe220a8397b1dcdaf));
	assert_true(chance_next(&seed) == UINT64_C(0x6e789e6aa1b965f4));
	assert_true(chance_next(&seed) == UINT64_C(0x06c45d188009454f));
}

// Of n gaps the share of those up to t is 1 - exp(-rate t), within 1.95/sqrt(n) but for one
// seed in a thousand (Kolmogorov and Smirnov); the seed is fixed.
static void gaps_are_exponential(void **state)
{
	enum { COUNT = 100000, RATE = 1000, STEPS = 50 };
	unsigned int below[STEPS] = { 0 };
	uint64_t seed = 7;

	(void)state;
	for (int i = 0; i < COUNT; i++) {
		int64_t gap = poisson_gap(&seed, RATE) * 1000000000;

		assert_true(gap >= 0);
		for (int k = gap / 100000; k < STEPS; k++)
			below[k]++;
	}
	for (int k = 0; k < STEPS; k++) {
		double expected = 1 - exp(-(k + 1) * 1e-4 * RATE);

		assert_true(fabs((double)below[k] / COUNT - expected) < 1.95 / sqrt(COUNT));
	}
}

static void sleeps_until_an_instant(void **state)
{
	int64_t due = instant_now() + 2000 * US;

	(void)state;
	instant_sleep_until(due);
	assert_true(instant_now() >= due);
	due = instant_now();
	instant_sleep_until(due - 1000000 * (int64_t)US);
	assert_true(instant_now() < due + 1000000 * (int64_t)US);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(chance_is_splitmix64),
		cmocka_unit_test(gaps_are_exponential),
		cmocka_unit_test(sleeps_until_an_instant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
