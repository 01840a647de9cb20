// SPDX-License-Identifier: GPL-2.0
/*
 * A file that is cut off or made up has libtracecmd 1.3 read what is not there. So a child reads it, which may die of that: its
 * records come through a pipe, and how it ended through memory that both have.
 */
#include "trace/saved.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <trace-cmd.h>
#include <unistd.h>

#include "host/result.h"
#include "trace/decode.h"

struct answer {
	int code;
	uint64_t end;
	char error[RESULT_ERROR];
};

/* --- the child --- */

struct reading {
	struct answer *answer;
	struct tep_handle *tep;
	FILE *pipe;
};

static int hand_over(struct reading *reading, const struct record *record)
{
	return fwrite(record, sizeof(*record), 1, reading->pipe) == 1 ? 0 : -1;
}

static int got(struct tracecmd_input *input, struct tep_record *raw, int cpu, void *data)
{
	struct reading *reading = data;
	struct record record = { .time = raw->ts, .kind = RECORD_LOST, .cpu = cpu, .missing = raw->missed_events };

	(void)input;
	if (raw->ts > reading->answer->end)
		reading->answer->end = raw->ts;
	if (raw->missed_events && hand_over(reading, &record))
		return -1;
	return decode(&record, reading->tep, raw, cpu, NULL) ? hand_over(reading, &record) : 0;
}

static int find_events(struct tep_handle *tep, const char *path, char error[RESULT_ERROR])
{
	int i;

	for (i = 0; i < decode_nr_events; i++) {
		const struct decode_event *event = &decode_events[i];

		if (!event->needed || decode_find(tep, event))
			continue;
		return result_refuse(error, NOT_FOUND, "'%s' has no events %s:%s: trace-cmd record -e sched -e sched_spare -e cgroup "
				     "-e hrtimer_expire_entry, on the patched kernel", path, event->system, event->name);
	}
	return DONE;
}

static int read_file(const char *path, struct reading *reading)
{
	char *error = reading->answer->error;
	struct tracecmd_input *input;
	int code;

	/* What goes wrong is ours to tell. */
	tracecmd_set_loglevel(TEP_LOG_NONE);
	input = tracecmd_open(path, TRACECMD_FL_LOAD_NO_PLUGINS);
	if (!input)
		return result_refuse(error, FAILED, "'%s' is no trace of trace-cmd record", path);
	reading->tep = tracecmd_get_tep(input);
	code = find_events(reading->tep, path, error);
	if (code != DONE)
		return code;
	if (tracecmd_iterate_events(input, NULL, 0, got, reading) >= 0 && !fflush(reading->pipe))
		return DONE;
	return result_refuse(error, FAILED, "'%s' is damaged, or cut off", path);
}

static void __attribute__((noreturn)) run_child(const char *path, int to, struct answer *answer)
{
	struct reading reading = { .answer = answer, .pipe = fdopen(to, "w") };

	if (reading.pipe)
		answer->code = read_file(path, &reading);
	_exit(0);
}

/* --- the parent --- */

static int take_all(int from, struct saved *saved, trace_take *take, void *data)
{
	FILE *pipe = fdopen(from, "r");
	struct record record;
	int status = pipe ? 0 : -1;

	while (!status && fread(&record, sizeof(record), 1, pipe) == 1) {
		saved->nr++;
		status = take ? take(&record, data) : 0;
	}
	if (pipe)
		fclose(pipe);
	else
		close(from);
	return status;
}

static int read_by_child(const char *path, struct answer *answer, struct saved *saved, trace_take *take, void *data)
{
	int ends[2], status, taken;
	pid_t child;

	if (pipe(ends))
		return -1;
	child = fork();
	if (!child) {
		close(ends[0]);
		run_child(path, ends[1], answer);
	}
	close(ends[1]);
	if (child < 0) {
		close(ends[0]);
		return -1;
	}
	taken = take_all(ends[0], saved, take, data);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (taken) {
		errno = ENOMEM;
		return -1;
	}
	if (WIFEXITED(status))
		return 0;
	answer->code = result_refuse(answer->error, FAILED, "'%s' is damaged, or cut off: libtracecmd cannot read it", path);
	return 0;
}

int saved_read(const char *path, struct saved *saved, trace_take *take, void *data, char error[RESULT_ERROR])
{
	struct answer *answer;
	int code;

	*saved = (struct saved){ 0 };
	if (access(path, R_OK))
		return result_refuse(error, errno == ENOENT ? NOT_FOUND : FAILED, "'%s': %s", path, strerror(errno));
	answer = mmap(NULL, sizeof(*answer), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (answer == MAP_FAILED)
		return result_refuse(error, FAILED, "out of memory");
	answer->code = FAILED;
	strcpy(answer->error, "out of memory");
	if (read_by_child(path, answer, saved, take, data)) {
		code = result_refuse(error, FAILED, "'%s' cannot be read: %s", path, strerror(errno));
	} else {
		code = result_refuse(error, answer->code, "%s", answer->error);
		saved->end = answer->end;
	}
	munmap(answer, sizeof(*answer));
	return code;
}
