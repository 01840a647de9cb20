/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One thing on the host that dlspare changes and can put back: what it is (kind, object, name), and a value as text.
 *
 *   kind        object      name         values
 *   feature     -           HRTICK_DL    on, off                        of the scheduler
 *   group       group       -            none, domain, threaded
 *   controller  group       cpu          on, off                        for the group's children
 *   value       group       file         its text
 *   device      group       tap0         on, off                        in cpu.spare.dev
 *   lender      group       file         its text                       for dlspare-lender: host/spare.h
 *   lender-device  group    tap0         on, off
 *   process     PID@START   -            group                          all threads go there
 *   thread      TID@START   -            group
 *   affinity    TID@START   -            list of CPUs
 *   class       TID@START   -            as thread_class()
 */
#ifndef DLSPARE_SETTING_H
#define DLSPARE_SETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

enum setting_kind {
	SETTING_FEATURE,
	SETTING_GROUP,
	SETTING_CONTROLLER,
	SETTING_VALUE,
	SETTING_DEVICE,
	SETTING_LENDER,
	SETTING_LENDER_DEVICE,
	SETTING_PROCESS,
	SETTING_THREAD,
	SETTING_AFFINITY,
	SETTING_CLASS,
	NR_SETTING_KINDS
};

struct setting {
	enum setting_kind kind;
	char *object;
	char *name;
	char *value;
	char *vm;			/* for which VM; NULL: for all */
};

struct settings {
	struct setting *list;
	size_t nr;
};

/* The value on the host now, to be freed. NULL with errno: ENOENT and ESRCH say that the object is gone. */
char *setting_read(const struct setting *setting);

/* 0, or -1 with errno as the kernel gave it; EPROTO when it took the value and reads another. */
int setting_write(const struct setting *setting, const char *value);

/* Is it the same thing, whatever the value? */
bool setting_same(const struct setting *a, const struct setting *b);

/* Does the change from one value to the other give bandwidth back? */
bool setting_shrinks(const struct setting *setting, const char *from, const char *to);

/* The write as an administrator would do it, a line without its end. */
void setting_describe(FILE *file, const struct setting *setting, const char *value);

/* "TID@START", new; its first part. */
char *setting_thread(pid_t tid, uint64_t start);
pid_t setting_tid(const struct setting *setting);

/* Appends a copy. False without memory. */
bool settings_add(struct settings *settings, enum setting_kind kind, const char *object, const char *name,
		  const char *value, const char *vm);
struct setting *settings_find(const struct settings *settings, const struct setting *like);
void settings_remove(struct settings *settings, struct setting *setting);
void settings_free(struct settings *settings);

/* As lines of text, and back. False: not such a line, or no memory. */
int settings_write_line(FILE *file, const struct setting *setting);
bool settings_read_line(struct settings *settings, const char *line);

#endif
