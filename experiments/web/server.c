// server PORT: a web server of static pages beside a load that never ends.
//
// GET /BYTES is answered with a page of so many bytes; connections stay open. The load
// is SCHED_IDLE: a request does not wait for the guest's own scheduler.

#define _GNU_SOURCE
#include "../lib/turn.h"
#include "http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

struct connection {
	int fd;
	bool closing; // when the answer is out
	size_t got;   // bytes of requests that are not answered yet
	char request[HTTP_HEAD];
	char head[HTTP_HEAD];
	size_t head_size, page_size; // of the answer
	size_t sent;                 // of both together; head_size 0: no answer is on its way
};

static char page[HTTP_MOST];

static void fail(const char *what)
{
	fprintf(stderr, "server: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void start_load(void)
{
	struct sched_param none = { 0 };

	if (fork())
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (sched_setscheduler(0, SCHED_IDLE, &none))
		fail("SCHED_IDLE");
	turn_burn();
}

static int open_port(unsigned int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, SOMAXCONN))
		fail("port");
	return fd;
}

static void accept_connection(int epoll, int port)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection,
	};
	int on = 1;

	if (!connection)
		fail("connection");
	connection->fd = accept4(port, NULL, NULL, SOCK_NONBLOCK);
	if (connection->fd < 0 ||
	    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, connection->fd, &event))
		fail("connection");
}

static void close_connection(struct connection *connection)
{
	close(connection->fd);
	free(connection);
}

// Edge triggered: a connection is left alone only when the kernel has no more for it.
enum step { GO_ON, WAIT, OVER };

static enum step receive(struct connection *connection)
{
	ssize_t got = recv(connection->fd, connection->request + connection->got,
			   HTTP_HEAD - 1 - connection->got, 0);

	if (got <= 0)
		return got < 0 && errno == EAGAIN ? WAIT : OVER;
	connection->got += got;
	connection->request[connection->got] = '\0';
	return GO_ON;
}

// False if what was received is only a part of a request.
static bool take_request(struct connection *connection)
{
	size_t end = http_body(connection->request);

	if (!end && connection->got < HTTP_HEAD - 1)
		return false;
	if (end && http_parse_request(connection->request, &connection->page_size)) {
		connection->head_size = http_write_answer(connection->head, connection->page_size);
	} else {
		connection->head_size = http_write_refusal(connection->head);
		connection->page_size = 0;
		connection->closing = true;
	}
	connection->sent = 0;
	connection->got -= end;
	memmove(connection->request, connection->request + end, connection->got + 1);
	return true;
}

// What is left of the head and of the page.
static ssize_t send_rest(struct connection *connection)
{
	size_t head = connection->head_size, sent = connection->sent;
	size_t of_head = sent < head ? sent : head, of_page = sent - of_head;
	struct iovec parts[] = {
		{ connection->head + of_head, head - of_head },
		{ page, connection->page_size - of_page },
	};
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };

	return sendmsg(connection->fd, &message, MSG_NOSIGNAL);
}

static enum step answer(struct connection *connection)
{
	ssize_t sent = send_rest(connection);

	if (sent < 0)
		return errno == EAGAIN ? WAIT : OVER;
	connection->sent += sent;
	if (connection->sent < connection->head_size + connection->page_size)
		return GO_ON;
	connection->head_size = 0;
	return connection->closing ? OVER : GO_ON;
}

static void serve(struct connection *connection)
{
	enum step step = GO_ON;

	while (step == GO_ON) {
		if (connection->head_size)
			step = answer(connection);
		else if (!take_request(connection))
			step = receive(connection);
	}
	if (step == OVER)
		close_connection(connection);
}

static void serve_all(int port)
{
	int epoll = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };

	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, port, &event))
		fail("epoll");
	for (;;) {
		if (epoll_wait(epoll, &event, 1, -1) < 1)
			continue;
		if (event.data.ptr)
			serve(event.data.ptr);
		else
			accept_connection(epoll, port);
	}
}

int main(int argc, char **argv)
{
	char *end = NULL;
	unsigned long port = argc == 2 ? strtoul(argv[1], &end, 10) : 0;

	if (!end || *end || port < 1 || port > 65535) {
		fputs("Usage: server PORT\n", stderr);
		return 2;
	}
	memset(page, '.', sizeof(page));
	start_load();
	serve_all(open_port(port));
}
