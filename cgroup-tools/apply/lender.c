// SPDX-License-Identifier: GPL-2.0
#include "apply/lender.h"

#include "host/kernel.h"

enum lender lender_of(const struct policy *policy)
{
	if (policy->lender != LENDER_AUTO)
		return policy->lender;
	return kernel_spare() == KERNEL_NO ? LENDER_DAEMON : LENDER_KERNEL;
}

static enum vm_class class_with(enum lender lender, const struct policy *policy, const struct vm_policy *vm)
{
	if (vm->class != CLASS_AUTO)
		return vm->class;
	return lender == LENDER_DAEMON && policy_borrows(policy, vm) ? CLASS_QUOTA : CLASS_DEADLINE;
}

enum vm_class lender_class(const struct policy *policy, const struct vm_policy *vm)
{
	return class_with(lender_of(policy), policy, vm);
}

void lender_settle(struct policy *policy)
{
	size_t i;

	policy->lender = lender_of(policy);
	for (i = 0; i < policy->nr_vms; i++)
		policy->vms[i].class = class_with(policy->lender, policy, &policy->vms[i]);
}

bool lender_wanted(const struct policy *policy)
{
	size_t i;

	for (i = 0; i < policy->nr_pools; i++)
		if (policy_lends(&policy->pools[i]))
			return lender_of(policy) == LENDER_DAEMON;
	return false;
}
