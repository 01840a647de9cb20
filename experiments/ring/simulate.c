// simulate: producer, ring and consumer, event by event, and what the model says of the same.

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plan/ring.h"
#include "simulator.h"
#include "words.h"

struct options {
	struct simulator_setup setup;
	int64_t messages;
	const char *starts, *latencies; // files
};

struct summary {
	FILE *file; // NULL: no samples are wanted
	int64_t count, sum, most;
};

struct summaries {
	struct summary start[2], latency;
};

static void fail(const char *what)
{
	fprintf(stderr, "simulate: %s: %s\n", what, strerror(errno));
	exit(1);
}

// --- results ---

static void add_sample(struct summary *summary, int64_t value)
{
	summary->count++;
	summary->sum += value;
	if (value > summary->most)
		summary->most = value;
	if (summary->file)
		fprintf(summary->file, "%" PRId64 "\n", value);
}

static void record(void *to, enum simulator_sample sample, enum simulator_side side, int64_t value)
{
	struct summaries *summaries = to;

	add_sample(sample == SIMULATOR_START ? &summaries->start[side] : &summaries->latency, value);
}

static void print_summary(const char *name, const struct summary *summary)
{
	if (!summary->count)
		return;
	printf("%s_count=%" PRId64 "\n", name, summary->count);
	printf("%s_mean=%.3f\n", name, (double)summary->sum / summary->count);
	printf("%s_max=%" PRId64 "\n", name, summary->most);
}

static void print_model(const struct ring *ring)
{
	const enum ring_regime regime = ring_regime(ring);

	printf("model_regime=%s\n", ring_regime_name(regime));
	printf("model_time=%.6f\n", fraction_double(ring_time(ring, regime)));
	printf("model_work=%.6f\n", fraction_double(ring_work(ring, regime)));
	printf("model_messages=%" PRId64 "\n", ring_messages(ring, regime));
}

static void print_side(const struct simulator *sim, enum simulator_side side, char name)
{
	const struct simulator_counts *counts = &sim->counts[side];

	printf("notifications_%c=%" PRId64 "\n", name, counts->notifications);
	printf("waits_%c=%" PRId64 "\n", name, counts->waits);
	printf("waited_%c=%" PRId64 "\n", name, counts->waited);
}

static void print_results(const struct options *options, const struct simulator *sim, const struct summaries *summaries)
{
	const int64_t messages = sim->counts[SIMULATOR_P].messages;
	const int64_t work = sim->counts[SIMULATOR_P].work + sim->counts[SIMULATOR_C].work;

	printf("messages=%" PRId64 "\ntime_ns=%" PRId64 "\n", messages, sim->now);
	printf("time=%.6f\nwork=%.6f\n", (double)sim->now / messages, (double)work / messages);
	print_side(sim, SIMULATOR_P, 'P');
	print_side(sim, SIMULATOR_C, 'C');
	if (!sim->counts[SIMULATOR_P].waits)
		printf("slots=%" PRId64 "\n", simulator_slots(sim));
	print_summary("start_P", &summaries->start[SIMULATOR_P]);
	print_summary("start_C", &summaries->start[SIMULATOR_C]);
	print_summary("latency", &summaries->latency);
	print_model(&options->setup.ring);
}

static FILE *open_samples(const char *path)
{
	FILE *file = path ? fopen(path, "w") : NULL;

	if (path && !file)
		fail(path);
	return file;
}

static void close_samples(FILE *file, const char *path)
{
	if (file && fclose(file))
		fail(path);
}

static double seconds(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

static void simulate(struct options *options)
{
	struct summaries summaries = { 0 };
	struct simulator sim;
	double began;

	summaries.start[SIMULATOR_P].file = summaries.start[SIMULATOR_C].file = open_samples(options->starts);
	summaries.latency.file = open_samples(options->latencies);
	options->setup.record = record;
	options->setup.to = &summaries;
	if (!simulator_start(&sim, &options->setup))
		fail("memory");
	began = seconds();
	simulator_run(&sim, options->messages);
	fprintf(stderr, "simulate: %.3g messages/s\n", options->messages / (seconds() - began));
	print_results(options, &sim, &summaries);
	simulator_end(&sim);
	close_samples(summaries.start[SIMULATOR_P].file, options->starts);
	close_samples(summaries.latency.file, options->latencies);
}

// --- arguments ---

static const struct word words[] = {
#define COUNT(name) { #name, false, offsetof(struct simulator_setup, ring.name) }
#define TIME(name) { #name, true, offsetof(struct simulator_setup, ring.name) }
#define PARTY(name, side, field) { name, true, offsetof(struct simulator_setup, party[side].field) }
	COUNT(L), COUNT(kP), COUNT(kC), TIME(WP), TIME(WC), TIME(NP), TIME(NC), TIME(SP), TIME(SC), TIME(DP), TIME(DC),
	PARTY("YP", SIMULATOR_P, sleep), PARTY("YC", SIMULATOR_C, sleep),
	PARTY("JP", SIMULATOR_P, jitter), PARTY("JC", SIMULATOR_C, jitter),
};

static enum supply_place parse_place(struct argp_state *state, const char *text)
{
	static const char *const names[] = {
		[SUPPLY_EARLY] = "early", [SUPPLY_LATE] = "late", [SUPPLY_RANDOM] = "random",
		[SUPPLY_ALTERNATING] = "alternating",
	};

	for (int i = 0; i < 4; i++)
		if (!strcmp(text, names[i]))
			return i;
	argp_error(state, "'%s' is none of early, late, random, alternating", text);
	return SUPPLY_EARLY;
}

// RUNTIME/PERIOD[@PLACE], in place.
static struct reservation parse_reservation(struct argp_state *state, char *text, enum supply_place *place)
{
	char *period = strchr(text, '/'), *at = strchr(text, '@');
	struct reservation reservation;

	if (!period)
		argp_error(state, "'%s' is no RUNTIME/PERIOD", text);
	if (at) {
		*place = parse_place(state, at + 1);
		*at = '\0';
	}
	*period++ = '\0';
	reservation = (struct reservation){ words_time(state, text), words_time(state, period) };
	if (!reservation.runtime || reservation.runtime > reservation.period)
		argp_error(state, "a runtime is above 0 and not above the period, '%s' of '%s' is", text, period);
	return reservation;
}

static void check(struct argp_state *state, const struct simulator_setup *setup)
{
	const char *rule = ring_rule(&setup->ring);

	if (rule)
		argp_error(state, "%s", rule);
	if (setup->party[SIMULATOR_P].jitter >= setup->ring.WP || setup->party[SIMULATOR_C].jitter >= setup->ring.WC)
		argp_error(state, "JP is below WP, and JC below WC");
	for (int side = 0; side < 2; side++)
		if (setup->party[side].wait == SIMULATOR_SLEEPING && !setup->party[side].sleep)
			argp_error(state, "who sleeps needs a YP or YC above 0");
}

static enum simulator_side side_of(struct argp_state *state, const char *text)
{
	if (strcmp(text, "P") && strcmp(text, "C"))
		argp_error(state, "'%s' is neither P nor C", text);
	return *text == 'P' ? SIMULATOR_P : SIMULATOR_C;
}

enum { RESERVE = 'r', SPARE = 's', GIVEN_UP = 'g', STALLING = 't', POLL = 'p', SLEEP = 'y', VCPU = 'v', MESSAGES = 'n',
	SEED = 1000, STARTS, LATENCIES };

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;
	struct simulator_setup *setup = &options->setup;
	// All that is said of the reservation is said of C, and moved at the end.
	struct supply_terms *supply = &setup->party[SIMULATOR_C].supply;

	switch (key) {
	case RESERVE:
		supply->own = parse_reservation(state, arg, &supply->place);
		return 0;
	case SPARE:
		supply->spare = parse_reservation(state, arg, &supply->spare_place);
		return 0;
	case GIVEN_UP:
		supply->until_dispatched = false;
		return 0;
	case STALLING:
		supply->at_throttle = false;
		return 0;
	case VCPU:
		if (side_of(state, arg) == SIMULATOR_P)
			state->hook = setup;
		return 0;
	case POLL:
		setup->party[side_of(state, arg)].wait = SIMULATOR_POLLING;
		return 0;
	case SLEEP:
		setup->party[side_of(state, arg)].wait = SIMULATOR_SLEEPING;
		return 0;
	case MESSAGES:
		options->messages = words_number(state, arg, 1, UINT64_C(1000000000000));
		return 0;
	case SEED:
		setup->seed = words_number(state, arg, 0, INT64_MAX);
		return 0;
	case STARTS:
		options->starts = arg;
		return 0;
	case LATENCIES:
		options->latencies = arg;
		return 0;
	case ARGP_KEY_ARG:
		words_parse(state, words, sizeof(words) / sizeof(words[0]), setup, arg);
		return 0;
	case ARGP_KEY_END:
		supply->seed = ~setup->seed;
		if (state->hook) {
			setup->party[SIMULATOR_P].supply = *supply;
			*supply = (struct supply_terms){ 0 };
		}
		check(state, setup);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp_option known[] = {
		{ "reserve", RESERVE, "Q/P[@PLACE]", 0, "the vCPU's reservation; where in each period it is supplied: "
		  "early, late, random, alternating (early)", 0 },
		{ "spare", SPARE, "Qs/Ps[@PLACE]", 0, "a unit that it borrows (late: the longest wait)", 0 },
		{ "given-up", GIVEN_UP, NULL, 0, "a loan ends when the own budget is replenished, not when it is dispatched", 0 },
		{ "stalling", STALLING, NULL, 0, "who is at work when its budget ends does not borrow then", 0 },
		{ "vcpu", VCPU, "P|C", 0, "which party is the vCPU (C)", 0 },
		{ "poll", POLL, "P|C", 0, "a party that polls", 0 },
		{ "sleep", SLEEP, "P|C", 0, "a party that sleeps YP or YC instead of being notified", 0 },
		{ "messages", MESSAGES, "N", 0, "(1000000)", 0 },
		{ "seed", SEED, "N", 0, "of jitter and random places (1)", 0 },
		{ "starts", STARTS, "FILE", 0, "write each S, in ns", 0 },
		{ "latencies", LATENCIES, "FILE", 0, "write each message's latency, in ns", 0 },
		{ 0 },
	};
	static const struct argp argp = {
		known, parse_option, "NAME=VALUE...",
		"Simulates a ring, and prints NAME=VALUE lines; times are in ns.\v"
		"L=, kP=, kC=, WP=, WC=, NP=, NC=, SP=, SC=, DP=, DC= as in the model; JP=, JC=: its work is W-J to W+J; "
		"YP=, YC=: sleeps. Times have units: 20us. L, WP and WC are needed; kP and kC are 1, others 0 if not given. "
		"'slots' is the smallest L with which P would not have waited, when it has not; the 'model' "
		"knows nothing of jitter, sleeping, polling and reservations.", NULL, NULL, NULL,
	};
	struct options options = {
		.setup = {
			.ring = { .kP = 1, .kC = 1 },
			.seed = 1,
			.party[SIMULATOR_C].supply = {
				.spare_place = SUPPLY_LATE, .until_dispatched = true, .at_throttle = true,
			},
		},
		.messages = 1000000,
	};

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	simulate(&options);
	return fclose(stdout) ? 1 : 0;
}
