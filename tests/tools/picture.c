// SPDX-License-Identifier: GPL-2.0
/*
 * picture: all that dlspare may change, a line each: the scheduler's feature, groups, their files, those for
 * dlspare-lender, and each machine's threads with group, affinity and class. Two of them are the same when nothing has changed. In one process, since a
 * shell's twenty cost a third of the tests' time.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <fts.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lab.h"

static const char *const files[] = {
	"cgroup.type", "cgroup.subtree_control", "cgroup.freeze", "cpuset.cpus", "cpuset.cpus.exclusive",
	"cpuset.cpus.partition", "cpu.max", "cpu.spare.pool", "cpu.spare.borrow", "cpu.spare.dev",
};

/* Each line of a file that begins with a prefix, after a label. A file that is gone has none. */
static void show_lines(const char *path, const char *prefix, const char *label)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t space = 0;

	if (!file)
		return;
	while (getline(&line, &space, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, prefix, strlen(prefix)))
			printf("%s%s\n", label, line);
	}
	free(line);
	fclose(file);
}

static void show_feature(void)
{
	FILE *file = fopen("/sys/kernel/debug/sched/features", "re");
	char word[64];

	while (file && fscanf(file, "%63s", word) == 1)
		if (strstr(word, "HRTICK_DL"))
			puts(word);
	if (file)
		fclose(file);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static void show_groups(void)
{
	char *const roots[] = { (char *)"/sys/fs/cgroup", (char *)"/run/dlspare/lender", NULL };
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOSTAT, by_name);
	char label[PATH_MAX + 2];
	FTSENT *entry;

	if (!tree)
		err(1, "/sys/fs/cgroup");
	while ((entry = fts_read(tree))) {
		if (entry->fts_info == FTS_D)
			puts(entry->fts_path);
		for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
			if (entry->fts_info != FTS_D && !strcmp(entry->fts_name, files[i])) {
				snprintf(label, sizeof(label), "%s:", entry->fts_path);
				show_lines(entry->fts_path, "", label);
			}
	}
	fts_close(tree);
}

static void show_thread(int pid, int tid)
{
	struct attributes attributes = { 0 };
	char path[64], label[64];

	snprintf(label, sizeof(label), "/proc/%d/task/%d ", pid, tid);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/cgroup", pid, tid);
	show_lines(path, "", label);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, tid);
	show_lines(path, "Cpus_allowed_list", label);
	if (!syscall(SYS_sched_getattr, tid, &attributes, sizeof(attributes), 0))
		printf("%spolicy %" PRIu32 ", flags %" PRIu64 ", nice %" PRIi32 ", priority %" PRIu32 ", %" PRIu64 "/%" PRIu64
		       "/%" PRIu64 " ns\n", label, attributes.policy, attributes.flags, attributes.nice, attributes.priority,
		       attributes.runtime, attributes.deadline, attributes.period);
}

static int is_number(const struct dirent *entry)
{
	return entry->d_name[strspn(entry->d_name, "0123456789")] == '\0';
}

static void show_threads(int pid)
{
	char folder[64];
	struct dirent **tids;
	int count;

	snprintf(folder, sizeof(folder), "/proc/%d/task", pid);
	count = scandir(folder, &tids, is_number, versionsort);
	for (int i = 0; i < count; i++) {
		show_thread(pid, atoi(tids[i]->d_name));
		free(tids[i]);
	}
	if (count >= 0)
		free(tids);
}

static int is_machine(int pid)
{
	char path[64], name[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%31[^\n]", name) != 1)
		name[0] = '\0';
	fclose(file);
	return !strcmp(name, "qemu-system-x86") || !strcmp(name, "fakevm");
}

int main(void)
{
	struct dirent **pids;
	int count = scandir("/proc", &pids, is_number, versionsort);

	if (count < 0)
		err(1, "/proc");
	show_feature();
	show_groups();
	for (int i = 0; i < count; i++) {
		int pid = atoi(pids[i]->d_name);

		if (is_machine(pid))
			show_threads(pid);
		free(pids[i]);
	}
	free(pids);
	return fflush(stdout) || ferror(stdout);
}
