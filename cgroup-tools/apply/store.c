// SPDX-License-Identifier: GPL-2.0
#include "apply/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/file.h"
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
	fd = open(host_path(STORE_FOLDER "/lock"), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
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

int store_save(const struct policy *policy)
{
	char *text = policy_text(policy);
	int status = text ? file_replace(host_path(STORE_POLICY), text) : -1;

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
