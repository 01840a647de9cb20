// SPDX-License-Identifier: GPL-2.0
#include "host/lock.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>

#include "host/clock.h"
#include "host/host.h"
#include "host/proc.h"

pid_t lock_parse(const char *text, dev_t device, uint64_t inode)
{
	unsigned int high, low;
	uint64_t number;
	int pid;

	/* "1: FLOCK  ADVISORY  WRITE 4711 00:1a:23 0 EOF"; those that wait have "->" before FLOCK. */
	for (; text; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (sscanf(text, "%*d: FLOCK %*s %*s %d %x:%x:%" SCNu64, &pid, &high, &low, &number) == 4 && pid > 0 &&
		    number == inode && makedev(high, low) == device)
			return pid;
	}
	return 0;
}

char *lock_holder(char text[LOCK_HOLDER], int fd)
{
	char *locks = host_read(host_path("/proc/locks"), NULL);
	struct proc_stat process;
	struct stat file;
	pid_t pid = 0;

	if (locks && !fstat(fd, &file))
		pid = lock_parse(locks, file.st_dev, file.st_ino);
	free(locks);
	if (pid && proc_stat(&process, pid, 0))
		snprintf(text, LOCK_HOLDER, "%s (pid %d)", process.comm, (int)pid);
	else
		strcpy(text, "somebody");
	return text;
}

static void tick(int signal)
{
	(void)signal;
}

/* Each tick of the timer ends the call with EINTR. */
static int wait_for(int fd, int how, lock_waits *waits, void *data)
{
	int64_t start = clock_ms(CLOCK_MONOTONIC), waited;
	char holder[LOCK_HOLDER];

	while (flock(fd, how)) {
		if (errno != EINTR)
			return -1;
		waited = clock_ms(CLOCK_MONOTONIC) - start;
		if (waited >= LOCK_END_MS) {
			errno = ETIMEDOUT;
			return -1;
		}
		if (waits && waited >= LOCK_TELL_MS) {
			waits(lock_holder(holder, fd), data);
			waits = NULL;
		}
	}
	return 0;
}

int lock_take(int fd, bool to_look, lock_waits *waits, void *data)
{
	/* Again and again: one that comes before the call would be lost. */
	const struct itimerval ticks = { { 0, LOCK_TELL_MS * 1000 / 4 }, { 0, LOCK_TELL_MS * 1000 / 4 } }, none = { 0 };
	const struct sigaction action = { .sa_handler = tick };
	const int how = to_look ? LOCK_SH : LOCK_EX;
	struct sigaction before;
	sigset_t alarms, blocked;
	int status, error;

	if (!flock(fd, how | LOCK_NB))
		return 0;
	if (errno != EWOULDBLOCK)
		return -1;
	sigemptyset(&alarms);
	sigaddset(&alarms, SIGALRM);
	if (sigaction(SIGALRM, &action, &before) || sigprocmask(SIG_UNBLOCK, &alarms, &blocked))
		return -1;
	status = setitimer(ITIMER_REAL, &ticks, NULL) ? -1 : wait_for(fd, how, waits, data);
	error = errno;
	setitimer(ITIMER_REAL, &none, NULL);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	sigaction(SIGALRM, &before, NULL);
	errno = error;
	return status;
}
