/* SPDX-License-Identifier: GPL-2.0 */
/* The policy of a VM in the metadata of its libvirt domain: an element <vm> of a namespace of ours. */
#ifndef DLSPARE_METADATA_H
#define DLSPARE_METADATA_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/policy.h"

#define METADATA_NAMESPACE "https://dlspare.org/xmlns/1"

/*
 * Reads a domain's XML. True: the policy has one VM, or none when the domain has no such element; its pool is not in
 * it. False: error says what is wrong and where; the policy is empty.
 */
bool metadata_read(struct policy *policy, const char *xml, size_t length, struct policy_error *error);

#endif
