// sources: tests/unit/host_tree.c
/* Locks: who waits is told for whom, and not for ever. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/lock.h"

/* Nobody waits for a minute here. */
#undef LOCK_END_MS
#define LOCK_END_MS 1500
#include "cgroup-tools/host/lock.c"

#include "host_tree.h"

#define LOCKS "1: POSIX  ADVISORY  WRITE 10 fe:01:77 0 EOF\n" \
	"2: FLOCK  ADVISORY  WRITE 11 fe:01:78 0 EOF\n" \
	"3: FLOCK  ADVISORY  WRITE 12 fe:02:77 0 EOF\n" \
	"4: -> FLOCK  ADVISORY  WRITE 13 fe:01:77 0 EOF\n" \
	"5: FLOCK  ADVISORY  READ  14 fe:01:77 0 EOF\n" \
	"6: FLOCK  ADVISORY  READ  15 fe:01:77 0 EOF\n"

static char told[LOCK_HOLDER];

static void hear(const char *holder, void *data)
{
	++*(int *)data;
	snprintf(told, sizeof(told), "%s", holder);
}

static int open_lock(void)
{
	int fd = open(host_path("/lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}

/* A child that has the lock, for so long. */
static pid_t hold(unsigned int us)
{
	int ready[2];
	pid_t pid;
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		if (!lock_take(open_lock(), false, NULL, NULL))
			close(ready[1]);
		usleep(us);
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 0);
	close(ready[0]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void finds_the_holder_of_the_file(void **state)
{
	(void)state;
	assert_int_equal(lock_parse(LOCKS, makedev(0xfe, 1), 77), 14);
	assert_int_equal(lock_parse(LOCKS, makedev(0xfe, 1), 78), 11);
	assert_int_equal(lock_parse(LOCKS, makedev(0xfe, 2), 77), 12);
	assert_int_equal(lock_parse(LOCKS, makedev(0xfe, 1), 79), 0);
	assert_int_equal(lock_parse("", makedev(0xfe, 1), 77), 0);
	assert_int_equal(lock_parse("FLOCK\n1: FLOCK\n\n1: FLOCK a b -1 fe:01:77", makedev(0xfe, 1), 77), 0);
}

static void those_who_look_do_not_wait_for_each_other(void **state)
{
	int a = open_lock(), b = open_lock(), times = 0;

	(void)state;
	assert_int_equal(lock_take(a, true, hear, &times), 0);
	assert_int_equal(lock_take(b, true, hear, &times), 0);
	assert_int_equal(times, 0);
	close(a);
	close(b);
}

static void who_waits_shortly_is_told_nothing(void **state)
{
	pid_t pid = hold(300000);
	int fd = open_lock(), times = 0;

	(void)state;
	assert_int_equal(lock_take(fd, false, hear, &times), 0);
	assert_int_equal(times, 0);
	close(fd);
	end(pid);
}

static void who_waits_is_told_for_whom_and_then_has_an_end(void **state)
{
	struct sigaction before = { .sa_handler = SIG_IGN }, after;
	int fd = open_lock(), times = 0;
	char expected[LOCK_HOLDER];
	struct stat file;
	pid_t pid = hold(60000000);
	sigset_t alarms;

	(void)state;
	assert_int_equal(fstat(fd, &file), 0);
	snprintf(expected, sizeof(expected), "1: FLOCK  ADVISORY  WRITE %d %02x:%02x:%lu 0 EOF\n", (int)pid, major(file.st_dev),
		 minor(file.st_dev), (unsigned long)file.st_ino);
	host_tree_put(expected, "/proc/locks");
	host_tree_task(pid, pid, "dlspared", 0);
	/* Whatever its parent has done with this signal. */
	sigaction(SIGALRM, &before, NULL);
	sigemptyset(&alarms);
	sigaddset(&alarms, SIGALRM);
	sigprocmask(SIG_BLOCK, &alarms, NULL);

	assert_int_equal(lock_take(fd, true, hear, &times), -1);
	assert_int_equal(errno, ETIMEDOUT);
	assert_int_equal(times, 1);
	snprintf(expected, sizeof(expected), "dlspared (pid %d)", (int)pid);
	assert_string_equal(told, expected);
	assert_int_equal(sigaction(SIGALRM, NULL, &after), 0);
	assert_true(after.sa_handler == SIG_IGN);
	end(pid);
	assert_int_equal(lock_take(fd, false, hear, &times), 0);
	close(fd);
}

static void a_holder_that_is_not_known_is_somebody(void **state)
{
	char text[LOCK_HOLDER];
	int fd = open_lock();

	(void)state;
	assert_string_equal(lock_holder(text, fd), "somebody");
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, host_tree_make, host_tree_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_holder_of_the_file),
		TEST(those_who_look_do_not_wait_for_each_other),
		TEST(who_waits_shortly_is_told_nothing),
		TEST(who_waits_is_told_for_whom_and_then_has_an_end),
		TEST(a_holder_that_is_not_known_is_somebody),
	};

	return cmocka_run_group_tests_name("lock", tests, NULL, NULL);
}
