// flood: sends echo requests at a constant rate, and samples a thread's CPU time.
//
// One thread does both, by the clock: what is late is caught up with. It is silent
// meanwhile, and does not receive the replies.

#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/icmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../lib/number.h"

enum { S = 1000000000, PAYLOAD = 56 };

struct options {
	int pid, tid;
	struct in_addr address;
	int64_t begin, from, until, end; // CLOCK_MONOTONIC, ns: of the samples, of the packets
	int64_t every, sample_every;     // ns
	const char *totals;
};

struct packet {
	struct icmphdr header;
	uint8_t payload[PAYLOAD];
};

struct sample {
	int64_t at, used;
};

static void fail(const char *what)
{
	fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static void sleep_until(int64_t when)
{
	struct timespec time = { when / S, when % S };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR)
		;
}

// --- what it does ---

static int open_socket(struct in_addr address)
{
	struct sockaddr_in peer = { .sin_family = AF_INET, .sin_addr = address };
	struct icmp_filter none = { .data = ~0U };
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);

	if (fd < 0 || connect(fd, (struct sockaddr *)&peer, sizeof(peer)) ||
	    setsockopt(fd, SOL_RAW, ICMP_FILTER, &none, sizeof(none)))
		fail("socket");
	return fd;
}

static int open_schedstat(int pid, int tid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", pid, tid);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		fail(path);
	return fd;
}

static struct sample take_sample(int fd)
{
	struct sample sample;
	char text[128];
	ssize_t size = pread(fd, text, sizeof(text) - 1, 0);

	if (size <= 0)
		fail("the thread is gone");
	text[size] = '\0';
	sample.used = strtoll(text, NULL, 10);
	sample.at = now();
	return sample;
}

// Everything but these three is 0, so they are the checksum.
static void send_echo(int fd, uint16_t seq, unsigned long *refused)
{
	struct packet packet = { .header = { .type = ICMP_ECHO } };
	uint32_t sum = (ICMP_ECHO << 8) + (getpid() & 0xffff) + seq;

	packet.header.un.echo.id = htons(getpid() & 0xffff);
	packet.header.un.echo.sequence = htons(seq);
	sum = (sum & 0xffff) + (sum >> 16);
	packet.header.checksum = htons(~(sum + (sum >> 16)));
	if (send(fd, &packet, sizeof(packet), MSG_DONTWAIT) != sizeof(packet))
		++*refused;
}

static void write_totals(const struct options *options, unsigned long sent, unsigned long refused,
			 int64_t latest)
{
	FILE *file = fopen(options->totals, "w");

	if (!file)
		fail(options->totals);
	fprintf(file, "sent=%lu\nrefused=%lu\nlatest_ns=%lld\n", sent, refused, (long long)latest);
	if (fclose(file))
		fail(options->totals);
}

static void run(const struct options *options)
{
	const size_t count = (options->end - options->begin) / options->sample_every + 1;
	struct sample *samples = calloc(count, sizeof(*samples));
	int fd = open_socket(options->address), schedstat = open_schedstat(options->pid, options->tid);
	int64_t next_packet = options->from, next_sample = options->begin, late, latest = 0;
	unsigned long sent = 0, refused = 0;
	size_t taken = 0;

	if (!samples || mlockall(MCL_CURRENT | MCL_FUTURE))
		fail("memory");
	while (taken < count) {
		sleep_until(next_sample < next_packet ? next_sample : next_packet);
		if (next_sample <= next_packet) {
			late = now() - next_sample;
			samples[taken++] = take_sample(schedstat);
			next_sample += options->sample_every;
		} else {
			late = now() - next_packet;
			send_echo(fd, ++sent, &refused);
			next_packet += options->every;
			if (next_packet >= options->until)
				next_packet = INT64_MAX;
		}
		if (late > latest)
			latest = late;
	}
	for (size_t i = 0; i < count; i++)
		printf("%lld,%lld\n", (long long)(samples[i].at - options->begin), (long long)samples[i].used);
	if (options->totals)
		write_totals(options, sent, refused, latest);
	free(samples);
}

// --- arguments ---

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'b':
		options->begin = number_parse(state, "--begin", arg, 0, INT64_MAX);
		return 0;
	case 'f':
		options->from = number_parse(state, "--from", arg, 0, INT64_MAX);
		return 0;
	case 'u':
		options->until = number_parse(state, "--until", arg, 0, INT64_MAX);
		return 0;
	case 'e':
		options->end = number_parse(state, "--end", arg, 0, INT64_MAX);
		return 0;
	case 'r':
		options->every = S / number_parse(state, "--rate", arg, 1, 100000);
		return 0;
	case 's':
		options->sample_every = number_parse(state, "--sample", arg, 100, 1000000) * 1000;
		return 0;
	case 't':
		options->totals = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0)
			options->pid = number_parse(state, "PID", arg, 1, INT32_MAX);
		else if (state->arg_num == 1)
			options->tid = number_parse(state, "TID", arg, 1, INT32_MAX);
		else if (state->arg_num > 2 || !inet_aton(arg, &options->address))
			argp_error(state, "'%s' is not an IPv4 address", arg);
		return 0;
	case ARGP_KEY_END:
		if (state->arg_num < 3 || options->begin >= options->end || options->from >= options->until)
			argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp_option known[] = {
		{ "begin", 'b', "NSEC", 0, "CLOCK_MONOTONIC of the first sample", 0 },
		{ "from", 'f', "NSEC", 0, "of the first packet", 0 },
		{ "until", 'u', "NSEC", 0, "no packet from here on", 0 },
		{ "end", 'e', "NSEC", 0, "of the last sample", 0 },
		{ "rate", 'r', "N", 0, "packets a second (1000)", 0 },
		{ "sample", 's', "USEC", 0, "time between samples (1000)", 0 },
		{ "totals", 't', "FILE", 0, "write how many were sent and refused, and the worst delay", 0 },
		{ 0 },
	};
	static const struct argp argp = {
		known, parse_option, "PID TID ADDRESS",
		"Floods ADDRESS with echo requests and samples the CPU time of thread TID of process PID. "
		"Prints ns_since_begin,used_ns.", NULL, NULL, NULL,
	};
	struct options options = { .every = S / 1000, .sample_every = S / 1000 };

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	run(&options);
	return fclose(stdout) ? 1 : 0;
}
