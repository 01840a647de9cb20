// SPDX-License-Identifier: GPL-2.0
#include "apply/setting.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "host/cpus.h"
#include "host/escape.h"
#include "host/group.h"
#include "host/host.h"
#include "host/spare.h"
#include "host/thread.h"
#include "vmm-hooks/vm.h"

#define FEATURES "/sys/kernel/debug/sched/features"

/* --- features of the scheduler: one word each, NO_ before those that are off --- */

static char *feature_read(const struct setting *setting)
{
	char *text = host_read(host_path(FEATURES), NULL), *rest = text, *word, *value = NULL;

	if (!text)
		return NULL;
	errno = ENOENT;
	while (!value && (word = strsep(&rest, " "))) {
		bool off = !strncmp(word, "NO_", 3);

		if (!strcmp(word + (off ? 3 : 0), setting->name))
			value = strdup(off ? "off" : "on");
	}
	free(text);
	return value;
}

static int feature_write(const struct setting *setting, const char *value)
{
	char text[64];

	snprintf(text, sizeof(text), "%s%s", strcmp(value, "on") ? "NO_" : "", setting->name);
	return host_write(host_path(FEATURES), text);
}

static void feature_describe(FILE *file, const struct setting *setting, const char *value)
{
	fprintf(file, "echo %s%s > " FEATURES, strcmp(value, "on") ? "NO_" : "", setting->name);
}

/* --- groups --- */

static char *there_read(const struct setting *setting)
{
	char *type, *value;

	if (!group_exists(setting->object))
		return strdup("none");
	/* The root has no type. */
	type = group_value(setting->object, "cgroup.type");
	value = strdup(type && !strcmp(type, "threaded") ? "threaded" : "domain");
	free(type);
	return value;
}

static int there_write(const struct setting *setting, const char *value)
{
	if (!strcmp(value, "none")) {
		/* What a vCPU has made meanwhile was born beside it. */
		group_leave(setting->object);
		return group_remove(setting->object);
	}
	if (group_make(setting->object))
		return -1;
	return strcmp(value, "threaded") ? 0 : group_make_threaded(setting->object);
}

static void there_describe(FILE *file, const struct setting *setting, const char *value)
{
	if (!strcmp(value, "none")) {
		fprintf(file, "rmdir %s", group_path(setting->object, NULL));
		return;
	}
	fprintf(file, "mkdir %s", group_path(setting->object, NULL));
	if (!strcmp(value, "threaded"))
		fprintf(file, "; echo threaded > %s", group_path(setting->object, "cgroup.type"));
}

static bool group_is_there(const struct setting *setting)
{
	if (group_exists(setting->object))
		return true;
	errno = ENOENT;
	return false;
}

static char *controller_read(const struct setting *setting)
{
	return group_is_there(setting) ? strdup(group_enabled(setting->object, setting->name) ? "on" : "off") : NULL;
}

static int controller_write(const struct setting *setting, const char *value)
{
	return group_enable(setting->object, setting->name, !strcmp(value, "on"));
}

static void controller_describe(FILE *file, const struct setting *setting, const char *value)
{
	fprintf(file, "echo %c%s > %s", strcmp(value, "on") ? '-' : '+', setting->name,
		group_path(setting->object, "cgroup.subtree_control"));
}

static char *value_read(const struct setting *setting)
{
	return group_value(setting->object, setting->name);
}

static int value_write(const struct setting *setting, const char *value)
{
	return group_set_value(setting->object, setting->name, value);
}

static void value_describe(FILE *file, const struct setting *setting, const char *value)
{
	fprintf(file, "echo '%s' > %s", value, group_path(setting->object, setting->name));
}

/* --- devices: a name a line; that of one is written with + or - before it --- */

static char *in_list(char *list, const char *name)
{
	char *rest = list, *line;
	bool found = false;

	if (!list)
		return NULL;
	while ((line = strsep(&rest, "\n")))
		found |= !strcmp(line, name);
	free(list);
	return strdup(found ? "on" : "off");
}

static char *device_read(const struct setting *setting)
{
	return in_list(group_value(setting->object, "cpu.spare.dev"), setting->name);
}

static int device_write(const struct setting *setting, const char *value)
{
	char text[64];

	snprintf(text, sizeof(text), "%c%s", strcmp(value, "on") ? '-' : '+', setting->name);
	return group_set_value(setting->object, "cpu.spare.dev", text);
}

static void device_describe(FILE *file, const struct setting *setting, const char *value)
{
	fprintf(file, "echo %c%s > %s", strcmp(value, "on") ? '-' : '+', setting->name,
		group_path(setting->object, "cpu.spare.dev"));
}

/* --- the same for dlspare-lender: files of ours --- */

static char *lender_read(const struct setting *setting)
{
	return spare_lender_value(setting->object, setting->name);
}

static int lender_write(const struct setting *setting, const char *value)
{
	return spare_lender_set_value(setting->object, setting->name, value);
}

static void lender_describe(FILE *file, const struct setting *setting, const char *value)
{
	const char *path = spare_lender_path(setting->object, setting->name);

	if (spare_lender_says_nothing(setting->name, value))
		fprintf(file, "rm %s", path);
	else
		fprintf(file, "mkdir -p %s; echo '%s' > %s", spare_lender_path(setting->object, NULL), value, path);
}

static char *lender_device_read(const struct setting *setting)
{
	return in_list(spare_lender_value(setting->object, "cpu.spare.dev"), setting->name);
}

/* All but that one, and then that one. */
static int lender_device_write(const struct setting *setting, const char *value)
{
	char *list = spare_lender_value(setting->object, "cpu.spare.dev"), *rest = list, *line, *text = NULL;
	int status = -1, error;
	size_t size;
	FILE *file = list ? open_memstream(&text, &size) : NULL;

	while (file && (line = strsep(&rest, "\n")))
		if (*line && strcmp(line, setting->name))
			fprintf(file, "%s%s", ftell(file) ? "\n" : "", line);
	if (file && !strcmp(value, "on"))
		fprintf(file, "%s%s", ftell(file) ? "\n" : "", setting->name);
	if (file && !fclose(file))
		status = spare_lender_set_value(setting->object, "cpu.spare.dev", text);
	error = errno;
	free(text);
	free(list);
	errno = error;
	return status;
}

static void lender_device_describe(FILE *file, const struct setting *setting, const char *value)
{
	const char *path = spare_lender_path(setting->object, "cpu.spare.dev");

	if (strcmp(value, "on"))
		fprintf(file, "sed -i '/^%s$/d' %s", setting->name, path);
	else
		fprintf(file, "mkdir -p %s; echo %s >> %s", spare_lender_path(setting->object, NULL), setting->name, path);
}

/* --- threads --- */

char *setting_thread(pid_t tid, uint64_t start)
{
	char *text;

	return asprintf(&text, "%d@%" PRIu64, (int)tid, start) < 0 ? NULL : text;
}

pid_t setting_tid(const struct setting *setting)
{
	return atoi(setting->object);
}

/* A thread's number may be another one's by now. */
static bool thread_is_there(const struct setting *setting)
{
	const char *start = strchr(setting->object, '@');

	if (start && vm_start_time(setting_tid(setting)) == strtoull(start + 1, NULL, 10))
		return true;
	errno = ESRCH;
	return false;
}

static char *place_read(const struct setting *setting)
{
	return thread_is_there(setting) ? group_of(setting_tid(setting)) : NULL;
}

static int process_write(const struct setting *setting, const char *value)
{
	return thread_is_there(setting) ? group_move_process(setting_tid(setting), value) : -1;
}

static int thread_write(const struct setting *setting, const char *value)
{
	return thread_is_there(setting) ? group_move_thread(setting_tid(setting), value) : -1;
}

static void process_describe(FILE *file, const struct setting *setting, const char *value)
{
	fprintf(file, "echo %d > %s", (int)setting_tid(setting), group_path(value, "cgroup.procs"));
}

static void thread_describe(FILE *file, const struct setting *setting, const char *value)
{
	fprintf(file, "echo %d > %s", (int)setting_tid(setting), group_path(value, "cgroup.threads"));
}

static char *class_read(const struct setting *setting)
{
	return thread_is_there(setting) ? thread_class(setting_tid(setting)) : NULL;
}

/* sched_setattr() asks whether the affinity covers the root domain of the CPU the thread has been on last. */
static bool is_elsewhere(pid_t tid)
{
	struct cpus cpus;
	int cpu = thread_cpu(tid);

	return !thread_cpus(tid, &cpus) && cpu >= 0 && !cpus_has(&cpus, cpu);
}

static int class_write(const struct setting *setting, const char *value)
{
	pid_t tid = setting_tid(setting);
	int status;

	if (!thread_is_there(setting))
		return -1;
	status = thread_set_class(tid, value);
	if (!status || errno != EPERM)
		return status;
	/* One that sleeps since before it was moved to a cpuset is still on a CPU outside; awake, it goes over. */
	if (is_elsewhere(tid) && thread_wake(tid))
		return thread_set_class(tid, value);
	errno = EPERM;
	return -1;
}

static void class_describe(FILE *file, const struct setting *setting, const char *value)
{
	struct reservation reservation;

	if (thread_class_reservation(value, &reservation))
		fprintf(file, "chrt --reset-on-fork --deadline --sched-runtime %" PRIu64 " --sched-period %" PRIu64
			" --pid 0 %d", reservation.runtime, reservation.period, (int)setting_tid(setting));
	else
		fprintf(file, "chrt --%.*s --pid %s %d", (int)strcspn(value, " "), value,
			!strncmp(value, "fifo ", 5) ? value + 5 : !strncmp(value, "rr ", 3) ? value + 3 : "0",
			(int)setting_tid(setting));
}

static char *affinity_read(const struct setting *setting)
{
	return thread_is_there(setting) ? thread_affinity(setting_tid(setting)) : NULL;
}

static int affinity_write(const struct setting *setting, const char *value)
{
	return thread_is_there(setting) ? thread_set_affinity(setting_tid(setting), value) : -1;
}

static void affinity_describe(FILE *file, const struct setting *setting, const char *value)
{
	fprintf(file, "taskset --pid --cpu-list %s %d", value, (int)setting_tid(setting));
}

/* --- all kinds --- */

static const struct {
	const char *name;
	char *(*read)(const struct setting *setting);
	int (*write)(const struct setting *setting, const char *value);
	void (*describe)(FILE *file, const struct setting *setting, const char *value);
} kinds[NR_SETTING_KINDS] = {
	[SETTING_FEATURE] = { "feature", feature_read, feature_write, feature_describe },
	[SETTING_GROUP] = { "group", there_read, there_write, there_describe },
	[SETTING_CONTROLLER] = { "controller", controller_read, controller_write, controller_describe },
	[SETTING_VALUE] = { "value", value_read, value_write, value_describe },
	[SETTING_DEVICE] = { "device", device_read, device_write, device_describe },
	[SETTING_LENDER] = { "lender", lender_read, lender_write, lender_describe },
	[SETTING_LENDER_DEVICE] = { "lender-device", lender_device_read, lender_device_write, lender_device_describe },
	[SETTING_PROCESS] = { "process", place_read, process_write, process_describe },
	[SETTING_THREAD] = { "thread", place_read, thread_write, thread_describe },
	[SETTING_AFFINITY] = { "affinity", affinity_read, affinity_write, affinity_describe },
	[SETTING_CLASS] = { "class", class_read, class_write, class_describe },
};

char *setting_read(const struct setting *setting)
{
	return kinds[setting->kind].read(setting);
}

int setting_write(const struct setting *setting, const char *value)
{
	char *now;
	bool same;

	if (kinds[setting->kind].write(setting, value))
		return -1;
	/* What is gone now went by itself. An affinity is cut to what the cpuset and hotplug leave of it. */
	now = setting_read(setting);
	same = !now || setting->kind == SETTING_AFFINITY || !strcmp(now, value);
	free(now);
	if (!same)
		errno = EPROTO;
	return same ? 0 : -1;
}

void setting_describe(FILE *file, const struct setting *setting, const char *value)
{
	kinds[setting->kind].describe(file, setting, value);
}

bool setting_same(const struct setting *a, const struct setting *b)
{
	return a->kind == b->kind && !strcmp(a->object, b->object) && !strcmp(a->name, b->name);
}

/* Parts of 2^32 of a CPU. */
static uint64_t bandwidth(const struct setting *setting, const char *value)
{
	struct reservation reservation = { 0, 1 };
	unsigned int units = 1;

	if (setting->kind == SETTING_CLASS) {
		if (!thread_class_reservation(value, &reservation))
			return 0;
	} else if ((setting->kind != SETTING_VALUE && setting->kind != SETTING_LENDER) || strcmp(setting->name, "cpu.spare.pool") ||
		   sscanf(value, "%" SCNu64 " %" SCNu64 " units=%u", &reservation.runtime, &reservation.period,
			  &units) < 2) {
		return 0;
	}
	return reservation.period ? (unsigned __int128)reservation.runtime * units * (1ull << 32) / reservation.period
				  : 0;
}

bool setting_shrinks(const struct setting *setting, const char *from, const char *to)
{
	return bandwidth(setting, to) < bandwidth(setting, from);
}

/* --- lists --- */

static void setting_free(struct setting *setting)
{
	free(setting->object);
	free(setting->name);
	free(setting->value);
	free(setting->vm);
}

bool settings_add(struct settings *settings, enum setting_kind kind, const char *object, const char *name,
		  const char *value, const char *vm)
{
	struct setting *list = reallocarray(settings->list, settings->nr + 1, sizeof(*list)), *new;

	if (!list)
		return false;
	settings->list = list;
	new = &list[settings->nr];
	*new = (struct setting){ kind, strdup(object), strdup(name), strdup(value), vm ? strdup(vm) : NULL };
	if (!new->object || !new->name || !new->value || (vm && !new->vm)) {
		setting_free(new);
		return false;
	}
	settings->nr++;
	return true;
}

struct setting *settings_find(const struct settings *settings, const struct setting *like)
{
	size_t i;

	for (i = 0; i < settings->nr; i++)
		if (setting_same(&settings->list[i], like))
			return &settings->list[i];
	return NULL;
}

void settings_remove(struct settings *settings, struct setting *setting)
{
	size_t i = setting - settings->list;

	setting_free(setting);
	memmove(setting, setting + 1, (--settings->nr - i) * sizeof(*setting));
}

void settings_free(struct settings *settings)
{
	while (settings->nr)
		setting_free(&settings->list[--settings->nr]);
	free(settings->list);
	settings->list = NULL;
}

/* --- lines: KIND, object, name and value, with tabs between; %XX for what would break that --- */

static bool means(const char *text, const char *at)
{
	(void)text;
	return iscntrl((unsigned char)*at);
}

static bool write_part(FILE *file, const char *text)
{
	char *part = escape(text, means);
	bool good = part && fprintf(file, "\t%s", part) > 0;

	free(part);
	return good;
}

int settings_write_line(FILE *file, const struct setting *setting)
{
	const char *const parts[] = { setting->object, setting->name, setting->value };
	bool good = fputs(kinds[setting->kind].name, file) != EOF;

	for (size_t i = 0; i < 3; i++)
		good = good && write_part(file, parts[i]);
	return good && putc('\n', file) != EOF ? 0 : -1;
}

static bool is_one_of(const char *value, const char *const words[])
{
	while (*words && strcmp(value, *words))
		words++;
	return *words;
}

/* A path below something that does not lead out of there. */
static bool is_below(const char *path)
{
	const char *at;

	for (at = path; at; at = strchr(at, '/')) {
		at += *at == '/';
		if (!strncmp(at, "..", 2) && (!at[2] || at[2] == '/'))
			return false;
	}
	return *path != '/';
}

static bool is_thread(const char *object)
{
	size_t tid = strspn(object, "0123456789"), start;

	if (!tid || tid > 10 || object[tid] != '@')
		return false;
	start = strspn(object + tid + 1, "0123456789");
	return start && !object[tid + 1 + start];
}

/* What is written below may be what root writes: a line must not lead elsewhere. */
static bool is_sound(enum setting_kind kind, const char *object, const char *name, const char *value)
{
	static const char *const switches[] = { "on", "off", NULL }, *const types[] = { "none", "domain", "threaded", NULL };

	switch (kind) {
	case SETTING_GROUP:
		return *object && is_below(object) && !*name && is_one_of(value, types);
	case SETTING_FEATURE:
	case SETTING_CONTROLLER:
	case SETTING_DEVICE:
	case SETTING_LENDER_DEVICE:
		return is_below(object) && *name && !strchr(name, '/') && is_one_of(value, switches);
	case SETTING_VALUE:
	case SETTING_LENDER:
		return is_below(object) && strchr(name, '.') && !strchr(name, '/') && is_below(name);
	case SETTING_PROCESS:
	case SETTING_THREAD:
		return is_thread(object) && !*name && is_below(value);
	default:
		return is_thread(object) && !*name && *value;
	}
}

bool settings_read_line(struct settings *settings, const char *line)
{
	char *text = strdup(line), *rest = text, *word, *parts[3];
	bool good = false;
	size_t kind, i;

	if (!text)
		return false;
	word = strsep(&rest, "\t");
	for (kind = 0; kind < NR_SETTING_KINDS; kind++)
		if (!strcmp(kinds[kind].name, word))
			break;
	for (i = 0; i < 3 && rest; i++) {
		parts[i] = strsep(&rest, "\t");
		if (!unescape(parts[i]))
			goto out;
	}
	if (kind < NR_SETTING_KINDS && i == 3 && !rest && is_sound(kind, parts[0], parts[1], parts[2]))
		good = settings_add(settings, kind, parts[0], parts[1], parts[2], NULL);
out:
	free(text);
	return good;
}
