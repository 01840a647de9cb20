/* SPDX-License-Identifier: GPL-2.0 */
/* Threads of SCHED_DEADLINE that dlspare has not set: what they hold is missing for VMs and pools. */
#ifndef DLSPARE_OTHERS_H
#define DLSPARE_OTHERS_H

#include <stddef.h>

#include "apply/ledger.h"

struct others {
	double sum;			/* of CPUs */
	unsigned int nr;
	pid_t first;
	char text[768];			/* how many hold how much, and the first of them: name, tid, reservation; "" for none */
};

/* All that run now and are not in the ledger. Threads of other users are seen without privilege, too. */
void others_find(struct others *others, const struct ledger *ledger);

#endif
