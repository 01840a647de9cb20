// victim: threads with reservations that need all of them, and count what they miss.
//
// Each thread is a neighbour's vCPU: at each release it needs its whole budget but
// for a margin, measured as its CPU time, by the deadline one period later. What the
// kernel takes for the wake-up and for going to sleep again is in the margin.

#define _GNU_SOURCE
#include <argp.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../lib/number.h"

enum {
	US = 1000,    // in ns, as all times here
	MOST_THREADS = 8,
	STEP = 1000,  // rounds of a loop between two looks at the clock, some microseconds
	POLICY_DEADLINE = 6,
};

struct attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period; // ns
};

struct job {
	int64_t release, used, ended; // used: CPU time from its begin to its end
};

struct victim {
	char name[16];
	int64_t runtime, period, every, offset;
	pthread_t thread;
	struct job *jobs;
	size_t count;
};

struct options {
	struct victim victims[MOST_THREADS];
	unsigned int count;
	int64_t begin, end, margin;
};

static struct options options = { .margin = 50 * US };

static void fail(const char *what, int error)
{
	fprintf(stderr, "victim: %s: %s\n", what, strerror(error));
	exit(1);
}

static int64_t read_clock(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static void sleep_until(int64_t when)
{
	struct timespec time = { when / 1000000000, when % 1000000000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR)
		;
}

static void reserve(const struct victim *victim)
{
	struct attributes attr = {
		.size = sizeof(attr), .policy = POLICY_DEADLINE, .runtime = victim->runtime,
		.deadline = victim->period, .period = victim->period,
	};

	if (syscall(SYS_sched_setattr, 0, &attr, 0))
		fail(victim->name, errno);
}

// Returns the CPU time at the end.
static int64_t compute_until(int64_t used)
{
	int64_t now;

	do {
		for (volatile int i = 0; i < STEP; i++)
			;
		now = read_clock(CLOCK_THREAD_CPUTIME_ID);
	} while (now < used);
	return now;
}

static void *run(void *argument)
{
	struct victim *victim = argument;
	int64_t need = victim->runtime - options.margin, began;

	pthread_setname_np(pthread_self(), victim->name);
	reserve(victim);
	for (struct job *job = victim->jobs; job < victim->jobs + victim->count; job++) {
		sleep_until(job->release);
		began = read_clock(CLOCK_THREAD_CPUTIME_ID);
		job->used = compute_until(began + need) - began;
		job->ended = read_clock(CLOCK_MONOTONIC);
	}
	return NULL;
}

// Memory is touched here: a page fault would be part of the first jobs.
static void make_jobs(struct victim *victim)
{
	int64_t first = options.begin + victim->offset;

	victim->count = (options.end - first + victim->every - 1) / victim->every;
	victim->jobs = calloc(victim->count, sizeof(*victim->jobs));
	if (!victim->jobs)
		fail(victim->name, errno);
	for (size_t i = 0; i < victim->count; i++)
		victim->jobs[i].release = first + i * victim->every;
}

static void print_us(int64_t ns, char end)
{
	printf("%lld.%03d%c", (long long)(ns / US), abs((int)(ns % US)), end);
}

static void print_jobs(const struct victim *victim)
{
	for (size_t i = 0; i < victim->count; i++) {
		const struct job *job = &victim->jobs[i];

		printf("%s,%zu,", victim->name, i + 1);
		print_us(job->release - options.begin, ',');
		print_us(job->used, ',');
		print_us(job->ended - job->release, ',');
		printf("%d\n", job->ended - job->release > victim->period);
	}
}

// --- arguments ---

static void parse_victim(struct argp_state *state, const char *arg)
{
	struct victim *victim = &options.victims[options.count];
	int runtime, period, every, offset, end = 0;

	if (options.count++ == MOST_THREADS)
		argp_error(state, "more than %d threads", MOST_THREADS);
	if (sscanf(arg, "%15[a-z0-9-]:%d:%d:%d:%d%n", victim->name, &runtime, &period, &every,
		   &offset, &end) != 5 || arg[end] || runtime <= 0 || period < runtime || every < period)
		argp_error(state, "'%s' is not NAME:RUNTIME:PERIOD:EVERY:OFFSET", arg);
	victim->runtime = runtime * (int64_t)US;
	victim->period = period * (int64_t)US;
	victim->every = every * (int64_t)US;
	victim->offset = offset * (int64_t)US;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	(void)state->input;
	switch (key) {
	case 'b':
		options.begin = number_parse(state, "--begin", arg, 0, INT64_MAX);
		return 0;
	case 'e':
		options.end = number_parse(state, "--end", arg, 0, INT64_MAX);
		return 0;
	case 'm':
		options.margin = number_parse(state, "--margin", arg, 0, 1000000) * US;
		return 0;
	case ARGP_KEY_ARG:
		parse_victim(state, arg);
		return 0;
	case ARGP_KEY_END:
		if (!options.count || options.end <= options.begin)
			argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp_option known[] = {
		{ "begin", 'b', "NSEC", 0, "CLOCK_MONOTONIC that offsets count from", 0 },
		{ "end", 'e', "NSEC", 0, "no release from here on", 0 },
		{ "margin", 'm', "USEC", 0, "of each budget, not needed by the job (50)", 0 },
		{ 0 },
	};
	static const struct argp argp = {
		known, parse_option, "NAME:RUNTIME:PERIOD:EVERY:OFFSET...",
		"Starts a SCHED_DEADLINE thread an argument (all in microseconds) with a job each EVERY. "
		"Prints name,seq,release_us,cpu_us,response_us,missed.", NULL, NULL, NULL,
	};
	int error;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	for (unsigned int i = 0; i < options.count; i++)
		make_jobs(&options.victims[i]);
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		fail("mlockall", errno);
	for (unsigned int i = 0; i < options.count; i++) {
		struct victim *victim = &options.victims[i];

		error = pthread_create(&victim->thread, NULL, run, victim);
		if (error)
			fail(victim->name, error);
	}
	for (unsigned int i = 0; i < options.count; i++)
		pthread_join(options.victims[i].thread, NULL);
	for (unsigned int i = 0; i < options.count; i++)
		print_jobs(&options.victims[i]);
	return fclose(stdout) ? 1 : 0;
}
