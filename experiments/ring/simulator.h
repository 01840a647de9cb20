// Events of producer, ring and consumer, one after the other: what ../../cgroup-tools/plan/ring.h says in equations, and what it
// cannot say: jitter, sleeping, reservations. Integers, in ns or any other unit.
//
// At equal times work is done before anybody looks at the ring. A slot is free again when its message is consumed. A
// start-up begins when the notification ends.

#ifndef SIMULATOR_H
#define SIMULATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "plan/ring.h"
#include "supply.h"

enum simulator_side {
	SIMULATOR_P,
	SIMULATOR_C,
};

// What a party does when it cannot go on.
enum simulator_wait {
	SIMULATOR_NOTIFIED, // it rests until the other notifies it
	SIMULATOR_POLLING,  // it looks again all the time
	SIMULATOR_SLEEPING, // it looks again after a fixed time, and is not notified
};

// What is recorded, each a time.
enum simulator_sample {
	SIMULATOR_START,   // S: from the end of a notification to the first look at the ring
	SIMULATOR_LATENCY, // of a message, from the start of its own production until it is consumed
};

struct simulator_party {
	enum simulator_wait wait;
	int64_t sleep;  // Y
	int64_t jitter; // its work is W - jitter to W + jitter, each value as likely; below W
	struct supply_terms supply;
};

struct simulator_setup {
	struct ring ring; // keeps ring_rule()
	struct simulator_party party[2];
	uint64_t seed;
	void (*record)(void *to, enum simulator_sample sample, enum simulator_side side, int64_t value); // NULL: nobody
	void *to;
};

// Of each side, since the start.
struct simulator_counts {
	int64_t messages, notifications;
	int64_t work;           // own work, notifying, starting, polling: each counted when it begins
	int64_t waits, waited;  // how often it could not go on, and for how long
};

struct simulator {
	struct simulator_setup setup;
	struct simulator_counts counts[2];
	int64_t now, queued, peak;
	struct simulator_state {
		enum {
			WORKING,
			NOTIFYING,
			STARTING,
			RESTING,
			LOOKING,
			ASLEEP,
		} phase;
		int64_t until; // INT64_MAX: until the other does something
		int64_t since;
		struct supply supply;
	} state[2];
	uint64_t random;
	int64_t *started; // a time for each message in the ring
	uint64_t mask;
};

// False: no memory. To be ended with simulator_end().
bool simulator_start(struct simulator *simulator, const struct simulator_setup *setup);
void simulator_end(struct simulator *simulator);

// Until P has produced so many messages.
void simulator_run(struct simulator *simulator, int64_t messages);

// Until a side begins its next notification, or P has produced so many messages: then it is false.
bool simulator_run_to_notification(struct simulator *simulator, enum simulator_side side, int64_t messages);

// The L with which P, as it was until now, would just not have had to wait; if it has not.
int64_t simulator_slots(const struct simulator *simulator);

#endif
