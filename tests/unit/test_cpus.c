#include <stdlib.h>

#include "unit.h"
#include "host/cpus.h"

static struct cpus cpus(const char *text)
{
	struct cpus cpus = { 0 };
	const char *rule;

	if (!cpus_parse(&cpus, text, &rule))
		fail_msg("refused '%s': %s", text, rule);
	return cpus;
}

static void assert_prints(const struct cpus *cpus, const char *text)
{
	char *printed = cpus_print(cpus);

	assert_non_null(printed);
	assert_string_equal(printed, text);
	free(printed);
}

static void prints_what_it_reads(void **state)
{
	static const char *const same[] = { "", "0", "0-3,8", "63-64", "0,2,4", "1-127,8191", "0-8191" };
	struct cpus set;

	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		set = cpus(same[i]);
		assert_prints(&set, same[i]);
	}
	set = cpus("8,3,0-2,1-1,0002");
	assert_prints(&set, "0-3,8");
}

static void refuses_what_is_no_list(void **state)
{
	static const struct {
		const char *text, *rule;
	} lists[] = {
		{ ",", "commas" }, { "1,", "commas" }, { ",1", "commas" }, { "1,,2", "commas" }, { "-1", "commas" },
		{ " 1", "commas" }, { "1 ", "commas" }, { "1\n", "commas" }, { "1-2-3", "commas" },
		{ "all", "commas" }, { "0-7:2/4", "commas" }, { "0x1", "commas" }, { "1-", "after its '-'" },
		{ "1-,2", "after its '-'" }, { "1--2", "after its '-'" }, { "3-1", "smaller" }, { "8192", "8191" },
		{ "0-8192", "8191" }, { "4294967296", "8191" }, { "99999999999999999999999999", "8191" },
		{ "18446744073709551616-3", "8191" },
	};
	struct cpus set = cpus("5");

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		const char *rule = NULL;

		if (cpus_parse(&set, lists[i].text, &rule))
			fail_msg("took '%s'", lists[i].text);
		if (!strstr(rule, lists[i].rule))
			fail_msg("'%s': %s", lists[i].text, rule);
		assert_prints(&set, "5");
	}
}

static void counts_and_finds_members(void **state)
{
	struct cpus none = { 0 }, set = cpus("0,63-65,8191");

	(void)state;
	assert_true(cpus_empty(&none));
	assert_false(cpus_empty(&set));
	assert_int_equal(cpus_count(&none), 0);
	assert_int_equal(cpus_count(&set), 5);
	assert_true(cpus_has(&set, 64));
	assert_false(cpus_has(&set, 66));
	assert_false(cpus_has(&set, CPUS_MAX));
	assert_int_equal(cpus_next(&none, 0), -1);
	assert_int_equal(cpus_next(&set, -5), 0);
	assert_int_equal(cpus_next(&set, 1), 63);
	assert_int_equal(cpus_next(&set, 64), 64);
	assert_int_equal(cpus_next(&set, 66), 8191);
	assert_int_equal(cpus_next(&set, CPUS_MAX), -1);
	cpus_add(&none, CPUS_MAX);
	assert_true(cpus_empty(&none));
}

static void compares_and_combines(void **state)
{
	struct cpus a = cpus("0-3,100"), b = cpus("3-5"), c = cpus("1-2"), none = { 0 };

	(void)state;
	assert_true(cpus_overlap(&a, &b));
	assert_false(cpus_overlap(&b, &c));
	assert_false(cpus_overlap(&a, &none));
	assert_true(cpus_within(&c, &a));
	assert_false(cpus_within(&a, &c));
	assert_true(cpus_within(&none, &a));
	assert_false(cpus_equal(&a, &b));
	cpus_unite(&a, &b);
	assert_prints(&a, "0-5,100");
	cpus_subtract(&a, &c);
	assert_prints(&a, "0,3-5,100");
	assert_true(cpus_equal(&a, &(struct cpus){ .bits = { 0x39, 1ull << 36 } }));
	cpus_intersect(&a, &b);
	assert_prints(&a, "3-5");
	cpus_intersect(&a, &none);
	assert_true(cpus_empty(&a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prints_what_it_reads),
		cmocka_unit_test(refuses_what_is_no_list),
		cmocka_unit_test(counts_and_finds_members),
		cmocka_unit_test(compares_and_combines),
	};

	return cmocka_run_group_tests_name("cpus", tests, NULL, NULL);
}
