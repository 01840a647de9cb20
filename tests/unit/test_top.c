// sources: cgroup-tools/command/top_picture.c cgroup-tools/command/top_past.c cgroup-tools/command/top_glyphs.c cgroup-tools/command/top_columns.c cgroup-tools/command/output.c
// libraries: -lsmartcols
#include "unit.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of cmocka's; the product has its own. */
#undef fail
#include "command/command.h"
#include "command/top.h"
#include "host/units.h"

#define MS NSEC_PER_MSEC

struct options options;

static void assert_near(double found, double wanted, double error)
{
	if (!(fabs(found - wanted) <= error))
		print_message("%.12g is not %.12g\n", found, wanted);
	assert_true(fabs(found - wanted) <= error);
}

/* Nothing here fails, and nothing has to be said. */
int fail(int code, const char *format, ...)
{
	(void)format;
	return code;
}

void say(const char *format, ...)
{
	(void)format;
}

/* --- a host, which a test changes --- */

static char *classes[2] = { "deadline 40000000 100000000 100000000", "deadline 40000000 100000000 100000000" };

struct host {
	struct pool_policy gold;
	struct vm_policy policy;
	struct vm_thread vm_threads[3];
	struct state_thread threads[3];
	struct vm vm;
	struct state_vm seen;
	struct state_pool pool;
	struct state state;
};

/* One second of it, with a VM "web" of two vCPUs and an I/O thread that may borrow from two units of (1,10) ms. */
static void make(struct host *host, uint64_t second)
{
	*host = (struct host){
		.gold = { .name = "gold", .spare = { 1 * MS, 10 * MS } },
		.policy = { .name = "web", .borrow = { .on = true } },
		.vm_threads = { { .tid = 11, .role = VM_VCPU }, { .tid = 12, .role = VM_VCPU }, { .tid = 13, .role = VM_IO } },
		.threads = { { .class = classes[0] }, { .class = classes[1] }, { .class = "other 0" } },
		.vm = { .pid = 10, .start = 7, .nr_threads = 3 },
		.seen = { .name = "web", .reservation = { 40 * MS, 100 * MS }, .age = 100 * NSEC_PER_SEC,
			  .counters = { .known = true }, .latency = { .known = true } },
		.pool = { .counters = { .known = true }, .latency = { .known = true } },
		.state = { .nr_vms = 1, .nr_pools = 1, .time = second * NSEC_PER_SEC },
	};
	host->vm.threads = host->vm_threads;
	host->seen.threads = host->threads;
	host->seen.policy = &host->policy;
	host->seen.pool = &host->gold;
	host->seen.vm = &host->vm;
	host->pool.policy = &host->gold;
	host->pool.counters.value[STATE_UNITS] = 2;
	host->state.vms = &host->seen;
	host->state.pools = &host->pool;
}

static void run_for(struct host *host, uint64_t ns)
{
	host->threads[0].cpu_time += ns / 2;
	host->threads[1].cpu_time += ns / 2;
	host->seen.cpu_time += ns;
}

/* --- pictures --- */

static void measures_a_vm(void **state)
{
	struct host before, now;
	struct top_picture picture;
	const struct top_vm *web;

	(void)state;
	make(&before, 100);
	run_for(&before, 5 * NSEC_PER_SEC);
	make(&now, 102);
	run_for(&now, 5 * NSEC_PER_SEC + 1680 * MS);
	now.threads[2].cpu_time = 900 * MS;
	now.seen.counters.value[STATE_BORROWED] = 160 * MS;
	now.seen.counters.value[STATE_EVENTS] = 30;
	now.seen.counters.value[STATE_LOANS] = 20;
	now.seen.counters.value[STATE_WAITS] = 4;
	now.seen.counters.value[STATE_WAITED] = 10 * MS;
	assert_true(top_compare(&picture, &now.state, &before.state));
	assert_int_equal(picture.interval, 2 * NSEC_PER_SEC);
	assert_int_equal(picture.nr_vms, 1);
	web = picture.vms;
	assert_int_equal(web->vcpus, 2);
	assert_near(web->reserved, 0.8, 1e-9);
	/* 0.84 of 0.8 CPUs, 0.08 of that on loan. */
	assert_near(web->value[TOP_CPU], 84, 1e-9);
	assert_near(web->value[TOP_SHARE], 105, 1e-9);
	assert_near(web->own, 0.95, 1e-9);
	assert_near(web->loan, 0.1, 1e-9);
	assert_near(web->value[TOP_LOAN], 8, 1e-9);
	assert_near(web->value[TOP_EVENTS], 15, 1e-9);
	assert_near(web->value[TOP_LOANS], 10, 1e-9);
	assert_near(web->value[TOP_WAITS], 2, 1e-9);
	assert_near(web->value[TOP_WAIT], 2.5 * MS, 1e-3);
	assert_true(web->latency_known);
	assert_int_equal(web->events, 0);
	assert_true(isnan(web->value[TOP_P50]) && isnan(web->value[TOP_P99]) && isnan(web->value[TOP_WORST]));
	top_free(&picture);
}

static void measures_only_vcpus_that_have_a_reservation(void **state)
{
	struct host before, now;
	struct top_picture picture;

	(void)state;
	make(&before, 100);
	make(&now, 101);
	run_for(&now, 600 * MS);
	now.threads[1].class = "other 0";
	assert_true(top_compare(&picture, &now.state, &before.state));
	assert_int_equal(picture.vms[0].vcpus, 1);
	assert_near(picture.vms[0].reserved, 0.4, 1e-9);
	assert_near(picture.vms[0].value[TOP_SHARE], 75, 1e-9);
	assert_near(picture.vms[0].value[TOP_CPU], 60, 1e-9);
	top_free(&picture);

	now.threads[0].class = NULL;
	assert_true(top_compare(&picture, &now.state, &before.state));
	assert_int_equal(picture.vms[0].vcpus, 0);
	assert_true(isnan(picture.vms[0].value[TOP_SHARE]) && isnan(picture.vms[0].own));
	top_free(&picture);
}

/* The worst since the administrator's reset may be of long ago. */
static void measures_latency_between_two_looks(void **state)
{
	struct host before, now;
	struct top_picture picture;
	const struct top_vm *web;

	(void)state;
	make(&before, 100);
	make(&now, 101);
	histogram_parse(&before.seen.latency, "worst_usec own=60000 loan=0 waited=0 refused=0\n65536 own=9 loan=0 waited=0 refused=0\n");
	histogram_parse(&now.seen.latency, "worst_usec own=60000 loan=0 waited=0 refused=0\n65536 own=9 loan=0 waited=0 refused=0\n"
			"64 own=0 loan=99 waited=0 refused=0\n8192 own=0 loan=0 waited=1 refused=0\n");
	assert_true(top_compare(&picture, &now.state, &before.state));
	web = picture.vms;
	assert_int_equal(web->events, 100);
	assert_true(web->value[TOP_P50] > 32000 && web->value[TOP_P50] < 64000);
	assert_near(web->value[TOP_P99], 64000, 1);
	assert_near(web->value[TOP_WORST], 8192000, 1);
	assert_int_equal(web->bound, 9 * MS);
	assert_false(top_is_late(web));
	top_free(&picture);

	/* In the longest's bucket: exact. */
	histogram_parse(&now.seen.latency, "worst_usec own=0 loan=0 waited=70000 refused=0\n131072 own=0 loan=0 waited=9 refused=0\n");
	assert_true(top_compare(&picture, &now.state, &before.state));
	assert_near(picture.vms[0].value[TOP_WORST], 70000000, 1);
	assert_true(top_is_late(picture.vms));
	top_free(&picture);

	/* Who takes no loans is promised none. */
	now.policy.borrow.on = false;
	assert_true(top_compare(&picture, &now.state, &before.state));
	assert_false(top_is_late(picture.vms));
	top_free(&picture);
}

static void knows_little_at_first_and_without_counters(void **state)
{
	struct state nothing = { 0 };
	struct host before, now;
	struct top_picture picture;

	(void)state;
	make(&now, 100);
	run_for(&now, 25 * NSEC_PER_SEC);
	assert_true(top_compare(&picture, &now.state, &nothing));
	/* Since its start. */
	assert_near(picture.vms[0].value[TOP_CPU], 25, 1e-9);
	assert_near(picture.vms[0].value[TOP_SHARE], 25 / 0.8, 1e-9);
	assert_true(isnan(picture.vms[0].value[TOP_EVENTS]) && isnan(picture.vms[0].loan));
	assert_false(picture.vms[0].latency_known);
	assert_true(isnan(picture.pools[0].value[TOP_POOL_USED]));
	top_free(&picture);

	make(&before, 99);
	now.seen.counters.known = now.seen.latency.known = now.pool.counters.known = now.pool.latency.known = false;
	assert_true(top_compare(&picture, &now.state, &before.state));
	assert_true(isnan(picture.vms[0].value[TOP_LOAN]) && isnan(picture.vms[0].value[TOP_P99]));
	assert_false(picture.vms[0].latency_known);
	assert_true(isnan(picture.pools[0].value[TOP_POOL_BLOCKED]) && isnan(picture.pools[0].value[TOP_POOL_LOANS]));
	top_free(&picture);

	/* Another process with its pid. */
	before.vm.start = 8;
	assert_true(top_compare(&picture, &now.state, &before.state));
	assert_near(picture.vms[0].value[TOP_CPU], 25, 1e-9);
	top_free(&picture);
}

static void measures_a_pool(void **state)
{
	struct host before, now;
	struct top_picture picture;
	const struct top_pool *gold;

	(void)state;
	make(&before, 100);
	make(&now, 110);
	before.pool.counters.value[STATE_BORROWED] = 7 * MS;
	now.pool.counters.value[STATE_BORROWED] = 507 * MS;
	now.pool.counters.value[STATE_LOANS] = 50;
	now.pool.counters.value[STATE_UNITS_BUSY] = 1;
	histogram_parse(&now.pool.latency, "64 own=900 loan=30 waited=0 refused=70\n8192 own=0 loan=0 waited=10 refused=0\n");
	assert_true(top_compare(&picture, &now.state, &before.state));
	gold = picture.pools;
	assert_int_equal(gold->units, 2);
	assert_int_equal(gold->busy, 1);
	/* Two units of 0.1 CPU give 2 s in 10. */
	assert_near(gold->value[TOP_POOL_USED], 25, 1e-9);
	/* Only those that wanted a unit count. */
	assert_near(gold->value[TOP_POOL_BLOCKED], 25, 1e-9);
	assert_near(gold->value[TOP_POOL_LOANS], 5, 1e-9);
	assert_int_equal(gold->events, 1010);
	top_free(&picture);

	/* CPUs only. */
	now.gold.spare = (struct reservation){ 0 };
	now.pool.counters.value[STATE_UNITS] = 0;
	now.pool.latency = before.pool.latency;
	assert_true(top_compare(&picture, &now.state, &before.state));
	assert_true(isnan(picture.pools[0].value[TOP_POOL_USED]) && isnan(picture.pools[0].value[TOP_POOL_BLOCKED]));
	top_free(&picture);
}

static void sorts(void **state)
{
	static const char *const names[] = { "c", "a", "d", "b" };
	static const double values[] = { 2, NAN, 5, 2 };
	struct state_vm seen[4];
	struct top_vm rows[4];
	struct top_picture picture = { .vms = rows, .nr_vms = 4 };
	struct vm vm = { .pid = 1 };
	char order[5] = "";
	int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		seen[i] = (struct state_vm){ .name = names[i], .vm = &vm };
		rows[i] = (struct top_vm){ .vm = &seen[i] };
		rows[i].value[TOP_NAME] = NAN;
		rows[i].value[TOP_P99] = values[i];
	}
	top_sort(&picture, TOP_P99);
	for (i = 0; i < 4; i++)
		order[i] = *rows[i].vm->name;
	assert_string_equal(order, "dbca");
	top_sort(&picture, TOP_NAME);
	for (i = 0; i < 4; i++)
		order[i] = *rows[i].vm->name;
	assert_string_equal(order, "abcd");
}

static void remembers(void **state)
{
	struct vm vms[2] = { { .pid = 1, .start = 5 }, { .pid = 2, .start = 5 } };
	struct state_vm seen[2] = { { .vm = &vms[0] }, { .vm = &vms[1] } };
	struct top_vm rows[2] = { { .vm = &seen[0] }, { .vm = &seen[1] } };
	struct top_picture picture = { .vms = rows, .nr_vms = 2 };
	struct top_pasts pasts = { 0 };
	int i;

	(void)state;
	assert_null(top_past_of(&pasts, &vms[0]));
	for (i = 0; i < TOP_PAST_MOST + 2; i++) {
		rows[0].value[TOP_P99] = i;
		rows[1].value[TOP_P99] = i % 2 ? NAN : 1000 + i;
		assert_true(top_past_add(&pasts, &picture));
		/* Their order is another one each time. */
		rows[0].vm = &seen[(i + 1) % 2];
		rows[1].vm = &seen[i % 2];
	}
	assert_near(top_past_of(&pasts, &vms[0])->p99[TOP_PAST_MOST - 1], 2, 0);
	assert_near(top_past_of(&pasts, &vms[1])->p99[TOP_PAST_MOST - 1], 1000 + 2, 0);
	assert_true(isnan(top_past_of(&pasts, &vms[0])->p99[0]));
	assert_near(top_past_of(&pasts, &vms[1])->p99[0], TOP_PAST_MOST + 1, 0);
	/* One ends, and another has its pid. */
	picture.nr_vms = 1;
	rows[0].vm = &seen[1];
	rows[0].value[TOP_P99] = 3;
	vms[1].start = 6;
	assert_true(top_past_add(&pasts, &picture));
	assert_null(top_past_of(&pasts, &vms[0]));
	assert_near(top_past_of(&pasts, &vms[1])->p99[0], 3, 0);
	assert_true(isnan(top_past_of(&pasts, &vms[1])->p99[1]));
	top_past_free(&pasts);
	assert_int_equal(pasts.nr, 0);
}

/* --- glyphs --- */

static void scales_a_sparkline(void **state)
{
	static const struct {
		double ns;
		int level;
	} cases[] = {
		{ 0, 0 }, { 100000, 0 }, { 100001, 1 }, { 300000, 1 }, { 300001, 2 }, { 1000000, 2 }, { 1000001, 3 }, { 3000001, 4 },
		{ 10000000, 4 }, { 10000001, 5 }, { 30000000, 5 }, { 30000001, 6 }, { 4e9, 6 }, { 1e18, 6 },
	};
	int i;

	(void)state;
	for (i = 0; i < (int)(sizeof(cases) / sizeof(*cases)); i++)
		assert_int_equal(top_level(cases[i].ns), cases[i].level);
	for (i = 0; i < TOP_LEVELS - 1; i++) {
		assert_int_equal(top_level(top_level_end(i)), i);
		assert_int_equal(top_level(top_level_end(i) + 1), i + 1);
	}
	assert_int_equal(top_level_end(TOP_LEVELS - 1), 0);
}

/* Where colours and blocks are missing, no two parts of a picture may look the same. */
static void has_glyphs_of_one_cell(void **state)
{
	int utf8, i;

	(void)state;
	for (utf8 = 0; utf8 < 2; utf8++) {
		const struct top_glyphs *glyphs = top_glyphs(utf8);
		const char *const all[] = { glyphs->own, glyphs->loan, glyphs->rest, glyphs->end, glyphs->more, glyphs->busy, glyphs->free };

		for (i = 0; i < 7; i++) {
			assert_int_equal(top_cells(all[i]), 1);
			assert_true(utf8 || strlen(all[i]) == 1);
		}
		for (i = 0; i < TOP_LEVELS; i++) {
			assert_int_equal(top_cells(glyphs->levels[i]), 1);
			assert_true(utf8 || strlen(glyphs->levels[i]) == 1);
			/* In ASCII for two each. */
			assert_true(i < 2 || strcmp(glyphs->levels[i], glyphs->levels[i - 2]));
			assert_true(!utf8 || !i || strcmp(glyphs->levels[i], glyphs->levels[i - 1]));
		}
		for (i = 1; i < 5; i++)
			assert_string_not_equal(all[i], all[i - 1]);
		assert_string_not_equal(glyphs->busy, glyphs->free);
	}
}

static void rounds_a_bar(void **state)
{
	static const struct {
		double own, loan;
		struct top_bar bar;
	} cases[] = {
		{ 0, 0, { 0, 0, 10, 0, false } },
		{ 0.04, 0, { 0, 0, 10, 0, false } },
		{ 0.05, 0, { 1, 0, 9, 0, false } },
		{ 0.5, NAN, { 5, 0, 5, 0, false } },
		{ NAN, NAN, { 0, 0, 10, 0, false } },
		{ 1, 0, { 10, 0, 0, 0, false } },
		/* What it was measured to have had beyond all of it was of the period before. */
		{ 1.4, 0, { 10, 0, 0, 0, false } },
		{ 1.4, 0.1, { 10, 0, 0, 1, false } },
		{ 0.5, 0.2, { 5, 2, 3, 0, false } },
		/* However little was lent, it is seen. */
		{ 0, 1e-6, { 0, 1, 9, 0, false } },
		{ 0.5, 0.001, { 4, 1, 5, 0, false } },
		{ 1, 0.001, { 9, 1, 0, 0, false } },
		{ 1, 0.06, { 10, 0, 0, 1, false } },
		{ 0.9, 0.3, { 9, 1, 0, 2, false } },
		{ 1, 0.3, { 10, 0, 0, 3, false } },
		{ 1, 0.36, { 10, 0, 0, 3, true } },
		{ 1, 7, { 10, 0, 0, 3, true } },
		{ 0, 1e300, { 0, 10, 0, 3, true } },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct top_bar bar = top_bar(cases[i].own, cases[i].loan);

		assert_int_equal(bar.own, cases[i].bar.own);
		assert_int_equal(bar.loan, cases[i].bar.loan);
		assert_int_equal(bar.rest, cases[i].bar.rest);
		assert_int_equal(bar.beyond, cases[i].bar.beyond);
		assert_int_equal(bar.more, cases[i].bar.more);
	}
}

static void fills_a_bar_of_units(void **state)
{
	int busy;

	(void)state;
	assert_int_equal(top_busy_cells(0, 0, 8), 0);
	for (busy = 0; busy <= 8; busy++)
		assert_int_equal(top_busy_cells(busy, 8, 8), busy);
	assert_int_equal(top_busy_cells(0, 1000, 16), 0);
	assert_int_equal(top_busy_cells(1, 1000, 16), 1);
	assert_int_equal(top_busy_cells(500, 1000, 16), 8);
	assert_int_equal(top_busy_cells(999, 1000, 16), 15);
	assert_int_equal(top_busy_cells(1000, 1000, 16), 16);
	assert_int_equal(top_busy_cells(1001, 1000, 16), 16);
	assert_int_equal(top_busy_cells(1, 2, 0), 0);
	assert_int_equal(top_busy_cells(1, 2, 1), 1);
}

/* --- columns --- */

static int sum_of(const int *widths, int nr)
{
	int sum = -1, i;

	for (i = 0; i < nr; i++)
		sum += widths[i] ? widths[i] + 1 : 0;
	return sum;
}

/* Each width has all columns of those below it, and none is wider than the terminal. */
static void check_fit(const struct top_column *columns, int nr, int longest)
{
	int before[NR_TOP_VM_COLUMNS] = { 0 }, widths[NR_TOP_VM_COLUMNS], cells, i;

	for (cells = 1; cells <= 400; cells++) {
		top_fit(widths, columns, nr, cells, longest);
		assert_true(sum_of(widths, nr) <= cells);
		assert_true(widths[0] > 0 && widths[0] <= longest);
		for (i = 0; i < nr; i++) {
			assert_true(!before[i] || widths[i]);
			assert_true(!i || !widths[i] || (widths[i] >= columns[i].least && widths[i] <= columns[i].most));
			before[i] = widths[i];
		}
	}
	for (i = 0; i < nr; i++)
		assert_true(before[i]);
}

static void fits_all_widths(void **state)
{
	int longest;

	(void)state;
	for (longest = 2; longest < 60; longest++) {
		check_fit(top_vm_columns, NR_TOP_VM_COLUMNS, longest);
		check_fit(top_pool_columns, NR_TOP_POOL_COLUMNS, longest);
	}
}

static bool all_from(const int *widths, int cells, const enum top_vm_column *columns, int nr)
{
	int i;

	for (i = 0; i < nr; i++)
		if (!widths[columns[i]]) {
			print_message("at %d cells column %d is missing\n", cells, columns[i]);
			return false;
		}
	return true;
}

/* As the manual page promises, also beside the longest names. */
static void keeps_what_matters(void **state)
{
	static const enum top_vm_column always[] = { TOP_NAME, TOP_P99, TOP_PAST };
	static const enum top_vm_column at_80[] = { TOP_P50, TOP_WORST, TOP_SHARE };
	int widths[NR_TOP_VM_COLUMNS], cells;

	(void)state;
	for (cells = 40; cells <= 200; cells++) {
		top_fit(widths, top_vm_columns, NR_TOP_VM_COLUMNS, cells, 60);
		assert_true(all_from(widths, cells, always, 3));
		assert_true(widths[TOP_NAME] >= 18 && widths[TOP_PAST] >= 12);
		assert_true(cells < 80 || all_from(widths, cells, at_80, 3));
	}
	/* All of them, of which the sparkline has what is left. */
	top_fit(widths, top_vm_columns, NR_TOP_VM_COLUMNS, 160, 12);
	assert_int_equal(sum_of(widths, NR_TOP_VM_COLUMNS), 160);
	for (cells = 0; cells < NR_TOP_VM_COLUMNS; cells++)
		assert_true(widths[cells]);
	assert_int_equal(widths[TOP_NAME], 12);
	assert_true(widths[TOP_PAST] > 20);
	/* One that has not even room for a name has a part of it. */
	top_fit(widths, top_vm_columns, NR_TOP_VM_COLUMNS, 7, 12);
	assert_int_equal(widths[TOP_NAME], 7);
	assert_int_equal(sum_of(widths, NR_TOP_VM_COLUMNS), 7);
}

static bool columns_are_in_order(const struct top_column *columns, int nr)
{
	int ranks = 0, i, j;

	for (i = 0; i < nr; i++) {
		ranks |= 1 << columns[i].rank;
		if (top_cells(columns[i].heading) > columns[i].least || !columns[i].key != !columns[i].by)
			return false;
		for (j = 0; j < i; j++)
			if (columns[i].key && columns[i].key == columns[j].key)
				return false;
	}
	return ranks == (1 << nr) - 1 && !columns[0].rank;
}

static void has_a_rank_and_a_key_once(void **state)
{
	(void)state;
	assert_true(columns_are_in_order(top_vm_columns, NR_TOP_VM_COLUMNS));
	assert_true(columns_are_in_order(top_pool_columns, NR_TOP_POOL_COLUMNS));
}

static void fills_a_cell(void **state)
{
	static const struct {
		const char *text;
		int cells;
		bool left;
		const char *cell;
	} cases[] = {
		{ "web", 5, true, "web  " }, { "web", 5, false, "  web" }, { "web", 3, false, "web" }, { "web", 2, false, "w~" },
		{ "webserver", 4, true, "web~" }, { "web", 1, true, "~" }, { "", 3, true, "   " }, { "", 2, false, "  " },
		/* Names come from whoever starts a VM. */
		{ "a\033[2Jb", 8, true, "a?[2Jb  " }, { "a\nb\tc", 6, true, "a?b?c " }, { "\xff\xfe" "a", 4, true, "??a " },
		{ "b\xc3\xa4r", 4, true, "b\xc3\xa4r " }, { "b\xc3\xa4r", 4, false, " b\xc3\xa4r" },
		/* Letters of two cells are not halved. */
		{ "\xe6\xbc\xa2\xe5\xad\x97", 4, true, "\xe6\xbc\xa2\xe5\xad\x97" }, { "\xe6\xbc\xa2\xe5\xad\x97", 3, true, "\xe6\xbc\xa2~" },
		{ "\xe6\xbc\xa2\xe5\xad\x97", 2, true, "~ " }, { "a\xcc\x88", 2, true, "a\xcc\x88 " },
	};
	char text[TOP_TEXT], many[2000] = "a";
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(top_cell(text, cases[i].text, cases[i].cells, cases[i].left), cases[i].cell);
	for (i = 0; i < 900; i++)
		strcat(many, "\xcc\x88");
	assert_int_equal(top_cells(top_cell(text, many, 20, true)), 20);
	memset(many, 'x', 1000);
	assert_int_equal(top_cells(top_cell(text, many, TOP_PAST_MOST, true)), TOP_PAST_MOST);
}

static void writes_what_stands_there(void **state)
{
	struct host before, now;
	struct top_picture picture;
	char text[TOP_TEXT];
	struct top_vm *web;

	(void)state;
	make(&before, 100);
	make(&now, 101);
	assert_true(top_compare(&picture, &now.state, &before.state));
	web = picture.vms;
#define SAYS(column, number, wanted) do { \
		web->value[column] = number; \
		assert_string_equal(top_vm_text(text, web, column), wanted); \
	} while (0)
	SAYS(TOP_NAME, NAN, "web");
	SAYS(TOP_RESERVATION, NAN, "2x40ms/100ms");
	SAYS(TOP_SHARE, 104.4, "104%");
	SAYS(TOP_SHARE, NAN, "-");
	SAYS(TOP_P50, 45000, "45.0us");
	SAYS(TOP_P50, 990, "<1us");
	SAYS(TOP_P50, NAN, "-");
	SAYS(TOP_P99, 9 * MS, "9.00ms ");
	SAYS(TOP_P99, 9 * MS + 1, "9.00ms!");
	SAYS(TOP_P99, NAN, "- ");
	SAYS(TOP_WORST, 58.5 * MS, "58.5ms");
	SAYS(TOP_LOAN, 7.25, "7.2");
	SAYS(TOP_EVENTS, 999.9, "999.9");
	SAYS(TOP_EVENTS, 1234567, "1234567");
	SAYS(TOP_EVENTS, NAN, "-");
	SAYS(TOP_WAIT, 0, "-");
	SAYS(TOP_WAIT, 2500000, "2.50ms");
	SAYS(TOP_POOL, NAN, "gold");
	SAYS(TOP_PID, NAN, "10");
	web->vcpus = 1;
	SAYS(TOP_RESERVATION, NAN, "40ms/100ms");
	picture.pools[0].value[TOP_POOL_BLOCKED] = 12.34;
	assert_string_equal(top_pool_text(text, picture.pools, TOP_POOL_BLOCKED), "12.3%");
	assert_string_equal(top_pool_text(text, picture.pools, TOP_POOL_UNIT), "1ms/10ms");
	assert_string_equal(top_pool_text(text, picture.pools, TOP_POOL_BUSY), "0/2");
	assert_string_equal(top_pool_text(text, picture.pools, TOP_POOL_P99), "-");
	now.pool.counters.known = false;
	assert_string_equal(top_pool_text(text, picture.pools, TOP_POOL_BUSY), "-");
	top_free(&picture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(measures_a_vm),
		cmocka_unit_test(measures_only_vcpus_that_have_a_reservation),
		cmocka_unit_test(measures_latency_between_two_looks),
		cmocka_unit_test(knows_little_at_first_and_without_counters),
		cmocka_unit_test(measures_a_pool),
		cmocka_unit_test(sorts),
		cmocka_unit_test(remembers),
		cmocka_unit_test(scales_a_sparkline),
		cmocka_unit_test(has_glyphs_of_one_cell),
		cmocka_unit_test(rounds_a_bar),
		cmocka_unit_test(fills_a_bar_of_units),
		cmocka_unit_test(fits_all_widths),
		cmocka_unit_test(keeps_what_matters),
		cmocka_unit_test(has_a_rank_and_a_key_once),
		cmocka_unit_test(fills_a_cell),
		cmocka_unit_test(writes_what_stands_there),
	};

	/* Names of all languages. */
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 1;
	return cmocka_run_group_tests_name("top", tests, NULL, NULL);
}
