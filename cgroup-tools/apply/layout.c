// SPDX-License-Identifier: GPL-2.0
#include "apply/layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/bandwidth.h"
#include "host/result.h"
#include "plan/erlang.h"
#include "plan/placement.h"

static int refuse(struct policy_error *error, int code, const char *vm, const char *why)
{
	snprintf(error->text, sizeof(error->text), "%s%s%s%s", vm ? "VM '" : "", vm ? vm : "", vm ? "': " : "", why);
	return code;
}

static const struct pool_policy *pool_of(const struct policy *policy, const struct vm_policy *vm)
{
	return vm->pool ? policy_pool(policy, vm->pool) : NULL;
}

const struct pool_policy *layout_lender(const struct policy *policy, const struct vm_policy *vm)
{
	const struct pool_policy *pool = pool_of(policy, vm);

	return pool && (pool->spare.period || pool->automatic) && vm->borrow.on && vm->reservation.period ? pool : NULL;
}

bool layout_rates_known(const struct policy *policy, const struct pool_policy *pool)
{
	bool any = false;

	for (size_t i = 0; i < policy->nr_vms; i++) {
		const struct pool_policy *lender = layout_lender(policy, &policy->vms[i]);

		if (!lender || (pool && lender != pool))
			continue;
		if (!policy->vms[i].rate)
			return false;
		any = true;
	}
	return any;
}

unsigned int layout_vcpus(const struct vm_policy *vm)
{
	return cpus_empty(&vm->vcpus) ? 1 : cpus_count(&vm->vcpus);
}

struct cpus layout_pool_cpus(const struct layout *layout, const struct pool_policy *pool)
{
	return cpus_empty(&pool->cpus) ? layout->host.cpus : pool->cpus;
}

/* Those of its pool, but for an I/O thread only if the pool has a group of its own; else what no exclusive pool has. */
static struct cpus thread_cpus(const struct layout *layout, const struct layout_thread *thread)
{
	const struct policy *policy = layout->policy;
	const struct pool_policy *pool = pool_of(policy, thread->vm);
	struct cpus cpus = layout->host.cpus;

	if (pool && !cpus_empty(&pool->cpus) && (!thread->io || pool->group))
		return pool->cpus;
	for (size_t i = 0; i < policy->nr_pools; i++)
		if (policy->pools[i].exclusive)
			cpus_subtract(&cpus, &policy->pools[i].cpus);
	return cpus;
}

/* As on a host where all run; what does not fit is somewhere, too. */
static int place_threads(struct layout *layout, struct placement_thread *threads, struct placement_cpu *cpus,
			 struct policy_error *error)
{
	size_t nr_cpus = 0;

	for (size_t i = 0; i < layout->nr_threads; i++) {
		struct layout_thread *thread = &layout->threads[i];

		thread->cpus = thread_cpus(layout, thread);
		threads[i] = (struct placement_thread){
			.share = latency_share(thread->reservation), .cpus = &thread->cpus,
			.vm = thread->vm - layout->policy->vms, .number = i, .cpu = -1,
		};
		if (cpus_empty(&thread->cpus))
			return refuse(error, WRONG_POLICY, thread->vm->name, "exclusive pools have all CPUs, and it is in none of them");
	}
	for (int cpu = cpus_next(&layout->host.cpus, 0); cpu >= 0; cpu = cpus_next(&layout->host.cpus, cpu + 1))
		cpus[nr_cpus++] = (struct placement_cpu){ .cpu = cpu, .limit = layout->host.limit, .taken = layout->cpus[cpu].sum };
	placement_make(threads, layout->nr_threads, cpus, nr_cpus);
	for (size_t i = 0; i < layout->nr_threads; i++) {
		struct layout_cpu *cpu = &layout->cpus[threads[i].cpu];

		layout->threads[threads[i].number].cpu = threads[i].cpu;
		cpu->own = fraction_sum(cpu->own, threads[i].share);
		cpu->sum = fraction_sum(cpu->sum, threads[i].share);
		cpu->threads++;
	}
	return DONE;
}

static void place_units(struct layout *layout)
{
	for (int cpu = 0; cpu < CPUS_MAX; cpu++) {
		struct reservation server = layout->host.here && cpus_has(&layout->host.cpus, cpu) ? bandwidth_fair_server(cpu) :
											   BANDWIDTH_FAIR_SERVER;
		struct fraction share = latency_share(server);

		layout->cpus[cpu] = (struct layout_cpu){ 0, { 0, 1 }, { 0, 1 }, share, share };
	}
	for (size_t i = 0; i < layout->policy->nr_pools; i++) {
		const struct pool_policy *pool = &layout->policy->pools[i];
		struct cpus cpus = layout_pool_cpus(layout, pool);
		struct fraction share;

		if (!pool->spare.period)
			continue;
		share = fraction_multiply(latency_share(pool->spare), fraction(pool->units, 1));
		for (int cpu = cpus_next(&cpus, 0); cpu >= 0; cpu = cpus_next(&cpus, cpu + 1)) {
			layout->cpus[cpu].units = fraction_sum(layout->cpus[cpu].units, share);
			layout->cpus[cpu].sum = fraction_sum(layout->cpus[cpu].sum, share);
		}
	}
}

static unsigned int threads_of(const struct vm_policy *vm)
{
	return (vm->reservation.period ? layout_vcpus(vm) : 0) + (vm->io.kind == IO_DEADLINE);
}

static bool make_threads(struct layout *layout)
{
	const struct policy *policy = layout->policy;
	size_t most = 1;

	for (size_t i = 0; i < policy->nr_vms; i++)
		most += threads_of(&policy->vms[i]);
	layout->threads = calloc(most, sizeof(*layout->threads));
	for (size_t i = 0; layout->threads && i < policy->nr_vms; i++) {
		const struct vm_policy *vm = &policy->vms[i];

		for (unsigned int left = threads_of(vm); left; left--) {
			bool io = left == 1 && vm->io.kind == IO_DEADLINE;

			layout->threads[layout->nr_threads++] = (struct layout_thread){
				.vm = vm, .reservation = io ? vm->io.reservation : vm->reservation, .io = io,
			};
		}
	}
	return layout->threads;
}

struct layout_host layout_here(const struct policy *policy, const struct cpus *online)
{
	struct layout_host host = { true, *online, latency_share(bandwidth_limit()) };

	for (size_t i = 0; i < policy->nr_pools; i++)
		cpus_unite(&host.cpus, &policy->pools[i].cpus);
	return host;
}

int layout_place(struct layout *layout, const struct policy *policy, const struct layout_host *host, struct policy_error *error)
{
	struct placement_thread *threads = NULL;
	struct placement_cpu *cpus = calloc(cpus_count(&host->cpus), sizeof(*cpus));
	int code;

	layout->policy = policy;
	layout->host = *host;
	place_units(layout);
	if (make_threads(layout))
		threads = calloc(layout->nr_threads + 1, sizeof(*threads));
	code = threads && cpus ? place_threads(layout, threads, cpus, error) : refuse(error, FAILED, NULL, strerror(ENOMEM));
	free(threads);
	free(cpus);
	return code;
}

void layout_free(struct layout *layout)
{
	free(layout->threads);
	layout->threads = NULL;
	layout->nr_threads = 0;
}

/* Does any of its vCPUs share its CPU with another one? */
static bool is_beside(const struct layout *layout, const struct vm_policy *vm)
{
	for (size_t i = 0; i < layout->nr_threads; i++)
		if (layout->threads[i].vm == vm && !layout->threads[i].io && layout->cpus[layout->threads[i].cpu].threads > 1)
			return true;
	return false;
}

enum latency_supply layout_supply(const struct layout *layout, const struct vm_policy *vm)
{
	return is_beside(layout, vm) ? LATENCY_ALTERNATING : LATENCY_EARLY;
}

struct layout_asking layout_asking(const struct layout *layout, const struct pool_policy *pool, int cpu, double rate)
{
	struct layout_asking asking = { .cpu = cpu };

	for (size_t i = 0; i < layout->nr_threads; i++) {
		const struct vm_policy *vm = layout->threads[i].vm;

		if (layout->threads[i].cpu != cpu || layout->threads[i].io || layout_lender(layout->policy, vm) != pool)
			continue;
		asking.borrowers++;
		asking.rate += erlang_load(1, vm->rate ? vm->rate : rate, latency_share(vm->reservation), 1);
	}
	return asking;
}

struct layout_asking layout_busiest(const struct layout *layout, const struct pool_policy *pool, double rate)
{
	struct cpus cpus = layout_pool_cpus(layout, pool);
	struct layout_asking most = { .cpu = -1 };

	for (int cpu = cpus_next(&cpus, 0); cpu >= 0; cpu = cpus_next(&cpus, cpu + 1)) {
		struct layout_asking asking = layout_asking(layout, pool, cpu, rate);

		if (most.cpu < 0 || asking.rate > most.rate)
			most = asking;
	}
	return most;
}
