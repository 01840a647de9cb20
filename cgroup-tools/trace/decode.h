/* SPDX-License-Identifier: GPL-2.0 */
/* Records from the kernel's binary ones, by their descriptions: libtraceevent. */
#ifndef DLSPARE_DECODE_H
#define DLSPARE_DECODE_H

#include <event-parse.h>

#include "trace/record.h"

/* How the events of interest are called, NULL behind the last one of a system. */
struct decode_event {
	const char *system;
	const char *name;
	enum record_kind kind;
	bool needed;			/* without it nothing can be said */
};

extern const struct decode_event decode_events[];
extern const int decode_nr_events;

/* The name of a thread that ran just now, or "". */
typedef void decode_name_function(pid_t tid, char comm[RECORD_COMM]);

/*
 * What the kernel's record says. False: it is none of those above, or lacks a field. name may be NULL: names are those that
 * the trace has kept.
 */
bool decode(struct record *record, struct tep_handle *tep, struct tep_record *raw, int cpu, decode_name_function *name);

/* The event's description, or NULL: the trace has none. */
struct tep_event *decode_find(struct tep_handle *tep, const struct decode_event *event);

#endif
