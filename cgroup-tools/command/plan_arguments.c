// SPDX-License-Identifier: GPL-2.0
#include "command/plan.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/command.h"
#include "host/units.h"

/* Of --latency and --hold, below RING_MAX. */
#define TIME_MAX (1000 * NSEC_PER_SEC)
/* Of --live. */
#define LIVE_DEFAULT (10 * NSEC_PER_SEC)
#define LIVE_MIN (100 * NSEC_PER_MSEC)
#define LIVE_MAX (3600 * NSEC_PER_SEC)

/* A decimal number without a sign, at most 15 digits. */
static bool parse_decimal(struct fraction *number, const char *text)
{
	struct fraction read = { 0, 1 };
	bool point = false;
	unsigned int digits = 0;

	for (; *text; text++) {
		if (*text == '.' && !point && digits) {
			point = true;
			continue;
		}
		if (*text < '0' || *text > '9' || ++digits > 15)
			return false;
		read.num = 10 * read.num + *text - '0';
		read.den *= point ? 10 : 1;
	}
	*number = fraction(read.num, read.den);
	return digits && text[-1] != '.';
}

enum ring_value {
	RING_COUNT,
	RING_TIME,
	RING_PARTY,
};

/* Of --ring; the second field gets the value too. */
static const struct ring_key {
	const char *name;
	enum ring_value value;
	size_t field, second;
} ring_keys[] = {
#define BOTH(a, b) offsetof(struct plan_ring, ring.a), offsetof(struct plan_ring, ring.b)
	{ "L", RING_COUNT, BOTH(L, L) }, { "WP", RING_TIME, BOTH(WP, WP) }, { "WC", RING_TIME, BOTH(WC, WC) },
	{ "kP", RING_COUNT, BOTH(kP, kP) }, { "kC", RING_COUNT, BOTH(kC, kC) }, { "NP", RING_TIME, BOTH(NP, NP) },
	{ "NC", RING_TIME, BOTH(NC, NC) }, { "N", RING_TIME, BOTH(NP, NC) }, { "SP", RING_TIME, BOTH(SP, SP) },
	{ "SC", RING_TIME, BOTH(SC, SC) }, { "s", RING_TIME, BOTH(SP, SC) }, { "vcpu", RING_PARTY, 0, 0 },
	{ "beta", RING_COUNT, 0, 0 },
#undef BOTH
};

static const struct ring_key *ring_key(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(ring_keys); i++)
		if (!strcmp(ring_keys[i].name, name))
			return &ring_keys[i];
	return NULL;
}

static int set_ring_value(struct plan_ring *named, const char *name, const char *text)
{
	const struct ring_key *key = ring_key(name);
	const char *rule = NULL;
	uint64_t value = 0;

	if (!key)
		return fail(WRONG_USAGE, "--ring: '%s' is none of L, WP, WC, kP, kC, N, NP, NC, s, SP, SC, vcpu, beta", name);
	if (!text)
		return fail(WRONG_USAGE, "--ring: '%s' needs a value: %s=…", name, name);
	if (key->value == RING_PARTY) {
		named->side = strcmp(text, "producer") ? RING_CONSUMER : RING_PRODUCER;
		if (strcmp(text, "producer") && strcmp(text, "consumer"))
			rule = "it must be consumer or producer";
	} else if (!key->field) {
		if (units_parse_number(&value, text, 1, 2, &rule))
			named->beta = value;
	} else if (key->value == RING_COUNT ? units_parse_number(&value, text, 1, 1 << 20, &rule) :
					      units_parse(&value, text, &rule)) {
		if (value > RING_MAX)
			return fail(WRONG_USAGE, "--ring: %s=%s: at most 2^40 ns, which are 18 minutes", name, text);
		*(int64_t *)((char *)named + key->field) = value;
		*(int64_t *)((char *)named + key->second) = value;
	}
	return rule ? fail(WRONG_USAGE, "--ring: %s=%s: %s", name, text, rule) : DONE;
}

static int parse_ring(struct plan_arguments *arguments, const char *text)
{
	struct plan_ring *rings = reallocarray(arguments->rings, arguments->nr_rings + 1, sizeof(*rings)), *named;
	char *values = NULL, *rest, *name;
	const char *rule;
	int code = DONE;

	if (!rings)
		return fail(FAILED, "%s", strerror(ENOMEM));
	arguments->rings = rings;
	named = &rings[arguments->nr_rings];
	*named = (struct plan_ring){ .text = strdup(text), .ring = { .kP = 1, .kC = 1 } };
	if (!named->text)
		return fail(FAILED, "%s", strerror(ENOMEM));
	arguments->nr_rings++;
	values = rest = strdup(text);
	if (!values)
		return fail(FAILED, "%s", strerror(ENOMEM));
	while (!code && (name = strsep(&rest, ","))) {
		char *value = name;

		strsep(&value, "=");
		code = set_ring_value(named, name, value);
	}
	free(values);
	rule = code ? NULL : ring_rule(&named->ring);
	return rule ? fail(WRONG_USAGE, "--ring '%s': %s", text, rule) : code;
}

enum {
	OPTION_RUNTIME = 256,
	OPTION_PERIOD,
	OPTION_VMS,
	OPTION_UNITS,
	OPTION_SPARE_RUNTIME,
	OPTION_SPARE_PERIOD,
	OPTION_CPUS,
	OPTION_LIMIT,
	OPTION_RATE,
	OPTION_LATENCY,
	OPTION_HOLD,
	OPTION_BLOCKING,
	OPTION_SWITCH_COST,
	OPTION_OVERHEAD,
	OPTION_RING,
	OPTION_LIVE,
	OPTION_FOR,
	OPTION_FORMULAS,
};

static const struct option long_options[] = {
	{ "runtime", required_argument, NULL, OPTION_RUNTIME },
	{ "period", required_argument, NULL, OPTION_PERIOD },
	{ "vms", required_argument, NULL, OPTION_VMS },
	{ "units", required_argument, NULL, OPTION_UNITS },
	{ "spare-runtime", required_argument, NULL, OPTION_SPARE_RUNTIME },
	{ "spare-period", required_argument, NULL, OPTION_SPARE_PERIOD },
	{ "cpus", required_argument, NULL, OPTION_CPUS },
	{ "limit", required_argument, NULL, OPTION_LIMIT },
	{ "rate", required_argument, NULL, OPTION_RATE },
	{ "latency", required_argument, NULL, OPTION_LATENCY },
	{ "hold", required_argument, NULL, OPTION_HOLD },
	{ "blocking", required_argument, NULL, OPTION_BLOCKING },
	{ "switch-cost", required_argument, NULL, OPTION_SWITCH_COST },
	{ "overhead", required_argument, NULL, OPTION_OVERHEAD },
	{ "ring", required_argument, NULL, OPTION_RING },
	{ "live", no_argument, NULL, OPTION_LIVE },
	{ "for", required_argument, NULL, OPTION_FOR },
	{ "formulas", no_argument, NULL, OPTION_FORMULAS },
	{ "help", no_argument, NULL, 'h' },
	{ NULL },
};

static const char usage[] =
	"Usage: dlspare plan FILE [OPTION]...\n"
	"       dlspare plan --runtime TIME --period TIME [OPTION]...\n"
	"       dlspare plan --live [--for TIME] [OPTION]...\n"
	"\n"
	"What a policy promises, and what it would take to promise more. Changes nothing.\n"
	"Exits with 4 when the policy does not fit.\n"
	"\n"
	"The VMs and their pool:\n"
	"  FILE                     a policy; the options of this group go without it. A VM that names no vCPUs has one\n"
	"  --runtime TIME           each VM's vCPU gets so much CPU time\n"
	"  --period TIME            every so long\n"
	"  --vms N                  so many VMs, 1..8192; default 1\n"
	"  --spare-runtime TIME     a unit gives so much\n"
	"  --spare-period TIME      every so long; default: no pool\n"
	"  --units N                so many units on each CPU, 1..64; default 1\n"
	"\n"
	"  --live                   the policy in force; how often its pools are asked, and how long loans last, is measured\n"
	"  --for TIME               so long, 100ms to 3600s; default 10s\n"
	"\n"
	"The host:\n"
	"                           with FILE, and without --cpus, this one: its CPUs, limit and fair servers\n"
	"  --cpus LIST              its CPUs; default: with FILE this host's and those that FILE names, without it CPU 0\n"
	"  --limit PERCENT          of a CPU that may be reserved; default: this host's, of another one 95\n"
	"\n"
	"What is wanted:\n"
	"  --rate EVENTS/S          events a second for each vCPU; without it nothing is said about the number of units\n"
	"  --hold TIME              how long a loan lasts; default: the unit's period\n"
	"  --blocking P             so many of the events may find all units on loan, 0 < P < 1; default 0.001\n"
	"  --latency TIME           target for what the VM does not react in, and for the gaps of a ring\n"
	"\n"
	"Rings; may be given several times:\n"
	"  --ring L=N,WP=TIME,WC=TIME[,KEY=VALUE]...\n"
	"       L                   slots, 1..1048576\n"
	"       WP, WC              work of producer and consumer for a message\n"
	"       kP, kC              messages at which P notifies, free slots at which C does; default 1\n"
	"       NP, NC; N for both  work to notify; default 0s\n"
	"       SP, SC; s for both  work to start after a notification, without scheduling delay; default 0s\n"
	"       vcpu                consumer or producer: which of them the VM is; default consumer\n"
	"       beta                1: gaps on loan last Ps-Qs, 2: twice that; default: 1 for a VM alone on its CPU\n"
	"  --switch-cost TIME       of a context switch, caches included; default 5us\n"
	"  --overhead PERCENT       the most that switching may take; default 1\n"
	"\n"
	"Units:\n"
	"  TIME                     a number with ns, us, ms or s, such as 0.4ms\n"
	"  LIST                     CPUs, such as 0-3,8\n"
	"\n"
	"Output:\n"
	"  --formulas               also what each column is computed by, and where that is from\n"
	"  --json                   one document with exact times in ns and shares of a CPU as fractions of 1\n"
	"  -h, --help               this text\n";

static int parse_time(uint64_t *time, const char *name, const char *text, uint64_t most)
{
	char shown[UNITS_TEXT];
	const char *rule;

	if (!units_parse(time, text, &rule))
		return fail(WRONG_USAGE, "--%s '%s': %s", name, text, rule);
	if (!*time || *time > most)
		return fail(WRONG_USAGE, "--%s '%s': it must be more than 0s and at most %s", name, text,
			    units_print(shown, most));
	return DONE;
}

static int parse_number(uint64_t *number, const char *name, const char *text, uint64_t high)
{
	const char *rule;

	if (!units_parse_number(number, text, 1, high, &rule))
		return fail(WRONG_USAGE, "--%s '%s': %s", name, text, rule);
	return DONE;
}

/* More than 0, and below most. */
static int parse_part(struct fraction *number, const char *name, const char *text, int most)
{
	if (!parse_decimal(number, text) || !number->num || fraction_compare(*number, fraction(most, 1)) >= 0)
		return fail(WRONG_USAGE, "--%s '%s': it must be a decimal number between 0 and %d", name, text, most);
	return DONE;
}

/* More than 0, and all of a CPU at most. */
static int parse_limit(struct fraction *limit, const char *text)
{
	struct fraction percent;

	if (!parse_decimal(&percent, text) || !percent.num || fraction_compare(percent, fraction(100, 1)) > 0)
		return fail(WRONG_USAGE, "--limit '%s': it must be a decimal number, more than 0 and at most 100", text);
	*limit = fraction_multiply(percent, fraction(1, 100));
	return DONE;
}

static int parse_option(struct plan_arguments *arguments, int option, const char *name, const char *text)
{
	struct fraction number = { 0, 1 };
	const char *rule;
	int code = DONE;

	switch (option) {
	case OPTION_RUNTIME:
		return parse_time(&arguments->own.runtime, name, text, RESERVATION_PERIOD_MAX);
	case OPTION_PERIOD:
		return parse_time(&arguments->own.period, name, text, RESERVATION_PERIOD_MAX);
	case OPTION_SPARE_RUNTIME:
		return parse_time(&arguments->spare.runtime, name, text, RESERVATION_PERIOD_MAX);
	case OPTION_SPARE_PERIOD:
		return parse_time(&arguments->spare.period, name, text, RESERVATION_PERIOD_MAX);
	case OPTION_LATENCY:
		return parse_time(&arguments->latency, name, text, TIME_MAX);
	case OPTION_HOLD:
		return parse_time(&arguments->hold, name, text, TIME_MAX);
	case OPTION_SWITCH_COST:
		return parse_time(&arguments->switch_cost, name, text, NSEC_PER_SEC);
	case OPTION_VMS:
		return parse_number(&arguments->vms, name, text, CPUS_MAX);
	case OPTION_UNITS:
		return parse_number(&arguments->units, name, text, POLICY_UNITS_MAX);
	case OPTION_CPUS:
		if (!cpus_parse(&arguments->cpus, text, &rule))
			return fail(WRONG_USAGE, "--cpus '%s': %s", text, rule);
		return cpus_empty(&arguments->cpus) ? fail(WRONG_USAGE, "--cpus '': a host has CPUs") : DONE;
	case OPTION_LIMIT:
		return parse_limit(&arguments->limit, text);
	case OPTION_LIVE:
		arguments->live = arguments->live ? arguments->live : LIVE_DEFAULT;
		return DONE;
	case OPTION_FOR:
		code = parse_time(&arguments->live, name, text, LIVE_MAX);
		if (!code && arguments->live < LIVE_MIN)
			code = fail(WRONG_USAGE, "--for '%s': it must be 100ms to 3600s", text);
		return code;
	case OPTION_FORMULAS:
		arguments->formulas = true;
		return DONE;
	case OPTION_RATE:
		code = parse_part(&number, name, text, 1000000000);
		arguments->rate = fraction_double(number);
		return code;
	case OPTION_BLOCKING:
		code = parse_part(&number, name, text, 1);
		arguments->blocking = fraction_double(number);
		return code;
	case OPTION_OVERHEAD:
		code = parse_part(&number, name, text, 100);
		arguments->overhead = fraction_multiply(number, fraction(1, 100));
		return code;
	default:
		return parse_ring(arguments, text);
	}
}

static bool describes_vms(const struct plan_arguments *arguments)
{
	return arguments->own.runtime || arguments->own.period || arguments->spare.runtime || arguments->spare.period ||
	       arguments->vms || arguments->units;
}

int plan_parse(struct plan_arguments *arguments, int argc, char **argv, bool *help)
{
	int option, index, code = DONE;

	/* 0: from the beginning, also after another getopt_long(). */
	optind = 0;
	while (!code && (option = getopt_long(argc, argv, ":h", long_options, &index)) != -1) {
		if (option == 'h') {
			*help = true;
			return fputs(usage, stdout) == EOF ? FAILED : DONE;
		}
		if (option == ':')
			return fail(WRONG_USAGE, "'%s' needs a value", argv[optind - 1]);
		if (option == '?')
			return fail(WRONG_USAGE, "plan: unknown option '%s'; see dlspare plan --help", argv[optind - 1]);
		code = parse_option(arguments, option, long_options[index].name, optarg);
	}
	if (code)
		return code;
	if (optind < argc)
		arguments->file = argv[optind++];
	if (optind < argc)
		return fail(WRONG_USAGE, "plan: '%s' is one FILE too many", argv[optind]);
	if (arguments->live && (arguments->file || describes_vms(arguments) || arguments->rate >= 0 || arguments->hold ||
				!cpus_empty(&arguments->cpus)))
		return fail(WRONG_USAGE, "plan: --live has the policy in force, its rate, hold and CPUs; what describes others goes without it");
	if (arguments->live)
		return DONE;
	if (arguments->file && describes_vms(arguments))
		return fail(WRONG_USAGE, "plan: '%s' describes the VMs and their pool; options that do go without a FILE",
			    arguments->file);
	if (!arguments->file && !(arguments->own.runtime && arguments->own.period))
		return fail(WRONG_USAGE, "plan: a FILE, or --runtime and --period, must be given");
	if (arguments->units && !arguments->spare.runtime && !arguments->spare.period)
		return fail(WRONG_USAGE, "plan: --units needs --spare-runtime and --spare-period");
	return DONE;
}

void plan_free_arguments(struct plan_arguments *arguments)
{
	for (size_t i = 0; i < arguments->nr_rings; i++)
		free(arguments->rings[i].text);
	free(arguments->rings);
}
