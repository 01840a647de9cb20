// SPDX-License-Identifier: GPL-2.0
/* dlspare show */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "apply/store.h"
#include "command/command.h"
#include "command/edit.h"
#include "command/output.h"
#include "command/report.h"

static json_t *cpus_json(const struct cpus *cpus)
{
	char *list = cpus_print(cpus);
	json_t *json = cpus_empty(cpus) ? json_string("all") : json_string(list ? list : "");

	free(list);
	return json;
}

static json_t *pool_json(const struct pool_policy *pool)
{
	char *group = policy_group(pool);
	json_t *json = json_pack("{s:s, s:I, s:I, s:i, s:o, s:b, s:s, s:o*}", "name", pool->name,
				 "runtime_ns", (json_int_t)pool->spare.runtime, "period_ns",
				 (json_int_t)pool->spare.period, "units", (int)pool->units, "cpus",
				 cpus_json(&pool->cpus), "exclusive", (int)pool->exclusive, "edf",
				 policy_partitioned(pool) ? "partitioned" : "global", "group",
				 output_json_text(group));

	free(group);
	return json;
}

static json_t *devices_json(const struct vm_policy *vm)
{
	json_t *json;
	size_t i;

	if (vm->any_device)
		return json_string("any");
	json = json_array();
	for (i = 0; i < vm->nr_devices; i++)
		json_array_append_new(json, output_json_text(vm->devices[i]));
	return json;
}

static json_t *vm_json(const struct vm_policy *vm)
{
	static const char *const kinds[] = { "keep", "housekeeping", "deadline" };

	return json_pack("{s:o, s:I, s:I, s:o, s:s?, s:{s:b, s:i, s:b, s:b, s:I, s:b}, s:{s:s, s:o, s:I, s:I}, s:o}",
			 "name", output_json_text(vm->name), "runtime_ns", (json_int_t)vm->reservation.runtime,
			 "period_ns", (json_int_t)vm->reservation.period, "vcpus", cpus_json(&vm->vcpus),
			 "pool", vm->pool,
			 "borrow", "on", (int)vm->borrow.on, "chances", (int)vm->borrow.chances,
			 "charge", (int)vm->borrow.charge, "reply", (int)vm->borrow.reply,
			 "linger_ns", (json_int_t)vm->borrow.linger, "timer", (int)vm->borrow.timer,
			 "io", "policy", kinds[vm->io.kind], "cpus", cpus_json(&vm->io.cpus),
			 "runtime_ns", (json_int_t)vm->io.reservation.runtime,
			 "period_ns", (json_int_t)vm->io.reservation.period,
			 "devices", devices_json(vm));
}

static int print_json(const struct policy *policy)
{
	json_t *pools = json_array(), *vms = json_array(), *document;
	size_t i;
	int status;

	for (i = 0; i < policy->nr_pools; i++)
		json_array_append_new(pools, pool_json(&policy->pools[i]));
	for (i = 0; i < policy->nr_vms; i++)
		json_array_append_new(vms, vm_json(&policy->vms[i]));
	document = json_pack("{s:b, s:o, s:o}", "hrtick", (int)policy->hrtick, "pools", pools, "vms", vms);
	status = document ? json_dumpf(document, stdout, JSON_INDENT(2)) : -1;
	putchar('\n');
	json_decref(document);
	return status;
}

int cmd_show(int argc, char **argv)
{
	static const struct option list[] = {
		{ "file", no_argument, NULL, 'f' },
		{ 0 },
	};
	struct policy policy;
	bool file = false;
	int option, status;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", list, NULL)) != -1) {
		if (option != 'f')
			return edit_unknown(argv, option);
		file = true;
	}
	if (argc > optind)
		return fail(WRONG_USAGE, "show: '%s' is one word too many; see dlspare show --help", argv[optind]);
	status = report_policy(&policy);
	if (status != DONE)
		return status;
	if (!file && !store_add_vms(&policy, report_left_out, NULL)) {
		policy_free(&policy);
		return fail(FAILED, STORE_VMS ": %s", strerror(errno));
	}
	status = options.json ? print_json(&policy) : policy_write(&policy, stdout);
	policy_free(&policy);
	return status ? fail(FAILED, "the policy cannot be written: %s", strerror(errno)) : DONE;
}
