/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ledger: what everything that was changed was before, in /run/dlspare/ledger. A line is written before the change it
 * is about, so whoever is killed at whatever moment, all can be put back.
 */
#ifndef DLSPARE_LEDGER_H
#define DLSPARE_LEDGER_H

#include "apply/setting.h"

struct ledger {
	struct settings originals;	/* in the order of the changes */
	char *bad;			/* lines that are none, each with its end */
	size_t bad_length;
	unsigned int nr_bad;
	unsigned int first_bad;		/* the number of the first, from 1 */
	int error;			/* errno of a write that failed */
};

/* From a text of that length. False without memory. */
bool ledger_parse(struct ledger *ledger, const char *text, size_t length);

/* An empty one when there is no file. False with a message in error. */
bool ledger_read(struct ledger *ledger, char *error, size_t size);
void ledger_free(struct ledger *ledger);

/* Which lines are bad: "/run/dlspare/ledger:3: 'x' is no line of a ledger". */
void ledger_complain(const struct ledger *ledger, char *text, size_t size);

/* Moves the bad lines to the end of /run/dlspare/ledger.bad. 0, or -1 with errno. */
int ledger_set_aside(struct ledger *ledger);

/*
 * The setting was `original` before its first change. 0, or -1 with errno; after that no further line is taken, as the one that
 * failed may be there in part.
 */
int ledger_note(struct ledger *ledger, const struct setting *setting, const char *original);

/* Is it the line of a group that dlspare has made? */
bool ledger_has_made(const struct setting *original);

/* Replaces the file whole; removes it when nothing is left. 0, or -1 with errno, which is in `error` too. */
int ledger_write(struct ledger *ledger);

#endif
