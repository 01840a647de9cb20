#include "unit.h"
#include "plan/erlang.h"

#include <math.h>

/* A pool of (4,10) ms for VMs of (40,100) ms. */
static const double hold = 0.010;

static double load(unsigned int vms, double rate)
{
	return erlang_load(vms, rate, fraction(40, 100), hold);
}

static void assert_near(double a, double b)
{
	if (!(fabs(a - b) <= 1e-9 * fabs(b)))
		fail_msg("%.17g is not %.17g", a, b);
}

static void loads(void **state)
{
	(void)state;
	assert_near(load(16, 1), 0.096);
	assert_near(load(16, 10), 0.96);
	assert_near(load(64, 10), 3.84);
	assert_near(erlang_load(64, 10, fraction(1, 1), hold), 0);
}

/* (A^m/m!) / sum(A^i/i!) */
static void erlang_b_is_its_sum(void **state)
{
	(void)state;
	for (double A = 0.01; A < 50; A *= 1.7) {
		double term = 1, sum = 1;

		assert_near(erlang_blocking(A, 0), 1);
		for (unsigned int m = 1; m <= 64; m++) {
			term *= A / m;
			sum += term;
			assert_near(erlang_blocking(A, m), term / sum);
		}
	}
	assert_true(erlang_blocking(0, 1) == 0);
}

/* What an event of one VM finds: the other n = N-1, C(n,m) a^m / sum(C(n,i) a^i). */
static void engset_is_its_sum(void **state)
{
	(void)state;
	for (unsigned int vms = 1; vms <= 40; vms++)
		for (double A = 0.01; A < 20; A *= 2.3) {
			double term = 1, sum = 1;

			for (unsigned int m = 1; m < vms; m++) {
				term *= (vms - m) * (A / vms) / m;
				sum += term;
				assert_near(erlang_engset(vms, A, m), term / sum);
			}
			assert_true(erlang_engset(vms, A, vms) == 0);
			assert_true(erlang_engset(vms, A, vms + 1) == 0);
		}
}

static void many_vms_make_engset_erlang_b(void **state)
{
	(void)state;
	assert_true(fabs(erlang_engset(1000000, 3.84, 6) / erlang_blocking(3.84, 6) - 1) < 1e-4);
	assert_true(erlang_engset(8, 3.84, 6) < erlang_blocking(3.84, 6));
}

/* The stationary queue M/M/m: 1 + A + ... with A^m/m! (A/m)^i behind. */
static void erlang_c_is_the_queue(void **state)
{
	(void)state;
	for (unsigned int m = 1; m <= 20; m++)
		for (double A = 0.05 * m; A < m; A += 0.1 * m) {
			double term = 1, sum = 0, waiting = 0, queue = 0;

			for (unsigned int i = 0; i < m; i++, term *= A / i)
				sum += term;
			for (unsigned int i = 0; i < 3000; i++, term *= A / m) {
				waiting += term;
				queue += i * term;
			}
			sum += waiting;
			assert_near(erlang_waiting(A, m), waiting / sum);
			/* Little: queue = rate * wait, A = rate * hold */
			assert_near(erlang_wait(A, m, hold), queue / sum * hold / A);
			assert_true(erlang_waiting(A, m) > erlang_blocking(A, m));
		}
}

/* The chain of k others with a loan or in line: each of the rest asks with a, min(k,m) loans end. */
static void palm_is_the_queue_of_few(void **state)
{
	(void)state;
	for (unsigned int vms = 1; vms <= 40; vms++)
		for (double A = 0.01; A < 20; A *= 2.3)
			for (unsigned int m = 1; m < vms; m++) {
				double p[40] = { 1 }, sum = 0, waits = 0;

				for (unsigned int k = 1; k < vms; k++)
					p[k] = p[k - 1] * (vms - k) * (A / vms) / (k < m ? k : m);
				for (unsigned int k = 0; k < vms; k++) {
					sum += p[k];
					waits += k >= m ? p[k] : 0;
				}
				assert_near(erlang_palm(vms, A, m), waits / sum);
				/* Those who wait are in nobody's way where they go away. */
				assert_true(erlang_palm(vms, A, m) >= erlang_engset(vms, A, m) * (1 - 1e-9));
			}
	assert_true(erlang_palm(4, 3, 4) == 0);
	assert_true(fabs(erlang_palm(1000000, 3.84, 6) / erlang_waiting(3.84, 6) - 1) < 1e-4);
	assert_int_equal(erlang_units_palm(4, 10, 1e-6, 64), 4);
	assert_int_equal(erlang_units_palm(64, 3.2, 0.01, 64), 9);
	assert_int_equal(erlang_units_palm(64, 3.2, 0.01, 8), 0);
}

/* Of the same chain with all N: what it offers is found again from what it has, however few the units are. */
static void offered_is_found_again(void **state)
{
	(void)state;
	for (unsigned int m = 1; m <= 16; m++) {
		double weight = 1, sum = 0, loans = 0, waiting = 0, A = 1.6;

		for (unsigned int k = 0; k <= 16; k++) {
			sum += weight;
			loans += weight * (k < m ? k : m);
			waiting += weight * (k < m ? 0 : k - m);
			weight *= (16 - k) * (A / 16) / (k < m ? k + 1 : m);
		}
		assert_near(erlang_offered(16, loans / sum, waiting / sum), A);
	}
	assert_near(erlang_likely(3, 400), 3.3);
	assert_near(erlang_likely(3, 0), 9);
	assert_true(erlang_offered(0, 0, 0) == 0);
	assert_true(isinf(erlang_offered(4, 1, 3)));
}

static void an_overloaded_pool_keeps_all_waiting(void **state)
{
	(void)state;
	assert_near(erlang_waiting(2, 2), 1);
	assert_near(erlang_waiting(5, 2), 1);
	assert_true(isinf(erlang_wait(2, 2, hold)));
	assert_true(erlang_wait(0, 1, hold) == 0);
}

/*
 * The figures of the project's ring model, section 3: 1e-3, h = Ps = 10 ms, U = 0.4. A loan held to replenishment is
 * one a gap, from its first event on: A = N [D-(1-exp(-lambda D))/lambda]/P, lambda D = 0.6, D = 60 and P = 100 ms.
 */
static void units_for_one_in_a_thousand(void **state)
{
	(void)state;
	assert_int_equal(erlang_units(load(16, 1), 1e-3, 64), 3);
	assert_int_equal(erlang_units(load(16, 10), 1e-3, 64), 6);
	assert_int_equal(erlang_units(load(64, 10), 1e-3, 64), 12);
	assert_int_equal(erlang_units(64 * (0.060 - (1 - exp(-0.6)) / 10) / 0.100, 1e-3, 64), 21);
	assert_int_equal(erlang_units(load(64, 10), 1e-3, 11), 0);
	assert_int_equal(erlang_units(0, 1e-3, 64), 1);
}

static void few_vms_need_no_more_units_than_vms(void **state)
{
	(void)state;
	assert_int_equal(erlang_units(10, 1e-6, 64), 29);
	assert_int_equal(erlang_units_engset(4, 10, 1e-6, 64), 4);
	assert_int_equal(erlang_units_engset(1, 0.5, 1e-6, 64), 1);
	for (unsigned int vms = 1; vms <= 64; vms++)
		assert_true(erlang_units_engset(vms, load(vms, 10), 1e-3, 64) <= erlang_units(load(vms, 10), 1e-3, 64));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loads),
		cmocka_unit_test(erlang_b_is_its_sum),
		cmocka_unit_test(engset_is_its_sum),
		cmocka_unit_test(many_vms_make_engset_erlang_b),
		cmocka_unit_test(erlang_c_is_the_queue),
		cmocka_unit_test(palm_is_the_queue_of_few),
		cmocka_unit_test(offered_is_found_again),
		cmocka_unit_test(an_overloaded_pool_keeps_all_waiting),
		cmocka_unit_test(units_for_one_in_a_thousand),
		cmocka_unit_test(few_vms_need_no_more_units_than_vms),
	};

	return cmocka_run_group_tests_name("erlang", tests, NULL, NULL);
}
