/* SPDX-License-Identifier: GPL-2.0 */
/* The trace of the running kernel, in a tracefs instance of our own: libtracefs. */
#ifndef DLSPARE_LIVE_H
#define DLSPARE_LIVE_H

#include <stddef.h>

#include "host/cpus.h"
#include "host/result.h"
#include "trace/record.h"

struct live;

/* Gets each record in the order of time. Not 0: it has no memory, and wants no more. */
typedef int trace_take(const struct record *record, void *data);

/*
 * Begins to trace what those threads wait for, and who runs on those CPUs; none: on all. DONE, or another result of
 * host/result.h and why in error.
 */
int live_open(struct live **live, const pid_t *tids, size_t nr, const struct cpus *cpus, char error[RESULT_ERROR]);
/* Hands over what has come, but for the last of it: that of another CPU may be older. 0, or -1 with errno. */
int live_read(struct live *live, trace_take *take, void *data);
/* Traces no more, and hands over the rest; *end gets the time of the last record. 0, or -1 with errno. */
int live_stop(struct live *live, trace_take *take, void *data, uint64_t *end);
/* The instance goes. */
void live_close(struct live *live);
/* The time of a record, as ns since the epoch; 0: not known. */
uint64_t live_epoch(const struct live *live, uint64_t time);

#endif
