/* SPDX-License-Identifier: GPL-2.0 */
/* Inside of admission.h: the sums, for what is told of them. */
#ifndef DLSPARE_ADMITTING_H
#define DLSPARE_ADMITTING_H

#include "apply/admission.h"

static inline struct fraction admitting_times(struct fraction a, uint64_t n)
{
	return fraction_multiply(a, fraction(n, 1));
}

/* The VM's vCPUs in the domain. */
unsigned int admitting_vcpus_in(const struct admission *admission, const struct admission_domain *domain, const struct policy *policy,
				const struct vm_policy *vm, const struct vms *vms);
/* Is it one CPU of a partitioned pool? */
bool admitting_is_partition(const struct admission_domain *domain);

/* Have its CPUs the time for all that is promised there, ceilings too? Of those that all the host shares nothing is promised. */
bool admitting_has_time(const struct admission_domain *domain);

/* To admission->text: a piece; why the domain has no room, and what would fit. */
void admitting_tell(struct admission *admission, const char *format, ...) __attribute__((format(printf, 2, 3)));
void admitting_refuse(struct admission *admission, const struct admission_domain *domain, const struct policy *policy,
		      const struct vms *vms, const struct wanted_host *host);

#endif
