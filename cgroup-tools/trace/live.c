// SPDX-License-Identifier: GPL-2.0
#include "trace/live.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tracefs.h>
#include <unistd.h>

#include "host/clock.h"
#include "host/host.h"
#include "host/proc.h"
#include "trace/decode.h"

#define PREFIX "dlspare-why-"
#define MARK "dlspare"
/* What the kernel takes for a filter is less than a page. */
#define FILTER 4000

/* One that is not handed over yet. */
struct kept {
	struct record record;
	uint64_t order;			/* as it was read */
};

struct live {
	struct tracefs_instance *instance;
	struct tep_handle *tep;
	struct kept *kept;
	size_t nr, room;
	uint64_t read;			/* records */
	uint64_t newest;		/* of all that were read */
	uint64_t epoch;			/* of the trace's time 0, ns; 0: not known */
	uint64_t marked;		/* when the mark was written, since the epoch */
	bool failed;			/* there was no memory */
};

/* --- what there is --- */

static bool kernel_has_tracefs(void)
{
	char *text = host_read("/proc/filesystems", NULL);
	bool has = text && strstr(text, "\ttracefs");

	free(text);
	return has;
}

static int check_event(const char *folder, const struct decode_event *event, char error[RESULT_ERROR])
{
	char *path;
	int status;

	if (!event->needed)
		return DONE;
	if (asprintf(&path, "%s/events/%s/%s/format", folder, event->system, event->name) < 0)
		return result_refuse(error, FAILED, "out of memory");
	status = access(path, R_OK);
	free(path);
	if (!status)
		return DONE;
	if (errno == EACCES || errno == EPERM)
		return result_refuse(error, MISSING, "%s may not be read: run dlspare as root", folder);
	return result_refuse(error, MISSING, "this kernel has no tracepoint %s:%s; run the patched one, see dlspare doctor", event->system,
			     event->name);
}

static int check(char error[RESULT_ERROR])
{
	const char *folder = NULL;
	int i, code = DONE;

	/* It says so also of one below debugfs. */
	if (tracefs_tracing_dir_is_mounted(false, &folder) <= 0 || !folder) {
		if (!kernel_has_tracefs())
			return result_refuse(error, MISSING, "this kernel has no tracefs: it was built without CONFIG_FTRACE");
		return result_refuse(error, MISSING, "tracefs is not mounted: mount -t tracefs tracefs /sys/kernel/tracing");
	}
	if (geteuid() && access(folder, R_OK | W_OK | X_OK))
		return result_refuse(error, MISSING, "%s may not be read: run dlspare as root", folder);
	for (i = 0; code == DONE && i < decode_nr_events; i++)
		code = check_event(folder, &decode_events[i], error);
	return code;
}

/* --- the instance --- */

/* Of those that were killed. */
static void remove_stale(void)
{
	char **names = tracefs_instances("^" PREFIX "[0-9]*$");
	struct tracefs_instance *instance;
	int i;

	for (i = 0; names && names[i]; i++) {
		pid_t pid = proc_number(names[i] + strlen(PREFIX));

		if (pid <= 0 || !kill(pid, 0) || errno != ESRCH)
			continue;
		instance = tracefs_instance_create(names[i]);
		if (instance)
			tracefs_instance_destroy(instance);
		tracefs_instance_free(instance);
	}
	tracefs_list_free(names);
}

static void add_term(char filter[FILTER], const char *field, int value)
{
	size_t length = strlen(filter);

	snprintf(filter + length, FILTER - length, "%s%s==%d", length ? "||" : "", field, value);
}

/* One that is cut off, or that the kernel does not know, is none: then there are more records than of use. */
static void set_filter(struct live *live, const char *system, const char *name, const char *filter)
{
	if (*filter && strlen(filter) < FILTER - 1)
		tracefs_event_file_write(live->instance, system, name, "filter", filter);
}

static void set_filters(struct live *live, const pid_t *tids, size_t nr, const struct cpus *cpus)
{
	char switches[FILTER] = "", wakes[FILTER] = "";
	int cpu;
	size_t i;

	for (cpu = cpus_next(cpus, 0); cpu >= 0; cpu = cpus_next(cpus, cpu + 1))
		add_term(switches, "CPU", cpu);
	/* A timer that wakes a thread is on a CPU that it may run on. */
	set_filter(live, "timer", "hrtimer_expire_entry", switches);
	for (i = 0; i < nr; i++) {
		if (*switches) {
			add_term(switches, "prev_pid", tids[i]);
			add_term(switches, "next_pid", tids[i]);
		}
		add_term(wakes, "pid", tids[i]);
	}
	set_filter(live, "sched", "sched_switch", switches);
	set_filter(live, "sched", "sched_waking", wakes);
	set_filter(live, "sched", "sched_wakeup", wakes);
	set_filter(live, "sched", "sched_migrate_task", wakes);
}

/* Symbols for the functions of timers. Without the right they have no addresses, and then no names. */
static void read_symbols(struct live *live)
{
	char *text = host_read("/proc/kallsyms", NULL), *at;

	for (at = text; at && strtoull(at, NULL, 16) == 0; at = strchr(at, '\n'))
		at += *at == '\n';
	if (at)
		tep_parse_kallsyms(live->tep, text);
	free(text);
}

/* Enables what there is of the events; the mark tells which time of the clock is which of the trace. */
static int enable(struct live *live, char error[RESULT_ERROR])
{
	int i;

	for (i = 0; i < decode_nr_events; i++) {
		const struct decode_event *event = &decode_events[i];

		if (event->kind == RECORD_MARK || !tracefs_event_file_exists(live->instance, event->system, event->name, "enable"))
			continue;
		if (tracefs_event_enable(live->instance, event->system, event->name) && event->needed)
			return result_refuse(error, FAILED, "%s:%s cannot be traced: %s", event->system, event->name, strerror(errno));
	}
	live->marked = clock_ns(CLOCK_REALTIME);
	tracefs_printf(live->instance, MARK);
	return DONE;
}

static int start(struct live *live, const pid_t *tids, size_t nr, const struct cpus *cpus, char error[RESULT_ERROR])
{
	static const char *const systems[] = { "sched", "sched_spare", "cgroup", "timer", "ftrace", NULL };
	char name[64];

	remove_stale();
	live->tep = tracefs_local_events_system(NULL, systems);
	if (!live->tep)
		return result_refuse(error, FAILED, "the kernel's tracepoints cannot be read: %s", strerror(errno));
	read_symbols(live);
	snprintf(name, sizeof(name), PREFIX "%d", (int)getpid());
	live->instance = tracefs_instance_create(name);
	if (!live->instance)
		return result_refuse(error, FAILED, "a tracefs instance cannot be made: %s", strerror(errno));
	set_filters(live, tids, nr, cpus);
	return enable(live, error);
}

int live_open(struct live **opened, const pid_t *tids, size_t nr, const struct cpus *cpus, char error[RESULT_ERROR])
{
	struct live *live;
	int code;

	/* What goes wrong is ours to tell. */
	tracefs_set_loglevel(TEP_LOG_NONE);
	code = check(error);
	if (code != DONE)
		return code;
	live = calloc(1, sizeof(*live));
	if (!live)
		return result_refuse(error, FAILED, "out of memory");
	code = start(live, tids, nr, cpus, error);
	if (code == DONE)
		*opened = live;
	else
		live_close(live);
	return code;
}

/* --- records --- */

/* The name of who runs: the trace of the last moments has it in /proc. */
static void name_of(pid_t tid, char comm[RECORD_COMM])
{
	struct proc_stat stat;

	*comm = 0;
	if (tid && proc_stat(&stat, tid, 0))
		snprintf(comm, RECORD_COMM, "%.15s", stat.comm);
}

static void keep(struct live *live, const struct record *record)
{
	size_t room = live->room ? 2 * live->room : 1024;
	struct kept *kept;

	if (live->nr == live->room) {
		kept = realloc(live->kept, room * sizeof(*kept));
		if (!kept) {
			live->failed = true;
			return;
		}
		live->kept = kept;
		live->room = room;
	}
	live->kept[live->nr++] = (struct kept){ *record, live->read++ };
}

static int got(struct tep_event *event, struct tep_record *raw, int cpu, void *data)
{
	struct live *live = data;
	struct record record;

	(void)event;
	if (raw->missed_events) {
		record = (struct record){ .time = raw->ts, .kind = RECORD_LOST, .cpu = cpu, .missing = raw->missed_events };
		keep(live, &record);
	}
	if (raw->ts > live->newest)
		live->newest = raw->ts;
	if (!decode(&record, live->tep, raw, cpu, name_of))
		return live->failed;
	if (record.kind != RECORD_MARK)
		keep(live, &record);
	else if (!live->epoch && !strncmp(record.text, MARK, strlen(MARK)))
		live->epoch = live->marked - record.time;
	return live->failed;
}

static int by_time(const void *a, const void *b)
{
	const struct kept *one = a, *two = b;

	if (one->record.time != two->record.time)
		return one->record.time < two->record.time ? -1 : 1;
	return one->order < two->order ? -1 : one->order > two->order;
}

static int hand_over(struct live *live, uint64_t to, trace_take *take, void *data)
{
	size_t i;

	if (live->nr)
		qsort(live->kept, live->nr, sizeof(*live->kept), by_time);
	for (i = 0; i < live->nr && live->kept[i].record.time <= to; i++) {
		if (take(&live->kept[i].record, data)) {
			errno = ENOMEM;
			return -1;
		}
	}
	live->nr -= i;
	if (live->nr)
		memmove(live->kept, live->kept + i, live->nr * sizeof(*live->kept));
	return 0;
}

/* libtracefs has no other word than EAGAIN, or none, for a buffer that is empty. */
static int fetch(struct live *live)
{
	tracefs_iterate_raw_events(live->tep, live->instance, NULL, 0, got, live);
	errno = ENOMEM;
	return live->failed ? -1 : 0;
}

int live_read(struct live *live, trace_take *take, void *data)
{
	const uint64_t before = live->newest;

	return fetch(live) ? -1 : hand_over(live, before, take, data);
}

int live_stop(struct live *live, trace_take *take, void *data, uint64_t *end)
{
	int status;

	/* Where nothing has come for a while the last record is old, and what waits has waited until now. */
	tracefs_printf(live->instance, MARK);
	tracefs_trace_off(live->instance);
	status = fetch(live) ? -1 : hand_over(live, UINT64_MAX, take, data);
	/* At least the mark at its beginning was to be read. */
	if (!status && !live->newest) {
		errno = EIO;
		status = -1;
	}
	*end = live->newest;
	return status;
}

void live_close(struct live *live)
{
	if (!live)
		return;
	if (live->instance) {
		tracefs_print_close(live->instance);
		tracefs_instance_destroy(live->instance);
		tracefs_instance_free(live->instance);
	}
	if (live->tep)
		tep_free(live->tep);
	free(live->kept);
	free(live);
}

uint64_t live_epoch(const struct live *live, uint64_t time)
{
	return live->epoch ? live->epoch + time : 0;
}
