// SPDX-License-Identifier: GPL-2.0
/* dlspare complete vms|pools: names for the shell's completion. What cannot be found out is left out without a word. */
#include <stdio.h>
#include <string.h>

#include "apply/store.h"
#include "command/command.h"
#include "vmm-hooks/vm.h"

static void print_pools(const struct policy *policy)
{
	size_t i;

	for (i = 0; i < policy->nr_pools; i++)
		puts(policy->pools[i].name);
}

static void print_vms(const struct policy *policy)
{
	struct vms vms = { 0 };
	size_t i;

	for (i = 0; i < policy->nr_vms; i++)
		puts(policy->vms[i].name);
	if (vms_find(&vms))
		return;
	for (i = 0; i < vms.nr; i++)
		if (!policy_vm(policy, vms.list[i].name))
			puts(vms.list[i].name);
	vms_free(&vms);
}

int cmd_complete(int argc, char **argv)
{
	struct policy_error error;
	struct policy policy;

	/* Without a policy there may still be VMs. */
	store_load(&policy, &error);
	store_add_vms(&policy, NULL, NULL);
	if (argc == 2 && !strcmp(argv[1], "vms"))
		print_vms(&policy);
	else if (argc == 2 && !strcmp(argv[1], "pools"))
		print_pools(&policy);
	policy_free(&policy);
	return DONE;
}
