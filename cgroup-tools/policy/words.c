// SPDX-License-Identifier: GPL-2.0
/* What a policy is called: in its file, in errors, and in the files of the kernel. */
#include "policy/policy.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "host/units.h"
#include "policy/inside.h"

const char *const policy_io_names[] = {
	[IO_KEEP] = "keep",
	[IO_HOUSEKEEPING] = "housekeeping",
	[IO_DEADLINE] = "deadline",
};

const char *const policy_edf_names[] = {
	[EDF_PARTITIONED] = "partitioned",
	[EDF_GLOBAL] = "global",
};

int policy_word(const char *text, const char *const names[], int last)
{
	int word;

	for (word = last; word >= 0 && (!names[word] || strcmp(text, names[word])); word--)
		;
	return word;
}

struct policy_quoted policy_quote(const char *value)
{
	struct policy_quoted quoted;

	snprintf(quoted.text, sizeof(quoted.text), "'%.64s%s'", value, strlen(value) > 64 ? "..." : "");
	for (char *at = quoted.text; *at; at++)
		if (iscntrl((unsigned char)*at))
			*at = '?';
	return quoted;
}

bool policy_refuse(struct policy_error *error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	return false;
}

char *policy_strip_slashes(const char *group)
{
	size_t length;

	group += strspn(group, "/");
	for (length = strlen(group); length && group[length - 1] == '/'; length--)
		;
	return strndup(group, length);
}

char *policy_group(const struct pool_policy *pool)
{
	char *group;

	if (pool->group)
		return policy_strip_slashes(pool->group);
	return asprintf(&group, "dlspare.slice/%s", pool->name) < 0 ? NULL : group;
}

char *policy_cpus_group(const struct pool_policy *pool, int cpu)
{
	char number[16] = "s", *group = policy_group(pool), *below;

	if (cpu >= 0)
		snprintf(number, sizeof(number), "%d", cpu);
	if (!group || asprintf(&below, "%s/cpu%s", group, number) < 0)
		below = NULL;
	free(group);
	return below;
}

bool policy_group_of_all(const char *group)
{
	static const char *const groups[] = {
		"system.slice", "user.slice", "machine.slice", "qemu.slice", "kubepods.slice", "init.scope",
		"machine", "kubepods",	/* without systemd */
	};

	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++)
		if (!strcmp(group, groups[i]))
			return true;
	return false;
}

bool policy_edf(enum edf *edf, const char *text)
{
	const int found = policy_word(text, policy_edf_names, EDF_GLOBAL);

	if (found < 0)
		return false;
	*edf = found;
	return true;
}

bool policy_partitioned(const struct pool_policy *pool)
{
	return pool->exclusive && !pool->group && pool->edf != EDF_GLOBAL;
}

char *policy_pool_text(const struct pool_policy *pool)
{
	const struct reservation *spare = &pool->spare;
	bool all = cpus_empty(&pool->cpus);
	char *text = NULL, *cpus;

	if (!spare->period)
		return strdup("none");
	cpus = cpus_print(&pool->cpus);
	if (cpus && asprintf(&text, "%llu %llu units=%u%s%s", spare->runtime / NSEC_PER_USEC,
			     spare->period / NSEC_PER_USEC, pool->units, all ? "" : " cpus=", cpus) < 0)
		text = NULL;
	free(cpus);
	return text;
}

char *policy_borrow_text(const struct borrow_policy *borrow)
{
	char chances[16] = "max", *text;

	if (!borrow->on)
		return strdup("off");
	if (borrow->chances)
		snprintf(chances, sizeof(chances), "%u", borrow->chances);
	return asprintf(&text, "on chances=%s charge=%d reply=%d linger=%llu timer=%d", chances, borrow->charge,
			borrow->reply, borrow->linger / NSEC_PER_USEC, borrow->timer) < 0 ? NULL : text;
}
