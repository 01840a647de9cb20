// SPDX-License-Identifier: GPL-2.0
#include "trace/decode.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* common_flags: include/linux/trace_events.h */
#define FLAG_HARDIRQ 0x08
#define FLAG_SOFTIRQ 0x10

/* The fields that each record begins with: type, flags, preempt count, pid. */
#define COMMON 8

/* SPARE_LATENCY_LOAN, SPARE_LATENCY_REFUSED */
#define HOW_LOAN 1
#define HOW_REFUSED 3

const struct decode_event decode_events[] = {
	{ "sched", "sched_switch", RECORD_SWITCH, true },
	{ "sched", "sched_waking", RECORD_WAKING, false },
	{ "sched", "sched_wakeup", RECORD_WAKEUP, false },
	{ "sched", "sched_migrate_task", RECORD_MIGRATE, false },
	{ "sched_spare", "sched_spare_event", RECORD_EVENT, true },
	{ "sched_spare", "sched_spare_wait", RECORD_WAIT, true },
	{ "sched_spare", "sched_spare_refuse", RECORD_REFUSE, true },
	{ "sched_spare", "sched_spare_borrow", RECORD_BORROW, true },
	{ "sched_spare", "sched_spare_dispatch", RECORD_DISPATCH, true },
	{ "sched_spare", "sched_spare_reply", RECORD_REPLY, false },
	{ "sched_spare", "sched_spare_return", RECORD_RETURN, true },
	{ "sched_spare", "sched_spare_over", RECORD_OVER, true },
	{ "sched_spare", "sched_spare_latency", RECORD_LATENCY, true },
	{ "cgroup", "cgroup_freeze", RECORD_FREEZE, false },
	{ "cgroup", "cgroup_unfreeze", RECORD_UNFREEZE, false },
	{ "timer", "hrtimer_expire_entry", RECORD_TIMER, false },
	{ "ftrace", "print", RECORD_MARK, false },
};

const int decode_nr_events = sizeof(decode_events) / sizeof(*decode_events);

struct tep_event *decode_find(struct tep_handle *tep, const struct decode_event *event)
{
	return tep_find_event_by_name(tep, event->system, event->name);
}

/* A field's value; false: the event has none of that name, or the record ends before. */
static bool number(struct tep_event *event, struct tep_record *raw, const char *name, unsigned long long *value)
{
	struct tep_format_field *field = tep_find_field(event, name);

	return field && field->offset >= 0 && field->size > 0 && field->offset + field->size <= raw->size &&
	       !tep_read_number_field(field, raw->data, value);
}

static bool is(struct tep_event *event, struct tep_record *raw, const char *name)
{
	unsigned long long value;

	return number(event, raw, name, &value) && value;
}

static int whole(struct tep_event *event, struct tep_record *raw, const char *name, int otherwise)
{
	unsigned long long value;

	return number(event, raw, name, &value) ? (int)value : otherwise;
}

/* What any user calls a thread or a group goes to a terminal. */
static void clean(char *text)
{
	for (; *text; text++)
		if (iscntrl((unsigned char)*text))
			*text = '?';
}

/* A field of characters, in the record or behind it; "" when it is not there. */
static void string(char *text, size_t size, struct tep_event *event, struct tep_record *raw, const char *name)
{
	struct tep_format_field *field = tep_find_any_field(event, name);
	unsigned int offset, length;
	unsigned long long place;

	*text = 0;
	if (!field || field->offset < 0 || field->offset > raw->size)
		return;
	offset = field->offset;
	length = field->size;
	if (field->flags & TEP_FIELD_IS_DYNAMIC) {
		if (!number(event, raw, name, &place))
			return;
		offset = place & 0xffff;
		length = place >> 16 & 0xffff;
		if (field->flags & TEP_FIELD_IS_RELATIVE)
			offset += field->offset + field->size;
	}
	/* The text of a print goes on to the end of the record. */
	if (!length)
		length = (unsigned int)raw->size - offset;
	if (offset > (unsigned int)raw->size || length > (unsigned int)raw->size - offset)
		return;
	snprintf(text, size, "%.*s", (int)length, (const char *)raw->data + offset);
}

/* TASK_REPORT of include/linux/sched.h. */
static char state_letter(unsigned long long state)
{
	static const char letters[] = "SDTtXZPI";
	int i;

	for (i = 0; letters[i]; i++)
		if (state >> i & 1)
			return letters[i];
	return 'R';
}

static bool decode_switch(struct record *record, struct tep_event *event, struct tep_record *raw)
{
	unsigned long long state;

	string(record->comm, sizeof(record->comm), event, raw, "next_comm");
	clean(record->comm);
	record->pid = whole(event, raw, "next_pid", -1);
	record->prio = whole(event, raw, "next_prio", 0);
	record->prev = whole(event, raw, "prev_pid", -1);
	if (!number(event, raw, "prev_state", &state))
		return false;
	record->prev_state = state_letter(state);
	return record->pid >= 0 && record->prev >= 0;
}

static bool decode_thread(struct record *record, struct tep_event *event, struct tep_record *raw)
{
	string(record->comm, sizeof(record->comm), event, raw, "comm");
	clean(record->comm);
	record->pid = whole(event, raw, "pid", -1);
	record->prio = whole(event, raw, "prio", 0);
	record->target = whole(event, raw, record->kind == RECORD_MIGRATE ? "dest_cpu" : "target_cpu", -1);
	record->queued = is(event, raw, "queued");
	record->throttled = is(event, raw, "throttled");
	record->owes = is(event, raw, "owes");
	record->again = is(event, raw, "again");
	record->refused = whole(event, raw, "how", 0) == HOW_REFUSED;
	record->loan = whole(event, raw, "how", 0) == HOW_LOAN;
	return record->pid > 0;
}

static bool decode_long(uint64_t *value, struct tep_event *event, struct tep_record *raw, const char *name)
{
	unsigned long long read;

	if (!number(event, raw, name, &read))
		return false;
	*value = read;
	return true;
}

static void decode_timer(struct record *record, struct tep_handle *tep, struct tep_event *event, struct tep_record *raw)
{
	unsigned long long address;
	const char *name = number(event, raw, "function", &address) ? tep_find_function(tep, address) : NULL;

	snprintf(record->text, sizeof(record->text), "%s", name ? name : "");
}

static void name_of_by(struct record *record, struct tep_handle *tep, decode_name_function *name)
{
	const char *comm;

	if (name) {
		name(record->by, record->text);
		return;
	}
	comm = tep_data_comm_from_pid(tep, record->by);
	snprintf(record->text, RECORD_COMM, "%s", comm && strcmp(comm, "<...>") ? comm : "");
	clean(record->text);
}

static bool decode_fields(struct record *record, struct tep_handle *tep, struct tep_event *event, struct tep_record *raw,
			  decode_name_function *name)
{
	switch (record->kind) {
	case RECORD_SWITCH:
		return decode_switch(record, event, raw);
	case RECORD_FREEZE:
	case RECORD_UNFREEZE:
		string(record->text, sizeof(record->text), event, raw, "path");
		clean(record->text);
		return *record->text;
	case RECORD_TIMER:
		decode_timer(record, tep, event, raw);
		return true;
	case RECORD_MARK:
		string(record->text, sizeof(record->text), event, raw, "buf");
		return true;
	case RECORD_WAKING:
	case RECORD_EVENT:
		name_of_by(record, tep, name);
		return decode_thread(record, event, raw);
	case RECORD_LATENCY:
		return decode_long(&record->ns, event, raw, "ns") && decode_thread(record, event, raw);
	case RECORD_BORROW:
	case RECORD_DISPATCH:
	case RECORD_RETURN:
		return decode_long(&record->deadline, event, raw, "deadline") && decode_thread(record, event, raw);
	default:
		return decode_thread(record, event, raw);
	}
}

bool decode(struct record *record, struct tep_handle *tep, struct tep_record *raw, int cpu, decode_name_function *name)
{
	struct tep_event *event = raw->size < COMMON ? NULL : tep_find_event_by_record(tep, raw);
	int i, flags;

	if (!event)
		return false;
	for (i = 0; i < decode_nr_events; i++)
		if (!strcmp(decode_events[i].name, event->name) && !strcmp(decode_events[i].system, event->system))
			break;
	if (i == decode_nr_events)
		return false;
	flags = tep_data_flags(tep, raw);
	*record = (struct record){ .time = raw->ts, .kind = decode_events[i].kind, .cpu = cpu, .target = -1,
				   .by = tep_data_pid(tep, raw) };
	record->context = flags & FLAG_HARDIRQ ? RECORD_HARDIRQ : flags & FLAG_SOFTIRQ ? RECORD_SOFTIRQ : RECORD_PROCESS;
	return decode_fields(record, tep, event, raw, name);
}
