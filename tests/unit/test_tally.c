// sources: cgroup-tools/lender/tally.c cgroup-tools/command/state.c
#include "unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Of cmocka's; the product has its own. */
#undef fail
#include "command/command.h"
#include "command/state.h"
#include "host/units.h"
#include "lender/tally.h"
#include "told.h"

typedef void print(FILE *file, const struct tally *tally);

static char *printed(print *print, const struct tally *tally)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	assert_non_null(file);
	print(file, tally);
	fclose(file);
	return text;
}

static struct histogram waits_read(const struct tally *tally)
{
	struct histogram histogram = { 0 };
	char *text = printed(tally_print_waits, tally);

	histogram_parse(&histogram, text);
	free(text);
	return histogram;
}

static struct state_counters counts_read(const struct tally *tally)
{
	struct state_counters counters = { 0 };
	char *text = printed(tally_print_counts, tally);

	state_parse(&counters, text);
	free(text);
	return counters;
}

/* Each count by its name, and none by another's. */
static void counts_are_read_as_the_kernels(void **state)
{
	static const enum state_counter names[NR_TALLY_COUNTS] = {
		[TALLY_EVENTS] = STATE_EVENTS,
		[TALLY_BORROWS] = STATE_LOANS,
		[TALLY_WAITS] = STATE_WAITS,
		[TALLY_REFUSED] = STATE_REFUSED,
		[TALLY_DISPATCHES] = STATE_DISPATCHES,
		[TALLY_BORROWED] = STATE_BORROWED,
		[TALLY_WAITED] = STATE_WAITED,
		[TALLY_OWN] = STATE_RETURNED_OWN,
		[TALLY_UNUSED] = STATE_RETURNED_UNUSED,
		[TALLY_CHANCES] = STATE_RETURNED_CHANCES,
		[TALLY_SLEEP] = STATE_RETURNED_SLEEP,
		[TALLY_REPLY] = STATE_RETURNED_REPLY,
		[TALLY_QUIET] = STATE_RETURNED_QUIET,
		[TALLY_CHARGE] = STATE_RETURNED_CHARGE,
		[TALLY_GONE] = STATE_RETURNED_GONE,
	};
	struct tally tally = { 0 };
	struct state_counters read;

	(void)state;
	for (int i = 0; i < NR_TALLY_COUNTS; i++)
		tally.counts[i] = i == TALLY_BORROWED || i == TALLY_WAITED ? (i + 1) * NSEC_PER_USEC + 999 : i + 1u;
	read = counts_read(&tally);
	for (int i = 0; i < NR_TALLY_COUNTS; i++)
		assert_int_equal(read.value[names[i]], i == TALLY_BORROWED || i == TALLY_WAITED ? (i + 1) * NSEC_PER_USEC : i + 1u);
	assert_int_equal(read.value[STATE_UNITS], 0);
}

static void has_the_kernels_lines(void **state)
{
	const struct tally tally = { 0 };
	char *text = printed(tally_print_counts, &tally);

	(void)state;
	assert_string_equal(text, "nr_events 0\nnr_borrows 0\nnr_waits 0\nnr_refused 0\nnr_dispatches 0\nborrowed_usec 0\nwaited_usec 0\n"
			    "returned_own 0\nreturned_unused 0\nreturned_chances 0\nreturned_sleep 0\nreturned_reply 0\nreturned_quiet 0\n"
			    "returned_charge 0\nreturned_gone 0\n");
	free(text);
}

static void large_counts_are_not_cut(void **state)
{
	struct tally tally = { 0 };

	(void)state;
	tally.counts[TALLY_EVENTS] = UINT64_MAX;
	tally.counts[TALLY_BORROWED] = UINT64_MAX;
	tally.waits.nr[HISTOGRAM_LOAN][HISTOGRAM_BUCKETS - 1] = UINT64_MAX;
	assert_true(counts_read(&tally).value[STATE_EVENTS] == UINT64_MAX);
	assert_true(counts_read(&tally).value[STATE_BORROWED] == UINT64_MAX / NSEC_PER_USEC * NSEC_PER_USEC);
	assert_true(waits_read(&tally).nr[HISTOGRAM_LOAN][HISTOGRAM_BUCKETS - 1] == UINT64_MAX);
}

/* Of each bucket the shortest wait and the longest, in each way to end. */
static void waits_are_read_back(void **state)
{
	struct tally tally = { 0 };
	struct histogram read;

	(void)state;
	for (int how = 0; how < NR_HISTOGRAM_HOWS; how++) {
		for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
			for (int nr = 0; nr <= how; nr++)
				tally_wait(&tally, how, i ? histogram_bound(i - 1) : 0, 1000);
			if (i < HISTOGRAM_BUCKETS - 1)
				tally_wait(&tally, how, histogram_bound(i) - 1, 1000);
		}
	}
	read = waits_read(&tally);
	assert_true(read.known);
	for (int how = 0; how < NR_HISTOGRAM_HOWS; how++)
		for (int i = 0; i < HISTOGRAM_BUCKETS; i++)
			assert_int_equal(read.nr[how][i], how + 1 + (i < HISTOGRAM_BUCKETS - 1));
	/* No bucket has a name that its reader does not know. */
	assert_int_equal(histogram_count(&read), histogram_count(&tally.waits));
}

static void the_worst_has_its_time(void **state)
{
	struct tally tally = { 0 };
	struct histogram read;
	enum histogram_how how;

	(void)state;
	tally_wait(&tally, HISTOGRAM_LOAN, 90000, 1700000000000000000);
	tally_wait(&tally, HISTOGRAM_WAITED, 15000000, 1700000001000000000);
	tally_wait(&tally, HISTOGRAM_WAITED, 14999999, 1700000002000000000);
	/* As long as the worst: the first one stays. */
	tally_wait(&tally, HISTOGRAM_WAITED, 15000000, 1700000003000000000);
	read = waits_read(&tally);
	assert_int_equal(histogram_worst(&read, &how), 15000000);
	assert_int_equal(how, HISTOGRAM_WAITED);
	assert_true(read.worst_time[HISTOGRAM_WAITED] == 1700000001000000000);
	assert_int_equal(read.worst[HISTOGRAM_LOAN], 90000);
	assert_true(read.worst_time[HISTOGRAM_LOAN] == 1700000000000000000);
	/* In whole microseconds. */
	assert_int_equal(read.total[HISTOGRAM_WAITED], 44999000);
	assert_int_equal(read.worst[HISTOGRAM_OWN], 0);
}

static void who_runs_has_not_waited(void **state)
{
	struct tally tally = { 0 };
	struct histogram read;

	(void)state;
	tally_prompt(&tally, 5);
	read = waits_read(&tally);
	assert_int_equal(read.nr[HISTOGRAM_OWN][0], 5);
	assert_int_equal(histogram_count(&read), 5);
	assert_int_equal(read.total[HISTOGRAM_OWN], 0);
}

static void adds_up_groups(void **state)
{
	struct tally one = { 0 }, other = { 0 }, sum = { 0 };

	(void)state;
	for (int i = 0; i < NR_TALLY_COUNTS; i++) {
		one.counts[i] = i;
		other.counts[i] = 100;
	}
	tally_wait(&one, HISTOGRAM_LOAN, 5000, 1);
	tally_wait(&one, HISTOGRAM_REFUSED, 70000, 2);
	tally_wait(&other, HISTOGRAM_LOAN, 6000, 3);
	tally_add(&sum, &one);
	tally_add(&sum, &other);
	for (int i = 0; i < NR_TALLY_COUNTS; i++)
		assert_int_equal(sum.counts[i], i + 100);
	assert_int_equal(histogram_ended(&sum.waits, HISTOGRAM_LOAN), 2);
	assert_int_equal(sum.waits.total[HISTOGRAM_LOAN], 11000);
	assert_int_equal(sum.waits.worst[HISTOGRAM_LOAN], 6000);
	assert_int_equal(sum.waits.worst_time[HISTOGRAM_LOAN], 3);
	assert_int_equal(sum.waits.worst[HISTOGRAM_REFUSED], 70000);
	assert_int_equal(sum.waits.worst_time[HISTOGRAM_REFUSED], 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_are_read_as_the_kernels),
		cmocka_unit_test(has_the_kernels_lines),
		cmocka_unit_test(large_counts_are_not_cut),
		cmocka_unit_test(waits_are_read_back),
		cmocka_unit_test(the_worst_has_its_time),
		cmocka_unit_test(who_runs_has_not_waited),
		cmocka_unit_test(adds_up_groups),
	};

	return cmocka_run_group_tests_name("tally", tests, NULL, NULL);
}
