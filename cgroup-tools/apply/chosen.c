// SPDX-License-Identifier: GPL-2.0
#include "apply/chosen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "apply/wanted.h"
#include "host/result.h"
#include "host/units.h"
#include "plan/sizing.h"

#define TIME(ns) units_print((char[UNITS_TEXT]){ 0 }, ns)

/* A loan lasts for linger of the VM's CPU time after what came last, and the answer takes its time before that. */
#define LINGERS 2
#define ANSWER_LEAST (100 * NSEC_PER_USEC)

struct choosing {
	const struct pool_policy *pool;
	const struct vm_policy *first;	/* the VM with the shortest target */
	struct sizing_terms terms;
	int fullest;			/* the pool's CPU with the least left */
	struct fraction left;
};

static void take_vm(struct choosing *c, const struct vm_policy *vm)
{
	double waiting = 1 - (double)vm->target.share / POLICY_SHARE_ALL;

	if (LINGERS * vm->borrow.linger > c->terms.answer)
		c->terms.answer = LINGERS * vm->borrow.linger;
	if (!vm->target.latency)
		return;
	if (!c->first || vm->target.latency < c->terms.target) {
		c->first = vm;
		c->terms.target = vm->target.latency;
	}
	if (waiting < c->terms.waiting)
		c->terms.waiting = waiting;
}

/* Where vCPUs move, all may be on one CPU. */
static void take_asking(struct choosing *c, const struct layout *layout)
{
	struct cpus cpus = layout_pool_cpus(layout, c->pool);
	struct layout_asking asking, all = { 0 };

	for (int cpu = cpus_next(&cpus, 0); cpu >= 0; cpu = cpus_next(&cpus, cpu + 1)) {
		asking = layout_asking(layout, c->pool, cpu, 0);
		all.borrowers += asking.borrowers;
		all.rate += asking.rate;
		if (asking.borrowers > c->terms.borrowers)
			c->terms.borrowers = asking.borrowers;
		if (asking.rate > c->terms.rate)
			c->terms.rate = asking.rate;
	}
	if (!policy_partitioned(c->pool)) {
		c->terms.borrowers = all.borrowers;
		c->terms.rate = all.rate;
	}
	if (!layout_rates_known(layout->policy, c->pool))
		c->terms.rate = -1;
}

static void take_room(struct choosing *c, const struct layout *layout)
{
	struct cpus cpus = layout_pool_cpus(layout, c->pool);

	c->fullest = -1;
	for (int cpu = cpus_next(&cpus, 0); cpu >= 0; cpu = cpus_next(&cpus, cpu + 1)) {
		struct fraction sum = layout->cpus[cpu].sum, left = fraction_sum(fraction(-sum.num, sum.den), layout->host.limit);

		if (c->fullest < 0 || fraction_compare(left, c->left) < 0) {
			c->fullest = cpu;
			c->left = left;
		}
	}
}

static char *terms_text(const struct choosing *c, const struct sizing *sizing)
{
	const struct sizing_terms *terms = &c->terms;
	char *text = NULL;
	int length;

	if (sizing->waiting)
		length = asprintf(&text, "C(A,m) = %.3g <= %.3g for m = %u, A = rate Ps = %.4g", sizing->waiting, terms->waiting,
				  sizing->units, terms->rate * sizing->unit.period / NSEC_PER_SEC);
	else
		length = asprintf(&text, "a unit for each of %u vCPU%s on a CPU%s", terms->borrowers, terms->borrowers == 1 ? "" : "s",
				  terms->rate < 0 ? ", as rates are not given" : "");
	return length < 0 ? NULL : text;
}

static char *choice_text(const struct choosing *c, const struct sizing *sizing)
{
	char *target = policy_target_text(&c->first->target), *terms = terms_text(c, sizing), *text = NULL;

	if (!target || !terms ||
	    asprintf(&text, "pool '%s', auto: units %u of (%s, %s): 2(Ps-Qs) = %s <= latency %s of VM '%s'; %s; %.4f of the %.4f that are left of "
		     "CPU %d", c->pool->name, sizing->units, TIME(sizing->unit.runtime), TIME(sizing->unit.period),
		     TIME(latency_drained(sizing->unit).first), target, c->first->name, terms, fraction_double(sizing_share(sizing)),
		     fraction_double(c->left), c->fullest) < 0)
		text = NULL;
	free(terms);
	free(target);
	return text;
}

#define REMEDIES "; what helps: a longer latency, a share below 100 %% and the rate of each VM, smaller reservations, a shorter linger, more CPUs"

static int refuse(const struct choosing *c, const struct layout *layout, const struct sizing *sizing, struct policy_error *error)
{
	const struct layout_cpu *cpu = &layout->cpus[c->fullest];

	if (sizing->units)
		snprintf(error->text, sizeof(error->text), "pool '%s': spare 'auto' holds latency %s of VM '%s' with units %u of (%s, %s) at "
			 "least, which take %.4f; CPU %d has %.4f left: limit %.4f - reservations %.4f - units of other pools %.4f - fair "
			 "server %.4f" REMEDIES, c->pool->name, TIME(c->terms.target), c->first->name, sizing->units,
			 TIME(sizing->unit.runtime), TIME(sizing->unit.period), fraction_double(sizing_share(sizing)), c->fullest,
			 fraction_double(c->left), fraction_double(layout->host.limit), fraction_double(cpu->own),
			 fraction_double(cpu->units), fraction_double(cpu->fair_server));
	else
		snprintf(error->text, sizeof(error->text), "pool '%s': spare 'auto' finds no unit for latency %s of VM '%s': 2(Ps-Qs) is at "
			 "most that, Qs >= %s, and %u units on a CPU at most are for %u vCPUs there" REMEDIES, c->pool->name,
			 TIME(c->terms.target), c->first->name, TIME(c->terms.answer), c->terms.most, c->terms.borrowers);
	return NO_ROOM;
}

static int choose(struct pool_policy *pool, const struct layout *layout, chosen_tell *tell, void *data, struct policy_error *error)
{
	const struct policy *policy = layout->policy;
	struct choosing c = { .pool = pool, .terms = { .waiting = 1, .answer = ANSWER_LEAST, .most = POLICY_UNITS_MAX } };
	struct sizing sizing;
	char *text;

	for (size_t i = 0; i < policy->nr_vms; i++)
		if (layout_lender(policy, &policy->vms[i]) == pool)
			take_vm(&c, &policy->vms[i]);
	if (!c.first) {
		snprintf(error->text, sizeof(error->text), "pool '%s': spare 'auto' needs a latency: no VM of the pool has one and a "
			 "reservation", pool->name);
		return WRONG_POLICY;
	}
	take_asking(&c, layout);
	take_room(&c, layout);
	sizing = sizing_make(&c.terms);
	if (!sizing.units || fraction_compare(sizing_share(&sizing), c.left) > 0)
		return refuse(&c, layout, &sizing, error);
	pool->spare = sizing.unit;
	pool->units = sizing.units;
	text = tell ? choice_text(&c, &sizing) : NULL;
	if (text)
		tell(text, data);
	free(text);
	return DONE;
}

static void forget(struct policy *policy)
{
	for (size_t i = 0; i < policy->nr_pools; i++)
		if (policy->pools[i].automatic) {
			policy->pools[i].spare = (struct reservation){ 0 };
			policy->pools[i].units = 0;
		}
}

/* Beside the units of the pools that have theirs. */
static int choose_beside(struct pool_policy *pool, const struct policy *policy, const struct layout_host *host, chosen_tell *tell,
			 void *data, struct policy_error *error)
{
	struct layout *layout = calloc(1, sizeof(*layout));
	int code;

	if (!layout) {
		snprintf(error->text, sizeof(error->text), "%s", strerror(ENOMEM));
		return FAILED;
	}
	code = layout_place(layout, policy, host, error);
	if (code == DONE)
		code = choose(pool, layout, tell, data, error);
	layout_free(layout);
	free(layout);
	return code;
}

int chosen_make(struct policy *policy, const struct layout_host *host, chosen_tell *tell, void *data, struct policy_error *error)
{
	int code = DONE;

	forget(policy);
	for (size_t i = 0; code == DONE && i < policy->nr_pools; i++)
		if (policy->pools[i].automatic)
			code = choose_beside(&policy->pools[i], policy, host, tell, data, error);
	if (code != DONE)
		forget(policy);
	return code;
}

static bool has_automatic(const struct policy *policy)
{
	for (size_t i = 0; i < policy->nr_pools; i++)
		if (policy->pools[i].automatic)
			return true;
	return false;
}

int chosen_here(struct policy *policy, size_t own, chosen_tell *tell, void *data, struct policy_error *error)
{
	/* Its pools are those of the policy. */
	struct policy without = *policy;
	struct layout_host host;
	struct wanted_host here;
	int code;

	if (!has_automatic(policy))
		return DONE;
	if (!wanted_host(&here)) {
		snprintf(error->text, sizeof(error->text), "/sys/devices/system/cpu: %s", strerror(errno));
		return FAILED;
	}
	host = layout_here(policy, &here.online);
	code = chosen_make(policy, &host, tell, data, error);
	if (code == DONE || own >= policy->nr_vms)
		return code;
	if (tell)
		tell(error->text, data);
	without.nr_vms = own;
	return chosen_make(&without, &host, tell, data, error);
}
