// SPDX-License-Identifier: GPL-2.0
#include "policy/policy.h"

#include <stdlib.h>
#include <string.h>

#include "host/names.h"
#include "host/units.h"
#include "policy/inside.h"

void policy_init(struct policy *policy)
{
	*policy = (struct policy){ .hrtick = true };
}

static void free_pool(struct pool_policy *pool)
{
	free(pool->name);
	free(pool->group);
}

static void free_vm(struct vm_policy *vm)
{
	free(vm->name);
	free(vm->process.group);
	free(vm->pool);
	names_free(&vm->devices, &vm->nr_devices);
}

void policy_free(struct policy *policy)
{
	for (size_t i = 0; i < policy->nr_pools; i++)
		free_pool(&policy->pools[i]);
	for (size_t i = 0; i < policy->nr_vms; i++)
		free_vm(&policy->vms[i]);
	free(policy->pools);
	free(policy->vms);
	policy_init(policy);
}

struct pool_policy *policy_pool(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->nr_pools; i++)
		if (!strcmp(policy->pools[i].name, name))
			return &policy->pools[i];
	return NULL;
}

struct vm_policy *policy_vm(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->nr_vms; i++)
		if (!strcmp(policy->vms[i].name, name))
			return &policy->vms[i];
	return NULL;
}

struct pool_policy *policy_add_pool(struct policy *policy, const char *name)
{
	struct pool_policy *pools = realloc(policy->pools, (policy->nr_pools + 1) * sizeof(*pools)), *pool;

	if (!pools)
		return NULL;
	policy->pools = pools;
	pool = &pools[policy->nr_pools];
	*pool = (struct pool_policy){ .name = strdup(name) };
	if (!pool->name)
		return NULL;
	policy->nr_pools++;
	return pool;
}

struct vm_policy *policy_add_vm(struct policy *policy, const char *name)
{
	struct vm_policy *vms = realloc(policy->vms, (policy->nr_vms + 1) * sizeof(*vms)), *vm;

	if (!vms)
		return NULL;
	policy->vms = vms;
	vm = &vms[policy->nr_vms];
	*vm = (struct vm_policy){
		.name = strdup(name),
		.process = { .uid = -1 },
		.borrow = { .reply = true, .linger = 200 * NSEC_PER_USEC },
	};
	if (!vm->name)
		return NULL;
	policy->nr_vms++;
	return vm;
}

void policy_remove_pool(struct policy *policy, const char *name)
{
	struct pool_policy *pool = policy_pool(policy, name);

	if (!pool)
		return;
	free_pool(pool);
	policy->nr_pools--;
	memmove(pool, pool + 1, (policy->pools + policy->nr_pools - pool) * sizeof(*pool));
}

void policy_remove_vm(struct policy *policy, const char *name)
{
	struct vm_policy *vm = policy_vm(policy, name);

	if (!vm)
		return;
	free_vm(vm);
	policy->nr_vms--;
	memmove(vm, vm + 1, (policy->vms + policy->nr_vms - vm) * sizeof(*vm));
}

static bool copy_vm(struct policy *to, const struct vm_policy *from)
{
	struct vm_policy *vm = policy_add_vm(to, from->name);
	char *name;

	if (!vm)
		return false;
	name = vm->name;
	*vm = *from;
	vm->name = name;
	vm->process.group = from->process.group ? strdup(from->process.group) : NULL;
	vm->pool = from->pool ? strdup(from->pool) : NULL;
	vm->devices = NULL;
	vm->nr_devices = 0;
	if ((from->pool && !vm->pool) || (from->process.group && !vm->process.group))
		return false;
	for (size_t i = 0; i < from->nr_devices; i++)
		if (!names_add(&vm->devices, &vm->nr_devices, from->devices[i]))
			return false;
	return true;
}

bool policy_merge(struct policy *to, const struct policy *from)
{
	size_t nr_vms = to->nr_vms;

	for (size_t i = 0; i < from->nr_vms; i++) {
		if (policy_vm(to, from->vms[i].name) || copy_vm(to, &from->vms[i]))
			continue;
		while (to->nr_vms > nr_vms)
			free_vm(&to->vms[--to->nr_vms]);
		return false;
	}
	return true;
}

static bool copy_pool(struct policy *to, const struct pool_policy *from)
{
	struct pool_policy *pool = policy_add_pool(to, from->name);
	char *name;

	if (!pool)
		return false;
	name = pool->name;
	*pool = *from;
	pool->name = name;
	pool->group = from->group ? strdup(from->group) : NULL;
	return !from->group || pool->group;
}

bool policy_copy(struct policy *to, const struct policy *from)
{
	policy_init(to);
	to->hrtick = from->hrtick;
	to->lender = from->lender;
	for (size_t i = 0; i < from->nr_pools; i++)
		if (!copy_pool(to, &from->pools[i]))
			goto fail;
	if (policy_merge(to, from))
		return true;
fail:
	policy_free(to);
	return false;
}
