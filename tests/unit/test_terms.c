// sources: cgroup-tools/lender/terms.c
#include "unit.h"

#include <limits.h>
#include <stdlib.h>

#include "lender/terms.h"
#include "policy/policy.h"

/* --- pools --- */

static void reads_a_pool(void **state)
{
	struct supply supply = { 0 };

	(void)state;
	assert_true(supply_read(&supply, "4000 10000 units=2 cpus=1,3-4"));
	assert_int_equal(supply.spare.runtime, 4000000);
	assert_int_equal(supply.spare.period, 10000000);
	assert_int_equal(supply.units, 2);
	assert_int_equal(cpus_count(&supply.cpus), 3);
	assert_true(cpus_has(&supply.cpus, 1) && cpus_has(&supply.cpus, 3) && cpus_has(&supply.cpus, 4));
	/* None: nothing of the one before is left. */
	assert_true(supply_read(&supply, "none"));
	assert_true(reservation_none(supply.spare));
	assert_int_equal(supply.units, 0);
	assert_true(cpus_empty(&supply.cpus));
}

static void takes_a_pool_up_to_its_borders(void **state)
{
	struct supply supply;

	(void)state;
	assert_true(supply_read(&supply, "1 1 units=1 cpus=0"));
	assert_int_equal(supply.spare.runtime, supply.spare.period);
	assert_true(supply_read(&supply, "4194304 4194304 units=64 cpus=8191"));
	assert_int_equal(supply.spare.period, RESERVATION_PERIOD_MAX);
	assert_int_equal(supply.units, SUPPLY_UNITS_MAX);
}

static void refuses_what_is_no_pool(void **state)
{
	static const char *const texts[] = {
		"", " ", "n", "none ", "nonetheless", "None", "4000", "4000 10000", "4000 10000 units=1", "4000 10000 cpus=1",
		"4000 10000 cpus=1 units=1", "4000 10000 units=1 cpus=", "4000 10000 units= cpus=1", "4000 10000 units=1 cpus=1 ",
		"4000 10000 units=1 cpus=1x", "4000 10000 units=1 cpus=1\n", "4000 10000 units=1 cpus=1 more=1", "4000 10000 units=1 cpus=1,",
		"4000 10000 units=1 cpus=3-1", "4000 10000 units=1 cpus=8192", "4000 10000 units=1 cpus=-1", "4000 10000 units=1 cpus= 1",
		"4000 10000 units=1x cpus=1", "4000 10000 units=1.5 cpus=1", "4000 10000 units=-1 cpus=1", "4000 10000 units=+1 cpus=1",
		"4000 10000 units= 1 cpus=1", "4000 10000 units=0x1 cpus=1", "4000 10000  units=1 cpus=1", "4000  10000 units=1 cpus=1",
		" 4000 10000 units=1 cpus=1", "4000\t10000 units=1 cpus=1", "+4000 10000 units=1 cpus=1", "-4000 10000 units=1 cpus=1",
		"4000 -10000 units=1 cpus=1", "-18446744073709551615 10000 units=1 cpus=1", "4e3 10000 units=1 cpus=1",
		/* Beyond the borders */
		"0 10000 units=1 cpus=1", "0 0 units=1 cpus=1", "10001 10000 units=1 cpus=1", "1 4194305 units=1 cpus=1",
		"4000 10000 units=0 cpus=1", "4000 10000 units=65 cpus=1", "4000 10000 units=4294967297 cpus=1",
		"18446744073709551617 10000 units=1 cpus=1", "1 18446744073709551617 units=1 cpus=1",
		"4000 99999999999999999999999999999999 units=1 cpus=1",
	};
	struct supply before, supply;

	(void)state;
	assert_true(supply_read(&before, "1000 20000 units=3 cpus=7"));
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		supply = before;
		if (supply_read(&supply, texts[i]))
			fail_msg("taken: '%s'", texts[i]);
		if (!supply_same(&supply, &before))
			fail_msg("changed by '%s'", texts[i]);
	}
}

static void tells_pools_apart(void **state)
{
	static const char *const texts[] = {
		"4000 10000 units=1 cpus=1", "4001 10000 units=1 cpus=1", "4000 10001 units=1 cpus=1", "4000 10000 units=2 cpus=1",
		"4000 10000 units=1 cpus=1,8191",
	};
	const size_t nr = sizeof(texts) / sizeof(*texts);
	struct supply one, other;

	(void)state;
	for (size_t i = 0; i < nr * nr; i++) {
		assert_true(supply_read(&one, texts[i / nr]));
		assert_true(supply_read(&other, texts[i % nr]));
		assert_int_equal(supply_same(&one, &other), i / nr == i % nr);
	}
}

/* What the tools write is what the lender reads. */
static void reads_what_a_policy_says(void **state)
{
	struct pool_policy pool = { .spare = { 1500000, 20000000 }, .units = 5 };
	const struct borrow_policy borrow = { .on = true, .chances = UINT_MAX, .reply = true, .linger = 4294967295000, .timer = true };
	struct terms terms = { 0 };
	struct supply supply;
	char *text;

	(void)state;
	cpus_add(&pool.cpus, 0);
	cpus_add(&pool.cpus, 8191);
	text = policy_pool_text(&pool);
	assert_true(supply_read(&supply, text));
	assert_int_equal(supply.spare.runtime, pool.spare.runtime);
	assert_int_equal(supply.spare.period, pool.spare.period);
	assert_int_equal(supply.units, pool.units);
	assert_true(cpus_equal(&supply.cpus, &pool.cpus));
	free(text);
	text = policy_borrow_text(&borrow);
	assert_true(terms_combine(&terms, text));
	assert_true(terms.on && terms.reply && terms.timer && !terms.charge);
	assert_int_equal(terms.chances, UINT_MAX);
	assert_int_equal(terms.linger, borrow.linger);
	free(text);
}

/* --- terms --- */

/* Those of the groups from the top down; NULL is behind the last. */
static struct terms combined(const char *const texts[])
{
	struct terms terms = { 0 };

	for (; *texts; texts++)
		if (!terms_combine(&terms, *texts))
			fail_msg("refused: '%s'", *texts);
	return terms;
}

#define COMBINED(...) combined((const char *const[]){ __VA_ARGS__, NULL })

static void reads_terms(void **state)
{
	struct terms terms = COMBINED("on chances=max charge=0 reply=1 linger=200 timer=0");

	(void)state;
	assert_true(terms.on && !terms.off && !terms.charge && terms.reply && !terms.timer);
	assert_int_equal(terms.chances, 0);
	assert_int_equal(terms.linger, 200000);
	terms = COMBINED("on chances=1 charge=1 reply=0 linger=0 timer=1");
	assert_true(terms.on && terms.charge && !terms.reply && terms.timer);
	assert_int_equal(terms.chances, 1);
	assert_int_equal(terms.linger, 0);
	terms = COMBINED("on chances=4294967295 charge=0 reply=0 linger=18446744073709551 timer=0");
	assert_int_equal(terms.chances, UINT_MAX);
	assert_true(terms.linger == 18446744073709551000u);
}

static void off_binds(void **state)
{
	struct terms terms = COMBINED("off", "on chances=1 charge=0 reply=1 linger=200 timer=1");

	(void)state;
	assert_true(terms.off && !terms.on);
	terms = COMBINED("on chances=1 charge=0 reply=1 linger=200 timer=1", "off", "inherit",
			 "on chances=1 charge=0 reply=1 linger=200 timer=1");
	assert_true(terms.off && !terms.on);
}

static void inherit_adds_nothing(void **state)
{
	struct terms terms = COMBINED("inherit"), same;

	(void)state;
	assert_true(!terms.on && !terms.off);
	terms = COMBINED("inherit", "on chances=3 charge=0 reply=0 linger=50 timer=1");
	same = COMBINED("on chances=3 charge=0 reply=0 linger=50 timer=1", "inherit", "inherit");
	assert_true(terms.on && same.on);
	assert_int_equal(terms.chances, same.chances);
	assert_int_equal(terms.linger, same.linger);
	assert_true(terms.timer && same.timer && !terms.reply && !same.reply && !terms.charge && !same.charge);
}

/* Whichever of the two is above. */
static void combine(const char *one, const char *other, const char *wanted)
{
	const struct terms expected = COMBINED(wanted);

	for (int order = 0; order < 2; order++) {
		struct terms terms = COMBINED(order ? one : other, order ? other : one);

		if (!terms.on || terms.chances != expected.chances || terms.charge != expected.charge || terms.reply != expected.reply ||
		    terms.linger != expected.linger || terms.timer != expected.timer)
			fail_msg("'%s' and '%s' are not '%s'", one, other, wanted);
	}
}

static void the_narrower_counts(void **state)
{
	(void)state;
	combine("on chances=max charge=0 reply=0 linger=200 timer=1", "on chances=7 charge=0 reply=0 linger=200 timer=1",
		"on chances=7 charge=0 reply=0 linger=200 timer=1");
	combine("on chances=2 charge=0 reply=0 linger=200 timer=1", "on chances=7 charge=0 reply=0 linger=200 timer=1",
		"on chances=2 charge=0 reply=0 linger=200 timer=1");
	combine("on chances=max charge=0 reply=0 linger=200 timer=1", "on chances=max charge=1 reply=0 linger=200 timer=1",
		"on chances=max charge=1 reply=0 linger=200 timer=1");
	combine("on chances=max charge=0 reply=0 linger=200 timer=1", "on chances=max charge=0 reply=1 linger=200 timer=1",
		"on chances=max charge=0 reply=1 linger=200 timer=1");
	combine("on chances=max charge=0 reply=0 linger=200 timer=1", "on chances=max charge=0 reply=0 linger=0 timer=1",
		"on chances=max charge=0 reply=0 linger=0 timer=1");
	combine("on chances=max charge=0 reply=0 linger=200 timer=1", "on chances=max charge=0 reply=0 linger=200 timer=0",
		"on chances=max charge=0 reply=0 linger=200 timer=0");
	combine("on chances=2 charge=1 reply=0 linger=200 timer=1", "on chances=3 charge=0 reply=1 linger=100 timer=0",
		"on chances=2 charge=1 reply=1 linger=100 timer=0");
}

static void refuses_what_are_no_terms(void **state)
{
	static const char *const texts[] = {
		"", "o", "on", "on ", "offer", "off ", "inherit ", "inherited", "On chances=max charge=0 reply=1 linger=200 timer=0",
		"on chances=max", "on chances=max charge=0 reply=1 linger=200", "on charge=0 chances=max reply=1 linger=200 timer=0",
		"on chances=max charge=0 reply=1 linger=200 timer=0 ", "on chances=max charge=0 reply=1 linger=200 timer=0\n",
		"on chances=max charge=0 reply=1 linger=200 timer=0x", "on chances=max charge=0 reply=1 linger=200 timer=00x1",
		"on chances=max charge=0 reply=1 linger=200 timer=0 more=1", "on chances=max charge=0 reply=1 linger=200 timer=",
		"on chances=max charge=0 reply=1 linger=200 timer=2", "on chances=max charge=0 reply=2 linger=200 timer=0",
		"on chances=max charge=2 reply=1 linger=200 timer=0", "on chances=max charge=-1 reply=1 linger=200 timer=0",
		"on chances=max charge=0 reply=-4294967295 linger=200 timer=0", "on chances=max charge=4294967296 reply=1 linger=200 timer=0",
		"on chances=0 charge=0 reply=1 linger=200 timer=0", "on chances=00 charge=0 reply=1 linger=200 timer=0",
		"on chances=-1 charge=0 reply=1 linger=200 timer=0", "on chances=+1 charge=0 reply=1 linger=200 timer=0",
		"on chances=1x charge=0 reply=1 linger=200 timer=0", "on chances=maximum charge=0 reply=1 linger=200 timer=0",
		"on chances= charge=0 reply=1 linger=200 timer=0", "on chances=4294967296 charge=0 reply=1 linger=200 timer=0",
		"on chances=4294967297 charge=0 reply=1 linger=200 timer=0", "on chances=99999999999999999999 charge=0 reply=1 linger=200 timer=0",
		"on chances=max charge=0 reply=1 linger=-1 timer=0", "on chances=max charge=0 reply=1 linger=1us timer=0",
		"on chances=max charge=0 reply=1 linger=18446744073709552 timer=0",
		"on chances=max charge=0 reply=1 linger=18446744073709551816 timer=0",
		"on  chances=max charge=0 reply=1 linger=200 timer=0", "on chances=max  charge=0 reply=1 linger=200 timer=0",
		" on chances=max charge=0 reply=1 linger=200 timer=0",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct terms terms = COMBINED("on chances=3 charge=0 reply=0 linger=50 timer=1");
		const struct terms before = terms;

		if (terms_combine(&terms, texts[i]))
			fail_msg("taken: '%s'", texts[i]);
		if (!terms.on || terms.off || terms.chances != before.chances || terms.charge || terms.reply ||
		    terms.linger != before.linger || !terms.timer)
			fail_msg("changed by '%s'", texts[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_pool),
		cmocka_unit_test(takes_a_pool_up_to_its_borders),
		cmocka_unit_test(refuses_what_is_no_pool),
		cmocka_unit_test(tells_pools_apart),
		cmocka_unit_test(reads_what_a_policy_says),
		cmocka_unit_test(reads_terms),
		cmocka_unit_test(off_binds),
		cmocka_unit_test(inherit_adds_nothing),
		cmocka_unit_test(the_narrower_counts),
		cmocka_unit_test(refuses_what_are_no_terms),
	};

	return cmocka_run_group_tests_name("terms", tests, NULL, NULL);
}
