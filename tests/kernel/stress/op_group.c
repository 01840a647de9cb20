// SPDX-License-Identifier: GPL-2.0
/* Operations on groups: who may borrow, and from what. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include "stress.h"

/* What may be written to cpu.spare.borrow, a wrong one now and then. */
void borrow_text(uint64_t *state, bool widest, char *text)
{
	int n;

	/* What t says binds all. */
	switch (widest && below_of(state, 100) < 75 ? 19 : below_of(state, 20)) {
	case 0 ... 3:
		strcpy(text, "inherit");
		break;
	case 4:
		strcpy(text, "off");
		break;
	case 5:
		strcpy(text, "on chances=0");
		break;
	default:
		n = sprintf(text, "on");
		if (below_of(state, 100) < 40)
			n += sprintf(text + n, " chances=%u", 1 + below_of(state, 4));
		if (below_of(state, 100) < 30)
			n += sprintf(text + n, " charge=%u", below_of(state, 3) != 0);
		if (below_of(state, 100) < 40)
			n += sprintf(text + n, " reply=%u", below_of(state, 4) != 0);
		if (below_of(state, 100) < 30)
			n += sprintf(text + n, " linger=%u", below_of(state, 2) * below_of(state, 500));
		if (below_of(state, 100) < 20)
			n += sprintf(text + n, " timer=%u", below_of(state, 2));
	}
}

/* What may be written to cpu.spare.pool. */
void pool_text(uint64_t *state, char *text)
{
	static const int periods[] = { 1000, 2000, 3000, 5000 };
	int period = periods[below_of(state, ARRAY_SIZE(periods))], n;

	n = sprintf(text, "%d %d units=%u", period * (4 + (int)below_of(state, 10)) / 100, period,
		    1 + below_of(state, 4));
	if (below_of(state, 100) < 60) {
		unsigned int cpus = 1 + below_of(state, all_cpus());

		n += sprintf(text + n, " cpus=");
		for (unsigned int cpu = 0; cpu < nr_cpus; cpu++)
			if (cpus & 1 << cpu)
				n += sprintf(text + n, "%u,", cpu);
		text[n - 1] = '\0';
	}
}

void op_borrow(void)
{
	int group = group_some(false);
	char text[128];

	borrow_text(&prng, !group, text);
	say("%s '%s'", groups[group].name, text);
	outcome(put(path_of(group, "cpu.spare.borrow"), text));
}

void op_pool(void)
{
	/* One of a leaf is of no use to anybody, but must count. */
	int group = chance(40) ? 0 : group_some(chance(15));
	char text[128];

	pool_text(&prng, text);
	say("%s '%s'", groups[group].name, text);
	outcome(put(path_of(group, "cpu.spare.pool"), text));
}

void op_no_pool(void)
{
	int group = group_some(false);

	say("%s", groups[group].name);
	outcome(put(path_of(group, "cpu.spare.pool"), "none"));
}

void op_stat(void)
{
	struct stat_values stat;
	int group = group_some(false);
	char text[256];

	read_stat(group, &stat);
	read_stat(0, &stat);
	check_monotone(&stat);
	snprintf(text, sizeof(text), "%llu %llu %llu", stat.value[EVENTS], stat.value[BORROWS],
		 stat.value[BORROWED]);
	record(text);
	say("%s", groups[group].name);
	outcome(0);
}

void op_dev(void)
{
	int group = group_some(false), tap = below(TAPS);
	char text[16];

	sprintf(text, "%ctap%d", chance(70) ? '+' : '-', tap);
	say("%s %s", groups[group].name, text);
	outcome(put(path_of(group, "cpu.spare.dev"), text));
}

void op_tap_again(void)
{
	int tap = below(TAPS);

	say("%d", tap);
	tap_delete(tap);
	tap_open(tap);
	outcome(0);
}

/* The first group of each level always stays, and g2, whose CPUs may be its own. */
void op_group(void)
{
	int i = 1 + below(GROUPS - 1);

	say("%s", groups[i].name);
	if (i == 1 || i == OWN_CPUS || i == 1 + MIDS ||
	    (groups[i].parent && !groups[groups[i].parent].exists))
		return;
	outcome(groups[i].exists ? group_remove(i) : group_make(i));
}

/* Not t: the boosters are in it. */
void op_freeze(void)
{
	int i = 1 + below(GROUPS - 1);

	if (!groups[i].exists || (!groups[i].frozen && chance(50)))
		return;
	groups[i].frozen = !groups[i].frozen;
	say("%s %d", groups[i].name, groups[i].frozen);
	outcome(put(path_of(i, "cgroup.freeze"), groups[i].frozen ? "1" : "0"));
}
