// throughput: the batch load inside the guest, after the utility of the 2011 paper.
//
// Repeats a basic loop of a few arithmetic operations and says how many loops a
// microsecond it made; on request it walks through a working set of memory instead.
// A console line costs an emulated serial port dozens of exits, so during a
// measurement it is silent (--horizon 0) and answers datagrams instead.

#include <argp.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
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

#include "../lib/number.h"
#include "../lib/turn.h"

enum {
	LOOPS_A_TURN = 500,   // some us
	LOOPS_A_STEP = 10000, // turns, between two looks at the clock: it costs nothing beside them
};

struct options {
	double horizon_s;
	unsigned long set_kib;
	unsigned int port;
	bool pause;
};

// Shared by who computes and who answers.
struct work {
	atomic_ullong loops;
	atomic_bool walks;
};

// A cell for each cache line, and where to go from it.
struct cell {
	struct cell *next;
	uint64_t rest[7];
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

// One round trip through all cells, in an order that nothing can foresee (Sattolo 1986).
static struct cell *make_set(unsigned long kib)
{
	size_t count = kib * 1024 / sizeof(struct cell);
	struct cell *set = calloc(count, sizeof(*set));
	uint32_t *order = calloc(count, sizeof(*order)), swapped;
	uint64_t x = 1;

	if (!set || !order) {
		perror("throughput: working set");
		exit(1);
	}
	for (size_t i = 0; i < count; i++) {
		size_t j = i ? (x = repeat(1, x)) % i : 0;

		swapped = order[j];
		order[j] = i;
		order[i] = swapped;
	}
	for (size_t i = 0; i < count; i++)
		set[i].next = &set[order[i]];
	free(order);
	return set;
}

static struct cell *walk(unsigned int loops, struct cell *at)
{
	while (loops--)
		at = at->next;
	return at;
}

static void compute(struct work *work, struct cell *at, bool pause, int64_t horizon_ns)
{
	int64_t began_ns = now_ns(), told_ns = began_ns;
	unsigned long long told = 0;
	uint64_t x = 1;

	for (;;) {
		int64_t now;

		for (int loops = 0; loops < LOOPS_A_STEP; loops += LOOPS_A_TURN) {
			if (at && work->walks)
				at = walk(LOOPS_A_TURN, at);
			else
				x = repeat(LOOPS_A_TURN, x);
			__asm__ volatile("" : "+r"(x), "+r"(at)); // the result is used
			if (pause)
				turn_end();
		}
		atomic_fetch_add_explicit(&work->loops, LOOPS_A_STEP, memory_order_relaxed);
		if (!horizon_ns || (now = now_ns()) - told_ns < horizon_ns)
			continue;
		printf("elapsed_us=%lld loops=%llu loops_per_us=%.3f\n",
		       (long long)(now - began_ns) / 1000, work->loops,
		       (work->loops - told) * 1e3 / (now - told_ns));
		fflush(stdout);
		told = work->loops;
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

// Every datagram is answered with the loops so far, as text. "w" asks to walk from now on, "a" for arithmetic.
static void answer(int fd, struct work *work)
{
	for (;;) {
		struct sockaddr_storage from;
		socklen_t size = sizeof(from);
		char text[32];

		if (recvfrom(fd, text, sizeof(text), 0, (struct sockaddr *)&from, &size) < 0)
			continue;
		if (text[0] == 'w' || text[0] == 'a')
			work->walks = text[0] == 'w';
		sendto(fd, text, snprintf(text, sizeof(text), "%llu\n", work->loops), 0,
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
		options->port = number_parse(state, "--port", arg, 1, 65535);
		return 0;
	case 'P':
		options->pause = true;
		return 0;
	case 's':
		options->set_kib = number_parse(state, "--set", arg, 1, 32768);
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
		{ "set", 's', "KIB", 0, "working set to walk through when a datagram begins with w, until one with a", 0 },
		{ "pause", 'P', NULL, 0, "let the other CPUs of an emulator run every few microseconds", 0 },
		{ 0 },
	};
	static const struct argp argp = {
		known, parse_option, NULL,
		"Repeats a loop of arithmetic at the lowest ordinary priority.", NULL, NULL, NULL,
	};
	struct options options = { .horizon_s = 1 };
	struct work *work;
	int fd;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	work = mmap(NULL, sizeof(*work), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (work == MAP_FAILED) {
		perror("throughput: mmap");
		return 1;
	}
	if (options.port) {
		fd = open_port(options.port);
		if (!fork()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			answer(fd, work);
		}
	}
	if (nice(19) == -1)
		perror("throughput: nice");
	compute(work, options.set_kib ? make_set(options.set_kib) : NULL, options.pause,
		options.horizon_s * 1e9);
}
