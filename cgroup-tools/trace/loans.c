// SPDX-License-Identifier: GPL-2.0
/* Who has which unit, and who had it before. */
#include <stdlib.h>
#include <string.h>

#include "trace/inside.h"

/* Loans that are over are kept as long as an event that found the unit taken may wait. */
#define MAX_LOANS 4096

struct loan *loans_open(const struct loans *loans, pid_t pid)
{
	size_t i;

	for (i = loans->nr; i-- > 0;)
		if (loans->list[i].who.pid == pid && !loans->list[i].to)
			return &loans->list[i];
	return NULL;
}

static bool slot_is_taken(const struct loans *loans, int cpu, int slot)
{
	size_t i;

	for (i = 0; i < loans->nr; i++)
		if (!loans->list[i].to && loans->list[i].cpu == cpu && loans->list[i].slot == slot)
			return true;
	return false;
}

int loans_slot(const struct loans *loans, int cpu)
{
	int slot = 0;

	while (slot_is_taken(loans, cpu, slot))
		slot++;
	return slot;
}

/* Of those that are over the older half goes; without any, the first. */
static void forget(struct loans *loans)
{
	size_t i, kept = 0, over = 0;

	for (i = 0; i < loans->nr; i++)
		if (!loans->list[i].to || ++over > MAX_LOANS / 2)
			loans->list[kept++] = loans->list[i];
	if (kept == MAX_LOANS)
		memmove(loans->list, loans->list + 1, --kept * sizeof(*loans->list));
	loans->nr = kept;
}

struct loan *loans_add(struct loans *loans, const struct loan *loan)
{
	int slot = loans_slot(loans, loan->cpu);

	if (!loans->list)
		loans->list = calloc(MAX_LOANS, sizeof(*loans->list));
	if (!loans->list)
		return NULL;
	if (loans->nr == MAX_LOANS)
		forget(loans);
	loans->list[loans->nr] = *loan;
	loans->list[loans->nr].slot = slot;
	return &loans->list[loans->nr++];
}

struct why_other loans_last(const struct loans *loans, int cpu, uint64_t deadline)
{
	size_t i;

	for (i = loans->nr; i-- > 0;) {
		const struct loan *loan = &loans->list[i];

		if (loan->to && loan->cpu == cpu && loan->deadline == deadline)
			return loan->who;
	}
	return (struct why_other){ .pid = -1 };
}
