// SPDX-License-Identifier: GPL-2.0
/* Who lends, and what a VM's (Q,P) is: a reservation or a ceiling. Each lender lends to one of the two. */
#include "policy/policy.h"

#include "host/units.h"
#include "policy/inside.h"

/* Of cpu.max (kernel/sched/core.c, tg_set_cfs_bandwidth). */
#define QUOTA_LEAST NSEC_PER_MSEC
#define QUOTA_PERIOD_MAX NSEC_PER_SEC

const char *const policy_lender_names[] = {
	[LENDER_AUTO] = "auto",
	[LENDER_KERNEL] = "kernel",
	[LENDER_DAEMON] = "daemon",
};

const char *const policy_class_names[] = {
	[CLASS_AUTO] = "auto",
	[CLASS_DEADLINE] = "deadline",
	[CLASS_QUOTA] = "quota",
};

bool policy_lender(enum lender *lender, const char *text)
{
	const int found = policy_word(text, policy_lender_names, LENDER_DAEMON);

	if (found < 0)
		return false;
	*lender = found;
	return true;
}

bool policy_class(enum vm_class *class, const char *text)
{
	const int found = policy_word(text, policy_class_names, CLASS_QUOTA);

	if (found < 0)
		return false;
	*class = found;
	return true;
}

bool policy_lends(const struct pool_policy *pool)
{
	return pool->automatic || !reservation_none(pool->spare);
}

bool policy_borrows(const struct policy *policy, const struct vm_policy *vm)
{
	const struct pool_policy *pool = vm->pool && vm->borrow.on ? policy_pool(policy, vm->pool) : NULL;

	return pool && policy_lends(pool);
}

/* What the kernel takes as cpu.max, and has a group for. */
static bool check_quota(const struct vm_policy *vm, struct policy_error *error)
{
	const struct reservation *own = &vm->reservation;

	if (reservation_none(*own))
		return true;
	if (!vm->pool)
		return policy_refuse(error, "class 'quota' needs a pool: a ceiling is that of a group, and one in a pool has the vCPUs alone");
	if (own->runtime < QUOTA_LEAST || own->period > QUOTA_PERIOD_MAX)
		return policy_refuse(error, "of class 'quota' runtime %s is at least %s, and period %s at most %s",
				     TIME(own->runtime), TIME(QUOTA_LEAST), TIME(own->period), TIME(QUOTA_PERIOD_MAX));
	if (own->runtime % NSEC_PER_USEC || own->period % NSEC_PER_USEC)
		return policy_refuse(error, "of class 'quota' runtime %s and period %s must be whole microseconds, the unit of cpu.max",
				     TIME(own->runtime), TIME(own->period));
	return true;
}

bool policy_check_class(const struct policy *policy, const struct vm_policy *vm, struct policy_error *error)
{
	if (vm->class == CLASS_QUOTA && !check_quota(vm, error))
		return false;
	if (!policy_borrows(policy, vm))
		return true;
	if (policy->lender == LENDER_DAEMON && vm->class == CLASS_DEADLINE)
		return policy_refuse(error, "class 'deadline' cannot borrow where dlspare-lender lends: it lends by priority inheritance, which "
				     "would give a reservation without budget a new one; leave class out, or take 'quota'");
	if (policy->lender == LENDER_DAEMON && vm->borrow.charge)
		return policy_refuse(error, "charge is not to be had where dlspare-lender lends: each write of cpu.max fills the quota up, so "
				     "nothing can be taken from the next one");
	if (policy->lender == LENDER_KERNEL && vm->class == CLASS_QUOTA)
		return policy_refuse(error, "class 'quota' cannot borrow where the kernel lends: it does to reservations alone; leave class out, "
				     "or say lender = \"daemon\", which works on this kernel, too");
	return true;
}
