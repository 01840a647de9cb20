/* SPDX-License-Identifier: GPL-2.0 */
/* From the host as it is to the host as wanted: which writes, in which order, and back when one fails. */
#ifndef DLSPARE_CHANGE_H
#define DLSPARE_CHANGE_H

#include "apply/ledger.h"
#include "apply/setting.h"

struct step {
	struct setting setting;		/* its value is the one to write */
	char *from;			/* the value now; NULL: an earlier step makes the object */
	bool back;			/* to what it was before dlspare */
};

struct change {
	struct step *steps;
	size_t nr;
};

/* Told of each step that failed, was taken back because of that, or was made. */
struct change_watch {
	void (*failed)(const struct step *step, const char *why, int error, void *data);
	void (*unnoted)(const struct step *step, int error, void *data);	/* not made: the ledger did not take its line */
	void (*made)(const struct step *step, void *data);
	/* Whole: all steps are made; -1, after telling why: they are taken back. NULL: that is all. */
	int (*complete)(void *data);
	void *data;
};

/*
 * The steps: first what gives bandwidth back; then threads leave groups that go; then, latest first, what is in the ledger and
 * no longer wanted; then what is wanted, in its order. What is as wanted already needs none. False without memory.
 */
bool change_plan(struct change *change, const struct settings *wanted, const struct ledger *ledger);
void change_free(struct change *change);

/*
 * Makes the steps. Whole: when one fails, those before it are taken back, latest first, and the result is -1. Otherwise
 * the steps of the VM it is for are taken back, that VM's further steps are left out, and the others go on; the result
 * is the number of failures. What vanishes meanwhile is no failure, nor is a ledger that keeps lines that it needs no more (its `error`).
 */
int change_make(const struct change *change, struct ledger *ledger, bool whole, const struct change_watch *watch);

#endif
