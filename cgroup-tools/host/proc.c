// SPDX-License-Identifier: GPL-2.0
#include "host/proc.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/host.h"

/* include/linux/sched.h */
#define PF_EXITING 0x00000004
#define PF_KTHREAD 0x00200000

bool proc_parse_stat(struct proc_stat *stat, const char *text)
{
	/* The name may hold anything, parentheses and newlines too: it ends at the last one. */
	const char *open = strchr(text, '('), *close = strrchr(text, ')');
	unsigned long long start;
	unsigned int flags;
	size_t length;
	char state;

	stat->cpu = -1;
	if (!open || !close || close < open)
		return false;
	/* Fields 3, 9, 22 and 39 of proc_pid_stat(5). */
	if (sscanf(close + 1, " %c %*s %*s %*s %*s %*s %u %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu"
		   " %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %d",
		   &state, &flags, &start, &stat->cpu) < 3)
		return false;
	length = close - open - 1;
	if (length >= sizeof(stat->comm))
		length = sizeof(stat->comm) - 1;
	memcpy(stat->comm, open + 1, length);
	stat->comm[length] = '\0';
	/* No group takes one that is on its way out, and the kernel does not say so (cgroup_migrate_add_task()). */
	stat->ended = state == 'Z' || state == 'X' || flags & PF_EXITING;
	stat->kernel = flags & PF_KTHREAD;
	stat->start = start;
	return true;
}

bool proc_stat(struct proc_stat *stat, pid_t pid, pid_t tid)
{
	const char *path = tid ? host_path("/proc/%d/task/%d/stat", pid, tid) : host_path("/proc/%d/stat", pid);
	char *text = host_read(path, NULL);
	bool is_read = text && proc_parse_stat(stat, text);

	free(text);
	return is_read;
}

char *proc_value(const char *text, const char *key)
{
	size_t length = strlen(key);

	for (; strncmp(text, key, length); text++) {
		text = strchr(text, '\n');
		if (!text) {
			errno = ENOENT;
			return NULL;
		}
	}
	text += length;
	text += strspn(text, " \t");
	return strndup(text, strcspn(text, "\n"));
}

char *proc_read_value(const char *path, const char *key)
{
	char *text = host_read(path, NULL), *value;

	if (!text)
		return NULL;
	value = proc_value(text, key);
	free(text);
	return value;
}

uid_t proc_user(pid_t pid)
{
	char *value = proc_read_value(host_path("/proc/%d/status", (int)pid), "Uid:");
	int uid = -1;

	if (value) {
		value[strcspn(value, " \t")] = '\0';
		uid = proc_number(value);
	}
	free(value);
	return uid;
}

bool proc_runs(const char *program)
{
	DIR *folder = opendir(host_path("/proc"));
	struct proc_stat stat;
	bool found = false;
	int pid;

	while (folder && !found && (pid = proc_next(folder)) >= 0)
		found = proc_stat(&stat, pid, 0) && !strcmp(stat.comm, program);
	if (folder)
		closedir(folder);
	return found;
}

pid_t proc_process_of(pid_t tid)
{
	char *value = proc_read_value(host_path("/proc/%d/status", (int)tid), "Tgid:");
	int pid = value ? proc_number(value) : -1;

	free(value);
	return pid > 0 ? pid : 0;
}

int proc_number(const char *text)
{
	long long number = 0;
	const char *at;

	for (at = text; *at >= '0' && *at <= '9' && number <= INT_MAX; at++)
		number = number * 10 + (*at - '0');
	return *at || at == text || number > INT_MAX ? -1 : number;
}

int proc_next(DIR *folder)
{
	struct dirent *entry;
	int number;

	while ((entry = readdir(folder))) {
		number = proc_number(entry->d_name);
		if (number >= 0)
			return number;
	}
	return -1;
}

const char *proc_word(const struct proc_words *words, const char *word)
{
	const char *next = word ? word + strlen(word) + 1 : words->text;

	return next < words->text + words->length ? next : NULL;
}

const char *proc_option(const struct proc_words *words, const char *option)
{
	size_t length = strlen(option);
	const char *word, *value = NULL;

	for (word = proc_word(words, NULL); word; word = proc_word(words, word)) {
		if (strncmp(word, option, length))
			continue;
		if (word[length] == '=')
			value = word + length + 1;
		else if (!word[length] && proc_word(words, word))
			value = proc_word(words, word);
	}
	return value;
}

const char *proc_program(const struct proc_words *words)
{
	const char *word = proc_word(words, NULL), *slash;

	if (!word)
		return "";
	slash = strrchr(word, '/');
	return slash ? slash + 1 : word;
}
