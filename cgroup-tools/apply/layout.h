/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the threads of a policy would run, each on one CPU, and what they leave there: for `plan`, and for pools whose units are
 * chosen. Of the policy alone, whatever runs: a VM that names no vCPUs has one. So it is the same until the policy or the host is
 * another.
 */
#ifndef DLSPARE_LAYOUT_H
#define DLSPARE_LAYOUT_H

#include "plan/fraction.h"
#include "plan/latency.h"
#include "policy/policy.h"

/* A CPU of the host; its number is its index. */
struct layout_cpu {
	unsigned int threads;
	struct fraction own, units, fair_server, sum;	/* shares: of the threads, of the pools; and all three */
};

/* A vCPU; or the I/O thread of a VM where those have a reservation, of which there is one at least. */
struct layout_thread {
	const struct vm_policy *vm;
	struct reservation reservation;
	bool io;
	struct cpus cpus;		/* it may have one of these */
	int cpu;
};

/* Where that is. */
struct layout_host {
	bool here;			/* this host, with its fair servers; else one with the usual ones */
	struct cpus cpus;
	struct fraction limit;		/* of a CPU */
};

struct layout {
	const struct policy *policy;
	struct layout_host host;
	struct layout_cpu cpus[CPUS_MAX];
	struct layout_thread *threads;
	size_t nr_threads;
};

/* The vCPUs that may ask a pool on one CPU. */
struct layout_asking {
	int cpu;
	unsigned int borrowers;
	double rate;			/* of events for those without budget, 1/s: sum of rate (1-U) */
};

/* This host: the CPUs that are online, and those that pools name. */
struct layout_host layout_here(const struct policy *policy, const struct cpus *online);

/* Gives each thread a CPU. DONE or another result, with *error. */
int layout_place(struct layout *layout, const struct policy *policy, const struct layout_host *host, struct policy_error *error);
void layout_free(struct layout *layout);

/* The pool that it borrows from, or NULL. */
const struct pool_policy *layout_lender(const struct policy *policy, const struct vm_policy *vm);
/* Has each VM that borrows from it a rate, and is there one? NULL: from any pool. */
bool layout_rates_known(const struct policy *policy, const struct pool_policy *pool);
unsigned int layout_vcpus(const struct vm_policy *vm);
struct cpus layout_pool_cpus(const struct layout *layout, const struct pool_policy *pool);
enum latency_supply layout_supply(const struct layout *layout, const struct vm_policy *vm);

/* rate: of each vCPU whose VM has none of its own, events/s. */
struct layout_asking layout_asking(const struct layout *layout, const struct pool_policy *pool, int cpu, double rate);
/* On the CPU where the pool is asked most. */
struct layout_asking layout_busiest(const struct layout *layout, const struct pool_policy *pool, double rate);

#endif
