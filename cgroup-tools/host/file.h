/* SPDX-License-Identifier: GPL-2.0 */
/* Files and folders of ours, wherever they are: a file is written whole or not at all. */
#ifndef DLSPARE_FILE_H
#define DLSPARE_FILE_H

#include <limits.h>
#include <stddef.h>

/* What a file is to become: it is on the disk already, beside the file, under a name nobody can guess. */
struct file_draft {
	char path[PATH_MAX];
	char name[PATH_MAX];
};

/*
 * text is to become the content of path, with the mode 0644. All that takes space is done here. What is at path and no regular
 * file, a link or a device, is left alone. 0, or -1 with errno (see file_error()) and no draft.
 */
int file_draft(struct file_draft *draft, const char *path, const char *text);
/* It is that now, by a rename. 0, or -1 with errno; the draft is gone in any case. */
int file_publish(const struct file_draft *draft);
/* Forgets the draft. */
void file_drop(const struct file_draft *draft);

/* Both at once. 0, or -1 with errno. */
int file_replace(const char *path, const char *text);

/*
 * Puts length bytes at the end of path, which is made when it is not there. 0, or -1 with errno: it is as it was, unless the system
 * refuses to cut off again what it has taken.
 */
int file_append(const char *path, const char *text, size_t length);

/*
 * path is a folder of this user's in which nobody else may write; it is made, with the mode 0755, when nothing is there. 0, or -1
 * with errno.
 */
int file_folder(const char *path);

/* What errno says after one of these. */
const char *file_error(int error);

#endif
