#include "unit.h"

#include "host/histogram.h"

/* As a kernel prints it; lines of a later one say nothing. */
#define TEXT "total_usec own=10 loan=20 waited=30 refused=40\nworst_usec own=1 loan=90 waited=15000 refused=58000\n" \
	"worst_time own=1 loan=2 waited=3 refused=1700000000000000\n1 own=6 loan=1 waited=0 refused=0\n" \
	"2 own=0 loan=0 waited=0 refused=0\n64 own=0 loan=2 waited=0 refused=0\n65536 own=0 loan=0 waited=0 refused=1\n" \
	"max own=0 loan=0 waited=0 refused=0\nnew own=9 loan=9 waited=9 refused=9\n3 own=9 loan=9 waited=9 refused=9\n"

static struct histogram parsed(const char *text)
{
	struct histogram histogram = { 0 };

	histogram_parse(&histogram, text);
	return histogram;
}

static void reads_what_the_kernel_prints(void **state)
{
	struct histogram histogram = parsed(TEXT);
	enum histogram_how how;

	(void)state;
	assert_true(histogram.known);
	assert_int_equal(histogram_count(&histogram), 10);
	assert_int_equal(histogram.nr[HISTOGRAM_OWN][0], 6);
	assert_int_equal(histogram.nr[HISTOGRAM_LOAN][6], 2);
	assert_int_equal(histogram.nr[HISTOGRAM_REFUSED][16], 1);
	assert_int_equal(histogram.total[HISTOGRAM_WAITED], 30000);
	assert_int_equal(histogram_worst(&histogram, &how), 58000000);
	assert_int_equal(how, HISTOGRAM_REFUSED);
	assert_true(histogram.worst_time[how] == 1700000000000000000u);
}

static void adds_groups(void **state)
{
	struct histogram histogram = parsed(TEXT);

	(void)state;
	histogram_parse(&histogram, "worst_usec own=2 loan=80 waited=0 refused=0\nworst_time own=7 loan=7 waited=7 refused=7\n"
			"1 own=1 loan=0 waited=0 refused=0\n");
	assert_int_equal(histogram_count(&histogram), 11);
	assert_int_equal(histogram.worst[HISTOGRAM_OWN], 2000);
	assert_int_equal(histogram.worst_time[HISTOGRAM_OWN], 7000);
	assert_int_equal(histogram.worst[HISTOGRAM_LOAN], 90000);
	assert_int_equal(histogram.worst_time[HISTOGRAM_LOAN], 2000);
}

static void nonsense_is_nothing(void **state)
{
	static const char *const texts[] = {
		"", "\n\n", "1", "1 own=", "1 own=x loan=1 waited=1 refused=1\n", "1 loan=1 own=1 waited=1 refused=1\n",
		"0 own=1 loan=1 waited=1 refused=1\n", "-1 own=1 loan=1 waited=1 refused=1\n",
		"3 own=1 loan=1 waited=1 refused=1\n", "8388608 own=1 loan=1 waited=1 refused=1\n", "max\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct histogram histogram = parsed(texts[i]);

		if (!histogram.known || histogram_count(&histogram) || histogram_worst(&histogram, NULL))
			fail_msg("took '%s'", texts[i]);
		assert_int_equal(histogram_quantile(&histogram, 0.99), 0);
		assert_true(histogram_share_within(&histogram, 0) == 1);
	}
}

/* Times that do not fit into ns are the largest that do. */
static void huge_times_stay_huge(void **state)
{
	struct histogram histogram = parsed("worst_usec own=18446744073709551615 loan=0 waited=0 refused=0\n"
					    "max own=18446744073709551615 loan=0 waited=0 refused=0\n");

	(void)state;
	assert_true(histogram_worst(&histogram, NULL) == UINT64_MAX);
	assert_true(histogram_quantile(&histogram, 0.5) >= 4194304000u);
}

static void tells_how_long_a_share_waits(void **state)
{
	struct histogram histogram = parsed(TEXT);

	(void)state;
	/* Seven of ten below 1 us, two in 32 to 64, one in 32768 to 58000. */
	assert_in_range(histogram_quantile(&histogram, 0.5), 700, 730);
	assert_int_equal(histogram_quantile(&histogram, 0.8), 48000);
	assert_int_equal(histogram_quantile(&histogram, 0.9), 64000);
	assert_int_equal(histogram_quantile(&histogram, 1), 58000000);
	assert_in_range(histogram_quantile(&histogram, 0.95), 45300000, 45400000);
	assert_true(histogram_share_within(&histogram, 64000) == 0.9);
	assert_true(histogram_share_within(&histogram, 5000000) == 0.9);
	assert_true(histogram_share_within(&histogram, 48000) == 0.9);
	assert_true(histogram_share_within(&histogram, 32000) == 0.7);
	assert_true(histogram_share_within(&histogram, 32001) == 0.9);
	assert_true(histogram_share_within(&histogram, 32768000) == 0.9);
	assert_true(histogram_share_within(&histogram, 58000000) == 1);
}

static void takes_the_difference(void **state)
{
	struct histogram before = parsed(TEXT), now = parsed(TEXT), since, unknown = { 0 };

	(void)state;
	histogram_parse(&now, "1 own=1 loan=0 waited=0 refused=0\n64 own=0 loan=3 waited=0 refused=0\n");
	since = histogram_since(&now, &before);
	assert_true(since.known);
	assert_int_equal(histogram_count(&since), 4);
	assert_int_equal(since.nr[HISTOGRAM_LOAN][6], 3);
	/* The group was made anew. */
	since = histogram_since(&before, &now);
	assert_int_equal(histogram_count(&since), 0);
	assert_false(histogram_since(&now, &unknown).known);
	/* … and one of its counts has passed the one before already: that is no measure of the others. */
	histogram_parse(&before, "1048576 own=0 loan=0 waited=0 refused=9\n");
	since = histogram_since(&before, &now);
	assert_int_equal(histogram_count(&since), 0);
	assert_int_equal(since.total[HISTOGRAM_OWN], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_the_kernel_prints),
		cmocka_unit_test(adds_groups),
		cmocka_unit_test(nonsense_is_nothing),
		cmocka_unit_test(huge_times_stay_huge),
		cmocka_unit_test(tells_how_long_a_share_waits),
		cmocka_unit_test(takes_the_difference),
	};

	return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
