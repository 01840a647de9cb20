// SPDX-License-Identifier: GPL-2.0
/* dlspare show */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "apply/chosen.h"
#include "apply/store.h"
#include "command/command.h"
#include "command/edit.h"
#include "command/output.h"
#include "command/report.h"

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

static json_t *target_json(const struct target_policy *target)
{
	if (!target->latency)
		return json_null();
	return json_pack("{s:I, s:f}", "within_ns", (json_int_t)target->latency, "share",
			 (double)target->share / POLICY_SHARE_ALL);
}

static json_t *vm_json(const struct vm_policy *vm)
{
	static const char *const kinds[] = { "keep", "housekeeping", "deadline" };
	const struct process_policy *process = &vm->process;

	return json_pack("{s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:s?, s:{s:b, s:o, s:b, s:b, s:I, s:b}, s:o, s:o, s:{s:s, s:o, s:o}, s:o}",
			 "name", output_json_text(vm->name),
			 "pid", process->pid ? json_integer(process->pid) : json_null(),
			 "uid", process->uid >= 0 ? json_integer(process->uid) : json_null(),
			 "group", process->group ? output_json_text(process->group) : json_null(),
			 "class", policy_class_names[vm->class],
			 "reservation", output_json_reservation(vm->reservation),
			 "vcpus", output_json_cpus(&vm->vcpus), "pool", vm->pool,
			 "borrow", "on", (int)vm->borrow.on, "chances",
			 vm->borrow.chances ? json_integer(vm->borrow.chances) : json_null(),
			 "charge", (int)vm->borrow.charge, "reply", (int)vm->borrow.reply,
			 "linger_ns", (json_int_t)vm->borrow.linger, "timer", (int)vm->borrow.timer,
			 "latency", target_json(&vm->target), "rate", vm->rate ? json_integer(vm->rate) : json_null(),
			 "io", "policy", kinds[vm->io.kind], "cpus", output_json_cpus(&vm->io.cpus),
			 "reservation", output_json_reservation(vm->io.reservation),
			 "devices", devices_json(vm));
}

static int print_json(const struct policy *policy)
{
	json_t *pools = json_array(), *vms = json_array();
	size_t i;

	for (i = 0; i < policy->nr_pools; i++)
		json_array_append_new(pools, output_json_pool(&policy->pools[i]));
	for (i = 0; i < policy->nr_vms; i++)
		json_array_append_new(vms, vm_json(&policy->vms[i]));
	return output_json("show", json_pack("{s:b, s:s, s:o, s:o}", "hrtick", (int)policy->hrtick, "lender",
					     policy_lender_names[policy->lender], "pools", pools, "vms", vms));
}

int cmd_show(int argc, char **argv)
{
	static const struct option list[] = {
		{ "file", no_argument, NULL, 'f' },
		{ 0 },
	};
	struct policy policy;
	struct policy_error error;
	bool file = false;
	int option, status;
	size_t own;

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
	own = policy.nr_vms;
	if (!file && !store_add_vms(&policy, report_left_out, NULL)) {
		policy_free(&policy);
		return fail(FAILED, STORE_VMS ": %s", strerror(errno));
	}
	/* Where nothing can be chosen any more, verify tells. */
	if (!file)
		chosen_here(&policy, own, NULL, NULL, &error);
	if (options.json)
		status = print_json(&policy);
	else if (policy_write(&policy, stdout))
		status = fail(FAILED, "the policy cannot be written: %s", strerror(errno));
	policy_free(&policy);
	return status;
}
