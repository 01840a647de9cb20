// shares: what a thread has had of a CPU, in each second that begins at a multiple of 10 ms.
//
// Its CPU time is read as the scheduler has it, which a tick brings up to date: 4 ms of a second with HZ=250.

#include <argp.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/instant.h"
#include "../lib/number.h"

enum {
	STEP = 10000 * US, // in ns, as all times here
	STEPS = 100,       // of a second
};

struct options {
	int pid, tid;
};

static volatile sig_atomic_t ended;

static void end(int signal)
{
	(void)signal;
	ended = 1;
}

static int open_schedstat(const struct options *options)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", options->pid, options->tid);
	fd = open(path, O_RDONLY);
	if (fd < 0) {
		perror(path);
		exit(1);
	}
	return fd;
}

static int64_t read_used(int fd)
{
	char text[128];
	ssize_t size = pread(fd, text, sizeof(text) - 1, 0);

	if (size <= 0) {
		fputs("shares: the thread is gone\n", stderr);
		exit(1);
	}
	text[size] = '\0';
	return strtoll(text, NULL, 10);
}

// By real time: the last STEPS samples are enough to know the seconds that end now.
static void watch(int fd)
{
	struct { int64_t at, used; } samples[STEPS] = { 0 };
	int64_t next = instant_now();
	double most = 0, least = 1;
	unsigned long taken = 0;

	while (!ended) {
		int64_t used = read_used(fd), at = instant_now();

		if (taken >= STEPS) {
			double share = (double)(used - samples[taken % STEPS].used) / (at - samples[taken % STEPS].at);

			most = share > most ? share : most;
			least = share < least ? share : least;
		}
		samples[taken % STEPS].at = at;
		samples[taken++ % STEPS].used = used;
		instant_sleep_until(next += STEP);
	}
	printf("most=%.4f\nleast=%.4f\nseconds=%lu\n", most, least, taken > STEPS ? taken - STEPS : 0);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (state->arg_num > 1)
			argp_usage(state);
		*(state->arg_num ? &options->tid : &options->pid) =
			number_parse(state, state->arg_num ? "TID" : "PID", arg, 1, INT32_MAX);
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
	static const struct argp argp = {
		NULL, parse_option, "PID TID",
		"Until SIGTERM: the largest and the smallest share of a CPU that thread TID of process PID has in a second.",
		NULL, NULL, NULL,
	};
	struct options options = { 0 };

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	signal(SIGTERM, end);
	mlockall(MCL_CURRENT | MCL_FUTURE);
	watch(open_schedstat(&options));
	return fclose(stdout) ? 1 : 0;
}
