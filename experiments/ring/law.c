// law: P(S - s > x) of a reservation for a number of x, what R3 is compared with; with a spare reservation the bound, and
// the law of a unit that is lent for all of each gap, as in R4.

#include <argp.h>
#include <stdio.h>
#include <string.h>

#include "plan/latency.h"
#include "words.h"

struct options {
	int64_t runtime, period, spare_runtime, spare_period, points;
};

static void print_law(const struct options *options)
{
	const struct reservation own = { options->runtime, options->period };
	const struct reservation spare = { options->spare_runtime, options->spare_period };
	struct fraction law, lent;

	for (int64_t i = 0; i <= options->points; i++) {
		const uint64_t x = latency_worst(own, LATENCY_EARLY) * i / options->points;

		law = spare.period ? latency_exceeds_spare(own, LATENCY_EARLY, spare, x) : latency_exceeds(own, LATENCY_EARLY, x);
		lent = spare.period ? latency_exceeds_lent(own, spare, x) : law;
		printf("%.6f,%.6f,%.6f\n", x / 1e6, fraction_double(law), fraction_double(lent));
	}
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	static const struct word words[] = {
#define TIME(name, field) { name, true, offsetof(struct options, field) }
		TIME("Q", runtime), TIME("P", period), TIME("Qs", spare_runtime), TIME("Ps", spare_period),
	};
	struct options *options = state->input;

	switch (key) {
	case 'n':
		options->points = words_number(state, arg, 1, 1000000);
		return 0;
	case ARGP_KEY_ARG:
		words_parse(state, words, sizeof(words) / sizeof(words[0]), options, arg);
		return 0;
	case ARGP_KEY_END:
		if (!options->runtime || options->runtime > options->period || options->spare_runtime > options->spare_period)
			argp_error(state, "Q is above 0, and neither Q nor Qs is above its period");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp_option known[] = {
		{ "points", 'n', "N", 0, "(600)", 0 },
		{ 0 },
	};
	static const struct argp argp = {
		known, parse_option, "Q=TIME P=TIME [Qs=TIME Ps=TIME]",
		"Prints x in ms and the share of events at random moments whose vCPU, alone on its CPU, runs more than x later: at most, "
		"and when the unit is lent for all of each gap.",
		NULL, NULL, NULL,
	};
	struct options options = { .points = 600 };

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	print_law(&options);
	return fclose(stdout) ? 1 : 0;
}
