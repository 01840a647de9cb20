// SPDX-License-Identifier: GPL-2.0
/* dlspare find */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "apply/claim.h"
#include "apply/store.h"
#include "command/command.h"
#include "command/output.h"
#include "command/privilege.h"
#include "command/report.h"
#include "host/group.h"
#include "host/host.h"

/* New; NULL: it is gone. */
static char *thread_name(const struct vm_thread *thread)
{
	return host_read(host_path("/proc/%d/comm", (int)thread->tid), NULL);
}

/* --- JSON --- */

static json_t *thread_json(const struct vm_thread *thread)
{
	char *name = thread_name(thread), *group = group_of(thread->tid);
	json_t *json = output_json_thread(thread);

	json_object_set_new(json, "name", name ? output_json_text(name) : json_null());
	json_object_set_new(json, "group", group ? output_json_text(group) : json_null());
	free(group);
	free(name);
	return json;
}

static json_t *vm_json(const struct vm *vm)
{
	json_t *threads = json_array();
	size_t i;

	for (i = 0; i < vm->nr_threads; i++)
		json_array_append_new(threads, thread_json(&vm->threads[i]));
	return json_pack("{s:o, s:i, s:I, s:s, s:b, s:s?, s:o, s:b, s:o, s:o}",
			 "name", output_json_text(vm->name),
			 "pid", (int)vm->pid,
			 "uid", (json_int_t)vm->uid,
			 "finder", vm->finder,
			 "proven", (int)vm->proven,
			 "refused", vm->refused,
			 "group", output_json_text(vm->group),
			 "managed", (int)vm->managed,
			 "devices", output_json_devices(vm),
			 "threads", threads);
}

static int print_json(const struct vms *vms)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < vms->nr; i++)
		json_array_append_new(list, vm_json(&vms->list[i]));
	return output_json("find", json_pack("{s:o}", "vms", list));
}

/* --- a table --- */

static void vm_rows(struct output *output, const struct vm *vm)
{
	char role[OUTPUT_ROLE];
	size_t i;

	output_row(output);
	output_cell(output, NULL, "%s", vm->name);
	output_cell(output, NULL, "%d", (int)vm->pid);
	output_cell(output, NULL, "%s", vm->finder);
	output_cell(output, NULL, "%s", vm->group);
	for (i = 0; i < vm->nr_threads; i++) {
		char *name = thread_name(&vm->threads[i]), *group = group_of(vm->threads[i].tid);

		output_row_below(output);
		output_cell(output, NULL, "%s", name ? name : "-");
		output_cell(output, NULL, "%d", (int)vm->threads[i].tid);
		output_cell(output, NULL, "%s", output_role(role, &vm->threads[i]));
		output_cell(output, NULL, "%s", group ? group : "-");
		free(group);
		free(name);
	}
	for (i = 0; i < vm->nr_devices; i++) {
		output_row_below(output);
		output_cell(output, NULL, "%s", vm->devices[i]);
		output_cell(output, NULL, "-");
		output_cell(output, NULL, "device");
	}
}

static int print_table(const struct vms *vms)
{
	static const struct output_column columns[] = {
		{ "VM", SCOLS_FL_TREE }, { "ID", SCOLS_FL_RIGHT }, { "WHAT", 0 }, { "GROUP", 0 }, { NULL, 0 },
	};
	struct output output;
	size_t i;

	if (!vms->nr && !privilege_lack())
		say("no VM runs");
	output_start(&output, columns);
	for (i = 0; i < vms->nr; i++)
		vm_rows(&output, &vms->list[i]);
	return output_end(&output);
}

int cmd_find(int argc, char **argv)
{
	struct policy_error error;
	struct policy policy;
	struct vms vms;
	const char *lack;
	int code;

	if (argc > 1)
		return fail(WRONG_USAGE, "find: '%s' is one word too many; see dlspare find --help", argv[1]);
	/* Without a policy there are still VMs. */
	store_load(&policy, &error);
	store_add_vms(&policy, NULL, NULL);
	if (claim_find(&vms, &policy)) {
		code = fail(FAILED, "cannot look for VMs: %s", strerror(errno));
		goto out;
	}
	lack = privilege_lack();
	if (lack)
		say("%s", lack);
	if (options.json) {
		code = print_json(&vms);
	} else {
		report_refused(&vms, &policy);
		code = print_table(&vms);
	}
	vms_free(&vms);
out:
	policy_free(&policy);
	return code;
}
