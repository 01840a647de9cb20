// SPDX-License-Identifier: GPL-2.0
#include "command/edit.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "apply/claim.h"
#include "apply/store.h"
#include "command/command.h"
#include "command/privilege.h"
#include "command/report.h"
#include "host/units.h"

int edit_policy(const char *command, edit_function *edit, void *data, bool dry_run)
{
	struct apply apply = { .dry_run = dry_run, .whole = true, .save = true };
	struct policy_error error;
	struct policy policy;
	char *done = NULL;
	int lock, code;

	code = privilege_to_change(command);
	if (code == DONE)
		code = report_lock(&lock, dry_run);
	if (code != DONE)
		return code;
	code = report_policy(&policy);
	if (code != DONE)
		goto out;
	code = edit(&policy, data, &done);
	if (code == DONE && !policy_check(&policy, &error))
		code = fail(WRONG_POLICY, "%s", error.text);
	if (code == DONE)
		code = report_apply(command, &policy, &apply);
	if (code == DONE && !dry_run)
		report_done(&apply, "%s", done ? done : command);
	free(done);
	policy_free(&policy);
out:
	apply_unlock(lock);
	return code;
}

static bool copy_of_hook(struct policy *policy, const char *name)
{
	struct policy all, one = { 0 };
	bool good = policy_copy(&all, policy) && store_add_vms(&all, NULL, NULL);

	if (good)
		one.vms = policy_vm(&all, name);
	if (one.vms) {
		one.nr_vms = 1;
		good = policy_merge(policy, &one);
	}
	policy_free(&all);
	return good;
}

bool edit_take_process(struct edit_process *process, int option, char *value, int *code)
{
	bool any = value && !strcmp(value, "any");
	uint64_t number = 0;

	switch (option) {
	case 'P':
		if (!any)
			*code = edit_number("--pid", value, 1, INT_MAX, &number);
		process->has_pid = true;
		process->process.pid = number;
		return true;
	case 'U':
		if (!any)
			*code = edit_number("--uid", value, 0, INT_MAX, &number);
		process->has_uid = true;
		process->process.uid = any ? -1 : (int64_t)number;
		return true;
	case 'G':
		process->has_group = true;
		process->process.group = any ? NULL : value;
		return true;
	default:
		return false;
	}
}

static bool set_process(struct process_policy *to, const struct edit_process *from)
{
	if (from->has_pid)
		to->pid = from->process.pid;
	if (from->has_uid)
		to->uid = from->process.uid;
	if (!from->has_group)
		return true;
	free(to->group);
	to->group = from->process.group ? policy_strip_slashes(from->process.group) : NULL;
	return !from->process.group || to->group;
}

static void failed(const char *text, void *data)
{
	*(bool *)data = true;
	fail(NOT_FOUND, "%s", text);
}

/* DONE when the VM runs; what it says of itself is not enough. */
static int find_vm(struct policy *policy, struct vm_policy *entry, bool note_user)
{
	const struct policy one = { .vms = entry, .nr_vms = 1 };
	struct vms vms = { 0 };
	const struct vm *vm;
	bool told = false;

	if (claim_find(&vms, policy))
		return fail(FAILED, "cannot look for VMs: %s", strerror(errno));
	vm = vms_named(&vms, entry->name);
	if (!vm)
		claim_tell(&vms, &one, failed, &told);
	if (!vm && !told)
		fail(NOT_FOUND, "no VM '%s' runs; see dlspare find. A VM that will start later can stand in a configuration file",
		     entry->name);
	if (vm && note_user)
		entry->process.uid = vm->uid;
	vms_free(&vms);
	return vm ? DONE : NOT_FOUND;
}

struct vm_policy *edit_vm(struct policy *policy, const char *name, const struct edit_process *process, int *code)
{
	struct vm_policy *entry = policy_vm(policy, name);
	bool is_new = false;

	if (!entry && !copy_of_hook(policy, name))
		goto no_memory;
	if (!entry)
		entry = policy_vm(policy, name);
	if (!entry) {
		entry = policy_add_vm(policy, name);
		is_new = true;
	}
	if (!entry || !set_process(&entry->process, process))
		goto no_memory;
	*code = DONE;
	if (is_new || process->process.pid)
		*code = find_vm(policy, entry, process->process.pid && entry->process.uid < 0);
	return *code == DONE ? entry : NULL;
no_memory:
	*code = fail(FAILED, "out of memory");
	return NULL;
}

int edit_time(const char *option, const char *text, uint64_t *ns)
{
	const char *rule;

	return units_parse(ns, text, &rule) ? DONE : fail(WRONG_USAGE, "%s '%s': %s", option, text, rule);
}

int edit_time_within(const char *option, const char *text, uint64_t low, uint64_t high, uint64_t *ns)
{
	char least[UNITS_TEXT], most[UNITS_TEXT];
	int code = edit_time(option, text, ns);

	if (code != DONE || (*ns >= low && *ns <= high))
		return code;
	return fail(WRONG_USAGE, "%s '%s': it must be %s to %s", option, text, units_print(least, low), units_print(most, high));
}

int edit_cpus(const char *option, const char *text, struct cpus *cpus)
{
	const char *rule;

	return cpus_parse(cpus, text, &rule) ? DONE : fail(WRONG_USAGE, "%s '%s': %s", option, text, rule);
}

int edit_number(const char *option, const char *text, uint64_t low, uint64_t high, uint64_t *number)
{
	const char *rule;

	return units_parse_number(number, text, low, high, &rule) ? DONE :
	       fail(WRONG_USAGE, "%s '%s': %s", option, text, rule);
}

int edit_unknown(char **argv, int option)
{
	const char *word = argv[optind - 1];

	if (option == ':')
		return fail(WRONG_USAGE, "%s: %s lacks its value; see dlspare %s --help", argv[0], word, argv[0]);
	return fail(WRONG_USAGE, "%s: there is no option '%s'; see dlspare %s --help", argv[0], word, argv[0]);
}

int edit_dry_run(int argc, char **argv, bool *dry_run)
{
	static const struct option list[] = {
		{ "dry-run", no_argument, NULL, 'n' },
		{ 0 },
	};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", list, NULL)) != -1) {
		if (option != 'n')
			return edit_unknown(argv, option);
		*dry_run = true;
	}
	return DONE;
}
