// SPDX-License-Identifier: GPL-2.0
/* dlspare top */
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "command/command.h"
#include "command/edit.h"
#include "command/interrupt.h"
#include "command/privilege.h"
#include "command/state.h"
#include "command/top.h"
#include "host/clock.h"
#include "host/units.h"

#define INTERVAL_MIN (100 * NSEC_PER_MSEC)
#define INTERVAL_MAX (3600 * NSEC_PER_SEC)

struct top {
	uint64_t count;			/* of pictures; 0: until q or an interrupt */
	bool screen;			/* else lines, or documents */
	struct top_view view;
	struct top_pasts pasts;		/* for a screen */
};

/* Interrupts come while the program waits, and at no other time. */
static void catch_interrupts(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	interrupt_catch(SIGINT);
	interrupt_catch(SIGTERM);
}

/* Sleeps; on a screen until a key too. An interrupt ends it, also one that came just before. */
static void wait_until(struct top *top, uint64_t deadline)
{
	struct pollfd keys = { .fd = STDIN_FILENO, .events = POLLIN };
	uint64_t now = clock_ns(CLOCK_MONOTONIC), rest = deadline > now ? deadline - now : 0;
	struct timespec time = { .tv_sec = rest / NSEC_PER_SEC, .tv_nsec = rest % NSEC_PER_SEC };
	sigset_t none;

	sigemptyset(&none);
	/* A terminal that is gone has no more keys, and would end each wait at once. */
	if (ppoll(&keys, top->screen ? 1 : 0, &time, &none) > 0 && keys.revents & (POLLHUP | POLLERR | POLLNVAL))
		top->view.quit = true;
}

/* Until it is time for the next picture. */
static void watch(struct top *top, struct top_picture *picture, uint64_t deadline)
{
	do {
		if (top->screen) {
			top_sort(picture, top->view.by);
			top_screen_draw(picture, &top->pasts, &top->view);
		}
		wait_until(top, deadline);
		if (top->screen)
			top_screen_keys(&top->view);
	} while (!top->view.quit && !interrupt_came() && clock_ns(CLOCK_MONOTONIC) < deadline);
}

static int print(struct top_picture *picture, const struct state *state, bool is_first)
{
	int code = DONE;

	top_sort(picture, TOP_NAME);
	if (options.json)
		code = top_print_json(picture, state);
	else
		top_print_lines(picture, is_first);
	fflush(stdout);
	return code;
}

/* Takes a picture of two looks, and shows it until the next. The first one has no look before it. */
static int show(struct top *top, const struct state *now, const struct state *before, uint64_t *printed, uint64_t deadline)
{
	struct top_picture picture;
	int code = DONE;

	if (!top_compare(&picture, now, before) || (top->screen && !top_past_add(&top->pasts, &picture))) {
		top_free(&picture);
		return fail(FAILED, "out of memory");
	}
	if (!top->screen && before->time)
		code = print(&picture, now, !(*printed)++);
	if (code == DONE && (!top->count || *printed < top->count))
		watch(top, &picture, deadline);
	top_free(&picture);
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
		if (code != DONE)
			break;
		deadline += top->view.interval;
		if (deadline < clock_ns(CLOCK_MONOTONIC))
			deadline = clock_ns(CLOCK_MONOTONIC);
		code = show(top, &now, &before, &printed, deadline);
	} while (code == DONE && !top->view.quit && !interrupt_came() && !ferror(stdout) && (!top->count || printed < top->count));
	state_free(&before);
	state_free(&now);
	top_past_free(&top->pasts);
	return code;
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
			code = edit_time_within("--interval", optarg, INTERVAL_MIN, INTERVAL_MAX, &top->view.interval);
			break;
		case 'c':
			code = edit_number("--count", optarg, 1, UINT32_MAX, &top->count);
			break;
		default:
			code = edit_unknown(argv, option);
		}
	}
	if (code == DONE && argc > optind)
		code = fail(WRONG_USAGE, "top: '%s' is one word too many; see dlspare top --help", argv[optind]);
	return code;
}

int cmd_top(int argc, char **argv)
{
	struct top top = { .view = { .interval = NSEC_PER_SEC, .by = TOP_NAME, .notice = privilege_lack() } };
	int code;

	code = read_options(&top, argc, argv);
	if (code != DONE)
		return code;
	if (top.view.notice)
		say("%s", top.view.notice);
	catch_interrupts();
	if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && !options.json && !top.count)
		top.screen = top_screen_open();
	code = run(&top);
	if (!top.screen)
		return code;
	top_screen_close();
	/* What was told why is gone with the screen. */
	return code == DONE ? DONE : fail(code, "the host cannot be looked at; dlspare status tells why");
}
