// ringbench: producer and consumer as two threads of this process, which ring each other by eventfds. No VM.

#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"
#include "words.h"

#define SCHED_DEADLINE 6

// Of sched_setattr(2), which glibc 2.36 has no header for.
struct deadline_attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

struct options {
	struct bench_setup setup; // first: the words' argp takes it
	uint64_t runtime, period;   // of the SCHED_DEADLINE party; 0: none
	enum channel_party reserved;
	bool hog;
};

struct side {
	struct area *area;
	enum channel_party which;
	const struct options *options;
	struct bench_doorbells doorbells;
	pthread_t thread;
};

static void __attribute__((noreturn)) fail(const char *what, int error)
{
	fprintf(stderr, "ringbench: %s: %s\n", what, strerror(error));
	exit(1);
}

static void reserve(uint64_t runtime, uint64_t period)
{
	const struct deadline_attr attr = {
		.size = sizeof(attr), .policy = SCHED_DEADLINE, .runtime = runtime, .deadline = period, .period = period,
	};

	if (syscall(SYS_sched_setattr, 0, &attr, 0))
		fail("SCHED_DEADLINE", errno);
}

static void *run_side(void *data)
{
	struct side *side = data;

	if (side->options->period && side->options->reserved == side->which)
		reserve(side->options->runtime, side->options->period);
	bench_run(side->area, side->which, &side->doorbells, NULL);
	return NULL;
}

// A load of lower priority on every CPU.
static void *hog(void *data)
{
	(void)data;
	nice(19);
	for (;;)
		asm volatile("");
	return NULL;
}

static void start(pthread_t *thread, void *(*function)(void *), void *data)
{
	const int error = pthread_create(thread, NULL, function, data);

	if (error)
		fail("pthread_create", error);
}

static int doorbell(void)
{
	const int fd = eventfd(0, EFD_CLOEXEC);

	if (fd < 0)
		fail("eventfd", errno);
	return fd;
}

static void run(const struct options *options)
{
	struct area *area = bench_area(&options->setup, 1000);
	const int bells[2] = { doorbell(), doorbell() };
	struct side sides[2];
	pthread_t thread;

	for (long i = 0; options->hog && i < sysconf(_SC_NPROCESSORS_ONLN); i++)
		start(&thread, hog, NULL);
	for (int i = CHANNEL_C; i >= CHANNEL_P; i--) {
		sides[i] = (struct side){ area, i, options, { bells[i], bells[!i] }, 0 };
		start(&sides[i].thread, run_side, &sides[i]);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(sides[i].thread, NULL);
	bench_print(area, area, &options->setup, 1000);
}

// --- arguments ---

static void parse_reservation(struct argp_state *state, struct options *options, char *text)
{
	char *period = strchr(text, '/');

	if ((*text != 'P' && *text != 'C') || text[1] != ':' || !period)
		argp_error(state, "'%s' is no P:RUNTIME/PERIOD or C:RUNTIME/PERIOD", text);
	*period++ = '\0';
	options->reserved = *text == 'P' ? CHANNEL_P : CHANNEL_C;
	options->runtime = words_time(state, text + 2);
	options->period = words_time(state, period);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->setup;
		return 0;
	case 'd':
		parse_reservation(state, options, arg);
		return 0;
	case 'h':
		options->hog = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp_option known[] = {
		{ "deadline", 'd', "P|C:Q/P", 0, "a party under SCHED_DEADLINE", 0 },
		{ "hog", 'h', NULL, 0, "a load of lower priority on every CPU", 0 },
		{ 0 },
	};
	static const struct argp_child children[] = { { &bench_argp, 0, NULL, 0 }, { 0 } };
	static const struct argp argp = {
		known, parse_option, "NAME=VALUE...",
		"A ring between two threads. Prints NAME=VALUE lines; times are in ns.", children, NULL, NULL,
	};
	struct options options = { 0 };

	bench_defaults(&options.setup);
	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	run(&options);
	return fclose(stdout) ? 1 : 0;
}
