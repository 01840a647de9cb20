// libraries: -ltraceevent
#include "unit.h"

#include <stdio.h>
#include <unistd.h>

#include <traceevent/event-parse.h>

#include "host/cpus.h"
#include "host/result.h"
#include "trace/live.h"

/* --- a tracefs in which nothing but marks is traced --- */

static unsigned long long now;
static unsigned long long marks[4];
static int nr_marks, nr_read;
static bool off;

int access(const char *path, int mode)
{
	(void)path, (void)mode;
	return 0;
}

int tracefs_tracing_dir_is_mounted(bool mount, const char **path)
{
	(void)mount;
	*path = "/nowhere";
	return 1;
}

struct tep_handle *tracefs_local_events_system(const char *folder, const char *const *systems)
{
	(void)folder, (void)systems;
	return tep_alloc();
}

int tracefs_printf(void *instance, const char *format, ...)
{
	(void)instance, (void)format;
	assert_true(nr_marks < 4);
	if (!off)
		marks[nr_marks++] = now;
	return 0;
}

/* The records are too short to be decoded; live.c has their times. */
int tracefs_iterate_raw_events(struct tep_handle *tep, void *instance, void *cpus, int size,
			       int (*take)(struct tep_event *event, struct tep_record *record, int cpu, void *data), void *data)
{
	(void)tep, (void)instance, (void)cpus, (void)size;
	for (; nr_read < nr_marks; nr_read++)
		take(NULL, &(struct tep_record){ .ts = marks[nr_read] }, 0, data);
	return 0;
}

int tracefs_trace_off(void *instance)
{
	(void)instance;
	off = true;
	return 0;
}

void *tracefs_instance_create(const char *name)
{
	return (void *)name;
}

char **tracefs_instances(const char *regex)
{
	(void)regex;
	return NULL;
}

int tracefs_instance_destroy(void *instance) { (void)instance; return 0; }
void tracefs_instance_free(void *instance) { (void)instance; }
void tracefs_list_free(char **list) { (void)list; }
void tracefs_print_close(void *instance) { (void)instance; }
void tracefs_set_loglevel(int level) { (void)level; }
bool tracefs_event_file_exists(void *i, const char *s, const char *e, const char *f) { (void)i, (void)s, (void)e, (void)f; return false; }
int tracefs_event_enable(void *i, const char *s, const char *e) { (void)i, (void)s, (void)e; return 0; }
int tracefs_event_file_write(void *i, const char *s, const char *e, const char *f, const char *t)
{
	(void)i, (void)s, (void)e, (void)f, (void)t;
	return 0;
}

/* --- */

static int take(const struct record *record, void *data)
{
	(void)record, (void)data;
	return 0;
}

/* What waits since the last record has waited until then, not until that record. */
static void a_look_ends_when_it_is_ended(void **state)
{
	char error[RESULT_ERROR];
	const pid_t tid = 7;
	struct cpus cpus = { 0 };
	struct live *live;
	uint64_t end;

	(void)state;
	now = 1000;
	assert_int_equal(live_open(&live, &tid, 1, &cpus, error), DONE);
	now = 2000;
	assert_int_equal(live_read(live, take, NULL), 0);
	now = 9000;
	assert_int_equal(live_stop(live, take, NULL, &end), 0);
	assert_int_equal(end, 9000);
	live_close(live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_look_ends_when_it_is_ended),
	};

	return cmocka_run_group_tests_name("live", tests, NULL, NULL);
}
