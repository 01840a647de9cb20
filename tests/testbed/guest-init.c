// Process 1 of an inner guest: sets the network up, says "up", runs the load.
//
// From the kernel's command line: address=A (its own), peer=A and peer_mac=M
// (the host's end of the tap) arrive as environment, the words after "--" are the
// load: none, spin (one loop a vCPU), or a program of the initramfs with arguments.
// The addresses of the link are fixed, so no ARP mixes with what is measured.

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void set_address(struct sockaddr *at, const char *address)
{
	struct sockaddr_in in = { .sin_family = AF_INET };

	inet_pton(AF_INET, address, &in.sin_addr);
	memcpy(at, &in, sizeof(in));
}

static int add_peer(int fd, const char *peer, const char *mac)
{
	struct arpreq arp = { .arp_flags = ATF_PERM | ATF_COM, .arp_dev = "eth0" };
	unsigned char *hw = (unsigned char *)arp.arp_ha.sa_data;

	if (!peer || !mac)
		return 0;
	set_address(&arp.arp_pa, peer);
	arp.arp_ha.sa_family = ARPHRD_ETHER;
	sscanf(mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", hw, hw + 1, hw + 2, hw + 3,
	       hw + 4, hw + 5);
	return ioctl(fd, SIOCSARP, &arp);
}

static int network_up(const char *address)
{
	struct ifreq request = { .ifr_name = "eth0" };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	set_address(&request.ifr_addr, address);
	if (fd < 0 || ioctl(fd, SIOCSIFADDR, &request))
		return -1;
	set_address(&request.ifr_netmask, "255.255.255.0");
	if (ioctl(fd, SIOCSIFNETMASK, &request))
		return -1;
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(fd, SIOCSIFFLAGS, &request))
		return -1;
	if (add_peer(fd, getenv("peer"), getenv("peer_mac")))
		return -1;
	return close(fd);
}

static void spin(void)
{
	for (;;)
		__asm__ volatile("");
}

static void run_load(char **load)
{
	long copies = 1;

	if (!load[0] || !strcmp(load[0], "none"))
		return;
	if (!strcmp(load[0], "spin"))
		copies = sysconf(_SC_NPROCESSORS_ONLN);
	while (copies--) {
		if (fork())
			continue;
		if (!strcmp(load[0], "spin"))
			spin();
		execv(load[0], load);
		perror(load[0]);
		_exit(127);
	}
}

int main(int argc, char **argv)
{
	const char *address = getenv("address");
	int status;

	(void)argc;
	mkdir("/proc", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mkdir("/sys", 0755);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mkdir("/dev", 0755);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	if (address && network_up(address))
		perror("eth0");
	puts("up");
	fflush(stdout);
	run_load(argv + 1);
	for (;;)
		if (wait(&status) > 0)
			printf("load ended %d\n", status), fflush(stdout);
		else
			pause();
}
