// SPDX-License-Identifier: GPL-2.0
/* What the tests of spare deadline reservations are made of, see spare_lab.h */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest.h"
#include "spare_lab.h"

#ifndef SCHED_DEADLINE
#define SCHED_DEADLINE		6
#endif

struct borrower *borrowers;
atomic_llong *disturbance;
int cpu;

static char mount_point[128];		/* of cgroup2 */
static char top[192];			/* the group that provides the pool */

/* What tear_down() has to undo. */
static struct {
	bool	group;
	bool	cpu_enabled;
	bool	cpuset_enabled;
	bool	hrtick;
	char	rt_runtime[32];
} undo;

long long read_clock(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts))
		ksft_exit_fail_perror("clock");

	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

long long now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

void disturbed_for(long long ns)
{
	if (disturbance && ns > *disturbance)
		*disturbance = ns;
}

void sleep_ns(long long ns)
{
	struct timespec ts = { ns / NSEC_PER_SEC, ns % NSEC_PER_SEC };
	long long start = now();

	nanosleep(&ts, NULL);
	disturbed_for(now() - start - ns);
}

long long usec(long long ns)
{
	return ns / 1000;
}

/* Says why a test fails. */
__printf(1, 2) bool because(const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	ksft_print_msg("%s\n", text);

	return false;
}

int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), error = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		error = -errno;
	close(fd);

	return error;
}

static int read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t got;

	*text = '\0';
	if (fd < 0)
		return -errno;
	got = read(fd, text, size - 1);
	close(fd);
	if (got < 0)
		return -EIO;
	text[got] = '\0';
	if (got && text[got - 1] == '\n')
		text[got - 1] = '\0';

	return 0;
}

/* Writes to a file of a group; "." is the one that provides the pool. */
int put(const char *group, const char *file, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s/%s", top, group, file);

	return write_file(path, text);
}

void must_put(const char *group, const char *file, const char *text)
{
	int error = put(group, file, text);

	if (error)
		ksft_exit_fail_msg("'%s' to %s of %s: %s\n", text, file, group,
				   strerror(-error));
}

void get(const char *group, const char *file, char *text, size_t size)
{
	char path[256];
	int error;

	snprintf(path, sizeof(path), "%s/%s/%s", top, group, file);
	error = read_file(path, text, size);
	if (error)
		ksft_exit_fail_msg("%s: %s\n", path, strerror(-error));
}

bool file_reads(const char *group, const char *file, const char *expected)
{
	char text[4096];

	get(group, file, text, sizeof(text));
	if (strcmp(text, expected))
		return because("%s of %s reads '%s', not '%s'", file, group, text,
			       expected);

	return true;
}

bool file_takes(const char *group, const char *file, const char *text)
{
	int error = put(group, file, text);

	return error ? because("%s of %s refuses '%s': %s", file, group, text,
			       strerror(-error)) : true;
}

/* The write fails with @expected, and the file reads as before. */
bool file_refuses(const char *group, const char *file, const char *text,
		  int expected)
{
	char before[4096];
	int error;

	get(group, file, before, sizeof(before));
	error = put(group, file, text);
	if (error != expected)
		return because("%s takes '%s' with '%s', not '%s'", file, text,
			       strerror(-error), strerror(-expected));

	return file_reads(group, file, before);
}

/* A line of cpu.spare.stat, -1 if it is not there. */
long long stat_of(const char *group, const char *key)
{
	char text[1024], *line, *rest = text;
	size_t len = strlen(key);

	get(group, "cpu.spare.stat", text, sizeof(text));
	while ((line = strsep(&rest, "\n"))) {
		if (!strncmp(line, key, len) && line[len] == ' ')
			return atoll(line + len + 1);
	}

	return -1;
}

/* Whether @text, of cpu.spare.latency, is @line; or any that counts if that is NULL. */
static bool latency_is(const char *text, const char *line)
{
	size_t len = strcspn(text, " ");

	if (!line)
		return isdigit(*text) || !strncmp(text, "max", len);

	return len == strlen(line) && !strncmp(text, line, len);
}

static long long latency_sum(const char *group, const char *line, const char *how)
{
	char text[4096], name[32], *one, *value, *rest = text;
	long long sum = -1;

	get(group, "cpu.spare.latency", text, sizeof(text));
	snprintf(name, sizeof(name), " %s=", how);
	while ((one = strsep(&rest, "\n"))) {
		value = latency_is(one, line) ? strstr(one, name) : NULL;
		if (value)
			sum = (sum < 0 ? 0 : sum) + atoll(value + strlen(name));
	}

	return sum;
}

long long latency_of(const char *group, const char *line, const char *how)
{
	return latency_sum(group, line, how);
}

long long latency_count(const char *group, const char *how)
{
	return latency_sum(group, NULL, how);
}

bool latency_is_empty(const char *group)
{
	static const char * const hows[] = { "own", "loan", "waited", "refused" };
	static const char * const words[] = { "total_usec", "worst_usec", "worst_time", "max" };
	unsigned int how, i;
	char line[16];

	for (how = 0; how < ARRAY_SIZE(hows); how++) {
		for (i = 0; i < ARRAY_SIZE(words); i++)
			if (latency_of(group, words[i], hows[how]))
				return because("%s of %s is not 0", hows[how], words[i]);
		for (i = 0; i < 23; i++) {
			snprintf(line, sizeof(line), "%u", 1U << i);
			if (latency_of(group, line, hows[how]))
				return because("%s of %s is not 0", hows[how], line);
		}
	}

	return true;
}

bool reaches(const char *key, long long value, long long limit)
{
	long long end = now() + limit;

	while (stat_of(".", key) < value) {
		if (now() > end)
			return because("%s is %lld, not %lld", key,
				       stat_of(".", key), value);
		sleep_ns(MSEC);
	}

	return true;
}

bool stays(const char *key, long long value)
{
	long long is = stat_of(".", key);

	return is == value ? true : because("%s is %lld, not %lld", key, is, value);
}

/* @pool: "none" or "RUNTIME PERIOD", on the CPU under test */
int set_pool(const char *pool)
{
	char text[64];

	snprintf(text, sizeof(text), "%s cpus=%d", pool, cpu);

	return put(".", "cpu.spare.pool", strcmp(pool, "none") ? text : pool);
}

/* Taps: a packet that is sent to one is an event */

struct tap tap_open(void)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	struct tap tap = { .fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK) };
	int sock = socket(AF_INET, SOCK_DGRAM, 0);

	snprintf(ifr.ifr_name, IFNAMSIZ, "spare%%d");
	if (tap.fd < 0 || ioctl(tap.fd, TUNSETIFF, &ifr))
		ksft_exit_fail_perror("tap");
	snprintf(tap.name, IFNAMSIZ, "%s", ifr.ifr_name);
	if (ioctl(sock, SIOCGIFINDEX, &ifr))
		ksft_exit_fail_perror("tap's index");
	tap.ifindex = ifr.ifr_ifindex;
	ifr.ifr_flags = IFF_UP;
	if (ioctl(sock, SIOCSIFFLAGS, &ifr))
		ksft_exit_fail_perror("tap up");
	close(sock);

	return tap;
}

void tap_bind(const char *group, const struct tap *tap)
{
	char text[IFNAMSIZ + 1];

	snprintf(text, sizeof(text), "+%s", tap->name);
	must_put(group, "cpu.spare.dev", text);
}

void send_event(const struct tap *tap)
{
	static int sock = -1;
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_ifindex = tap->ifindex,
		.sll_halen = ETH_ALEN,
	};
	char frame[ETH_ZLEN] = { [12] = 0x88, [13] = 0xb5 };	/* experimental */
	char sink[256];

	if (sock < 0)
		sock = socket(AF_PACKET, SOCK_RAW, 0);
	while (read(tap->fd, sink, sizeof(sink)) > 0)
		;
	if (sendto(sock, frame, sizeof(frame), 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		ksft_exit_fail_perror("send");
}

/* Borrowers */

struct dl_attr {
	__u32	size;
	__u32	policy;
	__u64	flags;
	__s32		nice;
	__u32	priority;
	__u64	runtime;
	__u64	deadline;
	__u64	period;
};

/* SCHED_OTHER if @runtime is 0. */
int reserve(pid_t pid, long long runtime, long long period)
{
	struct dl_attr attr = {
		.size = sizeof(attr),
		.policy = runtime ? SCHED_DEADLINE : SCHED_OTHER,
		.runtime = runtime,
		.deadline = period,
		.period = period,
	};

	return syscall(SYS_sched_setattr, pid, &attr, 0) ? -errno : 0;
}

/* EBUSY: the bandwidth of one that was stopped is free at its 0-lag time. */
static int reserve_patiently(pid_t pid, long long runtime, long long period)
{
	long long end = now() + NSEC_PER_SEC;
	int error;

	while ((error = reserve(pid, runtime, period)) == -EBUSY && now() < end)
		sleep_ns(5 * MSEC);

	return error;
}

static void borrower_block(struct borrower *b)
{
	char byte;

	if (read(b->wake[0], &byte, 1) != 1)
		_exit(1);
}

/*
 * CPU time that passes between two rounds was charged to the thread, but taken
 * by an interrupt or a hypervisor: it looks like an overrun.
 */
static void borrower_spin(struct borrower *b)
{
	long long used = read_clock(CLOCK_THREAD_CPUTIME_ID), last = 0, t;

	for (;;) {
		t = read_clock(CLOCK_THREAD_CPUTIME_ID);
		disturbed_for(t - used);
		used = t;

		t = now();
		if (t - last > 2 * MSEC)
			b->resumed = t;
		b->ran = t;
		last = t;

		switch (b->order) {
		case SPIN:
			break;
		case BLOCK:
			b->order = SPIN;
			borrower_block(b);
			break;
		case EXIT:
			_exit(0);
		}
	}
}

static void borrower_main(struct borrower *b, const char *group, long long runtime,
			  long long period)
{
	cpu_set_t all;
	int error;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* As far as the cpuset allows, whatever was inherited. */
	memset(&all, 0xff, sizeof(all));
	sched_setaffinity(0, sizeof(all), &all);

	error = put(group, "cgroup.procs", "0");
	if (!error)
		error = reserve_patiently(0, runtime, period);
	b->error = error;
	b->ready = true;
	borrower_block(b);
	borrower_spin(b);
}

/* A new borrower; it blocks until go(). */
struct borrower *borrower_start(int i, const char *group, long long runtime,
				long long period)
{
	struct borrower *b = &borrowers[i];
	long long end = now() + 5 * NSEC_PER_SEC;
	pid_t pid;

	memset(b, 0, sizeof(*b));
	if (pipe(b->wake))
		ksft_exit_fail_perror("pipe");
	pid = fork();
	if (pid < 0)
		ksft_exit_fail_perror("fork");
	if (!pid)
		borrower_main(b, group, runtime, period);
	b->pid = pid;

	while (!b->ready && now() < end)
		sleep_ns(MSEC);
	if (!b->ready || b->error)
		ksft_exit_fail_msg("a borrower cannot be started: %s\n",
				   strerror(b->ready ? -b->error : ETIMEDOUT));
	/* Off the CPU before it is woken. */
	sleep_ns(MSEC);

	return b;
}

void borrower_stop(struct borrower *b)
{
	if (!b->pid)
		return;
	kill(b->pid, SIGKILL);
	waitpid(b->pid, NULL, 0);
	close(b->wake[0]);
	close(b->wake[1]);
	b->pid = 0;
}

/* Ends a block. A thread that has slept starts with its whole budget. */
void go(struct borrower *b)
{
	b->started = now();
	if (write(b->wake[1], "", 1) != 1)
		ksft_exit_fail_perror("wake");
}

/* Waits until @b has used its budget up. */
void await_depletion(struct borrower *b)
{
	long long end = now() + 5 * NSEC_PER_SEC;

	while (b->ran < b->started || now() - b->ran < QUIET) {
		if (now() > end)
			ksft_exit_fail_msg("a thread does not use its budget up\n");
		sleep_ns(MSEC / 5);
	}
}

void deplete(struct borrower *b)
{
	go(b);
	await_depletion(b);
}

/* When @b, which did not run then, ran after @since, ns; -1 if not within @limit. */
long long response(struct borrower *b, long long since, long long limit)
{
	long long end = since + limit, resumed;

	while ((resumed = b->resumed) < since) {
		if (now() > end)
			return -1;
		sleep_ns(MSEC / 5);
	}

	return resumed <= end ? resumed - since : -1;
}

/* The partition */

void set_admission(bool on)
{
	write_file("/proc/sys/kernel/sched_rt_runtime_us", on ? undo.rt_runtime : "-1");
}

static bool word_in(const char *text, const char *word)
{
	size_t len = strlen(word);
	const char *at = text;

	while ((at = strstr(at, word))) {
		if ((at == text || at[-1] == ' ') && (!at[len] || at[len] == ' '))
			return true;
		at += len;
	}

	return false;
}

static int put_root(const char *file, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", mount_point, file);

	return write_file(path, text);
}

static void get_root(const char *file, char *text, size_t size)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", mount_point, file);
	read_file(path, text, size);
}

static bool find_cgroup2(void)
{
	FILE *mounts = fopen("/proc/self/mounts", "r");
	char path[sizeof(mount_point)], type[32];
	bool found = false;

	if (!mounts)
		return false;
	while (!found && fscanf(mounts, "%*s %127s %31s %*[^\n]", path, type) == 2) {
		found = !strcmp(type, "cgroup2");
		if (found)
			snprintf(mount_point, sizeof(mount_point), "%s", path);
	}
	fclose(mounts);

	return found;
}

/* The last CPU; -1 if it is the only one, or slower than others. */
static int find_cpu(void)
{
	char text[4096], path[96];
	char *at;
	int last;

	get_root("cpuset.cpus.effective", text, sizeof(text));
	if (!strpbrk(text, ",-"))
		return -1;
	at = text + strlen(text);
	while (at > text && at[-1] >= '0' && at[-1] <= '9')
		at--;
	last = atoi(at);

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/cpu_capacity", last);
	if (!read_file(path, text, sizeof(text)) && atoi(text) < 1024)
		return -1;

	return last;
}

/* Budgets end on time, not at the next tick, if the kernel can do that. */
static void enable_hrtick(void)
{
	static const char features[] = "/sys/kernel/debug/sched/features";
	char text[4096];

	if (!read_file(features, text, sizeof(text)) && word_in(text, "NO_HRTICK_DL"))
		undo.hrtick = !write_file(features, "HRTICK_DL");
}

static void enable_controllers(void)
{
	char text[1024];

	get_root("cgroup.controllers", text, sizeof(text));
	if (!word_in(text, "cpu") || !word_in(text, "cpuset"))
		ksft_exit_skip("no cpu and cpuset controllers in cgroup v2\n");

	get_root("cgroup.subtree_control", text, sizeof(text));
	if (!word_in(text, "cpu"))
		undo.cpu_enabled = !put_root("cgroup.subtree_control", "+cpu");
	if (!word_in(text, "cpuset"))
		undo.cpuset_enabled = !put_root("cgroup.subtree_control", "+cpuset");
}

static __noreturn void give_up(const char *why)
{
	tear_down();
	ksft_exit_skip("%s\n", why);
}

static void make_group(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	if (mkdir(path, 0755)) {
		ksft_perror(path);
		give_up("cannot make a cgroup");
	}
}

void set_up(void)
{
	static const char rt_runtime[] = "/proc/sys/kernel/sched_rt_runtime_us";
	char text[256], path[256];

	if (geteuid())
		ksft_exit_skip("must be run as root\n");
	if (!find_cgroup2())
		ksft_exit_skip("no cgroup v2\n");
	if (access("/dev/net/tun", R_OK | W_OK))
		ksft_exit_skip("no /dev/net/tun\n");
	if (read_file(rt_runtime, undo.rt_runtime, sizeof(undo.rt_runtime)) ||
	    atoll(undo.rt_runtime) < 0)
		ksft_exit_skip("no admission control of SCHED_DEADLINE\n");

	snprintf(top, sizeof(top), "%s/spare_test.%d", mount_point, getpid());
	enable_controllers();
	cpu = find_cpu();
	if (cpu < 0)
		give_up("needs two CPUs, the last of full capacity");
	undo.group = true;
	make_group("");
	snprintf(path, sizeof(path), "%s/cpu.spare.pool", top);
	if (access(path, F_OK))
		give_up("no cpu.spare files: CONFIG_SCHED_SPARE is not set");

	snprintf(text, sizeof(text), "%d", cpu);
	if (put(".", "cpuset.cpus", text) || put(".", "cpuset.cpus.partition", "root"))
		give_up("no partition of the last CPU");
	get(".", "cpuset.cpus.partition", text, sizeof(text));
	if (strcmp(text, "root")) {
		ksft_print_msg("%s\n", text);
		give_up("the partition of the last CPU is not valid");
	}
	if (put(".", "cgroup.subtree_control", "+cpu"))
		give_up("no cpu controller below the partition");
	make_group("a");
	make_group("b");
	make_group("c");
	enable_hrtick();
}

static bool remove_group(const char *name)
{
	long long end = now() + 2 * NSEC_PER_SEC;
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	/* EBUSY until the last thread has gone for good. */
	while (rmdir(path) && errno != ENOENT) {
		if (now() > end)
			return because("%s: %s", path, strerror(errno));
		sleep_ns(10 * MSEC);
	}

	return true;
}

bool tear_down(void)
{
	char text[32];
	bool passed = true;

	if (undo.group) {
		put(".", "cgroup.kill", "1");
		/* The bandwidth of the killed leaves before their root domain does. */
		sleep_ns(2 * PERIOD);
		passed &= remove_group("a");
		passed &= remove_group("b");
		passed &= remove_group("c");
		put(".", "cpuset.cpus.partition", "member");
		passed &= remove_group("");
	}
	if (!read_file("/proc/sys/kernel/sched_rt_runtime_us", text, sizeof(text)) &&
	    strcmp(text, undo.rt_runtime))
		write_file("/proc/sys/kernel/sched_rt_runtime_us", undo.rt_runtime);
	if (undo.hrtick)
		write_file("/sys/kernel/debug/sched/features", "NO_HRTICK_DL");
	if (undo.cpuset_enabled)
		put_root("cgroup.subtree_control", "-cpuset");
	if (undo.cpu_enabled)
		put_root("cgroup.subtree_control", "-cpu");

	return passed;
}
