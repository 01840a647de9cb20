/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What `spare = "auto"` comes to: the units of a pool, from the targets of its VMs and the rates of their events. From the policy
 * and the host alone, whatever runs and is measured: so it is the same each time, until one of the two is another.
 */
#ifndef DLSPARE_CHOSEN_H
#define DLSPARE_CHOSEN_H

#include "apply/layout.h"
#include "policy/policy.h"

/* Told of each pool what was chosen, in a line, by which formula. */
typedef void chosen_tell(const char *text, void *data);

/*
 * Sets spare and units of the pools that are to be chosen. DONE; or NO_ROOM, WRONG_POLICY or FAILED with *error, and then they are
 * none. tell may be NULL.
 */
int chosen_make(struct policy *policy, const struct layout_host *host, chosen_tell *tell, void *data, struct policy_error *error);

/* The same on this host. Where there is no choice it is made without the VMs of hooks, those from own on, after telling why. */
int chosen_here(struct policy *policy, size_t own, chosen_tell *tell, void *data, struct policy_error *error);

#endif
