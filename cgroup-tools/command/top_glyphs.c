// SPDX-License-Identifier: GPL-2.0
#include <math.h>

#include "command/top.h"
#include "host/units.h"

const struct top_glyphs *top_glyphs(bool utf8)
{
	/* A full block would touch that of the line below. */
	static const struct top_glyphs blocks = {
		.own = "▇", .loan = "▒", .rest = "·", .end = "│", .more = "»", .busy = "■", .free = "□",
		.levels = { "▁", "▂", "▃", "▄", "▅", "▆", "▇" },
	};
	/* A glyph a decade: it takes some looking to tell more of them apart. */
	static const struct top_glyphs ascii = {
		.own = "#", .loan = "+", .rest = ".", .end = "|", .more = ">", .busy = "#", .free = ".",
		.levels = { ".", ":", ":", "|", "|", "#", "#" },
	};

	return utf8 ? &blocks : &ascii;
}

/* Half a decade is a factor of about three. */
static const uint64_t ends[TOP_LEVELS - 1] = {
	100 * NSEC_PER_USEC, 300 * NSEC_PER_USEC, NSEC_PER_MSEC, 3 * NSEC_PER_MSEC, 10 * NSEC_PER_MSEC, 30 * NSEC_PER_MSEC,
};

int top_level(double ns)
{
	int level = 0;

	while (level < TOP_LEVELS - 1 && ns > ends[level])
		level++;
	return level;
}

uint64_t top_level_end(int level)
{
	return level < TOP_LEVELS - 1 ? ends[level] : 0;
}

struct top_bar top_bar(double own, double loan)
{
	/* More than a thousand times all looks the same. */
	double kept = isnan(own) ? 0 : fmin(own, 1), borrowed = isnan(loan) ? 0 : fmin(loan, 1000);
	int all = lround(TOP_BAR * (kept + borrowed)), lent = lround(TOP_BAR * borrowed);
	struct top_bar bar;

	if (borrowed > 0 && !lent)
		lent = 1;
	if (all < lent)
		all = lent;
	bar.own = all - lent < TOP_BAR ? all - lent : TOP_BAR;
	bar.loan = all < TOP_BAR ? lent : TOP_BAR - bar.own;
	bar.rest = TOP_BAR - bar.own - bar.loan;
	bar.beyond = all - bar.own - bar.loan;
	bar.more = bar.beyond > TOP_BEYOND;
	if (bar.more)
		bar.beyond = TOP_BEYOND;
	return bar;
}

int top_busy_cells(uint64_t busy, uint64_t units, int cells)
{
	int filled;

	if (busy >= units)
		return units ? cells : 0;
	filled = lround((double)busy * cells / units);
	if (filled == cells)
		filled--;
	return busy && filled < 1 && cells ? 1 : filled > 0 ? filled : 0;
}
