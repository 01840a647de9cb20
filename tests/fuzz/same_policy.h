// Whether two policies are the same in everything.

#ifndef SAME_POLICY_H
#define SAME_POLICY_H

#include "fuzz.h"
#include "policy/policy.h"

static inline bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static inline bool same_reservation(struct reservation a, struct reservation b)
{
	return a.runtime == b.runtime && a.period == b.period;
}

static inline bool same_pool(const struct pool_policy *a, const struct pool_policy *b)
{
	return same_text(a->name, b->name) && a->automatic == b->automatic && same_reservation(a->spare, b->spare) && a->units == b->units &&
	       cpus_equal(&a->cpus, &b->cpus) && a->exclusive == b->exclusive && same_text(a->group, b->group);
}

static inline bool same_vm(const struct vm_policy *a, const struct vm_policy *b)
{
	const struct borrow_policy *x = &a->borrow, *y = &b->borrow;

	if (!same_text(a->name, b->name) || a->process.pid != b->process.pid || a->process.uid != b->process.uid ||
	    !same_text(a->process.group, b->process.group) || a->class != b->class || !same_reservation(a->reservation, b->reservation) ||
	    !cpus_equal(&a->vcpus, &b->vcpus) || !same_text(a->pool, b->pool) || x->on != y->on ||
	    x->chances != y->chances || x->charge != y->charge || x->reply != y->reply || x->linger != y->linger ||
	    x->timer != y->timer || a->target.latency != b->target.latency ||
	    (a->target.latency && a->target.share != b->target.share) || a->rate != b->rate ||
	    a->io.kind != b->io.kind || !cpus_equal(&a->io.cpus, &b->io.cpus) ||
	    !same_reservation(a->io.reservation, b->io.reservation) || a->any_device != b->any_device ||
	    a->nr_devices != b->nr_devices)
		return false;
	for (size_t i = 0; i < a->nr_devices; i++)
		if (!same_text(a->devices[i], b->devices[i]))
			return false;
	return true;
}

static inline bool same_policy(const struct policy *a, const struct policy *b)
{
	if (a->hrtick != b->hrtick || a->lender != b->lender || a->nr_pools != b->nr_pools || a->nr_vms != b->nr_vms)
		return false;
	for (size_t i = 0; i < a->nr_pools; i++)
		if (!same_pool(&a->pools[i], &b->pools[i]))
			return false;
	for (size_t i = 0; i < a->nr_vms; i++)
		if (!same_vm(&a->vms[i], &b->vms[i]))
			return false;
	return true;
}

#endif
