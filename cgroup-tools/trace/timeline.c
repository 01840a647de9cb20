// SPDX-License-Identifier: GPL-2.0
#include "trace/timeline.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* What the format calls processes: groups of tracks. */
enum group { GROUP_VM = 1, GROUP_UNITS, GROUP_CPUS };

/* Of one CPU, at most: a pool has 64 on each. */
#define UNITS_OF_CPU 1000

struct track {
	enum group group;
	int number;
};

struct timeline {
	FILE *file;
	const char *vm;
	uint64_t start;			/* what is told is no earlier */
	struct track *tracks;		/* that have a name already */
	size_t nr_tracks;
	unsigned int events;
	bool comma;
	bool failed;
};

/* The format wants microseconds; in a day of them a double still tells nanoseconds. */
static json_t *microseconds(struct timeline *timeline, uint64_t time)
{
	return json_real((double)(int64_t)(time - timeline->start) / 1000);
}

/* Any byte may be in the name of a thread; JSON wants UTF-8. */
static json_t *text_json(const char *text)
{
	json_t *json = json_string(text);
	char *copy, *at;

	if (json)
		return json;
	copy = strdup(text);
	for (at = copy; at && *at; at++)
		if ((unsigned char)*at > 127)
			*at = '?';
	json = copy ? json_string(copy) : NULL;
	free(copy);
	return json;
}

static void write_entry(struct timeline *timeline, json_t *entry)
{
	if (!entry || fputs(timeline->comma ? ",\n" : "\n", timeline->file) == EOF ||
	    json_dumpf(entry, timeline->file, JSON_COMPACT | JSON_REAL_PRECISION(15)))
		timeline->failed = true;
	timeline->comma = true;
	json_decref(entry);
}

static void write_name(struct timeline *timeline, const char *what, enum group group, int number, const char *name)
{
	write_entry(timeline, json_pack("{s:s, s:s, s:i, s:i, s:{s:o}}", "ph", "M", "name", what, "pid", (int)group, "tid", number,
					"args", "name", text_json(name)));
}

/* The viewer sorts tracks by this. */
static void write_order(struct timeline *timeline, enum group group, int number, int order)
{
	write_entry(timeline, json_pack("{s:s, s:s, s:i, s:i, s:{s:i}}", "ph", "M", "name", "thread_sort_index", "pid", (int)group,
					"tid", number, "args", "sort_index", order));
}

static bool has_track(const struct timeline *timeline, enum group group, int number)
{
	size_t i;

	for (i = 0; i < timeline->nr_tracks; i++)
		if (timeline->tracks[i].group == group && timeline->tracks[i].number == number)
			return true;
	return false;
}

static void add_track(struct timeline *timeline, enum group group, int number, const char *name, int order)
{
	struct track *tracks;

	if (has_track(timeline, group, number))
		return;
	tracks = realloc(timeline->tracks, (timeline->nr_tracks + 1) * sizeof(*tracks));
	if (!tracks) {
		timeline->failed = true;
		return;
	}
	timeline->tracks = tracks;
	tracks[timeline->nr_tracks++] = (struct track){ .group = group, .number = number };
	write_name(timeline, "thread_name", group, number, name);
	write_order(timeline, group, number, order);
}

static void add_thread(struct timeline *timeline, const struct why_thread *thread)
{
	char name[64];

	if (thread->role == WHY_IO)
		snprintf(name, sizeof(name), "I/O: %s", thread->comm ? thread->comm : "thread");
	else if (thread->number >= 0)
		snprintf(name, sizeof(name), "vCPU %d", thread->number);
	else
		snprintf(name, sizeof(name), "a vCPU");
	add_track(timeline, GROUP_VM, thread->tid, name, thread->role == WHY_IO ? 10000 : thread->number);
}

static void write_slice(struct timeline *timeline, enum group group, int number, const char *name, uint64_t from, uint64_t to,
			json_t *args)
{
	write_entry(timeline, json_pack("{s:s, s:o, s:o, s:f, s:i, s:i, s:o}", "ph", "X", "name", text_json(name), "ts",
					microseconds(timeline, from), "dur", (double)(to - from) / 1000, "pid", (int)group,
					"tid", number, "args", args));
}

static void tell_span(const struct why_thread *thread, enum why_state state, int cpu, uint64_t from, uint64_t to, void *data)
{
	add_thread(data, thread);
	/* Nothing to show: the line is empty there. */
	if (state != WHY_ASLEEP)
		write_slice(data, GROUP_VM, thread->tid, why_states[state], from, to, json_pack("{s:i}", "cpu", cpu));
}

static const char *name_of(const struct why_other *who, char name[128])
{
	if (who->known && who->known->role == WHY_VCPU && who->known->number >= 0)
		snprintf(name, 128, "vCPU %d of %s", who->known->number, who->known->vm);
	else if (*who->comm)
		snprintf(name, 128, "%s", who->comm);
	else
		snprintf(name, 128, "thread %d", (int)who->pid);
	return name;
}

static void tell_loan(int cpu, int slot, const struct why_other *who, uint64_t from, uint64_t to, void *data)
{
	const int number = cpu * UNITS_OF_CPU + slot;
	char name[128];

	snprintf(name, sizeof(name), "CPU %d, unit %d", cpu, slot + 1);
	add_track(data, GROUP_UNITS, number, name, number);
	write_slice(data, GROUP_UNITS, number, name_of(who, name), from, to, json_pack("{s:i}", "tid", (int)who->pid));
}

static void tell_ran(int cpu, const struct why_other *who, uint64_t from, uint64_t to, void *data)
{
	char name[128];

	snprintf(name, sizeof(name), "CPU %d", cpu);
	add_track(data, GROUP_CPUS, cpu, name, cpu);
	/* Nobody. */
	if (who->pid)
		write_slice(data, GROUP_CPUS, cpu, name_of(who, name), from, to,
			    json_pack("{s:i, s:i}", "tid", (int)who->pid, "prio", who->prio));
}

static void write_arrow(struct timeline *timeline, const char *phase, enum group group, int number, uint64_t time)
{
	json_t *entry = json_pack("{s:s, s:s, s:s, s:i, s:o, s:i, s:i}", "ph", phase, "name", "event", "cat", "event", "id",
				  (int)timeline->events, "ts", microseconds(timeline, time), "pid", (int)group, "tid", number);

	/* It ends at the slice that begins then, not at the next one. */
	if (entry && *phase == 'f')
		json_object_set_new(entry, "bp", json_string("e"));
	write_entry(timeline, entry);
}

static void write_mark(struct timeline *timeline, enum group group, int number, const char *name, uint64_t time, json_t *args)
{
	write_entry(timeline, json_pack("{s:s, s:s, s:s, s:o, s:i, s:i, s:o}", "ph", "i", "s", "t", "name", name, "ts",
					microseconds(timeline, time), "pid", (int)group, "tid", number, "args", args));
}

static void tell_event(int cpu, pid_t by, uint64_t from, const struct why_thread *thread, uint64_t to, void *data)
{
	struct timeline *timeline = data;
	/* One of the VM's own threads has reported it, or whoever ran on that CPU. */
	const bool own = has_track(timeline, GROUP_VM, by);
	char name[16];

	timeline->events++;
	add_thread(timeline, thread);
	snprintf(name, sizeof(name), "CPU %d", cpu);
	if (!own)
		add_track(timeline, GROUP_CPUS, cpu, name, cpu);
	write_mark(timeline, GROUP_VM, thread->tid, "event", from, json_pack("{s:i, s:i}", "cpu", cpu, "by", (int)by));
	write_arrow(timeline, "s", own ? GROUP_VM : GROUP_CPUS, own ? by : cpu, from);
	write_arrow(timeline, "f", GROUP_VM, thread->tid, to);
}

void timeline_late(struct timeline *timeline, const struct why_late *late)
{
	char words[WHY_WORDS];

	add_thread(timeline, late->thread);
	why_words(words, late);
	write_mark(timeline, GROUP_VM, late->thread->tid, "late", late->time,
		   json_pack("{s:I, s:s, s:o}", "ns", (json_int_t)late->ns, "cause", why_causes[late->cause], "why",
			     text_json(words)));
}

void timeline_listen(struct timeline *timeline, struct why_listener *listener)
{
	listener->span = tell_span;
	listener->loan = tell_loan;
	listener->ran = tell_ran;
	listener->event = tell_event;
	listener->data = timeline;
}

void timeline_begin(struct timeline *timeline, uint64_t time)
{
	timeline->start = time;
}

struct timeline *timeline_new(FILE *file, const char *vm)
{
	struct timeline *timeline = calloc(1, sizeof(*timeline));
	char name[256];

	if (!timeline)
		return NULL;
	timeline->file = file;
	fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[", file);
	snprintf(name, sizeof(name), "VM %s", vm);
	write_name(timeline, "process_name", GROUP_VM, 0, name);
	write_name(timeline, "process_name", GROUP_UNITS, 0, "units: who has borrowed them");
	write_name(timeline, "process_name", GROUP_CPUS, 0, "CPUs: who runs there");
	return timeline;
}

int timeline_end(struct timeline *timeline)
{
	int status;

	fputs("\n]}\n", timeline->file);
	status = timeline->failed || ferror(timeline->file) ? -1 : 0;
	free(timeline->tracks);
	free(timeline);
	return status;
}
