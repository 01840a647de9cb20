/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The files cpu.spare.* of a group, whoever lends. The patched kernel has them in the group. Where dlspare-lender lends, files of
 * the same names and texts are in a folder for the group below SPARE_FOLDER: of it pool, borrow and dev are wanted there, and it
 * tells stat and latency there, as long as something is wanted.
 */
#ifndef DLSPARE_SPARE_H
#define DLSPARE_SPARE_H

#include <stdbool.h>

#define SPARE_FOLDER "/run/dlspare/lender"

/* Its path, as host_path(): in the group's folder for the lender if it has one, else in the group itself. */
const char *spare_path(const char *group, const char *file);
/* Its content without the last newline, to be freed; NULL with errno. */
char *spare_value(const char *group, const char *file);

/* Those for the lender alone. */
const char *spare_lender_path(const char *group, const char *file);
/* As the kernel's would read, so what is not there is "none", "inherit" or "". NULL with errno: ENOENT without the group. */
char *spare_lender_value(const char *group, const char *file);
/*
 * Makes the folder, and puts the file there whole or not at all. A value that says nothing, as above, removes it, and with the last
 * such file the folder. 0, or -1 with errno (see file_error()).
 */
int spare_lender_set_value(const char *group, const char *file, const char *value);
/* Does the value say no more than a file that is not there? */
bool spare_lender_says_nothing(const char *file, const char *value);

/*
 * For the lender: its stat and latency of a group. Where nothing is wanted of it (any more) there is none, and no folder is made. 0,
 * or -1 with errno (see file_error()).
 */
int spare_lender_tell(const char *group, const char *stat, const char *latency);

/* Removes folders whose groups are gone or want nothing, and drafts of who was killed meanwhile; for who has the lock to change. */
void spare_lender_sweep(void);

#endif
