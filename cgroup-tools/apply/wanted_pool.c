// SPDX-License-Identifier: GPL-2.0
/* The groups of a pool, with its CPUs and units. */
#include <stdlib.h>
#include <string.h>

#include "apply/layout.h"
#include "apply/making.h"
#include "apply/vmgroup.h"
#include "host/group.h"
#include "host/result.h"

/* Adds CPUs to a list that others have CPUs in. */
static void want_more_cpus(struct making *m, const char *group, const char *file, const struct cpus *cpus)
{
	const struct setting like = { .kind = SETTING_VALUE, .object = (char *)group, .name = (char *)file };
	struct cpus all = making_cpus_before(m, group, file);
	struct setting *same;
	char *list;

	cpus_unite(&all, cpus);
	list = cpus_print(&all);
	same = settings_find(m->wanted, &like);
	if (same && list) {
		free(same->value);
		same->value = list;
		return;
	}
	making_want(m, SETTING_VALUE, group, file, list);
	free(list);
}

/* A group as it is; a domain when it is new. */
static void want_group(struct making *m, const char *group)
{
	const struct setting like = { .kind = SETTING_GROUP, .object = (char *)group, .name = "" };
	char *now = setting_read(&like);

	making_want(m, SETTING_GROUP, group, "", now && !strcmp(now, "threaded") ? now : "domain");
	free(now);
}

void wanted_controllers(struct making *m, const char *group, bool cpuset)
{
	making_want(m, SETTING_CONTROLLER, group, "cpu", "on");
	if (cpuset)
		making_want(m, SETTING_CONTROLLER, group, "cpuset", "on");
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
	wanted_controllers(m, group, pool->exclusive);
	if (*group && pool->exclusive)
		want_more_cpus(m, group, "cpuset.cpus.exclusive", &pool->cpus);
}

static void want_partition(struct making *m, const char *group, const char *list)
{
	making_want(m, SETTING_VALUE, group, "cpuset.cpus.exclusive", list);
	making_want(m, SETTING_VALUE, group, "cpuset.cpus.partition", "root");
}

/* In the kernel's words, to compare: it prints the CPUs in any case. To whoever lends: the policy is settled. */
static void want_spare(struct making *m, const char *group, const struct pool_policy *pool)
{
	struct pool_policy whole = *pool;
	char *text;

	if (cpus_empty(&pool->cpus))
		whole.cpus = m->host->possible;
	text = policy_pool_text(&whole);
	making_want(m, making_spare(m), group, "cpu.spare.pool", text);
	free(text);
}

/* The group whose children have the vCPUs. Those of dlspare are threaded. */
static void want_own_cpus(struct making *m, const struct pool_policy *pool, int cpu, const struct cpus *cpus)
{
	char *group = policy_cpus_group(pool, cpu), *list = cpus_print(cpus);

	making_want(m, SETTING_GROUP, group, "", "threaded");
	if (pool->exclusive) {
		making_want(m, SETTING_VALUE, group, "cpuset.cpus", list);
		want_partition(m, group, list);
	}
	/* The kernel takes a controller from no group whose children use it: so systemd takes none of them from a unit. */
	wanted_controllers(m, group, pool->exclusive && pool->group);
	free(list);
	free(group);
}

static void want_own_groups(struct making *m, const char *group, const struct pool_policy *pool)
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

/*
 * A partition has all that is in its group. What is there besides VMs would share their CPUs, and be nowhere else; where it is
 * a partition already, it has been put there since.
 */
static bool takes_others_along(struct making *m, const char *group, const struct pool_policy *pool)
{
	char *now = group_value(group, "cpuset.cpus.partition"), *other = NULL;

	if (!now || strncmp(now, "root", 4))
		other = vmgroup_stranger(group, m->vms);
	free(now);
	if (!other)
		return false;
	making_complain(m, NULL, WRONG_POLICY,
			"pool '%s': with group %s exclusive it would move what is in %s, which is no VM, to its CPUs: give it a group "
			"that has nothing but its VMs", pool->name, group, other);
	free(other);
	return true;
}

/*
 * The CPUs of a group that others have filled are those of cpuset.cpus.exclusive alone: the kernel (update_cpumask() in
 * kernel/cgroup/cpuset.c) takes back no cpuset.cpus as long as a thread is there.
 */
static void want_others_group(struct making *m, const char *group, const struct pool_policy *pool)
{
	char *above = group_parent(group), *list;

	if (above)
		want_inner(m, above, pool);
	m->good = m->good && above;
	free(above);
	want_group(m, group);
	if (pool->exclusive) {
		list = cpus_print(&pool->cpus);
		want_partition(m, group, list);
		free(list);
	}
	making_want(m, SETTING_CONTROLLER, group, "cpu", "on");
}

static bool has_cpus(struct making *m, const struct pool_policy *pool)
{
	struct cpus rest = m->host->online, absent = pool->cpus;
	char *list = NULL;
	bool good = false;

	cpus_subtract(&rest, &pool->cpus);
	cpus_subtract(&absent, &m->host->possible);
	if (pool->exclusive && cpus_empty(&rest)) {
		list = cpus_print(&m->host->online);
		making_complain(m, NULL, WRONG_POLICY, "pool '%s': exclusive leaves no CPU of %s for all the rest", pool->name,
				list ? list : "?");
	} else if (!cpus_empty(&absent)) {
		list = cpus_print(&absent);
		making_complain(m, NULL, WRONG_POLICY, "pool '%s': this host has no CPU %s", pool->name, list ? list : "?");
	} else {
		good = true;
	}
	free(list);
	return good;
}

/* Units are chosen of the policy alone, that VMs may come and go: so a vCPU that it does not name has no part in that. */
static void tell_uncounted(struct making *m, const struct pool_policy *pool)
{
	size_t i, j;

	for (i = 0; i < m->policy->nr_vms; i++) {
		const struct vm_policy *policy = &m->policy->vms[i];
		const struct vm *vm = layout_lender(m->policy, policy) == pool ? vms_named(m->vms, policy->name) : NULL;
		unsigned int vcpus = 0;

		for (j = 0; vm && j < vm->nr_threads; j++)
			vcpus += wanted_vcpu(policy, &vm->threads[j]);
		if (vcpus > layout_vcpus(policy))
			making_complain(m, NULL, DONE, "pool '%s': spare 'auto' counts %u of the %u vCPUs of VM '%s': say vcpus = \"0-%u\"",
					pool->name, layout_vcpus(policy), vcpus, vm->name, vcpus - 1);
	}
}

void wanted_pool(struct making *m, const struct pool_policy *pool)
{
	char *group = policy_group(pool);
	bool in_place = vmgroup_pool_in_place(pool, m->vms);

	if (!group) {
		m->good = false;
		return;
	}
	if (!has_cpus(m, pool))
		goto out;
	/* A scope or service comes and goes with its VM. */
	if (pool->group && in_place && !group_exists(group))
		goto out;
	if (!pool->group || in_place) {
		want_own_groups(m, group, pool);
	} else {
		if (pool->exclusive && takes_others_along(m, group, pool))
			goto out;
		want_others_group(m, group, pool);
	}
	if (pool->spare.runtime)
		want_spare(m, group, pool);
	if (pool->automatic)
		tell_uncounted(m, pool);
out:
	free(group);
}
