/* SPDX-License-Identifier: GPL-2.0 */
/* Where programs can look on in the running kernel: functions of KVM and vhost, which are not the same in all kernels. */
#ifndef DLSPARE_OBSERVE_HOOKS_H
#define DLSPARE_OBSERVE_HOOKS_H

#include <stdbool.h>
#include <stddef.h>

#include "host/result.h"

/* What a function tells; of each kind marked *, one is needed. */
enum hook_kind {
	HOOK_KICK,			/* * which vCPU something comes for */
	HOOK_INJECTION,			/* * that it comes from a device */
	HOOK_WAKE,
	HOOK_TIMER,
	HOOK_DELIVERY,
	HOOK_REPLY,
	HOOK_HALT,
	NR_HOOK_KINDS
};

struct hook {
	const char *function;
	enum hook_kind kind;
	const char *programs[2];	/* of events.bpf.c: at its entry and its end, or one of them alone; NULL: none */
	bool there;			/* in this kernel, and in the modules that are loaded */
};

#define NR_HOOKS 11

struct hooks {
	struct hook list[NR_HOOKS];
};

/* DONE when enough of them are there, or MISSING and why in error. Any user may ask. */
int hooks_find(struct hooks *hooks, char error[RESULT_ERROR]);

/* The functions that are used, as a list: a new text; NULL without memory. */
char *hooks_used(const struct hooks *hooks);

/* What is not told for lack of functions of that kind: a static text; NULL: it is told. */
const char *hooks_lack(const struct hooks *hooks, enum hook_kind kind);

/* "APICv" or "AVIC", by which a vCPU that runs is interrupted without a word of KVM; NULL: neither is on. */
const char *hooks_posted(void);

#endif
