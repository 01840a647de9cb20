/* SPDX-License-Identifier: GPL-2.0 */
/* What /proc says of processes and threads. */
#ifndef DLSPARE_PROC_H
#define DLSPARE_PROC_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct proc_stat {
	char comm[64];
	bool ended;			/* a zombie, or about to be one */
	bool kernel;			/* a thread of the kernel */
	uint64_t start;			/* in clock ticks since boot */
	int cpu;			/* that it was on last */
};

/* From a file "stat"; false when it is none. */
bool proc_parse_stat(struct proc_stat *stat, const char *text);
/* Of a thread of a process, or with tid 0 of the process; false when gone. */
bool proc_stat(struct proc_stat *stat, pid_t pid, pid_t tid);

/* The rest of the line of a text that begins with key, without blanks before it; a new text, or NULL with errno. */
char *proc_value(const char *text, const char *key);
/* The same from the file at path. */
char *proc_read_value(const char *path, const char *key);

/* Its real user: whoever starts a program that is root's for all stays who he is. -1 when it is gone. */
uid_t proc_user(pid_t pid);

/* Does a process run whose program has that name? */
bool proc_runs(const char *program);

/* The process of a thread; 0 when it is gone. */
pid_t proc_process_of(pid_t tid);

/* The number that is all of a text; -1 when it is none. */
int proc_number(const char *text);
/* The next entry of a folder whose name is a number; -1 at the end. */
int proc_next(DIR *folder);

/* A command line: words that end with NUL, and a last one that may lack it in /proc but not here. */
struct proc_words {
	char *text;
	size_t length;
};

/* The word after this one, the first after NULL; NULL at the end. */
const char *proc_word(const struct proc_words *words, const char *word);
/* The value in "--option VALUE" or "--option=VALUE"; the last one counts; NULL: none. */
const char *proc_option(const struct proc_words *words, const char *option);
/* The first word without folders; "" when there is none. */
const char *proc_program(const struct proc_words *words);

#endif
