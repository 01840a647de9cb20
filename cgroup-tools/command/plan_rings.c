// SPDX-License-Identifier: GPL-2.0
/* What a plan says of rings. */
#include "command/plan.h"

#include "command/output.h"

/* What a unit may have on the CPUs of the VM, as many as its pool has there. */
static struct fraction room_of(const struct plan *plan, const struct vm_policy *vm)
{
	const struct pool_policy *pool = layout_lender(&plan->policy, vm);
	struct fraction least = plan->host.limit;

	for (size_t i = 0; i < plan->layout.nr_threads; i++) {
		struct fraction sum, room;

		if (plan->layout.threads[i].vm != vm || plan->layout.threads[i].io)
			continue;
		sum = plan->layout.cpus[plan->layout.threads[i].cpu].sum;
		room = fraction_sum(fraction(-sum.num, sum.den), plan->host.limit);
		if (pool)
			room = fraction_add(fraction_multiply(room, fraction(1, pool->units)), latency_share(pool->spare));
		if (fraction_compare(room, least) < 0)
			least = room;
	}
	return least;
}

static json_t *broken_json(unsigned int broken)
{
	static const char *const rules[] = { "too slow", "too large", "gap too long", "too costly", "too short" };
	json_t *texts = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (broken & 1u << i)
			texts = plan_append(texts, json_string(rules[i]));
	return texts;
}

/* The ring when its vCPU does not run for so long. */
static json_t *gap_json(const struct plan_ring *named, uint64_t gap, int64_t backlog)
{
	struct ring ring = named->ring;
	enum ring_regime regime;

	*(named->side == RING_CONSUMER ? &ring.DC : &ring.DP) = gap;
	regime = ring_regime(&ring);
	return json_pack("{s:o, s:s, s:o, s:o}", "gap_ns", plan_time(gap), "regime", ring_regime_name(regime), "time_ns",
			 plan_share(ring_time(&ring, regime)), "slots",
			 backlog < 0 ? json_null() : json_integer(ring_slots(&named->ring, named->side, gap) + backlog));
}

static json_t *advice_json(const struct ring_advice *advice)
{
	return json_pack("{s:o, s:o, s:o}", "unit", output_json_reservation(advice->spare), "broken",
			 broken_json(advice->broken), "slots", plan_count(advice->slots));
}

static json_t *ring_row(const struct plan *plan, const struct vm_policy *vm, const struct plan_ring *named)
{
	const struct pool_policy *pool = layout_lender(&plan->policy, vm);
	enum latency_supply supply = layout_supply(&plan->layout, vm);
	enum ring_regime regime = ring_regime(&named->ring);
	struct ring_terms terms = {
		.side = named->side, .beta = named->beta ? named->beta : supply == LATENCY_EARLY ? 1 : 2,
		.room = room_of(plan, vm), .target = plan->arguments->latency,
		.switch_cost = plan->arguments->switch_cost, .overhead = plan->arguments->overhead,
	};
	struct ring_advice advice = ring_advise(&named->ring, &terms);
	int64_t latency = ring_latency(&named->ring, regime);
	json_t *with = json_null();

	if (pool) {
		with = gap_json(named, terms.beta * (pool->spare.period - pool->spare.runtime),
				ring_backlog(&named->ring, named->side, vm->reservation, pool->spare));
		json_object_set_new(with, "broken", broken_json(ring_check(&named->ring, &terms, pool->spare)));
	}
	return json_pack("{s:o, s:o, s:s, s:i, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "ring",
			 output_json_text(named->text), "vm", output_json_text(vm->name), "side", named->side == RING_CONSUMER ? "consumer" : "producer",
			 "beta", terms.beta, "demand", plan_share(ring_demand(&named->ring, named->side)),
			 "room", plan_share(terms.room), "regime", ring_regime_name(regime),
			 "time_ns", plan_share(ring_time(&named->ring, regime)),
			 "work_ns", plan_share(ring_work(&named->ring, regime)),
			 "latency_ns", latency < 0 ? json_null() : json_integer(latency),
			 "own", gap_json(named, latency_worst(vm->reservation, supply), 0),
			 "loan", with, "advice", advice_json(&advice));
}

json_t *plan_ring_rows(const struct plan *plan)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < plan->policy.nr_vms; i++)
		for (size_t j = 0; j < plan->arguments->nr_rings; j++)
			if (plan->policy.vms[i].reservation.period)
				rows = plan_append(rows, ring_row(plan, &plan->policy.vms[i], &plan->arguments->rings[j]));
	return rows;
}
