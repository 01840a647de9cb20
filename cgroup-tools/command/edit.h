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

/*
 * The VM's entry to be changed: the policy's own, or a copy of a hook's, or a new one when such a VM runs. NULL
 * after telling why; *code says it too.
 */
struct vm_policy *edit_vm(struct policy *policy, const char *name, int *code);

/* The value of an option; 0 or WRONG_USAGE after telling what it breaks. */
int edit_time(const char *option, const char *text, uint64_t *ns);
int edit_cpus(const char *option, const char *text, struct cpus *cpus);
int edit_number(const char *option, const char *text, uint64_t low, uint64_t high, uint64_t *number);

/* Reads the options of a command that has --dry-run alone; its arguments begin at optind then. DONE or WRONG_USAGE. */
int edit_dry_run(int argc, char **argv, bool *dry_run);

/* For '?' and ':' of getopt_long(): names the option. Returns WRONG_USAGE. */
int edit_unknown(char **argv, int option);

#endif
