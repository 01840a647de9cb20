/* SPDX-License-Identifier: GPL-2.0 */
/* Inside of wanted.h: what is wanted while it is put together, by wanted_*.c. */
#ifndef DLSPARE_MAKING_H
#define DLSPARE_MAKING_H

#include "apply/wanted.h"

struct making {
	struct settings *wanted;
	const struct policy *policy;
	const struct vms *vms;
	const struct wanted_host *host;
	const struct admission *admission;
	const struct ledger *ledger;
	wanted_problem *problem;
	void *data;
	const char *vm;			/* whose section; NULL: the host's */
	bool good;			/* there was memory so far */
};

/* What is wanted already stays as it is. Without an object or a value there was no memory for it. */
void making_want(struct making *m, enum setting_kind kind, const char *object, const char *name, const char *value);
void making_want_thread(struct making *m, enum setting_kind kind, const struct vm_thread *thread, const char *value);

/* The kind of the files cpu.spare.*: of the kernel, or for dlspare-lender. */
static inline enum setting_kind making_spare(const struct making *m)
{
	return m->policy->lender == LENDER_DAEMON ? SETTING_LENDER : SETTING_VALUE;
}

/* As wanted_problem(). */
void making_complain(struct making *m, const char *vm, int code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* What a group's file said before dlspare and before what is wanted so far; new, NULL when there is no file. */
char *making_value_before(const struct making *m, const char *group, const char *file);
/* The CPUs in a group's file, as they were before dlspare and before what is wanted so far; none when there is no file. */
struct cpus making_cpus_before(const struct making *m, const char *group, const char *file);

void wanted_pool(struct making *m, const struct pool_policy *pool);
void wanted_vm(struct making *m, const struct vm_policy *policy, const struct vm *vm);

/* cpu.max of a VM of class quota. False when it cannot have any, after telling why. */
bool wanted_ceilings(struct making *m, const struct vm_policy *policy, const struct pool_policy *pool, const struct vm *vm);

/* In groups above others: their children have the controller. */
void wanted_controllers(struct making *m, const char *group, bool cpuset);

#endif
