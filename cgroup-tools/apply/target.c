// SPDX-License-Identifier: GPL-2.0
#include "apply/target.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "apply/store.h"
#include "apply/vmgroup.h"
#include "host/clock.h"
#include "host/group.h"
#include "host/histogram.h"
#include "host/host.h"
#include "host/units.h"

#define JUDGE_NS (50 * NSEC_PER_SEC)

/* --- the file: what it does not say well, it does not say --- */

static json_t *read_file(void)
{
	char *text = host_read(host_path(STORE_LATENCY), NULL);
	json_t *file = text ? json_loads(text, 0, NULL) : NULL;

	free(text);
	return file;
}

/* A number that is not less than 0; 0 where there is none. */
static uint64_t number_of(const json_t *json, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(json, key));

	return value > 0 ? value : 0;
}

static struct target_verdict read_verdict(const json_t *entry)
{
	return (struct target_verdict){
		.pid = number_of(entry, "pid"),
		.start = number_of(entry, "start"),
		.missed = json_is_true(json_object_get(entry, "missed")),
		.events = number_of(entry, "events"),
		.within = json_number_value(json_object_get(entry, "within")),
	};
}

static void read_counted(struct histogram *histogram, const json_t *entry)
{
	const json_t *counted = json_object_get(entry, "counted");
	int how, i;

	*histogram = (struct histogram){ .known = json_is_array(counted) };
	for (how = 0; how < NR_HISTOGRAM_HOWS; how++)
		for (i = 0; i < HISTOGRAM_BUCKETS; i++)
			histogram->nr[how][i] = json_integer_value(json_array_get(counted, how * HISTOGRAM_BUCKETS + i));
}

static json_t *entry_json(const struct target_verdict *verdict, const struct histogram *histogram)
{
	json_t *counted = json_array();
	int how, i;

	for (how = 0; how < NR_HISTOGRAM_HOWS; how++)
		for (i = 0; i < HISTOGRAM_BUCKETS; i++)
			json_array_append_new(counted, json_integer(histogram->nr[how][i]));
	return json_pack("{s:I, s:I, s:b, s:I, s:f, s:o}", "pid", (json_int_t)verdict->pid, "start", (json_int_t)verdict->start,
			 "missed", (int)verdict->missed, "events", (json_int_t)verdict->events, "within", verdict->within,
			 "counted", counted);
}

/* --- what was judged --- */

void target_load(struct target_verdicts *verdicts)
{
	json_t *file = read_file(), *list = json_object_get(file, "vms"), *entry;
	uint64_t now = clock_ns(CLOCK_BOOTTIME);
	size_t i;

	*verdicts = (struct target_verdicts){ .time = number_of(file, "time") };
	if (verdicts->time > now || now - verdicts->time > TARGET_OLD_NS)
		verdicts->time = 0;
	if (verdicts->time)
		verdicts->list = calloc(json_array_size(list) + 1, sizeof(*verdicts->list));
	json_array_foreach(list, i, entry)
		if (verdicts->list)
			verdicts->list[verdicts->nr++] = read_verdict(entry);
	json_decref(file);
}

void target_free(struct target_verdicts *verdicts)
{
	free(verdicts->list);
	*verdicts = (struct target_verdicts){ 0 };
}

const struct target_verdict *target_of(const struct target_verdicts *verdicts, const struct vm *vm)
{
	size_t i;

	for (i = 0; i < verdicts->nr; i++)
		if (verdicts->list[i].pid == vm->pid && verdicts->list[i].start == vm->start)
			return &verdicts->list[i];
	return NULL;
}

bool target_wanted(const struct policy *policy)
{
	size_t i;

	for (i = 0; i < policy->nr_vms; i++)
		if (policy->vms[i].target.latency)
			return true;
	return false;
}

/* --- to judge --- */

static const json_t *entry_of(const json_t *list, const struct vm *vm)
{
	json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry)
		if (number_of(entry, "pid") == (uint64_t)vm->pid && number_of(entry, "start") == vm->start)
			return entry;
	return NULL;
}

/* False without memory. */
static bool count(struct histogram *histogram, const struct pool_policy *pool, const struct vm *vm)
{
	char **groups = vmgroup_all(pool, vm, &pool->cpus);
	size_t i;

	*histogram = (struct histogram){ 0 };
	for (i = 0; groups && groups[i]; i++)
		histogram_add(histogram, groups[i]);
	group_free_list(groups);
	return groups;
}

/* What came before the first look is not judged. */
static struct target_verdict judge(const struct vm_policy *policy, const struct vm *vm, const struct histogram *now,
				   const struct histogram *before)
{
	struct histogram since = histogram_since(now, before);

	return (struct target_verdict){
		.pid = vm->pid,
		.start = vm->start,
		.missed = !policy_target_met(&policy->target, &since),
		.events = since.known ? histogram_count(&since) : 0,
		.within = since.known ? histogram_share_within(&since, policy->target.latency) : 1,
	};
}

int target_judge(const struct policy *policy, const struct vms *vms,
		 void (*tell)(const struct vm_policy *vm, const struct target_verdict *verdict, void *data), void *data)
{
	json_t *file = read_file(), *old = json_object_get(file, "vms"), *list = json_array(), *new;
	uint64_t now = clock_ns(CLOCK_BOOTTIME), last = number_of(file, "time");
	char *text = NULL;
	int status = 0;
	size_t i;

	if (file && now > last && now - last < JUDGE_NS)
		goto out;
	for (i = 0; i < policy->nr_vms; i++) {
		const struct vm_policy *wanted = &policy->vms[i];
		const struct vm *vm = wanted->target.latency ? vms_named(vms, wanted->name) : NULL;
		const json_t *entry = vm ? entry_of(old, vm) : NULL;
		struct histogram counted, before;
		struct target_verdict verdict;

		if (!vm || !count(&counted, policy_pool(policy, wanted->pool), vm))
			continue;
		read_counted(&before, entry);
		verdict = judge(wanted, vm, &counted, &before);
		/* Nothing came: it stays as it was told. */
		if (!verdict.events)
			verdict.missed = entry && read_verdict(entry).missed;
		if (verdict.missed != (entry && read_verdict(entry).missed))
			tell(wanted, &verdict, data);
		json_array_append_new(list, entry_json(&verdict, &counted));
	}
	new = json_pack("{s:I, s:O}", "time", (json_int_t)now, "vms", list);
	text = new ? json_dumps(new, JSON_COMPACT) : NULL;
	json_decref(new);
	if (!text)
		errno = ENOMEM;
	status = text ? file_replace(host_path(STORE_LATENCY), text) : -1;
out:
	free(text);
	json_decref(list);
	json_decref(file);
	return status;
}
