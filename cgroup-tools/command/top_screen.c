// SPDX-License-Identifier: GPL-2.0
#include <curses.h>
#include <langinfo.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command/command.h"
#include "command/top.h"
#include "host/units.h"

/* Colours say again what stands there in other ways. */
enum color {
	PLAIN,
	GOOD,
	LENT,
	BAD,
	NR_COLORS
};

static SCREEN *screen;
static const struct top_glyphs *glyphs;
static bool colors;
static int page;			/* lines for VMs */

void top_screen_close(void)
{
	endwin();
	delscreen(screen);
}

bool top_screen_open(void)
{
	static const short of_terminal[NR_COLORS] = { -1, COLOR_GREEN, COLOR_YELLOW, COLOR_RED };
	const char *terminal = getenv("TERM");
	int i;

	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return false;
	/* curses takes such a one, and fills it with blanks. */
	if (!tigetstr("cup")) {
		top_screen_close();
		return false;
	}
	cbreak();
	noecho();
	nodelay(stdscr, TRUE);
	keypad(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	/* The fonts of the kernel's console lack most levels. */
	glyphs = top_glyphs(!strcmp(nl_langinfo(CODESET), "UTF-8") && !(terminal && !strcmp(terminal, "linux")));
	colors = options.color && has_colors() && start_color() == OK && use_default_colors() == OK;
	for (i = 1; colors && i < NR_COLORS; i++)
		init_pair(i, of_terminal[i], -1);
	return true;
}

static attr_t color(enum color color)
{
	return colors ? COLOR_PAIR(color) : 0;
}

/* What does not fit into the line is not shown. */
static void put(int y, int x, attr_t attributes, const char *text)
{
	char cell[TOP_TEXT];
	int room = COLS - x < TOP_PAST_MOST ? COLS - x : TOP_PAST_MOST;

	if (room <= 0)
		return;
	attrset(attributes);
	mvaddstr(y, x, top_cells(text) > room ? top_cell(cell, text, room, true) : text);
	attrset(0);
}

/* The same glyph several times. Returns where the next one goes. */
static int put_glyphs(int y, int x, attr_t attributes, const char *glyph, int nr)
{
	while (nr-- > 0)
		put(y, x++, attributes, glyph);
	return x;
}

static void put_bar_of_heading(int y)
{
	put_glyphs(y, 0, A_REVERSE, " ", COLS);
}

static int longest_of(const char *heading, int longest)
{
	return top_cells(heading) > longest ? top_cells(heading) : longest;
}

/* --- pools --- */

static bool has_units(const struct top_pool *pool)
{
	return pool->pool->policy->spare.runtime;
}

static void put_pool(int y, const int *widths, const struct top_pool *pool)
{
	char text[TOP_TEXT], cell[TOP_TEXT];
	int x = 0, i, cells, busy;

	for (i = 0; i < NR_TOP_POOL_COLUMNS; i++) {
		if (!widths[i])
			continue;
		if (i == TOP_POOL_BAR) {
			cells = pool->units < (uint64_t)widths[i] ? (int)pool->units : widths[i];
			busy = top_busy_cells(pool->busy, pool->units, cells);
			put_glyphs(y, x, color(LENT), glyphs->busy, busy);
			put_glyphs(y, x + busy, A_DIM, glyphs->free, cells - busy);
		} else {
			put(y, x, i == TOP_POOL_NAME ? A_BOLD : 0,
			    top_cell(cell, top_pool_text(text, pool, i), widths[i], top_pool_columns[i].left));
		}
		x += widths[i] + 1;
	}
}

/* From line y on, on a third of the screen at most. Returns the line below. */
static int put_pools(int y, const struct top_picture *picture)
{
	int widths[NR_TOP_POOL_COLUMNS], longest = 0, x = 0, most = y + LINES / 3, j;
	char cell[TOP_TEXT];
	size_t i;

	for (i = 0; i < picture->nr_pools; i++)
		if (has_units(&picture->pools[i]))
			longest = longest_of(picture->pools[i].pool->policy->name, longest);
	if (!longest)
		return y;
	longest = longest_of(top_pool_columns[TOP_POOL_NAME].heading, longest);
	top_fit(widths, top_pool_columns, NR_TOP_POOL_COLUMNS, COLS, longest);
	put_bar_of_heading(y);
	for (j = 0; j < NR_TOP_POOL_COLUMNS; j++) {
		if (!widths[j])
			continue;
		put(y, x, A_REVERSE, top_cell(cell, top_pool_columns[j].heading, widths[j], top_pool_columns[j].left));
		x += widths[j] + 1;
	}
	for (i = 0; i < picture->nr_pools && y + 1 < most; i++)
		if (has_units(&picture->pools[i]))
			put_pool(++y, widths, &picture->pools[i]);
	return y + 1;
}

/* --- VMs --- */

static void put_share(int y, int x, const struct top_vm *vm)
{
	struct top_bar bar = top_bar(vm->own, vm->loan);
	char text[TOP_TEXT], cell[TOP_TEXT];
	int from = x;

	if (!vm->vcpus) {
		put(y, x, 0, "-");
		return;
	}
	x = put_glyphs(y, x, color(GOOD), glyphs->own, bar.own);
	x = put_glyphs(y, x, color(LENT), glyphs->loan, bar.loan);
	x = put_glyphs(y, x, A_DIM, glyphs->rest, bar.rest);
	x = put_glyphs(y, x, 0, glyphs->end, 1);
	x = put_glyphs(y, x, color(LENT), glyphs->loan, bar.beyond - bar.more);
	put_glyphs(y, x, color(LENT), glyphs->more, bar.more);
	x = from + TOP_BAR + 1 + TOP_BEYOND;
	put(y, x, 0, top_cell(cell, top_vm_text(text, vm, TOP_SHARE), top_vm_columns[TOP_SHARE].least - (x - from), false));
}

/* The latest at the right. */
static void put_past(int y, int x, int width, const struct top_vm *vm, const struct top_past *past)
{
	int i;

	for (i = 0; past && i < width; i++) {
		double p99 = past->p99[width - 1 - i];

		if (!isnan(p99))
			put(y, x + i, color(vm->bound ? p99 > vm->bound ? BAD : GOOD : PLAIN), glyphs->levels[top_level(p99)]);
	}
}

static attr_t attributes_of(enum top_vm_column column, const struct top_vm *vm)
{
	if (column == TOP_NAME)
		return A_BOLD;
	if (column != TOP_P99 || !vm->bound || isnan(vm->value[TOP_P99]))
		return 0;
	return top_is_late(vm) ? A_BOLD | color(BAD) : color(GOOD);
}

static void put_vm(int y, const int *widths, const struct top_vm *vm, const struct top_past *past)
{
	char text[TOP_TEXT], cell[TOP_TEXT];
	int x = 0, i;

	for (i = 0; i < NR_TOP_VM_COLUMNS; i++) {
		if (!widths[i])
			continue;
		if (i == TOP_SHARE)
			put_share(y, x, vm);
		else if (i == TOP_PAST)
			put_past(y, x, widths[i], vm, past);
		else
			put(y, x, attributes_of(i, vm),
			    top_cell(cell, top_vm_text(text, vm, i), widths[i], top_vm_columns[i].left));
		x += widths[i] + 1;
	}
}

/* How long ago the sparkline begins. */
static const char *past_heading(char text[TOP_TEXT], int width, uint64_t interval)
{
	double seconds = (double)width * interval / NSEC_PER_SEC;
	const char *what = width < 18 ? "PAST" : "S P99, PAST";

	if (seconds < 600)
		snprintf(text, TOP_TEXT, "%s %.0f s", what, seconds);
	else
		snprintf(text, TOP_TEXT, "%s %.0f min", what, seconds / 60);
	return text;
}

static void put_heading(int y, const int *widths, const struct top_view *view)
{
	char text[TOP_TEXT], cell[TOP_TEXT];
	int x = 0, i;

	put_bar_of_heading(y);
	for (i = 0; i < NR_TOP_VM_COLUMNS; i++) {
		const char *heading = i == TOP_PAST ? past_heading(text, widths[i], view->interval) : top_vm_columns[i].heading;

		if (!widths[i])
			continue;
		put(y, x, i == (int)view->by ? A_BOLD : A_REVERSE,
		    top_cell(cell, heading, widths[i], top_vm_columns[i].left));
		x += widths[i] + 1;
	}
}

static void put_vms(int y, const struct top_picture *picture, const struct top_pasts *pasts, const struct top_view *view)
{
	int widths[NR_TOP_VM_COLUMNS], longest = top_cells(top_vm_columns[TOP_NAME].heading);
	size_t i;

	for (i = 0; i < picture->nr_vms; i++)
		longest = longest_of(picture->vms[i].vm->name, longest);
	top_fit(widths, top_vm_columns, NR_TOP_VM_COLUMNS, COLS, longest);
	put_heading(y, widths, view);
	for (i = view->first; i < picture->nr_vms && ++y < LINES; i++)
		put_vm(y, widths, &picture->vms[i], top_past_of(pasts, picture->vms[i].vm->vm));
	if (!picture->nr_vms)
		put(y + 1, 0, 0, "no VM runs");
}

/* --- the lines above, and help --- */

static void put_head(const struct top_picture *picture, const struct top_view *view)
{
	char host[HOST_NAME_MAX + 1] = "", text[TOP_TEXT], time[16], every[UNITS_TEXT], shown[64] = "";
	const char *keys = COLS < 60 ? "h help" : "h help  q quit";
	size_t i, late = 0, last = view->first + page < picture->nr_vms ? view->first + page : picture->nr_vms;
	int x;

	for (i = 0; i < picture->nr_vms; i++)
		late += top_is_late(&picture->vms[i]);
	gethostname(host, sizeof(host) - 1);
	strftime(time, sizeof(time), "%H:%M:%S", localtime(&picture->time));
	if (view->first || last < picture->nr_vms)
		snprintf(shown, sizeof(shown), "%zu-%zu of ", view->first + 1, last);
	if (COLS < 80)
		snprintf(text, sizeof(text), "%s  %s%zu VMs by %s", time, shown, picture->nr_vms, top_vm_columns[view->by].by);
	else
		snprintf(text, sizeof(text), "%s  %s  every %s  %s%zu VMs by %s", host, time, units_print(every, view->interval),
			 shown, picture->nr_vms, top_vm_columns[view->by].by);
	put(0, 0, A_BOLD, text);
	x = top_cells(text);
	if (late) {
		snprintf(text, sizeof(text), "! %zu late", late);
		put(0, x + 2, A_BOLD | color(BAD), text);
		x += 2 + top_cells(text);
	}
	if (x + 2 + (int)strlen(keys) <= COLS)
		put(0, COLS - strlen(keys), 0, keys);
}

static void __attribute__((format(printf, 2, 3))) put_help(int *y, const char *format, ...)
{
	va_list arguments;
	char text[TOP_TEXT];

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	put((*y)++, 0, 0, text);
}

/* Two keys a line. */
static void put_sort_keys(int *y)
{
	char text[TOP_TEXT] = "";
	int i;

	for (i = 0; i < NR_TOP_VM_COLUMNS; i++) {
		const struct top_column *column = &top_vm_columns[i];

		if (!column->key)
			continue;
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " %c %-17s", column->key, column->by);
		if (strlen(text) > 20 || i == NR_TOP_VM_COLUMNS - 1) {
			put_help(y, "%s", text);
			*text = '\0';
		}
	}
	if (*text)
		put_help(y, "%s", text);
}

static void put_levels(int *y)
{
	char text[TOP_TEXT] = "", time[UNITS_TEXT];
	int i;

	for (i = 0; i < TOP_LEVELS; i++) {
		/* ASCII has a glyph for two. */
		if (i < TOP_LEVELS - 1 && !strcmp(glyphs->levels[i], glyphs->levels[i + 1]))
			continue;
		if (top_level_end(i))
			snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s to %s", glyphs->levels[i],
				 units_print(time, top_level_end(i)));
		else
			snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s more", glyphs->levels[i]);
		if (top_cells(text) > 27 || i == TOP_LEVELS - 1) {
			put_help(y, "%s", text);
			*text = '\0';
		}
	}
}

/* 40 cells wide. */
static void put_all_help(void)
{
	int y = 0;

	put_help(&y, "Sorted by, the largest first:");
	put_sort_keys(&y);
	put_help(&y, "More VMs: arrows, PgUp, PgDn, Home, End");
	put_help(&y, " h, ? help and back  q quit");
	y++;
	put_help(&y, "S: how long events waited for the CPU");
	put_help(&y, "since the picture before; worst: at most");
	put_help(&y, "! the p99 is above the VM's latency, or Ps-Qs of its pool");
	put_help(&y, "PAST: the p99 of each picture, that of");
	put_help(&y, "the last one at the right:");
	put_levels(&y);
	y++;
	put_help(&y, "Share of Q/P: %s own  %s on loan", glyphs->own, glyphs->loan);
	put_help(&y, "%s not used  %s all  %s more beyond it", glyphs->rest, glyphs->end, glyphs->more);
	put_help(&y, "Units: %s on loan  %s free; used: of what", glyphs->busy, glyphs->free);
	put_help(&y, "they can give; blocked: of those that");
	put_help(&y, "wanted one, who found none free");
}

void top_screen_draw(const struct top_picture *picture, const struct top_pasts *pasts, struct top_view *view)
{
	int y = 1;

	erase();
	if (view->help) {
		put_all_help();
		refresh();
		return;
	}
	if (view->notice)
		put(y++, 0, color(LENT), view->notice);
	y = put_pools(y, picture);
	page = LINES - y - 1 > 1 ? LINES - y - 1 : 1;
	if (view->first + page > picture->nr_vms)
		view->first = picture->nr_vms > (size_t)page ? picture->nr_vms - page : 0;
	put_head(picture, view);
	put_vms(y, picture, pasts, view);
	refresh();
}

/* --- keys --- */

static void move_by(struct top_view *view, long lines)
{
	if (lines < 0 && view->first < (size_t)-lines)
		view->first = 0;
	else
		view->first += lines;
}

static void take_key(struct top_view *view, int key)
{
	int i;

	switch (key) {
	case 'q':
		view->quit = true;
		return;
	case 'h':
	case '?':
		view->help = !view->help;
		return;
	case KEY_UP:
		move_by(view, -1);
		break;
	case KEY_DOWN:
		move_by(view, 1);
		break;
	case KEY_PPAGE:
		move_by(view, -page);
		break;
	case KEY_NPAGE:
		move_by(view, page);
		break;
	case KEY_HOME:
		view->first = 0;
		break;
	case KEY_END:
		view->first = SIZE_MAX / 2;
		break;
	default:
		for (i = 0; i < NR_TOP_VM_COLUMNS; i++)
			if (key && key == top_vm_columns[i].key)
				view->by = i;
	}
	if (key != KEY_RESIZE)
		view->help = false;
}

/* Who holds a key down, or pastes a text, still sees pictures. */
#define KEYS_AT_ONCE 64

void top_screen_keys(struct top_view *view)
{
	int key, i;

	for (i = 0; i < KEYS_AT_ONCE && (key = getch()) != ERR; i++)
		take_key(view, key);
}
