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

static void prints_as_people_write(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} times[] = {
		{ 0, "0s" }, { 1, "1ns" }, { 999, "999ns" }, { 1000, "1us" }, { 1024, "1.024us" }, { 1500, "1.5us" },
		{ 200000, "200us" }, { 999999, "999.999us" }, { 1000001, "1.000001ms" }, { 9500000, "9.5ms" },
		{ 40000000, "40ms" }, { 100000000, "100ms" }, { 3000000000, "3s" }, { 4194304000, "4.194304s" },
		{ 60000000001, "60.000000001s" }, { UINT64_MAX, "18446744073.709551615s" },
	};
	char text[UNITS_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		assert_string_equal(units_print(text, times[i].ns), times[i].text);
}

static void prints_shortly(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} times[] = {
		{ 0, "0s" }, { 1, "1ns" }, { 999, "999ns" }, { 1000, "1.00us" }, { 1234, "1.23us" }, { 9994, "9.99us" },
		{ 9995, "10.0us" }, { 45000, "45.0us" }, { 99949, "99.9us" }, { 99950, "100us" }, { 999499, "999us" },
		{ 999500, "1.00ms" }, { 58520000, "58.5ms" }, { 4194304000, "4.19s" }, { 3600000000000, "3600s" },
	};
	char text[UNITS_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		assert_string_equal(units_print_short(text, times[i].ns), times[i].text);
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
		assert_string_equal(rule, "it must be a whole number, 1 to 64");
		assert_int_equal(number, 17);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_times),
		cmocka_unit_test(refuses_what_is_no_time),
		cmocka_unit_test(prints_as_people_write),
		cmocka_unit_test(prints_shortly),
		cmocka_unit_test(reads_numbers_in_their_range),
	};

	return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
