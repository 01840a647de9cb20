#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"
#include "host/host.h"

static char root[] = "/tmp/test_host.XXXXXX";

static void put(const char *path, const char *bytes, size_t length)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static void put_mounts(const char *text)
{
	put(host_path("/proc/mounts"), text, strlen(text));
}

static int make_root(void **state)
{
	(void)state;
	if (!mkdtemp(root))
		return -1;
	host_root = root;
	return mkdir(host_path("/proc"), 0700);
}

static int remove_root(void **state)
{
	(void)state;
	unlink(host_path("/file"));
	unlink(host_path("/proc/mounts"));
	return rmdir(host_path("/proc")) || rmdir(root);
}

static void puts_the_root_before_paths(void **state)
{
	static char too_long[2 * PATH_MAX];
	const char *paths[8];
	char expected[64];

	(void)state;
	for (int i = 0; i < 8; i++)
		paths[i] = host_path("/proc/%d/stat", i);
	for (int i = 0; i < 8; i++) {
		snprintf(expected, sizeof(expected), "%s/proc/%d/stat", root, i);
		assert_string_equal(paths[i], expected);
	}
	memset(too_long, '/', sizeof(too_long) - 1);
	assert_string_equal(host_path("%s", too_long), "");
	assert_string_equal(host_path("%s", too_long + PATH_MAX + 1), "");
}

static void assert_reads(const char *bytes, size_t length, const char *text, size_t text_length)
{
	const char *path = host_path("/file");
	size_t got = 99;
	char *read;

	put(path, bytes, length);
	read = host_read(path, &got);
	assert_non_null(read);
	assert_int_equal(got, text_length);
	assert_memory_equal(read, text, text_length + 1);
	free(read);
	read = host_read(path, NULL);
	assert_string_equal(read, text);
	free(read);
}

static void reads_all_but_the_last_newline(void **state)
{
	(void)state;
	assert_reads("", 0, "", 0);
	assert_reads("\n", 1, "", 0);
	assert_reads("a", 1, "a", 1);
	assert_reads("a\nb\n\n", 5, "a\nb\n", 4);
	assert_reads("qemu\0-name\0web\0", 15, "qemu\0-name\0web\0", 15);
}

static void reads_files_of_any_length(void **state)
{
	static const size_t lengths[] = { 4095, 4096, 8190, 8191, 8192, 8193, 16383, 1000000 };
	char *bytes = malloc(1000001), *read;
	size_t length;

	(void)state;
	memset(bytes, 'x', 1000001);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		put(host_path("/file"), bytes, lengths[i]);
		read = host_read(host_path("/file"), &length);
		assert_non_null(read);
		assert_int_equal(length, lengths[i]);
		assert_int_equal(strlen(read), lengths[i]);
		free(read);
	}
	free(bytes);
}

static void tells_why_it_cannot_read(void **state)
{
	(void)state;
	errno = 0;
	assert_null(host_read(host_path("/missing"), NULL));
	assert_int_equal(errno, ENOENT);
	assert_null(host_read(host_path("/proc"), NULL));
	assert_int_equal(errno, EISDIR);
	assert_null(host_read("", NULL));
	assert_int_equal(errno, ENOENT);
}

static void writes_a_text_at_once(void **state)
{
	const char *path = host_path("/file");
	char *read;

	(void)state;
	put(path, "old and longer", 14);
	assert_int_equal(host_write(path, "4000 10000\n"), 0);
	read = host_read(path, NULL);
	assert_string_equal(read, "4000 10000");
	free(read);
	assert_int_equal(host_write(path, ""), 0);
}

static void tells_why_it_cannot_write(void **state)
{
	(void)state;
	assert_int_equal(host_write(host_path("/missing"), "1"), -1);
	assert_int_equal(errno, ENOENT);
	assert_false(host_exists(host_path("/missing")));
	assert_int_equal(host_write(host_path("/proc"), "1"), -1);
	assert_int_equal(errno, EISDIR);
	assert_true(host_exists(host_path("/proc")));
	/* The error of the write, not of what comes after it. */
	assert_int_equal(host_write("/dev/full", "1"), -1);
	assert_int_equal(errno, ENOSPC);
}

static void finds_the_cgroup_mount(void **state)
{
	(void)state;
	unlink(host_path("/proc/mounts"));
	assert_null(host_cgroups());
	put_mounts("");
	assert_null(host_cgroups());
	put_mounts("proc /proc proc rw 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n"
		   "/dev/cgroup2 /cgroup2 ext4 rw 0 0\n");
	assert_null(host_cgroups());
	put_mounts("sysfs /sys sysfs rw 0 0\n"
		   "cgroup2 /sys/fs/cgroup cgroup2 rw,nsdelegate 0 0\nnone /other cgroup2 rw 0 0\n");
	assert_string_equal(host_cgroups(), "/sys/fs/cgroup");
	put_mounts("cgroup2 /sys/fs/my\\040groups\\134x cgroup2 rw 0 0");
	assert_string_equal(host_cgroups(), "/sys/fs/my groups\\x");
	put_mounts("one\ntwo /point\n\n  \nthree /p \n");
	assert_null(host_cgroups());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(puts_the_root_before_paths),
		cmocka_unit_test(reads_all_but_the_last_newline),
		cmocka_unit_test(reads_files_of_any_length),
		cmocka_unit_test(tells_why_it_cannot_read),
		cmocka_unit_test(writes_a_text_at_once),
		cmocka_unit_test(tells_why_it_cannot_write),
		cmocka_unit_test(finds_the_cgroup_mount),
	};

	return cmocka_run_group_tests_name("host", tests, make_root, remove_root);
}
