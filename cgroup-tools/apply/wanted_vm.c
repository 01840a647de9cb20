// SPDX-License-Identifier: GPL-2.0
/* The threads of a VM: groups, classes, affinities, and the terms of loans. */
#include <stdlib.h>
#include <string.h>

#include "apply/admission.h"
#include "apply/making.h"
#include "apply/quota.h"
#include "apply/vmgroup.h"
#include "host/group.h"
#include "host/host.h"
#include "host/result.h"
#include "host/thread.h"

bool wanted_vcpu(const struct vm_policy *policy, const struct vm_thread *thread)
{
	return thread->role == VM_VCPU && (cpus_empty(&policy->vcpus) ||
	       (thread->number >= 0 && cpus_has(&policy->vcpus, thread->number)));
}

/* May the pool's group stand for the VM alone, wherever its vCPUs are? */
static bool is_alone(const struct policy *policy, const struct vm_policy *vm)
{
	size_t i;

	for (i = 0; i < policy->nr_vms; i++)
		if (&policy->vms[i] != vm && policy->vms[i].pool && !strcmp(policy->vms[i].pool, vm->pool))
			return false;
	return true;
}

static void housekeeping(struct cpus *cpus, const struct policy *policy, const struct vm_policy *vm,
			 const struct wanted_host *host)
{
	const struct pool_policy *pool;
	size_t i;

	*cpus = vm->io.cpus;
	if (!cpus_empty(cpus))
		return;
	*cpus = host->online;
	for (i = 0; i < policy->nr_pools; i++)
		if (policy->pools[i].exclusive)
			cpus_subtract(cpus, &policy->pools[i].cpus);
	pool = vm->pool ? policy_pool(policy, vm->pool) : NULL;
	if (pool)
		cpus_subtract(cpus, &pool->cpus);
}

/* A thread that lives as long as the work at hand is not worth a reservation. */
static bool is_passing(const struct vm_thread *thread)
{
	char *name = host_read(host_path("/proc/%d/comm", (int)thread->tid), NULL);
	bool passing = !name || !strncmp(name, "worker", 6) || !strncmp(name, "kvm-nx-lpage", 12);

	free(name);
	return passing;
}

/* The exclusive pool that has all that is in the VM's group on its CPUs; NULL: none has. */
static const struct pool_policy *pool_around(const struct making *m, const struct vm *vm)
{
	const struct pool_policy *found = NULL, *pool;
	char *group;

	for (pool = m->policy->pools; !found && pool < m->policy->pools + m->policy->nr_pools; pool++) {
		group = pool->exclusive && vmgroup_whole(pool, vm) ? policy_group(pool) : NULL;
		if (group && group_within(vm->group, group))
			found = pool;
		free(group);
	}
	return found;
}

/* The CPUs that the group, or the nearest above, has been given by others; none: it may have all. */
static struct cpus cpus_of_group(const struct making *m, const char *group)
{
	struct cpus cpus = making_cpus_before(m, group, "cpuset.cpus");
	char *above;

	if (!cpus_empty(&cpus) || !*group)
		return cpus;
	above = group_parent(group);
	if (above)
		cpus = cpus_of_group(m, above);
	free(above);
	return cpus;
}

/* Threads that stay in their group can have its CPUs only. */
static bool io_reaches(struct making *m, const struct vm_policy *policy, const struct vm *vm, const struct cpus *cpus)
{
	const struct pool_policy *around = pool_around(m, vm);
	char *list = cpus_print(cpus), *others = NULL;
	struct cpus allowed;
	bool good;

	if (around)
		allowed = around->cpus;
	else if (!policy->pool || policy_pool(m->policy, policy->pool)->group)
		allowed = cpus_of_group(m, vm->group);
	else
		allowed = (struct cpus){ 0 };
	good = cpus_empty(&allowed) || cpus_overlap(&allowed, cpus);
	others = cpus_print(&allowed);
	if (!good && around)
		making_complain(m, vm->name, WRONG_POLICY, "io 'housekeeping' cannot take its threads to CPU %s: all in the group of "
				"exclusive pool '%s' is on CPU %s; leave io out, or take 'deadline'", list ? list : "?",
				around->name, others ? others : "?");
	else if (!good)
		making_complain(m, vm->name, WRONG_POLICY, "io 'housekeeping' cannot take its threads to CPU %s: their group %s has CPU "
				"%s only; name some of those", list ? list : "?", vm->group, others ? others : "?");
	free(others);
	free(list);
	return good;
}

static void want_io(struct making *m, const struct vm_policy *policy, const struct vm *vm)
{
	struct cpus cpus;
	char *text;
	size_t i;

	switch (policy->io.kind) {
	case IO_KEEP:
		return;
	case IO_HOUSEKEEPING:
		housekeeping(&cpus, m->policy, policy, m->host);
		if (cpus_empty(&cpus)) {
			making_complain(m, vm->name, WRONG_POLICY,
				 "no CPU is left for its I/O threads beside the pools; name some with io.cpus");
			return;
		}
		if (!io_reaches(m, policy, vm, &cpus))
			return;
		text = cpus_print(&cpus);
		break;
	default:
		text = thread_class_text(policy->io.reservation);
	}
	for (i = 0; i < vm->nr_threads; i++) {
		const struct vm_thread *thread = &vm->threads[i];

		if (thread->role == VM_VCPU)
			continue;
		if (policy->io.kind == IO_HOUSEKEEPING)
			making_want_thread(m, SETTING_AFFINITY, thread, text);
		else if (!is_passing(thread))
			making_want_thread(m, SETTING_CLASS, thread, text);
	}
	free(text);
}

/* A kernel thread for a VM stays where the kernel attaches it. */
static bool is_of_kernel(const struct vm *vm, const struct vm_thread *thread)
{
	return thread->role == VM_VHOST && !host_exists(host_path("/proc/%d/task/%d", (int)vm->pid, (int)thread->tid));
}

static bool is_within(const struct vm_thread *thread, const char *group)
{
	char *place = group_of(thread->tid);
	bool within = place && group_within(place, group);

	free(place);
	return within;
}

/*
 * vCPU threads into the groups of their CPUs; the others, where a vCPU thread has made them there, into `rest`. What vhost
 * makes for the process follows the thread that asked for it. In place, others may have put them elsewhere.
 */
static void want_places(struct making *m, const struct vm_policy *policy, const struct pool_policy *pool, const struct vm *vm,
			const char *rest)
{
	char *cpus = policy_cpus_group(pool, -1), *group;
	size_t i;

	m->good = m->good && cpus;
	for (i = 0; m->good && i < vm->nr_threads; i++) {
		const struct vm_thread *thread = &vm->threads[i];
		bool vcpu = wanted_vcpu(policy, thread);

		if (is_of_kernel(vm, thread) || (!vcpu && pool->group && !is_within(thread, cpus)))
			continue;
		group = vcpu ? vmgroup_of(pool, vm, admission_cpu(m->admission, thread->tid)) : NULL;
		making_want_thread(m, SETTING_THREAD, thread, vcpu ? group : rest);
		free(group);
	}
	free(cpus);
}

static void want_own_place(struct making *m, const struct vm_policy *policy, const struct pool_policy *pool,
			   const struct vm *vm, char **groups)
{
	const struct vm_thread main_thread = { .tid = vm->pid, .start = vm->start };
	char *rest = policy_group(pool);
	size_t i;

	for (i = 0; groups[i]; i++)
		making_want(m, SETTING_GROUP, groups[i], "", "threaded");
	if (!pool->group)
		making_want_thread(m, SETTING_PROCESS, &main_thread, rest);
	want_places(m, policy, pool, vm, rest);
	free(rest);
}

/* Between the pool's group and that of a VM below, from the top down. */
static void want_way(struct making *m, const char *pool, const char *group)
{
	char *above = strcmp(group, pool) ? group_parent(group) : NULL;

	if (!above)
		return;
	want_way(m, pool, above);
	wanted_controllers(m, above, false);
	free(above);
}

/* Libvirt's threads stay in libvirt's groups; but late workers of a vCPU thread are no part of the vCPU. */
static void want_libvirt_places(struct making *m, const struct vm *vm)
{
	char *emulator, *prefix = NULL;
	size_t i;

	if (asprintf(&prefix, "%s/vcpu", vm->group) < 0) {
		m->good = false;
		return;
	}
	if (asprintf(&emulator, "%s/emulator", vm->group) < 0)
		emulator = NULL;
	for (i = 0; i < vm->nr_threads; i++) {
		char *place = vm->threads[i].role == VM_VCPU ? NULL : group_of(vm->threads[i].tid);

		if (place && !strncmp(place, prefix, strlen(prefix)))
			making_want_thread(m, SETTING_THREAD, &vm->threads[i], emulator);
		free(place);
	}
	free(emulator);
	free(prefix);
}

static void want_others_place(struct making *m, const struct pool_policy *pool, const struct vm *vm)
{
	char *group = policy_group(pool), *home = vmgroup_home(vm);

	m->good = m->good && group && home;
	if (group && home)
		want_way(m, group, home);
	if (vm->managed)
		want_libvirt_places(m, vm);
	free(home);
	free(group);
}

/* A device can be in one group. */
static void want_devices(struct making *m, const struct vm_policy *policy, const struct pool_policy *pool, const struct vm *vm,
			 char **groups)
{
	char **devices = policy->any_device ? vm->devices : policy->devices, *group;
	size_t nr = policy->any_device ? vm->nr_devices : policy->nr_devices, i;

	if (!nr || !groups[0])
		return;
	if (groups[1] && !is_alone(m->policy, policy)) {
		making_complain(m, vm->name, WRONG_POLICY,
			 "its vCPUs are on several CPUs of pool '%s', and so are other VMs': a device can be in one group, and none "
			 "has these vCPUs alone. Leave its devices out, as interrupts are events without, give it a pool of its own, "
			 "or make the pool's edf global", pool->name);
		return;
	}
	group = groups[1] ? policy_group(pool) : strdup(groups[0]);
	/* A device that is not there yet comes with a link event. */
	for (i = 0; i < nr; i++)
		if (host_exists(host_path("/sys/class/net/%s", devices[i])))
			making_want(m, m->policy->lender == LENDER_DAEMON ? SETTING_LENDER_DEVICE : SETTING_DEVICE, group, devices[i], "on");
	free(group);
}

static void want_borrowing(struct making *m, const struct vm_policy *policy, const struct pool_policy *pool,
			   const struct vm *vm, char **groups)
{
	char *text = policy_borrow_text(&policy->borrow);
	size_t i;

	for (i = 0; groups[i]; i++)
		making_want(m, making_spare(m), groups[i], "cpu.spare.borrow", text);
	want_devices(m, policy, pool, vm, groups);
	free(text);
}

/* Who has put a vCPU into a group of its own has limited it there. */
static bool are_vcpus_free(struct making *m, const struct vm_policy *policy, const struct pool_policy *pool, const struct vm *vm)
{
	char *cpus = policy_cpus_group(pool, -1), *home = vmgroup_home(vm), *place;
	bool good = true;
	size_t i;

	m->good = m->good && cpus && home;
	for (i = 0; m->good && good && i < vm->nr_threads; i++) {
		place = wanted_vcpu(policy, &vm->threads[i]) ? group_of(vm->threads[i].tid) : NULL;
		good = !place || !strcmp(place, home) || group_within(place, cpus) || group_within(place, "dlspare.slice");
		if (!good)
			making_complain(m, vm->name, WRONG_POLICY, "its vCPU %d is in group %s of another program, and would leave it: "
					"give pool '%s' a group above %s", vm->threads[i].number, place, pool->name, home);
		free(place);
	}
	free(home);
	free(cpus);
	return good;
}

static void complain_of_group(struct making *m, const struct pool_policy *pool, const struct vm *vm)
{
	char *advice = vmgroup_advice(pool, vm), *quoted = NULL;
	struct quota quota;

	if (pool->group)
		making_complain(m, vm->name, WRONG_POLICY, "its threads are in group %s, which is not below %s of pool '%s': %s",
				vm->group, pool->group, pool->name,
				vmgroup_stays(vm) && advice ? advice : "start it there, or leave out the pool's group");
	else if (vm->managed)
		making_complain(m, vm->name, WRONG_POLICY, "%s manages its groups: %s", vm->finder, advice ? advice : "");
	else if (quota_above(&quota, vm->group)) {
		quoted = quota_text(&quota);
		making_complain(m, vm->name, WRONG_POLICY, "it may have %s, which would hold no more if it left group %s: %s",
				quoted ? quoted : "?", vm->group, advice ? advice : "");
		free(quoted);
		free(quota.group);
	} else {
		making_complain(m, vm->name, WRONG_POLICY, "another program has made its group %s, so it stays there: %s", vm->group,
				advice ? advice : "");
	}
	free(advice);
}

static bool pool_reaches(struct making *m, const struct vm_policy *policy, const struct pool_policy *pool, const struct vm *vm)
{
	char *group = policy_group(pool), *list;
	bool good = false;

	if (!group) {
		m->good = false;
		return false;
	}
	if (policy_partitioned(pool) && !cpus_overlap(&pool->cpus, &m->host->online)) {
		list = cpus_print(&pool->cpus);
		making_complain(m, vm->name, WRONG_POLICY, "no CPU of pool '%s' is online: it has %s", pool->name, list ? list : "?");
		free(list);
	} else if (pool->group ? !group_within(vm->group, group) || (vm->managed && !strcmp(vm->group, group)) : vmgroup_stays(vm)) {
		complain_of_group(m, pool, vm);
	} else {
		good = vmgroup_whole(pool, vm) || are_vcpus_free(m, policy, pool, vm);
	}
	free(group);
	return good;
}

/* The CPUs that its vCPUs get of a partitioned pool. */
static struct cpus vm_cpus(const struct making *m, const struct vm_policy *policy, const struct vm *vm)
{
	struct cpus cpus = { 0 };
	size_t i;
	int cpu;

	for (i = 0; i < vm->nr_threads; i++) {
		cpu = wanted_vcpu(policy, &vm->threads[i]) ? admission_cpu(m->admission, vm->threads[i].tid) : -1;
		if (cpu >= 0)
			cpus_add(&cpus, cpu);
	}
	return cpus;
}

/* An own affinity would stay, and SCHED_DEADLINE wants the whole root domain. */
static void want_affinity(struct making *m, const struct pool_policy *pool, const struct vm_thread *thread)
{
	int cpu = policy_partitioned(pool) ? admission_cpu(m->admission, thread->tid) : -1;
	struct cpus cpus = { 0 };
	char *text;

	if (cpu >= 0) {
		cpus_add(&cpus, cpu);
	} else {
		cpus = m->host->online;
		cpus_intersect(&cpus, &pool->cpus);
	}
	text = cpus_print(&cpus);
	making_want_thread(m, SETTING_AFFINITY, thread, text);
	free(text);
}

static void want_vcpus(struct making *m, const struct vm_policy *policy, const struct pool_policy *pool, const struct vm *vm)
{
	const bool reserves = policy->reservation.runtime && policy->class != CLASS_QUOTA;
	char *text = reserves ? thread_class_text(policy->reservation) : NULL;
	size_t i;

	for (i = 0; i < vm->nr_threads; i++) {
		if (!wanted_vcpu(policy, &vm->threads[i]))
			continue;
		if (pool && pool->exclusive)
			want_affinity(m, pool, &vm->threads[i]);
		if (reserves)
			making_want_thread(m, SETTING_CLASS, &vm->threads[i], text);
	}
	free(text);
}

/* What could not be known without this host. */
static bool has_its_class(struct making *m, const struct vm_policy *policy)
{
	struct policy_error error;
	bool good = policy_check_class(m->policy, policy, &error);

	if (!good)
		making_complain(m, policy->name, WRONG_POLICY, "%s", error.text);
	return good;
}

void wanted_vm(struct making *m, const struct vm_policy *policy, const struct vm *vm)
{
	const struct pool_policy *pool = policy->pool ? policy_pool(m->policy, policy->pool) : NULL;
	const bool whole = pool && vmgroup_whole(pool, vm);
	struct cpus cpus = vm_cpus(m, policy, vm);
	char **groups = NULL;

	m->vm = vm->name;
	if (!has_its_class(m, policy))
		goto out;
	if (pool) {
		if (!pool_reaches(m, policy, pool, vm))
			goto out;
		groups = vmgroup_all(pool, vm, &cpus);
		if (!groups) {
			m->good = false;
			goto out;
		}
		if (whole && !wanted_ceilings(m, policy, pool, vm))
			goto out;
		if (whole)
			want_others_place(m, pool, vm);
		else
			want_own_place(m, policy, pool, vm, groups);
		/* These groups are made first. */
		if (!whole)
			wanted_ceilings(m, policy, pool, vm);
	}
	want_io(m, policy, vm);
	want_vcpus(m, policy, pool, vm);
	if (pool && pool->spare.runtime)
		want_borrowing(m, policy, pool, vm, groups);
out:
	group_free_list(groups);
	m->vm = NULL;
}
