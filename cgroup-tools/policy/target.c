// SPDX-License-Identifier: GPL-2.0
/* How long a VM's events may wait: "5ms", or "5ms 99.9%" when that share of them is enough. */
#include "policy/policy.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/histogram.h"
#include "host/units.h"
#include "policy/inside.h"

/* Digits behind the point of a percentage: POLICY_SHARE_ALL is 100 %. */
#define SHARE_DIGITS 4

/* "99.9%" into millionths, exactly. */
static bool parse_share(uint32_t *share, const char *text)
{
	uint64_t value = 0;
	int behind = -1;

	if (!isdigit((unsigned char)*text))
		return false;
	for (; isdigit((unsigned char)*text) || (*text == '.' && behind < 0); text++) {
		if (*text == '.') {
			behind = 0;
			continue;
		}
		if (behind == SHARE_DIGITS || value > POLICY_SHARE_ALL)
			return false;
		value = value * 10 + (*text - '0');
		behind += behind >= 0;
	}
	if (!behind || strcmp(text, "%"))
		return false;
	for (behind = behind < 0 ? 0 : behind; behind < SHARE_DIGITS; behind++)
		value *= 10;
	*share = value;
	return value && value <= POLICY_SHARE_ALL;
}

char *policy_share_text(char text[POLICY_SHARE_TEXT], double share)
{
	/* Up to what a double is off by. */
	unsigned int part = share * POLICY_SHARE_ALL + 1e-6;
	int length = snprintf(text, POLICY_SHARE_TEXT, "%u.%0*u", part / (POLICY_SHARE_ALL / 100), SHARE_DIGITS,
			      part % (POLICY_SHARE_ALL / 100));

	while (text[length - 1] == '0')
		length--;
	length -= text[length - 1] == '.';
	strcpy(text + length, "%");
	return text;
}

bool policy_target(struct target_policy *target, const char *text, const char **rule)
{
	size_t length = strcspn(text, " \t"), rest = strspn(text + length, " \t");
	const char *share = text + length + rest;
	struct target_policy read = { .share = POLICY_SHARE_ALL };
	char *time = strndup(text, length);
	bool good;

	*rule = "out of memory";
	if (!time)
		return false;
	good = units_parse(&read.latency, time, rule);
	free(time);
	if (!good)
		return false;
	*rule = "it must be a time in 1us..4s, the kernel's histogram, with or without a share of the events: \"5ms 99.9%\"";
	if (read.latency < NSEC_PER_USEC || read.latency > POLICY_LATENCY_MAX)
		return false;
	*rule = "behind the time is a share of the events, more than 0% and up to 100%, with at most 4 digits behind the point";
	if (rest && !parse_share(&read.share, share))
		return false;
	*target = read;
	return true;
}

char *policy_target_text(const struct target_policy *target)
{
	char share[POLICY_SHARE_TEXT], *text;

	if (target->share == POLICY_SHARE_ALL)
		return strdup(TIME(target->latency));
	if (asprintf(&text, "%s %s", TIME(target->latency), policy_share_text(share, (double)target->share / POLICY_SHARE_ALL)) < 0)
		return NULL;
	return text;
}

bool policy_target_met(const struct target_policy *target, const struct histogram *histogram)
{
	/* Products are exact where a quotient is not. */
	return !target->latency || !histogram->known ||
	       (double)histogram_within(histogram, target->latency) * POLICY_SHARE_ALL >=
	       (double)histogram_count(histogram) * target->share;
}
