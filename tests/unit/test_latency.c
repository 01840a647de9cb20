#include "unit.h"
#include "plan/latency.h"
#include "host/units.h"

#include <math.h>

#define MS NSEC_PER_MSEC
#define NR_SUPPLIES (LATENCY_ALTERNATING + 1)

static const struct reservation own = { 40 * MS, 100 * MS }, spare = { 4 * MS, 10 * MS };

/* Some of them at the limits of SCHED_DEADLINE, some whose fractions do not cancel. */
static const struct reservation several[] = {
	{ 40 * MS, 100 * MS }, { 1 * MS, 100 * MS }, { 99 * MS, 100 * MS }, { 4 * MS, 10 * MS },
	{ RESERVATION_RUNTIME_MIN, RESERVATION_PERIOD_MAX }, { 1234567, 7654321 }, { 999999937, 3999999979 },
};

#define NR_SEVERAL (sizeof(several) / sizeof(several[0]))

static void assert_fraction(struct fraction a, __int128 num, __int128 den)
{
	assert_int_equal(fraction_compare(a, fraction(num, den)), 0);
}

static void assert_near(double a, double b, double part)
{
	if (!(fabs(a - b) <= part * fabs(b)))
		fail_msg("%.17g is not %.17g", a, b);
}

static void deaf_for_as_long_as_the_paper_says(void **state)
{
	(void)state;
	assert_int_equal(latency_worst(own, LATENCY_EARLY), 60 * MS);
	assert_int_equal(latency_worst(own, LATENCY_RANDOM), 120 * MS);
	assert_int_equal(latency_worst(own, LATENCY_ALTERNATING), 120 * MS);
	assert_fraction(latency_mean(own, LATENCY_EARLY), 18 * MS, 1);
	assert_fraction(latency_mean(own, LATENCY_RANDOM), 21 * MS, 1);
	assert_fraction(latency_mean(own, LATENCY_ALTERNATING), 36 * MS, 1);
}

/* Half of all events at most find the VM running, whatever the place of its budget. */
static void the_laws_begin_at_1_minus_u_and_end_at_the_worst(void **state)
{
	(void)state;
	for (size_t i = 0; i < NR_SEVERAL; i++)
		for (int supply = 0; supply < NR_SUPPLIES; supply++) {
			uint64_t worst = latency_worst(several[i], supply);
			struct fraction before = fraction(1, 1), now;

			assert_fraction(latency_exceeds(several[i], supply, 0), several[i].period - several[i].runtime,
					several[i].period);
			assert_fraction(latency_exceeds(several[i], supply, worst), 0, 1);
			assert_fraction(latency_exceeds(several[i], supply, worst + 1), 0, 1);
			assert_true(latency_exceeds(several[i], supply, worst - 1).num > 0);
			for (int step = 1; step <= 50; step++, before = now) {
				now = latency_exceeds(several[i], supply, worst / 50 * step);
				assert_true(fraction_compare(now, before) <= 0);
			}
		}
}

/* Simpson's rule, which is exact for these polynomials of third degree. */
static double integral(struct reservation r, int supply, uint64_t from, uint64_t to)
{
	double a = fraction_double(latency_exceeds(r, supply, from));
	double b = fraction_double(latency_exceeds(r, supply, from + (to - from) / 2));
	double c = fraction_double(latency_exceeds(r, supply, to));

	return (a + 4 * b + c) * (to - from) / 6;
}

static void means_are_the_integrals_of_the_laws(void **state)
{
	(void)state;
	for (size_t i = 0; i < NR_SEVERAL; i++)
		for (int supply = 0; supply < NR_SUPPLIES; supply++) {
			struct reservation r = several[i];
			uint64_t gap = r.period - r.runtime, half = gap / 3 & ~1ull, more = gap + half;
			double mean = integral(r, supply, 0, gap) + integral(r, supply, gap, 2 * gap);

			assert_near(fraction_double(latency_mean(r, supply)), mean, 1e-6);
			assert_near(latency_mean_below(r, supply, 2 * gap), mean, 1e-6);
			assert_near(latency_mean_below(r, supply, gap), integral(r, supply, 0, gap), 1e-6);
			assert_near(latency_mean_below(r, supply, half), integral(r, supply, 0, half), 1e-6);
			assert_near(latency_mean_below(r, supply, more),
				    integral(r, supply, 0, gap) + integral(r, supply, gap, more), 1e-6);
		}
}

/* From the schedules themselves: budgets at places of a grid in two periods, events in the gap between them. */
static void the_random_law_is_that_of_random_places(void **state)
{
	const int steps = 300;
	double law[6] = { 0 }, mean = 0;

	(void)state;
	for (int a = 0; a < steps; a++)
		for (int b = 0; b < steps; b++) {
			double gap = (steps - a - 0.5 + b + 0.5) / steps * 60;

			mean += gap * gap / 2;
			for (int i = 0; i < 6; i++)
				law[i] += gap > i * 20 ? gap - i * 20 : 0;
		}
	assert_near(mean / steps / steps / 100, 21, 1e-4);
	for (int i = 0; i < 6; i++)
		assert_near(law[i] / steps / steps / 100,
			    fraction_double(latency_exceeds(own, LATENCY_RANDOM, i * 20 * MS)), 1e-3);
}

static void a_spare_ends_the_law(void **state)
{
	(void)state;
	assert_fraction(latency_exceeds_spare(own, LATENCY_EARLY, spare, 6 * MS - 1), 54 * MS + 1, 100 * MS);
	assert_fraction(latency_exceeds_spare(own, LATENCY_EARLY, spare, 6 * MS), 0, 1);
	/* 0.6 of the events wait 6 ms, but those that come in the last 6 ms of the gap 3 ms on average */
	assert_near(latency_mean_below(own, LATENCY_EARLY, 6 * MS), 0.54 * 6 * MS + 0.06 * 3 * MS, 1e-12);
	/* Of the 60 % without budget 60 % are without the unit, too; of those that it leaves, half wait more than half of Ds. */
	assert_fraction(latency_exceeds_lent(own, spare, 0), 36, 100);
	assert_fraction(latency_exceeds_lent(own, spare, 3 * MS), 18, 100);
	assert_fraction(latency_exceeds_lent(own, spare, 6 * MS), 0, 1);
	assert_int_equal(latency_fresh(spare).first, 6 * MS);
	assert_int_equal(latency_fresh(spare).whole, 10 * MS);
	assert_int_equal(latency_drained(spare).first, 12 * MS);
	assert_int_equal(latency_drained(spare).whole, 16 * MS);
}

static void shares(void **state)
{
	const struct reservation large = { 60 * MS, 100 * MS }, long_spare = { 50 * MS, 100 * MS };

	(void)state;
	assert_fraction(latency_share(own), 2, 5);
	assert_fraction(latency_share_loan(own, spare), 64, 100);
	assert_fraction(latency_share_flood(own, spare), 664, 1000);
	assert_fraction(latency_share_charged(own, spare, NSEC_PER_SEC), 408, 1000);
	/* 0.6 + 0.2 + 0.25 would be more than both together */
	assert_fraction(latency_share_flood(large, long_spare), 105, 100);
	assert_fraction(latency_share_flood((struct reservation){ 90 * MS, 100 * MS }, long_spare), 120, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deaf_for_as_long_as_the_paper_says),
		cmocka_unit_test(the_laws_begin_at_1_minus_u_and_end_at_the_worst),
		cmocka_unit_test(means_are_the_integrals_of_the_laws),
		cmocka_unit_test(the_random_law_is_that_of_random_places),
		cmocka_unit_test(a_spare_ends_the_law),
		cmocka_unit_test(shares),
	};

	return cmocka_run_group_tests_name("latency", tests, NULL, NULL);
}
