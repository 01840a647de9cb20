/* SPDX-License-Identifier: GPL-2.0 */
/* Makes the host as a policy wants it, or leaves it as it is. */
#ifndef DLSPARE_APPLY_H
#define DLSPARE_APPLY_H

#include <stdbool.h>

#include "host/result.h"
#include "policy/policy.h"

/* Told of what is found and done, as it happens. */
struct apply_listener {
	void (*failed)(const char *vm, int code, const char *text, void *data);	/* vm NULL: it concerns them all */
	void (*noted)(const char *text, void *data);		/* no failure, but not as one may expect */
	void (*written)(const char *text, void *data);		/* of a write; a dry run does not make it. NULL: need not */
	void *data;
};

struct apply {
	bool dry_run;			/* make no write */
	bool whole;			/* all or nothing; else each VM for itself, and failures do not stop the others */
	bool save;			/* it becomes the policy in force */
	bool forget;			/* no policy is in force, nor are those of hooks: reset */
	bool alone;			/* without the VMs of hooks */
	unsigned int steps;		/* result: writes made, or to be made */
	unsigned int missing;		/* result: VMs of the policy that do not run */
	unsigned int left_out;		/* result: files of hooks that break a rule */
	bool lends;			/* result: dlspare-lender has something to lend */
	unsigned int bad_lines;		/* result: of the ledger; they are set aside, unless it is a dry run */
};

/* As store_lock(). DONE, or another result after telling why; who has to wait for long is told so, too. */
int apply_lock(int *lock, bool to_look, const struct apply_listener *listener);
void apply_unlock(int lock);

/*
 * The caller holds apply_lock(). Returns DONE or another result, after telling why. VMs of hooks join the policy, unless
 * alone; save is about the policy without them.
 */
int apply_policy(const struct policy *policy, struct apply *apply, const struct apply_listener *listener);

#endif
