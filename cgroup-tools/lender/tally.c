// SPDX-License-Identifier: GPL-2.0
#include "lender/tally.h"

#include <inttypes.h>
#include <string.h>

#define US 1000

static const struct {
	const char *key;
	enum tally_count count;
	uint64_t unit;
} lines[] = {
	{ "nr_events", TALLY_EVENTS, 1 },
	{ "nr_borrows", TALLY_BORROWS, 1 },
	{ "nr_waits", TALLY_WAITS, 1 },
	{ "nr_refused", TALLY_REFUSED, 1 },
	{ "nr_dispatches", TALLY_DISPATCHES, 1 },
	{ "borrowed_usec", TALLY_BORROWED, US },
	{ "waited_usec", TALLY_WAITED, US },
	{ "returned_own", TALLY_OWN, 1 },
	{ "returned_unused", TALLY_UNUSED, 1 },
	{ "returned_chances", TALLY_CHANCES, 1 },
	{ "returned_sleep", TALLY_SLEEP, 1 },
	{ "returned_reply", TALLY_REPLY, 1 },
	{ "returned_quiet", TALLY_QUIET, 1 },
	{ "returned_charge", TALLY_CHARGE, 1 },
	{ "returned_gone", TALLY_GONE, 1 },
};

void tally_wait(struct tally *tally, enum histogram_how how, uint64_t waited, uint64_t time)
{
	struct histogram *waits = &tally->waits;
	int bucket = 0;

	while (waited >= histogram_bound(bucket))
		bucket++;
	waits->nr[how][bucket]++;
	waits->total[how] += waited;
	if (waited <= waits->worst[how])
		return;
	waits->worst[how] = waited;
	waits->worst_time[how] = time;
}

void tally_prompt(struct tally *tally, uint64_t nr)
{
	tally->waits.nr[HISTOGRAM_OWN][0] += nr;
}

void tally_add(struct tally *to, const struct tally *from)
{
	int i, how;

	for (i = 0; i < NR_TALLY_COUNTS; i++)
		to->counts[i] += from->counts[i];
	for (how = 0; how < NR_HISTOGRAM_HOWS; how++) {
		for (i = 0; i < HISTOGRAM_BUCKETS; i++)
			to->waits.nr[how][i] += from->waits.nr[how][i];
		to->waits.total[how] += from->waits.total[how];
		if (from->waits.worst[how] > to->waits.worst[how]) {
			to->waits.worst[how] = from->waits.worst[how];
			to->waits.worst_time[how] = from->waits.worst_time[how];
		}
	}
}

void tally_print_counts(FILE *file, const struct tally *tally)
{
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		fprintf(file, "%s %" PRIu64 "\n", lines[i].key, tally->counts[lines[i].count] / lines[i].unit);
}

static void print_line(FILE *file, const char *key, const uint64_t value[NR_HISTOGRAM_HOWS], uint64_t unit)
{
	int how;

	fputs(key, file);
	for (how = 0; how < NR_HISTOGRAM_HOWS; how++)
		fprintf(file, " %s=%" PRIu64, histogram_hows[how], value[how] / unit);
	fputc('\n', file);
}

void tally_print_waits(FILE *file, const struct tally *tally)
{
	const struct histogram *waits = &tally->waits;
	uint64_t values[NR_HISTOGRAM_HOWS];
	char key[16];
	int i, how;

	print_line(file, "total_usec", waits->total, US);
	print_line(file, "worst_usec", waits->worst, US);
	print_line(file, "worst_time", waits->worst_time, US);
	for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (i < HISTOGRAM_BUCKETS - 1)
			snprintf(key, sizeof(key), "%u", 1u << i);
		else
			strcpy(key, "max");
		for (how = 0; how < NR_HISTOGRAM_HOWS; how++)
			values[how] = waits->nr[how][i];
		print_line(file, key, values, 1);
	}
}
