// SPDX-License-Identifier: GPL-2.0
#include "host/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of what is there already and is not to be replaced. */
#define NOT_REGULAR ENOTSUP

static int write_whole(int fd, const char *text)
{
	size_t length = strlen(text), done = 0;

	while (done < length) {
		ssize_t put = write(fd, text + done, length - done);

		if (put < 0 && errno != EINTR)
			return -1;
		if (put > 0)
			done += put;
	}
	return 0;
}

int file_replace(const char *path, const char *text)
{
	char temporary[PATH_MAX];
	struct stat there;
	int fd, status, error;

	if (!lstat(path, &there) && !S_ISREG(there.st_mode)) {
		errno = NOT_REGULAR;
		return -1;
	}
	if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= (int)sizeof(temporary)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -1;
	status = write_whole(fd, text) || fchmod(fd, 0644);
	error = errno;
	if (close(fd) && !status) {
		status = -1;
		error = errno;
	}
	if (!status && !rename(temporary, path))
		return 0;
	error = status ? error : errno;
	unlink(temporary);
	errno = error;
	return -1;
}

const char *file_error(int error)
{
	return error == NOT_REGULAR ? "not a regular file, so it is not replaced" : strerror(error);
}
