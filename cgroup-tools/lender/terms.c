// SPDX-License-Identifier: GPL-2.0
#include "lender/terms.h"

#include <limits.h>
#include <string.h>

#define US 1000

/* Is the text that? Then *at is behind it. */
static bool take(const char **at, const char *text)
{
	const size_t length = strlen(text);
	const bool same = !strncmp(*at, text, length);

	*at += same ? length : 0;
	return same;
}

/* Digits alone, up to most: sscanf() takes signs and blanks, too, and what is too large. */
static bool take_number(const char **at, uint64_t most, uint64_t *number)
{
	const char *from = *at;

	for (*number = 0; **at >= '0' && **at <= '9'; ++*at) {
		const unsigned int digit = **at - '0';

		if (digit > most || *number > (most - digit) / 10)
			return false;
		*number = *number * 10 + digit;
	}
	return *at > from;
}

bool supply_read(struct supply *supply, const char *text)
{
	uint64_t runtime, period, units;
	struct supply read = { 0 };
	const char *rule;

	if (!strcmp(text, "none")) {
		*supply = read;
		return true;
	}
	if (!take_number(&text, RESERVATION_PERIOD_MAX / US, &runtime) || !take(&text, " ") ||
	    !take_number(&text, RESERVATION_PERIOD_MAX / US, &period) || !take(&text, " units=") ||
	    !take_number(&text, SUPPLY_UNITS_MAX, &units) || !take(&text, " cpus=") || !cpus_parse(&read.cpus, text, &rule))
		return false;
	if (!runtime || runtime > period || !units || cpus_empty(&read.cpus))
		return false;
	read.spare = (struct reservation){ .runtime = runtime * US, .period = period * US };
	read.units = units;
	*supply = read;
	return true;
}

bool supply_same(const struct supply *a, const struct supply *b)
{
	return a->spare.runtime == b->spare.runtime && a->spare.period == b->spare.period && a->units == b->units &&
	       cpus_equal(&a->cpus, &b->cpus);
}

static bool read_on(struct terms *terms, const char *text)
{
	uint64_t chances = 0, charge, reply, linger, timer;

	if (!take(&text, "on chances=") || (!take(&text, "max") && (!take_number(&text, UINT_MAX, &chances) || !chances)) ||
	    !take(&text, " charge=") || !take_number(&text, 1, &charge) || !take(&text, " reply=") || !take_number(&text, 1, &reply) ||
	    !take(&text, " linger=") || !take_number(&text, UINT64_MAX / US, &linger) ||
	    !take(&text, " timer=") || !take_number(&text, 1, &timer) || *text)
		return false;
	*terms = (struct terms){ .on = true, .chances = chances, .charge = charge, .reply = reply, .timer = timer, .linger = linger * US };
	return true;
}

static unsigned int fewer(unsigned int a, unsigned int b)
{
	return !a || (b && b < a) ? b : a;
}

/* Groups above that say nothing have none: on is what the first one says. */
bool terms_combine(struct terms *terms, const char *text)
{
	struct terms own;

	if (terms->off || !strcmp(text, "inherit"))
		return true;
	if (!strcmp(text, "off")) {
		*terms = (struct terms){ .off = true };
		return true;
	}
	if (!read_on(&own, text))
		return false;
	if (terms->on) {
		own.chances = fewer(own.chances, terms->chances);
		own.charge |= terms->charge;
		own.reply |= terms->reply;
		own.timer &= terms->timer;
		own.linger = own.linger < terms->linger ? own.linger : terms->linger;
	}
	*terms = own;
	return true;
}
