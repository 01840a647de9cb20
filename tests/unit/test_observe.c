#include "unit.h"

#include <stdlib.h>

#include "host/units.h"
#include "observe/deaf.h"

#define US NSEC_PER_USEC
#define MS NSEC_PER_MSEC

static const struct reservation unit = { 1 * MS, 10 * MS };

/* --- waits --- */

static void a_quantile_is_close_to_what_was_added(void **state)
{
	static const uint64_t times[] = { 0, 1, 63, 64, 65, 127, 128, 1000, 58500000, 4000000000, UINT64_MAX / 3, UINT64_MAX };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct waits *waits = calloc(1, sizeof(*waits));
		uint64_t said, off;

		waits_add(waits, times[i]);
		waits_add(waits, UINT64_MAX);
		said = waits_quantile(waits, 0.5);
		off = said > times[i] ? said - times[i] : times[i] - said;
		if (off > times[i] / 128)
			fail_msg("%lu for %lu", said, times[i]);
		free(waits);
	}
}

static void quantiles_have_the_rank_that_is_asked_for(void **state)
{
	struct waits *waits = calloc(1, sizeof(*waits));
	unsigned int i;

	(void)state;
	assert_int_equal(waits_quantile(waits, 0.5), 0);
	for (i = 1; i <= 50; i++)
		waits_add(waits, i);
	assert_int_equal(waits->nr, 50);
	assert_int_equal(waits_quantile(waits, 0), 1);
	assert_int_equal(waits_quantile(waits, 0.5), 25);
	assert_int_equal(waits_quantile(waits, 0.51), 26);
	assert_int_equal(waits_quantile(waits, 0.99), 50);
	assert_int_equal(waits_quantile(waits, 1), 50);
	free(waits);
}

/* What is said is never worse than the worst. */
static void the_worst_is_exact(void **state)
{
	struct waits *waits = calloc(1, sizeof(*waits));

	(void)state;
	waits_add(waits, 1000000001);
	assert_int_equal(waits->worst, 1000000001);
	assert_true(waits_quantile(waits, 1) <= waits->worst);
	free(waits);
}

/* --- replay --- */

static struct replay replay;

static void event(uint64_t time, uint64_t end, uint64_t need, uint32_t vcpu)
{
	assert_true(replay_add(&replay, &(struct replay_event){ .time = time, .end = end, .need = need, .vcpu = vcpu }) >= 0);
}

static int forget(void **state)
{
	(void)state;
	replay_free(&replay);
	return 0;
}

static void a_fresh_unit_serves_at_once(void **state)
{
	(void)state;
	event(40 * MS, 100 * MS, 100 * US, 0);
	replay_run(&replay, unit, 200 * US);
	assert_int_equal(replay.events[0].wait, 0);
}

/* Two answers of 0.5 ms use up 1 ms; the third waits until the deadline, 10 ms after the first. */
static void a_drained_unit_serves_at_its_deadline(void **state)
{
	(void)state;
	event(40 * MS, 100 * MS, 500 * US, 0);
	event(42 * MS, 100 * MS, 500 * US, 0);
	event(43 * MS, 100 * MS, 500 * US, 0);
	replay_run(&replay, unit, 0);
	assert_int_equal(replay.events[0].wait, 0);
	assert_int_equal(replay.events[1].wait, 0);
	assert_int_equal(replay.events[2].wait, 7 * MS);
}

/* What comes while the unit of the borrower is used up waits as well. */
static void a_long_answer_takes_several_periods(void **state)
{
	(void)state;
	event(40 * MS, 100 * MS, 2500 * US, 0);
	event(45 * MS, 100 * MS, 100 * US, 0);
	event(50 * MS + 500 * US, 100 * MS, 100 * US, 0);
	replay_run(&replay, unit, 0);
	assert_int_equal(replay.events[0].wait, 0);
	assert_int_equal(replay.events[1].wait, 5 * MS);
	assert_int_equal(replay.events[2].wait, 0);
}

static void the_linger_is_the_loan_s(void **state)
{
	(void)state;
	event(40 * MS, 100 * MS, 100 * US, 0);
	/* The loan lasts until 40.3 ms. */
	event(40 * MS + 200 * US, 100 * MS, 0, 1);
	event(40 * MS + 900 * US, 100 * MS, 0, 1);
	replay_run(&replay, unit, 200 * US);
	assert_int_equal(replay.events[1].wait, 100 * US);
	assert_int_equal(replay.events[2].wait, 0);
}

static void another_vcpu_waits_for_the_loan_to_end(void **state)
{
	(void)state;
	event(40 * MS, 100 * MS, 900 * US, 0);
	event(40 * MS, 100 * MS, 50 * US, 1);
	event(40 * MS, 40 * MS + 300 * US, 50 * US, 2);
	replay_run(&replay, unit, 0);
	assert_int_equal(replay.events[0].wait, 0);
	assert_int_equal(replay.events[1].wait, 900 * US);
	/* It has budget of its own before. */
	assert_int_equal(replay.events[2].wait, 300 * US);
}

static void nobody_waits_longer_than_by_itself(void **state)
{
	(void)state;
	event(40 * MS, 100 * MS, REPLAY_ENDLESS, 0);
	event(41 * MS, 45 * MS, 100 * US, 1);
	event(99 * MS, 130 * MS, 100 * US, 2);
	replay_run(&replay, unit, 200 * US);
	assert_int_equal(replay.events[0].wait, 0);
	assert_int_equal(replay.events[1].wait, 4 * MS);
	/* The loan ends with the budget at 100 ms, when the unit is fresh. */
	assert_int_equal(replay.events[2].wait, 1 * MS);
}

static void each_cpu_has_a_unit(void **state)
{
	(void)state;
	replay_add(&replay, &(struct replay_event){ 40 * MS, 100 * MS, REPLAY_ENDLESS, 0, 0, 1 });
	replay_add(&replay, &(struct replay_event){ 41 * MS, 100 * MS, 100 * US, 0, 1, 0 });
	replay_run(&replay, unit, 0);
	assert_int_equal(replay.events[0].wait, 0);
	assert_int_equal(replay.events[1].wait, 0);
}

/* In any order, and each in 10 ms has 1 ms: 30 answers of 0.5 ms that come at once are 14 periods and a half. */
static void a_unit_supplies_no_more_than_its_share(void **state)
{
	uint64_t worst = 0;
	int i;

	(void)state;
	for (i = 29; i >= 0; i--)
		event(40 * MS + i, 1000 * MS, 500 * US, i);
	replay_run(&replay, unit, 0);
	for (i = 0; i < 30; i++)
		worst = replay.events[i].wait > worst ? replay.events[i].wait : worst;
	assert_in_range(worst, 140 * MS, 141 * MS);
}

/* --- deaf --- */

struct heard {
	struct waits waits;
	struct deaf deaf;
};

static struct heard *heard_new(void)
{
	struct heard *heard = calloc(1, sizeof(*heard));

	heard->deaf = (struct deaf){ .vcpu = 3, .waits = &heard->waits, .replay = &replay };
	return heard;
}

static void record(struct heard *heard, enum observe_kind kind, uint64_t time)
{
	assert_true(deaf_take(&heard->deaf, &(struct observe_record){ .time = time, .kind = kind, .cpu = 1 }));
}

static void came(struct heard *heard, uint64_t time)
{
	assert_true(deaf_take(&heard->deaf, &(struct observe_record){ .time = time, .kind = OBSERVE_WAITS, .nr_came = 1, .came = { time } }));
}

static void heard_free(struct heard *heard)
{
	deaf_free(&heard->deaf);
	free(heard);
}

static void an_event_waits_until_its_vcpu_runs(void **state)
{
	struct heard *heard = heard_new();

	(void)state;
	came(heard, 40 * MS);
	came(heard, 70 * MS);
	record(heard, OBSERVE_RUNS, 100 * MS);
	assert_int_equal(heard->waits.nr, 2);
	assert_int_equal(heard->waits.worst, 60 * MS);
	assert_int_equal(replay.nr, 2);
	assert_int_equal(replay.events[0].end, 100 * MS);
	assert_true(replay.events[0].need == REPLAY_ENDLESS);
	assert_int_equal(replay.events[0].cpu, 1);
	assert_int_equal(replay.events[0].vcpu, 3);
	heard_free(heard);
}

/* One that two CPUs have noted at the same moment is in one of the records alone. */
static void many_waits_are_told_at_a_time(void **state)
{
	struct observe_record record = { .time = 100 * MS, .kind = OBSERVE_RUNS, .nr_came = 3, .came = { 40 * MS, 0, 70 * MS } };
	struct heard *heard = heard_new();
	uint64_t i;

	(void)state;
	assert_true(deaf_take(&heard->deaf, &record));
	assert_int_equal(heard->waits.nr, 2);
	assert_int_equal(heard->waits.worst, 60 * MS);
	for (i = 0; i < 1000; i++)
		came(heard, 140 * MS + i);
	record.nr_came = 0;
	record.time = 200 * MS;
	assert_true(deaf_take(&heard->deaf, &record));
	assert_int_equal(heard->waits.nr, 1002);
	assert_int_equal(replay.nr, 1002);
	heard_free(heard);
}

static void an_answer_takes_cpu_time_alone(void **state)
{
	struct heard *heard = heard_new();

	(void)state;
	came(heard, 40 * MS);
	record(heard, OBSERVE_RUNS, 100 * MS);
	record(heard, OBSERVE_STOPS, 101 * MS);
	record(heard, OBSERVE_RUNS, 130 * MS);
	record(heard, OBSERVE_REPLIES, 132 * MS);
	assert_int_equal(replay.events[0].need, 3 * MS);
	/* The next one is measured anew. */
	came(heard, 240 * MS);
	record(heard, OBSERVE_STOPS, 140 * MS);
	record(heard, OBSERVE_RUNS, 300 * MS);
	record(heard, OBSERVE_HALTS, 300 * MS + 7 * US);
	assert_int_equal(replay.events[1].need, 7 * US);
	assert_int_equal(replay.events[0].need, 3 * MS);
	heard_free(heard);
}

/* Records of two CPUs may change places. */
static void a_wait_is_never_negative(void **state)
{
	struct heard *heard = heard_new();

	(void)state;
	came(heard, 40 * MS + 2);
	record(heard, OBSERVE_RUNS, 40 * MS);
	assert_int_equal(heard->waits.nr, 1);
	assert_int_equal(heard->waits.worst, 0);
	replay_run(&replay, unit, 0);
	assert_int_equal(replay.events[0].wait, 0);
	heard_free(heard);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_quantile_is_close_to_what_was_added),
		cmocka_unit_test(quantiles_have_the_rank_that_is_asked_for),
		cmocka_unit_test(the_worst_is_exact),
		cmocka_unit_test_teardown(a_fresh_unit_serves_at_once, forget),
		cmocka_unit_test_teardown(a_drained_unit_serves_at_its_deadline, forget),
		cmocka_unit_test_teardown(a_long_answer_takes_several_periods, forget),
		cmocka_unit_test_teardown(the_linger_is_the_loan_s, forget),
		cmocka_unit_test_teardown(another_vcpu_waits_for_the_loan_to_end, forget),
		cmocka_unit_test_teardown(nobody_waits_longer_than_by_itself, forget),
		cmocka_unit_test_teardown(each_cpu_has_a_unit, forget),
		cmocka_unit_test_teardown(a_unit_supplies_no_more_than_its_share, forget),
		cmocka_unit_test_teardown(an_event_waits_until_its_vcpu_runs, forget),
		cmocka_unit_test_teardown(many_waits_are_told_at_a_time, forget),
		cmocka_unit_test_teardown(an_answer_takes_cpu_time_alone, forget),
		cmocka_unit_test_teardown(a_wait_is_never_negative, forget),
	};

	return cmocka_run_group_tests_name("observe", tests, NULL, NULL);
}
