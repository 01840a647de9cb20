// SPDX-License-Identifier: GPL-2.0
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *host_root = "";

const char *host_path(const char *format, ...)
{
	static char buffers[8][PATH_MAX];
	static unsigned int turn;
	char *path = buffers[turn++ % 8], below[PATH_MAX];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(below, sizeof(below), format, arguments);
	va_end(arguments);
	if (length < 0 || length >= PATH_MAX ||
	    snprintf(path, PATH_MAX, "%s%s", host_root, below) >= PATH_MAX)
		/* Cut short it would be another file; the empty path is none (ENOENT). */
		*path = '\0';
	return path;
}

char *host_read(const char *path, size_t *length)
{
	size_t size = 4096, used = 0;
	char *text = NULL, *larger;
	ssize_t got;
	int fd, error;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	do {
		if (!text || used + 1 == size) {
			size *= 2;
			larger = realloc(text, size);
			if (!larger)
				goto fail;
			text = larger;
		}
		got = read(fd, text + used, size - used - 1);
		if (got < 0 && errno != EINTR)
			goto fail;
		if (got > 0)
			used += got;
	} while (got);
	close(fd);

	if (used && text[used - 1] == '\n')
		used--;
	text[used] = '\0';
	if (length)
		*length = used;
	return text;

fail:
	error = errno;
	free(text);
	close(fd);
	errno = error;
	return NULL;
}

int host_write(const char *path, const char *text)
{
	size_t length = strlen(text);
	int fd, error = 0;
	ssize_t put;

	/* The kernel's files ignore O_TRUNC; in a test's tree a file then holds what was written last. */
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		return -1;
	put = write(fd, text, length);
	if (put < 0)
		error = errno;
	else if ((size_t)put < length)
		error = EIO;
	close(fd);
	errno = error;
	return error ? -1 : 0;
}

bool host_exists(const char *path)
{
	return !access(path, F_OK);
}

/* The mount point of a line of /proc/mounts, whose blanks are written as \040. */
static void decode(char *at)
{
	char *to = at;

	for (; *at; at++) {
		if (at[0] == '\\' && strspn(at + 1, "01234567") >= 3) {
			*to++ = (at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0');
			at += 3;
		} else {
			*to++ = *at;
		}
	}
	*to = '\0';
}

const char *host_cgroups(void)
{
	static char found[PATH_MAX];
	char *mounts, *line, *point, *rest;
	bool is_found = false;

	mounts = host_read(host_path("/proc/mounts"), NULL);
	if (!mounts)
		return NULL;
	for (rest = mounts; !is_found && (line = strsep(&rest, "\n")); ) {
		char *type;

		strsep(&line, " ");
		point = strsep(&line, " ");
		type = strsep(&line, " ");
		is_found = type && !strcmp(type, "cgroup2") && strlen(point) < sizeof(found);
		if (is_found)
			decode(strcpy(found, point));
	}
	free(mounts);
	return is_found ? found : NULL;
}
