// SPDX-License-Identifier: GPL-2.0
#include "apply/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/host.h"

int store_folders(void)
{
	return file_folder(host_path(STORE_FOLDER)) || file_folder(host_path(STORE_VMS)) ? -1 : 0;
}

int store_lock(bool to_look, lock_waits *waits, void *data)
{
	int flags = to_look ? O_RDONLY : O_RDWR | O_CREAT, fd, error;

	if (!to_look && store_folders())
		return -1;
	/* Root's alone: who can open it can keep it locked. */
	fd = open(host_path(STORE_LOCK), flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd < 0 || !lock_take(fd, to_look, waits, data))
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

bool store_load(struct policy *policy, struct policy_error *error)
{
	if (!host_exists(host_path(STORE_POLICY)) && errno == ENOENT) {
		policy_init(policy);
		return true;
	}
	return policy_read(policy, host_path(STORE_POLICY), error);
}

int store_draft(struct file_draft *draft, const struct policy *policy)
{
	char *text = policy_text(policy);
	int status = text ? file_draft(draft, host_path(STORE_POLICY), text) : -1;

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

/* --- forgetting: files of hooks are out of sight first, as that can be taken back --- */

static int hide(const char *name, int number)
{
	return rename(host_path(STORE_VMS "/%s", name), host_path(STORE_VMS "/.%d", number)) && errno != ENOENT ? -1 : 0;
}

/* Unless the hook has told anew of that VM. */
static void show(const char *name, int number)
{
	renameat2(AT_FDCWD, host_path(STORE_VMS "/.%d", number), AT_FDCWD, host_path(STORE_VMS "/%s", name), RENAME_NOREPLACE);
}

static int is_hidden(const struct dirent *entry)
{
	return *entry->d_name == '.' && strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
}

/* Drafts of who was killed meanwhile; whoever makes others has the lock. */
static int is_draft(const struct dirent *entry)
{
	return (!strncmp(entry->d_name, "policy.conf.", 12) || !strncmp(entry->d_name, "ledger.", 7)) &&
	       strcmp(entry->d_name, "ledger.bad");
}

/* What is left here nobody reads, so it may stay until the next time. */
static void clean(const char *folder, int (*goes)(const struct dirent *entry))
{
	struct dirent **entries;
	int n = scandir(host_path("%s", folder), &entries, goes, alphasort), i;

	for (i = 0; i < n; i++) {
		unlink(host_path("%s/%s", folder, entries[i]->d_name));
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

int store_forget(void)
{
	struct dirent **entries = NULL;
	int n = scandir(host_path(STORE_VMS), &entries, is_policy, alphasort), hidden = 0, status = 0, error, i;

	if (n < 0 && errno != ENOENT)
		return -1;
	for (; !status && hidden < n; hidden++)
		status = hide(entries[hidden]->d_name, hidden);
	if (!status && unlink(host_path(STORE_POLICY)) && errno != ENOENT)
		status = -1;
	error = errno;
	for (i = 0; i < n; i++) {
		if (status && i < hidden)
			show(entries[i]->d_name, i);
		free(entries[i]);
	}
	free(entries);
	if (!status) {
		clean(STORE_VMS, is_hidden);
		clean(STORE_FOLDER, is_draft);
	}
	errno = error;
	return status;
}
