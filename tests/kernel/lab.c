// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "lab.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ROOT "/sys/fs/cgroup"

void die(const char *what)
{
	perror(what);
	exit(1);
}

int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

void pause_ns(int64_t ns)
{
	struct timespec ts = { ns / 1000000000, ns % 1000000000 };

	nanosleep(&ts, NULL);
}

int64_t cpu_time_of(pid_t pid)
{
	struct timespec ts;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &ts))
		die("CPU clock");
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int64_t median(int64_t *value, size_t count)
{
	qsort(value, count, sizeof(*value), compare);
	return value[count / 2];
}

int set_attributes(pid_t pid, struct attributes attributes)
{
	attributes.size = sizeof(attributes);
	return syscall(SYS_sched_setattr, pid, &attributes, 0) ? -errno : 0;
}

void reserve(pid_t pid, int64_t runtime, int64_t period)
{
	struct attributes attributes = {
		.policy = 6 /* SCHED_DEADLINE */,
		.flags = 1 /* SCHED_FLAG_RESET_ON_FORK: without it, it may not fork */,
		.runtime = runtime, .deadline = period, .period = period,
	};

	if (set_attributes(pid, attributes))
		die("sched_setattr");
}

pid_t child(void (*run)(void *), void *data)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run(data);
		_exit(0);
	}
	return pid;
}

void lock_take(_Atomic int *lock)
{
	int free = 0;

	if (atomic_compare_exchange_strong(lock, &free, LOCK_TAKEN))
		return;
	while (atomic_exchange(lock, LOCK_WAITED))
		syscall(SYS_futex, lock, FUTEX_WAIT, LOCK_WAITED, NULL, NULL, 0);
}

void lock_drop(_Atomic int *lock)
{
	if (atomic_exchange(lock, 0) == LOCK_WAITED)
		syscall(SYS_futex, lock, FUTEX_WAKE, 1, NULL, NULL, 0);
}

int try_put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), error = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		error = errno;
	close(fd);
	return error;
}

void put(const char *group, const char *file, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), ROOT "/%s/%s", group, file);
	errno = try_put(path, text);
	if (errno)
		die(path);
}

void join(const char *group, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	put(group, "cgroup.procs", text);
}

long long stat_of(const char *group, const char *key)
{
	char path[256], name[64];
	long long value, found = -1;
	FILE *file;

	snprintf(path, sizeof(path), ROOT "/%s/cpu.spare.stat", group);
	file = fopen(path, "r");
	if (!file)
		die(path);
	while (fscanf(file, "%63s %lld", name, &value) == 2)
		if (!strcmp(name, key))
			found = value;
	fclose(file);
	return found;
}

struct tap tap_open(const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	struct tap tap = {
		.fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK),
		.sock = socket(AF_PACKET, SOCK_RAW, 0),
		.to = { .sll_family = AF_PACKET, .sll_halen = 6 },
	};

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (tap.fd < 0 || ioctl(tap.fd, TUNSETIFF, &ifr) || ioctl(tap.sock, SIOCGIFINDEX, &ifr))
		die(name);
	tap.to.sll_ifindex = ifr.ifr_ifindex;
	ifr.ifr_flags = IFF_UP;
	if (ioctl(tap.sock, SIOCSIFFLAGS, &ifr))
		die(name);
	return tap;
}

void tap_empty(const struct tap *tap)
{
	while (read(tap->fd, (char[2048]){ 0 }, 2048) > 0)
		;
}

int64_t tap_send(const struct tap *tap)
{
	static const char frame[60] = { [12] = 0x88, [13] = 0xb5 };	/* experimental type */
	int64_t start;

	tap_empty(tap);
	start = now();
	if (sendto(tap->sock, frame, sizeof(frame), 0, (const struct sockaddr *)&tap->to,
		   sizeof(tap->to)) < 0)
		die("send");
	return now() - start;
}
