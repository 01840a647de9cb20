#define _GNU_SOURCE
#include "bench.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "plan/ring.h"
#include "words.h"

static void __attribute__((noreturn)) fail(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
	exit(1);
}

// --- arguments ---

static const struct word words[] = {
#define COUNT(name, field) { name, false, offsetof(struct bench_setup, field) }
#define TIME(name, field) { name, true, offsetof(struct bench_setup, field) }
	COUNT("L", L), COUNT("kP", kP), COUNT("kC", kC), COUNT("batch", batch), COUNT("loops", loops),
	TIME("WP", party[CHANNEL_P].work), TIME("WC", party[CHANNEL_C].work),
	TIME("SP", party[CHANNEL_P].start), TIME("SC", party[CHANNEL_C].start),
	TIME("YP", party[CHANNEL_P].sleep), TIME("YC", party[CHANNEL_C].sleep),
	TIME("moderateP", party[CHANNEL_P].moderate), TIME("moderateC", party[CHANNEL_C].moderate),
	COUNT("combineP", party[CHANNEL_P].combine), COUNT("combineC", party[CHANNEL_C].combine),
	TIME("gap", party[CHANNEL_P].gap), TIME("spread", party[CHANNEL_P].spread),
	TIME("every", party[CHANNEL_P].every), COUNT("lookups", party[CHANNEL_C].lookups),
};

void bench_defaults(struct bench_setup *setup)
{
	*setup = (struct bench_setup){ .kP = 1, .kC = 1, .messages = 1000, .party = { { .combine = 1 }, { .combine = 1 } } };
}

static void set_wait(struct argp_state *state, struct bench_setup *setup, const char *text, enum party_wait wait)
{
	if (strcmp(text, "P") && strcmp(text, "C"))
		argp_error(state, "'%s' is neither P nor C", text);
	setup->party[*text == 'P' ? CHANNEL_P : CHANNEL_C].wait = wait;
}

static void check(struct argp_state *state, const struct bench_setup *setup)
{
	const struct ring ring = { .L = setup->L, .WP = setup->party[CHANNEL_P].work, .WC = setup->party[CHANNEL_C].work,
		.kP = setup->kP, .kC = setup->kC };
	const char *rule = ring_rule(&ring);

	if (rule)
		argp_error(state, "%s", rule);
	for (int i = 0; i < 2; i++) {
		if (setup->party[i].combine < 1 || setup->party[i].combine > setup->L)
			argp_error(state, "combineP and combineC are at least 1 and at most L");
		if (setup->party[i].wait == PARTY_SLEEPING && !setup->party[i].sleep)
			argp_error(state, "who sleeps needs a YP or YC above 0");
	}
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct bench_setup *setup = state->input;

	switch (key) {
	case 'p':
		set_wait(state, setup, arg, PARTY_POLLING);
		return 0;
	case 'y':
		set_wait(state, setup, arg, PARTY_SLEEPING);
		return 0;
	case 'n':
		setup->messages = words_number(state, arg, 1, 100000000);
		return 0;
	case 'l':
		setup->log = arg;
		return 0;
	case 'm':
		setup->storms = true;
		return 0;
	case ARGP_KEY_ARG:
		words_parse(state, words, sizeof(words) / sizeof(words[0]), setup, arg);
		return 0;
	case ARGP_KEY_END:
		check(state, setup);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{ "poll", 'p', "P|C", 0, "a party that polls", 0 },
	{ "sleep", 'y', "P|C", 0, "a party that sleeps YP or YC instead of being notified", 0 },
	{ "messages", 'n', "N", 0, "(1000)", 0 },
	{ "storm", 'm', NULL, 0, "P rings for each message, also for those that are lost, and for a C that is awake", 0 },
	{ "log", 'l', "DIR", 0, "write all samples there: works, rings and rests of P and C", 0 },
	{ 0 },
};

const struct argp bench_argp = {
	options, parse_option, "NAME=VALUE...", "\v"
	"L=, WP=, WC= are needed; kP=, kC=: thresholds (1); SP=, SC=: injected beside what a wake-up takes; YP=, YC=: sleeps; "
	"combineP=, combineC=: messages that are published together (1); moderateP=, moderateC=: shortest time between "
	"two notifications; gap=, spread=: P idles for gap to gap+spread before each message; every=: a message is due each so often, and lost "
	"if the ring is full then; lookups=: of C's in a hash table, for each message; loops=: in a "
	"party's work, between two looks at the clock. Times have units: 20us.",
	NULL, NULL, NULL,
};

// --- the area ---

static uint64_t place(uint64_t *end, uint64_t bytes)
{
	const uint64_t at = (*end + 63) / 64 * 64;

	*end = at + bytes;
	return at;
}

static void lay_out(struct area *area, const struct bench_setup *setup)
{
	const uint64_t most = setup->messages + 2;

	area->size = sizeof(*area);
	area->begun = place(&area->size, setup->L * sizeof(uint64_t));
	for (int i = 0; i < 2 && setup->log; i++) {
		area->works[i] = place(&area->size, most * sizeof(struct party_work));
		area->rings[i] = place(&area->size, most * sizeof(struct party_ring));
		// A ring that comes late ends a rest with nothing to do.
		area->rests[i] = place(&area->size, 2 * most * sizeof(struct party_rest));
	}
	area->size = (area->size + 4095) / 4096 * 4096;
}

static struct party_terms terms(const struct bench_setup *setup, enum channel_party which, uint64_t ticks_per_us)
{
	const struct bench_party *party = &setup->party[which];

#define TICKS(ns) ((ns) * ticks_per_us / 1000)
	return (struct party_terms){
		.messages = setup->messages, .work = TICKS(party->work), .start = TICKS(party->start),
		.sleep = TICKS(party->sleep), .combine = party->combine, .moderate = TICKS(party->moderate),
		.gap = TICKS(party->gap), .gap_spread = TICKS(party->spread), .wait = party->wait,
		.every = TICKS(party->every), .lookups = party->lookups, .loops = setup->loops, .preempted = TICKS(100000),
		.storms = which == CHANNEL_P && setup->storms,
	};
}

struct area *bench_area(const struct bench_setup *setup, uint64_t ticks_per_us)
{
	struct area layout = { 0 }, *area;

	lay_out(&layout, setup);
	area = mmap(NULL, layout.size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (area == MAP_FAILED)
		fail("memory");
	*area = layout;
	area->batch = setup->batch;
	routes_fill(&area->routes);
	channel_init(&area->channel, setup->L, setup->kP, setup->kC);
	for (int i = 0; i < 2; i++)
		area->party[i] = (struct party){ .terms = terms(setup, i, ticks_per_us) };
	return area;
}

// --- a party in a thread ---

uint64_t bench_clock(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * UINT64_C(1000000000) + time.tv_nsec;
}

static void relax(void)
{
	__builtin_ia32_pause();
}

static void ring(void *data)
{
	const struct bench_doorbells *doorbells = data;

	if (write(doorbells->other, &(uint64_t){ 1 }, 8) != 8)
		fail("ringing");
}

static void rest(void *data)
{
	const struct bench_doorbells *doorbells = data;
	uint64_t rings;

	while (read(doorbells->own, &rings, 8) != 8)
		if (errno != EINTR)
			fail("resting");
}

// Sleeps for as long as it is; what its clock and CLOCK_MONOTONIC differ by is made good by looking again.
static void idle_until(uint64_t (*now)(void), uint64_t when)
{
	for (uint64_t at = now(); at < when; at = now()) {
		const uint64_t ns = when - at < 1000000000 ? when - at : 1000000000;

		clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){ 0, ns < 1000000000 ? ns : 999999999 }, NULL);
	}
}

static uint64_t (*clock_of_here)(void);

static void idle(void *data, uint64_t when)
{
	(void)data;
	idle_until(clock_of_here, when);
}

static struct party_place here(struct bench_doorbells *doorbells, uint64_t (*now)(void))
{
	clock_of_here = now ? now : bench_clock;
	return (struct party_place){
		.now = clock_of_here, .relax = relax, .ring = ring, .rest = rest, .idle = idle, .data = doorbells,
	};
}

void bench_run(struct area *area, enum channel_party which, struct bench_doorbells *doorbells, uint64_t (*now)(void))
{
	const struct party_place place = here(doorbells, now);

	area_locate(area, which);
	party_run(&area->party[which], which, &area->channel, area_begun(area), &place);
}

static struct party_end end_of(struct bench_link *link, enum channel_party which, const struct party_place *place)
{
	return (struct party_end){ &link->area->party[which], &link->area->channel, area_begun(link->area), place };
}

void bench_relay(struct bench_link *from, struct bench_link *to, uint64_t (*now)(void))
{
	const struct party_place in = here(&from->doorbells, now), out = here(&to->doorbells, now);
	const struct party_end ends[2] = { end_of(from, CHANNEL_C, &in), end_of(to, CHANNEL_P, &out) };

	party_relay(&ends[0], &ends[1]);
}

// --- results ---

static double ns_of(double ticks, uint64_t ticks_per_us)
{
	return ticks * 1000 / ticks_per_us;
}

static void print_sum(const char *name, char side, const struct party_sum *sum, uint64_t ticks_per_us)
{
	printf("%s_%c_count=%" PRIu64 "\n", name, side, sum->count);
	if (!sum->count)
		return;
	printf("%s_%c_mean=%.1f\n", name, side, ns_of((double)sum->sum / sum->count, ticks_per_us));
	printf("%s_%c_max=%.0f\n", name, side, ns_of(sum->most, ticks_per_us));
}

static void print_party(const struct party *party, char side, uint64_t ticks_per_us)
{
	print_sum("work", side, &party->work, ticks_per_us);
	print_sum("rings", side, &party->rings, ticks_per_us);
	print_sum("rests", side, &party->rests, ticks_per_us);
	print_sum("start", side, &party->start, ticks_per_us);
	printf("spurious_%c=%" PRIu64 "\n", side, party->spurious);
	print_sum("interrupted", side, &party->interrupted, ticks_per_us);
	printf("busy_%c=%.1f\n", side, ns_of((double)party->busy / party->terms.messages, ticks_per_us));
}

static FILE *open_log(const struct bench_setup *setup, const char *name, char side)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s_%c.csv", setup->log, name, side);
	file = fopen(path, "w");
	if (!file)
		fail(path);
	return file;
}

static void close_log(FILE *file)
{
	if (fclose(file))
		fail("writing the samples");
}

// In ns since P began.
static void write_logs(const struct bench_setup *setup, const struct party *party, char side, uint64_t zero,
		       uint64_t ticks_per_us)
{
#define AT(ticks) ns_of((double)(int64_t)((ticks) - zero), ticks_per_us)
	const uint64_t room = party_rest_room(party);
	const uint64_t noted = party->rests.count < room ? party->rests.count : room;
	FILE *file = open_log(setup, "works", side);

	for (uint64_t i = 0; i < party->work.count; i++)
		fprintf(file, "%.0f,%.0f\n", AT(party->works[i].begin), AT(party->works[i].end));
	close_log(file);
	file = open_log(setup, "rings", side);
	for (uint64_t i = 0; i < party->rings.count; i++)
		fprintf(file, "%.0f,%.0f\n", AT(party->ring_log[i].begin), AT(party->ring_log[i].end));
	close_log(file);
	file = open_log(setup, "rests", side);
	if (party->rests.count > noted)
		fprintf(stderr, "ring: %c rested %" PRIu64 " times, of which the first %" PRIu64 " are in the log\n", side,
			party->rests.count, noted);
	for (uint64_t i = 0; i < noted; i++)
		fprintf(file, "%.0f,%.0f,%" PRIu64 "\n", AT(party->rest_log[i].begin), AT(party->rest_log[i].end),
			party->rest_log[i].ring);
	close_log(file);
}

void bench_print(struct area *from, struct area *to, const struct bench_setup *setup, uint64_t ticks_per_us)
{
	const struct party *P = &from->party[CHANNEL_P], *C = &to->party[CHANNEL_C];
	const uint64_t messages = P->work.count;

	printf("messages=%" PRIu64 "\n", messages);
	printf("time=%.1f\n", ns_of((double)(C->end - P->begin) / messages, ticks_per_us));
	printf("busy=%.1f\n", ns_of((double)(P->busy + C->busy) / messages, ticks_per_us));
	printf("peak=%" PRIu64 "\n", P->peak);
	printf("lost=%" PRIu64 "\n", P->lost);
	// Until P ended, which took so long.
	printf("consumed=%" PRIu64 "\nsending=%.1f\n", P->consumed, ns_of((double)(P->end - P->begin), ticks_per_us));
	printf("found=%" PRIu64 "\n", C->found);
	print_sum("latency", 'C', &C->latency, ticks_per_us);
	print_party(P, 'P', ticks_per_us);
	print_party(C, 'C', ticks_per_us);
	for (int i = 0; i < 2 && setup->log; i++) {
		struct area *area = i == CHANNEL_P ? from : to;

		area_locate(area, i);
		write_logs(setup, &area->party[i], i == CHANNEL_P ? 'P' : 'C', P->begin, ticks_per_us);
	}
}
