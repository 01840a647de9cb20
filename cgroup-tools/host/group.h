/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Control groups, version 2. A group is named by its path below the mount, without slashes around it:
 * "machine.slice"; "" is the root. Groups and values go through libcgroup; it has no calls for
 * threads, types and a root's controllers, which are written directly.
 */
#ifndef DLSPARE_GROUP_H
#define DLSPARE_GROUP_H

#include <stdbool.h>
#include <sys/types.h>

/* 0, or -1 with errno: ENOENT when no cgroup v2 is mounted. Before all else here. */
int group_start(void);

/* The path of a file of a group, of the group itself when file is NULL; as host_path(). */
const char *group_path(const char *group, const char *file);

bool group_exists(const char *group);
/* One level; the parent must be there. 0, also when it is there already, or -1 with errno. */
int group_make(const char *group);
/* EBUSY when it has threads or groups. */
int group_remove(const char *group);

/* A file's content without the last newline, to be freed; NULL with errno. */
char *group_value(const char *group, const char *file);
/* 0, or -1 with the kernel's errno. */
int group_set_value(const char *group, const char *file, const char *value);

/* Do the group's children have the controller? */
bool group_enabled(const char *group, const char *controller);
int group_enable(const char *group, const char *controller, bool on);

/* "threaded" is the only type that can be set, and never unset. */
int group_make_threaded(const char *group);

/* The group of a process or thread: new, to be freed; NULL with errno (ESRCH: gone). */
char *group_of(pid_t tid);
/*
 * All threads of the process, by way of its first one's group: the kernel looks at that thread alone whether the CPUs change,
 * and would leave the others on CPUs that the new group does not have (cpuset_attach(), Linux 6.12). 0, or -1 with errno: all
 * are where they were.
 */
int group_move_process(pid_t pid, const char *group);
int group_move_thread(pid_t tid, const char *group);

/* The threads of a threaded group go to the one above, as far as the kernel lets them. */
void group_leave(const char *group);

/* Is group at or below ancestor? */
bool group_within(const char *group, const char *ancestor);
/* The group above, in a new text; NULL without memory. */
char *group_parent(const char *group);

/* Of names, with NULL behind the last. */
void group_free_list(char **groups);

#endif
