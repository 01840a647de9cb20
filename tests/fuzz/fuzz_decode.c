// Records of a saved trace, whose descriptions and bytes are anybody's: no byte behind the record is read.
// The input: where a description has its fields, and records of 64 bytes.
// sources: cgroup-tools/trace/decode.c
// libraries: -I/usr/include/traceevent -ltraceevent
// example: \0000\0000\0010\0020\0030\0004\0040\0010\0007\0000\0010\0000\0011\0000\0000\0000\0103\0120\0125\0040\0060\0057\0113\0126\0115\0000\0000\0000\0000\0000\0000\0000\0014\0000\0000\0000\0000\0000\0000\0000\0001\0001\0001\0001\0001\0001\0001\0001
// example: \0002\0001\0010\0004\0014\0004\0020\0010\0007\0000\0010\0000\0011\0000\0000\0000\0030\0000\0020\0000\0014\0000\0000\0000\0001\0001\0001\0001\0001\0001\0001\0001\0103\0120\0125\0040\0060\0057\0113\0126\0115\0000\0000\0000\0000\0000\0000\0000
// example: \0001\0002\0010\0004\0014\0004\0020\0010\0007\0000\0010\0000\0011\0000\0000\0000\0014\0000\0020\0000\0014\0000\0000\0000\0001\0001\0001\0001\0001\0001\0001\0001\0103\0120\0125\0040\0060\0057\0113\0126\0115\0000\0000\0000\0000\0000\0000\0000
// example: \0003\0003\0010\0010\0020\0004\0024\0010\0007\0000\0010\0000\0011\0000\0000\0000\0000\0000\0000\0000\0000\0000\0000\0000\0014\0000\0000\0000\0000\0000\0000\0000\0000\0000\0000\0000\0000\0000\0000\0000

#include <sys/mman.h>

#include "fuzz.h"
#include "trace/decode.h"

#define RECORD 64
#define PLACES 8
#define PAGE 4096

#define COMMON(id, name) "name: " name "\nID: " id "\nformat:\n" \
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n" \
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n" \
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n" \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
#define FIELD(type, name, offset, size) "\tfield:" type " " name ";\toffset:" offset ";\tsize:" size ";\tsigned:0;\n"
#define END "\nprint fmt: \"x\"\n"

static const struct {
	const char *system;
	const char *format;
} formats[] = {
	{ "sched", COMMON("1", "sched_switch") FIELD("char", "prev_comm[16]", "8", "16") FIELD("pid_t", "prev_pid", "24", "4")
	  FIELD("long", "prev_state", "32", "8") FIELD("char", "next_comm[16]", "40", "16") FIELD("pid_t", "next_pid", "56", "4")
	  FIELD("int", "next_prio", "60", "4") END },
	{ "sched_spare", COMMON("2", "sched_spare_event") FIELD("__data_loc char[]", "comm", "8", "4") FIELD("pid_t", "pid", "12", "4")
	  FIELD("bool", "queued", "16", "1") END },
	{ "sched_spare", COMMON("3", "sched_spare_latency") FIELD("__data_loc char[]", "comm", "8", "4")
	  FIELD("pid_t", "pid", "12", "4") FIELD("u64", "ns", "16", "8") FIELD("unsigned int", "how", "24", "4") END },
	{ "cgroup", COMMON("4", "cgroup_freeze") FIELD("__data_loc char[]", "path", "8", "4") END },
	{ "ftrace", COMMON("5", "print") FIELD("unsigned long", "ip", "8", "8") FIELD("char", "buf[]", "16", "0") END },
	{ "timer", COMMON("6", "hrtimer_expire_entry") FIELD("void *", "hrtimer", "8", "8") FIELD("void *", "function", "16", "8") END },
};

#define NR_FORMATS (sizeof(formats) / sizeof(formats[0]))

// An event whose fields are anywhere: a number, and texts of each kind.
static void parse_fuzzed(struct tep_handle *tep, const uint8_t places[PLACES])
{
	static const char *const names[] = { "sched_spare_borrow", "sched_spare_wait", "sched_waking", "sched_migrate_task" };
	static const char *const types[] = { "char", "__data_loc char[]", "__rel_loc char[]", "unsigned long" };
	char text[1024];

	snprintf(text, sizeof(text), COMMON("7", "%s")
		 "\tfield:%s comm%s;\toffset:%d;\tsize:%d;\tsigned:0;\n\tfield:pid_t pid;\toffset:%d;\tsize:%d;\tsigned:1;\n"
		 "\tfield:u64 deadline;\toffset:%d;\tsize:%d;\tsigned:0;\n" END, names[places[0] % 4], types[places[1] % 4],
		 places[1] % 4 ? "" : "[16]", (int8_t)places[2], places[3], places[4], places[5], places[6], places[7]);
	tep_parse_event(tep, text, strlen(text), places[0] % 4 < 2 ? "sched_spare" : "sched");
}

static struct tep_handle *make_tep(const uint8_t places[PLACES])
{
	struct tep_handle *tep = tep_alloc();

	tep_set_loglevel(TEP_LOG_NONE);
	for (size_t i = 0; i < NR_FORMATS; i++)
		MUST(!tep_parse_event(tep, formats[i].format, strlen(formats[i].format), formats[i].system));
	parse_fuzzed(tep, places);
	return tep;
}

// The library is not the sanitizer's: behind this nothing can be read.
static uint8_t *page_end(void)
{
	static uint8_t *pages;

	if (!pages) {
		pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		MUST(pages != MAP_FAILED && !mprotect(pages + PAGE, PAGE, PROT_NONE));
	}
	return pages + PAGE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t at = PLACES;
	struct tep_handle *tep;

	if (size < PLACES)
		return 0;
	tep = make_tep(data);
	while (at < size) {
		size_t part = size - at < RECORD ? size - at : RECORD;
		uint8_t *copy = page_end() - part;
		struct tep_record raw = { .ts = at, .size = part, .data = copy };
		struct record record;

		memcpy(copy, data + at, part);
		if (decode(&record, tep, &raw, 1, NULL)) {
			MUST(memchr(record.comm, 0, RECORD_COMM) && memchr(record.text, 0, RECORD_TEXT));
			MUST(record.kind < NR_RECORDS && record.time == at);
		}
		at += part;
	}
	tep_free(tep);
	return 0;
}
