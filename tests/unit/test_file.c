// sources: tests/unit/host_tree.c
/* Files that are replaced whole: what is at their place, who could have been there before, and a full file system. */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/file.h"
#include "host/host.h"
#include "host_tree.h"

static char path[PATH_MAX], other[PATH_MAX];

static int make_paths(void **state)
{
	int error = host_tree_make(state);

	snprintf(path, sizeof(path), "%s", host_path("/file"));
	snprintf(other, sizeof(other), "%s", host_path("/other"));
	return error;
}

static void reads(const char *where, const char *expected)
{
	char *text = host_read(where, NULL);

	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
}

static int nr_files(void)
{
	DIR *dir = opendir(host_root);
	int nr = 0;

	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr - 2;
}

static void a_file_is_made_and_replaced(void **state)
{
	struct stat stat;

	(void)state;
	assert_int_equal(file_replace(path, "one\n"), 0);
	reads(path, "one");
	assert_int_equal(file_replace(path, "two\n"), 0);
	reads(path, "two");
	assert_int_equal(lstat(path, &stat), 0);
	assert_int_equal(stat.st_mode, S_IFREG | 0644);
	assert_int_equal(nr_files(), 1);
}

static void a_link_is_neither_followed_nor_replaced(void **state)
{
	struct stat stat;

	(void)state;
	host_tree_put("precious", "/other");
	host_tree_link(other, "/file");
	assert_int_equal(file_replace(path, "text"), -1);
	assert_string_equal(file_error(errno), "not a regular file, so it is not replaced");
	reads(other, "precious");
	assert_int_equal(lstat(path, &stat), 0);
	assert_true(S_ISLNK(stat.st_mode));
	assert_int_equal(nr_files(), 2);
}

static void a_fifo_is_not_replaced(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(file_replace(path, "text"), -1);
	assert_int_equal(nr_files(), 1);
}

/* The name of the temporary file cannot be guessed. */
static void a_link_with_a_known_name_beside_it_is_left_alone(void **state)
{
	(void)state;
	host_tree_put("precious", "/other");
	host_tree_link(other, "/file.new");
	assert_int_equal(file_replace(path, "text"), 0);
	reads(other, "precious");
	assert_int_equal(nr_files(), 3);
}

static void what_cannot_be_written_leaves_the_old_file(void **state)
{
	const struct rlimit none = { 2, RLIM_INFINITY };
	struct rlimit before;

	(void)state;
	assert_int_equal(file_replace(path, "old"), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_int_equal(file_replace(path, "newer"), -1);
	assert_int_equal(errno, EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	reads(path, "old");
	assert_int_equal(nr_files(), 1);
}

static void a_folder_that_is_not_there_is_told(void **state)
{
	(void)state;
	assert_int_equal(file_replace(host_path("/no/file"), "text"), -1);
	assert_int_equal(errno, ENOENT);
	assert_string_equal(file_error(errno), "No such file or directory");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_paths, host_tree_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_is_made_and_replaced),
		TEST(a_link_is_neither_followed_nor_replaced),
		TEST(a_fifo_is_not_replaced),
		TEST(a_link_with_a_known_name_beside_it_is_left_alone),
		TEST(what_cannot_be_written_leaves_the_old_file),
		TEST(a_folder_that_is_not_there_is_told),
	};

	return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
