// SPDX-License-Identifier: GPL-2.0
#include "host/group.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <libcgroup.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/host.h"
#include "host/proc.h"

/* Without host_root; "" before group_start(). */
static char mount_point[PATH_MAX];

/* libcgroup names its own errors from 50000 on; this one means: see errno of then. */
static int group_error(int code)
{
	switch (code) {
	case 0:
		return 0;
	case ECGOTHER:
		errno = cgroup_get_last_errno();
		break;
	case ECGROUPNOTEXIST:
	case ECGROUPVALUENOTEXIST:
		errno = ENOENT;
		break;
	case ECGROUPNOTOWNER:
		errno = EACCES;
		break;
	case ECGROUPNOTALLOWED:
		errno = EPERM;
		break;
	case ECGNONEMPTY:
		errno = EBUSY;
		break;
	default:
		errno = EIO;
	}
	return -1;
}

/*
 * Before the first change, and not to look: it fails where one mount of cgroups is a file. A unit with ProtectControlGroups=, which
 * can only look, has such a one by systemd 257: its memory.pressure. The tree of a test is no mount that it could find.
 */
static int library_start(void)
{
	static bool started;

	if (!started && !*host_root && group_error(cgroup_init()))
		return -1;
	started = true;
	return 0;
}

/* NULL with errno. */
static struct cgroup *group_open(const char *group, struct cgroup_controller **controller, const char *name)
{
	struct cgroup *handle;

	if (library_start())
		return NULL;
	handle = cgroup_new_cgroup(group);
	*controller = handle ? cgroup_add_controller(handle, name) : NULL;
	if (!*controller) {
		cgroup_free(&handle);
		errno = ENOMEM;
	}
	return handle;
}

int group_start(void)
{
	const char *found;

	if (*mount_point)
		return 0;
	found = host_cgroups();
	if (!found) {
		errno = ENOENT;
		return -1;
	}
	snprintf(mount_point, sizeof(mount_point), "%s", found);
	return 0;
}

const char *group_path(const char *group, const char *file)
{
	return host_path("%s%s%s%s%s", mount_point, *group ? "/" : "", group, file ? "/" : "", file ? file : "");
}

bool group_exists(const char *group)
{
	return host_exists(group_path(group, NULL));
}

/* Not by libcgroup, which makes the groups above, too: one that its manager has removed just now would be there again. */
int group_make(const char *group)
{
	return mkdir(group_path(group, NULL), 0755) && errno != EEXIST ? -1 : 0;
}

int group_remove(const char *group)
{
	struct cgroup_controller *controller;
	struct cgroup *handle;
	int status;

	if (!group_exists(group)) {
		errno = ENOENT;
		return -1;
	}
	handle = group_open(group, &controller, "cpu");
	if (!handle)
		return -1;
	/* Without the flag it would move what is inside to the parent. */
	status = group_error(cgroup_delete_cgroup_ext(handle, CGFLAG_DELETE_EMPTY_ONLY));
	cgroup_free(&handle);
	/* Whatever libcgroup says of it. */
	if (!status && group_exists(group)) {
		errno = EBUSY;
		status = -1;
	}
	return status;
}

char *group_value(const char *group, const char *file)
{
	return host_read(group_path(group, file), NULL);
}

int group_set_value(const char *group, const char *file, const char *value)
{
	struct cgroup_controller *controller;
	struct cgroup *handle;
	char name[64];
	int status = -1;

	if (snprintf(name, sizeof(name), "%.*s", (int)strcspn(file, "."), file) >= (int)sizeof(name)) {
		errno = EINVAL;
		return -1;
	}
	/* libcgroup has no empty values, and the root is no group of its. */
	if (!*value || !*group)
		return host_write(group_path(group, file), *value ? value : "\n");
	handle = group_open(group, &controller, name);
	if (!handle)
		return -1;
	if (!group_error(cgroup_set_value_string(controller, file, value)))
		status = group_error(cgroup_modify_cgroup(handle));
	cgroup_free(&handle);
	return status;
}

bool group_enabled(const char *group, const char *controller)
{
	char *text = group_value(group, "cgroup.subtree_control"), *rest = text, *word;
	bool found = false;

	while (text && (word = strsep(&rest, " ")))
		found |= !strcmp(word, controller);
	free(text);
	return found;
}

int group_enable(const char *group, const char *controller, bool on)
{
	char text[64];

	snprintf(text, sizeof(text), "%c%s", on ? '+' : '-', controller);
	return host_write(group_path(group, "cgroup.subtree_control"), text);
}

int group_make_threaded(const char *group)
{
	return host_write(group_path(group, "cgroup.type"), "threaded");
}

char *group_of(pid_t tid)
{
	char *text = host_read(host_path("/proc/%d/cgroup", (int)tid), NULL), *rest = text, *line, *group = NULL;

	if (!text) {
		/* Its folder goes before its files do. */
		if (errno == ENOENT)
			errno = ESRCH;
		return NULL;
	}
	errno = ESRCH;
	while ((line = strsep(&rest, "\n"))) {
		if (strncmp(line, "0::/", 4))
			continue;
		group = strdup(line + 4);
		/* A group that is removed while a dead thread is in it. */
		if (group && strlen(group) > 10 && !strcmp(group + strlen(group) - 10, " (deleted)")) {
			free(group);
			group = NULL;
		}
		break;
	}
	free(text);
	return group;
}

static int group_move(pid_t tid, const char *group, const char *file)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", (int)tid);
	return host_write(group_path(group, file), text);
}

int group_move_thread(pid_t tid, const char *group)
{
	return group_move(tid, group, "cgroup.threads");
}

struct place {
	pid_t tid;
	char *group;
};

/* Puts a process's threads into the group of its first, and says where they were. */
static size_t gather(struct place **places, pid_t pid)
{
	DIR *folder = opendir(host_path("/proc/%d/task", (int)pid));
	char *first = group_of(pid), *group;
	struct place *larger;
	size_t nr = 0;
	int tid;

	*places = NULL;
	while (folder && first && (tid = proc_next(folder)) >= 0) {
		group = group_of(tid);
		larger = group && strcmp(group, first) ? realloc(*places, (nr + 1) * sizeof(**places)) : NULL;
		if (larger)
			*places = larger;
		if (larger && !group_move_thread(tid, first))
			larger[nr++] = (struct place){ tid, group };
		else
			free(group);
	}
	if (folder)
		closedir(folder);
	free(first);
	return nr;
}

int group_move_process(pid_t pid, const char *group)
{
	struct place *places;
	size_t nr = gather(&places, pid);
	int status = group_move(pid, group, "cgroup.procs"), error = errno;

	while (nr--) {
		if (status)
			group_move_thread(places[nr].tid, places[nr].group);
		free(places[nr].group);
	}
	free(places);
	errno = error;
	return status;
}

void group_leave(const char *group)
{
	char *type = group_value(group, "cgroup.type"), *above = group_parent(group);
	char *tids = type && !strcmp(type, "threaded") ? group_value(group, "cgroup.threads") : NULL, *rest = tids, *line;

	while (above && tids && (line = strsep(&rest, "\n")))
		if (*line)
			group_move_thread(atoi(line), above);
	free(tids);
	free(above);
	free(type);
}

bool group_within(const char *group, const char *ancestor)
{
	size_t length = strlen(ancestor);

	return !length || (!strncmp(group, ancestor, length) && (group[length] == '/' || !group[length]));
}

char *group_parent(const char *group)
{
	const char *slash = strrchr(group, '/');

	return slash ? strndup(group, slash - group) : strdup("");
}

void group_free_list(char **groups)
{
	size_t i;

	for (i = 0; groups && groups[i]; i++)
		free(groups[i]);
	free(groups);
}
