/* SPDX-License-Identifier: GPL-2.0 */
/* dlspare top: what VMs and pools did between two looks at the host, and how that is shown. */
#ifndef DLSPARE_TOP_H
#define DLSPARE_TOP_H

#include "command/state.h"

/* --- a picture: top_picture.c --- */

/* Of VMs; those with a letter in top_vm_columns are what they can be sorted by. */
enum top_vm_column {
	TOP_NAME,
	TOP_RESERVATION,
	TOP_SHARE,			/* of its reservation, % */
	TOP_P50,			/* of S, ns */
	TOP_P99,
	TOP_WORST,			/* no event has waited for longer */
	TOP_PAST,			/* p99 of the pictures before */
	TOP_CPU,			/* % of a CPU */
	TOP_LOAN,			/* the same, on loans */
	TOP_EVENTS,			/* a second */
	TOP_LOANS,
	TOP_WAITS,
	TOP_WAIT,			/* mean, ns */
	TOP_POOL,
	TOP_PID,
	NR_TOP_VM_COLUMNS
};

enum top_pool_column {
	TOP_POOL_NAME,
	TOP_POOL_UNIT,
	TOP_POOL_BAR,
	TOP_POOL_BUSY,
	TOP_POOL_USED,			/* % of what all its units can give */
	TOP_POOL_BLOCKED,		/* % of the events that wanted a unit: none was free */
	TOP_POOL_LOANS,
	TOP_POOL_P50,
	TOP_POOL_P99,
	TOP_POOL_WORST,
	NR_TOP_POOL_COLUMNS
};

struct top_vm {
	const struct state_vm *vm;
	double value[NR_TOP_VM_COLUMNS];	/* NAN: it is no number, nobody counts it, or there is none */
	unsigned int vcpus;		/* that have a reservation */
	double reserved;		/* what those have together, CPUs */
	double own;			/* what they used of that: 1 is all; NAN with none */
	double loan;			/* beside it, on loans; NAN: nobody counts it */
	bool latency_known;
	uint64_t events;		/* that TOP_P50 and so on are of */
	uint64_t bound;			/* of S, ns: the target of the policy, or Ps-Qs; 0: no unit is promised */
};

struct top_pool {
	const struct state_pool *pool;
	double value[NR_TOP_POOL_COLUMNS];
	bool latency_known;
	uint64_t events, units, busy;
};

struct top_picture {
	time_t time;
	uint64_t interval;		/* ns */
	struct top_vm *vms;		/* those that run */
	size_t nr_vms;
	struct top_pool *pools;
	size_t nr_pools;
};

/* Refers to the later look. One before that is all 0 leaves what is since then unknown. False without memory. */
bool top_compare(struct top_picture *picture, const struct state *now, const struct state *before);
void top_free(struct top_picture *picture);
/* By name, or by a number: the largest first. */
void top_sort(struct top_picture *picture, enum top_vm_column by);
/* Is its p99 above the bound? */
bool top_is_late(const struct top_vm *vm);

/* --- what S was before: top_past.c --- */

/* As many as the widest sparkline has cells. */
#define TOP_PAST_MOST 120

struct top_past {
	pid_t pid;
	uint64_t start;			/* as in struct vm: with the pid, which VM */
	double p99[TOP_PAST_MOST];	/* ns, the latest first; NAN: nothing came */
};

struct top_pasts {
	struct top_past *list;
	size_t nr;
};

/* Adds a picture; VMs that are not in it are forgotten. False without memory, and nothing has changed. */
bool top_past_add(struct top_pasts *pasts, const struct top_picture *picture);
void top_past_free(struct top_pasts *pasts);
/* NULL: it was in no picture. */
const struct top_past *top_past_of(const struct top_pasts *pasts, const struct vm *vm);

/* --- glyphs: top_glyphs.c --- */

#define TOP_LEVELS 7

struct top_glyphs {
	const char *own, *loan, *rest;	/* of a bar */
	const char *end, *more;		/* of its scale; of what is beyond it more than there is room for */
	const char *busy, *free;	/* a unit */
	const char *levels[TOP_LEVELS];	/* of a sparkline */
};

/* Without UTF-8: of ASCII. */
const struct top_glyphs *top_glyphs(bool utf8);

/* 0 to TOP_LEVELS - 1: half a decade each, the lowest to 100 us, the highest from 30 ms. */
int top_level(double ns);
/* What a level has at most, ns; 0: the highest has no end. */
uint64_t top_level_end(int level);

/* Cells of a bar: Q/P has TOP_BAR of them, and so much beyond it is shown. */
#define TOP_BAR 10
#define TOP_BEYOND 3

struct top_bar {
	int own, loan, rest;		/* TOP_BAR together */
	int beyond;			/* on loan */
	bool more;			/* than TOP_BEYOND */
};

/*
 * Rounded; what is on loan is a cell at least. Each is in parts of Q/P, and NAN is 0. The own part is no more than all: it
 * can be measured as more when the time is no whole number of periods.
 */
struct top_bar top_bar(double own, double loan);

/* Of so many cells those of the busy units: one at least if one is busy, not all unless all are. */
int top_busy_cells(uint64_t busy, uint64_t units, int cells);

/* --- columns: top_columns.c --- */

struct top_column {
	const char *heading;
	int least, most;		/* cells */
	int rank;			/* from 0 on: the highest is the first to go where it is narrow */
	bool left;			/* where its text begins */
	char key;			/* sorts by it; 0: none does */
	const char *by;			/* what it is then said to be sorted by */
};

extern const struct top_column top_vm_columns[NR_TOP_VM_COLUMNS];
extern const struct top_column top_pool_columns[NR_TOP_POOL_COLUMNS];

/*
 * How wide each column is so that all fit, with a blank between two; 0: it is left out. Wider ones have all that narrower
 * ones have. The first has no more than its longest text.
 */
void top_fit(int *widths, const struct top_column *columns, int nr, int cells, int longest);

/* Long enough for each cell. */
#define TOP_TEXT 512

/* What stands there; not for TOP_PAST and TOP_POOL_BAR. Returns text. */
char *top_vm_text(char text[TOP_TEXT], const struct top_vm *vm, enum top_vm_column column);
char *top_pool_text(char text[TOP_TEXT], const struct top_pool *pool, enum top_pool_column column);

/* How many cells a text takes, '?' for each byte that is no letter there. */
int top_cells(const char *text);
/* The text in exactly so many cells: '~' is the last one where it has more. Returns to. */
char *top_cell(char to[TOP_TEXT], const char *text, int cells, bool left);

/* --- where it is shown --- */

/* A screen: top_screen.c. */

struct top_view {
	uint64_t interval;		/* between two pictures, ns */
	const char *notice;		/* what is not seen, and why; NULL: all is */
	enum top_vm_column by;		/* they are sorted */
	size_t first;			/* VM that is shown */
	bool help;
	bool quit;
};

/* False: the terminal cannot move its cursor. */
bool top_screen_open(void);
void top_screen_close(void);
/* Leaves view->first where there is a VM. */
void top_screen_draw(const struct top_picture *picture, const struct top_pasts *pasts, struct top_view *view);
/* Does what the keys say that were pressed. */
void top_screen_keys(struct top_view *view);

/* Standard output: top_lines.c. */

void top_print_lines(const struct top_picture *picture, bool is_first);
/* A document in a line. A code of command.h. */
int top_print_json(const struct top_picture *picture, const struct state *state);

#endif
