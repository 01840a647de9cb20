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
		.target = { number_of(entry, "latency"), number_of(entry, "share") },
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
	return json_pack("{s:I, s:I, s:I, s:I, s:b, s:I, s:f, s:o}", "pid", (json_int_t)verdict->pid, "start",
			 (json_int_t)verdict->start, "latency", (json_int_t)verdict->target.latency, "share",
			 (json_int_t)verdict->target.share, "missed", (int)verdict->missed, "events", (json_int_t)verdict->events, "within", verdict->within,
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

static bool is_about(const struct target_verdict *verdict, const struct vm_policy *policy, const struct vm *vm)
{
	return verdict->pid == vm->pid && verdict->start == vm->start && verdict->target.latency == policy->target.latency &&
	       verdict->target.share == policy->target.share;
}

const struct target_verdict *target_of(const struct target_verdicts *verdicts, const struct vm_policy *policy, const struct vm *vm)
{
	size_t i;

	for (i = 0; i < verdicts->nr; i++)
		if (is_about(&verdicts->list[i], policy, vm))
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

/* What was judged of the VM before, for the same target; NULL: nothing. */
static json_t *entry_of(const json_t *list, const struct vm_policy *policy, const struct vm *vm)
{
	struct target_verdict verdict;
	json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry) {
		verdict = read_verdict(entry);
		if (is_about(&verdict, policy, vm))
			return entry;
	}
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

/* What came before the first look is not judged. When nothing came it stays as it was. */
static struct target_verdict judge(const struct vm_policy *policy, const struct vm *vm, const struct histogram *now,
				   const json_t *entry)
{
	struct histogram before, since;

	read_counted(&before, entry);
	since = histogram_since(now, &before);
	if (entry && !histogram_count(&since))
		return read_verdict(entry);
	return (struct target_verdict){
		.pid = vm->pid,
		.start = vm->start,
		.target = policy->target,
		.missed = !policy_target_met(&policy->target, &since),
		.events = since.known ? histogram_count(&since) : 0,
		.within = since.known ? histogram_share_within(&since, policy->target.latency) : 1,
	};
}

/* A VM of which something is to be told, once it is saved. */
struct change {
	const struct vm_policy *vm;
	struct target_verdict verdict;
};

/* Adds the VM's entry to the list; true: *change is to be told. */
static bool judge_vm(const struct policy *policy, const struct vm_policy *wanted, const struct vm *vm, const json_t *old, json_t *list,
		     struct change *change)
{
	json_t *entry = entry_of(old, wanted, vm);
	struct histogram counted;

	if (!count(&counted, policy_pool(policy, wanted->pool), vm))
		return false;
	/* It cannot be read now. With 0 for what was counted all of that would be new the next time. */
	if (entry && !counted.known) {
		json_array_append(list, entry);
		return false;
	}
	*change = (struct change){ wanted, judge(wanted, vm, &counted, entry) };
	json_array_append_new(list, entry_json(&change->verdict, &counted));
	return change->verdict.missed != (entry && read_verdict(entry).missed);
}

static int save(uint64_t now, json_t *list)
{
	json_t *new = json_pack("{s:I, s:O}", "time", (json_int_t)now, "vms", list);
	char *text = new ? json_dumps(new, JSON_COMPACT) : NULL;
	int status;

	json_decref(new);
	if (!text)
		errno = ENOMEM;
	status = text ? file_replace(host_path(STORE_LATENCY), text) : -1;
	free(text);
	return status;
}

int target_judge(const struct policy *policy, const struct vms *vms,
		 void (*tell)(const struct vm_policy *vm, const struct target_verdict *verdict, void *data), void *data)
{
	json_t *file = read_file(), *old = json_object_get(file, "vms"), *list = json_array();
	struct change *changes = calloc(policy->nr_vms + 1, sizeof(*changes));
	uint64_t now = clock_ns(CLOCK_BOOTTIME), last = number_of(file, "time");
	size_t nr = 0, i;
	int status = 0;

	if (file && now > last && now - last < JUDGE_NS)
		goto out;
	for (i = 0; changes && i < policy->nr_vms; i++) {
		const struct vm_policy *wanted = &policy->vms[i];
		const struct vm *vm = wanted->target.latency ? vms_named(vms, wanted->name) : NULL;

		if (vm)
			nr += judge_vm(policy, wanted, vm, old, list, &changes[nr]);
	}
	errno = ENOMEM;
	status = changes ? save(now, list) : -1;
	/* What is not saved will be told when it is. */
	for (i = 0; !status && i < nr; i++)
		tell(changes[i].vm, &changes[i].verdict, data);
out:
	free(changes);
	json_decref(list);
	json_decref(file);
	return status;
}
