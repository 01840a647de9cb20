/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A timeline for trace viewers, ui.perfetto.dev or chrome://tracing: the VM's threads, the units and who has them, the CPUs
 * and who runs there, events as arrows. The format is Chrome's "Trace Event Format", in JSON.
 */
#ifndef DLSPARE_TIMELINE_H
#define DLSPARE_TIMELINE_H

#include <stdio.h>

#include "trace/why.h"

struct timeline;

/* Begins it, in file. NULL without memory. */
struct timeline *timeline_new(FILE *file, const char *vm);
/* Times are told from this one on. Before all else. */
void timeline_begin(struct timeline *timeline, uint64_t time);
/* What it is told goes to the timeline: all but late. */
void timeline_listen(struct timeline *timeline, struct why_listener *listener);
/* A late event, as a mark at its thread. */
void timeline_late(struct timeline *timeline, const struct why_late *late);
/* Ends it. 0, or -1: something could not be written, or there was no memory. */
int timeline_end(struct timeline *timeline);

#endif
