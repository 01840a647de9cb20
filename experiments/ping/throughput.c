// throughput: the batch load inside the guest, after the utility of the 2011 paper.
//
// Repeats a basic loop of a few arithmetic operations and says how many loops a
// microsecond it made. A console line costs an emulated serial port dozens of exits,
// so during a measurement it is silent (--horizon 0) and answers datagrams instead.

#include <argp.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

enum { LOOPS_A_STEP = 10000 }; // some 50 us: reading the clock costs nothing beside it

struct options {
	double horizon_s;
	unsigned int port;
};

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

// The constants are Knuth's MMIX generator; each loop needs the result of the one before.
static uint64_t repeat(unsigned int loops, uint64_t x)
{
	while (loops--) {
		x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		x ^= x >> 29;
	}
	return x;
}

static void compute(atomic_ullong *loops, int64_t horizon_ns)
{
	int64_t began_ns = now_ns(), told_ns = began_ns;
	unsigned long long told = 0;
	uint64_t x = 1;

	for (;;) {
		int64_t now;

		x = repeat(LOOPS_A_STEP, x);
		__asm__ volatile("" : "+r"(x)); // the result is used
		atomic_fetch_add_explicit(loops, LOOPS_A_STEP, memory_order_relaxed);
		if (!horizon_ns || (now = now_ns()) - told_ns < horizon_ns)
			continue;
		printf("elapsed_us=%lld loops=%llu loops_per_us=%.3f\n",
		       (long long)(now - began_ns) / 1000, *loops,
		       (*loops - told) * 1e3 / (now - told_ns));
		fflush(stdout);
		told = *loops;
		told_ns = now;
	}
}

static int open_port(unsigned int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		perror("throughput: port");
		exit(1);
	}
	return fd;
}

// Every datagram is answered with the loops so far, as text.
static void answer(int fd, const atomic_ullong *loops)
{
	for (;;) {
		struct sockaddr_storage from;
		socklen_t size = sizeof(from);
		char text[32];

		if (recvfrom(fd, text, sizeof(text), 0, (struct sockaddr *)&from, &size) < 0)
			continue;
		sendto(fd, text, snprintf(text, sizeof(text), "%llu\n", *loops), 0,
		       (struct sockaddr *)&from, size);
	}
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;
	char *end;

	switch (key) {
	case 'o':
		options->horizon_s = strtod(arg, &end);
		if (end == arg || *end || !(options->horizon_s >= 0 && options->horizon_s < 1e6))
			argp_error(state, "--horizon '%s' is not a number of seconds", arg);
		return 0;
	case 'p':
		options->port = strtoul(arg, &end, 10);
		if (end == arg || *end || options->port < 1 || options->port > 65535)
			argp_error(state, "--port '%s' is not a port", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp_option known[] = {
		{ "horizon", 'o', "SECONDS", 0, "time between lines; 0: none (1)", 0 },
		{ "port", 'p', "PORT", 0, "UDP port whose datagrams are answered with the loops so far", 0 },
		{ 0 },
	};
	static const struct argp argp = {
		known, parse_option, NULL,
		"Repeats a loop of arithmetic at the lowest ordinary priority.", NULL, NULL, NULL,
	};
	struct options options = { .horizon_s = 1 };
	atomic_ullong *loops;
	int fd;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	loops = mmap(NULL, sizeof(*loops), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (loops == MAP_FAILED) {
		perror("throughput: mmap");
		return 1;
	}
	if (options.port) {
		fd = open_port(options.port);
		if (!fork()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			answer(fd, loops);
		}
	}
	if (nice(19) == -1)
		perror("throughput: nice");
	compute(loops, options.horizon_s * 1e9);
}
