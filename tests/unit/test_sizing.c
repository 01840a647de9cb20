#include "unit.h"
#include "plan/sizing.h"

#include "host/units.h"
#include "plan/erlang.h"
#include "plan/latency.h"

#define US NSEC_PER_USEC
#define MS NSEC_PER_MSEC

static const struct sizing_terms two = { .target = 5 * MS, .rate = -1, .borrowers = 2, .answer = 400 * US, .most = 64 };

static void is(struct sizing sizing, unsigned int units, uint64_t runtime, uint64_t period)
{
	assert_int_equal(sizing.units, units);
	assert_int_equal(sizing.unit.runtime, runtime);
	assert_int_equal(sizing.unit.period, period);
}

/* 2(2.9-0.4) ms is just 5. */
static void holds_the_target(void **state)
{
	struct sizing_terms terms = two;

	(void)state;
	is(sizing_make(&terms), 2, 400 * US, 2900 * US);
	terms.target--;
	is(sizing_make(&terms), 2, 400 * US, 2800 * US);
	/* A tenth of the period is more than the answer takes. */
	terms.target = 100 * MS;
	is(sizing_make(&terms), 2, 5500 * US, 55 * MS);
}

/* Without a rate, and with it for each event: one for each. */
static void has_a_unit_for_each(void **state)
{
	struct sizing_terms terms = two;

	(void)state;
	terms.borrowers = 7;
	assert_int_equal(sizing_make(&terms).units, 7);
	terms.rate = 0.001;
	assert_int_equal(sizing_make(&terms).units, 7);
	assert_true(sizing_make(&terms).waiting == 0);
}

static void has_fewer_for_a_share(void **state)
{
	struct sizing_terms terms = two;
	struct sizing sizing;
	double load;

	(void)state;
	terms.borrowers = 64;
	terms.rate = 64 * 10;
	terms.waiting = 0.01;
	sizing = sizing_make(&terms);
	load = terms.rate * sizing.unit.period / NSEC_PER_SEC;
	assert_true(sizing.units > 1 && sizing.units < 64);
	assert_true(sizing.waiting == erlang_waiting(load, sizing.units));
	assert_true(sizing.waiting <= 0.01);
	assert_true(erlang_waiting(load, sizing.units - 1) > 0.01);
	assert_true(latency_drained(sizing.unit).first <= terms.target);
}

/* No other unit of two digits that holds the target takes less. */
static void takes_least(void **state)
{
	struct sizing_terms terms = two;
	struct sizing best;

	(void)state;
	terms.target = 40 * MS;
	terms.borrowers = 64;
	terms.rate = 200;
	terms.waiting = 0.001;
	best = sizing_make(&terms);
	for (uint64_t period = 1 * MS; period <= 9900 * US; period += 100 * US) {
		uint64_t runtime = period / 10 > terms.answer ? period / 10 : terms.answer;
		unsigned int m = 1;

		while (erlang_waiting(terms.rate * period / NSEC_PER_SEC, m) > terms.waiting)
			m++;
		assert_true(fraction_compare(fraction(m * runtime, period), sizing_share(&best)) >= 0);
	}
}

static void finds_none(void **state)
{
	struct sizing_terms terms = two;

	(void)state;
	terms.borrowers = 65;
	assert_int_equal(sizing_make(&terms).units, 0);
	terms = two;
	/* Longer than any period. */
	terms.answer = 5 * NSEC_PER_SEC;
	assert_int_equal(sizing_make(&terms).units, 0);
	/* A CPU for each unit: all of the time. */
	terms = two;
	terms.target = 1 * US;
	is(sizing_make(&terms), 2, 400 * US, 400 * US);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_the_target),
		cmocka_unit_test(has_a_unit_for_each),
		cmocka_unit_test(has_fewer_for_a_share),
		cmocka_unit_test(takes_least),
		cmocka_unit_test(finds_none),
	};

	return cmocka_run_group_tests_name("sizing", tests, NULL, NULL);
}
