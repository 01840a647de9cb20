/* SPDX-License-Identifier: GPL-2.0 */
/* Commands that change the policy in force: lock, load, edit, check, apply, save. */
#ifndef DLSPARE_EDIT_H
#define DLSPARE_EDIT_H

#include <stdbool.h>

#include "policy/policy.h"
#include "vmm-hooks/vm.h"

/* Changes the policy; *done, a new text, is what is so then. Returns DONE or another code after telling why. */
typedef int edit_function(struct policy *policy, void *data, char **done);

/* Makes the change the policy in force, and says so; command: its name. */
int edit_policy(const char *command, edit_function *edit, void *data, bool dry_run);

/* Which process the VM is, by the options of set and assign. */
struct edit_process {
	struct process_policy process;
	bool has_pid, has_uid, has_group;
};

#define EDIT_PROCESS_OPTIONS \
	{ "pid", required_argument, NULL, 'P' }, { "uid", required_argument, NULL, 'U' }, { "group", required_argument, NULL, 'G' }

/* Takes one of these; "any" takes back what the policy names. False: it is another option, or its value breaks a rule, see *code. */
bool edit_take_process(struct edit_process *process, int option, char *value, int *code);

/*
 * The VM's entry to be changed: the policy's own, or a copy of a hook's, or a new one when such a VM runs. A pid that is named
 * must be that of such a VM now; its user is noted, as another one may have the number later. NULL after telling why; *code says
 * it too.
 */
struct vm_policy *edit_vm(struct policy *policy, const char *name, const struct edit_process *process, int *code);

/* The value of an option; 0 or WRONG_USAGE after telling what it breaks. */
int edit_time(const char *option, const char *text, uint64_t *ns);
int edit_time_within(const char *option, const char *text, uint64_t low, uint64_t high, uint64_t *ns);
int edit_cpus(const char *option, const char *text, struct cpus *cpus);
int edit_number(const char *option, const char *text, uint64_t low, uint64_t high, uint64_t *number);

/* Reads the options of a command that has --dry-run alone; its arguments begin at optind then. DONE or WRONG_USAGE. */
int edit_dry_run(int argc, char **argv, bool *dry_run);

/* For '?' and ':' of getopt_long(): names the option. Returns WRONG_USAGE. */
int edit_unknown(char **argv, int option);

#endif
