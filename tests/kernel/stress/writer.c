// SPDX-License-Identifier: GPL-2.0
/*
 * Four processes that write to the files of all groups at the same time, and
 * make and remove groups of their own. The main program sets them off together,
 * sends events meanwhile, and goes on when all are done: what is configured then
 * stays until the next operation.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "stress.h"

enum { W_POOL, W_NO_POOL, W_BORROW, W_DEV, W_STAT, W_GROUP, W_KINDS };

static const char *const files[] = {
	[W_POOL] = "cpu.spare.pool", [W_NO_POOL] = "cpu.spare.pool", [W_BORROW] = "cpu.spare.borrow",
	[W_DEV] = "cpu.spare.dev", [W_STAT] = "cpu.spare.stat",
};

/* One of a writer's operations, and what the kernel said. */
struct done {
	unsigned int kind;
	int err;
};

#define BATCH 24

struct writer {
	_Atomic uint32_t go;		/* futex: batches asked for */
	_Atomic uint32_t finished;
	char existing[GROUPS];		/* of the groups, for this batch */
	uint64_t state;
	unsigned int n;
	struct done done[BATCH];
	pid_t pid;
	char own[3][40];		/* a group, and two in it */
	bool has[3];
};

static struct writer *writers;		/* shared */

static int own_group(struct writer *me)
{
	unsigned int i = below_of(&me->state, 3);
	char path[96], text[128];
	int err;

	snprintf(path, sizeof(path), ROOT "%s", me->own[i]);
	if (me->has[i]) {
		err = rmdir(path) ? errno : 0;
		if (!err)
			me->has[i] = false;
		return err;
	}
	if (i && !me->has[0])
		return 0;
	err = mkdir(path, 0755) ? errno : 0;
	if (err)
		return err;
	me->has[i] = true;
	strcat(path, i ? "/cpu.spare.borrow" : "/cgroup.subtree_control");
	err = put(path, i ? "on" : "+cpu");
	if (err || i)
		return err;
	pool_text(&me->state, text);
	snprintf(path, sizeof(path), ROOT "%s/cpu.spare.pool", me->own[0]);
	return put(path, text);
}

static int write_something(struct writer *me, unsigned int kind)
{
	unsigned int group = below_of(&me->state, GROUPS);
	char text[1024];


	if (kind == W_GROUP)
		return own_group(me);
	if (!me->existing[group])
		group = 0;
	switch (kind) {
	case W_POOL:
		pool_text(&me->state, text);
		break;
	case W_NO_POOL:
		strcpy(text, "none");
		break;
	case W_BORROW:
		borrow_text(&me->state, !group, text);
		break;
	case W_DEV:
		sprintf(text, "%ctap%u", below_of(&me->state, 10) < 7 ? '+' : '-', below_of(&me->state, TAPS));
		break;
	default:
		get(path_of(group, files[kind]), text, sizeof(text));
		return 0;
	}
	return put(path_of(group, files[kind]), text);
}

static void writer_run(struct writer *me)
{
	uint32_t seen = me->go;

	for (;;) {
		while (me->go == seen)
			futex(&me->go, FUTEX_WAIT, seen);
		seen++;
		for (me->n = 0; me->n < BATCH; me->n++) {
			struct done *done = &me->done[me->n];

			done->kind = below_of(&me->state, W_KINDS);
			done->err = write_something(me, done->kind);
		}
		me->finished = seen;
		/* The emulator's CPUs take turns. */
		__builtin_ia32_pause();
	}
}

void writers_set_up(void)
{
	writers = mmap(NULL, WRITERS * sizeof(*writers), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (writers == MAP_FAILED)
		fail("mmap: %s", strerror(errno));
	for (int i = 0; i < WRITERS; i++) {
		struct writer *writer = &writers[i];
		pid_t pid;

		writer->state = next_random(&prng);
		for (int k = 0; k < 3; k++)
			snprintf(writer->own[k], sizeof(writer->own[k]), k ? "t/w%d/s%d" : "t/w%d", i, k);
		pid = fork();
		if (pid < 0)
			fail("fork: %s", strerror(errno));
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			/* Where t has no CPU: beside this program and, where there is one, elsewhere. */
			set_affinity(-1, i & 1 ? all_cpus() : 1);
			writer_run(writer);
		}
		writer->pid = pid;
	}
}

void writers_end(void)
{
	char path[96];

	for (int i = 0; i < WRITERS; i++) {
		kill(writers[i].pid, SIGKILL);
		waitpid(writers[i].pid, NULL, 0);
		for (int k = 2; k >= 0; k--) {
			snprintf(path, sizeof(path), ROOT "%s", writers[i].own[k]);
			if (writers[i].has[k] && rmdir(path))
				fail("%s: %s", path, strerror(errno));
		}
	}
}

/* The pools of their own groups. */
void writers_pools(void (*each)(const char *path, void *arg), void *arg)
{
	char path[96];

	for (int i = 0; i < WRITERS; i++) {
		if (!writers[i].has[0])
			continue;
		snprintf(path, sizeof(path), ROOT "%s/cpu.spare.pool", writers[i].own[0]);
		each(path, arg);
	}
}

void op_churn(void)
{
	static const char *const names[W_KINDS] = { "pool", "no_pool", "borrow", "dev", "stat", "group" };
	struct op *op = current_op;
	int64_t end = patience(10000, 60000);
	bool left;

	for (int i = 0; i < WRITERS; i++) {
		for (int k = 0; k < GROUPS; k++)
			writers[i].existing[k] = groups[k].exists;
		writers[i].go++;
		futex(&writers[i].go, FUTEX_WAKE, 1);
	}
	do {
		left = false;
		run_quiet_op();
		for (int i = 0; i < WRITERS; i++)
			left |= writers[i].finished != writers[i].go;
		if (left && now() > end)
			fail("a writer does not end");
		if (left)
			pause_ns(50 * US);
	} while (left);
	current_op = op;
	for (int i = 0; i < WRITERS; i++)
		for (unsigned int k = 0; k < BATCH; k++) {
			struct done *done = &writers[i].done[k];

			outcome_of(op_named(names[done->kind]), done->err);
			record((char[3]){ 1 + done->kind, 1 + done->err, 0 });
			operation++;
		}
	begin(op->name);
	outcome(0);
}
