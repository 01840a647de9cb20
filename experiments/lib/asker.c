// asker: sends requests to a guest's server (server.c), each when all of its vCPUs are out of budget, or at random.

#define _GNU_SOURCE
#include "echo.h"
#include "instant.h"
#include "number.h"
#include "poisson.h"
#include "../ping/budget.h"

#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	MS = 1000 * US,
	LOOK = 50 * US,			// between two looks at the budgets
	TIMEOUT = 2000 * MS,
	MOST_VCPUS = 16,
};

struct options {
	struct in_addr address;
	unsigned long port, count, every_us, answers, seed;
	bool tcp, echo, random;
	const char *request;
	int sched[MOST_VCPUS], vcpus;
};

static void fail(const char *what)
{
	fprintf(stderr, "asker: %s: %s\n", what, strerror(errno));
	exit(1);
}

// --- when ---

static bool is_depleted(int sched)
{
	struct budget budget;
	char text[4096];
	ssize_t got = pread(sched, text, sizeof(text) - 1, 0);

	if (got <= 0)
		fail("a vCPU thread is gone");
	text[got] = '\0';
	return budget_parse(text, &budget) && budget.runtime_ns <= 0;
}

static bool are_depleted(const struct options *options)
{
	for (int i = 0; i < options->vcpus; i++)
		if (!is_depleted(options->sched[i]))
			return false;
	return true;
}

static void wait_for_depletion(const struct options *options)
{
	for (int64_t end = instant_now() + TIMEOUT; !are_depleted(options);) {
		if (instant_now() > end) {
			errno = ETIMEDOUT;
			fail("the vCPUs are never out of budget together");
		}
		instant_sleep_until(instant_now() + LOOK);
	}
}

// --- what ---

static int open_socket(const struct options *options)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = options->address, .sin_port = htons(options->port) };
	int fd, on = 1;

	if (options->echo)
		return echo_open(options->address);
	fd = socket(AF_INET, options->tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return -1;
	if (options->tcp && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)))
		return -1;
	return fd;
}

static void ask(int fd, const struct options *options, unsigned long seq)
{
	char text[128];
	int size;

	if (options->echo) {
		if (!echo_send(fd, seq))
			fail("send");
		return;
	}
	size = snprintf(text, sizeof(text), "%lu %s", seq, options->request);
	if (send(fd, text, size, 0) != size)
		fail("send");
}

// How many answers to the request SEQ a packet has. Parts of one go over UDP: by TCP they may come together.
static unsigned long answers_in(const struct options *options, char *packet, ssize_t size, unsigned long seq)
{
	char *end;

	if (options->echo)
		return echo_seq((uint8_t *)packet, size) == (int)seq;
	packet[size] = '\0';
	if (strtoul(packet, &end, 10) != seq)
		return 0;
	if (options->count == 1 && *end == ' ')
		printf("%s\n", end + 1);
	return 1;
}

// Until the last answer, ns; 0: it did not come.
static int64_t take_answers(int fd, const struct options *options, unsigned long seq, int64_t sent)
{
	unsigned long answers = 0;
	char packet[512];

	for (int64_t left; (left = sent + TIMEOUT - instant_now()) > 0;) {
		struct pollfd file = { .fd = fd, .events = POLLIN };
		struct timespec time = { left / (1000 * MS), left % (1000 * MS) };
		ssize_t size;

		if (ppoll(&file, 1, &time, NULL) != 1)
			continue;
		size = recv(fd, packet, sizeof(packet) - 1, 0);
		if (size <= 0)
			fail("recv");
		answers += answers_in(options, packet, size, seq);
		if (answers >= options->answers)
			return instant_now() - sent;
	}
	return 0;
}

static void ask_often(const struct options *options)
{
	int fd = open_socket(options);
	uint64_t seed = options->seed;
	int64_t earliest = instant_now();

	if (fd < 0)
		fail("the server");
	for (unsigned long seq = 1; seq <= options->count; seq++) {
		int64_t sent, took;

		earliest += options->random ? (int64_t)poisson_gap(&seed, 1.0 / (options->every_us * US)) : 0;
		instant_sleep_until(earliest);
		if (options->vcpus)
			wait_for_depletion(options);
		sent = instant_now();
		ask(fd, options, seq);
		took = take_answers(fd, options, seq, sent);
		if (took)
			printf("%lu,%lld.%03lld\n", seq, (long long)took / US, (long long)took % US);
		else
			printf("%lu,\n", seq);
		earliest = options->random ? instant_now() : sent + (int64_t)options->every_us * US;
	}
	close(fd);
}

// --- arguments ---

static void add_vcpu(struct argp_state *state, struct options *options, const char *arg)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%lu/sched", number_parse(state, "TID", arg, 1, INT32_MAX));
	if (options->vcpus == MOST_VCPUS)
		argp_error(state, "more than %d vCPUs", MOST_VCPUS);
	options->sched[options->vcpus] = open(path, O_RDONLY);
	if (options->sched[options->vcpus++] < 0)
		fail(path);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'p':
		options->port = number_parse(state, "--port", arg, 1, 65535);
		return 0;
	case 'n':
		options->count = number_parse(state, "--count", arg, 1, 65535);
		return 0;
	case 'e':
		options->every_us = number_parse(state, "--every", arg, 1, 10000000);
		return 0;
	case 'a':
		options->answers = number_parse(state, "--answers", arg, 1, 16);
		return 0;
	case 's':
		options->seed = number_parse(state, "--seed", arg, 0, UINT32_MAX);
		return 0;
	case 't':
		options->tcp = true;
		return 0;
	case 'r':
		options->random = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0 && !inet_aton(arg, &options->address))
			argp_error(state, "'%s' is not an IPv4 address", arg);
		if (state->arg_num == 1) {
			options->request = arg;
			options->echo = !strcmp(arg, "ping");
		} else if (state->arg_num > 1) {
			add_vcpu(state, options, arg);
		}
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
		{ "port", 'p', "PORT", 0, "the server's (7001)", 0 },
		{ "count", 'n', "N", 0, "how many requests (1); if 1, what the answer says is printed first", 0 },
		{ "every", 'e', "USEC", 0, "from one to the next at least; with --random mean time from an answer (110000)", 0 },
		{ "answers", 'a', "N", 0, "parts of an answer; the time is that of the last (1)", 0 },
		{ "seed", 's', "N", 0, "of the random instants (1)", 0 },
		{ "tcp", 't', NULL, 0, "over one connection", 0 },
		{ "random", 'r', NULL, 0, "at random instants", 0 },
		{ 0 },
	};
	static const struct argp argp = {
		known, parse_option, "ADDRESS REQUEST [TID]...",
		"Sends REQUEST, or echo requests if that is ping, to the server at ADDRESS, each when the threads TID are all out "
		"of budget. Prints seq,us; a request without an answer in 2 s has no us.", NULL, NULL, NULL,
	};
	struct options options = { .port = 7001, .count = 1, .every_us = 110000, .answers = 1, .seed = 1 };

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	ask_often(&options);
	return fclose(stdout) ? 1 : 0;
}
