// SPDX-License-Identifier: GPL-2.0
#include "apply/quota.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/group.h"

/* "40000 100000", in us; "max 100000": none. */
static bool read_quota(struct quota *quota, const char *group)
{
	char *text = group_value(group, "cpu.max");
	uint64_t runtime, period;
	bool found = text && sscanf(text, "%" SCNu64 " %" SCNu64, &runtime, &period) == 2;

	free(text);
	if (!found)
		return false;
	*quota = (struct quota){ strdup(group), runtime * NSEC_PER_USEC, period * NSEC_PER_USEC };
	return quota->group;
}

bool quota_above(struct quota *quota, const char *group)
{
	char *above;
	bool found;

	/* The root has none. */
	if (!*group)
		return false;
	if (read_quota(quota, group))
		return true;
	above = group_parent(group);
	found = above && quota_above(quota, above);
	free(above);
	return found;
}

static bool quota_of_role(struct quota *quota, const struct vm *vm, bool vcpus, bool ceiling)
{
	bool found = false;
	char *group, *above;
	size_t i;

	for (i = 0; !found && i < vm->nr_threads; i++) {
		if ((vm->threads[i].role == VM_VCPU) != vcpus)
			continue;
		group = group_of(vm->threads[i].tid);
		if (group && vcpus && ceiling) {
			above = group_parent(group);
			free(group);
			group = above;
		}
		found = group && quota_above(quota, group);
		free(group);
	}
	return found;
}

bool quota_of(struct quota *quota, const struct vm *vm, bool ceiling)
{
	return quota_of_role(quota, vm, false, ceiling) || quota_of_role(quota, vm, true, ceiling);
}

char *quota_text(const struct quota *quota)
{
	char runtime[UNITS_TEXT], period[UNITS_TEXT], *text;

	return asprintf(&text, "%s of every %s by group %s", units_print(runtime, quota->runtime),
			units_print(period, quota->period), quota->group) < 0 ? NULL : text;
}

char *quota_text_of(const struct vm *vm, bool ceiling)
{
	struct quota quota;
	char *text;

	if (!quota_of(&quota, vm, ceiling))
		return NULL;
	text = quota_text(&quota);
	free(quota.group);
	return text;
}
