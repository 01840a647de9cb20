// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel's hot paths cost, in the testbed's nanoseconds: with an
 * instruction-counted clock one is one instruction. One CPU, nothing else runs.
 *
 *	switch		two SCHED_OTHER threads that wake each other by pipes
 *	deadline	the same under SCHED_DEADLINE
 *	packet		a frame sent to a tap and read from it
 *
 * Prints "NAME NANOSECONDS" a line: the mean of ROUNDS.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 5000, WARM_UP = 500 };

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

static void set_deadline(pid_t pid)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attr = {
		.size = sizeof(attr), .policy = 6 /* SCHED_DEADLINE */,
		.runtime = 400000000, .deadline = 1000000000, .period = 1000000000,
	};

	if (syscall(SYS_sched_setattr, pid, &attr, 0))
		die("sched_setattr");
}

static void pass(int from, int to)
{
	char byte;

	if (read(from, &byte, 1) != 1 || write(to, &byte, 1) != 1)
		die("pipe");
}

/* Half a round trip: one switch. */
static int64_t switch_cost(int deadline)
{
	int there[2], back[2];
	int64_t start = 0, took;
	pid_t pid;

	if (pipe(there) || pipe(back))
		die("pipe");
	pid = fork();
	if (!pid) {
		for (int i = 0; i < WARM_UP + ROUNDS; i++)
			pass(there[0], back[1]);
		_exit(0);
	}
	if (deadline) {
		set_deadline(pid);
		set_deadline(0);
	}
	for (int i = 0; i < WARM_UP + ROUNDS; i++) {
		if (i == WARM_UP)
			start = now();
		if (write(there[1], "", 1) != 1 || read(back[0], &(char){ 0 }, 1) != 1)
			die("pipe");
	}
	took = now() - start;
	waitpid(pid, NULL, 0);
	return took / (2 * ROUNDS);
}

static int64_t packet_cost(void)
{
	struct ifreq ifr = { .ifr_name = "cost", .ifr_flags = IFF_TAP | IFF_NO_PI };
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_halen = 6 };
	char frame[60] = { [12] = 0x88, [13] = 0xb5 };	/* experimental type */
	int tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	int sock = socket(AF_PACKET, SOCK_RAW, 0);
	int64_t start = 0;

	if (tap < 0 || ioctl(tap, TUNSETIFF, &ifr) || ioctl(sock, SIOCGIFINDEX, &ifr))
		die("tap");
	to.sll_ifindex = ifr.ifr_ifindex;
	ifr.ifr_flags = IFF_UP;
	if (ioctl(sock, SIOCSIFFLAGS, &ifr))
		die("tap up");
	while (read(tap, (char[2048]){ 0 }, 2048) > 0)
		;
	for (int i = 0; i < WARM_UP + ROUNDS; i++) {
		if (i == WARM_UP)
			start = now();
		if (sendto(sock, frame, sizeof(frame), 0, (struct sockaddr *)&to, sizeof(to)) < 0)
			die("send");
		if (read(tap, (char[2048]){ 0 }, 2048) < 0)
			die("receive");
	}
	return (now() - start) / ROUNDS;
}

int main(void)
{
	printf("packet %lld\n", (long long)packet_cost());
	printf("switch %lld\n", (long long)switch_cost(0));
	printf("deadline %lld\n", (long long)switch_cost(1));
	return 0;
}
