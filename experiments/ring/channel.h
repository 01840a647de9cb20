// A ring in memory that a producer and a consumer share: two threads, two processes, a VM and its host, or two VMs.
// For freestanding programs, too. What a message is, and how a doorbell is rung, is the caller's.
//
// What one party tells the other stands in its own cache line, the Communication Status Block (L. Rizzo et al. 2013),
// and is read without any notification. Doorbells are for those who rest, and only when there is enough for them:
// each says at which count of the other's it wants to be rung (as virtio's EVENT_IDX). Who arms its doorbell
// looks at the ring once more before it rests: what came before the other could see it is found then.

#ifndef CHANNEL_H
#define CHANNEL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum channel_party {
	CHANNEL_P,
	CHANNEL_C,
};

// Written by one party.
struct channel_line {
	_Atomic uint64_t count; // messages that it has produced or consumed
	_Atomic uint64_t wake_at; // the other's count at which it wants to be rung; 0: it does not rest
	_Atomic uint64_t rings; // how often it has rung
	_Atomic uint64_t rung_at; // when it last began to
	_Atomic uint64_t ended; // its count is the last
} __attribute__((aligned(64)));

struct channel {
	struct channel_line line[2];
	uint64_t slots, kP, kC; // L; 1 <= kP, kC <= L; constant
} __attribute__((aligned(64)));

static inline void channel_init(struct channel *channel, uint64_t slots, uint64_t kP, uint64_t kC)
{
	*channel = (struct channel){ .slots = slots, .kP = kP, .kC = kC };
}

// Messages that P has published and C has not consumed yet, 0..L.
static inline uint64_t channel_queued(struct channel *channel)
{
	// C's count never exceeds P's: read it first.
	const uint64_t consumed = channel->line[CHANNEL_C].count;

	return channel->line[CHANNEL_P].count - consumed;
}

// What a party may do without waiting: P: free slots, C: messages. Of what it has not published itself it keeps count.
static inline uint64_t channel_available(struct channel *channel, enum channel_party party)
{
	if (party == CHANNEL_P)
		return channel->slots - (channel->line[CHANNEL_P].count - channel->line[CHANNEL_C].count);
	return channel->line[CHANNEL_P].count - channel->line[CHANNEL_C].count;
}

// The party has produced or consumed so many more. True: the other rests, and is to be rung now.
static inline bool channel_publish(struct channel *channel, enum channel_party party, uint64_t messages)
{
	const uint64_t before = channel->line[party].count;
	uint64_t wake_at;

	channel->line[party].count = before + messages;
	// After the count can be seen: against channel_arm().
	wake_at = channel->line[!party].wake_at;
	return before < wake_at && wake_at <= before + messages;
}

// Before a party rests. False: it can go on after all, and must not rest.
static inline bool channel_arm(struct channel *channel, enum channel_party party)
{
	const uint64_t own = channel->line[party].count;

	channel->line[party].wake_at = party == CHANNEL_P ? own - channel->slots + channel->kC : own + channel->kP;
	// After it can be seen: against channel_publish().
	if (!channel_available(channel, party))
		return true;
	channel->line[party].wake_at = 0;
	return false;
}

// After a rest, whatever ended it.
static inline void channel_disarm(struct channel *channel, enum channel_party party)
{
	channel->line[party].wake_at = 0;
}

#endif
