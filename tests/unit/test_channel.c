// sources: experiments/ring/party.c
// libraries: -pthread
#include "unit.h"
#include "../../experiments/ring/party.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* One that is deaf would wait for ever: then the test ends with a signal. */
enum { MESSAGES = 5000, PATIENCE_S = 120 };

static void rests_only_when_there_is_nothing(void **state)
{
	struct channel channel;

	(void)state;
	channel_init(&channel, 4, 2, 3);
	assert_int_equal(channel_available(&channel, CHANNEL_P), 4);
	assert_int_equal(channel_available(&channel, CHANNEL_C), 0);
	assert_true(channel_arm(&channel, CHANNEL_C));
	assert_false(channel_publish(&channel, CHANNEL_P, 1));
	/* kP = 2: the second one rings, and only that. */
	assert_true(channel_publish(&channel, CHANNEL_P, 1));
	assert_false(channel_publish(&channel, CHANNEL_P, 1));
	channel_disarm(&channel, CHANNEL_C);
	assert_int_equal(channel_queued(&channel), 3);
	assert_false(channel_arm(&channel, CHANNEL_C));
	assert_false(channel_publish(&channel, CHANNEL_P, 1));
	assert_int_equal(channel_available(&channel, CHANNEL_P), 0);
	/* Full; kC = 3 free slots. */
	assert_true(channel_arm(&channel, CHANNEL_P));
	assert_false(channel_publish(&channel, CHANNEL_C, 2));
	assert_true(channel_publish(&channel, CHANNEL_C, 1));
	channel_disarm(&channel, CHANNEL_P);
	assert_false(channel_publish(&channel, CHANNEL_C, 1));
	assert_int_equal(channel_queued(&channel), 0);
}

static void a_batch_that_passes_the_threshold_rings_once(void **state)
{
	struct channel channel;

	(void)state;
	channel_init(&channel, 8, 3, 1);
	assert_true(channel_arm(&channel, CHANNEL_C));
	assert_true(channel_publish(&channel, CHANNEL_P, 8));
	channel_disarm(&channel, CHANNEL_C);
	/* What was published in time is found when the doorbell is armed. */
	assert_false(channel_arm(&channel, CHANNEL_C));
	assert_false(channel_publish(&channel, CHANNEL_C, 8));
	assert_true(channel_arm(&channel, CHANNEL_C));
}

struct end {
	struct party party;
	struct channel *channel;
	uint64_t *begun;
	enum channel_party which;
	int own, other;
};

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * UINT64_C(1000000000) + time.tv_nsec;
}

static void relax(void)
{
	sched_yield();
}

static void ring(void *data)
{
	const struct end *end = data;

	if (write(end->other, &(uint64_t){ 1 }, 8) != 8)
		abort();
}

static void rest(void *data)
{
	const struct end *end = data;
	uint64_t rings;

	if (read(end->own, &rings, 8) != 8)
		abort();
}

static void idle(void *data, uint64_t when)
{
	(void)data;
	while (now() < when)
		relax();
}

static void *run_end(void *data)
{
	struct end *end = data;
	const struct party_place place = { now, relax, ring, rest, idle, NULL, end };

	party_run(&end->party, end->which, end->channel, end->begun, &place);
	return NULL;
}

static void exchange(uint64_t slots, uint64_t kP, uint64_t kC, const struct party_terms terms[2], struct end ends[2])
{
	const int bells[2] = { eventfd(0, 0), eventfd(0, 0) };
	uint64_t *begun = calloc(slots, sizeof(*begun));
	struct channel channel;
	pthread_t threads[2];

	channel_init(&channel, slots, kP, kC);
	for (int i = 0; i < 2; i++) {
		ends[i] = (struct end){ { .terms = terms[i] }, &channel, begun, i, bells[i], bells[!i] };
		ends[i].party.terms.messages = MESSAGES;
		ends[i].party.terms.preempted = UINT64_MAX;
		ends[i].party.rest_log = calloc(MESSAGES + 1, sizeof(struct party_rest));
		ends[i].party.works = calloc(MESSAGES, sizeof(struct party_work));
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run_end, &ends[i]), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(channel_queued(&channel), 0);
	for (uint64_t i = 0; i < MESSAGES; i++) {
		/* Consumed after it was produced, and no sooner produced than there was a slot. */
		assert_true(ends[CHANNEL_C].party.works[i].begin >= ends[CHANNEL_P].party.works[i].begin);
		if (i >= slots)
			assert_true(ends[CHANNEL_P].party.works[i].end >= ends[CHANNEL_C].party.works[i - slots].begin);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ends[i].party.work.count, MESSAGES);
		/* Who polls or sleeps may do so as often as he likes. */
		if (terms[i].wait == PARTY_NOTIFIED)
			assert_true(ends[i].party.rests.count <= ends[!i].party.rings.count);
		free(ends[i].party.rest_log);
		free(ends[i].party.works);
		close(bells[i]);
	}
	free(begun);
}

static void nothing_is_lost_in_rings_of_all_kinds(void **state)
{
	static const uint64_t rings[][3] = { { 1, 1, 1 }, { 2, 1, 2 }, { 8, 1, 1 }, { 8, 8, 8 }, { 256, 1, 192 }, { 64, 32, 1 } };
	struct end ends[2];

	(void)state;
	for (size_t i = 0; i < sizeof(rings) / sizeof(rings[0]); i++) {
		const struct party_terms terms[2] = { { .combine = 1 }, { .combine = 1 } };

		exchange(rings[i][0], rings[i][1], rings[i][2], terms, ends);
	}
}

static void nothing_is_lost_when_messages_are_combined_and_doorbells_moderated(void **state)
{
	const struct party_terms terms[2] = { { .combine = 5, .moderate = 100000 }, { .combine = 3, .moderate = 50000 } };
	struct end ends[2];

	(void)state;
	exchange(16, 4, 12, terms, ends);
	exchange(5, 1, 1, terms, ends);
}

static void who_polls_or_sleeps_is_never_rung(void **state)
{
	static const enum party_wait waits[] = { PARTY_POLLING, PARTY_SLEEPING };
	struct end ends[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct party_terms terms[2] = { { .combine = 1, .wait = waits[i], .sleep = 1000 },
			{ .combine = 1, .wait = waits[!i], .sleep = 1000 } };

		exchange(8, 1, 1, terms, ends);
		/* But for P's last one. */
		assert_int_equal(ends[CHANNEL_P].party.rings.count, 1);
		assert_int_equal(ends[CHANNEL_C].party.rings.count, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rests_only_when_there_is_nothing),
		cmocka_unit_test(a_batch_that_passes_the_threshold_rings_once),
		cmocka_unit_test(nothing_is_lost_in_rings_of_all_kinds),
		cmocka_unit_test(nothing_is_lost_when_messages_are_combined_and_doorbells_moderated),
		cmocka_unit_test(who_polls_or_sleeps_is_never_rung),
	};

	alarm(PATIENCE_S);
	return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
