// SPDX-License-Identifier: GPL-2.0
#include "command/edit.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

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

struct vm_policy *edit_vm(struct policy *policy, const char *name, int *code)
{
	struct vm_policy *entry = policy_vm(policy, name);
	struct vms vms = { 0 };
	bool several;

	*code = FAILED;
	if (entry)
		return entry;
	if (!copy_of_hook(policy, name) || vms_find(&vms)) {
		fail(FAILED, "cannot look for VMs: %s", strerror(errno));
		return NULL;
	}
	entry = policy_vm(policy, name);
	if (!entry && vms_named(&vms, name, &several))
		entry = policy_add_vm(policy, name);
	else if (!entry)
		*code = several ? fail(WRONG_POLICY, "more than one VM '%s' runs: names must be unique", name) :
				  fail(NOT_FOUND, "no VM '%s' runs; see dlspare find. A VM that will start later can stand in a "
				       "configuration file", name);
	vms_free(&vms);
	return entry;
}

int edit_time(const char *option, const char *text, uint64_t *ns)
{
	const char *rule;

	return units_parse(ns, text, &rule) ? DONE : fail(WRONG_USAGE, "%s '%s': %s", option, text, rule);
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
