// The producer or the consumer of a channel, in the host or in a guest: works by spinning, and notes when it did what. Times are
// in ticks of whatever clock both parties have in common.

#ifndef PARTY_H
#define PARTY_H

#include "channel.h"
#include "routes.h"

// What it does when it cannot go on.
enum party_wait {
	PARTY_NOTIFIED, // it rests until the other rings
	PARTY_POLLING,
	PARTY_SLEEPING, // it looks again after a fixed time
};

struct party_terms {
	uint64_t messages; // after so many it ends, those that were lost among them
	uint64_t work;     // W of each
	uint64_t start;    // S in addition to what a wake-up takes
	uint64_t sleep;    // Y
	uint64_t combine;  // messages that are published together, 1 <= combine <= L
	uint64_t moderate; // shortest time from one ring to the next
	uint64_t gap, gap_spread; // P: before each message it idles for gap to gap + gap_spread
	uint64_t every; // P: a message is due each so often; it is lost when the ring is full then. 0: P waits
	uint64_t lookups; // C: of each message, beside the work
	uint64_t loops; // in spins, between two looks at the clock
	uint64_t preempted; // a step of the clock that is longer was no work of its own
	uint32_t wait;
	uint32_t storms; // P rings for each message, lost or not, whether or not C is awake
};

struct party_sum {
	uint64_t count, sum, most;
};

// What is noted of each message, ring and rest, in order.
struct party_work {
	uint64_t begin, end;
};
struct party_ring {
	uint64_t begin, end;
};
struct party_rest {
	uint64_t begin, end; // end: when it looked at the ring again, with what it takes to start
	uint64_t ring;       // the other's ring that ended it, from 1 on
};

struct party {
	struct party_terms terms;
	// All of them, noted or not.
	struct party_sum work, rings, rests;
	struct party_sum start;   // from the begin of the other's ring to the look: N + S
	struct party_sum latency; // C: from the begin of a message's work to the end of its consumption
	uint64_t begin, end;      // of all
	uint64_t busy;            // time in work, rings, starts and polling
	uint64_t peak;            // most messages in the ring when P looked, and it went on
	uint64_t spurious;        // rests that ended with nothing to do
	struct party_sum interrupted; // steps of its work in which an interrupt came: none of that is work of its own
	uint64_t lost, consumed;  // P: messages; what C had consumed when P ended
	uint64_t found;           // by look-ups
	const struct routes *routes; // that they look into
	// Where to note: arrays of terms.messages, rings and rests of one more; or NULL. Of more rests only
	// the first are there.
	struct party_work *works;
	struct party_ring *ring_log;
	struct party_rest *rest_log;
};

// How many rests rest_log holds.
static inline uint64_t party_rest_room(const struct party *party)
{
	return party->terms.messages + 1;
}

// What the place where it runs can do.
struct party_place {
	uint64_t (*now)(void);
	void (*relax)(void);            // in loops that wait for the clock or the other
	void (*ring)(void *);           // the other's doorbell
	void (*rest)(void *);           // until the own doorbell rings; returns at once if it has since the last time
	void (*idle)(void *, uint64_t); // until that time
	const volatile uint64_t *interrupts; // a count of those that it sees; or NULL
	void *data;
};

// begun: when each message in the ring was begun, an array of L times.
void party_run(struct party *party, enum channel_party which, struct channel *channel, uint64_t *begun,
	       const struct party_place *place);

// One end of a channel, as party_run() takes it.
struct party_end {
	struct party *party;
	struct channel *channel;
	uint64_t *begun;
	const struct party_place *place;
};

// Both in one thread, which is C of a channel and P of the next: it hands each message on.
void party_relay(const struct party_end *from, const struct party_end *to);

#endif
