// client: asks a web server at random times, whether it has answered or not.
//
// Requests arrive as a Poisson process. A response time counts from the instant at which
// the request was meant to be sent: one that finds no free connection waits here, and
// that is part of it. Every request is waited for and printed; none is left out.

#include "../lib/counter.h"
#include "../lib/instant.h"
#include "../lib/number.h"
#include "../lib/poisson.h"
#include "http.h"

#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST_CONNECTIONS = 256, DRAIN_S = 10 };

struct options {
	struct in_addr address;
	unsigned long port, connections, rate, ms, bytes, seed;
	const char *totals, *schedstat, *stat;
};

struct request {
	int64_t due, done; // done 0: no answer yet
};

struct connection {
	int fd;
	struct request *request; // that is on its way; NULL: free
	char head[HTTP_HEAD];
	size_t head_got, left;   // left: of the page, when its head is complete
};

struct usage {
	int64_t at;
	unsigned long long vcpu_ns, loans, loaned_us;
};

static struct options options = { .connections = 32, .rate = 100, .ms = 1000, .bytes = 512, .seed = 1 };
static struct connection connections[MOST_CONNECTIONS];
static struct request *requests;
static size_t count, sent, answered;

static void fail(const char *format, ...)
{
	va_list arguments;

	fputs("client: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

// --- what the guest used ---

static void read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t got = fd < 0 ? -1 : read(fd, text, size - 1);

	if (got < 0)
		fail("%s: %s", path, strerror(errno));
	text[got] = '\0';
	close(fd);
}

static unsigned long long find_counter(const char *text, const char *name)
{
	unsigned long long value;

	if (!counter_find(text, name, &value))
		fail("%s has no %s", options.stat, name);
	return value;
}

static struct usage take_usage(void)
{
	struct usage usage = { .at = instant_now() };
	char text[4096];

	if (options.schedstat) {
		read_text(options.schedstat, text, sizeof(text));
		usage.vcpu_ns = strtoull(text, NULL, 10);
	}
	if (options.stat) {
		read_text(options.stat, text, sizeof(text));
		usage.loans = find_counter(text, "nr_borrows");
		usage.loaned_us = find_counter(text, "borrowed_usec");
	}
	return usage;
}

static void write_totals(const struct usage *begin, const struct usage *end)
{
	FILE *file = fopen(options.totals, "w");

	if (!file)
		fail("%s: %s", options.totals, strerror(errno));
	fprintf(file, "wall_ns=%lld\nvcpu_ns=%llu\nloans=%llu\nloaned_us=%llu\n",
		(long long)(end->at - begin->at), end->vcpu_ns - begin->vcpu_ns,
		end->loans - begin->loans, end->loaned_us - begin->loaned_us);
	if (fclose(file))
		fail("%s: %s", options.totals, strerror(errno));
}

// --- connections ---

static void open_connection(int epoll, struct connection *connection)
{
	struct sockaddr_in peer = {
		.sin_family = AF_INET, .sin_port = htons(options.port), .sin_addr = options.address,
	};
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = connection };
	int on = 1;

	connection->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connection->fd < 0 || connect(connection->fd, (struct sockaddr *)&peer, sizeof(peer)) ||
	    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, connection->fd, &event))
		fail("connection to %s: %s", inet_ntoa(options.address), strerror(errno));
}

static struct connection *free_connection(void)
{
	for (size_t i = 0; i < options.connections; i++)
		if (!connections[i].request)
			return &connections[i];
	return NULL;
}

static void ask(struct connection *connection, struct request *request)
{
	char text[HTTP_HEAD];
	ssize_t size = http_write_request(text, options.bytes);

	connection->request = request;
	connection->head_got = 0;
	if (send(connection->fd, text, size, MSG_NOSIGNAL) != size)
		fail("request: %s", strerror(errno));
}

static ssize_t receive(struct connection *connection, void *data, size_t size)
{
	ssize_t got = recv(connection->fd, data, size, MSG_DONTWAIT);

	if (!got || (got < 0 && errno != EAGAIN))
		fail("the server has closed a connection");
	return got;
}

// True when the head is complete; what came behind it is part of the page.
static bool receive_head(struct connection *connection)
{
	size_t body, bytes;
	ssize_t got = receive(connection, connection->head + connection->head_got,
			      HTTP_HEAD - 1 - connection->head_got);

	if (got < 0)
		return false;
	connection->head_got += got;
	connection->head[connection->head_got] = '\0';
	body = http_body(connection->head);
	if (!body && connection->head_got < HTTP_HEAD - 1)
		return false;
	if (!body || !http_parse_answer(connection->head, &bytes) || bytes != options.bytes ||
	    connection->head_got - body > bytes)
		fail("not the page that was asked for: %s", connection->head);
	connection->left = bytes - (connection->head_got - body);
	connection->head_got = HTTP_HEAD;
	return true;
}

static bool receive_page(struct connection *connection)
{
	static char data[65536];
	ssize_t got;

	while (connection->left) {
		got = receive(connection, data,
			      connection->left < sizeof(data) ? connection->left : sizeof(data));
		if (got < 0)
			return false;
		connection->left -= got;
	}
	return true;
}

static void take_answer(struct connection *connection)
{
	if (!connection->request)
		fail("the server answers what was not asked");
	if (connection->head_got < HTTP_HEAD && !receive_head(connection))
		return;
	if (!receive_page(connection))
		return;
	connection->request->done = instant_now();
	connection->request = NULL;
	answered++;
}

// --- the measurement ---

static void plan(int64_t begin)
{
	int64_t end = begin + (int64_t)options.ms * 1000 * US, due;
	size_t room = 2 * options.rate * options.ms / 1000 + 1000; // the chance of more is nil
	uint64_t state = options.seed;

	requests = calloc(room, sizeof(*requests));
	if (!requests)
		fail("%s", strerror(errno));
	for (due = begin; count < room && (due += (int64_t)(poisson_gap(&state, options.rate) * 1000000000)) < end;)
		requests[count++].due = due;
}

static void send_due(void)
{
	struct connection *connection;

	while (sent < count && requests[sent].due <= instant_now() && (connection = free_connection()))
		ask(connection, &requests[sent++]);
}

// To the next request, if there is a connection for it; else to the end of all patience.
static void wait_for_answers(int epoll, int64_t patience)
{
	bool sends = sent < count && free_connection();
	int64_t left = (sends ? requests[sent].due : patience) - instant_now();
	struct timespec timeout = { left / 1000000000, left % 1000000000 };
	struct epoll_event events[MOST_CONNECTIONS];
	int ready;

	if (left <= 0)
		return;
	ready = epoll_pwait2(epoll, events, MOST_CONNECTIONS, &timeout, NULL);
	for (int i = 0; i < ready; i++)
		take_answer(events[i].data.ptr);
}

static void measure(void)
{
	int epoll = epoll_create1(0);
	struct usage begin, end;
	int64_t patience;

	for (size_t i = 0; i < options.connections; i++)
		open_connection(epoll, &connections[i]);
	begin = take_usage();
	plan(begin.at);
	patience = begin.at + (options.ms * 1000 + DRAIN_S * INT64_C(1000000)) * US;
	while (answered < count && instant_now() < patience) {
		send_due();
		wait_for_answers(epoll, patience);
	}
	end = take_usage();
	if (options.totals)
		write_totals(&begin, &end);
	for (size_t i = 0; i < count; i++)
		requests[i].due -= begin.at, requests[i].done -= begin.at;
}

static void print_us(int64_t ns, char end)
{
	printf("%lld.%03lld%c", (long long)ns / US, (long long)ns % US, end);
}

static void print_requests(void)
{
	for (size_t i = 0; i < count; i++) {
		printf("%zu,", i + 1);
		print_us(requests[i].due, ',');
		if (requests[i].done > 0)
			print_us(requests[i].done - requests[i].due, '\n');
		else
			putchar('\n');
	}
}

// --- arguments ---

static void parse_argument(struct argp_state *state, const char *arg)
{
	if (state->arg_num == 0 && inet_pton(AF_INET, arg, &options.address) != 1)
		argp_error(state, "'%s' is not an IPv4 address", arg);
	if (state->arg_num == 1)
		options.port = number_parse(state, "PORT", arg, 1, 65535);
	if (state->arg_num > 1)
		argp_usage(state);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'c':
		options.connections = number_parse(state, "--connections", arg, 1, MOST_CONNECTIONS);
		return 0;
	case 'r':
		options.rate = number_parse(state, "--rate", arg, 1, 100000);
		return 0;
	case 'm':
		options.ms = number_parse(state, "--ms", arg, 1, 1000000);
		return 0;
	case 'b':
		options.bytes = number_parse(state, "--bytes", arg, 0, HTTP_MOST);
		return 0;
	case 's':
		options.seed = number_parse(state, "--seed", arg, 0, 1000000000);
		return 0;
	case 't':
		options.totals = arg;
		return 0;
	case 'v':
		options.schedstat = arg;
		return 0;
	case 'p':
		options.stat = arg;
		return 0;
	case ARGP_KEY_ARG:
		parse_argument(state, arg);
		return 0;
	case ARGP_KEY_END:
		if (state->arg_num < 2)
			argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp_option known[] = {
		{ "connections", 'c', "N", 0, "kept open (32)", 0 },
		{ "rate", 'r', "N", 0, "requests a second (100)", 0 },
		{ "ms", 'm', "MSEC", 0, "in which requests are sent (1000)", 0 },
		{ "bytes", 'b', "N", 0, "of the page (512)", 0 },
		{ "seed", 's', "N", 0, "of the arrivals (1)", 0 },
		{ "totals", 't', "FILE", 0, "gets wall_ns, vcpu_ns, loans and loaned_us of the whole", 0 },
		{ "vcpu", 'v', "FILE", 0, "schedstat of the vCPU thread", 0 },
		{ "stat", 'p', "FILE", 0, "cpu.spare.stat of its group", 0 },
		{ 0 },
	};
	static const struct argp argp = {
		known, parse_option, "ADDRESS PORT",
		"Asks for a page at random times. Prints seq,due_us,response_us, a line a request; "
		"response_us is empty if there was no answer 10 s after the last.",
		NULL, NULL, NULL,
	};

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	measure();
	print_requests();
	return fclose(stdout) ? 1 : 0;
}
