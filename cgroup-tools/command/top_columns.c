// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "command/output.h"
#include "command/top.h"

/* Beside a p99 above the bound; a blank where it is not, so that numbers are below each other. */
#define LATE "!"

/* At 40 cells there are name, p99 and sparkline, at 80 all of S and the bar, at 160 all. */
const struct top_column top_vm_columns[NR_TOP_VM_COLUMNS] = {
	[TOP_NAME] = { "VM", 18, 40, 0, true, 'n', "name" },
	[TOP_RESERVATION] = { "Q/P", 12, 12, 6, true, 0, NULL },
	[TOP_SHARE] = { "SHARE OF Q/P", TOP_BAR + 1 + TOP_BEYOND + 5, TOP_BAR + 1 + TOP_BEYOND + 5, 5, true, 'u', "share of Q/P" },
	[TOP_P50] = { "S P50", 6, 6, 4, false, 'p', "S p50" },
	[TOP_P99] = { "S P99 ", 7, 7, 1, false, 's', "S p99" },
	[TOP_WORST] = { "WORST", 6, 6, 3, false, 'x', "worst S" },
	[TOP_PAST] = { "", 12, TOP_PAST_MOST, 2, false, 0, NULL },
	[TOP_CPU] = { "%CPU", 6, 6, 10, false, 'c', "%CPU" },
	[TOP_LOAN] = { "%LOAN", 6, 6, 9, false, 'b', "%LOAN" },
	[TOP_EVENTS] = { "EVENTS/s", 8, 8, 7, false, 'e', "events/s" },
	[TOP_LOANS] = { "LOANS/s", 8, 8, 8, false, 'l', "loans/s" },
	[TOP_WAITS] = { "WAITS/s", 8, 8, 11, false, 'w', "waits/s" },
	[TOP_WAIT] = { "WAIT", 6, 6, 12, false, 't', "wait" },
	[TOP_POOL] = { "POOL", 10, 10, 13, true, 0, NULL },
	[TOP_PID] = { "PID", 7, 7, 14, false, 0, NULL },
};

const struct top_column top_pool_columns[NR_TOP_POOL_COLUMNS] = {
	[TOP_POOL_NAME] = { "POOL", 12, 40, 0, true, 0, NULL },
	[TOP_POOL_UNIT] = { "UNIT", 12, 12, 5, true, 0, NULL },
	[TOP_POOL_BAR] = { "UNITS", 8, 16, 4, true, 0, NULL },
	[TOP_POOL_BUSY] = { "BUSY", 6, 6, 1, false, 0, NULL },
	[TOP_POOL_USED] = { "USED", 6, 6, 2, false, 0, NULL },
	[TOP_POOL_BLOCKED] = { "BLOCKED", 7, 7, 3, false, 0, NULL },
	[TOP_POOL_LOANS] = { "LOANS/s", 8, 8, 7, false, 0, NULL },
	[TOP_POOL_P50] = { "S P50", 6, 6, 8, false, 0, NULL },
	[TOP_POOL_P99] = { "S P99", 6, 6, 6, false, 0, NULL },
	[TOP_POOL_WORST] = { "WORST", 6, 6, 9, false, 0, NULL },
};

/* --- which fit --- */

static int most_of(const struct top_column *columns, int i, int longest)
{
	return i || longest > columns[i].most ? columns[i].most : longest;
}

static int least_of(const struct top_column *columns, int i, int longest)
{
	return i || longest > columns[i].least ? columns[i].least : longest;
}

static int of_rank(const struct top_column *columns, int nr, int rank)
{
	int i = 0;

	while (i < nr && columns[i].rank != rank)
		i++;
	return i;
}

/* None of a lower rank comes in place of one that does not fit: so each has its place among them at all widths. */
void top_fit(int *widths, const struct top_column *columns, int nr, int cells, int longest)
{
	int left = cells, rank, more, i;

	memset(widths, 0, nr * sizeof(*widths));
	for (rank = 0; rank < nr; rank++) {
		i = of_rank(columns, nr, rank);
		if (least_of(columns, i, longest) + !!rank > left)
			break;
		widths[i] = least_of(columns, i, longest);
		left -= widths[i] + !!rank;
	}
	if (!rank)
		widths[0] = cells;
	for (i = 0; i < nr && rank; i++) {
		more = widths[i] ? most_of(columns, i, longest) - widths[i] : 0;
		if (more > left)
			more = left;
		widths[i] += more;
		left -= more;
	}
}

/* --- what stands there --- */

static char *number(char text[TOP_TEXT], double value, const char *unit)
{
	if (isnan(value))
		strcpy(text, "-");
	else
		snprintf(text, TOP_TEXT, "%.*f%s", value < 999.95 ? 1 : 0, value, unit);
	return text;
}

/* The kernel counts no parts of a microsecond: within the first one all of it is a guess. */
static char *duration(char text[TOP_TEXT], double ns, const char *mark)
{
	char time[UNITS_TEXT];

	if (isnan(ns))
		strcpy(time, "-");
	else if (ns <= NSEC_PER_USEC)
		strcpy(time, "<1us");
	else
		units_print_short(time, ns);
	snprintf(text, TOP_TEXT, "%s%s", time, mark);
	return text;
}

/* Of each vCPU, and of how many. */
static char *reservation(char text[TOP_TEXT], const struct top_vm *vm)
{
	char each[OUTPUT_RESERVATION];

	output_reservation(each, vm->vm->reservation);
	if (vm->vcpus > 1)
		snprintf(text, TOP_TEXT, "%ux%s", vm->vcpus, each);
	else
		strcpy(text, each);
	return text;
}

char *top_vm_text(char text[TOP_TEXT], const struct top_vm *vm, enum top_vm_column column)
{
	double value = vm->value[column];

	switch (column) {
	case TOP_NAME:
		snprintf(text, TOP_TEXT, "%s", vm->vm->name);
		break;
	case TOP_RESERVATION:
		return reservation(text, vm);
	case TOP_SHARE:
		if (isnan(value))
			strcpy(text, "-");
		else
			snprintf(text, TOP_TEXT, "%.0f%%", value);
		break;
	case TOP_P99:
		return duration(text, value, top_is_late(vm) ? LATE : " ");
	case TOP_P50:
	case TOP_WORST:
		return duration(text, value, "");
	case TOP_WAIT:
		/* None waited. */
		return duration(text, value ? value : NAN, "");
	case TOP_POOL:
		snprintf(text, TOP_TEXT, "%s", vm->vm->pool ? vm->vm->pool->name : "-");
		break;
	case TOP_PID:
		snprintf(text, TOP_TEXT, "%d", (int)vm->vm->vm->pid);
		break;
	default:
		return number(text, value, "");
	}
	return text;
}

char *top_pool_text(char text[TOP_TEXT], const struct top_pool *pool, enum top_pool_column column)
{
	double value = pool->value[column];

	switch (column) {
	case TOP_POOL_NAME:
		snprintf(text, TOP_TEXT, "%s", pool->pool->policy->name);
		break;
	case TOP_POOL_UNIT:
		return output_reservation(text, pool->pool->policy->spare);
	case TOP_POOL_BUSY:
		if (pool->pool->counters.known)
			snprintf(text, TOP_TEXT, "%" PRIu64 "/%" PRIu64, pool->busy, pool->units);
		else
			strcpy(text, "-");
		break;
	case TOP_POOL_USED:
	case TOP_POOL_BLOCKED:
		return number(text, value, isnan(value) ? "" : "%");
	case TOP_POOL_P50:
	case TOP_POOL_P99:
	case TOP_POOL_WORST:
		return duration(text, value, "");
	default:
		return number(text, value, "");
	}
	return text;
}

/* --- cells --- */

/* The next letter, how many cells and bytes it takes, "?" for a byte that is none. */
static const char *letter(const char *at, int *cells, int *bytes)
{
	wchar_t wide;
	int length = mbtowc(&wide, at, MB_LEN_MAX);

	*cells = length > 0 ? wcwidth(wide) : -1;
	*bytes = length;
	if (*cells >= 0)
		return at;
	*cells = *bytes = 1;
	return "?";
}

int top_cells(const char *text)
{
	int all = 0, cells, bytes;

	for (; *text; text += bytes) {
		letter(text, &cells, &bytes);
		all += cells;
	}
	return all;
}

char *top_cell(char to[TOP_TEXT], const char *text, int cells, bool left)
{
	int all = top_cells(text), room = all > cells ? cells - 1 : cells, done = left || all > cells ? 0 : cells - all;
	int used = sprintf(to, "%*s", done, ""), taken, bytes;

	/* Letters of no width may be many. */
	for (; *text && used + 2 * MB_LEN_MAX + cells < TOP_TEXT; text += bytes) {
		const char *from = letter(text, &taken, &bytes);

		if (done + taken > room)
			break;
		memcpy(to + used, from, bytes);
		used += bytes;
		done += taken;
	}
	if (all > cells)
		done += sprintf(to + used++, "~");
	sprintf(to + used, "%*s", cells - done, "");
	return to;
}
