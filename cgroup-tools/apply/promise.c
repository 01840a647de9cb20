// SPDX-License-Identifier: GPL-2.0
#include "apply/promise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/units.h"
#include "plan/latency.h"

#define TIME(ns) units_print((char[UNITS_TEXT]){ 0 }, ns)

/* How many VMs of the policy may want a unit of the pool at a time; each may have several vCPUs. */
static unsigned int borrowers(const struct policy *policy, const char *pool)
{
	unsigned int nr = 0;
	size_t i;

	for (i = 0; i < policy->nr_vms; i++)
		nr += policy->vms[i].borrow.on && policy->vms[i].pool && !strcmp(policy->vms[i].pool, pool);
	return nr;
}

enum promise promise_of(const struct policy *policy, const struct vm_policy *vm)
{
	const struct pool_policy *pool = policy_pool(policy, vm->pool);

	if (latency_fresh(pool->spare).first > vm->target.latency)
		return PROMISE_BROKEN;
	if (latency_drained(pool->spare).first > vm->target.latency)
		return PROMISE_DRAINED;
	return borrowers(policy, vm->pool) > pool->units ? PROMISE_SHARED : PROMISE_HELD;
}

/* The same text, with what it depends on beside. */
static char *with_lender(const struct vm_policy *vm, char *text)
{
	char *longer;

	if (vm->class != CLASS_QUOTA)
		return text;
	if (asprintf(&longer, "%s; when dlspare-lender is woken in time", text) < 0)
		longer = NULL;
	free(text);
	return longer;
}

char *promise_text(const struct policy *policy, const struct vm_policy *vm)
{
	const struct pool_policy *pool = policy_pool(policy, vm->pool);
	uint64_t fresh = latency_fresh(pool->spare).first, drained = latency_drained(pool->spare).first;
	char *target = policy_target_text(&vm->target), *text = NULL;
	int length = -1;

	if (!target)
		return NULL;
	switch (promise_of(policy, vm)) {
	case PROMISE_BROKEN:
		length = asprintf(&text, "VM '%s': latency %s cannot be held: a fresh unit of pool '%s' answers within Ps-Qs = %s", vm->name,
				  target, pool->name, TIME(fresh));
		break;
	case PROMISE_DRAINED:
		length = asprintf(&text, "VM '%s': latency %s is held by a fresh unit of pool '%s', within Ps-Qs = %s; not by one that was "
				  "drained just before, within 2(Ps-Qs) = %s", vm->name, target, pool->name, TIME(fresh), TIME(drained));
		break;
	case PROMISE_SHARED:
		length = asprintf(&text, "VM '%s': latency %s is held by a free unit of pool '%s', within 2(Ps-Qs) = %s; %u VMs share %u on a CPU, "
				  "and who finds none waits: see dlspare plan --rate", vm->name, target, pool->name, TIME(drained),
				  borrowers(policy, vm->pool), pool->units);
		break;
	case PROMISE_HELD:
		length = asprintf(&text, "VM '%s': latency %s is held by a free unit of pool '%s', within 2(Ps-Qs) = %s", vm->name, target,
				  pool->name, TIME(drained));
		break;
	}
	free(target);
	return length < 0 ? NULL : with_lender(vm, text);
}
