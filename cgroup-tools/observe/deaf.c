// SPDX-License-Identifier: GPL-2.0
#include "observe/deaf.h"

#include <errno.h>
#include <stdlib.h>

static bool push(struct deaf *deaf, uint64_t time)
{
	const size_t room = deaf->room ? 2 * deaf->room : 16;
	uint64_t *pending;

	if (deaf->nr == deaf->room) {
		pending = reallocarray(deaf->pending, room, sizeof(*pending));
		if (!pending)
			return false;
		deaf->pending = pending;
		deaf->room = room;
	}
	deaf->pending[deaf->nr++] = time;
	return true;
}

/* Records of two CPUs may be in the wrong order by a moment. */
static uint64_t since(uint64_t time, uint64_t from)
{
	return time > from ? time - from : 0;
}

static bool hear(struct deaf *deaf, uint64_t came, const struct observe_record *record)
{
	const struct replay_event waited = {
		.time = came, .end = came + since(record->time, came), .need = REPLAY_ENDLESS,
		.vcpu = deaf->vcpu, .cpu = record->cpu,
	};
	long place;

	waits_add(deaf->waits, since(record->time, came));
	place = replay_add(deaf->replay, &waited);
	if (place < 0)
		return errno != ENOMEM;
	if (deaf->first > deaf->last)
		deaf->first = place;
	deaf->last = place;
	return true;
}

static bool run(struct deaf *deaf, const struct observe_record *record)
{
	bool heard = true;
	size_t i;

	if (!deaf->serving) {
		deaf->first = 0;
		deaf->last = -1;
		deaf->ran = 0;
	}
	for (i = 0; i < deaf->nr && heard; i++)
		heard = hear(deaf, deaf->pending[i], record);
	deaf->nr = 0;
	deaf->serving = true;
	if (!deaf->runs_since)
		deaf->runs_since = record->time;
	return heard;
}

static void stop(struct deaf *deaf, uint64_t time)
{
	if (deaf->runs_since)
		deaf->ran += since(time, deaf->runs_since);
	deaf->runs_since = 0;
}

/* The first answer tells how long one takes; other vCPUs have their events in between. */
static void answer(struct deaf *deaf, uint64_t time)
{
	long i;

	stop(deaf, time);
	for (i = deaf->first; deaf->serving && i <= deaf->last; i++)
		if (deaf->replay->events[i].vcpu == deaf->vcpu && deaf->replay->events[i].need == REPLAY_ENDLESS)
			deaf->replay->events[i].need = deaf->ran;
	deaf->serving = false;
}

bool deaf_take(struct deaf *deaf, const struct observe_record *record)
{
	int i;

	for (i = 0; i < record->nr_came; i++)
		if (record->came[i] && !push(deaf, record->came[i]))
			return false;
	switch (record->kind) {
	case OBSERVE_RUNS:
		return run(deaf, record);
	case OBSERVE_STOPS:
		stop(deaf, record->time);
		return true;
	case OBSERVE_REPLIES:
	case OBSERVE_HALTS:
		answer(deaf, record->time);
		return true;
	default:
		return true;
	}
}

void deaf_free(struct deaf *deaf)
{
	free(deaf->pending);
	deaf->pending = NULL;
	deaf->nr = deaf->room = 0;
}
