#include "load.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

int load_open(struct in_addr address, unsigned int port)
{
	struct sockaddr_in peer = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = address,
	};
	struct timeval timeout = { .tv_sec = 2 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd >= 0 && (connect(fd, (struct sockaddr *)&peer, sizeof(peer)) ||
			setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)))) {
		close(fd);
		return -1;
	}
	return fd;
}

bool load_ask(int fd, char command, unsigned long long *loops)
{
	char text[32] = "";
	char *end;

	if (send(fd, &command, 1, 0) != 1 || recv(fd, text, sizeof(text) - 1, 0) < 0)
		return false;
	*loops = strtoull(text, &end, 10);
	errno = EPROTO;
	return end != text && *end == '\n';
}
