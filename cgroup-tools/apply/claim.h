/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which of the processes that have a VM's name is the VM. Any user can give a process any name, so more has to say so: the pid,
 * uid and group of the policy's entry; without those its manager, which is root's, or that root runs it. Of several the one that
 * its manager has noted is the VM, then the one that is set up already; of equals none is.
 */
#ifndef DLSPARE_CLAIM_H
#define DLSPARE_CLAIM_H

#include "apply/ledger.h"
#include "policy/policy.h"
#include "vmm-hooks/vm.h"

/* Refuses the others, so that vms_named() finds the VM. */
void claim_decide(struct vms *vms, const struct policy *policy, const struct ledger *ledger);

/* As vms_find(), and decided with the ledger as it is; with an empty one where that cannot be read. */
int claim_find(struct vms *vms, const struct policy *policy);

/* Tells of those that are refused and have the name of a VM of the policy, which they are and why; of many, how many more. */
void claim_tell(const struct vms *vms, const struct policy *policy, void (*tell)(const char *text, void *data), void *data);

#endif
