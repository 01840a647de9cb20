// SPDX-License-Identifier: GPL-2.0
/* Files, the groups, and what they count. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "stress.h"

struct group groups[GROUPS];

const char *const keys[KEYS] = {
	"nr_events", "nr_borrows", "nr_waits", "nr_refused", "nr_dispatches",
	"borrowed_usec", "waited_usec", "returned_own", "returned_unused", "returned_chances",
	"returned_sleep", "returned_reply", "returned_quiet", "returned_charge", "returned_gone",
};

int put(const char *path, const char *text)
{
	int err = 0, fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		err = errno;
	close(fd);
	return err;
}

void must_put(const char *path, const char *text)
{
	int err = put(path, text);

	if (err)
		fail("'%s' to %s: %s", text, path, strerror(err));
}

size_t get(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t got = 0;
	ssize_t n;

	if (fd < 0)
		fail("%s: %s", path, strerror(errno));
	while (got < size - 1 && (n = read(fd, text + got, size - 1 - got)) > 0)
		got += n;
	text[got] = '\0';
	close(fd);
	return got;
}

unsigned long long read_number(const char *path)
{
	char text[64];

	get(path, text, sizeof(text));
	return strtoull(text, NULL, 10);
}

const char *path_of(int group, const char *file)
{
	static char path[640];

	snprintf(path, sizeof(path), ROOT "%s/%s", groups[group].name, file);
	return path;
}

/* A group that exists, of the level that holds borrowers if @leaf. */
int group_some(bool leaf)
{
	int from = leaf ? 1 + MIDS : 0, n = GROUPS - from, start = below(n);

	for (int k = 0; k < n; k++)
		if (groups[from + (start + k) % n].exists)
			return from + (start + k) % n;
	fail("no group left");
}

int group_make(int i)
{
	if (mkdir(path_of(i, ""), 0755))
		return errno;
	groups[i].exists = true;
	groups[i].frozen = false;
	return groups[i].parent ? 0 : put(path_of(i, "cgroup.subtree_control"), "+cpu");
}

int group_remove(int i)
{
	for (int k = 0; k < GROUPS; k++)
		if (groups[k].exists && groups[k].parent == i && rmdir(path_of(k, "")))
			return errno;
		else if (groups[k].parent == i)
			groups[k].exists = false;
	if (rmdir(path_of(i, "")))
		return errno;
	groups[i].exists = false;
	return 0;
}

bool group_is_isolated(int group)
{
	char text[64];

	get(path_of(group, "cpuset.cpus.partition"), text, sizeof(text));
	return !strncmp(text, "isolated\n", 9);
}

void groups_thaw(void)
{
	for (int i = 0; i < GROUPS; i++) {
		if (groups[i].exists && groups[i].frozen)
			must_put(path_of(i, "cgroup.freeze"), "0");
		groups[i].frozen = false;
	}
}

/* Groups that were removed go when nobody looks. */
void groups_await_dead(void)
{
	int64_t end = patience(20000, 60000);
	char text[256], *line;

	for (;;) {
		get(ROOT "cgroup.stat", text, sizeof(text));
		line = strstr(text, "nr_dying_descendants ");
		if (!line || atoi(line + 21) == 0)
			return;
		if (now() > end)
			fail("removed groups stay: %s", line);
		pause_ns(10 * MS);
	}
}

void groups_set_up(void)
{
	int leaf = 1 + MIDS;

	strcpy(groups[0].name, "t");
	groups[0].parent = -1;
	for (int i = 0; i < MIDS; i++) {
		snprintf(groups[1 + i].name, sizeof(groups->name), "t/g%d", i);
		for (int k = 0; k < LEAVES; k++, leaf++) {
			snprintf(groups[leaf].name, sizeof(groups->name), "t/g%d/s%d", i, k);
			groups[leaf].parent = 1 + i;
		}
	}
	must_put(ROOT "cgroup.subtree_control", "+cpu +cpuset");
	for (int i = 0; i < GROUPS; i++) {
		if (group_make(i))
			fail("%s: %s", path_of(i, ""), strerror(errno));
		if (!i)
			must_put(path_of(i, "cgroup.subtree_control"), "+cpu +cpuset");
	}
}

void read_stat(int group, struct stat_values *stat)
{
	unsigned long long value;
	char text[1024], *line, *rest = text, *number;
	unsigned int next = 0;

	memset(stat, 0, sizeof(*stat));
	get(path_of(group, "cpu.spare.stat"), text, sizeof(text));
	while ((line = strsep(&rest, "\n"))) {
		if (!*line)
			continue;
		number = strchr(line, ' ');
		if (!number)
			fail("cpu.spare.stat has the line '%s'", line);
		*number++ = '\0';
		value = strtoull(number, NULL, 10);
		if (next < KEYS && !strcmp(line, keys[next]))
			stat->value[next++] = value;
		else if (!strcmp(line, "units"))
			stat->units = value;
		else if (!strcmp(line, "units_busy"))
			stat->units_busy = value;
		else
			fail("cpu.spare.stat has %s where %s should be", line, next < KEYS ? keys[next] : "nothing");
	}
	if (next < KEYS)
		fail("cpu.spare.stat lacks %s", keys[next]);
}

/* The counters of t include those of groups that are gone: they never fall. */
void check_monotone(const struct stat_values *stat)
{
	static struct stat_values last;

	for (unsigned int i = 0; i < KEYS; i++)
		if (stat->value[i] < last.value[i])
			fail("%s of t fell from %llu to %llu", keys[i], last.value[i], stat->value[i]);
	last = *stat;
}

unsigned long long sum_of_returns(const struct stat_values *stat)
{
	unsigned long long sum = 0;

	for (unsigned int i = RETURNED; i < KEYS; i++)
		sum += stat->value[i];
	return sum;
}
