/* SPDX-License-Identifier: GPL-2.0 */
/* Files of ours that are replaced, whole or not at all, wherever they are. */
#ifndef DLSPARE_FILE_H
#define DLSPARE_FILE_H

/*
 * text becomes the content of path, with the mode 0644: a new file beside it, of a name nobody can guess, is renamed.
 * What is at path and no regular file, a link or a device, is left alone. 0, or -1 with errno (see file_error()).
 */
int file_replace(const char *path, const char *text);

/* What errno says after file_replace(). */
const char *file_error(int error);

#endif
