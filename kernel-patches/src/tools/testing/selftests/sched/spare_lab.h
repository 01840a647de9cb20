/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of spare deadline reservations are made of: clocks, the files of
 * a group, taps whose packets are events, and threads that borrow. All of it ends
 * the program with a message where it cannot go on.
 */
#ifndef SPARE_LAB_H
#define SPARE_LAB_H

#include <linux/if.h>
#include <linux/types.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#define NSEC_PER_SEC		1000000000LL
#define MSEC			1000000LL	/* in ns */

/* The unit, in the words of cpu.spare.pool and in ns. */
#define UNIT			"5000 20000"
#define UNIT_RUNTIME		(5 * MSEC)
#define UNIT_PERIOD		(20 * MSEC)

/* A borrower waits 190 of 200 ms. */
#define RUNTIME			(10 * MSEC)
#define PERIOD			(200 * MSEC)

/* One tick at 100 Hz, by which a budget may be overrun without HRTICK. */
#define SLACK			(10 * MSEC)

/* A thread that has not run for so long has no budget. */
#define QUIET			(10 * MSEC)

#define NR_BORROWERS		3

enum order { SPIN, BLOCK, EXIT };

/**
 * struct borrower - a thread under SCHED_DEADLINE, in memory shared with it
 * @ran: when it last ran, ns of CLOCK_MONOTONIC
 * @resumed: when it last ran after it had not for 2 ms
 * @order: what it is to do next, enum order; SPIN once obeyed
 * @ready: it has its reservation, or @error says why not
 * @error: errno of what failed
 * @wake: pipe whose bytes end its blocks
 * @pid: 0 if there is none
 * @started: when go() let it run
 */
struct borrower {
	atomic_llong	ran;
	atomic_llong	resumed;
	atomic_int	order;
	atomic_int	ready;
	atomic_int	error;
	int		wake[2];
	pid_t		pid;
	long long	started;
};

struct tap {
	int		fd;
	int		ifindex;
	char		name[IFNAMSIZ];
};

/* Shared by all processes, NR_BORROWERS of them. */
extern struct borrower *borrowers;
/* For how long a thread was held up at most in this test, ns; shared. */
extern atomic_llong *disturbance;
/* Where borrowers and units are. */
extern int cpu;

/* Clocks, ns */
long long now(void);
long long read_clock(clockid_t clock);
void sleep_ns(long long ns);
long long usec(long long ns);
/* A thread was held up for so long. */
void disturbed_for(long long ns);

/* Says why a test fails; false. */
__printf(1, 2) bool because(const char *format, ...);

/*
 * The files of a group: "." provides the pool, "a", "b" and "c" are below it.
 * Those that write return 0 or -errno, those that test tell of what is not so.
 */
int write_file(const char *path, const char *text);
int put(const char *group, const char *file, const char *text);
void must_put(const char *group, const char *file, const char *text);
void get(const char *group, const char *file, char *text, size_t size);
bool file_reads(const char *group, const char *file, const char *expected);
bool file_takes(const char *group, const char *file, const char *text);
bool file_refuses(const char *group, const char *file, const char *text, int expected);

/* cpu.spare.stat: a line of it, -1 if it is not there */
long long stat_of(const char *group, const char *key);
/*
 * cpu.spare.latency: a value of a line, -1 if it is not there; the sum of all lines
 * that count events. @how: "own", "loan", "waited" or "refused"
 */
long long latency_of(const char *group, const char *line, const char *how);
long long latency_count(const char *group, const char *how);
/* All lines are there, and no event was counted. */
bool latency_is_empty(const char *group);

/* A line of cpu.spare.stat of ".": it becomes that much, or is. */
bool reaches(const char *key, long long value, long long limit);
bool stays(const char *key, long long value);

/* "none" or "RUNTIME PERIOD", on the CPU under test; 0 or -errno */
int set_pool(const char *pool);

/* Taps: a packet that is sent to one is an event. */
struct tap tap_open(void);
void tap_bind(const char *group, const struct tap *tap);
void send_event(const struct tap *tap);

/* SCHED_OTHER if @runtime is 0; ns; 0 or -errno */
int reserve(pid_t pid, long long runtime, long long period);

/* A new thread in @group, which blocks until go(). One that has slept has its whole budget. */
struct borrower *borrower_start(int i, const char *group, long long runtime, long long period);
void borrower_stop(struct borrower *b);
void go(struct borrower *b);
/* Waits until @b has used its budget up. */
void await_depletion(struct borrower *b);
/* go() and await_depletion() */
void deplete(struct borrower *b);
/* When @b, which did not run then, ran after @since, ns; -1 if not within @limit. */
long long response(struct borrower *b, long long since, long long limit);

/* Admission control of SCHED_DEADLINE: an affinity may change only without. */
void set_admission(bool on);

/* The partition of the last CPU and its groups; a skip where the machine has none. */
void set_up(void);
/* False if something is left. */
bool tear_down(void);

#endif
