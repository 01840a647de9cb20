// SPDX-License-Identifier: GPL-2.0
/* Where the threads of a plan run, and what borrows from where. */
#include "command/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command/command.h"
#include "host/bandwidth.h"
#include "plan/placement.h"

static const struct pool_policy *pool_of(const struct plan *plan, const struct vm_policy *vm)
{
	return vm->pool ? policy_pool(&plan->policy, vm->pool) : NULL;
}

const struct pool_policy *plan_lender(const struct plan *plan, const struct vm_policy *vm)
{
	const struct pool_policy *pool = pool_of(plan, vm);

	return pool && pool->spare.period && vm->borrow.on && vm->reservation.period ? pool : NULL;
}

unsigned int plan_vcpus(const struct vm_policy *vm)
{
	return cpus_empty(&vm->vcpus) ? 1 : cpus_count(&vm->vcpus);
}

struct cpus plan_pool_cpus(const struct plan *plan, const struct pool_policy *pool)
{
	return cpus_empty(&pool->cpus) ? plan->host : pool->cpus;
}

/* Those of its pool, but for an I/O thread only if the pool has a group of its own; else what no exclusive pool has. */
static struct cpus thread_cpus(const struct plan *plan, const struct plan_thread *thread)
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
		struct plan_thread *thread = &plan->threads[i];

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
		cpus[nr_cpus++] = (struct placement_cpu){ .cpu = cpu, .limit = plan->limit, .taken = plan->cpus[cpu].sum };
	placement_make(threads, plan->nr_threads, cpus, nr_cpus);
	for (size_t i = 0; i < plan->nr_threads; i++) {
		struct plan_cpu *cpu = &plan->cpus[threads[i].cpu];

		plan->threads[threads[i].number].cpu = threads[i].cpu;
		cpu->own = fraction_sum(cpu->own, threads[i].share);
		cpu->sum = fraction_sum(cpu->sum, threads[i].share);
		cpu->threads++;
	}
	return DONE;
}

static void place_units(struct plan *plan)
{
	for (int cpu = 0; cpu < CPUS_MAX; cpu++) {
		struct reservation server = plan->here && cpus_has(&plan->host, cpu) ? bandwidth_fair_server(cpu) :
										       BANDWIDTH_FAIR_SERVER;
		struct fraction share = latency_share(server);

		plan->cpus[cpu] = (struct plan_cpu){ 0, { 0, 1 }, { 0, 1 }, share, share };
	}
	for (size_t i = 0; i < plan->policy.nr_pools; i++) {
		const struct pool_policy *pool = &plan->policy.pools[i];
		struct cpus cpus = plan_pool_cpus(plan, pool);
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
	return (vm->reservation.period ? plan_vcpus(vm) : 0) + (vm->io.kind == IO_DEADLINE);
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

			plan->threads[plan->nr_threads++] = (struct plan_thread){
				.vm = vm, .reservation = io ? vm->io.reservation : vm->reservation, .io = io,
			};
		}
	}
	return plan->threads;
}

int plan_place(struct plan *plan)
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

/* Does any of its vCPUs share its CPU with another one? */
static bool is_beside(const struct plan *plan, const struct vm_policy *vm)
{
	for (size_t i = 0; i < plan->nr_threads; i++)
		if (plan->threads[i].vm == vm && !plan->threads[i].io && plan->cpus[plan->threads[i].cpu].threads > 1)
			return true;
	return false;
}

enum latency_supply plan_supply(const struct plan *plan, const struct vm_policy *vm)
{
	return is_beside(plan, vm) ? LATENCY_ALTERNATING : LATENCY_EARLY;
}
