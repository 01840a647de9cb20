// SPDX-License-Identifier: GPL-2.0
/* dlspare why */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command/command.h"
#include "command/edit.h"
#include "command/interrupt.h"
#include "command/output.h"
#include "command/privilege.h"
#include "command/state.h"
#include "host/clock.h"
#include "host/file.h"
#include "host/group.h"
#include "host/host.h"
#include "host/thread.h"
#include "trace/live.h"
#include "trace/saved.h"
#include "trace/timeline.h"
#include "trace/why.h"

#define LAST_MIN (10 * NSEC_PER_MSEC)
#define LAST_MAX (86400 * NSEC_PER_SEC)
#define LAST_DEFAULT (10 * NSEC_PER_SEC)
#define LATER_DEFAULT NSEC_PER_MSEC
/* Between two looks at the buffers, which are to hold what comes meanwhile. */
#define ROUND_MS 100
#define PID_MAX 4194304

struct look {
	const char *name;		/* the VM's */
	const char *from;		/* NULL: live */
	const char *trace;		/* NULL: no timeline */
	char *threads;			/* NULL: those that it has now */
	uint64_t last;			/* ns; 0: not said */
	uint64_t later_than;
	struct state state;
	const struct state_vm *vm;	/* NULL: it does not run */
	pid_t *tids;			/* that are watched */
	size_t nr_tids;
	struct cpus cpus;		/* that they may run on */
	char **texts;			/* of the threads */
	size_t nr_texts;
	struct why *why;
	struct timeline *timeline;
	struct live *live;
	uint64_t first, end;		/* of the records */
	uint64_t window;		/* what ended before is not asked for */
	json_t *late;
	unsigned int nr;
};

/* --- output --- */

static uint64_t epoch_of(const struct look *look, uint64_t time)
{
	return look->live ? live_epoch(look->live, time) : 0;
}

/* The time of day; of a saved trace as trace-cmd report has it. */
static void print_time(const struct look *look, uint64_t time)
{
	uint64_t epoch = epoch_of(look, time);
	time_t second = epoch / NSEC_PER_SEC;
	char text[32];
	struct tm tm;

	if (epoch && localtime_r(&second, &tm) && strftime(text, sizeof(text), "%T", &tm))
		printf("%s.%06u", text, (unsigned int)(epoch % NSEC_PER_SEC / NSEC_PER_USEC));
	else
		printf("%" PRIu64 ".%06u", time / (uint64_t)NSEC_PER_SEC, (unsigned int)(time % NSEC_PER_SEC / NSEC_PER_USEC));
}

static void print_late(const struct look *look, const struct why_late *late)
{
	char words[WHY_WORDS], text[UNITS_TEXT];
	const struct why_thread *thread = late->thread;

	print_time(look, late->time);
	if (thread->role == WHY_IO)
		printf("  I/O");
	else if (thread->number >= 0)
		printf("  vCPU %d", thread->number);
	else
		printf("  a vCPU");
	printf("  %s late%s: %s", units_print_short(text, late->ns), late->waits ? ", and waits still" : "", why_words(words, late));
	/* When much else has kept it as well. */
	if (late->cause_ns && late->cause_ns < late->ns - late->ns / 5)
		printf(" (%s of it)", units_print_short(text, late->cause_ns));
	putchar('\n');
	fflush(stdout);
}

static json_t *vcpu_json(const struct why_thread *known)
{
	return known && known->role == WHY_VCPU && known->number >= 0 ? json_integer(known->number) : json_null();
}

static json_t *other_json(const struct why_other *other)
{
	return json_pack("{s:i, s:o, s:o, s:o, s:I}", "tid", (int)other->pid, "name", output_json_text(other->comm), "vm",
			 other->known ? output_json_text(other->known->vm) : json_null(), "vcpu", vcpu_json(other->known), "ns",
			 (json_int_t)other->ns);
}

static json_t *late_json(const struct look *look, const struct why_late *late)
{
	const uint64_t epoch = epoch_of(look, late->time);
	json_t *who = json_array();
	char words[WHY_WORDS];
	int i;

	for (i = 0; i < late->nr_others && i < WHY_OTHERS; i++)
		json_array_append_new(who, other_json(&late->others[i]));
	return json_pack("{s:I, s:o, s:i, s:s, s:o, s:b, s:I, s:b, s:s, s:I, s:o, s:o, s:o}",
			 "trace_ns", (json_int_t)late->time,
			 "time_ns", epoch ? json_integer(epoch) : json_null(),
			 "tid", (int)late->thread->tid,
			 "role", late->thread->role == WHY_IO ? "io" : "vcpu",
			 "vcpu", vcpu_json(late->thread),
			 "event", (int)late->reported,
			 "late_ns", (json_int_t)late->ns,
			 "waits", (int)late->waits,
			 "cause", why_causes[late->cause],
			 "cause_ns", (json_int_t)late->cause_ns,
			 "cpu", late->cpu >= 0 ? json_integer(late->cpu) : json_null(),
			 "who", who,
			 "text", output_json_text(why_words(words, late)));
}

static void tell_late(const struct why_late *late, void *data)
{
	struct look *look = data;

	if (late->time + late->ns < look->window)
		return;
	look->nr++;
	if (look->timeline)
		timeline_late(look->timeline, late);
	if (options.json)
		json_array_append_new(look->late, late_json(look, late));
	else
		print_late(look, late);
}

static int take(const struct record *record, void *data)
{
	struct look *look = data;

	if (!look->first) {
		look->first = record->time;
		if (look->timeline)
			timeline_begin(look->timeline, record->time);
	}
	return why_take(look->why, record);
}

static void say_lost(const struct look *look)
{
	bool unknown;
	uint64_t nr = why_lost(look->why, &unknown);

	if (nr || unknown)
		say("the trace has lost %s%" PRIu64 " records: causes may be wrong, and late events missing", unknown ? "at least " : "",
		    nr);
}

static int print_result(struct look *look)
{
	char later[UNITS_TEXT], looked[UNITS_TEXT];
	uint64_t begin = look->window > look->first ? look->window : look->first;
	uint64_t ns = look->end > begin ? look->end - begin : 0, lost;
	bool unknown;

	lost = why_lost(look->why, &unknown);
	if (options.json)
		return output_json("why", json_pack("{s:o, s:s?, s:I, s:I, s:I, s:b, s:O}", "vm", output_json_text(look->name), "from",
						    look->from, "later_than_ns", (json_int_t)look->later_than, "looked_ns", (json_int_t)ns,
						    "lost", (json_int_t)lost, "lost_unknown", (int)unknown,
						    "late", look->late));
	say("VM '%s': %u late by %s or more in %s", look->name, look->nr, units_print(later, look->later_than),
	    units_print_short(looked, ns));
	return DONE;
}

/* --- who is looked at --- */

static char *keep(struct look *look, char *text)
{
	char **texts = realloc(look->texts, (look->nr_texts + 1) * sizeof(*texts));

	if (!texts) {
		free(text);
		return NULL;
	}
	look->texts = texts;
	return texts[look->nr_texts++] = text;
}

static bool is_frozen(const char *group)
{
	char *text = group ? group_value(group, "cgroup.events") : NULL;
	bool frozen = text && strstr(text, "frozen 1");

	free(text);
	return frozen;
}

static void unite_affinity(struct look *look, pid_t tid)
{
	struct cpus cpus;

	if (!thread_cpus(tid, &cpus))
		cpus_unite(&look->cpus, &cpus);
}

static int watch(struct look *look, struct why_thread *thread)
{
	pid_t *tids = realloc(look->tids, (look->nr_tids + 1) * sizeof(*tids));

	if (!tids)
		return -1;
	look->tids = tids;
	tids[look->nr_tids++] = thread->tid;
	thread->watched = true;
	if (look->from)
		return 0;
	thread->group = keep(look, group_of(thread->tid));
	thread->cpu = thread_cpu(thread->tid);
	thread->frozen = is_frozen(thread->group);
	unite_affinity(look, thread->tid);
	return 0;
}

static int add_vm(struct look *look, const struct state_vm *vm)
{
	const bool watched = vm == look->vm && !look->threads;
	size_t i;

	for (i = 0; vm->vm && i < vm->vm->nr_threads; i++) {
		const struct vm_thread *from = &vm->vm->threads[i];
		struct why_thread thread = { .tid = from->tid, .vm = vm->name, .role = from->role == VM_VCPU ? WHY_VCPU : WHY_IO,
					     .number = from->number, .pool = vm->pool ? vm->pool->name : NULL, .cpu = -1 };

		thread.comm = keep(look, host_read(host_path("/proc/%d/comm", (int)from->tid), NULL));
		if ((watched && watch(look, &thread)) || why_add(look->why, &thread))
			return fail(FAILED, "out of memory");
	}
	return DONE;
}

/* Of --threads: its vCPUs in a trace of another time, or another host. */
static int add_named(struct look *look)
{
	char *rest = look->threads, *word;
	const char *rule;
	uint64_t tid;
	int number = 0;

	while ((word = strsep(&rest, ","))) {
		struct why_thread thread = { .vm = look->name, .role = WHY_VCPU, .number = number++, .cpu = -1 };

		if (!units_parse_number(&tid, word, 1, PID_MAX, &rule))
			return fail(WRONG_USAGE, "--threads '%s': %s", word, rule);
		thread.tid = tid;
		if (watch(look, &thread) || why_add(look->why, &thread))
			return fail(FAILED, "out of memory");
	}
	return DONE;
}

static int find_vm(struct look *look)
{
	const struct state *state = &look->state;
	bool wanted = false;
	size_t i;

	for (i = 0; i < state->nr_vms; i++) {
		if (strcmp(state->vms[i].name, look->name))
			continue;
		wanted = true;
		if (state->vms[i].vm && !state->vms[i].vm->refused && !look->vm)
			look->vm = &state->vms[i];
	}
	if (look->vm || look->threads)
		return DONE;
	if (look->from)
		return fail(NOT_FOUND, "no VM '%s' runs now, so --threads has to name the threads of its vCPUs then; see dlspare find",
			    look->name);
	if (wanted)
		return fail(NOT_FOUND, "VM '%s' does not run, or another process may have its name; see dlspare find", look->name);
	return fail(NOT_FOUND, "no VM '%s' runs or is in the policy; see dlspare find", look->name);
}

static void say_no_pool(const struct look *look)
{
	if (look->vm && !look->from && !state_unit(look->vm))
		say("VM '%s' borrows from no pool, so nothing that comes for it is reported: only its wake-ups and its I/O threads "
		    "are seen; see dlspare assign --help", look->name);
}

static int add_threads(struct look *look)
{
	int code = DONE;
	size_t i;

	if (look->threads)
		code = add_named(look);
	for (i = 0; code == DONE && i < look->state.nr_vms; i++)
		code = add_vm(look, &look->state.vms[i]);
	return code;
}

/* --- the look --- */

/* Each of them ends the look and no more: the instance is to go. */
static void catch_interrupts(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		struct sigaction before;

		/* Of nohup and the like. */
		if (!sigaction(numbers[i], NULL, &before) && before.sa_handler != SIG_IGN)
			interrupt_catch(numbers[i]);
	}
	/* A pipe that nobody reads: finish() tells it. */
	signal(SIGPIPE, SIG_IGN);
}

static int look_live(struct look *look)
{
	const struct timespec round = { .tv_nsec = ROUND_MS * NSEC_PER_MSEC };
	char error[RESULT_ERROR];
	uint64_t end;
	int code, status = 0;

	/* Before there is an instance: one that comes now would leave it. */
	catch_interrupts();
	code = live_open(&look->live, look->tids, look->nr_tids, &look->cpus, error);
	if (code != DONE)
		return fail(code, "%s", error);
	end = clock_ns(CLOCK_MONOTONIC) + look->last;
	while (!status && !interrupt_came() && !ferror(stdout) && clock_ns(CLOCK_MONOTONIC) < end) {
		uint64_t left = end - clock_ns(CLOCK_MONOTONIC);
		struct timespec rest = { .tv_sec = left / NSEC_PER_SEC, .tv_nsec = left % NSEC_PER_SEC };

		nanosleep(left < ROUND_MS * NSEC_PER_MSEC ? &rest : &round, NULL);
		status = live_read(look->live, take, look);
	}
	if (live_stop(look->live, take, look, &look->end) || status)
		return fail(FAILED, "the trace cannot be read: %s", strerror(errno));
	return DONE;
}

static bool saw_one(const struct look *look)
{
	size_t i;

	for (i = 0; i < look->nr_tids; i++)
		if (why_saw(look->why, look->tids[i]))
			return true;
	return false;
}

static int look_back(struct look *look)
{
	char error[RESULT_ERROR];
	struct saved saved;
	int code = DONE;

	/* Where the last N seconds begin is known at the end. */
	if (look->last) {
		code = saved_read(look->from, &saved, NULL, NULL, error);
		look->window = saved.end > look->last ? saved.end - look->last : 0;
	}
	if (code == DONE)
		code = saved_read(look->from, &saved, take, look, error);
	if (code != DONE)
		return fail(code, "--from %s", error);
	look->end = saved.end;
	if (saw_one(look))
		return DONE;
	return fail(NOT_FOUND, "'%s' has nothing of VM '%s': if its threads had other numbers then, --threads names them", look->from,
		    look->name);
}

/* Its threads are gone; those of a VM that has its name now were not looked at. */
static void say_ended(const struct look *look)
{
	if (look->vm && !look->from && !state_runs(look->vm))
		say("VM '%s' (pid %d) has ended meanwhile: what came since then is not here, also if it runs again", look->name,
		    (int)look->vm->vm->pid);
}

/* What can be looked at is, and told; then it ends. */
static int look_at(struct look *look, const struct why_listener *listener)
{
	int code;

	look->why = why_new(look->later_than, listener);
	look->late = json_array();
	if (!look->why || !look->late)
		return fail(FAILED, "out of memory");
	code = add_threads(look);
	if (code != DONE)
		return code;
	say_no_pool(look);
	code = look->from ? look_back(look) : look_live(look);
	if (code != DONE)
		return code;
	if (why_end(look->why, look->end))
		return fail(FAILED, "out of memory");
	say_lost(look);
	say_ended(look);
	return print_result(look);
}

static int look_with_timeline(struct look *look, struct why_listener *listener)
{
	struct file_draft draft;
	char *text = NULL;
	size_t size;
	FILE *file;
	int code, bad;

	/* Before the look, not after it. */
	if (file_draft(&draft, look->trace, ""))
		return fail(errno == ENOENT ? NOT_FOUND : FAILED, "--trace '%s': %s", look->trace, file_error(errno));
	file_drop(&draft);
	file = open_memstream(&text, &size);
	look->timeline = file ? timeline_new(file, look->name) : NULL;
	if (!look->timeline)
		return fail(FAILED, "out of memory");
	timeline_listen(look->timeline, listener);
	code = look_at(look, listener);
	bad = timeline_end(look->timeline);
	bad |= fclose(file);
	if (bad && code == DONE)
		code = fail(FAILED, "out of memory");
	if (code == DONE && file_replace(look->trace, text))
		code = fail(errno == ENOENT ? NOT_FOUND : FAILED, "--trace '%s': %s", look->trace, file_error(errno));
	free(text);
	return code;
}

static int run(struct look *look, bool has_later)
{
	struct why_listener listener = { .late = tell_late, .late_data = look };
	const struct reservation *unit;
	int code = state_read(&look->state);

	if (code != DONE)
		return code;
	code = find_vm(look);
	if (code != DONE)
		return code;
	unit = look->vm ? state_unit(look->vm) : NULL;
	if (!has_later)
		look->later_than = unit ? unit->period : LATER_DEFAULT;
	return look->trace ? look_with_timeline(look, &listener) : look_at(look, &listener);
}

static void free_look(struct look *look)
{
	live_close(look->live);
	why_free(look->why);
	while (look->nr_texts)
		free(look->texts[--look->nr_texts]);
	free(look->texts);
	free(look->tids);
	json_decref(look->late);
	state_free(&look->state);
}

/* --- the command --- */

static int read_options(struct look *look, int argc, char **argv, bool *has_later)
{
	static const struct option list[] = {
		{ "last", required_argument, NULL, 'l' },
		{ "later-than", required_argument, NULL, 't' },
		{ "from", required_argument, NULL, 'f' },
		{ "threads", required_argument, NULL, 'T' },
		{ "trace", required_argument, NULL, 'o' },
		{ 0 },
	};
	int option, code = DONE;

	opterr = 0;
	while (code == DONE && (option = getopt_long(argc, argv, ":", list, NULL)) != -1) {
		switch (option) {
		case 'l':
			code = edit_time_within("--last", optarg, LAST_MIN, LAST_MAX, &look->last);
			break;
		case 't':
			code = edit_time("--later-than", optarg, &look->later_than);
			*has_later = true;
			if (code == DONE && !look->later_than)
				code = fail(WRONG_USAGE, "--later-than '%s': it must be more than 0", optarg);
			break;
		case 'f':
			look->from = optarg;
			break;
		case 'T':
			look->threads = optarg;
			break;
		case 'o':
			look->trace = optarg;
			break;
		default:
			code = edit_unknown(argv, option);
		}
	}
	if (code != DONE)
		return code;
	if (!argv[optind])
		return fail(WRONG_USAGE, "why: the name of a VM is missing; see dlspare why --help");
	if (argc > optind + 1)
		return fail(WRONG_USAGE, "why: '%s' is one word too many; see dlspare why --help", argv[optind + 1]);
	if (look->threads && !look->from)
		return fail(WRONG_USAGE, "--threads is for a saved trace, with --from");
	look->name = argv[optind];
	return DONE;
}

int cmd_why(int argc, char **argv)
{
	const char *lack = privilege_lack();
	struct look look = { 0 };
	bool has_later = false;
	int code = read_options(&look, argc, argv, &has_later);

	if (code != DONE)
		return code;
	if (!look.from && !look.last)
		look.last = LAST_DEFAULT;
	if (lack)
		say("%s", lack);
	code = run(&look, has_later);
	free_look(&look);
	return code;
}
