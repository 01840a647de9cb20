/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who lends on this host, and what follows from it for each VM. A policy that leaves both open means a reservation where the kernel
 * lends, and a ceiling with loans by dlspare-lender where it cannot: one file for both.
 */
#ifndef DLSPARE_LENDER_H
#define DLSPARE_LENDER_H

#include "policy/policy.h"

/* Puts an answer in place of each LENDER_AUTO and CLASS_AUTO of the policy. After group_start(). */
void lender_settle(struct policy *policy);

/* The same of one, and the policy stays as it is. A kernel that cannot be asked is taken to lend. */
enum lender lender_of(const struct policy *policy);
enum vm_class lender_class(const struct policy *policy, const struct vm_policy *vm);

/* Does dlspare-lender have anything to lend? */
bool lender_wanted(const struct policy *policy);

#endif
