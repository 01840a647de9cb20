// SPDX-License-Identifier: GPL-2.0
/* dlspare top */
#include <curses.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "command/command.h"
#include "command/edit.h"
#include "command/output.h"
#include "command/privilege.h"
#include "command/state.h"
#include "host/clock.h"

#define INTERVAL_MIN (100 * NSEC_PER_MSEC)
#define INTERVAL_MAX (3600 * NSEC_PER_SEC)

/* Columns of a screen and of lines: VM, PID, Q/P, and these. */
enum {
	CPU,
	LOAN,
	EVENTS,
	LOANS,
	WAITS,
	WAIT,
	NR_RATES
};

static const struct column {
	const char *heading;
	int width;
	int digits;			/* behind the point */
	char key;			/* sorts by it */
	const char *json;
	double unit;			/* there */
} columns[NR_RATES] = {
	[CPU] = { "%CPU", 7, 1, 'c', "cpu_share", 0.01 },
	[LOAN] = { "%LOAN", 7, 1, 'b', "loan_share", 0.01 },
	[EVENTS] = { "EVENTS/s", 10, 1, 'e', "events_per_second", 1 },
	[LOANS] = { "LOANS/s", 9, 1, 'l', "loans_per_second", 1 },
	[WAITS] = { "WAITS/s", 9, 1, 'w', "waits_per_second", 1 },
	[WAIT] = { "WAIT ms", 9, 3, 't', "wait_mean_ns", NSEC_PER_MSEC },
};

#define BY_NAME NR_RATES

struct row {
	const struct state_vm *vm;
	bool counted;			/* it has all rates, else that of the CPU only */
	double rate[NR_RATES];
};

struct picture {
	struct row *rows;
	size_t nr;
};

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

/* --- rates --- */

/* A group that was made anew counts from 0. */
static double grown(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

static double counted(const struct state_vm *now, const struct state_vm *before, enum state_counter counter)
{
	return grown(now->counters.value[counter], before->counters.value[counter]);
}

static const struct state_vm *same_vm(const struct state *state, const struct state_vm *vm)
{
	size_t i;

	for (i = 0; i < state->nr_vms; i++)
		if (state->vms[i].vm && state->vms[i].vm->pid == vm->vm->pid && state->vms[i].vm->start == vm->vm->start)
			return &state->vms[i];
	return NULL;
}

/* A VM that was not there before counts from its start, for what concerns the CPU. */
static void measure(struct row *row, const struct state_vm *now, const struct state_vm *before, double ns)
{
	double waits;

	*row = (struct row){ .vm = now };
	if (!before) {
		row->rate[CPU] = now->age ? 100.0 * now->cpu_time / now->age : 0;
		return;
	}
	row->counted = now->counters.known && before->counters.known;
	waits = counted(now, before, STATE_WAITS);
	row->rate[CPU] = 100 * grown(now->cpu_time, before->cpu_time) / ns;
	row->rate[LOAN] = 100 * counted(now, before, STATE_BORROWED) / ns;
	row->rate[EVENTS] = counted(now, before, STATE_EVENTS) * NSEC_PER_SEC / ns;
	row->rate[LOANS] = counted(now, before, STATE_LOANS) * NSEC_PER_SEC / ns;
	row->rate[WAITS] = waits * NSEC_PER_SEC / ns;
	row->rate[WAIT] = waits ? counted(now, before, STATE_WAITED) / waits / NSEC_PER_MSEC : 0;
}

static int by_rate(const void *a, const void *b, void *key)
{
	const struct row *one = a, *other = b;
	double x = one->rate[*(int *)key], y = other->rate[*(int *)key];

	return x == y ? strcmp(one->vm->name, other->vm->name) : x < y ? 1 : -1;
}

/* The VMs that run, by name or by a rate. False without memory. */
static bool compare(struct picture *picture, const struct state *now, const struct state *before, int sort)
{
	double ns = now->time > before->time ? now->time - before->time : 1;
	size_t i;

	*picture = (struct picture){ .rows = calloc(now->nr_vms + 1, sizeof(*picture->rows)) };
	if (!picture->rows)
		return false;
	for (i = 0; i < now->nr_vms; i++)
		if (now->vms[i].vm)
			measure(&picture->rows[picture->nr++], &now->vms[i], same_vm(before, &now->vms[i]), ns);
	if (sort != BY_NAME)
		qsort_r(picture->rows, picture->nr, sizeof(*picture->rows), by_rate, &sort);
	return true;
}

/* --- JSON: a document a picture, each in a line --- */

static json_t *row_json(const struct row *row)
{
	json_t *json = json_pack("{s:o, s:i, s:o, s:s?}", "name", output_json_text(row->vm->name), "pid",
				 (int)row->vm->vm->pid, "reservation", output_json_reservation(row->vm->reservation),
				 "pool", row->vm->pool ? row->vm->pool->name : NULL);
	int i;

	for (i = 0; i < NR_RATES; i++)
		json_object_set_new(json, columns[i].json,
				    i == CPU || row->counted ? json_real(row->rate[i] * columns[i].unit) : json_null());
	return json;
}

static int print_json(const struct picture *picture, const struct state *state)
{
	json_t *vms = json_array(), *pools = json_array();
	size_t i;

	for (i = 0; i < picture->nr; i++)
		json_array_append_new(vms, row_json(&picture->rows[i]));
	for (i = 0; i < state->nr_pools; i++) {
		const struct state_pool *pool = &state->pools[i];

		json_array_append_new(pools, json_pack("{s:s, s:I, s:I}", "name", pool->policy->name, "units",
						       (json_int_t)pool->counters.value[STATE_UNITS], "units_busy",
						       (json_int_t)pool->counters.value[STATE_UNITS_BUSY]));
	}
	return output_json_line("top", json_pack("{s:I, s:o, s:o}", "boottime_ns", (json_int_t)state->time, "vms", vms, "pools",
						 pools));
}

/* --- rows of text, on a screen or as lines --- */

#define NAME_WIDTH 20
#define PID_WIDTH 8
#define RESERVATION_WIDTH 16

/* The text in exactly so many columns of a terminal, with '?' for each byte that is no letter there. */
static char *fit(char *to, size_t size, const char *text, int width)
{
	size_t used = 0;

	while (*text && used + MB_LEN_MAX + width < size) {
		wchar_t letter = L'?';
		int length = mbtowc(&letter, text, MB_LEN_MAX);
		bool good = length > 0 && wcwidth(letter) >= 0;
		int taken = good ? wcwidth(letter) : 1;

		if (taken > width)
			break;
		if (!good)
			length = 1;
		memcpy(to + used, good ? text : "?", length);
		used += length;
		text += length;
		width -= taken;
	}
	sprintf(to + used, "%*s", width, "");
	return to;
}

/* The next cell of a row; on a screen one that does not fit is left out, and a narrower one may follow. */
static void put(int *x, int width, const char *text)
{
	if (stdscr && *x + width > COLS)
		return;
	if (stdscr)
		mvaddstr(getcury(stdscr), *x, text);
	else
		fputs(text, stdout);
	*x += width;
}

static void put_vm(int *x, const char *name, const char *pid, const char *reservation)
{
	int width = stdscr && COLS < NAME_WIDTH ? COLS : NAME_WIDTH;
	char cell[512];

	put(x, width, fit(cell, sizeof(cell), name, width));
	snprintf(cell, sizeof(cell), "%*s", PID_WIDTH, pid);
	put(x, PID_WIDTH, cell);
	strcpy(cell, "  ");
	fit(cell + 2, sizeof(cell) - 2, reservation, RESERVATION_WIDTH - 2);
	put(x, RESERVATION_WIDTH, cell);
}

static void put_head(void)
{
	char cell[64];
	int x = 0, i;

	put_vm(&x, "VM", "PID", "Q/P");
	for (i = 0; i < NR_RATES; i++) {
		snprintf(cell, sizeof(cell), "%*s", columns[i].width, columns[i].heading);
		put(&x, columns[i].width, cell);
	}
}

static void put_row(const struct row *row)
{
	char cell[64], reservation[OUTPUT_RESERVATION];
	int x = 0, i;

	snprintf(cell, sizeof(cell), "%d", (int)row->vm->vm->pid);
	put_vm(&x, row->vm->name, cell, output_reservation(reservation, row->vm->reservation));
	for (i = 0; i < NR_RATES; i++) {
		if (i == CPU || row->counted)
			snprintf(cell, sizeof(cell), "%*.*f", columns[i].width, columns[i].digits, row->rate[i]);
		else
			snprintf(cell, sizeof(cell), "%*s", columns[i].width, "-");
		put(&x, columns[i].width, cell);
	}
}

static void print_lines(const struct picture *picture, bool first)
{
	time_t now = time(NULL);
	char text[16];
	size_t i;

	strftime(text, sizeof(text), "%H:%M:%S ", localtime(&now));
	if (first) {
		printf("%-9s", "TIME");
		put_head();
		putchar('\n');
	}
	for (i = 0; i < picture->nr; i++) {
		fputs(text, stdout);
		put_row(&picture->rows[i]);
		putchar('\n');
	}
}

static void __attribute__((format(printf, 2, 3))) put_line(int y, const char *format, ...)
{
	va_list arguments;
	char text[256];

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	mvaddnstr(y, 0, text, COLS);
}

static void draw(const struct picture *picture, const struct state *state, int sort)
{
	int y = 0;
	size_t i;

	erase();
	put_line(y++, "%zu VMs by %s", picture->nr, sort == BY_NAME ? "name" : columns[sort].heading);
	put_line(y++, "q quit; sort by: n name, c %%CPU, b %%LOAN, e EVENTS, l LOANS, w WAITS, t WAIT");
	for (i = 0; i < state->nr_pools; i++)
		if (state->pools[i].counters.known)
			put_line(y++, "pool %s: %" PRIu64 " of %" PRIu64 " units on loan", state->pools[i].policy->name,
				 state->pools[i].counters.value[STATE_UNITS_BUSY],
				 state->pools[i].counters.value[STATE_UNITS]);
	attron(A_REVERSE);
	mvhline(y, 0, ' ' | A_REVERSE, COLS);
	move(y, 0);
	put_head();
	attroff(A_REVERSE);
	for (i = 0; i < picture->nr && ++y < LINES; i++) {
		move(y, 0);
		put_row(&picture->rows[i]);
	}
	refresh();
}

/* --- the command --- */

struct top {
	uint64_t interval;
	uint64_t count;			/* of pictures; 0: until q or an interrupt */
	SCREEN *screen;			/* NULL: lines */
	int sort;
	bool quit;
};

/* Sleeps; on a screen until a key too. An interrupt ends it, also one that came just before. */
static void wait_until(const struct top *top, uint64_t deadline)
{
	struct pollfd keys = { .fd = STDIN_FILENO, .events = POLLIN };
	uint64_t now = clock_ns(CLOCK_MONOTONIC), rest = deadline > now ? deadline - now : 0;
	struct timespec time = { .tv_sec = rest / NSEC_PER_SEC, .tv_nsec = rest % NSEC_PER_SEC };
	sigset_t none;

	sigemptyset(&none);
	ppoll(&keys, top->screen ? 1 : 0, &time, &none);
}

static void take_key(struct top *top)
{
	int key = getch(), i;

	top->quit |= key == 'q';
	if (key == 'n')
		top->sort = BY_NAME;
	for (i = 0; i < NR_RATES; i++)
		if (key == columns[i].key)
			top->sort = i;
}

/* Until it is time for the next picture. */
static int watch(struct top *top, const struct state *now, const struct state *before, uint64_t deadline)
{
	struct picture picture;

	do {
		if (top->screen) {
			if (!compare(&picture, now, before, top->sort))
				return fail(FAILED, "out of memory");
			draw(&picture, now, top->sort);
			free(picture.rows);
		}
		wait_until(top, deadline);
		if (top->screen)
			take_key(top);
	} while (!top->quit && !interrupted && clock_ns(CLOCK_MONOTONIC) < deadline);
	return DONE;
}

static int print(const struct state *now, const struct state *before, bool is_first)
{
	struct picture picture;
	int code = DONE;

	if (!compare(&picture, now, before, BY_NAME))
		return fail(FAILED, "out of memory");
	if (options.json)
		code = print_json(&picture, now);
	else
		print_lines(&picture, is_first);
	fflush(stdout);
	free(picture.rows);
	return code;
}

static int run(struct top *top)
{
	struct state before = { 0 }, now = { 0 };
	uint64_t deadline = clock_ns(CLOCK_MONOTONIC), printed = 0;
	int code;

	do {
		state_free(&before);
		before = now;
		code = state_read(&now);
		/* Rates need two looks. */
		if (code == DONE && !top->screen && before.time)
			code = print(&now, &before, !printed++);
		if (code != DONE || (top->count && printed == top->count))
			break;
		deadline += top->interval;
		if (deadline < clock_ns(CLOCK_MONOTONIC))
			deadline = clock_ns(CLOCK_MONOTONIC);
		code = watch(top, &now, &before, deadline);
	} while (code == DONE && !top->quit && !interrupted);
	state_free(&before);
	state_free(&now);
	return code;
}

/* Interrupts come while the program waits, and at no other time. */
static void catch_interrupts(void)
{
	struct sigaction action = { .sa_handler = interrupt };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static void open_screen(struct top *top)
{
	top->screen = newterm(NULL, stdout, stdin);
	/* A terminal that cannot move its cursor gets lines. */
	if (!top->screen)
		return;
	cbreak();
	noecho();
	nodelay(stdscr, TRUE);
	curs_set(0);
}

static void close_screen(struct top *top)
{
	endwin();
	delscreen(top->screen);
}

static int read_options(struct top *top, int argc, char **argv)
{
	static const struct option list[] = {
		{ "interval", required_argument, NULL, 'i' },
		{ "count", required_argument, NULL, 'c' },
		{ 0 },
	};
	int option, code = DONE;

	opterr = 0;
	while (code == DONE && (option = getopt_long(argc, argv, ":", list, NULL)) != -1) {
		switch (option) {
		case 'i':
			code = edit_time("--interval", optarg, &top->interval);
			break;
		case 'c':
			code = edit_number("--count", optarg, 1, UINT32_MAX, &top->count);
			break;
		default:
			code = edit_unknown(argv, option);
		}
		if (code == DONE && (top->interval < INTERVAL_MIN || top->interval > INTERVAL_MAX))
			code = fail(WRONG_USAGE, "--interval '%s': it must be 100ms to 3600s", optarg);
	}
	if (code == DONE && argc > optind)
		code = fail(WRONG_USAGE, "top: '%s' is one word too many; see dlspare top --help", argv[optind]);
	return code;
}

int cmd_top(int argc, char **argv)
{
	struct top top = { .interval = NSEC_PER_SEC, .sort = BY_NAME };
	const char *lack = privilege_lack();
	int code;

	code = read_options(&top, argc, argv);
	if (code != DONE)
		return code;
	if (lack)
		say("%s", lack);
	catch_interrupts();
	if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && !options.json && !top.count)
		open_screen(&top);
	code = run(&top);
	if (!top.screen)
		return code;
	close_screen(&top);
	/* What was told why is gone with the screen. */
	return code == DONE ? DONE : fail(code, "the host cannot be looked at; dlspare status tells why");
}
