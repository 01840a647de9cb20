/* SPDX-License-Identifier: GPL-2.0 */
/* I/O threads that nothing is kept for: they are ordinary ones, and the fair server is off where they run. */
#ifndef DLSPARE_STARVING_H
#define DLSPARE_STARVING_H

#include "apply/admission.h"

/* Tells of each VM with io "keep" of which that is so beside reservations, in a line with the remedy. */
void starving_find(const struct policy *policy, const struct vms *vms, const struct admission *admission,
		   void (*tell)(const char *text, void *data), void *data);

#endif
