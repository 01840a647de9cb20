/* SPDX-License-Identifier: GPL-2.0 */
/* How the commands tell what comes of a policy. */
#ifndef DLSPARE_REPORT_H
#define DLSPARE_REPORT_H

#include "apply/apply.h"
#include "vmm-hooks/vm.h"

/* As apply_lock(). */
int report_lock(int *lock, bool to_look);

/* Reads the policy in force; DONE, or FAILED after telling why. */
int report_policy(struct policy *policy);

/* As apply_policy(); the writes of a dry run on standard output, a line each. With --json a document instead, of either. */
int report_apply(const char *command, const struct policy *policy, struct apply *apply);

/* What is so now, after how many writes, which VMs have yet to start, and whether nobody lends. */
void report_done(const struct apply *apply, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Tells that VMs of hooks are left out, so many. DIFFERS. */
int report_left_out_count(unsigned int nr);

/* Says what was chosen for a pool: a chosen_tell. */
void report_chosen(const char *text, void *data);

/* Says of each VM with a target of latency whether its pool can hold it. */
void report_promises(const struct policy *policy);

/* Says which VMs have a ceiling and no reservation, and what its promise depends on. The policy is settled. */
void report_ceilings(const struct policy *policy);

/* Tells of each VM whose latency was missed when dlspared looked last, and of targets that nobody judges. DONE, or DIFFERS. */
int report_missed(const struct policy *policy);

/* claim_tell(), as messages. */
void report_refused(const struct vms *vms, const struct policy *policy);

/* store_add_vms() tells it. */
void report_left_out(const char *text, void *data);

#endif
