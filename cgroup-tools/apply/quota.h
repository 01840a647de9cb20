/* SPDX-License-Identifier: GPL-2.0 */
/* Quotas: cpu.max of a VM's group or of one above. Threads without a reservation get no more than that. */
#ifndef DLSPARE_QUOTA_H
#define DLSPARE_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "host/units.h"
#include "vmm-hooks/vm.h"

struct quota {
	char *group;			/* that has it; to be freed */
	uint64_t runtime, period;	/* ns; of all CPUs together */
};

/* The nearest at or above the group; false: there is none, or no memory. */
bool quota_above(struct quota *quota, const char *group);
/*
 * The nearest above one of the VM's threads: those that are no vCPUs first. ceiling: of class quota, so that of the vCPUs' own group is
 * what the policy gives them, and does not count.
 */
bool quota_of(struct quota *quota, const struct vm *vm, bool ceiling);

/* "200ms of every 100ms by group a/b", new; NULL without memory. */
char *quota_text(const struct quota *quota);
/* The same of quota_of(); NULL: there is none, too. */
char *quota_text_of(const struct vm *vm, bool ceiling);

#endif
