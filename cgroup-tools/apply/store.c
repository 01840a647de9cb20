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

/* --- VMs that hooks have told of --- */

static bool is_conf(const char *name)
{
	size_t length = strlen(name);

	return length > 5 && !strcmp(name + length - 5, ".conf");
}

static int is_shown(const struct dirent *entry)
{
	return *entry->d_name != '.' && is_conf(entry->d_name);
}

/* ".web.conf": web.conf while it is being forgotten. Until the policy in force has gone it counts. */
static int is_hidden(const struct dirent *entry)
{
	return *entry->d_name == '.' && is_conf(entry->d_name);
}

static bool add_vms(struct policy *policy, int (*which)(const struct dirent *entry),
		    void (*warn)(const char *text, void *data), void *data)
{
	struct policy_error error;
	struct dirent **entries;
	int n, i;

	n = scandir(host_path(STORE_VMS), &entries, which, alphasort);
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

bool store_add_vms(struct policy *policy, void (*warn)(const char *text, void *data), void *data)
{
	return add_vms(policy, is_shown, warn, data) &&
	       (!host_exists(host_path(STORE_POLICY)) || add_vms(policy, is_hidden, warn, data));
}

/* Removes what is hidden, or shows it again unless a hook has told anew of that VM. What fails, the next change does. */
static void settle_hidden(bool keep)
{
	struct dirent **entries;
	int n = scandir(host_path(STORE_VMS), &entries, is_hidden, alphasort), i;

	for (i = 0; i < n; i++) {
		const char *name = entries[i]->d_name, *hidden = host_path(STORE_VMS "/%s", name);

		if (!keep || (renameat2(AT_FDCWD, hidden, AT_FDCWD, host_path(STORE_VMS "/%s", name + 1), RENAME_NOREPLACE) &&
			      errno == EEXIST))
			unlink(hidden);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

/* Drafts of who was killed meanwhile; whoever makes others has the lock. */
static int is_draft(const struct dirent *entry)
{
	return (!strncmp(entry->d_name, "policy.conf.", 12) || !strncmp(entry->d_name, "ledger.", 7) ||
		!strncmp(entry->d_name, "latency.", 8)) && strcmp(entry->d_name, "ledger.bad");
}

/* Nobody reads them, so what fails may stay until the next time. */
static void remove_drafts(void)
{
	struct dirent **entries;
	int n = scandir(host_path(STORE_FOLDER), &entries, is_draft, alphasort), i;

	for (i = 0; i < n; i++) {
		unlink(host_path(STORE_FOLDER "/%s", entries[i]->d_name));
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

static int hide(const char *name)
{
	return rename(host_path(STORE_VMS "/%s", name), host_path(STORE_VMS "/.%s", name)) && errno != ENOENT ? -1 : 0;
}

int store_forget(void)
{
	struct dirent **entries = NULL;
	int n = scandir(host_path(STORE_VMS), &entries, is_shown, alphasort), status = 0, error, i;

	if (n < 0 && errno != ENOENT)
		return -1;
	for (i = 0; i < n; i++) {
		if (!status)
			status = hide(entries[i]->d_name);
		error = errno;
		free(entries[i]);
		errno = error;
	}
	/* With that they are all forgotten at once. */
	if (!status && unlink(host_path(STORE_POLICY)) && errno != ENOENT)
		status = -1;
	error = errno;
	free(entries);
	settle_hidden(status);
	if (!status) {
		/* Of VMs without a target it says nothing. */
		unlink(host_path(STORE_LATENCY));
		remove_drafts();
	}
	errno = error;
	return status;
}

int store_lock(bool to_look, lock_waits *waits, void *data)
{
	int flags = to_look ? O_RDONLY : O_RDWR | O_CREAT, fd, error;

	if (!to_look && store_folders())
		return -1;
	/* Root's alone: who can open it can keep it locked. */
	fd = open(host_path(STORE_LOCK), flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	if (lock_take(fd, to_look, waits, data)) {
		error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	/* Of a reset that has been killed, or could not undo what it had begun. */
	if (!to_look)
		settle_hidden(host_exists(host_path(STORE_POLICY)));
	return fd;
}
