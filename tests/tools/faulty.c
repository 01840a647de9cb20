// SPDX-License-Identifier: GPL-2.0
/*
 * Linked with dlspare's objects and -Wl,--wrap= of each function below that has __wrap_ before its name.
 *
 * The kernel's settings: write number FAIL_AT fails with EIO, before it is made or (FAIL_LATE=1) after it. COUNT_TO: a file for the
 * number of writes.
 *
 * Files in /run/dlspare: call number FILE_FAIL_AT that changes something there fails with FILE_ERROR, a number, and with
 * FILE_FAIL_ON=1 all that follow. A write that fails has put half of its bytes there. FILE_COUNT_TO: a file for the number of calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "apply/setting.h"

#define REAL_AND_WRAP(result, name, ...) \
	result __real_##name(__VA_ARGS__); \
	result __wrap_##name(__VA_ARGS__)

REAL_AND_WRAP(int, setting_write, const struct setting *setting, const char *value);
REAL_AND_WRAP(int, open, const char *path, int flags, ...);
REAL_AND_WRAP(int, mkostemp, char *path, int flags);
REAL_AND_WRAP(ssize_t, write, int fd, const void *bytes, size_t size);
REAL_AND_WRAP(int, fchmod, int fd, mode_t mode);
REAL_AND_WRAP(int, fsync, int fd);
REAL_AND_WRAP(int, ftruncate, int fd, off_t size);
REAL_AND_WRAP(int, close, int fd);
REAL_AND_WRAP(int, rename, const char *from, const char *to);
REAL_AND_WRAP(int, renameat2, int from_fd, const char *from, int to_fd, const char *to, unsigned int flags);
REAL_AND_WRAP(int, unlink, const char *path);
REAL_AND_WRAP(int, mkdir, const char *path, mode_t mode);

#define FDS 1024

static unsigned long number(const char *name)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 10) : 0;
}

static void count(const char *name, unsigned long n)
{
	const char *path = getenv(name);
	FILE *file = path ? fopen(path, "w") : NULL;

	if (!file)
		return;
	fprintf(file, "%lu\n", n);
	fclose(file);
}

/* --- settings --- */

int __wrap_setting_write(const struct setting *setting, const char *value)
{
	static unsigned long writes;
	int status = 0;

	count("COUNT_TO", ++writes);
	if (writes != number("FAIL_AT"))
		return __real_setting_write(setting, value);
	if (number("FAIL_LATE"))
		status = __real_setting_write(setting, value);
	if (!status)
		errno = EIO;
	return -1;
}

/* --- files --- */

/* Open for writing, in the folder. */
static bool ours[FDS];

static bool is_ours(const char *path)
{
	return !strncmp(path, "/run/dlspare", strlen("/run/dlspare"));
}

static bool is_open(int fd)
{
	return fd >= 0 && fd < FDS && ours[fd];
}

/* A call that changes something: is it to fail? */
static bool fails(void)
{
	static unsigned long calls;
	unsigned long at = number("FILE_FAIL_AT");

	count("FILE_COUNT_TO", ++calls);
	errno = number("FILE_ERROR");
	return at && (calls == at || (calls > at && number("FILE_FAIL_ON")));
}

static int opened(int fd)
{
	if (fd >= 0 && fd < FDS)
		ours[fd] = true;
	return fd;
}

int __wrap_open(const char *path, int flags, ...)
{
	va_list arguments;
	mode_t mode = 0;

	if (flags & O_CREAT) {
		va_start(arguments, flags);
		mode = va_arg(arguments, mode_t);
		va_end(arguments);
	}
	if (!is_ours(path) || (flags & O_ACCMODE) == O_RDONLY)
		return __real_open(path, flags, mode);
	return fails() ? -1 : opened(__real_open(path, flags, mode));
}

int __wrap_mkostemp(char *path, int flags)
{
	if (!is_ours(path))
		return __real_mkostemp(path, flags);
	return fails() ? -1 : opened(__real_mkostemp(path, flags));
}

ssize_t __wrap_write(int fd, const void *bytes, size_t size)
{
	int error;

	if (!is_open(fd) || !fails())
		return __real_write(fd, bytes, size);
	error = errno;
	if (__real_write(fd, bytes, size / 2) < 0)
		perror("faulty: write");
	errno = error;
	return -1;
}

int __wrap_fchmod(int fd, mode_t mode)
{
	return is_open(fd) && fails() ? -1 : __real_fchmod(fd, mode);
}

int __wrap_fsync(int fd)
{
	return is_open(fd) && fails() ? -1 : __real_fsync(fd);
}

int __wrap_ftruncate(int fd, off_t size)
{
	return is_open(fd) && fails() ? -1 : __real_ftruncate(fd, size);
}

int __wrap_close(int fd)
{
	bool failed = is_open(fd) && fails();
	int error = errno, status = __real_close(fd);

	if (fd >= 0 && fd < FDS)
		ours[fd] = false;
	errno = error;
	return failed ? -1 : status;
}

int __wrap_rename(const char *from, const char *to)
{
	return is_ours(to) && fails() ? -1 : __real_rename(from, to);
}

int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned int flags)
{
	return is_ours(to) && fails() ? -1 : __real_renameat2(from_fd, from, to_fd, to, flags);
}

int __wrap_unlink(const char *path)
{
	return is_ours(path) && fails() ? -1 : __real_unlink(path);
}

int __wrap_mkdir(const char *path, mode_t mode)
{
	return is_ours(path) && fails() ? -1 : __real_mkdir(path, mode);
}
