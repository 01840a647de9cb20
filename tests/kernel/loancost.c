// SPDX-License-Identifier: GPL-2.0
/*
 * What an event and a loan cost, in the testbed's nanoseconds: with an
 * instruction-counted clock one is one instruction. One CPU, nothing else runs.
 *
 *	event		a packet's report for a thread that runs and has budget
 *	event_again	the same while the one before still stands
 *	loan		borrow, dispatch and return: a depleted sleeper is sent
 *			a packet, woken up, and sleeps again, against the same
 *			for one that has budget and is sent nothing
 *
 * loancost N: with N groups below the pool, each with a SCHED_DEADLINE thread
 * and a tap of its own. Prints "NAME NANOSECONDS" a line: the median of ROUNDS,
 * for a tick or an RCU callback may fall into any of them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ROOT "/sys/fs/cgroup"
#define MS 1000000LL	/* ns */

enum { ROUNDS = 100, WARM_UP = 10, THREADS_MAX = 256 };

struct tap {
	int fd;
	struct sockaddr_ll to;
};

/* The thread whose loans are measured. */
struct sleeper {
	pid_t pid;
	int wake[2], answer[2];
};

static int sock;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void pause_ns(int64_t ns)
{
	struct timespec ts = { ns / 1000000000, ns % 1000000000 };

	nanosleep(&ts, NULL);
}

static void put(const char *group, const char *file, const char *text)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), ROOT "/%s/%s", group, file);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

static long long stat_of(const char *group, const char *key)
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

static void join(const char *group, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	put(group, "cgroup.procs", text);
}

static void reserve(pid_t pid, int64_t runtime, int64_t period)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attr = {
		.size = sizeof(attr), .policy = 6 /* SCHED_DEADLINE */,
		.runtime = runtime, .deadline = period, .period = period,
	};

	if (syscall(SYS_sched_setattr, pid, &attr, 0))
		die("sched_setattr");
}

static struct tap tap_open(const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	struct tap tap = {
		.fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK),
		.to = { .sll_family = AF_PACKET, .sll_halen = 6 },
	};

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (tap.fd < 0 || ioctl(tap.fd, TUNSETIFF, &ifr) || ioctl(sock, SIOCGIFINDEX, &ifr))
		die(name);
	tap.to.sll_ifindex = ifr.ifr_ifindex;
	ifr.ifr_flags = IFF_UP;
	if (ioctl(sock, SIOCSIFFLAGS, &ifr))
		die(name);
	return tap;
}

/* How long sending took; the tap is emptied before. */
static int64_t tap_send(struct tap *tap)
{
	static char frame[60] = { [12] = 0x88, [13] = 0xb5 };	/* experimental type */
	int64_t start;

	while (read(tap->fd, (char[2048]){ 0 }, 2048) > 0)
		;
	start = now();
	if (sendto(sock, frame, sizeof(frame), 0, (struct sockaddr *)&tap->to, sizeof(tap->to)) < 0)
		die("send");
	return now() - start;
}

static pid_t child(void (*run)(void *), void *data)
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

static void idle(void *unused)
{
	(void)unused;
	pause();
}

/* Spins until it is told by a first byte, then answers each byte. */
static void answer(void *data)
{
	struct sleeper *s = data;
	char byte;

	fcntl(s->wake[0], F_SETFL, O_NONBLOCK);
	while (read(s->wake[0], &byte, 1) != 1)
		;
	fcntl(s->wake[0], F_SETFL, 0);
	while (write(s->answer[1], &byte, 1) == 1 && read(s->wake[0], &byte, 1) == 1)
		;
}

static void round_trip(struct sleeper *s)
{
	if (write(s->wake[1], "", 1) != 1 || read(s->answer[0], &(char){ 0 }, 1) != 1)
		die("pipe");
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t median(int64_t took[ROUNDS])
{
	qsort(took, ROUNDS, sizeof(*took), compare);
	return took[ROUNDS / 2];
}

/* A wake-up and its answer, with a packet through @tap before each. */
static int64_t trip_cost(struct tap *tap, int64_t runtime, int64_t period, int depleted)
{
	int64_t took[ROUNDS];
	struct sleeper s;

	if (pipe(s.wake) || pipe(s.answer))
		die("pipe");
	s.pid = child(answer, &s);
	join("pool/vm0", s.pid);
	reserve(s.pid, runtime, period);
	if (depleted) {
		/* It spins, and has used up its budget. */
		pause_ns(20 * MS);
		tap_send(tap);
	}
	for (int i = 0; i < WARM_UP + ROUNDS; i++) {
		int64_t sent = 0, start;

		if (i)
			sent = tap_send(tap);
		start = now();
		round_trip(&s);
		if (i >= WARM_UP)
			took[i - WARM_UP] = sent + now() - start;
	}
	kill(s.pid, SIGKILL);
	close(s.wake[0]);
	close(s.wake[1]);
	close(s.answer[0]);
	close(s.answer[1]);
	return median(took);
}

/* Each packet after a sleep, which ends what was pending. */
static int64_t send_cost(struct tap *tap, struct tap *before)
{
	int64_t took[ROUNDS];

	for (int i = 0; i < WARM_UP + ROUNDS; i++) {
		int64_t one;

		pause_ns(MS);
		if (before)
			tap_send(before);
		one = tap_send(tap);
		if (i >= WARM_UP)
			took[i - WARM_UP] = one;
	}
	return median(took);
}

int main(int argc, char **argv)
{
	int n = argc == 2 ? atoi(argv[1]) : 0;
	long long borrows;
	int64_t plain, loan;
	struct tap bound, other;

	if (n < 1 || n > THREADS_MAX) {
		fprintf(stderr, "Usage: loancost N (1-%d)\n", THREADS_MAX);
		return 2;
	}
	sock = socket(AF_PACKET, SOCK_RAW, 0);
	put("", "cgroup.subtree_control", "+cpu");
	mkdir(ROOT "/pool", 0755);
	put("pool", "cgroup.subtree_control", "+cpu");
	put("pool", "cpu.spare.pool", "4000 10000");
	other = tap_open("other");
	for (int i = 0; i < n; i++) {
		char group[32], path[64], tap[16], line[20];
		struct tap opened;
		pid_t pid;

		snprintf(group, sizeof(group), "pool/vm%d", i);
		snprintf(tap, sizeof(tap), "tap%d", i);
		snprintf(line, sizeof(line), "+tap%d", i);
		snprintf(path, sizeof(path), ROOT "/%s", group);
		mkdir(path, 0755);
		opened = tap_open(tap);
		if (!i)
			bound = opened;
		put(group, "cpu.spare.dev", line);
		put(group, "cpu.spare.borrow", "on");
		if (i) {
			pid = child(idle, NULL);
			join(group, pid);
			reserve(pid, MS, 1000 * MS);
		}
	}

	plain = trip_cost(&other, 300 * MS, 1000 * MS, 0);
	pause_ns(1100 * MS);
	borrows = stat_of("pool", "nr_borrows");
	loan = trip_cost(&bound, MS, 1000 * MS, 1);
	borrows = stat_of("pool", "nr_borrows") - borrows;
	if (borrows != WARM_UP + ROUNDS) {
		fprintf(stderr, "loancost: %lld loans in %d rounds\n", borrows, WARM_UP + ROUNDS);
		return 1;
	}
	pause_ns(1100 * MS);
	join("pool/vm0", getpid());
	reserve(0, 300 * MS, 1000 * MS);
	printf("event %lld\n", (long long)(send_cost(&bound, NULL) - send_cost(&other, NULL)));
	printf("event_again %lld\n", (long long)(send_cost(&bound, &bound) - send_cost(&other, &other)));
	printf("loan %lld\n", (long long)(loan - plain));
	return 0;
}
