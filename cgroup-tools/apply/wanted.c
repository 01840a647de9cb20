// SPDX-License-Identifier: GPL-2.0
#include "apply/wanted.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "apply/admission.h"
#include "apply/vmgroup.h"
#include "host/group.h"
#include "host/host.h"
#include "host/result.h"
#include "host/thread.h"

struct making {
	struct settings *wanted;
	const struct policy *policy;
	const struct wanted_host *host;
	const struct admission *admission;
	const struct ledger *ledger;
	wanted_problem *problem;
	void *data;
	const char *vm;			/* whose section; NULL: the host's */
	bool good;			/* there was memory so far */
};

/* --- adding --- */

static void want(struct making *m, enum setting_kind kind, const char *object, const char *name, const char *value)
{
	const struct setting like = { .kind = kind, .object = (char *)object, .name = (char *)name };
	struct setting *same;

	if (!m->good || !object || !value) {
		m->good = false;
		return;
	}
	same = settings_find(m->wanted, &like);
	if (!same)
		m->good = settings_add(m->wanted, kind, object, name, value, m->vm);
}

static void want_thread(struct making *m, enum setting_kind kind, const struct vm_thread *thread, const char *value)
{
	char *object = setting_thread(thread->tid, thread->start);

	want(m, kind, object, "", value);
	free(object);
}

static void __attribute__((format(printf, 4, 5)))
complain(struct making *m, const char *vm, int code, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	m->problem(vm, code, text, m->data);
}

/* What it was before dlspare, and before what is wanted so far. */
static char *value_without(struct making *m, const char *group, const char *file)
{
	const struct setting like = { .kind = SETTING_VALUE, .object = (char *)group, .name = (char *)file };
	struct setting *found = settings_find(m->wanted, &like);

	if (!found)
		found = settings_find(&m->ledger->originals, &like);
	return found ? strdup(found->value) : group_value(group, file);
}

/* Adds CPUs to a list that others have CPUs in. */
static void want_more_cpus(struct making *m, const char *group, const char *file, const struct cpus *cpus)
{
	const struct setting like = { .kind = SETTING_VALUE, .object = (char *)group, .name = (char *)file };
	char *before = value_without(m, group, file), *list;
	struct setting *same;
	struct cpus all;
	const char *rule;

	if (!before || !cpus_parse(&all, before, &rule))
		memset(&all, 0, sizeof(all));
	free(before);
	cpus_unite(&all, cpus);
	list = cpus_print(&all);
	same = settings_find(m->wanted, &like);
	if (same && list) {
		free(same->value);
		same->value = list;
		return;
	}
	want(m, SETTING_VALUE, group, file, list);
	free(list);
}

/* --- groups of pools --- */

/* A group as it is; a domain when it is new. */
static void want_group(struct making *m, const char *group)
{
	const struct setting like = { .kind = SETTING_GROUP, .object = (char *)group, .name = "" };
	char *now = setting_read(&like);

	want(m, SETTING_GROUP, group, "", now && !strcmp(now, "threaded") ? now : "domain");
	free(now);
}

static void want_controllers(struct making *m, const char *group, bool cpuset)
{
	want(m, SETTING_CONTROLLER, group, "cpu", "on");
	if (cpuset)
		want(m, SETTING_CONTROLLER, group, "cpuset", "on");
}

/* A group that has others below it, and those above it, from the top down. */
static void want_inner(struct making *m, const char *group, const struct pool_policy *pool)
{
	char *above;

	if (*group) {
		above = group_parent(group);
		if (above)
			want_inner(m, above, pool);
		m->good = m->good && above;
		free(above);
		want_group(m, group);
	}
	want_controllers(m, group, pool->exclusive);
	if (*group && pool->exclusive)
		want_more_cpus(m, group, "cpuset.cpus.exclusive", &pool->cpus);
}

static void want_partition(struct making *m, const char *group, const struct cpus *cpus)
{
	char *list = cpus_print(cpus);

	want(m, SETTING_VALUE, group, "cpuset.cpus", list);
	want(m, SETTING_VALUE, group, "cpuset.cpus.exclusive", list);
	want(m, SETTING_VALUE, group, "cpuset.cpus.partition", "root");
	free(list);
}

/* In the kernel's words, to compare: it prints the CPUs in any case. */
static void want_spare(struct making *m, const char *group, const struct pool_policy *pool)
{
	struct pool_policy whole = *pool;
	char *text;

	if (cpus_empty(&pool->cpus))
		whole.cpus = m->host->possible;
	text = policy_pool_text(&whole);
	want(m, SETTING_VALUE, group, "cpu.spare.pool", text);
	free(text);
}

/* The group whose children have the vCPUs. */
static void want_cpus(struct making *m, const char *group, const struct pool_policy *pool, const struct cpus *cpus)
{
	if (pool->exclusive)
		want_partition(m, group, cpus);
	want(m, SETTING_CONTROLLER, group, "cpu", "on");
}

/* Those of dlspare are threaded. */
static void want_own_cpus(struct making *m, const struct pool_policy *pool, int cpu, const struct cpus *cpus)
{
	char *group = policy_cpus_group(pool, cpu);

	want(m, SETTING_GROUP, group, "", "threaded");
	if (group)
		want_cpus(m, group, pool, cpus);
	free(group);
}

static void want_own_group(struct making *m, const char *group, const struct pool_policy *pool)
{
	struct cpus online = m->host->online;
	int cpu;

	want_inner(m, group, pool);
	if (!policy_partitioned(pool)) {
		want_own_cpus(m, pool, -1, &pool->cpus);
		return;
	}
	/* What is offline cannot be a partition. */
	cpus_intersect(&online, &pool->cpus);
	for (cpu = cpus_next(&online, 0); cpu >= 0; cpu = cpus_next(&online, cpu + 1)) {
		struct cpus one = { 0 };

		cpus_add(&one, cpu);
		want_own_cpus(m, pool, cpu, &one);
	}
}

static void want_others_group(struct making *m, const char *group, const struct pool_policy *pool)
{
	char *above = group_parent(group);

	if (above)
		want_inner(m, above, pool);
	m->good = m->good && above;
	free(above);
	want_group(m, group);
	want_cpus(m, group, pool, &pool->cpus);
}

static void want_pool(struct making *m, const struct pool_policy *pool)
{
	struct cpus rest = m->host->online;
	char *group = policy_group(pool), *list;

	if (!group) {
		m->good = false;
		return;
	}
	cpus_subtract(&rest, &pool->cpus);
	if (pool->exclusive && cpus_empty(&rest)) {
		list = cpus_print(&m->host->online);
		complain(m, NULL, WRONG_POLICY, "pool '%s': exclusive leaves no CPU of %s for all the rest", pool->name,
			 list ? list : "?");
		free(list);
		goto out;
	}
	if (!cpus_within(&pool->cpus, &m->host->possible)) {
		rest = pool->cpus;
		cpus_subtract(&rest, &m->host->possible);
		list = cpus_print(&rest);
		complain(m, NULL, WRONG_POLICY, "pool '%s': this host has no CPU %s", pool->name, list ? list : "?");
		free(list);
		goto out;
	}
	if (pool->group)
		want_others_group(m, group, pool);
	else
		want_own_group(m, group, pool);
	if (pool->spare.runtime)
		want_spare(m, group, pool);
out:
	free(group);
}

/* --- VMs --- */

bool wanted_vcpu(const struct vm_policy *policy, const struct vm_thread *thread)
{
	return thread->role == VM_VCPU && (cpus_empty(&policy->vcpus) ||
	       (thread->number >= 0 && cpus_has(&policy->vcpus, thread->number)));
}

bool wanted_alone(const struct policy *policy, const struct vm_policy *vm)
{
	size_t i;

	for (i = 0; i < policy->nr_vms; i++)
		if (&policy->vms[i] != vm && policy->vms[i].pool && !strcmp(policy->vms[i].pool, vm->pool))
			return false;
	return true;
}

void wanted_housekeeping(struct cpus *cpus, const struct policy *policy, const struct vm_policy *vm,
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

static void want_io(struct making *m, const struct vm_policy *policy, const struct vm *vm)
{
	struct cpus cpus;
	char *text;
	size_t i;

	switch (policy->io.kind) {
	case IO_KEEP:
		return;
	case IO_HOUSEKEEPING:
		wanted_housekeeping(&cpus, m->policy, policy, m->host);
		if (cpus_empty(&cpus)) {
			complain(m, vm->name, WRONG_POLICY,
				 "no CPU is left for its I/O threads beside the pools; name some with io.cpus");
			return;
		}
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
			want_thread(m, SETTING_AFFINITY, thread, text);
		else if (!is_passing(thread))
			want_thread(m, SETTING_CLASS, thread, text);
	}
	free(text);
}

/*
 * vCPU threads into the groups of their CPUs; the others, where a vCPU thread has made them there, into `rest`. What vhost
 * makes for the process follows the thread that asked for it.
 */
static void want_places(struct making *m, const struct vm_policy *policy, const struct pool_policy *pool, const struct vm *vm,
			const char *rest)
{
	size_t i;

	for (i = 0; i < vm->nr_threads; i++) {
		const struct vm_thread *thread = &vm->threads[i];
		bool vcpu = wanted_vcpu(policy, thread);
		char *group;

		/* A kernel thread for a VM stays where the kernel attaches it. */
		if (thread->role == VM_VHOST && !host_exists(host_path("/proc/%d/task/%d", (int)vm->pid,
								       (int)thread->tid)))
			continue;
		group = vcpu ? vmgroup_of(pool, vm, admission_cpu(m->admission, thread->tid)) : NULL;
		want_thread(m, SETTING_THREAD, thread, vcpu ? group : rest);
		free(group);
	}
}

static void want_own_place(struct making *m, const struct vm_policy *policy, const struct pool_policy *pool,
			   const struct vm *vm, char **groups)
{
	const struct vm_thread main_thread = { .tid = vm->pid, .start = vm->start };
	char *rest = policy_group(pool);
	size_t i;

	for (i = 0; groups[i]; i++)
		want(m, SETTING_GROUP, groups[i], "", "threaded");
	want_thread(m, SETTING_PROCESS, &main_thread, rest);
	want_places(m, policy, pool, vm, rest);
	free(rest);
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
			want_thread(m, SETTING_THREAD, &vm->threads[i], emulator);
		free(place);
	}
	free(emulator);
	free(prefix);
}

/* A device can be in one group. */
static void want_devices(struct making *m, const struct vm_policy *policy, const struct pool_policy *pool, const struct vm *vm,
			 char **groups)
{
	char **devices = policy->any_device ? vm->devices : policy->devices, *group;
	size_t nr = policy->any_device ? vm->nr_devices : policy->nr_devices, i;

	if (!nr || !groups[0])
		return;
	if (groups[1] && !wanted_alone(m->policy, policy)) {
		complain(m, vm->name, WRONG_POLICY,
			 "its vCPUs are on several CPUs of pool '%s', and so are other VMs': a device can be in one group, and none "
			 "has these vCPUs alone. Leave its devices out, as interrupts are events without, give it a pool of its own, "
			 "or make the pool's edf global", pool->name);
		return;
	}
	group = groups[1] ? policy_group(pool) : strdup(groups[0]);
	/* A device that is not there yet comes with a link event. */
	for (i = 0; i < nr; i++)
		if (host_exists(host_path("/sys/class/net/%s", devices[i])))
			want(m, SETTING_DEVICE, group, devices[i], "on");
	free(group);
}

static void want_borrowing(struct making *m, const struct vm_policy *policy, const struct pool_policy *pool,
			   const struct vm *vm, char **groups)
{
	char *text = policy_borrow_text(&policy->borrow);
	size_t i;

	for (i = 0; groups[i]; i++)
		want(m, SETTING_VALUE, groups[i], "cpu.spare.borrow", text);
	want_devices(m, policy, pool, vm, groups);
	free(text);
}

static bool pool_reaches(struct making *m, const struct pool_policy *pool, const struct vm *vm)
{
	char *group = policy_group(pool), *scope, *above, *list;
	bool good;

	if (!group) {
		m->good = false;
		return false;
	}
	if (policy_partitioned(pool) && !cpus_overlap(&pool->cpus, &m->host->online)) {
		list = cpus_print(&pool->cpus);
		complain(m, vm->name, WRONG_POLICY, "no CPU of pool '%s' is online: it has %s", pool->name, list ? list : "?");
		free(list);
		good = false;
		goto out;
	}
	if (!pool->group) {
		good = !vm->managed;
		if (!good) {
			scope = group_parent(vm->group);
			above = group_parent(scope ? scope : "");
			complain(m, vm->name, WRONG_POLICY,
				 "%s manages its groups: give pool '%s' a group above them, such as \"%s\"", vm->finder,
				 pool->name, above ? above : "");
			free(above);
			free(scope);
		}
		goto out;
	}
	good = group_within(vm->group, group) && strcmp(vm->group, group);
	if (!good)
		complain(m, vm->name, WRONG_POLICY,
			 "its threads are in group %s, which is not below %s of pool '%s': start it there%s",
			 vm->group, group, pool->name, vm->managed ? "" : ", or leave out the pool's group");
out:
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
	want_thread(m, SETTING_AFFINITY, thread, text);
	free(text);
}

static void want_vcpus(struct making *m, const struct vm_policy *policy, const struct pool_policy *pool, const struct vm *vm)
{
	char *text = policy->reservation.runtime ? thread_class_text(policy->reservation) : NULL;
	size_t i;

	for (i = 0; i < vm->nr_threads; i++) {
		if (!wanted_vcpu(policy, &vm->threads[i]))
			continue;
		if (pool && pool->exclusive)
			want_affinity(m, pool, &vm->threads[i]);
		if (policy->reservation.runtime)
			want_thread(m, SETTING_CLASS, &vm->threads[i], text);
	}
	free(text);
}

static void want_vm(struct making *m, const struct vm_policy *policy, const struct vm *vm)
{
	const struct pool_policy *pool = policy->pool ? policy_pool(m->policy, policy->pool) : NULL;
	struct cpus cpus = vm_cpus(m, policy, vm);
	char **groups = NULL;

	m->vm = vm->name;
	if (pool) {
		if (!pool_reaches(m, pool, vm))
			goto out;
		groups = vmgroup_all(pool, vm, &cpus);
		if (!groups) {
			m->good = false;
			goto out;
		}
		if (pool->group)
			want_libvirt_places(m, vm);
		else
			want_own_place(m, policy, pool, vm, groups);
	}
	want_io(m, policy, vm);
	want_vcpus(m, policy, pool, vm);
	if (pool && pool->spare.runtime)
		want_borrowing(m, policy, pool, vm, groups);
out:
	group_free_list(groups);
	m->vm = NULL;
}

/* --- all --- */

static bool read_cpus(struct cpus *cpus, const char *file)
{
	char *text = host_read(host_path("/sys/devices/system/cpu/%s", file), NULL);
	const char *rule;
	bool good = text && cpus_parse(cpus, text, &rule);

	if (text && !good)
		errno = EINVAL;
	free(text);
	return good;
}

bool wanted_host(struct wanted_host *host)
{
	return read_cpus(&host->possible, "possible") && read_cpus(&host->online, "online");
}

bool wanted_make(struct settings *wanted, const struct policy *policy, const struct vms *vms,
		 const struct wanted_host *host, const struct admission *admission, const struct ledger *ledger,
		 wanted_problem *problem, void *data)
{
	struct making m = { wanted, policy, host, admission, ledger, problem, data, NULL, true };
	size_t i;

	*wanted = (struct settings){ 0 };
	if (policy->hrtick && (policy->nr_pools || policy->nr_vms)) {
		if (host_exists(host_path("/sys/kernel/debug/sched/features")))
			want(&m, SETTING_FEATURE, "-", "HRTICK_DL", "on");
		else
			complain(&m, NULL, DONE, "debugfs %s: HRTICK_DL stays as it is, and budgets may overrun to the next tick",
				 errno == EACCES ? "cannot be read" : "is not mounted");
	}
	for (i = 0; i < policy->nr_pools; i++)
		want_pool(&m, &policy->pools[i]);
	for (i = 0; i < policy->nr_vms; i++) {
		const struct vm *vm = vms_named(vms, policy->vms[i].name);

		if (vm)
			want_vm(&m, &policy->vms[i], vm);
	}
	if (!m.good)
		settings_free(wanted);
	return m.good;
}
