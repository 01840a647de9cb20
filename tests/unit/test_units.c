#include "unit.h"
#include "host/units.h"

static void reads_times(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} times[] = {
		{ "0s", 0 }, { "0.000ns", 0 }, { "1ns", 1 }, { "1.0ns", 1 }, { "40ms", 40000000 },
		{ "40 ms", 40000000 }, { "0.4ms", 400000 }, { "0.4   ms", 400000 }, { "100000us", 100000000 },
		{ "1.000001ms", 1000001 }, { "007us", 7000 }, { "0.000000001s", 1 },
		{ "0.1000000000000000000000000s", 100000000 }, { "18446744073709551615ns", UINT64_MAX },
		{ "18446744073.709551615s", UINT64_MAX },
	};
	const char *rule;
	uint64_t ns;

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		if (!units_parse(&ns, times[i].text, &rule))
			fail_msg("refused '%s': %s", times[i].text, rule);
		assert_int_equal(ns, times[i].ns);
	}
}

static void refuses_what_is_no_time(void **state)
{
	static const struct {
		const char *text, *rule;
	} times[] = {
		{ "", "digit" }, { " 1s", "digit" }, { "-1s", "digit" }, { "+1s", "digit" }, { "ms", "digit" },
		{ ".5s", "digit" }, { "1.s", "decimal point" }, { "1.", "decimal point" },
		{ "1. s", "decimal point" }, { "40", "unit" }, { "40 ", "unit" }, { "40m", "unit" },
		{ "40MS", "unit" }, { "40ms ", "unit" }, { "40msx", "unit" }, { "1,5s", "unit" },
		{ "1e3s", "unit" }, { "0x10s", "unit" }, { "1.5.5s", "unit" }, { "1\tms", "unit" },
		{ "1us\n", "unit" }, { "0.5ns", "whole" }, { "0.0001us", "whole" }, { "1.0000000001s", "whole" },
		{ "18446744073709551616ns", "2^64" }, { "18446744073.709551616s", "2^64" },
		{ "18446744074s", "2^64" }, { "99999999999999999999999999999999s", "2^64" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		const char *rule = NULL;
		uint64_t ns = 17;

		if (units_parse(&ns, times[i].text, &rule))
			fail_msg("took '%s'", times[i].text);
		if (!strstr(rule, times[i].rule))
			fail_msg("'%s': %s", times[i].text, rule);
		assert_int_equal(ns, 17);
	}
}

static void prints_the_largest_unit(void **state)
{
	char text[UNITS_TEXT];

	(void)state;
	assert_string_equal(units_print(text, 0), "0s");
	assert_string_equal(units_print(text, 1), "1ns");
	assert_string_equal(units_print(text, 1500), "1500ns");
	assert_string_equal(units_print(text, 200000), "200us");
	assert_string_equal(units_print(text, 40000000), "40ms");
	assert_string_equal(units_print(text, 4194304000), "4194304us");
	assert_string_equal(units_print(text, 3000000000), "3s");
	assert_string_equal(units_print(text, UINT64_MAX), "18446744073709551615ns");
}

static void reads_numbers_in_their_range(void **state)
{
	static const char *const bad[] = {
		"", " 1", "1 ", "+1", "-1", "1.0", "0x1", "1a", "18446744073709551616", "0", "65",
	};
	const char *rule;
	uint64_t number;

	(void)state;
	assert_true(units_parse_number(&number, "1", 1, 64, &rule));
	assert_int_equal(number, 1);
	assert_true(units_parse_number(&number, "0064", 1, 64, &rule));
	assert_int_equal(number, 64);
	assert_true(units_parse_number(&number, "18446744073709551615", 0, UINT64_MAX, &rule));
	assert_int_equal(number, UINT64_MAX);
	number = 17;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		rule = "";
		if (units_parse_number(&number, bad[i], 1, 64, &rule))
			fail_msg("took '%s'", bad[i]);
		assert_string_not_equal(rule, "");
		assert_int_equal(number, 17);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_times),
		cmocka_unit_test(refuses_what_is_no_time),
		cmocka_unit_test(prints_the_largest_unit),
		cmocka_unit_test(reads_numbers_in_their_range),
	};

	return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
