#include "party.h"

#include "../lib/chance.h"

// A party at work.
struct running {
	struct party *party;
	enum channel_party which;
	struct channel *channel;
	uint64_t *begun;
	const struct party_place *place;
	uint64_t done;      // messages, of which
	uint64_t published; // these
	uint64_t rung;      // the end of the last ring
	bool owes_ring;     // that moderation has put off
	uint64_t random;
};

static void add(struct party_sum *sum, uint64_t value)
{
	sum->count++;
	sum->sum += value;
	if (value > sum->most)
		sum->most = value;
}

static uint64_t now(const struct running *r)
{
	return r->place->now();
}

static uint64_t interrupts(const struct running *r)
{
	return r->place->interrupts ? *r->place->interrupts : 0;
}

// Each relax() is a turn of the emulator's, which are slow.
static void step(const struct running *r, uint64_t loops)
{
	for (; loops; loops--)
		asm volatile("");
	r->place->relax();
}

// For so long of its own time, which neither a preemption nor an interrupt counts to.
static void spin(const struct running *r, uint64_t ticks)
{
	uint64_t last = now(r), next, before, passed;

	for (uint64_t spun = 0; spun < ticks; last = next) {
		before = interrupts(r);
		step(r, r->party->terms.loops);
		next = now(r);
		passed = next - last;
		if (interrupts(r) != before)
			add(&r->party->interrupted, passed);
		else if (passed < r->party->terms.preempted)
			spun += passed;
	}
}

static uint64_t available(const struct running *r)
{
	return channel_available(r->channel, r->which) - (r->done - r->published);
}

static void ring(struct running *r)
{
	struct party *party = r->party;
	struct channel_line *line = &r->channel->line[r->which];
	const uint64_t begin = now(r);

	line->rung_at = begin;
	line->rings++;
	r->place->ring(r->place->data);
	r->rung = now(r);
	r->owes_ring = false;
	if (party->ring_log)
		party->ring_log[party->rings.count] = (struct party_ring){ begin, r->rung };
	add(&party->rings, r->rung - begin);
	party->busy += r->rung - begin;
}

static void publish(struct running *r)
{
	if (r->done == r->published)
		return;
	r->owes_ring |= channel_publish(r->channel, r->which, r->done - r->published);
	r->published = r->done;
}

static void ring_if_owed(struct running *r, bool at_once)
{
	if (r->owes_ring && (at_once || now(r) - r->rung >= r->party->terms.moderate))
		ring(r);
}

// Who sleeps, or is rung too early, may do so more often than there is room for.
static void note_rest(struct party *party, struct party_rest rest)
{
	if (party->rest_log && party->rests.count < party_rest_room(party))
		party->rest_log[party->rests.count] = rest;
	add(&party->rests, rest.end - rest.begin);
}

static void rest(struct running *r)
{
	struct party *party = r->party;
	struct channel_line *other = &r->channel->line[!r->which];
	const uint64_t begin = now(r);
	uint64_t woken, end;

	if (!channel_arm(r->channel, r->which))
		return;
	r->place->rest(r->place->data);
	channel_disarm(r->channel, r->which);
	woken = now(r);
	spin(r, party->terms.start);
	end = now(r);
	party->busy += end - woken;
	note_rest(party, (struct party_rest){ begin, end, other->rings });
	add(&party->start, end - other->rung_at);
	party->spurious += !available(r);
}

// Nobody else would publish or ring what it still holds.
static void wait(struct running *r)
{
	struct party *party = r->party;
	uint64_t begin = now(r);

	publish(r);
	ring_if_owed(r, true);
	switch (party->terms.wait) {
	case PARTY_NOTIFIED:
		rest(r);
		return;
	case PARTY_SLEEPING:
		r->place->idle(r->place->data, begin + party->terms.sleep);
		break;
	default:
		while (!available(r) && !r->channel->line[!r->which].ended)
			r->place->relax();
		party->busy += now(r) - begin;
		break;
	}
	note_rest(party, (struct party_rest){ begin, now(r), 0 });
}

static void pause_before(struct running *r, uint64_t nth)
{
	const struct party_terms *terms = &r->party->terms;
	uint64_t gap = terms->gap;

	while (terms->every && now(r) < r->party->begin + nth * terms->every)
		step(r, 100);
	if (!gap)
		return;
	if (terms->gap_spread)
		gap += chance_below(&r->random, terms->gap_spread);
	r->place->idle(r->place->data, now(r) + gap);
}

static void look_up(struct running *r)
{
	struct party *party = r->party;
	const uint64_t first = r->done * party->terms.lookups;

	for (uint64_t i = 0; i < party->terms.lookups; i++)
		party->found += !!routes_find(party->routes, party->routes->route[1 + (first + i) % ROUTES].address);
}

static void handle_message(struct running *r)
{
	struct party *party = r->party;
	uint64_t *begun = &r->begun[r->done % r->channel->slots];
	const uint64_t begin = now(r);
	uint64_t end, since = 0;

	if (r->which == CHANNEL_P)
		*begun = begin;
	else
		since = *begun;
	spin(r, party->terms.work);
	look_up(r);
	r->done++;
	if (r->done - r->published >= party->terms.combine || r->done == party->terms.messages)
		publish(r);
	end = now(r);
	if (r->which == CHANNEL_C)
		add(&party->latency, end - since);
	if (party->works)
		party->works[party->work.count] = (struct party_work){ begin, end };
	add(&party->work, end - begin);
	party->busy += end - begin;
}

// False: there is nothing to wait for, the message is lost or the other's last was handled.
static bool look(struct running *r)
{
	const struct channel_line *other = &r->channel->line[!r->which];
	uint64_t queued;

	while (!available(r)) {
		// What it did before its end is there to be seen then.
		if (r->party->terms.every || (other->ended && !available(r)))
			return false;
		wait(r);
	}
	if (r->which != CHANNEL_P)
		return true;
	queued = channel_queued(r->channel) + r->done - r->published;
	if (queued > r->party->peak)
		r->party->peak = queued;
	return true;
}

// The last ones may be fewer than the other wants to be rung for.
static void finish(struct running *r)
{
	r->party->consumed = r->channel->line[CHANNEL_C].count;
	publish(r);
	r->channel->line[r->which].ended = true;
	if (r->which == CHANNEL_P)
		ring(r);
	r->party->end = now(r);
}

void party_run(struct party *party, enum channel_party which, struct channel *channel, uint64_t *begun,
	       const struct party_place *place)
{
	struct running r = { .party = party, .which = which, .channel = channel, .begun = begun, .place = place };

	party->begin = now(&r);
	for (uint64_t nth = 1; nth <= party->terms.messages; nth++) {
		pause_before(&r, nth);
		if (look(&r))
			handle_message(&r);
		else if (which == CHANNEL_P)
			party->lost++;
		else
			break;
		r.owes_ring |= party->terms.storms;
		ring_if_owed(&r, nth == party->terms.messages);
	}
	finish(&r);
}

void party_relay(const struct party_end *from, const struct party_end *to)
{
	struct running in = { .party = from->party, .which = CHANNEL_C, .channel = from->channel, .begun = from->begun, .place = from->place };
	struct running out = { .party = to->party, .which = CHANNEL_P, .channel = to->channel, .begun = to->begun, .place = to->place };

	in.party->begin = out.party->begin = now(&in);
	while (in.done < in.party->terms.messages) {
		look(&in);
		look(&out);
		handle_message(&in);
		handle_message(&out);
		ring_if_owed(&in, true);
		ring_if_owed(&out, true);
	}
	finish(&in);
	finish(&out);
}
