/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the programs that count instructions share: time, groups, reservations
 * and taps. All times are in ns; with the testbed's clock one is one instruction.
 * A call that fails ends the program with a message and status 1.
 */
#ifndef LAB_H
#define LAB_H

#include <linux/if_packet.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MS 1000000LL	/* ns */

struct tap {
	int fd;		/* the owner's end, does not block */
	int sock;	/* sends to the kernel's end */
	struct sockaddr_ll to;
};

/* Says which system call, by errno, and ends. */
void die(const char *what) __attribute__((noreturn));

/* CLOCK_MONOTONIC. */
int64_t now(void);
void pause_ns(int64_t ns);
/* What a process has run. */
int64_t cpu_time_of(pid_t pid);

/* Sorts @value; the upper of the two in the middle if @count is even. */
int64_t median(int64_t *value, size_t count);

/* What sched_setattr(2) takes, but for its size. */
struct attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

/* @pid 0 is the caller, here and below. Returns 0 or a negative errno. */
int set_attributes(pid_t pid, struct attributes attributes);

/* SCHED_DEADLINE with an implicit deadline, not inherited. */
void reserve(pid_t pid, int64_t runtime, int64_t period);

/* A child that runs @run and dies with its parent. */
pid_t child(void (*run)(void *), void *data);

/* A plain lock, in memory that processes share: 0 is free. */
#define LOCK_TAKEN	1
#define LOCK_WAITED	2	/* taken, and somebody waits for it */

void lock_take(_Atomic int *lock);
void lock_drop(_Atomic int *lock);

/* Returns 0 or what the write was refused with. */
int try_put(const char *path, const char *text);
/* A group's name is relative to the root group: "" is that itself. */
void put(const char *group, const char *file, const char *text);
void join(const char *group, pid_t pid);
/* -1 if cpu.spare.stat of the group has no such key. */
long long stat_of(const char *group, const char *key);

/* A tap that is up. */
struct tap tap_open(const char *name);
/* Takes what has come: without that the tap's queue fills. */
void tap_empty(const struct tap *tap);
/* One frame of 60 bytes. Returns how long sending took; the tap is emptied before. */
int64_t tap_send(const struct tap *tap);

#endif
