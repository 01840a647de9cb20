// SPDX-License-Identifier: GPL-2.0
/* What the pools of the policy in force are asked for, measured for a while. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command/command.h"
#include "command/plan.h"
#include "command/privilege.h"
#include "command/state.h"
#include "host/units.h"

double plan_hold(double borrowed, struct reservation unit)
{
	uint64_t drained = borrowed / unit.runtime;

	/* Drained with the last of it, it is given back at once. */
	if (drained && drained * unit.runtime == borrowed)
		drained--;
	return borrowed + (double)drained * (unit.period - unit.runtime);
}

/* Of one pool between two looks, ns apart. */
static void measure(struct plan_measured *measured, const struct state_pool *now, const struct state_pool *before, double ns,
		    unsigned int cpus)
{
	double loans = state_grown(&now->counters, &before->counters, STATE_LOANS);
	double waits = state_grown(&now->counters, &before->counters, STATE_WAITS);

	*measured = (struct plan_measured){ .loans = loans, .hold = now->policy->spare.period };
	if (loans) {
		measured->hold = plan_hold(state_grown(&now->counters, &before->counters, STATE_BORROWED) / loans, now->policy->spare);
		measured->on_loan = loans * measured->hold / ns / cpus;
	}
	measured->waiting = state_grown(&now->counters, &before->counters, STATE_WAITED) / ns / cpus;
	/* Who waits and then has its own budget again is lent nothing. */
	measured->blocked = waits ? waits / (loans > waits ? loans : waits) : 0;
}

static int look(struct state *state)
{
	int code = state_read(state);
	size_t i;

	for (i = 0; code == DONE && i < state->nr_pools; i++)
		if (state->pools[i].policy->spare.period && !state->pools[i].counters.known)
			code = fail(MISSING, "plan --live: pool '%s' is not in this kernel; see dlspare verify", state->pools[i].policy->name);
	if (code == DONE && !state->nr_pools)
		code = fail(NOT_FOUND, "plan --live: the policy in force has no pool; see dlspare pool create");
	return code;
}

static bool same_pool(const struct pool_policy *a, const struct pool_policy *b)
{
	return !strcmp(a->name, b->name) && a->spare.runtime == b->spare.runtime && a->spare.period == b->spare.period &&
	       a->units == b->units && cpus_equal(&a->cpus, &b->cpus);
}

/* The pools of a policy that has changed meanwhile are other ones: what they have lent is of other units. */
static bool same_pools(const struct state *a, const struct state *b)
{
	size_t i;

	for (i = 0; i < a->nr_pools && i < b->nr_pools; i++)
		if (!same_pool(a->pools[i].policy, b->pools[i].policy))
			return false;
	return a->nr_pools == b->nr_pools;
}

int plan_measure(struct plan *plan)
{
	struct timespec rest = { plan->arguments->live / NSEC_PER_SEC, plan->arguments->live % NSEC_PER_SEC };
	struct state before = { 0 }, now = { 0 };
	int code = privilege_to_change("plan --live");
	size_t i;

	code = code ? code : look(&before);
	if (code == DONE)
		say("measuring for %s", units_print((char[UNITS_TEXT]){ 0 }, plan->arguments->live));
	while (code == DONE && nanosleep(&rest, &rest) && errno == EINTR)
		;
	code = code ? code : look(&now);
	if (code == DONE && !same_pools(&now, &before))
		code = fail(FAILED, "plan --live: the policy in force was changed meanwhile");
	policy_free(&plan->policy);
	if (code == DONE && !policy_copy(&plan->policy, &now.policy))
		code = fail(FAILED, "%s", strerror(ENOMEM));
	plan->measured = code == DONE ? calloc(now.nr_pools, sizeof(*plan->measured)) : NULL;
	if (code == DONE && !plan->measured)
		code = fail(FAILED, "%s", strerror(ENOMEM));
	for (i = 0; code == DONE && i < now.nr_pools; i++) {
		const struct pool_policy *pool = &plan->policy.pools[i];
		unsigned int cpus = cpus_empty(&pool->cpus) ? sysconf(_SC_NPROCESSORS_CONF) : cpus_count(&pool->cpus);

		measure(&plan->measured[i], &now.pools[i], &before.pools[i], now.time - before.time, cpus);
	}
	state_free(&before);
	state_free(&now);
	return code;
}
