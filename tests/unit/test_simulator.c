// sources: experiments/ring/simulator.c experiments/ring/supply.c
#include "unit.h"
#include "../../experiments/lib/chance.h"
#include "../../experiments/ring/simulator.h"
#include "plan/latency.h"
#include "host/units.h"

#define US ((int64_t)NSEC_PER_USEC)
#define MS ((int64_t)NSEC_PER_MSEC)

enum { CASES = 12000, CYCLES = 3 };

/* Costs of a few sizes, so that all regimes are met, and equal times too. */
static struct ring random_ring(uint64_t *random)
{
	static const int64_t starts[] = { 1, 300, 60000 }, works[] = { 6, 400 };
	int64_t L = 1 + chance_below(random, 200), work = works[chance_below(random, 2)];

	return (struct ring){
		.L = L, .WP = 1 + chance_below(random, work), .WC = 1 + chance_below(random, work),
		.kP = 1 + chance_below(random, L), .kC = 1 + chance_below(random, L),
		.NP = chance_below(random, 3000), .NC = chance_below(random, 3000),
		.SP = chance_below(random, starts[chance_below(random, 3)]), .DP = chance_below(random, 2) * chance_below(random, 500),
		.SC = chance_below(random, starts[chance_below(random, 3)]), .DC = chance_below(random, 2) * chance_below(random, 500),
	};
}

struct progress {
	int64_t now, messages, work;
};

static struct progress progress(const struct simulator *sim)
{
	return (struct progress){ sim->now, sim->counts[SIMULATOR_P].messages,
		sim->counts[SIMULATOR_P].work + sim->counts[SIMULATOR_C].work };
}

static void assert_fraction(struct fraction a, __int128 num, __int128 den)
{
	assert_int_equal(fraction_compare(a, fraction(num, den)), 0);
}

static void assert_cycle(const struct ring *r, enum ring_regime regime, struct progress from, struct progress to)
{
	const int64_t messages = to.messages - from.messages;

	assert_fraction(ring_time(r, regime), to.now - from.now, messages);
	assert_fraction(ring_work(r, regime), to.work - from.work, messages);
}

static void assert_as_the_model_says(const struct ring *r)
{
	const enum ring_regime regime = ring_regime(r);
	const enum simulator_side side = regime == RING_FP ? SIMULATOR_C : SIMULATOR_P;
	const struct simulator_setup setup = { .ring = *r };
	struct simulator sim;
	struct progress from;

	assert_true(simulator_start(&sim, &setup));
	if (regime == RING_LOCKSTEP) {
		/* Nobody notifies any more once both are at work. */
		simulator_run(&sim, 200000 / r->WP + 1000);
		from = progress(&sim);
		simulator_run(&sim, from.messages + 1);
		assert_cycle(r, regime, from, progress(&sim));
		simulator_end(&sim);
		return;
	}
	for (int i = 0; i < 3; i++)
		assert_true(simulator_run_to_notification(&sim, side, INT64_MAX));
	for (int i = 0; i < CYCLES; i++) {
		from = progress(&sim);
		assert_true(simulator_run_to_notification(&sim, side, INT64_MAX));
		assert_int_equal(sim.counts[SIMULATOR_P].messages - from.messages, ring_messages(r, regime));
		assert_cycle(r, regime, from, progress(&sim));
	}
	simulator_end(&sim);
}

static void is_the_model_in_12000_random_rings(void **state)
{
	unsigned int seen[RING_LOCKSTEP + 1] = { 0 };
	uint64_t random = 42;

	(void)state;
	for (int i = 0; i < CASES; i++) {
		struct ring r = random_ring(&random);

		assert_null(ring_rule(&r));
		seen[ring_regime(&r)]++;
		assert_as_the_model_says(&r);
	}
	for (int regime = RING_FC; regime <= RING_LOCKSTEP; regime++)
		assert_true(seen[regime] > 100);
}

struct samples {
	int64_t count[2], sum[2], most[2];
	int64_t above[120]; /* S, in ms */
};

static void record(void *to, enum simulator_sample sample, enum simulator_side side, int64_t value)
{
	struct samples *samples = to;

	if (sample == SIMULATOR_START && side == SIMULATOR_P)
		return;
	samples->count[sample]++;
	samples->sum[sample] += value;
	if (value > samples->most[sample])
		samples->most[sample] = value;
	for (int i = 0; sample == SIMULATOR_START && i < 120 && value > i * MS; i++)
		samples->above[i]++;
}

/* After so many messages; to be ended. */
static struct simulator simulated(struct simulator_setup setup, int64_t messages, struct samples *samples)
{
	struct simulator sim;

	*samples = (struct samples){ 0 };
	setup.record = record;
	setup.to = samples;
	assert_null(ring_rule(&setup.ring));
	assert_true(simulator_start(&sim, &setup));
	simulator_run(&sim, messages);
	return sim;
}

static void latencies_are_as_the_model_says(void **state)
{
	uint64_t random = 43;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct simulator_setup setup = { .ring = random_ring(&random) };
		struct samples samples;
		enum ring_regime regime;
		struct simulator sim;

		setup.ring.L += 2;
		setup.ring.kP = 1;
		regime = ring_regime(&setup.ring);
		if (regime == RING_FP || regime == RING_LOCKSTEP)
			continue;
		sim = simulated(setup, 3000, &samples);
		simulator_end(&sim);
		if (regime == RING_FC)
			assert_int_equal(samples.most[SIMULATOR_LATENCY], ring_latency(&setup.ring, RING_FC));
		else
			assert_true(samples.most[SIMULATOR_LATENCY] <= ring_latency(&setup.ring, regime));
	}
}

static void polling_is_as_the_model_says(void **state)
{
	uint64_t random = 44;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct simulator_setup setup = { .ring = random_ring(&random), .party = { { .wait = SIMULATOR_POLLING },
			{ .wait = SIMULATOR_POLLING } } };
		struct samples samples;
		struct simulator sim;
		struct progress from;

		setup.ring.L++;
		sim = simulated(setup, 1000 + 400 * setup.ring.L, &samples);
		from = progress(&sim);
		simulator_run(&sim, from.messages + 100);
		assert_fraction(ring_time(&setup.ring, RING_GP), sim.now - from.now, 100);
		assert_fraction(ring_work(&setup.ring, RING_GP), progress(&sim).work - from.work, 100);
		assert_true(samples.most[SIMULATOR_LATENCY] <= ring_latency(&setup.ring, RING_GP));
		assert_int_equal(sim.counts[SIMULATOR_P].notifications + sim.counts[SIMULATOR_C].notifications, 0);
		simulator_end(&sim);
	}
}

static void a_sleep_by_the_formula_keeps_pace_and_target(void **state)
{
	struct simulator_setup setup = { .ring = { .L = 256, .WP = 20 * US, .WC = 5 * US, .kP = 1, .kC = 1 },
		.party[SIMULATOR_C].wait = SIMULATOR_SLEEPING };
	struct samples samples;
	struct simulator sim;

	(void)state;
	for (int64_t target = 50 * US; target < 5150 * US; target += 25 * US) {
		setup.party[SIMULATOR_C].sleep = ring_sleep(&setup.ring, target) - 1;
		sim = simulated(setup, 20000, &samples);
		simulator_end(&sim);
		assert_int_equal(sim.now, 20000 * 20 * US);
		assert_true(samples.most[SIMULATOR_LATENCY] <= target);
		assert_int_equal(sim.counts[SIMULATOR_P].notifications, 0);
	}
	/* Too long: P has to wait. */
	setup.party[SIMULATOR_C].sleep = 6 * MS;
	sim = simulated(setup, 20000, &samples);
	simulator_end(&sim);
	assert_true(sim.counts[SIMULATOR_P].waits > 0);
}

static struct simulator_setup reserved(enum supply_place place, bool spare, enum supply_place spare_place)
{
	return (struct simulator_setup){
		.ring = { .L = 10000, .WP = 20 * US, .WC = 5 * US, .kP = 1, .kC = 1 },
		.seed = 1,
		.party[SIMULATOR_C].supply = {
			.own = { 40 * MS, 100 * MS }, .place = place, .seed = 2,
			.spare = { spare ? 4 * MS : 0, spare ? 10 * MS : 0 }, .spare_place = spare_place,
			.until_dispatched = true, .at_throttle = true,
		},
	};
}

static int64_t slots_of(struct simulator_setup setup, int64_t messages)
{
	struct samples samples;
	struct simulator sim = simulated(setup, messages, &samples);

	assert_int_equal(sim.counts[SIMULATOR_P].waits, 0);
	simulator_end(&sim);
	return simulator_slots(&sim);
}

/* The table of ring-model.md, section 2. */
static void smallest_rings_that_never_block(void **state)
{
	struct simulator_setup setup = reserved(SUPPLY_ALTERNATING, true, SUPPLY_LATE);
	int64_t slots;

	(void)state;
	assert_int_equal(slots_of(reserved(SUPPLY_EARLY, false, SUPPLY_LATE), 500000), 3002);
	assert_int_equal(slots_of(reserved(SUPPLY_ALTERNATING, false, SUPPLY_LATE), 500000), 6002);
	assert_int_equal(slots_of(reserved(SUPPLY_EARLY, true, SUPPLY_LATE), 500000), 302);
	assert_int_equal(slots_of(reserved(SUPPLY_EARLY, true, SUPPLY_EARLY), 500000), 302);
	assert_int_equal(slots_of(reserved(SUPPLY_ALTERNATING, true, SUPPLY_LATE), 500000), 302);
	slots = slots_of(reserved(SUPPLY_ALTERNATING, true, SUPPLY_RANDOM), 1500000);
	assert_in_range(slots, 580, 602);
	setup.party[SIMULATOR_C].supply.until_dispatched = false;
	assert_int_equal(slots_of(setup, 500000), 3002);
}

static void a_slot_less_blocks(void **state)
{
	struct simulator_setup setup = reserved(SUPPLY_EARLY, true, SUPPLY_LATE);
	struct samples samples;
	struct simulator sim;

	(void)state;
	setup.ring.L = 301;
	sim = simulated(setup, 100000, &samples);
	simulator_end(&sim);
	assert_true(sim.counts[SIMULATOR_P].waits > 0);
	setup.ring.L = 302;
	sim = simulated(setup, 100000, &samples);
	simulator_end(&sim);
	assert_int_equal(sim.counts[SIMULATOR_P].waits, 0);
}

/* Who is throttled in the middle of a message gets no other event: it stalls until its own next budget. */
static void without_the_loan_at_throttle_the_ring_stalls(void **state)
{
	struct simulator_setup setup = reserved(SUPPLY_ALTERNATING, true, SUPPLY_LATE);
	struct samples samples;
	struct simulator sim;

	(void)state;
	setup.ring.L = 330;
	setup.party[SIMULATOR_P].jitter = 5 * US;
	sim = simulated(setup, 500000, &samples);
	simulator_end(&sim);
	assert_int_equal(sim.counts[SIMULATOR_P].waits, 0);
	assert_true(samples.most[SIMULATOR_LATENCY] <= 6 * MS + 30 * US);
	setup.party[SIMULATOR_C].supply.at_throttle = false;
	sim = simulated(setup, 500000, &samples);
	simulator_end(&sim);
	assert_true(sim.counts[SIMULATOR_P].waited > sim.now / 20);
	assert_true(samples.most[SIMULATOR_LATENCY] > 59 * MS);
}

/* A guest that sends: P has the reservation, and C never finds the ring empty again. */
static void the_smallest_ring_of_a_sender(void **state)
{
	struct simulator_setup setup = reserved(SUPPLY_EARLY, true, SUPPLY_LATE);
	struct samples samples;
	struct simulator sim;
	int64_t waits;

	(void)state;
	setup.ring.WP = 5 * US;
	setup.ring.WC = 20 * US;
	setup.ring.L = ring_slots(&setup.ring, RING_PRODUCER, 6 * MS);
	setup.party[SIMULATOR_P].supply = setup.party[SIMULATOR_C].supply;
	setup.party[SIMULATOR_C].supply = (struct supply_terms){ 0 };
	sim = simulated(setup, 20000, &samples);
	waits = sim.counts[SIMULATOR_C].waits;
	simulator_run(&sim, 200000);
	assert_int_equal(sim.counts[SIMULATOR_C].waits, waits);
	simulator_end(&sim);
	setup.ring.L -= 5;
	sim = simulated(setup, 200000, &samples);
	simulator_end(&sim);
	assert_true(sim.counts[SIMULATOR_C].waits > waits);
}

static void assert_near(double a, double b, double most)
{
	if (!(a >= b - most && a <= b + most))
		fail_msg("%g is not within %g of %g", a, most, b);
}

/* One message now and then, at random moments: each S is one of latency.h's delays. */
static void delays_follow_the_laws(void **state)
{
	static const struct {
		enum supply_place place;
		enum latency_supply supply;
	} laws[] = {
		{ SUPPLY_EARLY, LATENCY_EARLY }, { SUPPLY_RANDOM, LATENCY_RANDOM }, { SUPPLY_ALTERNATING, LATENCY_ALTERNATING },
	};
	const struct reservation own = { 40 * MS, 100 * MS };
	struct samples samples;
	struct simulator sim;

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct simulator_setup setup = reserved(laws[i].place, false, SUPPLY_LATE);

		setup.ring.WP = 1000 * MS;
		setup.party[SIMULATOR_P].jitter = 500 * MS;
		sim = simulated(setup, 40000, &samples);
		simulator_end(&sim);
		assert_near((double)samples.sum[SIMULATOR_START] / samples.count[SIMULATOR_START],
			    fraction_double(latency_mean(own, laws[i].supply)), 0.6 * MS);
		for (int ms = 0; ms < 120; ms++)
			assert_near((double)samples.above[ms] / samples.count[SIMULATOR_START],
				    fraction_double(latency_exceeds(own, laws[i].supply, ms * MS)), 0.01);
		setup = reserved(laws[i].place, true, SUPPLY_LATE);
		setup.ring.WP = 1000 * MS;
		setup.party[SIMULATOR_P].jitter = 500 * MS;
		sim = simulated(setup, 40000, &samples);
		simulator_end(&sim);
		assert_in_range(samples.most[SIMULATOR_START], 59 * MS / 10, 6 * MS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_the_model_in_12000_random_rings),
		cmocka_unit_test(latencies_are_as_the_model_says),
		cmocka_unit_test(polling_is_as_the_model_says),
		cmocka_unit_test(a_sleep_by_the_formula_keeps_pace_and_target),
		cmocka_unit_test(smallest_rings_that_never_block),
		cmocka_unit_test(a_slot_less_blocks),
		cmocka_unit_test(without_the_loan_at_throttle_the_ring_stalls),
		cmocka_unit_test(the_smallest_ring_of_a_sender),
		cmocka_unit_test(delays_follow_the_laws),
	};

	return cmocka_run_group_tests_name("simulator", tests, NULL, NULL);
}
