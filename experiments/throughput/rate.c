// rate: how fast the batch load ran between two instants, and what its thread was charged.
//
// Both instants have the same phase in every period that divides their distance, so nothing
// has to be known of the reservation and nobody spins: that would take the one clock of
// all emulated CPUs from the load. A guest in a gap answers when its next budget begins,
// at both ends alike; the time is taken when the answer is there.

#include "../lib/number.h"

#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_S = 5 }; // longest wait for an answer

struct options {
	char schedstat[64];
	unsigned long pid, tid, window_ms, port;
	struct in_addr address;
};

struct sample {
	int64_t wall, used; // ns
	unsigned long long loops;
	unsigned long switches; // how often the thread was given the CPU
};

static void fail(const char *what)
{
	fprintf(stderr, "rate: %s: %s\n", what, errno ? strerror(errno) : "unexpected text");
	exit(1);
}

static int open_load(const struct options *options)
{
	const struct timeval timeout = { .tv_sec = ANSWER_S };
	struct sockaddr_in peer = {
		.sin_family = AF_INET, .sin_port = htons(options->port), .sin_addr = options->address,
	};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&peer, sizeof(peer)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)))
		fail("socket");
	return fd;
}

// throughput answers each datagram with the loops so far.
static unsigned long long ask_loops(int fd)
{
	unsigned long long loops;
	char text[32] = "";

	if (send(fd, "?", 1, 0) != 1 || recv(fd, text, sizeof(text) - 1, 0) < 0)
		fail("the load does not answer");
	errno = 0;
	if (sscanf(text, "%llu\n", &loops) != 1)
		fail("the load's answer");
	return loops;
}

static void read_schedstat(const char *path, struct sample *sample)
{
	FILE *file = fopen(path, "r");
	long long used;

	if (!file)
		fail(path);
	errno = 0;
	if (fscanf(file, "%lld %*d %lu", &used, &sample->switches) != 2)
		fail(path);
	sample->used = used;
	fclose(file);
}

static struct sample take_sample(const struct options *options, int fd)
{
	struct sample sample = { .loops = ask_loops(fd) };
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	sample.wall = now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
	read_schedstat(options->schedstat, &sample);
	return sample;
}

static void sleep_until(const struct timespec *when)
{
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, when, NULL) == EINTR)
		;
}

static void measure(const struct options *options)
{
	int fd = open_load(options);
	struct sample begin, end;
	struct timespec when;

	ask_loops(fd); // the first answer is slower: page faults
	clock_gettime(CLOCK_MONOTONIC, &when);
	when.tv_sec++;
	when.tv_nsec = 0;
	sleep_until(&when);
	begin = take_sample(options, fd);
	when.tv_nsec += options->window_ms % 1000 * 1000000;
	when.tv_sec += options->window_ms / 1000;
	sleep_until(&when);
	end = take_sample(options, fd);
	printf("%lld,%lld,%llu,%lu\n", (long long)(end.wall - begin.wall), (long long)(end.used - begin.used),
	       end.loops - begin.loops, end.switches - begin.switches);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		switch (state->arg_num) {
		case 0: options->window_ms = number_parse(state, "WINDOW_MS", arg, 1, 1000000); return 0;
		case 1: options->pid = number_parse(state, "PID", arg, 1, INT32_MAX); return 0;
		case 2: options->tid = number_parse(state, "TID", arg, 1, INT32_MAX); return 0;
		case 4: options->port = number_parse(state, "PORT", arg, 1, 65535); return 0;
		case 3:
			if (inet_aton(arg, &options->address))
				return 0;
			argp_error(state, "'%s' is not an IPv4 address", arg);
		}
		argp_usage(state);
		return 0;
	case ARGP_KEY_END:
		if (state->arg_num < 5)
			argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		NULL, parse_option, "WINDOW_MS PID TID ADDRESS PORT",
		"Asks the load behind ADDRESS and PORT how many loops it has made, WINDOW_MS apart. "
		"Prints wall_ns,used_ns,loops,switches: the last two but loops are of thread TID.",
		NULL, NULL, NULL,
	};
	struct options options = { 0 };

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	snprintf(options.schedstat, sizeof(options.schedstat), "/proc/%lu/task/%lu/schedstat",
		 options.pid, options.tid);
	measure(&options);
	return 0;
}
