#include "echo.h"

#include <netinet/ip_icmp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static uint16_t own_id(void)
{
	return htons(getpid() & 0xffff);
}

// RFC 1071, of an even number of bytes.
static uint16_t checksum(const void *data, size_t size)
{
	const uint16_t *word = data;
	uint32_t sum = 0;

	for (; size; size -= sizeof(*word))
		sum += *word++;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

int echo_open(struct in_addr address)
{
	struct sockaddr_in peer = { .sin_family = AF_INET, .sin_addr = address };
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&peer, sizeof(peer))) {
		close(fd);
		return -1;
	}
	return fd;
}

bool echo_send(int fd, uint16_t seq)
{
	struct icmphdr echo = { .type = ICMP_ECHO };

	echo.un.echo.id = own_id();
	echo.un.echo.sequence = htons(seq);
	echo.checksum = checksum(&echo, sizeof(echo));
	return send(fd, &echo, sizeof(echo), 0) == sizeof(echo);
}

int echo_seq(const uint8_t *packet, ssize_t size)
{
	ssize_t header = size > 0 ? (packet[0] & 15) * 4 : 0;
	struct icmphdr icmp;

	if (size < header + (ssize_t)sizeof(icmp))
		return -1;
	memcpy(&icmp, packet + header, sizeof(icmp));
	if (icmp.type != ICMP_ECHOREPLY || icmp.un.echo.id != own_id())
		return -1;
	return ntohs(icmp.un.echo.sequence);
}
