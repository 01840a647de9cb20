// SPDX-License-Identifier: GPL-2.0
#include "plan/placement.h"

#include <stdlib.h>

struct placement {
	struct placement_thread *threads;
	size_t nr_threads;
	struct placement_cpu *cpus;
	size_t nr_cpus;
};

enum rule {
	STAY,				/* and spread the others */
	SPREAD,				/* worst fit */
	FILL,				/* first fit */
};

static int by_share(const void *a, const void *b)
{
	const struct placement_thread *one = a, *other = b;
	int order = fraction_compare(other->share, one->share);

	if (!order)
		order = (one->vm > other->vm) - (one->vm < other->vm);
	return order ? order : (one->number > other->number) - (one->number < other->number);
}

static bool fits(const struct placement_thread *thread, const struct placement_cpu *cpu)
{
	return !thread->share.num || fraction_compare(thread->share, cpu->left) <= 0;
}

static void count_siblings(const struct placement *p, size_t vm)
{
	size_t i;

	for (i = 0; i < p->nr_cpus; i++)
		p->cpus[i].siblings = 0;
	for (i = 0; i < p->nr_threads; i++)
		if (p->threads[i].vm == vm && p->threads[i].next >= 0)
			p->cpus[p->threads[i].next].siblings++;
}

/* Is the CPU a better place than one of which the same is true: that it fits there, or does not? */
static bool is_better(const struct placement_thread *thread, bool fits, const struct placement_cpu *cpu,
		      const struct placement_cpu *best)
{
	if (fits && cpu->siblings != best->siblings)
		return cpu->siblings < best->siblings;
	/* What needs nothing is spread by its number. */
	if (fits && !thread->share.num && cpu->threads != best->threads)
		return cpu->threads < best->threads;
	return fraction_compare(cpu->left, best->left) > 0;
}

/* NULL: it may have none of the CPUs. */
static struct placement_cpu *find_place(const struct placement *p, const struct placement_thread *thread, enum rule rule,
					bool *good)
{
	struct placement_cpu *best = NULL;
	size_t i;

	*good = false;
	for (i = 0; i < p->nr_cpus && !(*good && rule == FILL); i++) {
		struct placement_cpu *cpu = &p->cpus[i];
		bool here;

		if (!cpus_has(thread->cpus, cpu->cpu))
			continue;
		here = fits(thread, cpu);
		if (!best || here > *good || (here == *good && is_better(thread, here, cpu, best)))
			best = cpu;
		*good = *good || here;
	}
	return best;
}

/* The one it has, if it may and fits. */
static struct placement_cpu *find_present(const struct placement *p, const struct placement_thread *thread)
{
	size_t i;

	for (i = 0; i < p->nr_cpus; i++)
		if (p->cpus[i].cpu == thread->cpu)
			return cpus_has(thread->cpus, thread->cpu) && fits(thread, &p->cpus[i]) ? &p->cpus[i] : NULL;
	return NULL;
}

static void set_sum(struct placement_cpu *cpu, struct fraction sum)
{
	cpu->sum = sum;
	cpu->left = fraction_sum(fraction(-sum.num, sum.den), cpu->limit);
}

static void put(const struct placement *p, struct placement_thread *thread, struct placement_cpu *cpu)
{
	thread->next = cpu - p->cpus;
	cpu->threads++;
	cpu->siblings++;
	set_sum(cpu, fraction_sum(cpu->sum, thread->share));
}

static bool place(const struct placement *p, enum rule rule)
{
	struct placement_cpu *cpu;
	bool good = true, here;
	size_t i, vm = SIZE_MAX;

	for (i = 0; i < p->nr_cpus; i++) {
		set_sum(&p->cpus[i], p->cpus[i].taken);
		p->cpus[i].threads = 0;
	}
	for (i = 0; i < p->nr_threads; i++)
		p->threads[i].next = -1;
	for (i = 0; rule == STAY && i < p->nr_threads; i++) {
		cpu = find_present(p, &p->threads[i]);
		if (cpu)
			put(p, &p->threads[i], cpu);
	}
	for (i = 0; i < p->nr_threads; i++) {
		if (p->threads[i].next >= 0)
			continue;
		/* Those of a VM mostly come one after the other. */
		if (p->threads[i].vm != vm)
			count_siblings(p, p->threads[i].vm);
		vm = p->threads[i].vm;
		cpu = find_place(p, &p->threads[i], rule, &here);
		good = good && here;
		if (cpu)
			put(p, &p->threads[i], cpu);
	}
	return good;
}

bool placement_make(struct placement_thread *threads, size_t nr_threads, struct placement_cpu *cpus, size_t nr_cpus)
{
	const struct placement p = { threads, nr_threads, cpus, nr_cpus };
	bool good;
	size_t i;

	if (nr_threads)
		qsort(threads, nr_threads, sizeof(*threads), by_share);
	good = place(&p, STAY) || place(&p, SPREAD) || place(&p, FILL);
	if (!good)
		place(&p, STAY);
	for (i = 0; i < nr_threads; i++)
		threads[i].cpu = threads[i].next < 0 ? -1 : cpus[threads[i].next].cpu;
	return good;
}
