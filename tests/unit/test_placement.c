#include "unit.h"

#include <stdio.h>

#include "plan/placement.h"

#define MOST 16

/* The CPUs from 1 on, each with a limit of 1, and threads in percent of one. */
struct lab {
	struct cpus all;
	struct placement_cpu cpus[MOST];
	size_t nr_cpus;
	struct placement_thread threads[MOST];
	size_t nr_threads;
};

static struct lab cpus(size_t nr)
{
	struct lab lab = { .nr_cpus = nr };
	size_t i;

	for (i = 0; i < nr; i++) {
		cpus_add(&lab.all, i + 1);
		lab.cpus[i] = (struct placement_cpu){ .cpu = i + 1, .limit = { 1, 1 }, .taken = { 0, 1 } };
	}
	return lab;
}

/* Its tid is its place in the order of calls. */
static void add(struct lab *lab, size_t vm, int percent, int cpu)
{
	lab->threads[lab->nr_threads] = (struct placement_thread){
		.share = fraction(percent, 100), .cpus = &lab->all, .vm = vm, .number = lab->nr_threads,
		.tid = lab->nr_threads, .cpu = cpu,
	};
	lab->nr_threads++;
}

static bool place(struct lab *lab)
{
	return placement_make(lab->threads, lab->nr_threads, lab->cpus, lab->nr_cpus);
}

static int cpu_of(const struct lab *lab, pid_t tid)
{
	size_t i;

	for (i = 0; i < lab->nr_threads; i++)
		if (lab->threads[i].tid == tid)
			return lab->threads[i].cpu;
	return -2;
}

static void assert_cpus(const struct lab *lab, const char *expected)
{
	char found[4 * MOST] = "";
	size_t i;

	for (i = 0; i < lab->nr_threads; i++)
		sprintf(found + strlen(found), "%s%d", i ? " " : "", cpu_of(lab, i));
	assert_string_equal(found, expected);
}

/* No CPU has more than its limit, and left is what the threads leave. */
static void assert_sums(const struct lab *lab)
{
	struct fraction sum;
	size_t i, j;

	for (i = 0; i < lab->nr_cpus; i++) {
		sum = lab->cpus[i].taken;
		for (j = 0; j < lab->nr_threads; j++)
			if (lab->threads[j].cpu == lab->cpus[i].cpu)
				sum = fraction_add(sum, lab->threads[j].share);
		assert_true(fraction_compare(sum, lab->cpus[i].limit) <= 0);
		assert_int_equal(fraction_compare(sum, lab->cpus[i].sum), 0);
		assert_int_equal(fraction_compare(fraction_add(sum, lab->cpus[i].left), lab->cpus[i].limit), 0);
	}
}

static void has_nothing_to_do(void **state)
{
	struct lab lab = cpus(2);

	(void)state;
	assert_true(place(&lab));
	lab = cpus(0);
	assert_true(place(&lab));
}

static void spreads_a_vm(void **state)
{
	struct lab lab = cpus(3);

	(void)state;
	add(&lab, 0, 10, -1);
	add(&lab, 0, 10, -1);
	add(&lab, 0, 10, -1);
	add(&lab, 0, 10, -1);
	assert_true(place(&lab));
	assert_cpus(&lab, "1 2 3 1");
	assert_sums(&lab);
}

/* Even where another CPU has more left. */
static void spreads_a_vm_first(void **state)
{
	struct lab lab = cpus(2);

	(void)state;
	add(&lab, 0, 70, -1);
	add(&lab, 1, 10, -1);
	add(&lab, 1, 10, -1);
	assert_true(place(&lab));
	assert_cpus(&lab, "1 2 1");
	assert_sums(&lab);
}

static void takes_the_emptiest(void **state)
{
	struct lab lab = cpus(3);

	(void)state;
	lab.cpus[0].taken = fraction(1, 2);
	lab.cpus[1].taken = fraction(1, 4);
	lab.cpus[2].taken = fraction(1, 3);
	add(&lab, 0, 20, -1);
	add(&lab, 1, 30, -1);
	add(&lab, 2, 1, -1);
	assert_true(place(&lab));
	/* The largest first. */
	assert_cpus(&lab, "3 2 1");
	assert_sums(&lab);
}

static void fills_to_the_limit(void **state)
{
	struct lab lab = cpus(2);

	(void)state;
	lab.cpus[0].taken = fraction(45, 100);
	lab.cpus[1].taken = fraction(45, 100);
	add(&lab, 0, 55, -1);
	add(&lab, 1, 55, -1);
	assert_true(place(&lab));
	assert_sums(&lab);
	assert_int_equal(lab.cpus[0].left.num, 0);
	assert_int_equal(lab.cpus[1].left.num, 0);
	add(&lab, 2, 1, -1);
	assert_false(place(&lab));
}

static void leaves_who_has_a_place(void **state)
{
	struct lab lab = cpus(2);

	(void)state;
	add(&lab, 0, 10, 2);
	add(&lab, 0, 10, 2);
	add(&lab, 1, 30, 2);
	add(&lab, 2, 40, -1);
	add(&lab, 0, 10, -1);
	assert_true(place(&lab));
	assert_cpus(&lab, "2 2 2 1 1");
	assert_true(place(&lab));
	assert_cpus(&lab, "2 2 2 1 1");
	assert_sums(&lab);
}

/* The largest stay. */
static void moves_who_fits_no_more(void **state)
{
	struct lab lab = cpus(2);

	(void)state;
	add(&lab, 0, 40, 1);
	add(&lab, 1, 70, 1);
	add(&lab, 2, 30, 2);
	assert_true(place(&lab));
	assert_cpus(&lab, "2 1 2");
	assert_sums(&lab);
}

static void moves_all_where_that_is_needed(void **state)
{
	struct lab lab = cpus(2);

	(void)state;
	/* 60 fits nowhere beside those that are there, but both of them fit on one CPU. */
	add(&lab, 0, 50, 1);
	add(&lab, 1, 45, 2);
	add(&lab, 2, 60, -1);
	assert_true(place(&lab));
	assert_cpus(&lab, "2 2 1");
	assert_sums(&lab);
}

/* Where the worst fit leaves too little everywhere. */
static void fits_more_by_the_first_fit(void **state)
{
	struct lab lab = cpus(2);

	(void)state;
	add(&lab, 0, 50, -1);
	add(&lab, 1, 50, -1);
	add(&lab, 2, 40, -1);
	add(&lab, 3, 30, -1);
	add(&lab, 4, 30, -1);
	assert_true(place(&lab));
	assert_cpus(&lab, "1 1 2 2 2");
	assert_sums(&lab);
}

static void keeps_places_in_vain(void **state)
{
	struct lab lab = cpus(2);

	(void)state;
	add(&lab, 0, 50, 2);
	add(&lab, 1, 60, 1);
	add(&lab, 2, 55, -1);
	assert_false(place(&lab));
	assert_cpus(&lab, "2 1 2");
	assert_int_equal(fraction_compare(lab.cpus[1].left, fraction(-5, 100)), 0);
}

static void leaves_cpus_that_are_not_allowed(void **state)
{
	struct lab lab = cpus(3);
	struct cpus last = { 0 }, none = { 0 };

	(void)state;
	cpus_add(&last, 3);
	add(&lab, 0, 10, 1);
	add(&lab, 1, 20, -1);
	lab.threads[0].cpus = &last;
	lab.threads[1].cpus = &last;
	assert_true(place(&lab));
	assert_cpus(&lab, "3 3");
	lab.threads[0].cpus = &none;
	assert_false(place(&lab));
	assert_int_equal(lab.threads[0].cpu, -1);
}

static void spreads_those_without_a_reservation(void **state)
{
	struct lab lab = cpus(2);

	(void)state;
	lab.cpus[0].taken = fraction(1, 1);
	add(&lab, 0, 0, -1);
	add(&lab, 1, 0, -1);
	add(&lab, 2, 0, -1);
	add(&lab, 3, 0, -1);
	assert_true(place(&lab));
	assert_cpus(&lab, "2 1 2 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_nothing_to_do),
		cmocka_unit_test(spreads_a_vm),
		cmocka_unit_test(spreads_a_vm_first),
		cmocka_unit_test(takes_the_emptiest),
		cmocka_unit_test(fills_to_the_limit),
		cmocka_unit_test(leaves_who_has_a_place),
		cmocka_unit_test(moves_who_fits_no_more),
		cmocka_unit_test(moves_all_where_that_is_needed),
		cmocka_unit_test(fits_more_by_the_first_fit),
		cmocka_unit_test(keeps_places_in_vain),
		cmocka_unit_test(leaves_cpus_that_are_not_allowed),
		cmocka_unit_test(spreads_those_without_a_reservation),
	};

	return cmocka_run_group_tests_name("placement", tests, NULL, NULL);
}
