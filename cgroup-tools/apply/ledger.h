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
};

/* An empty one when there is no file. False with a message in error. */
bool ledger_read(struct ledger *ledger, char *error, size_t size);
void ledger_free(struct ledger *ledger);

/* The setting was `original` before its first change. 0, or -1 with errno. */
int ledger_note(struct ledger *ledger, const struct setting *setting, const char *original);

/* Replaces the file whole; removes it when nothing is left. 0, or -1 with errno. */
int ledger_write(struct ledger *ledger);

#endif
