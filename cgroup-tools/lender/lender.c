// SPDX-License-Identifier: GPL-2.0
/*
 * dlspare-lender: lends units of pools to vCPUs whose quota is gone, on a kernel that cannot. dlspared starts it, and it ends
 * with that. One thread, with a reservation of its own, does what cannot wait; the first one looks who there is, and writes
 * counters.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "host/clock.h"
#include "host/file.h"
#include "host/group.h"
#include "host/spare.h"
#include "host/thread.h"
#include "lender/loans.h"

/* How often counters are written, and who there is is looked at, in ms. */
#define WRITE_MS 200
#define LOOK_MS 1000
/* So many are remembered, not to be told twice. */
#define COMPLAINTS 64
/* What the thread that lends takes of a CPU at most, ns: with any number of interrupts it takes no more. */
static const struct reservation own = { .runtime = 2000000, .period = 10000000 };
/* Where that cannot be had; above those of units (unit.c). */
#define OWN_CLASS "fifo 50"

static int told = -1, timer = -1;
static _Atomic bool ends;
static struct watch *watch;

/* --- messages: dlspared's journal has them --- */

static void __attribute__((format(printf, 2, 3))) say(int priority, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fprintf(stderr, "<%d>dlspare-lender: ", priority);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
}

static int __attribute__((format(printf, 2, 3))) fail(int code, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	say(3, "%s", text);
	return code;
}

/* What goes on is told once. */
static void __attribute__((format(printf, 1, 2))) complain(const char *format, ...)
{
	static char before[COMPLAINTS][512];
	static unsigned int turn;
	va_list arguments;
	char now[512];
	int i;

	va_start(arguments, format);
	vsnprintf(now, sizeof(now), format, arguments);
	va_end(arguments);
	for (i = 0; i < COMPLAINTS; i++)
		if (!strcmp(before[i], now))
			return;
	strcpy(before[turn++ % COMPLAINTS], now);
	say(4, "%s", now);
}

static void complain_of(const char *group, const char *file, const char *text)
{
	complain("%s/%s: '%s' cannot be kept here, so it counts for nothing", group, file, text);
}

static void complain_of_group(const char *group, const char *text)
{
	complain("%s: %s", group, text);
}

/* --- the thread that lends --- */

static void set_timer(uint64_t time)
{
	const struct itimerspec when = { .it_value = { .tv_sec = time / 1000000000, .tv_nsec = time % 1000000000 } };

	/* It cannot fail: the time is one of the clock. */
	timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void choose_class(pid_t tid)
{
	char *text = thread_class_text(own);

	if (!text || thread_set_class(tid, text)) {
		say(6, "no reservation of its own: %s; it is %s", strerror(errno), OWN_CLASS);
		if (thread_set_class(tid, OWN_CLASS))
			say(4, "no priority: %s; events wait for the lender, too", strerror(errno));
	}
	free(text);
}

static void *lend(void *argument)
{
	const int epoll = *(int *)argument;
	struct epoll_event events[3];
	uint64_t count;

	choose_class(gettid());
	while (!ends) {
		if (epoll_wait(epoll, events, 3, -1) < 0 && errno != EINTR)
			break;
		/* What they count is of no interest, but that they can be read: they can no more. */
		(void)!read(told, &count, sizeof(count));
		(void)!read(timer, &count, sizeof(count));
		set_timer(loans_go_on());
	}
	return NULL;
}

static bool add_source(int epoll, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	return fd >= 0 && !epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

/* --- the other one --- */

static void look(void)
{
	struct scene scene;

	if (!scene_look(&scene, complain_of) || loans_set(&scene, complain_of_group))
		complain("not all who may borrow are served: %s", strerror(errno));
	scene_free(&scene);
}

static void write_counters(const char *group, const char *stat, const char *latency)
{
	if (spare_lender_tell(group, stat, latency))
		complain("%s: counters are not written: %s", spare_lender_path(group, NULL), file_error(errno));
}

/* False: to end. */
static bool wait_for_signal(int signals, int ms)
{
	struct pollfd source = { .fd = signals, .events = POLLIN };
	struct signalfd_siginfo info;

	if (poll(&source, 1, ms) <= 0)
		return true;
	while (read(signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGHUP)
			return false;
		look();
	}
	return true;
}

static void look_and_write(int signals)
{
	int64_t looked = clock_ms(CLOCK_MONOTONIC);

	look();
	while (wait_for_signal(signals, WRITE_MS)) {
		if (clock_ms(CLOCK_MONOTONIC) - looked >= LOOK_MS) {
			looked = clock_ms(CLOCK_MONOTONIC);
			look();
		}
		loans_report(write_counters);
	}
}

/* --- beginning and end --- */

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (pthread_sigmask(SIG_BLOCK, &set, NULL))
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int run(void)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC), signals = open_signals(), code;
	char error[RESULT_ERROR];
	struct hooks hooks;
	pthread_t lender;

	if (group_start())
		return fail(MISSING, "no control groups, version 2: %s", strerror(errno));
	told = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	code = hooks_find(&hooks, error);
	if (code == DONE)
		code = watch_open(&watch, &hooks, true, error);
	if (code == DONE)
		code = watch_start(watch, &hooks, error);
	if (code != DONE)
		return fail(code, "%s", error);
	if (signals < 0 || loans_start(watch, told) || !add_source(epoll, told) || !add_source(epoll, timer) ||
	    !add_source(epoll, watch_fd(watch)))
		return fail(FAILED, "it cannot begin: %s", strerror(errno));
	/* To wait for a page is to be late. Without it, it is late now and then. */
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		say(4, "its memory cannot be locked: %s", strerror(errno));
	errno = pthread_create(&lender, NULL, lend, &epoll);
	if (errno)
		return fail(FAILED, "no thread: %s", strerror(errno));
	look_and_write(signals);
	ends = true;
	eventfd_write(told, 1);
	pthread_join(lender, NULL);
	loans_stop();
	watch_close(watch);
	return DONE;
}

static void usage(void)
{
	puts("Usage: dlspare-lender\n\n"
	     "Lends spare reservations to VMs whose quota is gone, where the kernel cannot. dlspared starts it.\n"
	     "SIGHUP: looks at once who may borrow.\n\n"
	     "  -h, --help\n"
	     "  -V, --version\n");
}

int main(int argc, char **argv)
{
	static const struct option list[] = { { "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' }, { 0 } };
	int option;

	while ((option = getopt_long(argc, argv, "hV", list, NULL)) != -1) {
		switch (option) {
		case 'h':
			usage();
			return DONE;
		case 'V':
			puts("dlspare-lender " VERSION);
			return DONE;
		default:
			return WRONG_USAGE;
		}
	}
	if (argc > optind)
		return fail(WRONG_USAGE, "'%s' is one word too many; see dlspare-lender --help", argv[optind]);
	return run();
}
