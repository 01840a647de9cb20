// SPDX-License-Identifier: GPL-2.0
#include "lender/terms.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define US 1000

bool supply_read(struct supply *supply, const char *text)
{
	struct supply read = { 0 };
	uint64_t runtime, period;
	const char *rule;
	int length = 0;

	if (!strcmp(text, "none")) {
		*supply = read;
		return true;
	}
	if (sscanf(text, "%" SCNu64 " %" SCNu64 " units=%u cpus=%n", &runtime, &period, &read.units, &length) != 3 || !length ||
	    !cpus_parse(&read.cpus, text + length, &rule))
		return false;
	if (!runtime || runtime > period || period > RESERVATION_PERIOD_MAX / US || !read.units || read.units > SUPPLY_UNITS_MAX)
		return false;
	read.spare = (struct reservation){ .runtime = runtime * US, .period = period * US };
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
	unsigned int charge, reply, timer;
	uint64_t linger;
	char chances[16];

	if (sscanf(text, "on chances=%15s charge=%u reply=%u linger=%" SCNu64 " timer=%u", chances, &charge, &reply, &linger,
		   &timer) != 5 || charge > 1 || reply > 1 || timer > 1 || linger > UINT64_MAX / US)
		return false;
	*terms = (struct terms){ .on = true, .charge = charge, .reply = reply, .timer = timer, .linger = linger * US };
	return !strcmp(chances, "max") || (sscanf(chances, "%u", &terms->chances) == 1 && terms->chances);
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
