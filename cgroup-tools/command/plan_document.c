// SPDX-License-Identifier: GPL-2.0
/* What a plan says of CPUs, VMs and pools. */
#include "command/plan.h"

#include "command/output.h"
#include "host/units.h"
#include "plan/erlang.h"

/* A bound that holds over any time is told for this. */
#define WINDOW NSEC_PER_SEC

static json_t *cpu_rows(const struct plan *plan, bool *fits)
{
	json_t *rows = json_array();

	*fits = true;
	for (int i = cpus_next(&plan->host.cpus, 0); i >= 0; i = cpus_next(&plan->host.cpus, i + 1)) {
		const struct layout_cpu *cpu = &plan->layout.cpus[i];
		bool good = fraction_compare(cpu->sum, plan->host.limit) <= 0;

		rows = plan_append(rows, json_pack("{s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:b}", "cpu", i, "threads", cpu->threads,
					      "own_share", plan_share(cpu->own), "units_share", plan_share(cpu->units),
					      "fair_server_share", plan_share(cpu->fair_server), "sum", plan_share(cpu->sum),
					      "limit", plan_share(plan->host.limit), "fits", good));
		*fits = *fits && good;
	}
	return rows;
}

/* What has to be given for the latency to be below the target. */
static json_t *meets_json(const struct plan *plan, const struct vm_policy *vm, const struct pool_policy *pool)
{
	uint64_t target = plan->arguments->latency;

	if (target == UINT64_MAX)
		return json_null();
	if (latency_worst(vm->reservation, layout_supply(&plan->layout, vm)) <= target)
		return json_string("always");
	if (pool && latency_drained(pool->spare).whole <= target)
		return json_string("unit free");
	if (pool && latency_fresh(pool->spare).whole <= target)
		return json_string("fresh unit");
	return json_string("no");
}

static json_t *loan_json(const struct vm_policy *vm, enum latency_supply supply, const struct pool_policy *pool)
{
	struct latency_loan fresh = latency_fresh(pool->spare), drained = latency_drained(pool->spare);
	struct fraction most = vm->borrow.charge ? latency_share_charged(vm->reservation, pool->spare, WINDOW) :
						   latency_share_flood(vm->reservation, pool->spare);

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o}", "unit",
			 output_json_reservation(pool->spare), "mean_ns",
			 plan_time(latency_mean_below(vm->reservation, supply, fresh.first)), "first_ns",
			 plan_time(fresh.first), "whole_ns", plan_time(fresh.whole), "drained_first_ns",
			 plan_time(drained.first), "drained_whole_ns", plan_time(drained.whole), "charge",
			 vm->borrow.charge, "most", plan_share(most));
}

static json_t *vm_row(const struct plan *plan, const struct vm_policy *vm)
{
	const struct pool_policy *pool = layout_lender(&plan->policy, vm);
	enum latency_supply supply = layout_supply(&plan->layout, vm);
	struct reservation own = vm->reservation;

	if (!own.period)
		return json_pack("{s:o, s:i, s:n, s:s?}", "name", output_json_text(vm->name), "nr_vcpus", layout_vcpus(vm), "reservation",
				 "pool", vm->pool);
	return json_pack("{s:o, s:i, s:o, s:o, s:b, s:o, s:o, s:o, s:s?, s:o, s:o}", "name", output_json_text(vm->name), "nr_vcpus",
			 layout_vcpus(vm), "reservation", output_json_reservation(own), "share", plan_share(latency_share(own)), "beside",
			 supply != LATENCY_EARLY, "mean_ns", plan_time(fraction_double(latency_mean(own, supply))),
			 "mean_random_ns", supply == LATENCY_EARLY ? json_null() :
			 plan_time(fraction_double(latency_mean(own, LATENCY_RANDOM))),
			 "worst_ns", plan_time(latency_worst(own, supply)), "pool", vm->pool, "loan",
			 pool ? loan_json(vm, supply, pool) : json_null(), "target", meets_json(plan, vm, pool));
}

static json_t *vm_rows(const struct plan *plan)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < plan->policy.nr_vms; i++)
		rows = plan_append(rows, vm_row(plan, &plan->policy.vms[i]));
	return rows;
}

static const struct plan_measured *measured(const struct plan *plan, const struct pool_policy *pool)
{
	return plan->measured ? &plan->measured[pool - plan->policy.pools] : NULL;
}

static uint64_t hold_of(const struct plan *plan, const struct pool_policy *pool)
{
	if (measured(plan, pool))
		return measured(plan, pool)->hold;
	return plan->arguments->hold ? plan->arguments->hold : pool->spare.period;
}

/* A measured load is one like the other on each CPU. */
static double load_of(const struct plan *plan, const struct pool_policy *pool, const struct layout_asking *asking)
{
	const struct plan_measured *seen = measured(plan, pool);

	return seen ? erlang_offered(asking->borrowers, seen->on_loan, seen->waiting) : asking->rate * hold_of(plan, pool) / NSEC_PER_SEC;
}

static json_t *pool_row(const struct plan *plan, const struct pool_policy *pool)
{
	struct fraction share = latency_share(pool->spare), sum;
	const struct plan_measured *seen = measured(plan, pool);
	struct layout_asking asking = layout_busiest(&plan->layout, pool, seen ? 1 : plan->arguments->rate);
	double load = load_of(plan, pool, &asking), blocking = plan->arguments->blocking;
	unsigned int borrowers = asking.borrowers, needed, few;
	/* What is advised must do for more than what a short look has met by chance. */
	double likely = seen ? erlang_likely(load, seen->loans) : load;

	needed = erlang_units(likely, blocking, POLICY_UNITS_MAX);
	few = erlang_units_engset(borrowers, likely, blocking, POLICY_UNITS_MAX);
	sum = fraction_sum(plan->layout.cpus[asking.cpu].sum, fraction_multiply(share, fraction((int)few - (int)pool->units, 1)));
	return json_pack("{s:s, s:o, s:i, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name", pool->name,
			 "unit", output_json_reservation(pool->spare), "units_per_cpu", pool->units, "cpu", asking.cpu, "borrowers", borrowers,
			 "hold_ns", plan_time(hold_of(plan, pool)), "load", plan_number(load),
			 "blocked_seen", seen ? plan_number(seen->blocked) : json_null(),
			 "blocked", plan_number(erlang_blocking(load, pool->units)),
			 "blocked_few", plan_number(erlang_engset(borrowers, load, pool->units)),
			 "waits", plan_number(erlang_waiting(load, pool->units)),
			 "waits_few", plan_number(erlang_palm(asking.borrowers, load, pool->units)),
			 "mean_wait_ns", plan_time(erlang_wait(load, pool->units, hold_of(plan, pool))),
			 "needed", plan_count(needed), "needed_few", plan_count(few),
			 "needed_waits", plan_count(erlang_units_palm(asking.borrowers, likely, blocking, POLICY_UNITS_MAX)),
			 "cost", few ? plan_share(fraction_multiply(share, fraction(few, 1))) : json_null(),
			 "fits", json_boolean(few && fraction_compare(sum, plan->host.limit) <= 0));
}

static json_t *pool_rows(const struct plan *plan)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < plan->policy.nr_pools; i++)
		if (plan->policy.pools[i].spare.period)
			rows = plan_append(rows, pool_row(plan, &plan->policy.pools[i]));
	return rows;
}

static unsigned int topics_of(const struct plan *plan)
{
	bool asked = plan->arguments->rate >= 0 || plan->measured || layout_rates_known(&plan->policy, NULL);
	unsigned int topics = PLAN_VMS | (asked ? PLAN_EVENTS : 0) | (plan->arguments->nr_rings ? PLAN_RINGS : 0);

	for (size_t i = 0; i < plan->policy.nr_vms; i++)
		if (layout_lender(&plan->policy, &plan->policy.vms[i]))
			topics |= plan->policy.vms[i].borrow.charge ? PLAN_LOANS | PLAN_CHARGE : PLAN_LOANS;
	return topics;
}

json_t *plan_document(const struct plan *plan, bool *fits)
{
	unsigned int topics = topics_of(plan);
	json_t *cpus = cpu_rows(plan, fits);

	return json_pack("{s:b, s:o, s:o, s:o, s:o, s:o}", "fits", *fits, "cpus", cpus, "vms", vm_rows(plan), "pools",
			 topics & PLAN_EVENTS ? pool_rows(plan) : json_array(), "rings", plan_ring_rows(plan), "formulas",
			 plan_formula_rows(topics));
}
