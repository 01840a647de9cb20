// SPDX-License-Identifier: GPL-2.0
#include "host/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DIGITS "0123456789"

/* Largest first. */
static const struct unit {
	const char *name;
	uint64_t ns;
} units[] = { { "s", NSEC_PER_SEC }, { "ms", NSEC_PER_MSEC }, { "us", NSEC_PER_USEC }, { "ns", 1 } };

#define NR_UNITS (sizeof(units) / sizeof(units[0]))

static const struct unit *unit_named(const char *name)
{
	for (size_t i = 0; i < NR_UNITS; i++)
		if (!strcmp(units[i].name, name))
			return &units[i];
	return NULL;
}

/* Appends a digit to a decimal number; false when 64 bits do not hold it. */
static bool push_digit(uint64_t *number, char digit)
{
	return !__builtin_mul_overflow(*number, 10, number) && !__builtin_add_overflow(*number, digit - '0', number);
}

/* As strspn() of digits; the value in *number, false when 64 bits do not hold it. */
static bool take_digits(const char **at, uint64_t *number)
{
	for (*number = 0; **at >= '0' && **at <= '9'; ++*at)
		if (!push_digit(number, **at))
			return false;
	return true;
}

/* What the digits behind a decimal point are worth; false when that is no whole number of ns. */
static bool fraction(const char *digits, size_t length, uint64_t unit_ns, uint64_t *ns)
{
	*ns = 0;
	for (; length--; digits++) {
		unit_ns /= 10;
		if (!unit_ns && *digits != '0')
			return false;
		*ns += unit_ns * (*digits - '0');
	}
	return true;
}

bool units_parse(uint64_t *ns, const char *text, const char **rule)
{
	const char *at = text, *point = "";
	const struct unit *unit;
	uint64_t whole, part;
	size_t places = 0;
	bool fits;

	if (*at < '0' || *at > '9') {
		*rule = "a time begins with a digit";
		return false;
	}
	fits = take_digits(&at, &whole);
	at += strspn(at, DIGITS);
	if (*at == '.') {
		point = at + 1;
		places = strspn(point, DIGITS);
		if (!places) {
			*rule = "digits must follow the decimal point";
			return false;
		}
		at = point + places;
	}
	at += strspn(at, " ");
	unit = unit_named(at);
	if (!unit) {
		*rule = "a time needs one of the units ns, us, ms and s";
		return false;
	}
	if (!fraction(point, places, unit->ns, &part)) {
		*rule = "a time is a whole number of nanoseconds";
		return false;
	}
	if (!fits || __builtin_mul_overflow(whole, unit->ns, &whole) || __builtin_add_overflow(whole, part, &whole)) {
		*rule = "a time is less than 2^64 ns, which are 584 years";
		return false;
	}
	*ns = whole;
	return true;
}

char *units_print(char text[UNITS_TEXT], uint64_t ns)
{
	const struct unit *unit = units;
	uint64_t part;
	int places = 0, used;

	while (ns && ns < unit->ns)
		unit++;
	for (part = unit->ns; part > 1; part /= 10)
		places++;
	part = ns % unit->ns;
	/* Without the zeros at the end; behind the point none is left when there is no part. */
	for (; places && !(part % 10); places--)
		part /= 10;
	used = snprintf(text, UNITS_TEXT, "%" PRIu64, ns / unit->ns);
	if (places)
		used += snprintf(text + used, UNITS_TEXT - used, ".%0*" PRIu64, places, part);
	snprintf(text + used, UNITS_TEXT - used, "%s", unit->name);
	return text;
}

char *units_print_short(char text[UNITS_TEXT], uint64_t ns)
{
	const struct unit *unit = units;
	double value;

	/* What would be printed as a thousand is one of the next. */
	while (ns && ns < unit->ns - unit->ns / 2000)
		unit++;
	value = (double)ns / unit->ns;
	snprintf(text, UNITS_TEXT, "%.*f%s", !ns || unit->ns == 1 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2, value, unit->name);
	return text;
}

bool units_parse_number(uint64_t *number, const char *text, uint64_t low, uint64_t high, const char **rule)
{
	static char range[80];
	const char *at = text;
	uint64_t value;

	if (*text && take_digits(&at, &value) && !*at && value >= low && value <= high) {
		*number = value;
		return true;
	}
	snprintf(range, sizeof(range), "it must be a whole number, %" PRIu64 " to %" PRIu64, low, high);
	*rule = range;
	return false;
}
