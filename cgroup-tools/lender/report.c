// SPDX-License-Identifier: GPL-2.0
/* The groups' counters. */
#include "lender/inside.h"

#include <stdlib.h>
#include <string.h>

#include "host/group.h"

void loans_count_seen(struct borrower *b)
{
	const uint64_t events = b->seen->events[OBSERVE_DEVICE] + (b->seen->timer ? b->seen->events[OBSERVE_TIMER] : 0);
	const uint64_t prompt = b->seen->nr_prompt;

	if (events > b->nr_events)
		loans_count(b, TALLY_EVENTS, events - b->nr_events);
	tally_prompt(&b->group->tally, prompt - b->nr_prompt);
	b->nr_events = events;
	b->nr_prompt = prompt;
}

struct sum {
	char *group;
	struct tally tally;
	unsigned int units, busy;	/* 0: it has no pool */
};

/* Of a group, and all that are below it, removed ones included. With the lock. */
static void sum_up(struct sum *sum)
{
	size_t i, j;

	for (i = 0; i < loans.nr_groups; i++)
		if (group_within(loans.groups[i]->name, sum->group))
			tally_add(&sum->tally, &loans.groups[i]->tally);
	for (i = 0; i < loans.nr_pools; i++) {
		if (!loans.pools[i]->there || strcmp(loans.pools[i]->group, sum->group))
			continue;
		sum->units = loans.pools[i]->nr_units;
		for (j = 0; j < loans.pools[i]->nr_units; j++)
			sum->busy += loans.pools[i]->units[j]->borrower != NULL;
	}
}

static bool add_sum(struct sum **sums, size_t *nr, const char *group)
{
	struct sum *more;
	size_t i;

	for (i = 0; i < *nr; i++)
		if (!strcmp((*sums)[i].group, group))
			return true;
	more = reallocarray(*sums, *nr + 1, sizeof(*more));
	if (!more)
		return false;
	*sums = more;
	more[*nr] = (struct sum){ .group = strdup(group) };
	if (!more[*nr].group)
		return false;
	sum_up(&more[(*nr)++]);
	return true;
}

static struct sum *make_sums(size_t *nr)
{
	struct sum *sums = NULL;
	bool good = true;
	size_t i;

	pthread_mutex_lock(&loans.lock);
	for (i = 0; i < loans.nr_borrowers; i++)
		loans_count_seen(loans.borrowers[i]);
	for (i = 0; good && i < loans.nr_pools; i++)
		good = !loans.pools[i]->there || add_sum(&sums, nr, loans.pools[i]->group);
	for (i = 0; good && i < loans.nr_groups; i++)
		good = !loans.groups[i]->there || add_sum(&sums, nr, loans.groups[i]->name);
	pthread_mutex_unlock(&loans.lock);
	return sums;
}

static void report(const struct sum *sum, loans_write *write)
{
	char *stat = NULL, *latency = NULL;
	size_t size;
	FILE *file = open_memstream(&stat, &size);

	if (file) {
		tally_print_counts(file, &sum->tally);
		if (sum->units)
			fprintf(file, "units %u\nunits_busy %u\n", sum->units, sum->busy);
		fclose(file);
	}
	file = open_memstream(&latency, &size);
	if (file) {
		tally_print_waits(file, &sum->tally);
		fclose(file);
	}
	if (stat && latency)
		write(sum->group, stat, latency);
	free(latency);
	free(stat);
}

void loans_report(loans_write *write)
{
	size_t nr = 0, i;
	struct sum *sums = make_sums(&nr);

	for (i = 0; i < nr; i++) {
		report(&sums[i], write);
		free(sums[i].group);
	}
	free(sums);
}
