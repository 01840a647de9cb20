/* SPDX-License-Identifier: GPL-2.0 */
/* The groups of virtual machines in a pool. */
#ifndef DLSPARE_VMGROUP_H
#define DLSPARE_VMGROUP_H

#include "policy/policy.h"
#include "vmm-hooks/vm.h"

/* The group that has a VM's vCPU threads, in a partitioned pool those on that CPU; new, NULL without memory. */
char *vmgroup_of(const struct pool_policy *pool, const struct vm *vm, int cpu);
/* All of them, for these CPUs; NULL is behind the last. To be freed by group_free_list(). */
char **vmgroup_all(const struct pool_policy *pool, const struct vm *vm, const struct cpus *cpus);

#endif
