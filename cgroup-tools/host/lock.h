/* SPDX-License-Identifier: GPL-2.0 */
/* Locks of files, by flock(2): who has to wait is told for whom, and not for ever. */
#ifndef DLSPARE_LOCK_H
#define DLSPARE_LOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* When one who waits is told, and when it has waited long enough. */
#define LOCK_TELL_MS 1000
#define LOCK_END_MS 60000

/* Told once, of who holds the lock: "dlspared (pid 123)", "somebody". */
typedef void lock_waits(const char *holder, void *data);

/*
 * Locks an open file, with others who look or alone; as long as it takes, up to LOCK_END_MS (-1 with ETIMEDOUT). waits may be
 * NULL. Meanwhile SIGALRM is used. 0, or -1 with errno.
 */
int lock_take(int fd, bool to_look, lock_waits *waits, void *data);

/* Who holds the lock of an open file, as above. Returns text. */
#define LOCK_HOLDER 96
char *lock_holder(char text[LOCK_HOLDER], int fd);

/* The process that holds the lock of a file, by the text of /proc/locks; 0: none. */
pid_t lock_parse(const char *text, dev_t device, uint64_t inode);

#endif
