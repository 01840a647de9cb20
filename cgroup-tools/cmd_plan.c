// SPDX-License-Identifier: GPL-2.0
/*
 * dlspare plan: what a policy promises, and what it would take to promise more, by arithmetic alone. The host is a
 * hypothetical one: with the limit and the fair servers that every kernel begins with, and each vCPU on one CPU.
 *
 * The answer is one JSON document; the tables show parts of it.
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <libsmartcols/libsmartcols.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "erlang.h"
#include "latency.h"
#include "placement.h"
#include "policy.h"
#include "ring.h"
#include "units.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* sched_rt_runtime_us / sched_rt_period_us, and the fair server's 50 ms every 1 s (kernel/sched/{rt,deadline}.c). */
static const struct fraction limit = { 19, 20 }, fair_server = { 1, 20 };

/* A bound that holds over any time is told for this. */
#define WINDOW NSEC_PER_SEC

/* Of --latency and --hold, below RING_MAX. */
#define TIME_MAX (1000 * NSEC_PER_SEC)

struct named_ring {
	char *text;
	struct ring ring;
	enum ring_side side;
	unsigned int beta;		/* 0: by whether the VM is alone */
};

struct arguments {
	const char *file;
	struct reservation own, spare;
	uint64_t vms, units;
	struct cpus cpus;
	double rate;			/* events/s of each vCPU; negative: unknown */
	uint64_t latency;		/* UINT64_MAX: any */
	uint64_t hold;			/* 0: Ps */
	double blocking;
	uint64_t switch_cost;
	struct fraction overhead;
	struct named_ring *rings;
	size_t nr_rings;
};

/* A CPU of the host; its number is its index. */
struct cpu {
	unsigned int threads;
	struct fraction own, units, sum;	/* shares: of the threads, of the pools, with the fair server's */
};

/* A vCPU; or the I/O thread of a VM where those have a reservation, of which there is one at least. */
struct thread {
	const struct vm_policy *vm;
	struct reservation reservation;
	bool io;
	struct cpus cpus;		/* it may have one of these */
	int cpu;
};

struct plan {
	const struct arguments *arguments;
	struct policy policy;
	struct cpus host;
	struct cpu cpus[CPUS_MAX];
	struct thread *threads;
	size_t nr_threads;
};

/* --- JSON --- */

/* NULL when either is, so that in the end the document is NULL. */
static json_t *append(json_t *rows, json_t *row)
{
	if (!json_array_append_new(rows, row))
		return rows;
	json_decref(rows);
	return NULL;
}

/* Whole numbers, rounded up: a bound stays one. */
static json_t *time_json(double ns)
{
	return isfinite(ns) ? json_integer(ceil(ns)) : json_null();
}

static json_t *share_json(struct fraction share)
{
	return json_real(fraction_double(share));
}

static json_t *number_json(double number)
{
	return isfinite(number) ? json_real(number) : json_null();
}

/* 0: there is none. */
static json_t *count_json(int64_t count)
{
	return count > 0 ? json_integer(count) : json_null();
}

static json_t *reservation_json(struct reservation reservation)
{
	if (!reservation.period)
		return json_null();
	return json_pack("{s:I, s:I}", "runtime_ns", (json_int_t)reservation.runtime, "period_ns",
			 (json_int_t)reservation.period);
}

/* --- formulas --- */

/* What a plan must be about for a formula to be used. */
enum topic {
	VMS = 1,
	LOANS = 2,
	CHARGE = 4,
	EVENTS = 8,
	RINGS = 16,
};

#define PAPER_2011 "Cucinotta, Checconi, Giani 2011"
#define PAPER_2016 "Rizzo et al. 2016"
#define KERNEL_TEXT "sched-spare.rst"
#define LAWS "integral of P(delay > x), latency.h"
#define RING_LAWS "derived, ring.h; P and C changed over for a producer"

static const struct formula {
	enum topic topic;
	const char *column, *text, *source;
} formulas[] = {
	{ VMS, "FITS", "sum Q/P + units Qs/Ps + 5 % <= 95 % of each CPU", KERNEL_TEXT ", 4" },
	{ VMS, "MEAN", "D^2/2P alone, D^2/P beside others; D = P-Q", LAWS },
	{ VMS, "RANDOM", "7D^2/12P beside others when each place of the budget is as likely", LAWS },
	{ VMS, "WORST", "D alone, 2D beside others", PAPER_2011 ", 2, figures 1 and 2" },
	{ LOANS, "POOL MEAN", "at most the mean of min(delay, Ps-Qs)", LAWS },
	{ LOANS, "FIRST", "Ps-Qs, with a fresh unit", KERNEL_TEXT ", 2.1" },
	{ LOANS, "WHOLE", "Ps for all of Qs, with a fresh unit", PAPER_2011 ", 2; " KERNEL_TEXT ", 2.1" },
	{ LOANS, "DRAINED", "2Ps-Qs for all of Qs, with a unit just returned", KERNEL_TEXT ", 2.2" },
	{ LOANS, "MOST", "U+(1-U)Us+Qs(1-Us)/P, U+Us at most; U = Q/P, Us = Qs/Ps", KERNEL_TEXT ", 3.4" },
	{ CHARGE, "MOST", "Q/P+2Qs/window of 1s, with charge", KERNEL_TEXT ", 3.4" },
	{ LOANS, "TARGET", "WORST, DRAINED or WHOLE <= target: always, unit free, fresh unit", "the columns named" },
	{ EVENTS, "LOAD", "A = N rate (1-U) hold, on the CPU where it is largest", "offered traffic, Erlang 1917" },
	{ EVENTS, "BLOCKED", "B(A,m) = A B(A,m-1)/(m + A B(A,m-1)), B(A,0) = 1", "Erlang-B, Erlang 1917" },
	{ EVENTS, "FEW VMS", "as B, with (N-m)A/N for A", "Engset 1918, for N VMs" },
	{ EVENTS, "WAITS", "C = m B/(m-A(1-B))", "Erlang-C, Erlang 1917" },
	{ EVENTS, "MEAN WAIT", "C hold/(m-A)", "Erlang-C, Erlang 1917" },
	{ EVENTS, "NEEDED", "smallest m that blocks no more than the target; COST and FITS for few VMs", "Erlang-B, Engset" },
	{ RINGS, "REGIME", "A = (L-kP)WP-WC, B = (L-kC)WC-WP", PAPER_2016 ", table 1" },
	{ RINGS, "SLOTS", "kP+1+floor((s+gap+WC)/WP), + D(1/WP-Us/WC) for Us <= DEMAND", RING_LAWS },
	{ RINGS, "DEMAND", "(WC+(s+NC)/m)/WP, m = floor((s+(kP-1)WC)/(WP-WC))+kP", RING_LAWS },
	{ RINGS, "ADVICE", "Us = 3/2 DEMAND, or half way from DEMAND to the room", RING_LAWS },
	{ RINGS, "ADVICE", "Ps <= min((L-kP)WP-WC-s, target)/(beta(1-Us)), 2c/Ps <= overhead, Ps >= 100us", RING_LAWS },
	{ RINGS, "LEAST SLOTS", "as SLOTS, for that Us and the shortest Ps", RING_LAWS },
};

static json_t *formula_rows(unsigned int topics)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(formulas); i++)
		if (topics & formulas[i].topic)
			rows = append(rows, json_pack("{s:s, s:s, s:s}", "column", formulas[i].column, "formula",
						      formulas[i].text, "source", formulas[i].source));
	return rows;
}

/* --- where the vCPUs run --- */

static const struct pool_policy *pool_of(const struct plan *plan, const struct vm_policy *vm)
{
	return vm->pool ? policy_pool(&plan->policy, vm->pool) : NULL;
}

/* The pool that it borrows from, or NULL. */
static const struct pool_policy *lender(const struct plan *plan, const struct vm_policy *vm)
{
	const struct pool_policy *pool = pool_of(plan, vm);

	return pool && pool->spare.period && vm->borrow.on && vm->reservation.period ? pool : NULL;
}

static unsigned int vcpus_of(const struct vm_policy *vm)
{
	return cpus_empty(&vm->vcpus) ? 1 : cpus_count(&vm->vcpus);
}

static struct cpus pool_cpus(const struct plan *plan, const struct pool_policy *pool)
{
	return cpus_empty(&pool->cpus) ? plan->host : pool->cpus;
}

/* Those of its pool, but for an I/O thread only if the pool has a group of its own; else what no exclusive pool has. */
static struct cpus thread_cpus(const struct plan *plan, const struct thread *thread)
{
	const struct pool_policy *pool = pool_of(plan, thread->vm);
	struct cpus cpus = plan->host;

	if (pool && !cpus_empty(&pool->cpus) && (!thread->io || pool->group))
		return pool->cpus;
	for (size_t i = 0; i < plan->policy.nr_pools; i++)
		if (plan->policy.pools[i].exclusive)
			cpus_subtract(&cpus, &plan->policy.pools[i].cpus);
	return cpus;
}

/* As on a host where all run; what does not fit is somewhere, too. */
static int place_threads(struct plan *plan, struct placement_thread *threads, struct placement_cpu *cpus)
{
	size_t nr_cpus = 0;

	for (size_t i = 0; i < plan->nr_threads; i++) {
		struct thread *thread = &plan->threads[i];

		thread->cpus = thread_cpus(plan, thread);
		threads[i] = (struct placement_thread){
			.share = latency_share(thread->reservation), .cpus = &thread->cpus,
			.vm = thread->vm - plan->policy.vms, .number = i, .cpu = -1,
		};
		if (cpus_empty(&thread->cpus))
			return fail(WRONG_POLICY, "VM '%s': exclusive pools have all CPUs, and it is in none of them",
				    thread->vm->name);
	}
	for (int cpu = cpus_next(&plan->host, 0); cpu >= 0; cpu = cpus_next(&plan->host, cpu + 1))
		cpus[nr_cpus++] = (struct placement_cpu){ .cpu = cpu, .limit = limit, .taken = plan->cpus[cpu].sum };
	placement_make(threads, plan->nr_threads, cpus, nr_cpus);
	for (size_t i = 0; i < plan->nr_threads; i++) {
		struct cpu *cpu = &plan->cpus[threads[i].cpu];

		plan->threads[threads[i].number].cpu = threads[i].cpu;
		cpu->own = fraction_sum(cpu->own, threads[i].share);
		cpu->sum = fraction_sum(cpu->sum, threads[i].share);
		cpu->threads++;
	}
	return DONE;
}

static void place_units(struct plan *plan)
{
	for (int cpu = 0; cpu < CPUS_MAX; cpu++)
		plan->cpus[cpu] = (struct cpu){ 0, { 0, 1 }, { 0, 1 }, fair_server };
	for (size_t i = 0; i < plan->policy.nr_pools; i++) {
		const struct pool_policy *pool = &plan->policy.pools[i];
		struct cpus cpus = pool_cpus(plan, pool);
		struct fraction share;

		if (!pool->spare.period)
			continue;
		share = fraction_multiply(latency_share(pool->spare), fraction(pool->units, 1));
		for (int cpu = cpus_next(&cpus, 0); cpu >= 0; cpu = cpus_next(&cpus, cpu + 1)) {
			plan->cpus[cpu].units = fraction_sum(plan->cpus[cpu].units, share);
			plan->cpus[cpu].sum = fraction_sum(plan->cpus[cpu].sum, share);
		}
	}
}

static unsigned int threads_of(const struct vm_policy *vm)
{
	return (vm->reservation.period ? vcpus_of(vm) : 0) + (vm->io.kind == IO_DEADLINE);
}

static bool make_threads(struct plan *plan)
{
	size_t most = 1;

	for (size_t i = 0; i < plan->policy.nr_vms; i++)
		most += threads_of(&plan->policy.vms[i]);
	plan->threads = calloc(most, sizeof(*plan->threads));
	for (size_t i = 0; plan->threads && i < plan->policy.nr_vms; i++) {
		const struct vm_policy *vm = &plan->policy.vms[i];

		for (unsigned int left = threads_of(vm); left; left--) {
			bool io = left == 1 && vm->io.kind == IO_DEADLINE;

			plan->threads[plan->nr_threads++] = (struct thread){
				.vm = vm, .reservation = io ? vm->io.reservation : vm->reservation, .io = io,
			};
		}
	}
	return plan->threads;
}

static int place(struct plan *plan)
{
	struct placement_thread *threads = NULL;
	struct placement_cpu *cpus = calloc(cpus_count(&plan->host), sizeof(*cpus));
	int code;

	place_units(plan);
	if (make_threads(plan))
		threads = calloc(plan->nr_threads + 1, sizeof(*threads));
	code = threads && cpus ? place_threads(plan, threads, cpus) : fail(FAILED, "%s", strerror(ENOMEM));
	free(threads);
	free(cpus);
	return code;
}

/* --- what the plan says --- */

static json_t *cpu_rows(const struct plan *plan, bool *fits)
{
	json_t *rows = json_array();

	*fits = true;
	for (int i = cpus_next(&plan->host, 0); i >= 0; i = cpus_next(&plan->host, i + 1)) {
		const struct cpu *cpu = &plan->cpus[i];
		bool good = fraction_compare(cpu->sum, limit) <= 0;

		rows = append(rows, json_pack("{s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:b}", "cpu", i, "threads", cpu->threads,
					      "own", share_json(cpu->own), "units", share_json(cpu->units),
					      "fair_server", share_json(fair_server), "sum", share_json(cpu->sum),
					      "limit", share_json(limit), "fits", good));
		*fits = *fits && good;
	}
	return rows;
}

/* Does any of its vCPUs share its CPU with another one? */
static bool is_beside(const struct plan *plan, const struct vm_policy *vm)
{
	for (size_t i = 0; i < plan->nr_threads; i++)
		if (plan->threads[i].vm == vm && !plan->threads[i].io && plan->cpus[plan->threads[i].cpu].threads > 1)
			return true;
	return false;
}

static enum latency_supply supply_of(const struct plan *plan, const struct vm_policy *vm)
{
	return is_beside(plan, vm) ? LATENCY_ALTERNATING : LATENCY_EARLY;
}

/* What has to be given for the latency to be below the target. */
static json_t *meets_json(const struct plan *plan, const struct vm_policy *vm, const struct pool_policy *pool)
{
	uint64_t target = plan->arguments->latency;

	if (target == UINT64_MAX)
		return json_null();
	if (latency_worst(vm->reservation, supply_of(plan, vm)) <= target)
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

	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o}", "name", pool->name, "spare",
			 reservation_json(pool->spare), "mean_ns",
			 time_json(latency_mean_below(vm->reservation, supply, fresh.first)), "first_ns",
			 time_json(fresh.first), "whole_ns", time_json(fresh.whole), "drained_first_ns",
			 time_json(drained.first), "drained_whole_ns", time_json(drained.whole), "charge",
			 vm->borrow.charge, "most", share_json(most));
}

static json_t *vm_row(const struct plan *plan, const struct vm_policy *vm)
{
	const struct pool_policy *pool = lender(plan, vm);
	enum latency_supply supply = supply_of(plan, vm);
	struct reservation own = vm->reservation;

	if (!own.period)
		return json_pack("{s:s, s:n}", "vm", vm->name, "reservation");
	return json_pack("{s:s, s:i, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o}", "vm", vm->name, "vcpus", vcpus_of(vm),
			 "reservation", reservation_json(own), "share", share_json(latency_share(own)), "beside",
			 supply != LATENCY_EARLY, "mean_ns", time_json(fraction_double(latency_mean(own, supply))),
			 "mean_random_ns", supply == LATENCY_EARLY ? json_null() :
			 time_json(fraction_double(latency_mean(own, LATENCY_RANDOM))),
			 "worst_ns", time_json(latency_worst(own, supply)), "pool",
			 pool ? loan_json(vm, supply, pool) : json_null(), "target", meets_json(plan, vm, pool));
}

static json_t *vm_rows(const struct plan *plan)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < plan->policy.nr_vms; i++)
		rows = append(rows, vm_row(plan, &plan->policy.vms[i]));
	return rows;
}

static uint64_t hold_of(const struct plan *plan, const struct pool_policy *pool)
{
	return plan->arguments->hold ? plan->arguments->hold : pool->spare.period;
}

/* The CPU where the pool is asked most, how many vCPUs may ask there, and the load they offer. */
static int busiest(const struct plan *plan, const struct pool_policy *pool, unsigned int *borrowers, double *load)
{
	struct cpus cpus = pool_cpus(plan, pool);
	double hold = (double)hold_of(plan, pool) / NSEC_PER_SEC;
	int best = -1;

	for (int cpu = cpus_next(&cpus, 0); cpu >= 0; cpu = cpus_next(&cpus, cpu + 1)) {
		unsigned int asking = 0;
		double offered = 0;

		for (size_t i = 0; i < plan->nr_threads; i++) {
			const struct vm_policy *vm = plan->threads[i].vm;

			if (plan->threads[i].cpu != cpu || plan->threads[i].io || lender(plan, vm) != pool)
				continue;
			asking++;
			offered += erlang_load(1, plan->arguments->rate, latency_share(vm->reservation), hold);
		}
		if (best < 0 || offered > *load) {
			best = cpu;
			*borrowers = asking;
			*load = offered;
		}
	}
	return best;
}

static json_t *pool_row(const struct plan *plan, const struct pool_policy *pool)
{
	struct fraction share = latency_share(pool->spare), sum;
	double load = 0, blocking = plan->arguments->blocking;
	unsigned int borrowers = 0, needed, few;
	int cpu = busiest(plan, pool, &borrowers, &load);

	needed = erlang_units(load, blocking, POLICY_UNITS_MAX);
	few = erlang_units_engset(borrowers, load, blocking, POLICY_UNITS_MAX);
	sum = fraction_sum(plan->cpus[cpu].sum, fraction_multiply(share, fraction((int)few - (int)pool->units, 1)));
	return json_pack("{s:s, s:o, s:i, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "pool", pool->name,
			 "spare", reservation_json(pool->spare), "units", pool->units, "cpu", cpu, "vcpus", borrowers,
			 "hold_ns", time_json(hold_of(plan, pool)), "load", number_json(load),
			 "blocked", number_json(erlang_blocking(load, pool->units)),
			 "blocked_few", number_json(erlang_engset(borrowers, load, pool->units)),
			 "waits", number_json(erlang_waiting(load, pool->units)),
			 "mean_wait_ns", time_json(erlang_wait(load, pool->units, hold_of(plan, pool))),
			 "needed", count_json(needed), "needed_few", count_json(few),
			 "cost", few ? share_json(fraction_multiply(share, fraction(few, 1))) : json_null(),
			 "fits", json_boolean(few && fraction_compare(sum, limit) <= 0));
}

static json_t *pool_rows(const struct plan *plan)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < plan->policy.nr_pools; i++)
		if (plan->policy.pools[i].spare.period)
			rows = append(rows, pool_row(plan, &plan->policy.pools[i]));
	return rows;
}

/* What a unit may have on the CPUs of the VM, as many as its pool has there. */
static struct fraction room_of(const struct plan *plan, const struct vm_policy *vm)
{
	const struct pool_policy *pool = lender(plan, vm);
	struct fraction least = limit;

	for (size_t i = 0; i < plan->nr_threads; i++) {
		struct fraction sum, room;

		if (plan->threads[i].vm != vm || plan->threads[i].io)
			continue;
		sum = plan->cpus[plan->threads[i].cpu].sum;
		room = fraction_sum(fraction(-sum.num, sum.den), limit);
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
			texts = append(texts, json_string(rules[i]));
	return texts;
}

/* The ring when its vCPU does not run for so long. */
static json_t *gap_json(const struct named_ring *named, uint64_t gap, int64_t backlog)
{
	struct ring ring = named->ring;
	enum ring_regime regime;

	*(named->side == RING_CONSUMER ? &ring.DC : &ring.DP) = gap;
	regime = ring_regime(&ring);
	return json_pack("{s:o, s:s, s:o, s:o}", "gap_ns", time_json(gap), "regime", ring_regime_name(regime), "time_ns",
			 share_json(ring_time(&ring, regime)), "slots",
			 backlog < 0 ? json_null() : json_integer(ring_slots(&named->ring, named->side, gap) + backlog));
}

static json_t *advice_json(const struct ring_advice *advice)
{
	return json_pack("{s:o, s:o, s:o}", "spare", reservation_json(advice->spare), "broken",
			 broken_json(advice->broken), "slots", count_json(advice->slots));
}

static json_t *ring_row(const struct plan *plan, const struct vm_policy *vm, const struct named_ring *named)
{
	const struct pool_policy *pool = lender(plan, vm);
	enum latency_supply supply = supply_of(plan, vm);
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
	return json_pack("{s:s, s:s, s:s, s:i, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "ring", named->text,
			 "vm", vm->name, "vcpu", named->side == RING_CONSUMER ? "consumer" : "producer",
			 "beta", terms.beta, "demand", share_json(ring_demand(&named->ring, named->side)),
			 "room", share_json(terms.room), "regime", ring_regime_name(regime),
			 "time_ns", share_json(ring_time(&named->ring, regime)),
			 "work_ns", share_json(ring_work(&named->ring, regime)),
			 "latency_ns", latency < 0 ? json_null() : json_integer(latency),
			 "own", gap_json(named, latency_worst(vm->reservation, supply), 0),
			 "pool", with, "advice", advice_json(&advice));
}

static json_t *ring_rows(const struct plan *plan)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < plan->policy.nr_vms; i++)
		for (size_t j = 0; j < plan->arguments->nr_rings; j++)
			if (plan->policy.vms[i].reservation.period)
				rows = append(rows, ring_row(plan, &plan->policy.vms[i], &plan->arguments->rings[j]));
	return rows;
}

static unsigned int topics_of(const struct plan *plan)
{
	unsigned int topics = VMS | (plan->arguments->rate < 0 ? 0 : EVENTS) | (plan->arguments->nr_rings ? RINGS : 0);

	for (size_t i = 0; i < plan->policy.nr_vms; i++)
		if (lender(plan, &plan->policy.vms[i]))
			topics |= plan->policy.vms[i].borrow.charge ? LOANS | CHARGE : LOANS;
	return topics;
}

static json_t *plan_json(const struct plan *plan, bool *fits)
{
	unsigned int topics = topics_of(plan);
	json_t *cpus = cpu_rows(plan, fits);

	return json_pack("{s:b, s:o, s:o, s:o, s:o, s:o}", "fits", *fits, "cpus", cpus, "vms", vm_rows(plan), "pools",
			 topics & EVENTS ? pool_rows(plan) : json_array(), "rings", ring_rows(plan), "formulas",
			 formula_rows(topics));
}

/* --- tables --- */

enum kind {
	PLAIN,
	TIME,				/* to four digits, rounded up */
	SHARE,				/* in percent */
	RESERVATION,
};

struct column {
	const char *title;
	const char *path;		/* in a row: keys with dots between */
	enum kind kind;
};

static const struct column cpu_columns[] = {
	{ "CPU", "cpu", PLAIN }, { "THREADS", "threads", PLAIN }, { "OWN", "own", SHARE }, { "UNITS", "units", SHARE },
	{ "FAIR SERVER", "fair_server", SHARE }, { "SUM", "sum", SHARE }, { "LIMIT", "limit", SHARE },
	{ "FITS", "fits", PLAIN },
	{ NULL, NULL, PLAIN },
};

static const struct column vm_columns[] = {
	{ "VM", "vm", PLAIN }, { "VCPUS", "vcpus", PLAIN }, { "Q/P", "reservation", RESERVATION }, { "SHARE", "share", SHARE },
	{ "BESIDE", "beside", PLAIN }, { "MEAN", "mean_ns", TIME }, { "RANDOM", "mean_random_ns", TIME },
	{ "WORST", "worst_ns", TIME }, { "POOL", "pool.name", PLAIN }, { "POOL MEAN", "pool.mean_ns", TIME },
	{ "FIRST", "pool.first_ns", TIME }, { "WHOLE", "pool.whole_ns", TIME },
	{ "DRAINED", "pool.drained_whole_ns", TIME }, { "MOST", "pool.most", SHARE }, { "TARGET", "target", PLAIN },
	{ NULL, NULL, PLAIN },
};

static const struct column pool_columns[] = {
	{ "POOL", "pool", PLAIN }, { "Qs/Ps", "spare", RESERVATION }, { "UNITS", "units", PLAIN }, { "CPU", "cpu", PLAIN },
	{ "VCPUS", "vcpus", PLAIN }, { "HOLD", "hold_ns", TIME }, { "LOAD", "load", PLAIN }, { "BLOCKED", "blocked", PLAIN },
	{ "FEW VMS", "blocked_few", PLAIN }, { "WAITS", "waits", PLAIN }, { "MEAN WAIT", "mean_wait_ns", TIME },
	{ "NEEDED", "needed", PLAIN }, { "FEW VMS", "needed_few", PLAIN }, { "COST", "cost", SHARE },
	{ "FITS", "fits", PLAIN },
	{ NULL, NULL, PLAIN },
};

static const struct column ring_columns[] = {
	{ "VM", "vm", PLAIN }, { "VCPU", "vcpu", PLAIN }, { "DEMAND", "demand", SHARE }, { "REGIME", "regime", PLAIN },
	{ "GAP", "own.gap_ns", TIME }, { "REGIME", "own.regime", PLAIN }, { "SLOTS", "own.slots", PLAIN },
	{ "POOL GAP", "pool.gap_ns", TIME }, { "REGIME", "pool.regime", PLAIN }, { "SLOTS", "pool.slots", PLAIN },
	{ "BROKEN", "pool.broken", PLAIN }, { "ADVICE", "advice.spare", RESERVATION }, { "BROKEN", "advice.broken", PLAIN },
	{ "LEAST SLOTS", "advice.slots", PLAIN }, { "RING", "ring", PLAIN }, { NULL, NULL, PLAIN },
};

static const struct column formula_columns[] = {
	{ "COLUMN", "column", PLAIN }, { "FORMULA", "formula", PLAIN }, { "SOURCE", "source", PLAIN }, { NULL, NULL, PLAIN },
};

static const json_t *find_value(const json_t *row, const char *path)
{
	char *keys = strdup(path), *rest = keys, *key;

	while (row && keys && (key = strsep(&rest, ".")))
		row = json_object_get(row, key);
	free(keys);
	return row;
}

static uint64_t four_digits(uint64_t ns)
{
	uint64_t step = 1;

	while (ns / step >= 10000)
		step *= 10;
	return (ns / step + !!(ns % step)) * step;
}

static void print_plain(FILE *file, const json_t *value)
{
	const char *separator = "";
	json_t *item;
	size_t i;

	switch (json_typeof(value)) {
	case JSON_STRING:
		fputs(json_string_value(value), file);
		break;
	case JSON_INTEGER:
		fprintf(file, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		break;
	case JSON_REAL:
		fprintf(file, "%.3g", json_real_value(value));
		break;
	case JSON_ARRAY:
		json_array_foreach((json_t *)value, i, item) {
			fprintf(file, "%s%s", separator, json_string_value(item));
			separator = ", ";
		}
		if (!i)
			fputs("-", file);
		break;
	default:
		fputs(json_is_true(value) ? "yes" : "no", file);
		break;
	}
}

static void print_value(FILE *file, const json_t *value, enum kind kind)
{
	char runtime[UNITS_TEXT], period[UNITS_TEXT];

	if (!value || json_is_null(value)) {
		fputs("-", file);
		return;
	}
	switch (kind) {
	case PLAIN:
		print_plain(file, value);
		break;
	case TIME:
		fputs(units_print(period, four_digits(json_integer_value(value))), file);
		break;
	case SHARE:
		fprintf(file, "%.4g %%", 100 * json_real_value(value));
		break;
	case RESERVATION:
		fprintf(file, "%s/%s", units_print(runtime, json_integer_value(json_object_get(value, "runtime_ns"))),
			units_print(period, json_integer_value(json_object_get(value, "period_ns"))));
		break;
	}
}

static bool add_cell(struct libscols_line *line, size_t number, const json_t *value, enum kind kind)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		return false;
	print_value(file, value, kind);
	if (fclose(file)) {
		free(text);
		return false;
	}
	return !scols_line_refer_data(line, number, text);
}

/* Numbers are on the right. */
static int flags_of(const json_t *rows, const struct column *column)
{
	bool number = column->kind != PLAIN;
	json_t *row;
	size_t i;

	json_array_foreach((json_t *)rows, i, row)
		number = number || json_is_number(find_value(row, column->path));
	return number ? SCOLS_FL_RIGHT : 0;
}

static bool print_table(const char *heading, const json_t *rows, const struct column *columns)
{
	struct libscols_table *table = scols_new_table();
	bool good = table;
	json_t *row;
	size_t i;

	if (!json_array_size(rows)) {
		scols_unref_table(table);
		return good;
	}
	for (i = 0; good && columns[i].title; i++)
		good = scols_table_new_column(table, columns[i].title, 0, flags_of(rows, &columns[i]));
	json_array_foreach((json_t *)rows, i, row) {
		struct libscols_line *line = good ? scols_table_new_line(table, NULL) : NULL;

		good = line;
		for (size_t number = 0; good && columns[number].title; number++)
			good = add_cell(line, number, find_value(row, columns[number].path), columns[number].kind);
	}
	if (good) {
		/* Lines that the terminal breaks can be read, cut words cannot. */
		scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
		printf("%s\n", heading);
		good = !scols_print_table(table);
	}
	scols_unref_table(table);
	return good;
}

static bool print_plan(const json_t *document)
{
	static const struct {
		const char *heading, *key;
		const struct column *columns;
	} tables[] = {
		{ "CPUs", "cpus", cpu_columns },
		{ "\nVMs: how long they do not react when their budget is gone, without and with the pool", "vms", vm_columns },
		{ "\nPools: units for the target of blocking, on the CPU with the largest load", "pools", pool_columns },
		{ "\nRings: regime without a reservation, with the VM's own, with its pool; and the unit that keeps it", "rings",
		  ring_columns },
		{ "\nFormulas", "formulas", formula_columns },
	};
	bool good = true;

	if (options.json)
		return !json_dumpf(document, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) && putchar('\n') != EOF;
	/* Quiet: without the last. */
	for (size_t i = 0; good && i < ARRAY_SIZE(tables) - options.quiet; i++)
		good = print_table(tables[i].heading, json_object_get(document, tables[i].key), tables[i].columns);
	return good;
}

/* --- arguments --- */

/* A decimal number without a sign, at most 15 digits. */
static bool parse_decimal(struct fraction *number, const char *text)
{
	struct fraction read = { 0, 1 };
	bool point = false;
	unsigned int digits = 0;

	for (; *text; text++) {
		if (*text == '.' && !point && digits) {
			point = true;
			continue;
		}
		if (*text < '0' || *text > '9' || ++digits > 15)
			return false;
		read.num = 10 * read.num + *text - '0';
		read.den *= point ? 10 : 1;
	}
	*number = fraction(read.num, read.den);
	return digits && text[-1] != '.';
}

enum ring_value {
	RING_COUNT,
	RING_TIME,
	RING_PARTY,
};

/* Of --ring; the second field gets the value too. */
static const struct ring_key {
	const char *name;
	enum ring_value value;
	size_t field, second;
} ring_keys[] = {
#define BOTH(a, b) offsetof(struct named_ring, ring.a), offsetof(struct named_ring, ring.b)
	{ "L", RING_COUNT, BOTH(L, L) }, { "WP", RING_TIME, BOTH(WP, WP) }, { "WC", RING_TIME, BOTH(WC, WC) },
	{ "kP", RING_COUNT, BOTH(kP, kP) }, { "kC", RING_COUNT, BOTH(kC, kC) }, { "NP", RING_TIME, BOTH(NP, NP) },
	{ "NC", RING_TIME, BOTH(NC, NC) }, { "N", RING_TIME, BOTH(NP, NC) }, { "SP", RING_TIME, BOTH(SP, SP) },
	{ "SC", RING_TIME, BOTH(SC, SC) }, { "s", RING_TIME, BOTH(SP, SC) }, { "vcpu", RING_PARTY, 0, 0 },
	{ "beta", RING_COUNT, 0, 0 },
#undef BOTH
};

static const struct ring_key *ring_key(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(ring_keys); i++)
		if (!strcmp(ring_keys[i].name, name))
			return &ring_keys[i];
	return NULL;
}

static int set_ring_value(struct named_ring *named, const char *name, const char *text)
{
	const struct ring_key *key = ring_key(name);
	const char *rule = NULL;
	uint64_t value = 0;

	if (!key)
		return fail(WRONG_USAGE, "--ring: '%s' is none of L, WP, WC, kP, kC, N, NP, NC, s, SP, SC, vcpu, beta", name);
	if (!text)
		return fail(WRONG_USAGE, "--ring: '%s' needs a value: %s=…", name, name);
	if (key->value == RING_PARTY) {
		named->side = strcmp(text, "producer") ? RING_CONSUMER : RING_PRODUCER;
		if (strcmp(text, "producer") && strcmp(text, "consumer"))
			rule = "it must be consumer or producer";
	} else if (!key->field) {
		if (units_parse_number(&value, text, 1, 2, &rule))
			named->beta = value;
	} else if (key->value == RING_COUNT ? units_parse_number(&value, text, 1, 1 << 20, &rule) :
					      units_parse(&value, text, &rule)) {
		if (value > RING_MAX)
			return fail(WRONG_USAGE, "--ring: %s=%s: at most 2^40 ns, which are 18 minutes", name, text);
		*(int64_t *)((char *)named + key->field) = value;
		*(int64_t *)((char *)named + key->second) = value;
	}
	return rule ? fail(WRONG_USAGE, "--ring: %s=%s: %s", name, text, rule) : DONE;
}

static int parse_ring(struct arguments *arguments, const char *text)
{
	struct named_ring *rings = reallocarray(arguments->rings, arguments->nr_rings + 1, sizeof(*rings)), *named;
	char *values = NULL, *rest, *name;
	const char *rule;
	int code = DONE;

	if (!rings)
		return fail(FAILED, "%s", strerror(ENOMEM));
	arguments->rings = rings;
	named = &rings[arguments->nr_rings];
	*named = (struct named_ring){ .text = strdup(text), .ring = { .kP = 1, .kC = 1 } };
	if (!named->text)
		return fail(FAILED, "%s", strerror(ENOMEM));
	arguments->nr_rings++;
	values = rest = strdup(text);
	if (!values)
		return fail(FAILED, "%s", strerror(ENOMEM));
	while (!code && (name = strsep(&rest, ","))) {
		char *value = name;

		strsep(&value, "=");
		code = set_ring_value(named, name, value);
	}
	free(values);
	rule = code ? NULL : ring_rule(&named->ring);
	return rule ? fail(WRONG_USAGE, "--ring '%s': %s", text, rule) : code;
}

enum {
	OPTION_RUNTIME = 256,
	OPTION_PERIOD,
	OPTION_VMS,
	OPTION_UNITS,
	OPTION_SPARE_RUNTIME,
	OPTION_SPARE_PERIOD,
	OPTION_CPUS,
	OPTION_RATE,
	OPTION_LATENCY,
	OPTION_HOLD,
	OPTION_BLOCKING,
	OPTION_SWITCH_COST,
	OPTION_OVERHEAD,
	OPTION_RING,
};

static const struct option long_options[] = {
	{ "runtime", required_argument, NULL, OPTION_RUNTIME },
	{ "period", required_argument, NULL, OPTION_PERIOD },
	{ "vms", required_argument, NULL, OPTION_VMS },
	{ "units", required_argument, NULL, OPTION_UNITS },
	{ "spare-runtime", required_argument, NULL, OPTION_SPARE_RUNTIME },
	{ "spare-period", required_argument, NULL, OPTION_SPARE_PERIOD },
	{ "cpus", required_argument, NULL, OPTION_CPUS },
	{ "rate", required_argument, NULL, OPTION_RATE },
	{ "latency", required_argument, NULL, OPTION_LATENCY },
	{ "hold", required_argument, NULL, OPTION_HOLD },
	{ "blocking", required_argument, NULL, OPTION_BLOCKING },
	{ "switch-cost", required_argument, NULL, OPTION_SWITCH_COST },
	{ "overhead", required_argument, NULL, OPTION_OVERHEAD },
	{ "ring", required_argument, NULL, OPTION_RING },
	{ "help", no_argument, NULL, 'h' },
	{ NULL },
};

static const char usage[] =
	"Usage: dlspare plan FILE [OPTION]...\n"
	"       dlspare plan --runtime TIME --period TIME [OPTION]...\n"
	"\n"
	"What a policy promises, and what it would take to promise more. Reads nothing but FILE and changes nothing.\n"
	"Exits with 4 when the policy does not fit.\n"
	"\n"
	"The VMs and their pool:\n"
	"  FILE                     a policy; the options of this group go without it. A VM that names no vCPUs has one\n"
	"  --runtime TIME           each VM's vCPU gets so much CPU time\n"
	"  --period TIME            every so long\n"
	"  --vms N                  so many VMs, 1..8192; default 1\n"
	"  --spare-runtime TIME     a unit gives so much\n"
	"  --spare-period TIME      every so long; default: no pool\n"
	"  --units N                so many units on each CPU, 1..64; default 1\n"
	"\n"
	"The host:\n"
	"  --cpus LIST              its CPUs; default: with FILE this host's and those that FILE names, without it CPU 0\n"
	"\n"
	"What is wanted:\n"
	"  --rate EVENTS/S          events a second for each vCPU; without it nothing is said about the number of units\n"
	"  --hold TIME              how long a loan lasts; default: the unit's period\n"
	"  --blocking P             so many of the events may find all units on loan, 0 < P < 1; default 0.001\n"
	"  --latency TIME           target for what the VM does not react in, and for the gaps of a ring\n"
	"\n"
	"Rings; may be given several times:\n"
	"  --ring L=N,WP=TIME,WC=TIME[,KEY=VALUE]...\n"
	"       L                   slots, 1..1048576\n"
	"       WP, WC              work of producer and consumer for a message\n"
	"       kP, kC              messages at which P notifies, free slots at which C does; default 1\n"
	"       NP, NC; N for both  work to notify; default 0s\n"
	"       SP, SC; s for both  work to start after a notification, without scheduling delay; default 0s\n"
	"       vcpu                consumer or producer: which of them the VM is; default consumer\n"
	"       beta                1: gaps on loan last Ps-Qs, 2: twice that; default: 1 for a VM alone on its CPU\n"
	"  --switch-cost TIME       of a context switch, caches included; default 5us\n"
	"  --overhead PERCENT       the most that switching may take; default 1\n"
	"\n"
	"Units:\n"
	"  TIME                     a number with ns, us, ms or s, such as 0.4ms\n"
	"  LIST                     CPUs, such as 0-3,8\n"
	"\n"
	"Output:\n"
	"  --json                   one document with exact times in ns and shares of a CPU as fractions of 1\n"
	"  -q, --quiet              without the formulas\n"
	"  -h, --help               this text\n";

static int parse_time(uint64_t *time, const char *name, const char *text, uint64_t most)
{
	char shown[UNITS_TEXT];
	const char *rule;

	if (!units_parse(time, text, &rule))
		return fail(WRONG_USAGE, "--%s '%s': %s", name, text, rule);
	if (!*time || *time > most)
		return fail(WRONG_USAGE, "--%s '%s': it must be more than 0s and at most %s", name, text,
			    units_print(shown, most));
	return DONE;
}

static int parse_number(uint64_t *number, const char *name, const char *text, uint64_t high)
{
	const char *rule;

	if (!units_parse_number(number, text, 1, high, &rule))
		return fail(WRONG_USAGE, "--%s '%s': %s", name, text, rule);
	return DONE;
}

/* More than 0, and below most. */
static int parse_part(struct fraction *number, const char *name, const char *text, int most)
{
	if (!parse_decimal(number, text) || !number->num || fraction_compare(*number, fraction(most, 1)) >= 0)
		return fail(WRONG_USAGE, "--%s '%s': it must be a decimal number between 0 and %d", name, text, most);
	return DONE;
}

static int parse_option(struct arguments *arguments, int option, const char *name, const char *text)
{
	struct fraction number = { 0, 1 };
	const char *rule;
	int code = DONE;

	switch (option) {
	case OPTION_RUNTIME:
		return parse_time(&arguments->own.runtime, name, text, POLICY_PERIOD_MAX);
	case OPTION_PERIOD:
		return parse_time(&arguments->own.period, name, text, POLICY_PERIOD_MAX);
	case OPTION_SPARE_RUNTIME:
		return parse_time(&arguments->spare.runtime, name, text, POLICY_PERIOD_MAX);
	case OPTION_SPARE_PERIOD:
		return parse_time(&arguments->spare.period, name, text, POLICY_PERIOD_MAX);
	case OPTION_LATENCY:
		return parse_time(&arguments->latency, name, text, TIME_MAX);
	case OPTION_HOLD:
		return parse_time(&arguments->hold, name, text, TIME_MAX);
	case OPTION_SWITCH_COST:
		return parse_time(&arguments->switch_cost, name, text, NSEC_PER_SEC);
	case OPTION_VMS:
		return parse_number(&arguments->vms, name, text, CPUS_MAX);
	case OPTION_UNITS:
		return parse_number(&arguments->units, name, text, POLICY_UNITS_MAX);
	case OPTION_CPUS:
		if (!cpus_parse(&arguments->cpus, text, &rule))
			return fail(WRONG_USAGE, "--cpus '%s': %s", text, rule);
		return cpus_empty(&arguments->cpus) ? fail(WRONG_USAGE, "--cpus '': a host has CPUs") : DONE;
	case OPTION_RATE:
		code = parse_part(&number, name, text, 1000000000);
		arguments->rate = fraction_double(number);
		return code;
	case OPTION_BLOCKING:
		code = parse_part(&number, name, text, 1);
		arguments->blocking = fraction_double(number);
		return code;
	case OPTION_OVERHEAD:
		code = parse_part(&number, name, text, 100);
		arguments->overhead = fraction_multiply(number, fraction(1, 100));
		return code;
	default:
		return parse_ring(arguments, text);
	}
}

static bool describes_vms(const struct arguments *arguments)
{
	return arguments->own.runtime || arguments->own.period || arguments->spare.runtime || arguments->spare.period ||
	       arguments->vms || arguments->units;
}

static int parse_arguments(struct arguments *arguments, int argc, char **argv, bool *help)
{
	int option, index, code = DONE;

	/* 0: from the beginning, also after another getopt_long(). */
	optind = 0;
	while (!code && (option = getopt_long(argc, argv, ":h", long_options, &index)) != -1) {
		if (option == 'h') {
			*help = true;
			return DONE;
		}
		if (option == ':')
			return fail(WRONG_USAGE, "'%s' needs a value", argv[optind - 1]);
		if (option == '?')
			return fail(WRONG_USAGE, "plan: unknown option '%s'; see dlspare plan --help", argv[optind - 1]);
		code = parse_option(arguments, option, long_options[index].name, optarg);
	}
	if (code)
		return code;
	if (optind < argc)
		arguments->file = argv[optind++];
	if (optind < argc)
		return fail(WRONG_USAGE, "plan: '%s' is one FILE too many", argv[optind]);
	if (arguments->file && describes_vms(arguments))
		return fail(WRONG_USAGE, "plan: '%s' describes the VMs and their pool; options that do go without a FILE",
			    arguments->file);
	if (!arguments->file && !(arguments->own.runtime && arguments->own.period))
		return fail(WRONG_USAGE, "plan: a FILE, or --runtime and --period, must be given");
	if (arguments->units && !arguments->spare.runtime && !arguments->spare.period)
		return fail(WRONG_USAGE, "plan: --units needs --spare-runtime and --spare-period");
	return DONE;
}

/* --- the plan --- */

/* A VM of so many vCPUs stands for so many VMs. */
static bool make_policy(struct policy *policy, const struct arguments *arguments)
{
	struct pool_policy *pool;
	struct vm_policy *vm = policy_add_vm(policy, "vm");

	if (!vm)
		return false;
	vm->reservation = arguments->own;
	for (unsigned int i = 0; i < arguments->vms; i++)
		cpus_add(&vm->vcpus, i);
	if (!arguments->spare.runtime && !arguments->spare.period)
		return true;
	pool = policy_add_pool(policy, "pool");
	vm->pool = strdup("pool");
	if (!pool || !vm->pool)
		return false;
	vm->borrow.on = true;
	pool->spare = arguments->spare;
	pool->units = arguments->units ? arguments->units : 1;
	return true;
}

static int read_policy(struct policy *policy, const struct arguments *arguments)
{
	struct policy_error error;

	if (!arguments->file) {
		if (!make_policy(policy, arguments))
			return fail(FAILED, "%s", strerror(ENOMEM));
		return policy_check(policy, &error) ? DONE : fail(WRONG_USAGE, "%s", error.text);
	}
	if (access(arguments->file, R_OK))
		return fail(NOT_FOUND, "%s: %s", arguments->file, strerror(errno));
	return policy_read(policy, arguments->file, &error) ? DONE : fail(WRONG_POLICY, "%s", error.text);
}

static int make_host(struct plan *plan)
{
	long here = plan->arguments->file ? sysconf(_SC_NPROCESSORS_ONLN) : 1;

	plan->host = plan->arguments->cpus;
	if (cpus_empty(&plan->host)) {
		for (long cpu = 0; cpu < here; cpu++)
			cpus_add(&plan->host, cpu);
		for (size_t i = 0; i < plan->policy.nr_pools; i++)
			cpus_unite(&plan->host, &plan->policy.pools[i].cpus);
	}
	for (size_t i = 0; i < plan->policy.nr_pools; i++)
		if (!cpus_within(&plan->policy.pools[i].cpus, &plan->host))
			return fail(WRONG_USAGE, "pool '%s' has CPUs that --cpus does not have", plan->policy.pools[i].name);
	return DONE;
}

static int tell_what_does_not_fit(const struct plan *plan)
{
	const struct cpu *cpu;
	int i = cpus_next(&plan->host, 0);

	while (fraction_compare(plan->cpus[i].sum, limit) <= 0)
		i = cpus_next(&plan->host, i + 1);
	cpu = &plan->cpus[i];
	return fail(NO_ROOM, "CPU %d: reservations %.4f + units %.4f + fair server %.4f make %.4f, and the limit is %.4f", i,
		    fraction_double(cpu->own), fraction_double(cpu->units), fraction_double(fair_server),
		    fraction_double(cpu->sum), fraction_double(limit));
}

int cmd_plan(int argc, char **argv)
{
	struct arguments arguments = {
		.rate = -1, .latency = UINT64_MAX, .blocking = 0.001, .switch_cost = 5 * NSEC_PER_USEC, .overhead = { 1, 100 },
	};
	struct plan *plan = calloc(1, sizeof(*plan));
	json_t *document = NULL;
	bool help = false, fits;
	int code;

	if (!plan)
		return fail(FAILED, "%s", strerror(ENOMEM));
	plan->arguments = &arguments;
	policy_init(&plan->policy);
	code = parse_arguments(&arguments, argc, argv, &help);
	if (help)
		fputs(usage, stdout);
	if (code || help)
		goto out;
	code = read_policy(&plan->policy, &arguments);
	code = code ? code : make_host(plan);
	code = code ? code : place(plan);
	if (code)
		goto out;
	document = plan_json(plan, &fits);
	if (!document)
		code = fail(FAILED, "plan: out of memory, or a name is not UTF-8");
	else if (!print_plan(document))
		code = fail(FAILED, "plan: cannot be printed: %s", strerror(errno));
	else if (!fits)
		code = tell_what_does_not_fit(plan);
out:
	json_decref(document);
	for (size_t i = 0; i < arguments.nr_rings; i++)
		free(arguments.rings[i].text);
	free(arguments.rings);
	policy_free(&plan->policy);
	free(plan->threads);
	free(plan);
	return code;
}
