/* SPDX-License-Identifier: GPL-2.0 */
/* An entry of a policy in a sentence, for people. New texts, to be freed; NULL without memory. */
#ifndef DLSPARE_DESCRIBE_H
#define DLSPARE_DESCRIBE_H

#include "policy/policy.h"

/* "VM 'web': 40ms in every 100ms for each of all vCPUs, borrows from pool 'gold'"; of a ceiling "at most 40ms …" */
char *describe_vm(const struct policy *policy, const struct vm_policy *vm);
/* "pool 'gold': 1 unit of 1ms in every 10ms on CPU 1, exclusive" */
char *describe_pool(const struct pool_policy *pool);

#endif
