// SPDX-License-Identifier: GPL-2.0
#include "apply/vmgroup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/group.h"

/* In a group of dlspare a VM may have any name: no file there ends with ".vm". */
char *vmgroup_of(const struct pool_policy *pool, const struct vm *vm, int cpu)
{
	char *group, *path;

	if (pool->group)
		return strdup(vm->group);
	group = policy_cpus_group(pool, policy_partitioned(pool) ? cpu : -1);
	if (!group || asprintf(&path, "%s/%s.vm", group, vm->name) < 0)
		path = NULL;
	free(group);
	return path;
}

char **vmgroup_all(const struct pool_policy *pool, const struct vm *vm, const struct cpus *cpus)
{
	bool several = policy_partitioned(pool);
	char **groups = calloc((several ? cpus_count(cpus) : 1) + 1, sizeof(*groups));
	int cpu = several ? cpus_next(cpus, 0) : -1;
	size_t nr = 0;

	while (groups && (cpu >= 0 || (!several && !nr))) {
		groups[nr] = vmgroup_of(pool, vm, cpu);
		if (!groups[nr++]) {
			group_free_list(groups);
			return NULL;
		}
		if (several)
			cpu = cpus_next(cpus, cpu + 1);
	}
	return groups;
}
