// SPDX-License-Identifier: GPL-2.0
#include "host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
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

char *host_read_all(const char *path, size_t *length)
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
	text[used] = '\0';
	*length = used;
	return text;

fail:
	error = errno;
	free(text);
	close(fd);
	errno = error;
	return NULL;
}

char *host_read(const char *path, size_t *length)
{
	size_t used;
	char *text = host_read_all(path, &used);

	if (text && used && text[used - 1] == '\n')
		text[--used] = '\0';
	if (text && length)
		*length = used;
	return text;
}

int64_t host_number(const char *path, int64_t otherwise)
{
	char *text = host_read(path, NULL);
	int64_t number = text ? strtoll(text, NULL, 10) : otherwise;

	free(text);
	return number;
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

/* The first mount of a type, with an option unless that is NULL; its mount point in point, which may be NULL. */
static bool find_mount(char point[PATH_MAX], const char *type, const char *option)
{
	FILE *mounts = setmntent(host_path("/proc/mounts"), "re");
	struct mntent *entry;
	bool found = false;

	while (mounts && !found && (entry = getmntent(mounts))) {
		found = !strcmp(entry->mnt_type, type) && (!option || hasmntopt(entry, option)) &&
			strlen(entry->mnt_dir) < PATH_MAX;
		if (found && point)
			strcpy(point, entry->mnt_dir);
	}
	if (mounts)
		endmntent(mounts);
	return found;
}

const char *host_cgroups(void)
{
	static char found[PATH_MAX];

	return find_mount(found, "cgroup2", NULL) ? found : NULL;
}

bool host_cgroup_v1(const char *controller)
{
	return find_mount(NULL, "cgroup", controller);
}
