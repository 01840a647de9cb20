/* SPDX-License-Identifier: GPL-2.0 */
/* What the records of one vCPU say: which events waited, for how long, and how long their answers took. */
#ifndef DLSPARE_OBSERVE_DEAF_H
#define DLSPARE_OBSERVE_DEAF_H

#include <stdbool.h>
#include <stddef.h>

#include "observe/record.h"
#include "observe/replay.h"
#include "observe/waits.h"

struct deaf {
	uint32_t vcpu;			/* its number in the replay */
	struct waits *waits;		/* of what came while it had no budget */
	struct replay *replay;
	uint64_t *pending;		/* when what waits has come */
	size_t nr, room;
	bool serving;
	uint64_t ran, runs_since;	/* CPU time since it serves; 0: it does not run */
	long first, last;		/* what it serves, in the replay; first > last: none of it is there */
};

/* False without memory. */
bool deaf_take(struct deaf *deaf, const struct observe_record *record);
void deaf_free(struct deaf *deaf);

#endif
