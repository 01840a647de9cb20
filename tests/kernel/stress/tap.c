// SPDX-License-Identifier: GPL-2.0
/* Network devices whose packets are events. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "stress.h"

static int taps[TAPS], tap_index[TAPS], unread[TAPS];

void tap_open(int i)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int sock = socket(AF_INET, SOCK_DGRAM, 0);

	taps[i] = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "tap%d", i);
	if (taps[i] < 0 || ioctl(taps[i], TUNSETIFF, &ifr) || ioctl(sock, SIOCGIFINDEX, &ifr))
		fail("tap%d: %s", i, strerror(errno));
	tap_index[i] = ifr.ifr_ifindex;
	ifr.ifr_flags = IFF_UP;
	if (ioctl(sock, SIOCSIFFLAGS, &ifr))
		fail("tap%d up: %s", i, strerror(errno));
	close(sock);
}

/* As `ip link del`: children have the tap's file open, too. */
void tap_delete(int i)
{
	struct { struct nlmsghdr head; struct ifinfomsg info; } ask = {
		.head = { .nlmsg_len = sizeof(ask), .nlmsg_type = RTM_DELLINK, .nlmsg_flags = NLM_F_REQUEST },
		.info = { .ifi_index = tap_index[i] },
	};
	int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (send(sock, &ask, sizeof(ask), 0) < 0)
		fail("tap%d cannot be deleted: %s", i, strerror(errno));
	close(sock);
	close(taps[i]);
	unread[i] = 0;
}

/* @n packets for whoever is behind the tap: @n events. */
int tap_send(int i, int n)
{
	static int sock = -1;
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_ifindex = tap_index[i],
		.sll_halen = 6,
	};
	char frame[60] = { [12] = 0x88, [13] = 0xb5 };	/* experimental type */
	int err = 0;

	if (sock < 0)
		sock = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	for (int k = 0; k < n && !err; k++)
		if (sendto(sock, frame, sizeof(frame), 0, (struct sockaddr *)&to, sizeof(to)) < 0)
			err = errno;
	/* Its queue holds 500; what does not fit is no event. */
	if ((unread[i] += n) > 256) {
		while (read(taps[i], (char[256]){ 0 }, 256) > 0)
			;
		unread[i] = 0;
	}
	return err;
}

