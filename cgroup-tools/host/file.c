// SPDX-License-Identifier: GPL-2.0
#include "host/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Errors of ours, by numbers that the calls here do not give: of what is there already. */
#define NOT_REGULAR ENOTSUP
#define NOT_OURS EUSERS

static int write_whole(int fd, const char *text, size_t length)
{
	size_t done = 0;

	while (done < length) {
		ssize_t put = write(fd, text + done, length - done);

		if (put < 0 && errno != EINTR)
			return -1;
		if (put > 0)
			done += put;
	}
	return 0;
}

/* Closes; the first error is the one that counts. */
static int finish(int fd, int status)
{
	int error = errno;

	if (close(fd) && !status)
		return -1;
	errno = error;
	return status;
}

int file_draft(struct file_draft *draft, const char *path, const char *text)
{
	struct stat there;
	int fd;

	if (!lstat(path, &there) && !S_ISREG(there.st_mode)) {
		errno = NOT_REGULAR;
		return -1;
	}
	if (snprintf(draft->path, sizeof(draft->path), "%s", path) >= PATH_MAX ||
	    snprintf(draft->name, sizeof(draft->name), "%s.XXXXXX", path) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(draft->name, O_CLOEXEC);
	if (fd < 0)
		return -1;
	/* Some file systems say only then that they are full. */
	if (!finish(fd, write_whole(fd, text, strlen(text)) || fchmod(fd, 0644) || fsync(fd) ? -1 : 0))
		return 0;
	file_drop(draft);
	return -1;
}

int file_publish(const struct file_draft *draft)
{
	if (!rename(draft->name, draft->path))
		return 0;
	file_drop(draft);
	return -1;
}

void file_drop(const struct file_draft *draft)
{
	int error = errno;

	unlink(draft->name);
	errno = error;
}

int file_replace(const char *path, const char *text)
{
	struct file_draft draft;

	return file_draft(&draft, path, text) || file_publish(&draft) ? -1 : 0;
}

int file_append(const char *path, const char *text, size_t length)
{
	/* One that is a pipe must not make us wait. */
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644), error;
	struct stat before;

	if (fd < 0)
		return -1;
	if (fstat(fd, &before))
		return finish(fd, -1);
	if (!S_ISREG(before.st_mode)) {
		errno = NOT_REGULAR;
		return finish(fd, -1);
	}
	if (!write_whole(fd, text, length))
		return finish(fd, 0);
	error = errno;
	if (ftruncate(fd, before.st_size))
		/* The first error says why. */
		errno = error;
	errno = error;
	return finish(fd, -1);
}

int file_folder(const char *path)
{
	bool made = !mkdir(path, 0755);
	struct stat stat;
	int fd;

	if (!made && errno != EEXIST)
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (fstat(fd, &stat))
		return finish(fd, -1);
	if (stat.st_uid != geteuid() || stat.st_mode & 022) {
		/* What root has made is as it should be, but not for this user. */
		errno = stat.st_uid == geteuid() || stat.st_uid ? NOT_OURS : EACCES;
		return finish(fd, -1);
	}
	/* Whatever the umask: others may look. */
	return finish(fd, made ? fchmod(fd, 0755) : 0);
}

const char *file_error(int error)
{
	switch (error) {
	case NOT_REGULAR:
		return "not a regular file, so it is not replaced";
	case NOT_OURS:
		return "another user owns it or may write there, so it is not used";
	default:
		return strerror(error);
	}
}
