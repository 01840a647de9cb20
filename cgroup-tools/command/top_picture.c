// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command/top.h"
#include "apply/wanted.h"
#include "host/thread.h"
#include "host/units.h"

static double grown(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

/* How much a second. */
static double rate(double number, double ns)
{
	return number * NSEC_PER_SEC / ns;
}

/* Of S since the look before, in three columns that follow each other. Returns how many events. */
static uint64_t measure_latency(double value[3], const struct histogram *now, const struct histogram *before)
{
	struct histogram since = histogram_since(now, before);
	uint64_t events = since.known ? histogram_count(&since) : 0;

	if (events) {
		value[0] = histogram_quantile(&since, 0.5);
		value[1] = histogram_quantile(&since, 0.99);
		/* The end of the longest's bucket, and no more than the worst ever. */
		value[2] = histogram_quantile(&since, 1);
	}
	return events;
}

/* --- VMs --- */

static const struct state_vm *same_vm(const struct state *state, const struct state_vm *vm)
{
	size_t i;

	for (i = 0; i < state->nr_vms; i++)
		if (state->vms[i].vm && state->vms[i].vm->pid == vm->vm->pid && state->vms[i].vm->start == vm->vm->start)
			return &state->vms[i];
	return NULL;
}

static uint64_t cpu_time_of(const struct state_vm *vm, pid_t tid)
{
	size_t i;

	for (i = 0; i < vm->vm->nr_threads; i++)
		if (vm->vm->threads[i].tid == tid)
			return vm->threads[i].cpu_time;
	return 0;
}

/* Of a vCPU that is there; none: it has neither a reservation nor a ceiling. */
static struct reservation reservation_of(const struct state_vm *vm, size_t thread)
{
	struct reservation reservation = { 0 };

	if (vm->ceiling)
		return wanted_vcpu(vm->policy, &vm->vm->threads[thread]) ? vm->reservation : reservation;
	thread_class_reservation(vm->threads[thread].class, &reservation);
	return reservation;
}

/* Returns the CPU time of the vCPUs that have a reservation, or a ceiling; without a look before that since their start. */
static double measure_reserved(struct top_vm *row, const struct state_vm *now, const struct state_vm *before)
{
	double used = 0;
	size_t i;

	for (i = 0; i < now->vm->nr_threads; i++) {
		const struct vm_thread *thread = &now->vm->threads[i];
		struct reservation reservation;

		if (thread->role != VM_VCPU || !now->threads[i].class)
			continue;
		reservation = reservation_of(now, i);
		if (!reservation.period)
			continue;
		row->vcpus++;
		row->reserved += (double)reservation.runtime / reservation.period;
		used += grown(now->threads[i].cpu_time, before ? cpu_time_of(before, thread->tid) : 0);
	}
	return used;
}

/* What the policy wants, or what it gets as long as a fresh unit is free. */
static uint64_t bound_of(const struct state_vm *vm)
{
	const struct reservation *unit = state_unit(vm);

	if (!unit)
		return 0;
	return vm->policy->target.latency ? vm->policy->target.latency : unit->period - unit->runtime;
}

/* How much of its reservation it used, and what it got beside that. */
static void measure_share(struct top_vm *row, double used, double ns)
{
	double loan = isnan(row->value[TOP_LOAN]) ? 0 : row->value[TOP_LOAN] / 100;

	if (!row->reserved)
		return;
	used /= ns;
	row->value[TOP_SHARE] = 100 * used / row->reserved;
	row->own = (used > loan ? used - loan : 0) / row->reserved;
	row->loan = row->value[TOP_LOAN] / 100 / row->reserved;
}

/* A VM that was not there before counts from its start, for what concerns the CPU. */
static void measure_vm(struct top_vm *row, const struct state_vm *now, const struct state_vm *before, double ns)
{
	double used, waits;
	int i;

	*row = (struct top_vm){ .vm = now, .own = NAN, .loan = NAN, .bound = bound_of(now) };
	for (i = 0; i < NR_TOP_VM_COLUMNS; i++)
		row->value[i] = NAN;
	if (!before)
		ns = now->age ? now->age : 1;
	used = measure_reserved(row, now, before);
	row->value[TOP_CPU] = 100 * grown(now->cpu_time, before ? before->cpu_time : 0) / ns;
	if (before && now->counters.known && before->counters.known) {
		waits = state_grown(&now->counters, &before->counters, STATE_WAITS);
		row->value[TOP_LOAN] = 100 * state_grown(&now->counters, &before->counters, STATE_BORROWED) / ns;
		row->value[TOP_EVENTS] = rate(state_grown(&now->counters, &before->counters, STATE_EVENTS), ns);
		row->value[TOP_LOANS] = rate(state_grown(&now->counters, &before->counters, STATE_LOANS), ns);
		row->value[TOP_WAITS] = rate(waits, ns);
		row->value[TOP_WAIT] = waits ? state_grown(&now->counters, &before->counters, STATE_WAITED) / waits : 0;
	}
	row->latency_known = before && now->latency.known && before->latency.known;
	if (before)
		row->events = measure_latency(&row->value[TOP_P50], &now->latency, &before->latency);
	measure_share(row, used, ns);
}

/* --- pools --- */

static const struct state_pool *same_pool(const struct state *state, const struct state_pool *pool)
{
	size_t i;

	for (i = 0; i < state->nr_pools; i++)
		if (!strcmp(state->pools[i].policy->name, pool->policy->name))
			return &state->pools[i];
	return NULL;
}

/* For how many of those that wanted a unit none was free. */
static double blocked(const struct histogram *now, const struct histogram *before)
{
	struct histogram since = histogram_since(now, before);
	double waited = histogram_ended(&since, HISTOGRAM_WAITED), wanted = waited + histogram_ended(&since, HISTOGRAM_LOAN);

	return since.known && wanted ? 100 * waited / wanted : NAN;
}

static void measure_pool(struct top_pool *row, const struct state_pool *now, const struct state_pool *before, double ns)
{
	const struct reservation *unit = &now->policy->spare;
	int i;

	*row = (struct top_pool){ .pool = now, .units = now->counters.value[STATE_UNITS],
				  .busy = now->counters.value[STATE_UNITS_BUSY] };
	for (i = 0; i < NR_TOP_POOL_COLUMNS; i++)
		row->value[i] = NAN;
	if (!before)
		return;
	if (now->counters.known && before->counters.known) {
		row->value[TOP_POOL_LOANS] = rate(state_grown(&now->counters, &before->counters, STATE_LOANS), ns);
		if (row->units)
			row->value[TOP_POOL_USED] = 100 * state_grown(&now->counters, &before->counters, STATE_BORROWED) /
						    (row->units * ((double)unit->runtime / unit->period) * ns);
	}
	row->latency_known = now->latency.known && before->latency.known;
	row->value[TOP_POOL_BLOCKED] = blocked(&now->latency, &before->latency);
	row->events = measure_latency(&row->value[TOP_POOL_P50], &now->latency, &before->latency);
}

/* --- all --- */

bool top_compare(struct top_picture *picture, const struct state *now, const struct state *before)
{
	size_t i;

	*picture = (struct top_picture){
		.time = time(NULL),
		.interval = before->time && now->time > before->time ? now->time - before->time : 1,
		.vms = calloc(now->nr_vms + 1, sizeof(*picture->vms)),
		.pools = calloc(now->nr_pools + 1, sizeof(*picture->pools)),
	};
	if (!picture->vms || !picture->pools) {
		top_free(picture);
		return false;
	}
	for (i = 0; i < now->nr_vms; i++)
		if (now->vms[i].vm)
			measure_vm(&picture->vms[picture->nr_vms++], &now->vms[i], same_vm(before, &now->vms[i]),
				   picture->interval);
	for (i = 0; i < now->nr_pools; i++)
		measure_pool(&picture->pools[picture->nr_pools++], &now->pools[i], same_pool(before, &now->pools[i]),
			     picture->interval);
	return true;
}

void top_free(struct top_picture *picture)
{
	free(picture->vms);
	free(picture->pools);
	*picture = (struct top_picture){ 0 };
}

static int by_name(const struct top_vm *one, const struct top_vm *other)
{
	int order = strcmp(one->vm->name, other->vm->name);

	return order ? order : one->vm->vm->pid - other->vm->vm->pid;
}

/* What has no number comes last. */
static int by_value(const void *a, const void *b, void *column)
{
	const struct top_vm *one = a, *other = b;
	double x = one->value[*(enum top_vm_column *)column], y = other->value[*(enum top_vm_column *)column];

	if (isnan(x) != isnan(y))
		return isnan(x) ? 1 : -1;
	return isnan(x) || x == y ? by_name(one, other) : x < y ? 1 : -1;
}

void top_sort(struct top_picture *picture, enum top_vm_column by)
{
	qsort_r(picture->vms, picture->nr_vms, sizeof(*picture->vms), by_value, &by);
}

bool top_is_late(const struct top_vm *vm)
{
	return vm->bound && vm->value[TOP_P99] > vm->bound;
}
