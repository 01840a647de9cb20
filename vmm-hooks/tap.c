// SPDX-License-Identifier: GPL-2.0
/* The network devices of a VM: the taps and macvtaps that its machine monitor has open. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/host.h"
#include "host/names.h"
#include "vmm-hooks/finder.h"

/* The file that a link of /proc names; "" when it is gone. */
static void read_link(char file[PATH_MAX], const char *link)
{
	ssize_t length = readlink(link, file, PATH_MAX - 1);

	file[length > 0 ? length : 0] = '\0';
}

/* Elsewhere the same name is another device, perhaps another VM's. */
static bool is_in_our_network(pid_t pid)
{
	char theirs[PATH_MAX], ours[PATH_MAX];

	read_link(theirs, host_path("/proc/%d/ns/net", pid));
	read_link(ours, host_path("/proc/self/ns/net"));
	return !strcmp(theirs, ours);
}

/* The device with an index; NULL with ENOENT: none. */
static char *device_numbered(int index)
{
	struct dirent *entry;
	char *name = NULL;
	DIR *folder;

	folder = opendir(host_path("/sys/class/net"));
	if (!folder)
		return NULL;
	errno = ENOENT;
	while (!name && (entry = readdir(folder))) {
		char *text = host_read(host_path("/sys/class/net/%s/ifindex", entry->d_name), NULL);

		if (text && proc_number(text) == index)
			name = strdup(entry->d_name);
		free(text);
	}
	closedir(folder);
	return name;
}

/*
 * What the kernel calls the character device that is open, as "misc/tun" or "macvtap/tap7"; "" when that is none. The file
 * itself may have any name, and what is called otherwise is not even looked at: the attributes of a file on a dead server
 * are waited for.
 */
static void read_kernel_name(char name[PATH_MAX], pid_t pid, int fd)
{
	const char *link = host_path("/proc/%d/fd/%d", pid, fd), *base, *folder;
	struct statx file;

	read_link(name, link);
	base = strrchr(name, '/');
	if (!base || (strcmp(base, "/tun") && strncmp(base, "/tap", 4)) ||
	    statx(AT_FDCWD, link, AT_STATX_DONT_SYNC, STATX_TYPE, &file) || !S_ISCHR(file.stx_mode)) {
		*name = '\0';
		return;
	}
	read_link(name, host_path("/sys/dev/char/%u:%u", file.stx_rdev_major, file.stx_rdev_minor));
	base = strrchr(name, '/');
	folder = base ? memrchr(name, '/', base - name) : NULL;
	if (folder)
		memmove(name, folder + 1, strlen(folder));
}

/* The device behind an open file; NULL with errno: none. */
static char *device_of(pid_t pid, int fd)
{
	/* They have the device's index in their names. */
	static const char *const indexed[] = { "macvtap/tap", "ipvtap/tap" };
	char name[PATH_MAX];

	read_kernel_name(name, pid, fd);
	if (!strcmp(name, "misc/tun"))
		return proc_read_value(host_path("/proc/%d/fdinfo/%d", pid, fd), "iff:");
	for (size_t i = 0; i < sizeof(indexed) / sizeof(indexed[0]); i++)
		if (!strncmp(name, indexed[i], strlen(indexed[i])))
			return device_numbered(proc_number(name + strlen(indexed[i])));
	errno = ENOENT;
	return NULL;
}

/* A device with several queues is open several times. */
static int add_device(struct vm *vm, const char *name)
{
	for (size_t i = 0; i < vm->nr_devices; i++)
		if (!strcmp(vm->devices[i], name))
			return 0;
	return names_add(&vm->devices, &vm->nr_devices, name) ? 0 : -1;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int tap_find(struct vm *vm)
{
	int fd, error = 0;
	DIR *folder;
	char *name;

	if (!is_in_our_network(vm->pid))
		return 0;
	folder = opendir(host_path("/proc/%d/fd", vm->pid));
	if (!folder)
		return errno == ENOMEM ? -1 : 0;
	while (!error && (fd = proc_next(folder)) >= 0) {
		name = device_of(vm->pid, fd);
		if (!name)
			error = errno == ENOMEM ? -1 : 0;
		else if (*name && strlen(name) < IFNAMSIZ)
			error = add_device(vm, name);
		free(name);
	}
	closedir(folder);
	if (vm->nr_devices)
		qsort(vm->devices, vm->nr_devices, sizeof(*vm->devices), by_name);
	return error;
}
