#include "unit.h"
#include "plan/ring.h"
#include "host/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define US NSEC_PER_USEC
#define MS NSEC_PER_MSEC

/* The ring of ring-model.md, section 2. */
static const struct ring virtio = { .L = 256, .WP = 20 * US, .WC = 5 * US, .kP = 1, .kC = 1 };

/* (40,100) and a pool of (4,10) ms. */
static const struct reservation own = { 40 * MS, 100 * MS }, spare = { 4 * MS, 10 * MS };

static struct ring_terms terms(unsigned int beta)
{
	return (struct ring_terms){
		.beta = beta, .room = fraction(1, 2), .target = UINT64_MAX, .switch_cost = 5 * US, .overhead = fraction(1, 100),
	};
}

static void assert_fraction(struct fraction a, __int128 num, __int128 den)
{
	assert_int_equal(fraction_compare(a, fraction(num, den)), 0);
	assert_true(a.num == fraction(num, den).num && a.den == fraction(num, den).den);
}

/* 0 to below limit, the same every time. */
static uint64_t random_below(uint64_t limit)
{
	static uint64_t state = 42;

	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (state >> 32) % limit;
}

static struct ring random_ring(void)
{
	int64_t L = 1 + random_below(300);

	return (struct ring){
		.L = L, .WP = 1 + random_below(400), .WC = 1 + random_below(400), .kP = 1 + random_below(L),
		.kC = 1 + random_below(L), .NP = random_below(3000), .NC = random_below(3000),
		.SP = random_below(9) ? random_below(300) : random_below(60000),
		.SC = random_below(9) ? random_below(300) : random_below(60000),
	};
}

static struct ring changed_over(struct ring r)
{
	return (struct ring){ r.L, r.WC, r.WP, r.kC, r.kP, r.NC, r.NP, r.SC, r.SP, r.DC, r.DP };
}

static void fractions_are_in_lowest_terms_and_compare_without_overflow(void **state)
{
	__int128 big = ((__int128)1 << 126) - 1;

	(void)state;
	assert_fraction(fraction(6, -4), -3, 2);
	assert_fraction(fraction(0, 7), 0, 1);
	assert_fraction(fraction_add(fraction(1, 6), fraction(1, 3)), 1, 2);
	assert_fraction(fraction_multiply(fraction(2, 3), fraction(3, 4)), 1, 2);
	assert_int_equal((int)fraction_floor(fraction(-3, 2)), -2);
	assert_int_equal((int)fraction_ceil(fraction(-3, 2)), -1);
	assert_int_equal((int)fraction_floor(fraction(3, 2)), 1);
	assert_int_equal((int)fraction_ceil(fraction(3, 2)), 2);
	assert_true(fraction_compare(fraction(big, big - 1), fraction(big - 1, big - 2)) < 0);
	assert_true(fraction_compare(fraction(-big, big - 1), fraction(-1, 1)) < 0);
	for (int i = -20; i <= 20; i++)
		for (int j = -20; j <= 20; j++)
			assert_int_equal(fraction_compare(fraction(i, 7), fraction(j, 11)), (11 * i > 7 * j) - (11 * i < 7 * j));
}

static void agrees_with_500_simulated_rings(void **state)
{
	static const char *const format = "%7[A-Z],%" SCNd64 ",%" SCNd64 ",%" SCNd64 ",%" SCNd64 ",%" SCNd64 ",%" SCNd64
		",%" SCNd64 ",%" SCNd64 ",%" SCNd64 ",%" SCNd64 ",%" SCNd64 ",%" SCNd64 ",%" SCNd64 ",%" SCNd64;
	int64_t messages, time[2], work[2];
	enum ring_regime regime;
	char line[256], name[8];
	unsigned int seen = 0;
	struct ring r = { 0 };
	FILE *file;

	(void)state;
	file = fopen("ring-vectors.csv", "r");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	while (fgets(line, sizeof(line), file)) {
		assert_int_equal(sscanf(line, format, name, &r.L, &r.WP, &r.WC, &r.kP, &r.kC, &r.NP, &r.NC, &r.SP, &r.SC,
					&messages, &time[0], &time[1], &work[0], &work[1]), 15);
		regime = ring_regime(&r);
		assert_string_equal(ring_regime_name(regime), name);
		assert_int_equal(ring_messages(&r, regime), messages);
		assert_fraction(ring_time(&r, regime), time[0], time[1]);
		assert_fraction(ring_work(&r, regime), work[0], work[1]);
		seen++;
	}
	fclose(file);
	assert_int_equal(seen, 500);
}

static void is_symmetric(void **state)
{
	static const enum ring_regime other[] = {
		[RING_FC] = RING_FP, [RING_FP] = RING_FC, [RING_SCS] = RING_SPS, [RING_SPS] = RING_SCS, [RING_SS] = RING_SS,
		[RING_LOCKSTEP] = RING_LOCKSTEP,
	};

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct ring r = random_ring(), s = changed_over(r);
		enum ring_regime regime = ring_regime(&r);
		struct fraction time = ring_time(&r, regime), work = ring_work(&r, regime);

		assert_null(ring_rule(&r));
		assert_int_equal(ring_regime(&s), other[regime]);
		assert_fraction(ring_time(&s, other[regime]), time.num, time.den);
		assert_fraction(ring_work(&s, other[regime]), work.num, work.den);
		assert_int_equal(ring_room(&s, RING_PRODUCER), ring_room(&r, RING_CONSUMER));
		assert_true(fraction_compare(time, ring_time(&r, RING_GP)) >= 0);
	}
}

/* Figure 4 of the paper, in ns: a slightly slower consumer would be faster. */
static void gives_the_papers_prototype(void **state)
{
	struct ring r = { .L = 256, .WC = 1100, .kP = 1, .kC = 1, .NP = 2400, .NC = 200, .SP = 3900, .SC = 200 };

	(void)state;
	r.WP = 1150;
	assert_fraction(ring_time(&r, ring_regime(&r)), 1630, 1);
	r.WP = 1201;
	assert_fraction(ring_time(&r, ring_regime(&r)), 2401, 1);
	r.WP = 1301;
	assert_fraction(ring_time(&r, ring_regime(&r)), 3701, 1);
}

static void equally_fast_parties_go_in_lockstep(void **state)
{
	struct ring r = { .L = 8, .WP = 10, .WC = 10, .kP = 1, .kC = 1, .NP = 5, .NC = 6, .SP = 7, .SC = 60 };

	(void)state;
	assert_int_equal(ring_regime(&r), RING_LOCKSTEP);
	assert_fraction(ring_time(&r, RING_LOCKSTEP), 10, 1);
	assert_fraction(ring_work(&r, RING_LOCKSTEP), 20, 1);
	assert_int_equal(ring_latency(&r, RING_LOCKSTEP), -1);
	r.SC = r.SP = 61;
	assert_int_equal(ring_regime(&r), RING_SS);
}

static void polling_costs_the_difference(void **state)
{
	(void)state;
	assert_fraction(ring_time(&virtio, RING_GP), 20 * US, 1);
	assert_fraction(ring_work(&virtio, RING_GP), 40 * US, 1);
	assert_int_equal(ring_messages(&virtio, RING_GP), 1);
}

static void latencies(void **state)
{
	struct ring r = { .L = 4, .WP = 10, .WC = 3, .kP = 1, .kC = 2, .NP = 5, .NC = 6, .SP = 7, .SC = 8 };

	(void)state;
	assert_int_equal(ring_latency(&r, RING_FC), 26);
	assert_int_equal(ring_latency(&r, RING_GP), 23);
	assert_int_equal(ring_latency(&r, RING_SS), 10 + 6 + 6 + 7 + 26);
	r.SC = 100;
	assert_int_equal(ring_latency(&r, RING_SS), 80 + 6 + 6 + 7 + 118);
	r.DC = 900;
	assert_int_equal(ring_latency(&r, RING_SS), 980 + 6 + 6 + 7 + 1018);
	assert_int_equal(ring_latency(&r, RING_FC), 1018);
	assert_int_equal(ring_latency(&r, RING_FP), -1);
	r.kP = 2;
	assert_int_equal(ring_latency(&r, RING_FC), -1);
	r.WC = 11;
	assert_int_equal(ring_latency(&r, RING_GP), 55);
	assert_int_equal(ring_sleep(&virtio, 1000 * US), 955 * US);
	assert_int_equal(ring_sleep(&virtio, 10000 * US), 5095 * US);
	assert_true(ring_sleep(&virtio, 40 * US) < 0);
}

static void a_delay_costs_time_but_no_work(void **state)
{
	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct ring r = random_ring(), delayed, slower;
		enum ring_regime regime;
		int64_t messages;

		delayed = slower = r;
		delayed.DC = random_below(5000);
		delayed.DP = random_below(5000);
		slower.SC += delayed.DC;
		slower.SP += delayed.DP;
		regime = ring_regime(&delayed);
		messages = ring_messages(&delayed, regime);
		assert_int_equal(ring_regime(&slower), regime);
		assert_int_equal(fraction_compare(ring_time(&delayed, regime), ring_time(&slower, regime)), 0);
		assert_true(fraction_compare(ring_work(&delayed, regime),
					     fraction(messages * (r.WP + r.WC) + r.NP + r.NC + r.SP + r.SC, messages)) <= 0);
	}
}

static void the_smallest_ring_that_never_blocks(void **state)
{
	struct ring sender = changed_over(virtio);

	(void)state;
	assert_int_equal(ring_slots(&virtio, RING_CONSUMER, 60 * MS), 3002);
	assert_int_equal(ring_slots(&virtio, RING_CONSUMER, 120 * MS), 6002);
	assert_int_equal(ring_slots(&virtio, RING_CONSUMER, 6 * MS), 302);
	assert_int_equal(ring_slots(&virtio, RING_CONSUMER, 12 * MS), 602);
	assert_int_equal(ring_slots(&virtio, RING_CONSUMER, 66 * MS), 3302);
	assert_int_equal(ring_slots(&sender, RING_PRODUCER, 6 * MS), 302);
	assert_int_equal(ring_room(&virtio, RING_CONSUMER), 5095 * US);
}

/* L and k are the borders of the regimes; where WP divides the border itself is in both. */
static void slots_and_thresholds_are_the_regimes_borders(void **state)
{
	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct ring r = random_ring();
		int64_t slots, threshold;
		bool divides;

		r.WC = 1 + random_below(r.WP);
		r.WP++;
		r.DC = random_below(50000);
		divides = !((r.SC + r.DC + r.WC) % r.WP);
		threshold = ring_threshold(&r, RING_CONSUMER, r.DC);
		if (threshold >= 1) {
			r.kP = threshold;
			assert_int_equal(ring_regime(&r), RING_FC);
			assert_true(ring_room(&r, RING_CONSUMER) >= r.DC);
			r.kP = threshold + 1;
			assert_true(divides == (ring_regime(&r) == RING_FC));
			r.kP = 1;
		}
		slots = ring_slots(&r, RING_CONSUMER, r.DC);
		assert_int_equal(slots - r.L, r.kP - threshold);
		r.L = slots;
		assert_int_equal(ring_regime(&r), RING_FC);
		r.L = slots - 1;
		assert_true(divides == (ring_regime(&r) == RING_FC));
	}
}

static void demand_and_backlog(void **state)
{
	struct ring r = virtio;

	(void)state;
	assert_fraction(ring_demand(&r, RING_CONSUMER), 1, 4);
	assert_int_equal(ring_backlog(&r, RING_CONSUMER, own, spare), 0);
	/* rho = 0.5: 60 ms (1/20 - 0.4/10) per us */
	r.WC = 10 * US;
	assert_fraction(ring_demand(&r, RING_CONSUMER), 1, 2);
	assert_int_equal(ring_backlog(&r, RING_CONSUMER, own, spare), 600);
	/* U + (1-U) Us = 0.64 */
	r.WC = 13 * US;
	assert_int_equal(ring_backlog(&r, RING_CONSUMER, own, spare), -1);
	/* m = floor(31/15)+1 = 3, 5 + (31+2)/3 = 16 of 20 */
	r = virtio;
	r.SC = 31 * US;
	r.NC = 2 * US;
	assert_fraction(ring_demand(&r, RING_CONSUMER), 16, 20);
	r = changed_over(r);
	assert_fraction(ring_demand(&r, RING_PRODUCER), 16, 20);
	assert_fraction(ring_demand(&r, RING_CONSUMER), 4, 1);
}

static void recommends_a_unit_for_a_ring(void **state)
{
	struct ring_terms fixed = terms(1), anywhere = terms(2);
	struct ring_advice advice;

	(void)state;
	advice = ring_advise(&virtio, &fixed);
	assert_int_equal(advice.broken, 0);
	assert_int_equal(advice.spare.runtime, 3 * MS);
	assert_int_equal(advice.spare.period, 8 * MS);
	advice = ring_advise(&virtio, &anywhere);
	assert_int_equal(advice.broken, 0);
	assert_int_equal(advice.spare.runtime, 1500 * US);
	assert_int_equal(advice.spare.period, 4 * MS);
	assert_int_equal(ring_check(&virtio, &fixed, spare), RING_LONG);
	assert_int_equal(ring_check(&virtio, &anywhere, (struct reservation){ 3 * MS, 8 * MS }), RING_LONG);
	fixed.target = 2 * MS;
	advice = ring_advise(&virtio, &fixed);
	assert_int_equal(advice.broken, 0);
	assert_int_equal(advice.spare.runtime, 1125 * US);
	assert_int_equal(advice.spare.period, 3 * MS);
}

static void names_the_rules_a_unit_breaks(void **state)
{
	struct ring_terms t = terms(1);

	(void)state;
	assert_int_equal(ring_check(&virtio, &t, (struct reservation){ 1 * MS, 4 * MS }), RING_SLOW);
	assert_int_equal(ring_check(&virtio, &t, (struct reservation){ 3 * MS, 5 * MS }), RING_LARGE);
	assert_int_equal(ring_check(&virtio, &t, (struct reservation){ 300 * US, 900 * US }), RING_COSTLY);
	assert_int_equal(ring_check(&virtio, &t, (struct reservation){ 30 * US, 90 * US }), RING_COSTLY | RING_SHORT);
	assert_int_equal(ring_check(&virtio, &t, (struct reservation){ 400 * US, 1000 * US }), 0);
}

static void tells_when_no_unit_helps(void **state)
{
	struct ring_terms t = terms(1);
	struct ring_advice advice;
	struct ring r = virtio;

	(void)state;
	r.WC = 10 * US;
	advice = ring_advise(&r, &t);
	assert_int_equal(advice.broken, RING_SLOW | RING_LARGE);
	assert_int_equal(advice.spare.period, 0);
	assert_int_equal(advice.slots, 0);
	t.room = fraction(-1, 10);
	assert_int_equal(ring_advise(&virtio, &t).broken, RING_SLOW | RING_LARGE);

	/* 16 slots bear 295 us; 1 ms periods have gaps of 625 us: floor(630/20)+2 slots. */
	t = terms(1);
	r = virtio;
	r.L = 16;
	advice = ring_advise(&r, &t);
	assert_int_equal(advice.broken, RING_COSTLY);
	assert_int_equal(advice.slots, 33);
	t.target = 100 * US;
	assert_int_equal(ring_advise(&r, &t).slots, 0);
	t.target = UINT64_MAX;
	r.kP = 16;
	advice = ring_advise(&r, &t);
	assert_int_equal(advice.broken, RING_LONG);
	assert_int_equal(advice.spare.period, 0);
}

/* Whatever is advised is as it says, and the L that it names makes it possible. */
static void advice_holds(void **state)
{
	unsigned int good = 0, helped = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct ring_terms t = terms(1 + i % 2);
		struct ring r = random_ring();
		struct ring_advice advice;

		r.WP *= 100;
		r.WC *= 30;
		t.room = fraction(random_below(90), 100);
		t.switch_cost = random_below(10000);
		advice = ring_advise(&r, &t);
		if (advice.spare.period)
			assert_int_equal(advice.broken, ring_check(&r, &t, advice.spare));
		good += !advice.broken;
		if (!(advice.broken & (RING_LONG | RING_COSTLY | RING_SHORT)) || !advice.slots)
			continue;
		r.L = advice.slots;
		advice = ring_advise(&r, &t);
		/* Whole microseconds may make a small unit larger than the room. */
		assert_int_equal(advice.broken & ~RING_LARGE, 0);
		helped++;
	}
	assert_true(good > 1000);
	assert_true(helped > 1000);
}

static void extremes_are_exact_or_refused(void **state)
{
	struct ring r = { .L = 1 << 20, .WP = RING_MAX, .WC = RING_MAX - 1, .kP = 1 << 19, .kC = 1, .NP = RING_MAX,
		.NC = RING_MAX, .SP = RING_MAX, .SC = RING_MAX, .DP = RING_MAX, .DC = RING_MAX };
	struct ring_terms t = terms(2);
	struct ring_advice advice;

	(void)state;
	t.room = fraction(999999, 1000000);
	t.switch_cost = RING_MAX;
	for (int side = RING_CONSUMER; side <= RING_PRODUCER; side++) {
		struct ring s = side ? changed_over(r) : r;
		enum ring_regime regime = ring_regime(&s);

		assert_null(ring_rule(&s));
		assert_true(ring_time(&s, regime).num > 0);
		assert_true(ring_work(&s, regime).num > 0);
		t.side = side;
		advice = ring_advise(&s, &t);
		assert_true(advice.broken);
		(void)ring_backlog(&s, t.side, (struct reservation){ RESERVATION_PERIOD_MAX - 1, RESERVATION_PERIOD_MAX },
				   (struct reservation){ RESERVATION_PERIOD_MAX - 2, RESERVATION_PERIOD_MAX - 1 });
	}
	r.L++;
	assert_non_null(ring_rule(&r));
	r = virtio;
	r.WC = 0;
	assert_non_null(ring_rule(&r));
	r = virtio;
	r.kC = 257;
	assert_non_null(ring_rule(&r));
	r = virtio;
	r.NP = -1;
	assert_non_null(ring_rule(&r));
	r.NP = RING_MAX + 1;
	assert_non_null(ring_rule(&r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fractions_are_in_lowest_terms_and_compare_without_overflow),
		cmocka_unit_test(agrees_with_500_simulated_rings),
		cmocka_unit_test(is_symmetric),
		cmocka_unit_test(gives_the_papers_prototype),
		cmocka_unit_test(equally_fast_parties_go_in_lockstep),
		cmocka_unit_test(polling_costs_the_difference),
		cmocka_unit_test(latencies),
		cmocka_unit_test(a_delay_costs_time_but_no_work),
		cmocka_unit_test(the_smallest_ring_that_never_blocks),
		cmocka_unit_test(slots_and_thresholds_are_the_regimes_borders),
		cmocka_unit_test(demand_and_backlog),
		cmocka_unit_test(recommends_a_unit_for_a_ring),
		cmocka_unit_test(names_the_rules_a_unit_breaks),
		cmocka_unit_test(tells_when_no_unit_helps),
		cmocka_unit_test(advice_holds),
		cmocka_unit_test(extremes_are_exact_or_refused),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
