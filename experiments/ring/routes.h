// Who is behind an address: the hash table that a bridge looks into for each packet, or whoever intercepts packets to see whether they
// are for a neighbour (XenLoop's vmid_mac_table, papers/residency-aware-2013.txt 4.1).

#ifndef ROUTES_H
#define ROUTES_H

#include <stdint.h>

#include "../lib/chance.h"

enum { ROUTES = 256, ROUTES_CHAINS = 64 }; // so a chain has 4 on average

struct routes {
	uint16_t first[ROUTES_CHAINS]; // of a chain; 0: none
	struct route {
		uint64_t address; // 48 bits
		uint16_t next;    // of the chain; 0: none
	} route[ROUTES + 1];
};

static inline unsigned int routes_chain(uint64_t address)
{
	return address * UINT64_C(0x9e3779b97f4a7c15) >> 58;
}

static inline void routes_fill(struct routes *routes)
{
	uint64_t random = 1;

	*routes = (struct routes){ 0 };
	for (uint16_t i = 1; i <= ROUTES; i++) {
		const uint64_t address = chance_next(&random) >> 16;
		uint16_t *first = &routes->first[routes_chain(address)];

		routes->route[i] = (struct route){ address, *first };
		*first = i;
	}
}

// Its number, 1..ROUTES; 0: nobody has this address.
static inline unsigned int routes_find(const struct routes *routes, uint64_t address)
{
	unsigned int i = routes->first[routes_chain(address)];

	while (i && routes->route[i].address != address)
		i = routes->route[i].next;
	return i;
}

#endif
