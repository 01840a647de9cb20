// SPDX-License-Identifier: GPL-2.0
#include "command/state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "apply/ceiling.h"
#include "apply/chosen.h"
#include "apply/claim.h"
#include "apply/lender.h"
#include "apply/store.h"
#include "apply/vmgroup.h"
#include "apply/wanted.h"
#include "command/command.h"
#include "host/clock.h"
#include "host/group.h"
#include "host/spare.h"
#include "host/thread.h"
#include "host/units.h"

static const struct {
	const char *key;
	uint64_t unit;
} lines[NR_STATE_COUNTERS] = {
	[STATE_EVENTS] = { "nr_events", 1 },
	[STATE_LOANS] = { "nr_borrows", 1 },
	[STATE_WAITS] = { "nr_waits", 1 },
	[STATE_REFUSED] = { "nr_refused", 1 },
	[STATE_DISPATCHES] = { "nr_dispatches", 1 },
	[STATE_BORROWED] = { "borrowed_usec", NSEC_PER_USEC },
	[STATE_WAITED] = { "waited_usec", NSEC_PER_USEC },
	[STATE_RETURNED_OWN] = { "returned_own", 1 },
	[STATE_RETURNED_UNUSED] = { "returned_unused", 1 },
	[STATE_RETURNED_CHANCES] = { "returned_chances", 1 },
	[STATE_RETURNED_SLEEP] = { "returned_sleep", 1 },
	[STATE_RETURNED_REPLY] = { "returned_reply", 1 },
	[STATE_RETURNED_QUIET] = { "returned_quiet", 1 },
	[STATE_RETURNED_CHARGE] = { "returned_charge", 1 },
	[STATE_RETURNED_GONE] = { "returned_gone", 1 },
	[STATE_UNITS] = { "units", 1 },
	[STATE_UNITS_BUSY] = { "units_busy", 1 },
};

/* --- counters --- */

void state_parse(struct state_counters *counters, const char *text)
{
	uint64_t value;
	char key[32];
	int i;

	counters->known = true;
	for (; text; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (sscanf(text, "%31[a-z_] %" SCNu64, key, &value) != 2)
			continue;
		for (i = 0; i < NR_STATE_COUNTERS; i++)
			if (!strcmp(lines[i].key, key))
				counters->value[i] += value * lines[i].unit;
	}
}

static void add_counters(struct state_counters *counters, const char *group)
{
	char *text = group ? spare_value(group, "cpu.spare.stat") : NULL;

	if (text)
		state_parse(counters, text);
	free(text);
}

/* --- VMs --- */

/* Of the groups that a VM may have on a pool's CPUs those that are there. */
static char **present_groups(const struct state_vm *vm)
{
	char **groups = vmgroup_all(vm->pool, vm->vm, &vm->pool->cpus), **from, **to;

	for (from = to = groups; policy_partitioned(vm->pool) && from && *from; from++) {
		if (group_exists(*from))
			*to++ = *from;
		else
			free(*from);
	}
	if (to != from)
		*to = NULL;
	return groups;
}

/* Where the policy puts its vCPUs, or else where they are; none when they are gone. NULL without memory. */
static char **vcpu_groups(const struct state_vm *vm)
{
	char **groups;

	if (vm->pool)
		return present_groups(vm);
	groups = calloc(2, sizeof(*groups));
	if (!groups)
		return NULL;
	/* A manager may have put each vCPU into a group of its own, below this one. */
	if (vm->vm->managed || !vm->vm->nr_threads || vm->vm->threads[0].role != VM_VCPU)
		groups[0] = strdup(vm->vm->group);
	else
		groups[0] = group_of(vm->vm->threads[0].tid);
	return groups;
}

static bool same_reservation(struct reservation a, struct reservation b)
{
	return a.runtime == b.runtime && a.period == b.period;
}

static void read_vcpu(struct state_vm *vm, const struct state_thread *thread, bool is_first)
{
	struct reservation reservation = { 0 };
	bool differs;

	thread_class_reservation(thread->class, &reservation);
	differs = vm->policy && vm->policy->reservation.runtime && !vm->ceiling &&
		  !same_reservation(reservation, vm->policy->reservation);
	if (is_first || (differs && !vm->reservation_differs))
		vm->reservation = reservation;
	vm->reservation_differs |= differs;
}

static bool read_threads(struct state_vm *vm)
{
	size_t i;

	vm->threads = calloc(vm->vm->nr_threads + 1, sizeof(*vm->threads));
	if (!vm->threads)
		return false;
	for (i = 0; i < vm->vm->nr_threads; i++) {
		const struct vm_thread *thread = &vm->vm->threads[i];

		vm->threads[i].class = thread_class(thread->tid);
		vm->threads[i].cpu_time = thread_cpu_time(thread->tid);
		if (thread->role != VM_VCPU)
			continue;
		vm->cpu_time += vm->threads[i].cpu_time;
		if (!vm->threads[i].class || (vm->policy && !wanted_vcpu(vm->policy, thread)))
			continue;
		read_vcpu(vm, &vm->threads[i], !vm->nr_vcpus++);
	}
	return true;
}

static void read_ceiling(struct state_vm *vm)
{
	if (!vm->ceiling)
		return;
	vm->reservation = ceiling_of(vm->policy, vm->vm);
	vm->reservation_differs = vm->nr_vcpus && vm->policy->reservation.runtime &&
				  !same_reservation(vm->reservation, vm->policy->reservation);
}

static void read_terms(struct state_vm *vm)
{
	char *wanted = vm->pool && vm->pool->spare.runtime ? policy_borrow_text(&vm->policy->borrow) : NULL;
	size_t i;

	vm->terms_differ = wanted;
	for (i = 0; vm->groups[i] && (!i || !vm->terms_differ); i++) {
		free(vm->terms);
		vm->terms = spare_value(vm->groups[i], "cpu.spare.borrow");
		vm->terms_differ = wanted && (!vm->terms || strcmp(vm->terms, wanted));
	}
	free(wanted);
}

static uint64_t age(const struct state *state, const struct vm *vm)
{
	uint64_t start = vm->start * (NSEC_PER_SEC / sysconf(_SC_CLK_TCK));

	return state->time > start ? state->time - start : 0;
}

/* An entry of the policy, a VM that runs, or both. */
static bool add_vm(struct state *state, const struct vm_policy *policy, const struct vm *seen)
{
	struct state_vm *vm = &state->vms[state->nr_vms++];
	size_t i;

	vm->name = policy ? policy->name : seen->name;
	vm->policy = policy;
	vm->pool = policy && policy->pool ? policy_pool(&state->policy, policy->pool) : NULL;
	vm->ceiling = policy && policy->class == CLASS_QUOTA;
	vm->vm = seen;
	if (!seen)
		return true;
	vm->age = age(state, seen);
	vm->verdict = policy && policy->target.latency ? target_of(&state->verdicts, policy, seen) : NULL;
	vm->groups = vcpu_groups(vm);
	if (!vm->groups)
		return false;
	for (i = 0; vm->groups[i]; i++) {
		add_counters(&vm->counters, vm->groups[i]);
		histogram_add(&vm->latency, vm->groups[i]);
	}
	read_terms(vm);
	if (!read_threads(vm))
		return false;
	read_ceiling(vm);
	return true;
}

static bool is_refused(const struct state_vm *vm)
{
	return vm->vm && vm->vm->refused;
}

static int by_name_pid(const void *a, const void *b)
{
	const struct state_vm *one = a, *other = b;
	int order = strcmp(one->name, other->name);

	if (!order)
		order = is_refused(one) - is_refused(other);
	return order || !one->vm || !other->vm ? order : one->vm->pid - other->vm->pid;
}

static bool read_vms(struct state *state)
{
	size_t i;

	state->vms = calloc(state->seen.nr + state->policy.nr_vms + 1, sizeof(*state->vms));
	if (!state->vms)
		return false;
	for (i = 0; i < state->seen.nr; i++) {
		const struct vm *vm = &state->seen.list[i];

		if (!add_vm(state, vm->refused ? NULL : policy_vm(&state->policy, vm->name), vm))
			return false;
	}
	for (i = 0; i < state->policy.nr_vms; i++)
		if (!vms_named(&state->seen, state->policy.vms[i].name) &&
		    !add_vm(state, &state->policy.vms[i], NULL))
			return false;
	qsort(state->vms, state->nr_vms, sizeof(*state->vms), by_name_pid);
	return true;
}

/* --- all --- */

static bool read_pools(struct state *state)
{
	state->pools = calloc(state->policy.nr_pools + 1, sizeof(*state->pools));
	if (!state->pools)
		return false;
	for (; state->nr_pools < state->policy.nr_pools; state->nr_pools++) {
		struct state_pool *pool = &state->pools[state->nr_pools];

		pool->policy = &state->policy.pools[state->nr_pools];
		pool->group = policy_group(pool->policy);
		add_counters(&pool->counters, pool->group);
		histogram_add(&pool->latency, pool->group);
	}
	return true;
}

static void count_left_out(const char *text, void *data)
{
	unsigned int *left_out = data;

	(void)text;
	++*left_out;
}

/* apply and verify tell of a hook's wrong entry; a look must not each time. */
int state_read(struct state *state)
{
	struct policy_error error;
	int code = DONE;
	size_t own;

	*state = (struct state){ 0 };
	policy_init(&state->policy);
	/* Without control groups there are still VMs and their reservations. */
	group_start();
	if (!store_load(&state->policy, &error))
		code = fail(FAILED, "the policy in force cannot be read: %s", error.text);
	own = state->policy.nr_vms;
	if (code == DONE && !store_add_vms(&state->policy, count_left_out, &state->left_out))
		code = fail(FAILED, STORE_VMS ": %s", strerror(errno));
	else if (code == DONE && claim_find(&state->seen, &state->policy))
		code = fail(FAILED, "cannot look for VMs: %s", strerror(errno));
	lender_settle(&state->policy);
	/* Where nothing can be chosen any more, verify tells. */
	if (code == DONE)
		chosen_here(&state->policy, own, NULL, NULL, &error);
	state->time = clock_ns(CLOCK_BOOTTIME);
	if (target_wanted(&state->policy))
		target_load(&state->verdicts);
	if (code == DONE && (!read_vms(state) || !read_pools(state)))
		code = fail(FAILED, "out of memory");
	if (code != DONE)
		state_free(state);
	return code;
}

static void free_vm(struct state_vm *vm)
{
	size_t i;

	for (i = 0; vm->threads && i < vm->vm->nr_threads; i++)
		free(vm->threads[i].class);
	free(vm->threads);
	free(vm->terms);
	group_free_list(vm->groups);
}

bool state_runs(const struct state_vm *vm)
{
	return vm->vm && vm_start_time(vm->vm->pid) == vm->vm->start;
}

void state_free(struct state *state)
{
	size_t i;

	for (i = 0; i < state->nr_vms; i++)
		free_vm(&state->vms[i]);
	for (i = 0; i < state->nr_pools; i++)
		free(state->pools[i].group);
	free(state->vms);
	free(state->pools);
	target_free(&state->verdicts);
	vms_free(&state->seen);
	policy_free(&state->policy);
	*state = (struct state){ 0 };
}
