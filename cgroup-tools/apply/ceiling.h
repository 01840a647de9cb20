/* SPDX-License-Identifier: GPL-2.0 */
/* Ceilings of VMs of class quota: cpu.max of each group that has some of the VM's vCPUs, so much for each of them. */
#ifndef DLSPARE_CEILING_H
#define DLSPARE_CEILING_H

#include "policy/policy.h"
#include "vmm-hooks/vm.h"

/* A group, and how many vCPUs that the policy is about are in it. */
struct ceiling {
	char *group;
	unsigned int vcpus;
};

struct ceilings {
	struct ceiling *list;
	size_t nr;
};

/* One more vCPU in that group. False without memory, also for the group. */
bool ceiling_add(struct ceilings *ceilings, const char *group);
void ceiling_free(struct ceilings *ceilings);

/* The text of cpu.max for so many; new, NULL without memory. */
char *ceiling_text(struct reservation each, unsigned int vcpus);
/* What each of so many has by that text; none: there is no ceiling. */
struct reservation ceiling_each(const char *text, unsigned int vcpus);

/* Of the first of the VM's vCPUs that has another ceiling than the policy says, or else of the first; where they are now. */
struct reservation ceiling_of(const struct vm_policy *policy, const struct vm *vm);

#endif
