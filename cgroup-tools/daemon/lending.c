// SPDX-License-Identifier: GPL-2.0
#include "daemon/lending.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/clock.h"
#include "host/result.h"

#define PROGRAM "dlspare-lender"

#define PAUSE_FIRST_MS 1000
#define PAUSE_MOST_MS 600000
/* One that has run for so long has started well. */
#define STEADY_MS 60000
/* So long it may take to end when it is asked to. */
#define END_MS 1000
#define END_LOOK_MS 10

static pid_t child;			/* 0: none */
static int64_t started, due;		/* by CLOCK_MONOTONIC, ms: due is 0 unless it waits for that */
static int pause_ms = PAUSE_FIRST_MS;
static bool told;

/* In this program's folder. */
static bool find(char path[PATH_MAX])
{
	ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
	char *slash;

	if (length < 0)
		return false;
	path[length] = '\0';
	slash = strrchr(path, '/');
	errno = ENAMETOOLONG;
	if (!slash || slash + 1 + sizeof(PROGRAM) > path + PATH_MAX)
		return false;
	strcpy(slash + 1, PROGRAM);
	return !access(path, X_OK);
}

/* In the child. What is blocked here for the daemon's signalfd it would not get; and it is not the service's main process. */
static void run(const char *path, pid_t daemon)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* The daemon may have died before that. */
	if (getppid() != daemon)
		_exit(FAILED);
	unsetenv("NOTIFY_SOCKET");
	execl(path, PROGRAM, NULL);
	_exit(FAILED);
}

/* Once, until one has started well. */
static void tell_once(lending_tell *tell, const char *what)
{
	char text[256];

	if (told)
		return;
	told = true;
	snprintf(text, sizeof(text), PROGRAM " %s: until it runs, which is tried again and again, units are not lent", what);
	tell(text);
}

static void wait_longer(void)
{
	due = clock_ms(CLOCK_MONOTONIC) + pause_ms;
	pause_ms = pause_ms < PAUSE_MOST_MS / 2 ? pause_ms * 2 : PAUSE_MOST_MS;
}

static void start(lending_tell *tell)
{
	pid_t daemon = getpid();
	char path[PATH_MAX], what[128];

	started = clock_ms(CLOCK_MONOTONIC);
	due = 0;
	child = find(path) ? fork() : -1;
	if (!child)
		run(path, daemon);
	if (child > 0)
		return;
	child = 0;
	snprintf(what, sizeof(what), "cannot be started (%s)", strerror(errno));
	tell_once(tell, what);
	wait_longer();
}

/* Has it ended? By what, in words. */
static bool has_ended(char *what, size_t size)
{
	int status;

	if (!child || waitpid(child, &status, WNOHANG) != child)
		return false;
	child = 0;
	if (WIFSIGNALED(status))
		snprintf(what, size, "was killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(what, size, "has ended with status %d", WEXITSTATUS(status));
	return true;
}

static void end(void)
{
	char what[128];
	int left;

	kill(child, SIGTERM);
	for (left = END_MS / END_LOOK_MS; left && !has_ended(what, sizeof(what)); left--)
		usleep(END_LOOK_MS * 1000);
	if (child) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		child = 0;
	}
}

void lending_keep(bool wanted, lending_tell *tell)
{
	int64_t now = clock_ms(CLOCK_MONOTONIC);
	char what[128];

	if (child && now - started >= STEADY_MS) {
		pause_ms = PAUSE_FIRST_MS;
		told = false;
	}
	if (has_ended(what, sizeof(what)) && wanted) {
		tell_once(tell, what);
		wait_longer();
	}
	if (wanted && !child && now >= due)
		start(tell);
	if (wanted)
		return;
	if (child)
		end();
	due = 0;
	pause_ms = PAUSE_FIRST_MS;
	told = false;
}

void lending_reload(void)
{
	if (child)
		kill(child, SIGHUP);
}

int lending_pause_ms(int most)
{
	int64_t left = due ? due - clock_ms(CLOCK_MONOTONIC) : most;

	return left < 0 ? 0 : left < most ? left : most;
}
