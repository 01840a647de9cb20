/* SPDX-License-Identifier: GPL-2.0 */
/* Whether a pool can hold the targets of latency of its VMs. */
#ifndef DLSPARE_PROMISE_H
#define DLSPARE_PROMISE_H

#include "policy/policy.h"

enum promise {
	PROMISE_HELD,			/* by a unit that is free, also one that was drained just before */
	PROMISE_SHARED,			/* the same, and VMs share units: who finds none waits for one */
	PROMISE_DRAINED,		/* a fresh unit answers in time, one that was drained just before does not */
	PROMISE_BROKEN,			/* not even a fresh one does */
};

/* For a VM with a target, of a policy that is settled. Of several true ones the last. */
enum promise promise_of(const struct policy *policy, const struct vm_policy *vm);
/* In words, with the formula; new, NULL without memory. */
char *promise_text(const struct policy *policy, const struct vm_policy *vm);

#endif
