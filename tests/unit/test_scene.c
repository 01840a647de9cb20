// sources: cgroup-tools/lender/scene.c cgroup-tools/lender/terms.c tests/unit/host_tree.c
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/group.h"
#include "host/spare.h"
#include "host_tree.h"
#include "lender/scene.h"

#define POOL "4000 10000 units=1 cpus=1\n"
#define ON "on chances=max charge=0 reply=1 linger=200 timer=0\n"
#define CHARGED "on chances=max charge=1 reply=1 linger=200 timer=0\n"
#define NOBODY ((size_t)-1)

static struct scene scene;
/* What a look has complained of, a line each. */
static char told[1024];

static int make_host(void **state)
{
	host_tree_make(state);
	host_tree_put("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n", "/proc/mounts");
	host_tree_folder("/run/dlspare/");
	return group_start();
}

static int remove_host(void **state)
{
	scene_free(&scene);
	return host_tree_remove(state);
}

static void put_group(const char *group, const char *threads)
{
	host_tree_put(threads, "/sys/fs/cgroup/%s/cgroup.threads", group);
}

static void want(const char *group, const char *file, const char *text)
{
	host_tree_put(text, SPARE_FOLDER "/%s/%s", group, file);
}

static void complain(const char *group, const char *file, const char *text)
{
	const size_t length = strlen(told);

	snprintf(told + length, sizeof(told) - length, "%s %s %s\n", group, file, text);
}

static void look(void)
{
	scene_free(&scene);
	*told = '\0';
	assert_true(scene_look(&scene, complain));
}

static size_t place_of_group(const char *name)
{
	size_t i;

	for (i = 0; i < scene.nr_groups; i++)
		if (!strcmp(scene.groups[i].name, name))
			return i;
	return NOBODY;
}

static const struct scene_group *group_named(const char *name)
{
	const size_t place = place_of_group(name);

	if (place == NOBODY)
		fail_msg("%s does not borrow", name);
	return &scene.groups[place];
}

/* It borrows from the pool of that group. */
static void assert_borrows(const char *name, const char *pool)
{
	const struct scene_group *group = group_named(name);

	assert_in_range(group->pool, 0, scene.nr_pools - 1);
	assert_string_equal(scene.pools[group->pool].group, pool);
}

static void assert_does_not(const char *name)
{
	if (place_of_group(name) != NOBODY)
		fail_msg("%s borrows", name);
}

/* --- who borrows --- */

static void without_files_nobody_borrows(void **state)
{
	(void)state;
	put_group("a", "7\n");
	look();
	assert_int_equal(scene.nr_pools + scene.nr_groups + scene.nr_threads, 0);
	/* Neither what has a pool alone, nor what has terms alone. */
	put_group("b", "8\n");
	want("a", "cpu.spare.pool", POOL);
	want("b", "cpu.spare.borrow", ON);
	look();
	assert_int_equal(scene.nr_pools, 1);
	assert_int_equal(scene.pools[0].supply.spare.runtime, 4000000);
	assert_int_equal(scene.nr_groups + scene.nr_threads, 0);
	assert_string_equal(told, "");
}

static void threads_come_sorted_with_their_groups(void **state)
{
	(void)state;
	host_tree_task(100, 300, "CPU 0/KVM", 0);
	host_tree_task(100, 120, "CPU 1/KVM", 0);
	host_tree_task(200, 210, "CPU 0/KVM", 0);
	put_group("a", "");
	put_group("a/web", "300\n120\n");
	put_group("a/mail", "210\n");
	want("a", "cpu.spare.pool", POOL);
	want("a/web", "cpu.spare.borrow", ON);
	want("a/mail", "cpu.spare.borrow", ON);
	look();
	assert_int_equal(scene.nr_threads, 3);
	assert_int_equal(scene.threads[0].tid, 120);
	assert_int_equal(scene.threads[0].pid, 100);
	assert_int_equal(scene.threads[0].group, place_of_group("a/web"));
	assert_int_equal(scene.threads[1].tid, 210);
	assert_int_equal(scene.threads[1].pid, 200);
	assert_int_equal(scene.threads[1].group, place_of_group("a/mail"));
	assert_int_equal(scene.threads[2].tid, 300);
	assert_int_equal(scene.threads[2].group, place_of_group("a/web"));
}

static void the_nearest_pool_counts(void **state)
{
	(void)state;
	put_group("a", "");
	put_group("a/b", "");
	put_group("a/b/web", "");
	put_group("a/mail", "");
	put_group("own", "");
	want("a", "cpu.spare.pool", POOL);
	want("a/b", "cpu.spare.pool", "1000 20000 units=3 cpus=2\n");
	want("a/b/web", "cpu.spare.borrow", ON);
	want("a/mail", "cpu.spare.borrow", ON);
	/* A group may have the pool that it borrows from. */
	want("own", "cpu.spare.pool", POOL);
	want("own", "cpu.spare.borrow", ON);
	look();
	assert_int_equal(scene.nr_pools, 3);
	assert_borrows("a/b/web", "a/b");
	assert_borrows("a/mail", "a");
	assert_borrows("own", "own");
	assert_int_equal(scene.pools[group_named("a/b/web")->pool].supply.units, 3);
	/* "none" is no pool: the one above counts then. */
	want("a/b", "cpu.spare.pool", "none\n");
	look();
	assert_borrows("a/b/web", "a");
	assert_string_equal(told, "");
}

static void pools_of_siblings_are_not_ones_own(void **state)
{
	(void)state;
	put_group("a", "");
	put_group("b", "");
	put_group("ab", "");
	want("a", "cpu.spare.pool", POOL);
	want("b", "cpu.spare.borrow", ON);
	want("ab", "cpu.spare.borrow", ON);
	look();
	assert_int_equal(scene.nr_pools, 1);
	assert_int_equal(scene.nr_groups, 0);
}

static void terms_hold_below(void **state)
{
	(void)state;
	put_group("a", "");
	put_group("a/web", "");
	/* It has no folder of ours. */
	put_group("a/web/vcpu0", "");
	put_group("a/web/vcpu1", "");
	want("a", "cpu.spare.pool", POOL);
	want("a/web", "cpu.spare.borrow", "on chances=4 charge=0 reply=0 linger=300 timer=1\n");
	want("a/web/vcpu1", "cpu.spare.borrow", "on chances=9 charge=0 reply=1 linger=100 timer=1\n");
	look();
	assert_int_equal(scene.nr_groups, 3);
	assert_borrows("a/web/vcpu0", "a");
	assert_int_equal(group_named("a/web/vcpu0")->terms.chances, 4);
	assert_int_equal(group_named("a/web/vcpu0")->terms.linger, 300000);
	assert_false(group_named("a/web/vcpu0")->terms.reply);
	assert_true(group_named("a/web/vcpu0")->terms.timer);
	assert_int_equal(group_named("a/web/vcpu1")->terms.chances, 4);
	assert_int_equal(group_named("a/web/vcpu1")->terms.linger, 100000);
	assert_true(group_named("a/web/vcpu1")->terms.reply);
	/* And not beside it. */
	assert_false(group_named("a/web")->terms.reply);
}

static void off_holds_below(void **state)
{
	(void)state;
	put_group("a", "");
	put_group("a/web", "");
	put_group("a/web/vcpu0", "");
	put_group("a/mail", "");
	want("a", "cpu.spare.pool", POOL);
	want("a", "cpu.spare.borrow", ON);
	want("a/web", "cpu.spare.borrow", "off\n");
	want("a/web/vcpu0", "cpu.spare.borrow", ON);
	look();
	assert_borrows("a", "a");
	assert_borrows("a/mail", "a");
	assert_does_not("a/web");
	assert_does_not("a/web/vcpu0");
	assert_string_equal(told, "");
}

/* --- what cannot be --- */

static void charge_is_refused(void **state)
{
	(void)state;
	put_group("a", "");
	put_group("a/web", "");
	put_group("a/web/vcpu0", "");
	put_group("a/web/vcpu1", "");
	put_group("a/mail", "");
	want("a", "cpu.spare.pool", POOL);
	want("a/web", "cpu.spare.borrow", CHARGED);
	want("a/web/vcpu1", "cpu.spare.borrow", ON);
	want("a/mail", "cpu.spare.borrow", ON);
	look();
	assert_does_not("a/web");
	assert_does_not("a/web/vcpu0");
	assert_does_not("a/web/vcpu1");
	assert_borrows("a/mail", "a");
	/* Of whom nothing is said, nothing is told. */
	assert_non_null(strstr(told, "a/web cpu.spare.borrow on chances=max charge=1 reply=1 linger=200 timer=0\n"));
	assert_null(strstr(told, "vcpu0"));
	assert_null(strstr(told, "inherit"));
}

static void nonsense_counts_for_nothing(void **state)
{
	(void)state;
	put_group("a", "");
	put_group("a/b", "");
	put_group("a/b/web", "");
	want("a", "cpu.spare.pool", POOL);
	want("a", "cpu.spare.borrow", ON);
	want("a/b", "cpu.spare.pool", "4000 10000 units=1 cpus=1 more\n");
	want("a/b/web", "cpu.spare.borrow", "on chances=1 charge=0 reply=1 linger=200 timer=0x\n");
	look();
	assert_int_equal(scene.nr_pools, 1);
	assert_borrows("a/b/web", "a");
	assert_int_equal(group_named("a/b/web")->terms.chances, 0);
	assert_string_equal(told, "a/b cpu.spare.pool 4000 10000 units=1 cpus=1 more\n"
			    "a/b/web cpu.spare.borrow on chances=1 charge=0 reply=1 linger=200 timer=0x\n");
}

static void who_has_gone_does_not_borrow(void **state)
{
	(void)state;
	host_tree_task(100, 101, "CPU 0/KVM", 0);
	put_group("a", "");
	/* 102 has ended since the kernel has listed it; 0 is of another pid namespace. */
	put_group("a/web", "101\n102\n0\nx\n");
	/* As of a group whose threads cannot be listed. */
	host_tree_folder("/sys/fs/cgroup/a/mail");
	want("a", "cpu.spare.pool", POOL);
	want("a/web", "cpu.spare.borrow", ON);
	want("a/mail", "cpu.spare.borrow", ON);
	/* Files of groups that were removed, one with a pool. */
	want("a/old", "cpu.spare.borrow", ON);
	want("gone", "cpu.spare.pool", POOL);
	want("gone", "cpu.spare.borrow", "nonsense\n");
	look();
	assert_int_equal(scene.nr_pools, 1);
	assert_int_equal(scene.nr_groups, 1);
	assert_borrows("a/web", "a");
	assert_int_equal(scene.nr_threads, 1);
	assert_int_equal(scene.threads[0].tid, 101);
	assert_string_equal(told, "");
}

static void many_are_found(void **state)
{
	char group[32], threads[32];
	int i;

	(void)state;
	put_group("a", "");
	want("a", "cpu.spare.pool", POOL);
	want("a", "cpu.spare.borrow", ON);
	for (i = 0; i < 40; i++) {
		snprintf(group, sizeof(group), "a/vm%d", i);
		snprintf(threads, sizeof(threads), "%d\n%d\n", 1000 - 2 * i, 999 - 2 * i);
		put_group(group, threads);
		host_tree_task(1000 - 2 * i, 1000 - 2 * i, "CPU 0/KVM", 0);
		host_tree_task(1000 - 2 * i, 999 - 2 * i, "CPU 1/KVM", 0);
	}
	look();
	assert_int_equal(scene.nr_groups, 41);
	assert_int_equal(scene.nr_threads, 80);
	for (i = 0; i < 80; i++) {
		assert_int_equal(scene.threads[i].tid, 921 + i);
		snprintf(group, sizeof(group), "a/vm%d", (1000 - scene.threads[i].tid) / 2);
		assert_string_equal(scene.groups[scene.threads[i].group].name, group);
	}
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, make_host, remove_host)
	const struct CMUnitTest tests[] = {
		TEST(without_files_nobody_borrows),
		TEST(threads_come_sorted_with_their_groups),
		TEST(the_nearest_pool_counts),
		TEST(pools_of_siblings_are_not_ones_own),
		TEST(terms_hold_below),
		TEST(off_holds_below),
		TEST(charge_is_refused),
		TEST(nonsense_counts_for_nothing),
		TEST(who_has_gone_does_not_borrow),
		TEST(many_are_found),
	};

	return cmocka_run_group_tests_name("scene", tests, NULL, NULL);
}
