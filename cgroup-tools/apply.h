/* SPDX-License-Identifier: GPL-2.0 */
/* Makes the host as a policy wants it, or leaves it as it is. */
#ifndef DLSPARE_APPLY_H
#define DLSPARE_APPLY_H

#include <stdbool.h>

#include "policy.h"

struct apply {
	bool dry_run;			/* print the writes and make none */
	bool whole;			/* all or nothing; else each VM for itself, and failures do not stop the others */
	bool save;			/* it becomes the policy in force */
	bool alone;			/* without the VMs of hooks */
	unsigned int steps;		/* result: writes made, or to be made */
	unsigned int missing;		/* result: VMs of the policy that do not run */
};

/* As store_lock(); a descriptor to close, or minus a code of command.h after telling why. */
int apply_lock(void);

/*
 * The caller holds apply_lock(). Returns DONE or another code of command.h, after telling why. VMs of hooks join the
 * policy, unless alone; save is about the policy without them.
 */
int apply_policy(const struct policy *policy, struct apply *apply);

#endif
