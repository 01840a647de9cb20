// exchange: a TCP server in a guest that always computes, and its client outside.
//
// A request says how much more the client will send, how much it wants back, and what the server does in the midst of
// that. The client measures from its first byte to the answer's last; a kind of more than one exchange to the last's.

#include "../lib/turn.h"
#include "../lib/chance.h"
#include "../lib/instant.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define US INT64_C(1000)	// in ns, as all times here

// In network order: bytes that follow; bytes of the answer's begin; then work or sleep, us; bytes of its rest.
struct request {
	uint32_t up, first, work_us, sleep_us, rest;
};

enum { MOST_EXCHANGES = 3 };

// In host order.
static const struct kind {
	const char *name;
	struct request exchanges[MOST_EXCHANGES]; // to the first without a rest
} kinds[] = {
	{ "one", { { .rest = 1 } } },
	{ "early", { { .first = 1, .work_us = 250, .rest = 1 } } },
	{ "chunk", { { .first = 4096, .work_us = 1300, .rest = 4096 } } },
	{ "sleep", { { .first = 1, .sleep_us = 1000, .rest = 1 } } },
	{ "slow", { { .work_us = 5000, .rest = 1 } } },
	// As TLS 1.2: keys are made before the certificate, then the finish of the handshake, then what it was for.
	{ "tls", { { .up = 300, .work_us = 1000, .rest = 4096 }, { .up = 100, .rest = 300 }, { .up = 100, .rest = 16384 } } },
	{ "page", { { .rest = 65536 } } },
	{ "bulk", { { .up = 1 << 20, .rest = 1 } } },
};

static char buffer[65536];

static void fail(const char *what)
{
	fprintf(stderr, "exchange: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void move(int fd, size_t bytes, ssize_t (*step)(int, char *, size_t))
{
	while (bytes) {
		ssize_t done = step(fd, buffer, bytes < sizeof(buffer) ? bytes : sizeof(buffer));

		if (done <= 0)
			fail("connection");
		bytes -= done;
	}
}

static ssize_t step_in(int fd, char *data, size_t size)
{
	return recv(fd, data, size, 0);
}

static ssize_t step_out(int fd, char *data, size_t size)
{
	return send(fd, data, size, 0);
}

static int open_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)))
		fail("socket");
	return fd;
}

// --- in the guest ---

static void serve_connection(int fd)
{
	struct request request;

	while (recv(fd, &request, sizeof(request), MSG_WAITALL) == sizeof(request)) {
		move(fd, ntohl(request.up), step_in);
		move(fd, ntohl(request.first), step_out);
		turn_work_until(instant_now() + ntohl(request.work_us) * US);
		if (request.sleep_us)
			instant_sleep_until(instant_now() + ntohl(request.sleep_us) * US);
		move(fd, ntohl(request.rest), step_out);
	}
	close(fd);
}

static void serve(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = open_socket();

	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 1))
		fail("listen");
	// What the reservation is for. At the lowest weight: the guest's own
	// scheduler shall not be what a request waits for.
	if (!fork()) {
		if (nice(19) < 0)
			fail("nice");
		turn_burn();
	}
	for (;;) {
		int connection = accept(fd, NULL, NULL);

		if (connection < 0)
			fail("accept");
		serve_connection(connection);
	}
}

// --- outside ---

static void exchange(int fd, const struct request *host)
{
	struct request request = {
		.up = htonl(host->up), .first = htonl(host->first), .work_us = htonl(host->work_us),
		.sleep_us = htonl(host->sleep_us), .rest = htonl(host->rest),
	};

	if (send(fd, &request, sizeof(request), 0) != sizeof(request))
		fail("request");
	move(fd, host->up, step_out);
	move(fd, (size_t)host->first + host->rest, step_in);
}

// Prints a line a request: microseconds. One request each @every ns, at a random place in it.
static void ask(const char *host, uint16_t port, const struct kind *kind, long count,
		int64_t every, uint64_t seed)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = open_socket();
	int64_t start;

	if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
		fail(host);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		fail("connect");
	start = instant_now();
	for (long i = 0; i < count; i++) {
		int64_t begun, due = start + i * every + (int64_t)(chance_next(&seed) % (uint64_t)every);

		// One that takes longer than its turn delays those after it, and is not lost.
		instant_sleep_until(due);
		begun = instant_now();
		for (int step = 0; step < MOST_EXCHANGES && kind->exchanges[step].rest; step++)
			exchange(fd, &kind->exchanges[step]);
		begun = instant_now() - begun;
		printf("%lld.%03lld\n", (long long)(begun / US), (long long)(begun % US));
	}
	close(fd);
}

static long number(const char *text, long min, long max)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno || *end || end == text || value < min || value > max) {
		fprintf(stderr, "exchange: '%s' is not a number from %ld to %ld\n", text, min, max);
		exit(2);
	}
	return value;
}

static const struct kind *kind_of(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	fprintf(stderr, "exchange: there is no kind '%s'\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (argc == 3 && !strcmp(argv[1], "serve")) {
		serve(number(argv[2], 1, 65535));
	} else if (argc == 8 && !strcmp(argv[1], "ask")) {
		ask(argv[2], number(argv[3], 1, 65535), kind_of(argv[4]), number(argv[5], 1, 1000000),
		    number(argv[6], 1, 10000000) * US, number(argv[7], 0, 1 << 30));
	} else {
		fprintf(stderr, "Usage: exchange serve PORT\n"
				"       exchange ask ADDRESS PORT KIND COUNT EVERY_US SEED\n");
		return 2;
	}
	return 0;
}
