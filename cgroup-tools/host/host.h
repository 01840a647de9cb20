/* SPDX-License-Identifier: GPL-2.0 */
/* The host's files: reading, writing, and where they are. */
#ifndef DLSPARE_HOST_H
#define DLSPARE_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Stands before every path below; "" but in tests, which make a tree that looks like a host's. */
extern const char *host_root;

/* host_root and the path, in one of eight static buffers that are used in turn. */
const char *host_path(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * The whole content without the last newline, to be freed; NULL with errno. Files of /proc, /sys and cgroups of
 * any length; text after a NUL byte is kept out unless length is given, which gets the bytes read.
 */
char *host_read(const char *path, size_t *length);
/* The same with the last newline. */
char *host_read_all(const char *path, size_t *length);

/* The number at the beginning of the file; otherwise when it cannot be read. */
int64_t host_number(const char *path, int64_t otherwise);

/* One write(2) of the whole text. 0, or -1 with errno as the kernel gave it. */
int host_write(const char *path, const char *text);

bool host_exists(const char *path);

/* Where cgroup v2 is mounted, without host_root: "/sys/fs/cgroup", "/sys/fs/cgroup/unified"; NULL: nowhere. */
const char *host_cgroups(void);

/* Is a controller in a hierarchy of cgroup version 1? */
bool host_cgroup_v1(const char *controller);

#endif
