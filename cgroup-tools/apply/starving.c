// SPDX-License-Identifier: GPL-2.0
#include "apply/starving.h"

#include <stdlib.h>

#include "host/bandwidth.h"

/* Those of the domain whose fair server is off. */
static struct cpus unserved(const struct admission_domain *domain)
{
	struct cpus off = { 0 };
	int cpu;

	for (cpu = cpus_next(&domain->cpus, 0); cpu >= 0; cpu = cpus_next(&domain->cpus, cpu + 1))
		if (!bandwidth_fair_server(cpu).runtime)
			cpus_add(&off, cpu);
	return off;
}

static void tell_of(const struct vm_policy *vm, const struct admission_domain *domain,
		    void (*tell)(const char *text, void *data), void *data)
{
	struct cpus off = unserved(domain);
	char *list, *text;

	if (cpus_empty(&off) || !domain->sum.num)
		return;
	list = cpus_print(&off);
	if (list && asprintf(&text, "VM '%s': the fair server is off on CPU %s, and reservations may take %.1f %% of CPU %s: its I/O "
			     "threads, vhost too, get what is left of it or nothing; give it io housekeeping, or echo 50000000 > "
			     "/sys/kernel/debug/sched/fair_server/cpu%d/runtime", vm->name, list,
			     100 * fraction_double(domain->sum) / cpus_count(&domain->cpus), list, cpus_next(&off, 0)) >= 0) {
		tell(text, data);
		free(text);
	}
	free(list);
}

void starving_find(const struct policy *policy, const struct vms *vms, const struct admission *admission,
		   void (*tell)(const char *text, void *data), void *data)
{
	size_t i, j;

	for (i = 0; i < policy->nr_vms; i++) {
		const struct vm_policy *vm = &policy->vms[i];
		const struct pool_policy *pool = admission_io_pool(policy, vm, vms);

		for (j = 0; vm->io.kind == IO_KEEP && j < admission->nr_domains; j++)
			if (admission->domains[j].pool == pool)
				tell_of(vm, &admission->domains[j], tell, data);
	}
}
