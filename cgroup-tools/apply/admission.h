/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Will the kernel admit it? The tests of kernel/sched/deadline.c in exact nanoseconds: in each root domain the sum of all
 * reservations, units and fair servers is at most sched_rt_runtime_us / sched_rt_period_us a CPU; and as units
 * cannot move, so are those of each CPU with its fair server. In a partitioned pool each CPU is a root domain, so the answer
 * comes with a CPU for each vCPU.
 *
 * Ceilings the kernel does not add up. In an exclusive pool, where nothing else runs, they are promised all the same: with what is
 * reserved there they are at most the CPUs. The policy is one that is settled: lender_settle().
 */
#ifndef DLSPARE_ADMISSION_H
#define DLSPARE_ADMISSION_H

#include "apply/wanted.h"
#include "plan/fraction.h"
#include "policy/policy.h"
#include "vmm-hooks/vm.h"

enum admission_kind {
	ADMISSION_RESERVATION,		/* of threads, and units */
	ADMISSION_FAIR_SERVER,
	ADMISSION_CEILING,
};

/* What asks for CPU time: "VM 'web': 2 vCPUs x 40ms/100ms". */
struct admission_part {
	char *text;
	enum admission_kind kind;
	struct fraction sum;
};

/* A root domain: CPUs of an exclusive pool, or all others. */
struct admission_domain {
	const struct pool_policy *pool;	/* NULL: all others */
	struct cpus cpus;
	struct fraction room;		/* CPUs x limit */
	struct fraction sum;		/* of reservations and fair servers */
	struct fraction promised;	/* of reservations and ceilings; there is no more than a CPU is */
	struct admission_part *parts;
	size_t nr_parts;
};

/* A vCPU in a partitioned pool, on one that is online. */
struct admission_place {
	const struct vm_policy *vm;
	pid_t tid;			/* 0: the VM does not run */
	int cpu;
};

struct admission {
	struct fraction limit;		/* of one CPU */
	struct admission_domain *domains;
	size_t nr_domains;
	struct admission_place *places;
	size_t nr_places;
	bool fits;
	char text[1024];		/* when it does not: the sum, the room, and what would fit */
};

/* The exclusive pool on whose CPUs the VM's I/O threads are, too, with the group above it; NULL: they are where no such pool is. */
const struct pool_policy *admission_io_pool(const struct policy *policy, const struct vm_policy *vm, const struct vms *vms);

/*
 * VMs that do not run are taken to have the vCPUs that `vcpus` names, or one. False without memory. The policy must outlive
 * the answer.
 */
bool admission_make(struct admission *admission, const struct policy *policy, const struct vms *vms,
		    const struct wanted_host *host);
void admission_free(struct admission *admission);

/* The CPU on which a vCPU thread is to be, -1: none of a partitioned pool. */
int admission_cpu(const struct admission *admission, pid_t tid);

#endif
