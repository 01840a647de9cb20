/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether VMs' events wait no longer than their targets say. dlspared judges what came since it did last, once in a minute or
 * two; STORE_LATENCY has the verdicts, and what was counted by then.
 */
#ifndef DLSPARE_TARGET_H
#define DLSPARE_TARGET_H

#include "policy/policy.h"
#include "vmm-hooks/vm.h"

/* An older verdict says nothing: nobody judges any more. */
#define TARGET_OLD_NS 180000000000ull

struct target_verdict {
	pid_t pid;			/* the VM's, and when it was started */
	uint64_t start;
	struct target_policy target;	/* that it is about; of another one it says nothing */
	bool missed;
	uint64_t events;		/* that it is of: of the last minute in which any came */
	double within;			/* so large a share of them did not surely wait for longer */
};

struct target_verdicts {
	uint64_t time;			/* CLOCK_BOOTTIME, ns; 0: there are none */
	struct target_verdict *list;
	size_t nr;
};

/* The last ones; none when there are no, or they are old. */
void target_load(struct target_verdicts *verdicts);
void target_free(struct target_verdicts *verdicts);
/* NULL: it was not judged. */
const struct target_verdict *target_of(const struct target_verdicts *verdicts, const struct vm_policy *policy, const struct vm *vm);

/*
 * Judges the VMs of the policy that have a target and run, if it is time to, and tells of each that begins to miss its target, or
 * holds it again. To be called with the lock to change. 0, or -1 with errno: it will be tried again.
 */
int target_judge(const struct policy *policy, const struct vms *vms,
		 void (*tell)(const struct vm_policy *vm, const struct target_verdict *verdict, void *data), void *data);

/* Is there a VM with a target? */
bool target_wanted(const struct policy *policy);

#endif
