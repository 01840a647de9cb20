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

static void text_is_put_at_the_end(void **state)
{
	const struct rlimit few = { 6, RLIM_INFINITY };
	struct rlimit before;

	(void)state;
	assert_int_equal(file_append(path, "one\n", 4), 0);
	assert_int_equal(file_append(path, "", 0), 0);
	reads(path, "one");
	/* Half of it finds room. */
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &few), 0);
	assert_int_equal(file_append(path, "two\n", 4), -1);
	assert_int_equal(errno, EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	reads(path, "one");
	assert_int_equal(file_append(path, "two", 3), 0);
	reads(path, "one\ntwo");
}

static void text_is_put_at_the_end_of_files_only(void **state)
{
	(void)state;
	host_tree_put("precious", "/other");
	host_tree_link(other, "/file");
	assert_int_equal(file_append(path, "text", 4), -1);
	reads(other, "precious");
	assert_int_equal(unlink(path), 0);
	/* Nobody reads it: to open it must not wait. */
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(file_append(path, "text", 4), -1);
	assert_int_equal(unlink(path), 0);
	host_tree_link("/dev/null", "/file");
	assert_int_equal(file_append(path, "text", 4), -1);
}

static void a_draft_counts_when_it_is_published(void **state)
{
	struct file_draft draft;

	(void)state;
	assert_int_equal(file_replace(path, "old"), 0);
	assert_int_equal(file_draft(&draft, path, "new"), 0);
	reads(path, "old");
	file_drop(&draft);
	assert_int_equal(nr_files(), 1);
	assert_int_equal(file_draft(&draft, path, "newer"), 0);
	assert_int_equal(file_publish(&draft), 0);
	reads(path, "newer");
	/* A folder has come to be there. */
	assert_int_equal(file_draft(&draft, other, "text"), 0);
	host_tree_folder("/other");
	assert_int_equal(file_publish(&draft), -1);
	assert_int_equal(errno, EISDIR);
	assert_int_equal(nr_files(), 2);
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
		TEST(text_is_put_at_the_end),
		TEST(text_is_put_at_the_end_of_files_only),
		TEST(a_draft_counts_when_it_is_published),
		TEST(a_folder_that_is_not_there_is_told),
	};

	return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
