// SPDX-License-Identifier: GPL-2.0
/* The rules of a policy. Each error begins with what has broken the rule: owner, such as "pool 'gold'". */
#include "policy/policy.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "host/units.h"
#include "policy/inside.h"

#define POOL_NAME_MAX 64
#define VM_NAME_MAX 255
#define GROUP_MAX 1024

/* As the kernel's to_ratio(). What of a whole CPU may be reserved is the host's to say. */
#define RATIO_SHIFT 20
#define RATIO_MAX (1ull << RATIO_SHIFT)

static bool check_reservation(const struct reservation *reservation, const char *owner, struct policy_error *error)
{
	uint64_t runtime = reservation->runtime, period = reservation->period;

	if (!period)
		return policy_refuse(error, "%s: runtime %s needs a period", owner, TIME(runtime));
	if (!runtime)
		return policy_refuse(error, "%s: period %s needs a runtime", owner, TIME(period));
	if (runtime < RESERVATION_RUNTIME_MIN)
		return policy_refuse(error, "%s: runtime %s is less than %s, the kernel's least", owner, TIME(runtime),
			      TIME(RESERVATION_RUNTIME_MIN));
	if (period < RESERVATION_PERIOD_MIN || period > RESERVATION_PERIOD_MAX)
		return policy_refuse(error, "%s: period %s is not in %s..%s", owner, TIME(period), TIME(RESERVATION_PERIOD_MIN),
			      TIME(RESERVATION_PERIOD_MAX));
	if (runtime > period)
		return policy_refuse(error, "%s: runtime %s is longer than its period %s", owner, TIME(runtime), TIME(period));
	return true;
}

/* A name with a dot could be that of a file in its group, such as cpu.max. */
static bool check_pool_name(const char *name, struct policy_error *error)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
	size_t length = strlen(name);

	if (!length || length > POOL_NAME_MAX || name[strspn(name, allowed)] || *name == '-')
		return policy_refuse(error, "pool %s: a pool's name is 1 to %d of the characters A-Z a-z 0-9 _ - and does not "
			      "begin with -", policy_quote(name).text, POOL_NAME_MAX);
	return true;
}

static bool has_control(const char *text)
{
	for (; *text; text++)
		if (iscntrl((unsigned char)*text))
			return true;
	return false;
}

/* No folder can have such a name: '', '.' and '..'. */
static bool is_dots(const char *name, size_t length)
{
	return length <= 2 && !strncmp(name, "..", length);
}

static bool check_vm_name(const char *name, struct policy_error *error)
{
	size_t length = strlen(name);

	if (!length || length > VM_NAME_MAX || strchr(name, '/') || has_control(name) || is_dots(name, length))
		return policy_refuse(error, "VM %s: a VM's name is 1 to %d bytes without '/' and control characters, and is "
			      "neither '.' nor '..'", policy_quote(name).text, VM_NAME_MAX);
	return true;
}

static bool check_group(const char *group, const char *owner, struct policy_error *error)
{
	bool good = strlen(group) <= GROUP_MAX && !has_control(group);
	const char *at = group + strspn(group, "/");
	size_t component;

	if (!*at)
		return policy_refuse(error, "%s: group %s: the root group is no group of its own", owner, policy_quote(group).text);
	for (; good; at += component + 1) {
		component = strcspn(at, "/");
		good = !is_dots(at, component);
		if (!at[component + strspn(at + component, "/")])
			break;
	}
	if (!good)
		return policy_refuse(error, "%s: group %s: a group is a path below the cgroup mount, at most %d bytes,"
			      " without control characters and the components '', '.' and '..'", owner,
			      policy_quote(group).text, GROUP_MAX);
	return true;
}

/* A partition has all that is in its group. */
static bool check_partition(const struct pool_policy *pool, const char *owner, struct policy_error *error)
{
	char *group = policy_group(pool);
	bool good = group != NULL;

	if (!good)
		policy_refuse(error, "%s: %s", owner, strerror(ENOMEM));
	else if (policy_group_of_all(group))
		good = policy_refuse(error, "%s: group %s has all VMs or services of a manager, and exclusive would move them to its "
				     "CPUs: give it one that has its VMs alone, for libvirt's such as "
				     "\"machine.slice/machine-gold.slice\", see dlspare-libvirt-hook(8)", owner,
				     policy_quote(group).text);
	free(group);
	return good;
}

/* Two pools cannot be one group. */
static bool check_groups_differ(const struct pool_policy *a, const struct pool_policy *b, const char *owner,
				struct policy_error *error)
{
	char *group = NULL, *other = NULL;
	bool good = true;

	/* Their names differ, and so do their groups. */
	if (!a->group && !b->group)
		return true;
	group = policy_group(a);
	other = policy_group(b);
	if (!group || !other)
		good = policy_refuse(error, "%s: %s", owner, strerror(ENOMEM));
	else if (!strcmp(group, other))
		good = policy_refuse(error, "%s: group %s is that of pool '%s' too", owner, policy_quote(group).text, b->name);
	free(group);
	free(other);
	return good;
}

/* No CPU offers more than it is; load has what those before this one do. */
static bool add_load(const struct pool_policy *pool, uint64_t load[CPUS_MAX], const char *owner,
		     struct policy_error *error)
{
	bool all = cpus_empty(&pool->cpus);
	uint64_t ratio;

	if (reservation_none(pool->spare))
		return true;
	ratio = pool->units * ((pool->spare.runtime << RATIO_SHIFT) / pool->spare.period);
	for (int cpu = 0; cpu < CPUS_MAX; cpu++) {
		if (!all && !cpus_has(&pool->cpus, cpu))
			continue;
		load[cpu] += ratio;
		if (load[cpu] > RATIO_MAX)
			return policy_refuse(error, "%s: with it the pools offer %.2f %% of CPU %d, which has no more than 100 %%",
				      owner, load[cpu] * 100.0 / (1 << RATIO_SHIFT), cpu);
	}
	return true;
}

bool policy_check_pool(const struct policy *policy, size_t index, uint64_t load[CPUS_MAX], struct policy_error *error)
{
	const struct pool_policy *pool = &policy->pools[index], *other;
	const struct reservation *spare = &pool->spare;
	char owner[96];

	if (!check_pool_name(pool->name, error))
		return false;
	snprintf(owner, sizeof(owner), "pool %s", policy_quote(pool->name).text);

	if (pool->automatic && (!reservation_none(*spare) || pool->units))
		return policy_refuse(error, "%s: spare 'auto' chooses runtime, period and units: leave them out", owner);
	if (reservation_none(*spare)) {
		if (pool->units)
			return policy_refuse(error, "%s: units %u need a runtime and a period", owner, pool->units);
	} else {
		if (!check_reservation(spare, owner, error))
			return false;
		if (spare->runtime % NSEC_PER_USEC || spare->period % NSEC_PER_USEC)
			return policy_refuse(error, "%s: runtime %s and period %s must be whole microseconds, the unit of "
				      "cpu.spare.pool", owner, TIME(spare->runtime), TIME(spare->period));
		if (!pool->units || pool->units > POLICY_UNITS_MAX)
			return policy_refuse(error, "%s: units %u are not in 1..%d", owner, pool->units, POLICY_UNITS_MAX);
	}
	if (pool->exclusive && cpus_empty(&pool->cpus))
		return policy_refuse(error, "%s: an exclusive pool needs cpus", owner);
	if (pool->group && (!check_group(pool->group, owner, error) ||
			    (pool->exclusive && !check_partition(pool, owner, error))))
		return false;
	if (pool->edf == EDF_PARTITIONED && !pool->exclusive)
		return policy_refuse(error, "%s: edf 'partitioned' needs exclusive CPUs", owner);
	if (pool->edf == EDF_PARTITIONED && pool->group)
		return policy_refuse(error, "%s: edf 'partitioned' needs a group for each CPU, and those below %s are not dlspare's",
			      owner, policy_quote(pool->group).text);

	for (other = policy->pools; other < pool; other++) {
		if (!strcmp(other->name, pool->name))
			return policy_refuse(error, "%s: the name is given twice", owner);
		if (pool->exclusive && other->exclusive && cpus_overlap(&pool->cpus, &other->cpus))
			return policy_refuse(error, "%s: it has CPUs of pool '%s', and both are exclusive", owner,
				      other->name);
		if (!check_groups_differ(pool, other, owner, error))
			return false;
	}
	return add_load(pool, load, owner, error);
}

static bool check_borrow(const struct borrow_policy *borrow, const char *owner, struct policy_error *error)
{
	if (borrow->chances > POLICY_CHANCES_MAX)
		return policy_refuse(error, "%s: chances %u are more than %d", owner, borrow->chances, POLICY_CHANCES_MAX);
	if (borrow->linger % NSEC_PER_USEC || borrow->linger > POLICY_LINGER_MAX)
		return policy_refuse(error, "%s: linger %s is no whole number of microseconds in 0s..%s", owner,
			      TIME(borrow->linger), TIME(POLICY_LINGER_MAX));
	return true;
}

/* The kernel counts the waits of those who may borrow. */
static bool check_target(const struct policy *policy, const struct vm_policy *vm, const char *owner, struct policy_error *error)
{
	const struct target_policy *target = &vm->target;

	if (!target->latency)
		return true;
	if (target->latency < NSEC_PER_USEC || target->latency > POLICY_LATENCY_MAX)
		return policy_refuse(error, "%s: latency %s is not in 1us..%s", owner, TIME(target->latency), TIME(POLICY_LATENCY_MAX));
	if (!target->share || target->share > POLICY_SHARE_ALL)
		return policy_refuse(error, "%s: latency is of %u of %u events", owner, target->share, POLICY_SHARE_ALL);
	if (!policy_borrows(policy, vm))
		return policy_refuse(error, "%s: latency %s needs a pool of spare reservations and borrow.on: waits of others are not "
				     "counted", owner, TIME(target->latency));
	return true;
}

static bool check_rate(const struct vm_policy *vm, const char *owner, struct policy_error *error)
{
	if (vm->rate > POLICY_RATE_MAX)
		return policy_refuse(error, "%s: rate %u is more than %d", owner, vm->rate, POLICY_RATE_MAX);
	if (vm->rate && !vm->pool)
		return policy_refuse(error, "%s: rate %u needs a pool: of events for others nothing is computed", owner, vm->rate);
	return true;
}

static bool check_io(const struct io_policy *io, const char *owner, struct policy_error *error)
{
	char what[128];

	if (io->kind != IO_HOUSEKEEPING && !cpus_empty(&io->cpus))
		return policy_refuse(error, "%s: io has cpus, which only the policy 'housekeeping' has", owner);
	if (io->kind != IO_DEADLINE && !reservation_none(io->reservation))
		return policy_refuse(error, "%s: io has a runtime or a period, which only the policy 'deadline' has", owner);
	if (io->kind != IO_DEADLINE)
		return true;
	if (reservation_none(io->reservation))
		return policy_refuse(error, "%s: the io policy 'deadline' needs a runtime and a period", owner);
	snprintf(what, sizeof(what), "%s: io", owner);
	return check_reservation(&io->reservation, what, error);
}

/* As dev_valid_name() in the kernel's net/core/dev.c. */
static bool check_device(const char *name, const char *owner, struct policy_error *error)
{
	size_t length = strlen(name);

	if (!length || length >= IFNAMSIZ || name[strcspn(name, "/: \t\n\v\f\r")] || is_dots(name, length))
		return policy_refuse(error, "%s: device %s: a device's name is 1 to %d bytes without '/', ':' and white space,"
			      " and is neither '.' nor '..'", owner, policy_quote(name).text, IFNAMSIZ - 1);
	return true;
}

static bool check_devices(const struct vm_policy *vm, const char *owner, struct policy_error *error)
{
	if (vm->any_device && vm->nr_devices)
		return policy_refuse(error, "%s: its devices are 'any' or a list of names, not both", owner);
	if ((vm->any_device || vm->nr_devices) && !vm->pool)
		return policy_refuse(error, "%s: devices need a pool to borrow from", owner);
	for (size_t i = 0; i < vm->nr_devices; i++) {
		if (!check_device(vm->devices[i], owner, error))
			return false;
		for (size_t j = 0; j < i; j++)
			if (!strcmp(vm->devices[i], vm->devices[j]))
				return policy_refuse(error, "%s: device %s is given twice", owner, policy_quote(vm->devices[i]).text);
	}
	return true;
}

static bool check_process(const struct process_policy *process, const char *owner, struct policy_error *error)
{
	if (process->pid < 0)
		return policy_refuse(error, "%s: pid %d is not in 1..%d", owner, (int)process->pid, INT_MAX);
	if (process->uid < -1 || process->uid > INT_MAX)
		return policy_refuse(error, "%s: uid %" PRId64 " is not in 0..%d", owner, process->uid, INT_MAX);
	return !process->group || check_group(process->group, owner, error);
}

static bool check_class(const struct policy *policy, const struct vm_policy *vm, const char *owner, struct policy_error *error)
{
	struct policy_error why;

	return policy_check_class(policy, vm, &why) || policy_refuse(error, "%s: %s", owner, why.text);
}

bool policy_check_vm(const struct policy *policy, size_t index, struct policy_error *error)
{
	const struct vm_policy *vm = &policy->vms[index], *other;
	char owner[96];

	if (!check_vm_name(vm->name, error))
		return false;
	snprintf(owner, sizeof(owner), "VM %s", policy_quote(vm->name).text);

	for (other = policy->vms; other < vm; other++)
		if (!strcmp(other->name, vm->name))
			return policy_refuse(error, "%s: the name is given twice", owner);
	if (!check_process(&vm->process, owner, error))
		return false;
	if (!reservation_none(vm->reservation) && !check_reservation(&vm->reservation, owner, error))
		return false;
	if (vm->pool && !policy_pool(policy, vm->pool))
		return policy_refuse(error, "%s: there is no pool %s", owner, policy_quote(vm->pool).text);
	if (vm->borrow.on && !vm->pool)
		return policy_refuse(error, "%s: borrow needs a pool", owner);
	if (!check_borrow(&vm->borrow, owner, error) || !check_target(policy, vm, owner, error) || !check_rate(vm, owner, error) ||
	    !check_io(&vm->io, owner, error) || !check_devices(vm, owner, error) || !check_class(policy, vm, owner, error))
		return false;
	if (reservation_none(vm->reservation) && !vm->pool && vm->io.kind == IO_KEEP)
		return policy_refuse(error, "%s: it needs one of runtime and period, pool, and io", owner);
	return true;
}

bool policy_check_automatic(const struct policy *policy, size_t index, struct policy_error *error)
{
	const struct pool_policy *pool = &policy->pools[index];

	if (!pool->automatic)
		return true;
	for (size_t i = 0; i < policy->nr_vms; i++) {
		const struct vm_policy *vm = &policy->vms[i];

		if (vm->target.latency && !reservation_none(vm->reservation) && vm->pool && !strcmp(vm->pool, pool->name))
			return true;
	}
	return policy_refuse(error, "pool %s: spare 'auto' needs a latency: no VM of the pool has one, and a reservation",
			     policy_quote(pool->name).text);
}

bool policy_check(const struct policy *policy, struct policy_error *error)
{
	uint64_t load[CPUS_MAX] = { 0 };

	for (size_t i = 0; i < policy->nr_pools; i++)
		if (!policy_check_pool(policy, i, load, error))
			return false;
	for (size_t i = 0; i < policy->nr_vms; i++)
		if (!policy_check_vm(policy, i, error))
			return false;
	for (size_t i = 0; i < policy->nr_pools; i++)
		if (!policy_check_automatic(policy, i, error))
			return false;
	return true;
}
