#include "simulator.h"

#include <stdlib.h>

#include "../lib/chance.h"

static const struct ring *ring_of(const struct simulator *sim)
{
	return &sim->setup.ring;
}

static int64_t of(enum simulator_side side, int64_t producer, int64_t consumer)
{
	return side == SIMULATOR_P ? producer : consumer;
}

static void record(struct simulator *sim, enum simulator_sample sample, enum simulator_side side, int64_t value)
{
	if (sim->setup.record)
		sim->setup.record(sim->setup.to, sample, side, value);
}

static bool can_go_on(const struct simulator *sim, enum simulator_side side)
{
	return side == SIMULATOR_P ? sim->queued < ring_of(sim)->L : sim->queued > 0;
}

// There is so much for the other that it is worth a notification.
static bool is_worth_it(const struct simulator *sim, enum simulator_side other)
{
	if (other == SIMULATOR_C)
		return sim->queued >= ring_of(sim)->kP;
	return ring_of(sim)->L - sim->queued >= ring_of(sim)->kC;
}

static void begin(struct simulator *sim, enum simulator_side side, int phase, int64_t from, int64_t work)
{
	struct simulator_state *state = &sim->state[side];

	sim->counts[side].work += work;
	state->phase = phase;
	state->until = supply_run(&state->supply, from, work);
}

static void begin_work(struct simulator *sim, enum simulator_side side)
{
	const struct ring *ring = ring_of(sim);
	const int64_t jitter = sim->setup.party[side].jitter;
	int64_t work = of(side, ring->WP, ring->WC);

	if (jitter)
		work += chance_below(&sim->random, 2 * jitter + 1) - jitter;
	if (side == SIMULATOR_P)
		sim->started[(uint64_t)sim->counts[side].messages & sim->mask] = sim->now;
	begin(sim, side, WORKING, sim->now, work);
}

static void begin_wait(struct simulator *sim, enum simulator_side side)
{
	static const int phases[] = {
		[SIMULATOR_NOTIFIED] = RESTING, [SIMULATOR_POLLING] = LOOKING, [SIMULATOR_SLEEPING] = ASLEEP,
	};
	const struct simulator_party *party = &sim->setup.party[side];
	struct simulator_state *state = &sim->state[side];

	state->phase = phases[party->wait];
	state->since = sim->now;
	state->until = INT64_MAX;
	sim->counts[side].waits++;
	// Its timer is no event: it looks when it next has its CPU.
	if (party->wait == SIMULATOR_SLEEPING)
		state->until = supply_run(&state->supply, sim->now + party->sleep, 0);
}

static void end_wait(struct simulator *sim, enum simulator_side side)
{
	const int64_t waited = sim->now - sim->state[side].since;

	sim->counts[side].waited += waited;
	if (sim->state[side].phase == LOOKING)
		sim->counts[side].work += waited;
}

static void look(struct simulator *sim, enum simulator_side side)
{
	if (side == SIMULATOR_P && sim->queued > sim->peak)
		sim->peak = sim->queued;
	if (can_go_on(sim, side))
		begin_work(sim, side);
	else
		begin_wait(sim, side);
}

static void notify(struct simulator *sim, enum simulator_side other)
{
	const struct ring *ring = ring_of(sim);
	struct simulator_state *state = &sim->state[other];

	end_wait(sim, other);
	state->since = sim->now;
	supply_event(&state->supply, sim->now);
	begin(sim, other, STARTING, sim->now + of(other, ring->DP, ring->DC), of(other, ring->SP, ring->SC));
}

static void finish_message(struct simulator *sim, enum simulator_side side)
{
	const uint64_t nth = (uint64_t)sim->counts[side].messages++;

	if (side == SIMULATOR_P) {
		sim->queued++;
	} else {
		sim->queued--;
		record(sim, SIMULATOR_LATENCY, side, sim->now - sim->started[nth & sim->mask]);
	}
}

static void end_phase(struct simulator *sim, enum simulator_side side)
{
	const enum simulator_side other = !side;
	struct simulator_state *state = &sim->state[side];

	switch (state->phase) {
	case WORKING:
		if (sim->state[other].phase != RESTING || !is_worth_it(sim, other))
			break;
		sim->counts[side].notifications++;
		begin(sim, side, NOTIFYING, sim->now, of(side, ring_of(sim)->NP, ring_of(sim)->NC));
		return;
	case NOTIFYING:
		notify(sim, other);
		break;
	case STARTING:
		record(sim, SIMULATOR_START, side, sim->now - state->since);
		break;
	default:
		end_wait(sim, side);
		break;
	}
	look(sim, side);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void step(struct simulator *sim)
{
	bool ends[2];

	sim->now = earlier(sim->state[SIMULATOR_P].until, sim->state[SIMULATOR_C].until);
	for (int side = 0; side < 2; side++) {
		ends[side] = sim->state[side].until == sim->now;
		if (ends[side] && sim->state[side].phase == WORKING)
			finish_message(sim, side);
	}
	for (int side = 0; side < 2; side++)
		if (ends[side] || (sim->state[side].phase == LOOKING && can_go_on(sim, side)))
			end_phase(sim, side);
}

bool simulator_start(struct simulator *sim, const struct simulator_setup *setup)
{
	uint64_t size = 1;

	// One that is being produced may be beside those in the ring.
	while (size < (uint64_t)setup->ring.L + 1)
		size *= 2;
	*sim = (struct simulator){ .setup = *setup, .random = setup->seed, .mask = size - 1 };
	sim->started = calloc(size, sizeof(*sim->started));
	if (!sim->started)
		return false;
	for (int side = 0; side < 2; side++)
		supply_start(&sim->state[side].supply, &setup->party[side].supply);
	begin_wait(sim, SIMULATOR_C);
	begin_work(sim, SIMULATOR_P);
	return true;
}

void simulator_end(struct simulator *sim)
{
	free(sim->started);
}

void simulator_run(struct simulator *sim, int64_t messages)
{
	while (sim->counts[SIMULATOR_P].messages < messages)
		step(sim);
}

bool simulator_run_to_notification(struct simulator *sim, enum simulator_side side, int64_t messages)
{
	const int64_t before = sim->counts[side].notifications;

	while (sim->counts[side].notifications == before) {
		if (sim->counts[SIMULATOR_P].messages >= messages)
			return false;
		step(sim);
	}
	return true;
}

int64_t simulator_slots(const struct simulator *sim)
{
	return sim->peak + 1;
}
