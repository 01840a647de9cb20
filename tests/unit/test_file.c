// SPDX-License-Identifier: GPL-2.0
/* Files that are replaced whole: what is at their place, who could have been there before, and a full file system. */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/file.h"
#include "host/host.h"

static char folder[] = "/tmp/test_file.XXXXXX";
static char path[64], other[64];

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/test_file.XXXXXX");
	snprintf(path, sizeof(path), "%s/file", mkdtemp(folder));
	snprintf(other, sizeof(other), "%s/other", folder);
	return 0;
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

static void put(const char *where, const char *text)
{
	FILE *file = fopen(where, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
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
	DIR *dir = opendir(folder);
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
	put(other, "precious");
	assert_int_equal(symlink(other, path), 0);
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
	char beside[72];

	(void)state;
	put(other, "precious");
	snprintf(beside, sizeof(beside), "%s.new", path);
	assert_int_equal(symlink(other, beside), 0);
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
	snprintf(other, sizeof(other), "%s/no/file", folder);
	assert_int_equal(file_replace(other, "text"), -1);
	assert_int_equal(errno, ENOENT);
	assert_string_equal(file_error(errno), "No such file or directory");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

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
