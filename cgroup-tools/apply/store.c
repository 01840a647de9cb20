// SPDX-License-Identifier: GPL-2.0
#include "apply/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/host.h"

static int make_folder(const char *path)
{
	return mkdir(host_path("%s", path), 0755) && errno != EEXIST ? -1 : 0;
}

int store_lock(void)
{
	int fd;

	if (make_folder(STORE_FOLDER) || make_folder(STORE_VMS))
		return -1;
	fd = open(host_path(STORE_FOLDER "/lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0 && flock(fd, LOCK_EX)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

bool store_load(struct policy *policy, struct policy_error *error)
{
	if (!host_exists(host_path(STORE_POLICY))) {
		policy_init(policy);
		return true;
	}
	return policy_read(policy, host_path(STORE_POLICY), error);
}

int store_replace(const char *path, const char *text)
{
	char temporary[PATH_MAX];
	size_t length = strlen(text), done = 0;
	int fd, error;

	if (snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int)sizeof(temporary)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return -1;
	while (done < length) {
		ssize_t put = write(fd, text + done, length - done);

		if (put < 0 && errno != EINTR)
			goto fail;
		if (put > 0)
			done += put;
	}
	if (close(fd))
		goto fail_closed;
	if (!rename(temporary, path))
		return 0;
fail_closed:
	fd = -1;
fail:
	error = errno;
	if (fd >= 0)
		close(fd);
	unlink(temporary);
	errno = error;
	return -1;
}

int store_save(const struct policy *policy)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	int status = -1;

	if (!file)
		return -1;
	if (policy_write(policy, file) | fclose(file))
		goto out;
	status = store_replace(host_path(STORE_POLICY), text);
out:
	free(text);
	return status;
}

static int is_policy(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 5 && *entry->d_name != '.' && !strcmp(entry->d_name + length - 5, ".conf");
}

bool store_add_vms(struct policy *policy, void (*warn)(const char *text, void *data), void *data)
{
	struct policy_error error;
	struct dirent **entries;
	int n, i;

	n = scandir(host_path(STORE_VMS), &entries, is_policy, alphasort);
	if (n < 0)
		return errno == ENOENT;
	for (i = 0; i < n; i++) {
		const char *path = host_path(STORE_VMS "/%s", entries[i]->d_name);
		char *text = host_read(path, NULL);

		if (!text)
			snprintf(error.text, sizeof(error.text), "%.160s: %s", path, strerror(errno));
		if ((!text || !policy_parse_more(policy, text, path, &error)) && warn)
			warn(error.text, data);
		free(text);
		free(entries[i]);
	}
	free(entries);
	return true;
}

int store_forget(void)
{
	struct dirent **entries;
	int n, i, status = 0;

	if (unlink(host_path(STORE_POLICY)) && errno != ENOENT)
		status = -1;
	n = scandir(host_path(STORE_VMS), &entries, is_policy, alphasort);
	for (i = 0; i < n; i++) {
		if (unlink(host_path(STORE_VMS "/%s", entries[i]->d_name)) && errno != ENOENT)
			status = -1;
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return status;
}
