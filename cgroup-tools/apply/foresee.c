// SPDX-License-Identifier: GPL-2.0
#include "apply/foresee.h"

#include <stdlib.h>
#include <string.h>

#include "host/cpus.h"
#include "host/group.h"
#include "host/proc.h"

/* Where the steps before this one have put a thread; NULL: nowhere. */
static const char *place_before(const struct change *change, size_t step, pid_t tid)
{
	const pid_t pid = proc_process_of(tid);
	size_t i;

	for (i = step; i-- > 0; ) {
		const struct setting *setting = &change->steps[i].setting;

		if ((setting->kind == SETTING_THREAD && setting_tid(setting) == tid) ||
		    (setting->kind == SETTING_PROCESS && setting_tid(setting) == pid))
			return setting->value;
	}
	return NULL;
}

/* What the nearest group that is there may use now. */
static void effective(struct cpus *cpus, const char *group)
{
	char *at = strdup(group), *text = NULL, *above;
	const char *rule;

	while (at && !(text = group_value(at, "cpuset.cpus.effective")) && *at) {
		above = group_parent(at);
		free(at);
		at = above;
	}
	if (!text || !cpus_parse(cpus, text, &rule))
		*cpus = (struct cpus){ 0 };
	free(text);
	free(at);
}

/* A group that only lets groups below it be partitions has exclusive CPUs, too. */
static bool becomes_partition(const struct change *change, const char *group)
{
	char *now;
	size_t i;
	bool is;

	/* It may have been one before, for other CPUs. */
	for (i = change->nr; i-- > 0; ) {
		const struct setting *setting = &change->steps[i].setting;

		if (setting->kind == SETTING_VALUE && !strcmp(setting->name, "cpuset.cpus.partition") &&
		    !strcmp(setting->object, group))
			return !strcmp(setting->value, "root");
	}
	now = group_value(group, "cpuset.cpus.partition");
	is = now && !strcmp(now, "root");
	free(now);
	return is;
}

/* The CPUs of a group after the steps before this one: those of its partition, or what partitions leave. */
static void cpus_before(struct cpus *cpus, const struct change *change, size_t step, const char *group)
{
	struct cpus taken = { 0 }, own;
	const char *rule;
	size_t i;

	for (i = 0; i < step; i++) {
		const struct setting *setting = &change->steps[i].setting;

		if (setting->kind != SETTING_VALUE || strcmp(setting->name, "cpuset.cpus.exclusive") ||
		    !becomes_partition(change, setting->object) || !cpus_parse(&own, setting->value, &rule))
			continue;
		cpus_unite(&taken, &own);
		if (!cpus_empty(&own) && group_within(group, setting->object)) {
			*cpus = own;
			return;
		}
	}
	effective(cpus, group);
	cpus_subtract(cpus, &taken);
}

/* An affinity that is narrower than the thread's cpuset stays so, as far as the next one allows; another becomes that. */
static bool is_cut(const struct change *change, size_t step)
{
	const struct setting *setting = &change->steps[step].setting;
	const char *from = change->steps[step].from, *rule, *place;
	char *present = group_of(setting_tid(setting));
	struct cpus then, now, all, wanted;
	bool cut = false;

	if (!present || !from || !cpus_parse(&now, from, &rule) || !cpus_parse(&wanted, setting->value, &rule))
		goto out;
	place = place_before(change, step, setting_tid(setting));
	effective(&all, present);
	cpus_before(&then, change, step, place ? place : present);
	if (!cpus_equal(&now, &all) && cpus_overlap(&now, &then))
		cpus_intersect(&then, &now);
	cut = cpus_equal(&then, &wanted);
out:
	free(present);
	return cut;
}

bool foresee_needless(const struct change *change, size_t step)
{
	const struct setting *setting = &change->steps[step].setting;
	const char *place;

	switch (setting->kind) {
	case SETTING_THREAD:
		place = place_before(change, step, setting_tid(setting));
		return place && !strcmp(place, setting->value);
	case SETTING_AFFINITY:
		return is_cut(change, step);
	default:
		return false;
	}
}
