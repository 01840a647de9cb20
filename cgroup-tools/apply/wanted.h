/* SPDX-License-Identifier: GPL-2.0 */
/* What a policy means on this host, with these VMs: the settings, in the order in which they can be made. */
#ifndef DLSPARE_WANTED_H
#define DLSPARE_WANTED_H

#include "apply/ledger.h"
#include "policy/policy.h"
#include "vmm-hooks/vm.h"

struct admission;

/* CPUs of this host. */
struct wanted_host {
	struct cpus possible;
	struct cpus online;
};

/* Told of what cannot be done for a VM; for the whole host when vm is NULL. Nothing is wanted for that VM then. */
typedef void wanted_problem(const char *vm, int code, const char *text, void *data);

/* False with errno when /sys does not say. */
bool wanted_host(struct wanted_host *host);

/* For a policy that is settled: lender_settle(). False without memory. */
bool wanted_make(struct settings *wanted, const struct policy *policy, const struct vms *vms,
		 const struct wanted_host *host, const struct admission *admission, const struct ledger *ledger,
		 wanted_problem *problem, void *data);

/* Is the thread one of the vCPUs that the entry is about? */
bool wanted_vcpu(const struct vm_policy *policy, const struct vm_thread *thread);

#endif
