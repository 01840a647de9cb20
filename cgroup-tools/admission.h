/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Will the kernel admit it? The tests of kernel/sched/deadline.c in exact nanoseconds: in each root domain the sum of all
 * reservations, units and fair servers is at most sched_rt_runtime_us / sched_rt_period_us a CPU; and as units
 * cannot move, so are those of each CPU with its fair server.
 */
#ifndef DLSPARE_ADMISSION_H
#define DLSPARE_ADMISSION_H

#include "fraction.h"
#include "policy.h"
#include "vm.h"
#include "wanted.h"

/* What asks for CPU time: "VM 'web': 2 vCPUs x 40ms/100ms". */
struct admission_part {
	char *text;
	struct fraction sum;
};

/* A root domain: an exclusive pool's CPUs, or all others. */
struct admission_domain {
	char *name;
	struct cpus cpus;
	struct fraction room;		/* CPUs x limit */
	struct fraction sum;
	struct admission_part *parts;
	size_t nr_parts;
};

struct admission {
	struct fraction limit;		/* of one CPU */
	struct admission_domain *domains;
	size_t nr_domains;
	bool fits;
	char text[1024];		/* when it does not: the sum, the room, and what would fit */
};

/* VMs that do not run are taken to have the vCPUs that `vcpus` names, or one. False without memory. */
bool admission_make(struct admission *admission, const struct policy *policy, const struct vms *vms,
		    const struct wanted_host *host);
void admission_free(struct admission *admission);

#endif
