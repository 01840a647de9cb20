/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a spare reservation would have made of events that waited. Each CPU has one unit, which its vCPUs borrow in the order
 * of their events, as sched-spare.rst says: a loan lasts until the event is answered, or the vCPU has budget of its own again;
 * a unit that is used up gets its budget at its deadline (CBS). The unit is first on its CPU: that others may run there before
 * it, for up to Ps-Qs, is left out.
 */
#ifndef DLSPARE_OBSERVE_REPLAY_H
#define DLSPARE_OBSERVE_REPLAY_H

#include <stddef.h>
#include <stdint.h>

#include "host/reservation.h"

/* An answer that takes as long as its vCPU has no budget. */
#define REPLAY_ENDLESS UINT64_MAX

struct replay_event {
	uint64_t time;			/* when it came, ns */
	uint64_t end;			/* when its vCPU ran again by itself */
	uint64_t need;			/* CPU time to its answer; REPLAY_ENDLESS: not known */
	uint64_t wait;			/* with the unit: replay_run() makes it */
	uint32_t vcpu;
	uint32_t cpu;
};

struct replay {
	struct replay_event *events;
	size_t nr, room;
	uint64_t cut;			/* events beyond REPLAY_MAX: they are not in the list */
};

/* 40 MB of events. */
#define REPLAY_MAX 1000000

/* The place of the new event, or -1: errno is ENOMEM, or 0 when it was cut. */
long replay_add(struct replay *replay, const struct replay_event *event);
void replay_free(struct replay *replay);

/* Sorts the events, by CPU and time, and finds out the wait of each. linger: CPU time that a loan lasts after an answer. */
void replay_run(struct replay *replay, struct reservation unit, uint64_t linger);

#endif
