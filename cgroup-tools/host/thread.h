/* SPDX-License-Identifier: GPL-2.0 */
/* A thread's scheduling class, affinity and cgroup, as text that can be written down and set again. */
#ifndef DLSPARE_THREAD_H
#define DLSPARE_THREAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "host/cpus.h"
#include "host/reservation.h"

/*
 * The class: "other NICE", "batch NICE", "idle NICE", "fifo PRIORITY", "rr PRIORITY",
 * "deadline RUNTIME DEADLINE PERIOD" in ns, each followed by " reset" for SCHED_FLAG_RESET_ON_FORK and " flags=N" for
 * further flags. A new text, or NULL with errno (ESRCH: gone).
 */
char *thread_class(pid_t tid);

/* 0, or -1 with errno as sched_setattr(2): EBUSY no room, EPERM also when the affinity is not the whole root domain. */
int thread_set_class(pid_t tid, const char *text);

/* The text of a reservation. A deadline thread cannot fork unless its children are reset. */
char *thread_class_text(struct reservation reservation);

/* Reads "deadline …"; false for other classes and nonsense. */
bool thread_class_reservation(const char *text, struct reservation *reservation);

/* The affinity; tid 0: of who asks. 0, or -1 with errno. */
int thread_cpus(pid_t tid, struct cpus *cpus);
/* The same as a list of CPUs. */
char *thread_affinity(pid_t tid);
int thread_set_affinity(pid_t tid, const char *list);

/* The CPU it is on, or was on last; -1 when it is gone. */
int thread_cpu(pid_t tid);

/*
 * Wakes a sleeping thread for a moment, whatever it waits for: KVM_RUN returns EINTR, as for any signal; other calls go on.
 * False when it does not wake within 200 ms, or may not be traced.
 */
bool thread_wake(pid_t tid);

/* CPU time used, in ns, from /proc/TID/schedstat; 0 when it is gone. */
uint64_t thread_cpu_time(pid_t tid);

#endif
