// sources: tests/unit/host_tree.c
#include <errno.h>

#include "host/group.h"
#include "host_tree.h"
#include "unit.h"

/* A scope that its manager has removed meanwhile must not be there again for a group in it. */
static void makes_one_level(void **state)
{
	(void)state;
	host_tree_put("cgroup2 /cgroup cgroup2 rw 0 0\n", "/proc/mounts");
	host_tree_folder("/cgroup/there");
	assert_int_equal(group_start(), 0);
	assert_int_equal(group_make("there/new"), 0);
	assert_true(group_exists("there/new"));
	assert_int_equal(group_make("there/new"), 0);
	assert_int_equal(group_make("gone.scope/new"), -1);
	assert_int_equal(errno, ENOENT);
	assert_false(group_exists("gone.scope"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(makes_one_level, host_tree_make, host_tree_remove),
	};

	return cmocka_run_group_tests_name("group", tests, NULL, NULL);
}
