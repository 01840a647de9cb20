// SPDX-License-Identifier: GPL-2.0
#include "host/histogram.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/spare.h"
#include "host/units.h"

const char *const histogram_hows[NR_HISTOGRAM_HOWS] = {
	[HISTOGRAM_OWN] = "own",
	[HISTOGRAM_LOAN] = "loan",
	[HISTOGRAM_WAITED] = "waited",
	[HISTOGRAM_REFUSED] = "refused",
};

uint64_t histogram_bound(int bucket)
{
	return bucket < HISTOGRAM_BUCKETS - 1 ? NSEC_PER_USEC << bucket : UINT64_MAX;
}

/* The bucket whose line begins with that word, or -1. */
static int bucket_named(const char *word)
{
	char name[32];
	int i;

	for (i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
		snprintf(name, sizeof(name), "%" PRIu64, histogram_bound(i) / (uint64_t)NSEC_PER_USEC);
		if (!strcmp(name, word))
			return i;
	}
	return strcmp(word, "max") ? -1 : HISTOGRAM_BUCKETS - 1;
}

/* A time that was read in us, at most what fits. */
static uint64_t in_ns(uint64_t usec)
{
	return usec < UINT64_MAX / NSEC_PER_USEC ? usec * NSEC_PER_USEC : UINT64_MAX;
}

/* "KEY own=N loan=N waited=N refused=N"; a line of another form says nothing. */
static bool read_line(const char *line, char key[32], uint64_t value[NR_HISTOGRAM_HOWS])
{
	return sscanf(line, "%31s own=%" SCNu64 " loan=%" SCNu64 " waited=%" SCNu64 " refused=%" SCNu64, key,
		      &value[HISTOGRAM_OWN], &value[HISTOGRAM_LOAN], &value[HISTOGRAM_WAITED],
		      &value[HISTOGRAM_REFUSED]) == 1 + NR_HISTOGRAM_HOWS;
}

void histogram_parse(struct histogram *histogram, const char *text)
{
	uint64_t value[NR_HISTOGRAM_HOWS], worst[NR_HISTOGRAM_HOWS] = { 0 }, time[NR_HISTOGRAM_HOWS] = { 0 };
	char key[32];
	int how;

	histogram->known = true;
	for (; text; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (!read_line(text, key, value))
			continue;
		for (how = 0; how < NR_HISTOGRAM_HOWS; how++) {
			if (!strcmp(key, "total_usec"))
				histogram->total[how] += in_ns(value[how]);
			else if (!strcmp(key, "worst_usec"))
				worst[how] = in_ns(value[how]);
			else if (!strcmp(key, "worst_time"))
				time[how] = in_ns(value[how]);
			else if (bucket_named(key) >= 0)
				histogram->nr[how][bucket_named(key)] += value[how];
		}
	}
	for (how = 0; how < NR_HISTOGRAM_HOWS; how++) {
		if (worst[how] > histogram->worst[how]) {
			histogram->worst[how] = worst[how];
			histogram->worst_time[how] = time[how];
		}
	}
}

void histogram_add(struct histogram *histogram, const char *group)
{
	char *text = group ? spare_value(group, "cpu.spare.latency") : NULL;

	if (text)
		histogram_parse(histogram, text);
	free(text);
}

/* A count that falls is of another group. */
static bool goes_on(const struct histogram *now, const struct histogram *before)
{
	int how, i;

	for (how = 0; how < NR_HISTOGRAM_HOWS; how++)
		for (i = 0; i < HISTOGRAM_BUCKETS; i++)
			if (now->nr[how][i] < before->nr[how][i])
				return false;
	return true;
}

struct histogram histogram_since(const struct histogram *now, const struct histogram *before)
{
	/* Of a sum that fell nobody knows how much of it is new, nor of which group. */
	const struct histogram *from = goes_on(now, before) ? before : now;
	struct histogram since = *now;
	int how, i;

	since.known = now->known && before->known;
	for (how = 0; how < NR_HISTOGRAM_HOWS; how++) {
		for (i = 0; i < HISTOGRAM_BUCKETS; i++)
			since.nr[how][i] -= from->nr[how][i];
		since.total[how] = now->total[how] > from->total[how] ? now->total[how] - from->total[how] : 0;
	}
	return since;
}

static uint64_t count_in(const struct histogram *histogram, int bucket)
{
	uint64_t sum = 0;
	int how;

	for (how = 0; how < NR_HISTOGRAM_HOWS; how++)
		sum += histogram->nr[how][bucket];
	return sum;
}

uint64_t histogram_ended(const struct histogram *histogram, enum histogram_how how)
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < HISTOGRAM_BUCKETS; i++)
		sum += histogram->nr[how][i];
	return sum;
}

uint64_t histogram_count(const struct histogram *histogram)
{
	uint64_t sum = 0;
	int how;

	for (how = 0; how < NR_HISTOGRAM_HOWS; how++)
		sum += histogram_ended(histogram, how);
	return sum;
}

uint64_t histogram_worst(const struct histogram *histogram, enum histogram_how *how)
{
	int i, worst = 0;

	for (i = 1; i < NR_HISTOGRAM_HOWS; i++)
		if (histogram->worst[i] > histogram->worst[worst])
			worst = i;
	if (how)
		*how = worst;
	return histogram->worst[worst];
}

/* From where to where a bucket goes, ns. After a reset the worst may be less than what was counted before. */
static void limits(const struct histogram *histogram, int bucket, uint64_t *low, uint64_t *high)
{
	uint64_t worst = histogram_worst(histogram, NULL);

	*low = bucket ? histogram_bound(bucket - 1) : 0;
	*high = histogram_bound(bucket);
	if (worst >= *low && worst < *high)
		*high = worst;
	else if (*high == UINT64_MAX)
		*high = 2 * *low;
}

uint64_t histogram_quantile(const struct histogram *histogram, double share)
{
	double wanted = share * histogram_count(histogram), before = 0, part;
	uint64_t low, high;
	int i;

	for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
		double here = count_in(histogram, i);

		if (here && before + here >= wanted) {
			limits(histogram, i, &low, &high);
			part = (wanted - before) / here;
			return part < 1 ? low + (uint64_t)((high - low) * part) : high;
		}
		before += here;
	}
	return 0;
}

uint64_t histogram_within(const struct histogram *histogram, uint64_t ns)
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < HISTOGRAM_BUCKETS; i++)
		if (!i || histogram_bound(i - 1) < ns)
			sum += count_in(histogram, i);
	return sum;
}

double histogram_share_within(const struct histogram *histogram, uint64_t ns)
{
	double all = histogram_count(histogram);

	return all ? histogram_within(histogram, ns) / all : 1;
}
