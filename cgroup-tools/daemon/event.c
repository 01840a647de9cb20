// SPDX-License-Identifier: GPL-2.0
#include "daemon/event.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "apply/store.h"
#include "daemon/share.h"
#include "host/clock.h"
#include "host/group.h"
#include "host/host.h"

/* A start or a stop makes a burst of events: one look at the host is enough for it. */
#define QUIET_MS 5
#define BURSTS_MAX 20

#define FOLDER_EVENTS (IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM | IN_MODIFY | IN_DELETE_SELF)

/* The first three are for good, then one for each VM's process. */
enum { INOTIFY, THREADS, DEVICES, CPUS, PROCESSES };

static struct pollfd *fds;
static size_t nr_fds;

/* --- netlink --- */

static int open_netlink(int protocol, unsigned int groups)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* The process connector (drivers/connector/cn_proc.c) must be asked to speak, and says with an ack whether it is there. */
static int open_threads(void)
{
	struct {
		struct nlmsghdr header;
		struct cn_msg message;
		enum proc_cn_mcast_op op;
	} __attribute__((packed)) request = {
		.header = { .nlmsg_len = sizeof(request), .nlmsg_type = NLMSG_DONE },
		.message = { .id = { CN_IDX_PROC, CN_VAL_PROC }, .len = sizeof(request.op) },
		.op = PROC_CN_MCAST_LISTEN,
	};
	int fd = open_netlink(NETLINK_CONNECTOR, CN_IDX_PROC);

	if (fd >= 0 && send(fd, &request, sizeof(request), 0) != sizeof(request)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static bool is_watched(pid_t pid);

/* A new thread of a VM, and its name, by which vhost's are known. */
static bool thread_counts(const char *buffer, size_t length)
{
	const struct nlmsghdr *header = (const void *)buffer;
	const struct cn_msg *message;
	struct proc_event event;

	if (length < NLMSG_LENGTH(sizeof(*message)) || !NLMSG_OK(header, length))
		return false;
	message = NLMSG_DATA(header);
	if (message->id.idx != CN_IDX_PROC || message->len < sizeof(event.what))
		return false;
	memset(&event, 0, sizeof(event));
	memcpy(&event, message->data, message->len < sizeof(event) ? message->len : sizeof(event));
	switch (event.what) {
	case PROC_EVENT_FORK:
		return is_watched(event.event_data.fork.child_tgid);
	case PROC_EVENT_COMM:
		return is_watched(event.event_data.comm.process_tgid);
	default:
		return false;
	}
}

static bool cpu_counts(const char *buffer, size_t length)
{
	/* "online@/devices/system/cpu/cpu1", then its properties. */
	return memchr(buffer, '\0', length) && strstr(buffer, "@/devices/system/cpu/cpu") != NULL;
}

static bool anything_counts(const char *buffer, size_t length)
{
	(void)buffer;
	return length > 0;
}

/* Empties a socket. Lost messages (ENOBUFS) count as some that matter. */
static bool drain(int fd, bool (*counts)(const char *buffer, size_t length))
{
	char buffer[8192] __attribute__((aligned(NLMSG_ALIGNTO)));
	bool found = false;
	ssize_t length;

	for (;;) {
		length = recv(fd, buffer, sizeof(buffer), 0);
		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0 && errno != ENOBUFS)
			return found;
		found |= length < 0 || counts(buffer, length);
	}
}

/* --- folders --- */

static void watch_folder(const char *path)
{
	/* What is not there yet comes with an event of the folder above. */
	inotify_add_watch(fds[INOTIFY].fd, path, FOLDER_EVENTS);
}

/* A folder and those in it. */
static void watch_folders(const char *path)
{
	char inner[PATH_MAX];
	struct dirent *entry;
	DIR *folder;

	watch_folder(path);
	folder = opendir(path);
	while (folder && (entry = readdir(folder))) {
		if (entry->d_type != DT_DIR || *entry->d_name == '.')
			continue;
		if (snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name) < (int)sizeof(inner))
			watch_folder(inner);
	}
	if (folder)
		closedir(folder);
}

/* The group and those above it, as far as they are there. */
static void watch_group(const char *group)
{
	char *above;

	watch_folder(group_path(group, NULL));
	if (!*group)
		return;
	above = group_parent(group);
	if (above)
		watch_group(above);
	free(above);
}

static void watch_cpus(const struct pool_policy *pool, int cpu)
{
	char *group = policy_cpus_group(pool, cpu);

	/* In it are those of the VMs, with their terms. */
	if (group)
		watch_folders(group_path(group, NULL));
	free(group);
}

static void watch_pool(const struct pool_policy *pool)
{
	char *group = policy_group(pool);
	int cpu;

	if (group)
		watch_group(group);
	free(group);
	if (policy_partitioned(pool))
		for (cpu = cpus_next(&pool->cpus, 0); cpu >= 0; cpu = cpus_next(&pool->cpus, cpu + 1))
			watch_cpus(pool, cpu);
	else
		watch_cpus(pool, -1);
}

static bool drain_folders(void)
{
	char buffer[8192] __attribute__((aligned(8)));
	bool found = false;

	while (read(fds[INOTIFY].fd, buffer, sizeof(buffer)) > 0)
		found = true;
	return found;
}

/* --- processes --- */

static pid_t *pids;

static bool is_watched(pid_t pid)
{
	size_t i;

	for (i = PROCESSES; i < nr_fds; i++)
		if (pids[i - PROCESSES] == pid)
			return true;
	return false;
}

static void watch_process(pid_t pid)
{
	struct pollfd *larger = reallocarray(fds, nr_fds + 1, sizeof(*fds));
	pid_t *more;
	int fd;

	if (!larger)
		return;
	fds = larger;
	more = reallocarray(pids, nr_fds - PROCESSES + 1, sizeof(*pids));
	if (!more)
		return;
	pids = more;
	fd = syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return;
	pids[nr_fds - PROCESSES] = pid;
	fds[nr_fds++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

static void forget_processes(void)
{
	while (nr_fds > PROCESSES)
		close(fds[--nr_fds].fd);
}

/* --- all --- */

int event_start(struct event_sources *missing)
{
	fds = calloc(PROCESSES, sizeof(*fds));
	if (!fds)
		return -1;
	nr_fds = PROCESSES;
	fds[INOTIFY].fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (fds[INOTIFY].fd < 0)
		return -1;
	fds[THREADS].fd = open_threads();
	fds[DEVICES].fd = open_netlink(NETLINK_ROUTE, RTMGRP_LINK);
	fds[CPUS].fd = open_netlink(NETLINK_KOBJECT_UEVENT, 1);
	*missing = (struct event_sources){
		.no_threads = fds[THREADS].fd < 0 ? "no process events (CONFIG_PROC_EVENTS)" : NULL,
		.no_devices = fds[DEVICES].fd < 0 ? "no link events (netlink)" : NULL,
		.no_cpus = fds[CPUS].fd < 0 ? "no CPU events (uevents)" : NULL,
	};
	for (size_t i = 0; i < nr_fds; i++)
		fds[i].events = POLLIN;
	return 0;
}

void event_stop(void)
{
	while (nr_fds)
		if (fds[--nr_fds].fd >= 0)
			close(fds[nr_fds].fd);
	free(fds);
	free(pids);
	fds = NULL;
	pids = NULL;
}

void event_watch(const struct policy *policy, const struct vms *vms)
{
	size_t i;

	watch_folder(host_path(STORE_FOLDER));
	watch_folder(host_path(STORE_VMS));
	/* A VM has a folder, and in it a folder for each vCPU. */
	watch_folders(host_path("/sys/kernel/debug/kvm"));
	for (i = 0; i < policy->nr_pools; i++)
		watch_pool(&policy->pools[i]);
	forget_processes();
	/* What others do, however many they are, is no news, and takes none of our files. */
	for (i = 0; i < policy->nr_vms; i++) {
		const struct vm *vm = vms_named(vms, policy->vms[i].name);

		if (!vm)
			continue;
		watch_process(vm->pid);
		watch_folder(group_path(vm->group, NULL));
	}
}

static bool look(int signal_fd, int timeout_ms, bool *signalled)
{
	struct pollfd *all = reallocarray(fds, nr_fds + 1, sizeof(*fds));
	bool found;
	size_t i;

	if (!all)
		return false;
	fds = all;
	fds[nr_fds] = (struct pollfd){ .fd = signal_fd, .events = POLLIN };
	if (poll(fds, nr_fds + 1, timeout_ms) <= 0)
		return false;
	*signalled |= fds[nr_fds].revents & POLLIN;
	found = fds[INOTIFY].revents & POLLIN && drain_folders();
	if (fds[THREADS].revents)
		found |= drain(fds[THREADS].fd, thread_counts);
	if (fds[DEVICES].revents)
		found |= drain(fds[DEVICES].fd, anything_counts);
	if (fds[CPUS].revents)
		found |= drain(fds[CPUS].fd, cpu_counts);
	for (i = PROCESSES; i < nr_fds; i++) {
		if (!(fds[i].revents & POLLIN))
			continue;
		/* It stays readable: once is enough. */
		close(fds[i].fd);
		fds[i].fd = -1;
		found = true;
	}
	return found;
}

/*
 * What happens meanwhile waits in the sockets, or is lost there, which counts as something that happened. False: a signal came.
 */
static bool rest(int signal_fd)
{
	static struct share share;
	struct pollfd signals = { .fd = signal_fd, .events = POLLIN };
	int ms;

	while ((ms = share_rest_ms(&share, clock_ns(CLOCK_MONOTONIC), clock_ns(CLOCK_PROCESS_CPUTIME_ID))))
		if (poll(&signals, 1, ms))
			return false;
	return true;
}

bool event_wait(int signal_fd, int timeout_ms)
{
	int64_t end = clock_ms(CLOCK_MONOTONIC) + timeout_ms, left;
	bool signalled = !rest(signal_fd), found = false;
	int bursts;

	while (!found && !signalled && (left = end - clock_ms(CLOCK_MONOTONIC)) > 0) {
		found = look(signal_fd, left, &signalled);
		signalled |= !rest(signal_fd);
	}
	for (bursts = 0; found && !signalled && bursts < BURSTS_MAX; bursts++)
		if (!look(signal_fd, QUIET_MS, &signalled))
			break;
	return found;
}
