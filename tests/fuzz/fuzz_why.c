// Records in any order, and with anything in them: each late event is as late as was asked for, and in words; the timeline is JSON.
// sources: cgroup-tools/trace/why.c cgroup-tools/trace/wait.c cgroup-tools/trace/loans.c cgroup-tools/trace/verdict.c
// sources: cgroup-tools/trace/words.c cgroup-tools/trace/timeline.c cgroup-tools/host/units.c
// libraries: -ljansson
// example: \0000\0001\0000\0002\0001\0001\0177\0000\0004\0020\0000\0001\0000\0000\0000\0000\0014\0020\0000\0001\0377\0000\0000\0000

#include <jansson.h>

#include "fuzz.h"
#include "trace/timeline.h"
#include "trace/why.h"

#define LATER 1000

// Of one record.
enum { KIND, STEP, CPU, PID, VALUE, FLAGS, PREV, STATE, BYTES };

static void check_late(const struct why_late *late, void *timeline)
{
	char words[WHY_WORDS];

	MUST(late->ns >= LATER && late->cause < NR_WHY_CAUSES && late->cause_ns <= late->ns);
	MUST(late->thread->watched);
	MUST(*why_words(words, late) && strlen(words) < WHY_WORDS);
	MUST(late->nr_others >= 0 && *why_causes[late->cause]);
	timeline_late(timeline, late);
}

static struct record record_of(const uint8_t *bytes, uint64_t time)
{
	static const char states[] = "RSDTtXZP";
	const uint8_t flags = bytes[FLAGS];
	struct record record = {
		.time = time, .kind = bytes[KIND] % NR_RECORDS, .cpu = bytes[CPU] % 8 - 1, .context = flags % 3,
		.by = bytes[PREV] % 16, .pid = bytes[PID] % 16, .prio = (int8_t)bytes[VALUE], .prev = bytes[PREV] % 16,
		.prev_state = states[bytes[STATE] % 8], .target = (int8_t)bytes[VALUE] % 8, .queued = flags & 4,
		.throttled = flags & 8, .owes = flags & 16, .again = flags & 32, .refused = flags & 64, .loan = flags & 128,
		.ns = (uint64_t)bytes[VALUE] << (bytes[STATE] % 64), .deadline = time + ((uint64_t)bytes[VALUE] << (bytes[STATE] % 40)),
		.missing = (int8_t)bytes[VALUE],
	};

	// Any bytes, as far as the text goes.
	memset(record.comm, bytes[STATE], bytes[VALUE] % RECORD_COMM);
	memset(record.text, bytes[VALUE], bytes[STATE] % RECORD_TEXT);
	return record;
}

static void add_threads(struct why *why)
{
	for (int i = 1; i < 8; i++) {
		struct why_thread thread = {
			.tid = i, .vm = i < 5 ? "web" : "d\xff", .role = i % 3 ? WHY_VCPU : WHY_IO, .number = i - 2,
			.comm = i & 1 ? "CPU 0/KVM" : NULL, .pool = i & 2 ? "gold" : NULL, .group = i & 4 ? "a/b" : NULL, .cpu = i - 3,
			.frozen = i == 4, .watched = i < 5,
		};

		MUST(!why_add(why, &thread));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = NULL;
	size_t length, i;
	FILE *file = open_memstream(&text, &length);
	struct timeline *timeline = timeline_new(file, "web");
	struct why_listener listener = { .late = check_late, .late_data = timeline };
	uint64_t time = 1;
	struct why *why;
	json_t *json;
	bool unknown;

	timeline_begin(timeline, time);
	timeline_listen(timeline, &listener);
	why = why_new(LATER, &listener);
	add_threads(why);
	for (i = 0; i + BYTES <= size; i += BYTES) {
		struct record record;

		time += (uint64_t)data[i + STEP] * data[i + STEP] * 16;
		record = record_of(data + i, time);
		MUST(!why_take(why, &record));
	}
	MUST(!why_end(why, time));
	why_lost(why, &unknown);
	why_free(why);
	MUST(!timeline_end(timeline));
	MUST(!fclose(file));
	json = json_loadb(text, length, 0, NULL);
	MUST(json);
	json_decref(json);
	free(text);
	return 0;
}
