// The memory that the two parties of a bench share, at whatever address each of them has it.

#ifndef AREA_H
#define AREA_H

#include <stdint.h>

#include "party.h"

struct area {
	struct channel channel;
	struct party party[2];
	uint64_t begun, works[2], rings[2], rests[2]; // where from the begin of the area; 0: not noted
	uint64_t size;
	// Of guests.
	_Atomic uint64_t ready, running, ended; // guests
	_Atomic uint64_t go;
	_Atomic uint64_t guest_is; // enum channel_party of the guest that is started next
	uint64_t thread[2]; // of the host: a guest's is its vCPU
	uint64_t batch;          // loops of their batch load between two looks; 0: none, they halt
	uint64_t replies;        // they ring doorbell out 1 when a party has nothing to do: what a device takes for its answer
	_Atomic uint64_t batches;
	struct routes routes;
};

static inline uint64_t *area_begun(struct area *area)
{
	return (uint64_t *)((char *)area + area->begun);
}

// For the address that the area has here.
static inline void area_locate(struct area *area, enum channel_party which)
{
	struct party *party = &area->party[which];
	char *base = (char *)area;

	party->routes = &area->routes;

	party->works = area->works[which] ? (struct party_work *)(base + area->works[which]) : 0;
	party->ring_log = area->rings[which] ? (struct party_ring *)(base + area->rings[which]) : 0;
	party->rest_log = area->rests[which] ? (struct party_rest *)(base + area->rests[which]) : 0;
}

#endif
