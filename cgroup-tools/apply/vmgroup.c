// SPDX-License-Identifier: GPL-2.0
#include "apply/vmgroup.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apply/quota.h"
#include "host/group.h"

/* --- whose groups --- */

static const char *last_part(const char *group)
{
	const char *slash = strrchr(group, '/');

	return slash ? slash + 1 : group;
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), cut = strlen(end);

	return length > cut && !strcmp(text + length - cut, end);
}

/* One of systemd's that has processes. */
static bool is_unit(const char *group)
{
	return ends_with(group, ".scope") || ends_with(group, ".service");
}

/* user.slice/user-N.slice/session-M.scope: what people start by hand is there. */
static bool is_login_session(const char *group)
{
	char *user = group_parent(group), *users = group_parent(user ? user : "");
	bool session = users && !strcmp(users, "user.slice") && !strncmp(last_part(user), "user-", 5) &&
		       !strncmp(last_part(group), "session-", 8) && is_unit(group);

	free(users);
	free(user);
	return session;
}

/* At or above a group: in a threaded one are single threads. */
static char *process_group(const char *group)
{
	char *type = group_value(group, "cgroup.type"), *above = NULL, *found;

	if (type && !strcmp(type, "threaded") && *group)
		above = group_parent(group);
	found = above ? process_group(above) : strdup(group);
	free(above);
	free(type);
	return found;
}

/* Libvirt's have a place of their own among the threaded groups that libvirt makes. */
char *vmgroup_home(const struct vm *vm)
{
	return vm->managed ? strdup(vm->group) : process_group(vm->group);
}

bool vmgroup_stays(const struct vm *vm)
{
	char *home = vmgroup_home(vm);
	struct quota quota = { 0 };
	bool stays;

	if (vm->managed || !home)
		stays = true;
	else if (!*home || (group_within(home, "dlspare.slice") && !is_unit(home)))
		stays = false;
	else
		stays = !is_login_session(home) || quota_above(&quota, home);
	free(quota.group);
	free(home);
	return stays;
}

/* --- where in a pool --- */

/* The whole path of libvirt's groups is libvirt's. */
static bool is_in_place(const struct pool_policy *pool, const struct vm *vm)
{
	char *group = pool->group && !vm->managed ? policy_group(pool) : NULL;
	char *home = group ? vmgroup_home(vm) : NULL;
	bool same = home && !strcmp(home, group);

	free(home);
	free(group);
	return same;
}

bool vmgroup_pool_in_place(const struct pool_policy *pool, const struct vms *vms)
{
	size_t i;

	for (i = 0; i < vms->nr; i++)
		if (is_in_place(pool, &vms->list[i]))
			return true;
	return pool->group && is_unit(pool->group);
}

bool vmgroup_whole(const struct pool_policy *pool, const struct vm *vm)
{
	return pool->group && (vm ? !is_in_place(pool, vm) : !is_unit(pool->group));
}

/* In a group of dlspare a VM may have any name: no file there ends with ".vm". */
char *vmgroup_of(const struct pool_policy *pool, const struct vm *vm, int cpu)
{
	char *group, *path;

	if (vmgroup_whole(pool, vm))
		return vmgroup_home(vm);
	group = policy_cpus_group(pool, policy_partitioned(pool) ? cpu : -1);
	if (!group || asprintf(&path, "%s/%s.vm", group, vm->name) < 0)
		path = NULL;
	free(group);
	return path;
}

char **vmgroup_all(const struct pool_policy *pool, const struct vm *vm, const struct cpus *cpus)
{
	bool several = policy_partitioned(pool);
	char **groups = calloc((several ? cpus_count(cpus) : 1) + 1, sizeof(*groups));
	int cpu = several ? cpus_next(cpus, 0) : -1;
	size_t nr = 0;

	while (groups && (cpu >= 0 || (!several && !nr))) {
		groups[nr] = vmgroup_of(pool, vm, cpu);
		if (!groups[nr++]) {
			group_free_list(groups);
			return NULL;
		}
		if (several)
			cpu = cpus_next(cpus, cpu + 1);
	}
	return groups;
}

/* --- what else is in a group --- */

static bool has_processes(const char *group)
{
	char *text = group_value(group, "cgroup.procs");
	bool any = text && *text;

	free(text);
	return any;
}

/* What a manager runs beside a VM is in the VM's group, or in libvirt's above it. */
static bool is_of_vm(const char *group, const struct vm *vm)
{
	bool below = vm->managed && !strcmp(last_part(vm->group), "libvirt");
	char *whole = below ? group_parent(vm->group) : vmgroup_home(vm);
	bool inside = whole && group_within(group, whole);

	free(whole);
	return inside;
}

static bool is_of_any(const char *group, const struct vms *vms)
{
	size_t i;

	for (i = 0; i < vms->nr; i++)
		if (is_of_vm(group, &vms->list[i]))
			return true;
	return false;
}

char *vmgroup_stranger(const char *group, const struct vms *vms)
{
	char *found = NULL, *inner;
	struct dirent *entry;
	DIR *folder;

	if (is_of_any(group, vms))
		return NULL;
	if (has_processes(group))
		return strdup(group);
	folder = opendir(group_path(group, NULL));
	while (folder && !found && (entry = readdir(folder))) {
		if (entry->d_type != DT_DIR || *entry->d_name == '.' ||
		    asprintf(&inner, "%s%s%s", group, *group ? "/" : "", entry->d_name) < 0)
			continue;
		found = vmgroup_stranger(inner, vms);
		free(inner);
	}
	if (folder)
		closedir(folder);
	return found;
}

/* --- advice --- */

/*
 * What libvirt calls a group of domains in their XML: "/machine/gold" is machine.slice/machine-gold.slice or, without systemd,
 * machine/gold.partition. New; NULL: such a group has no name there.
 */
static char *partition_of(const char *group)
{
	bool slice = ends_with(group, ".slice");
	const char *name = slice ? last_part(group) : group;
	char *partition, *at;

	if (!slice && !ends_with(group, ".partition"))
		return NULL;
	if (asprintf(&partition, "/%s", name) < 0)
		return NULL;
	*strrchr(partition, '.') = '\0';
	for (at = partition; slice && *at; at++)
		if (*at == '-')
			*at = '/';
	return partition;
}

/* One for the pool's domains alone, below the one where libvirt puts all. A "-" in a slice's name would be a "/". */
static char *group_for(const struct pool_policy *pool, const char *all)
{
	char *name = strdup(pool->name), *group = NULL, *at;
	bool slice = ends_with(all, ".slice");

	for (at = name; at && *at; at++)
		if (*at == '-')
			*at = '_';
	if (!name || (slice ? asprintf(&group, "%s/%.*s-%s.slice", all, (int)strcspn(all, "."), all, name) :
			      asprintf(&group, "%s/%s.partition", all, name)) < 0)
		group = NULL;
	free(name);
	return group;
}

/* "start it so" and "give the pool that group", or one of them. */
static char *advice_on_groups(const struct pool_policy *pool, const struct vm *vm, const char *group)
{
	char *partition = partition_of(group), *start = NULL, *text = NULL;

	if (group_within(vm->group, group))
		start = strdup("");
	else if (!partition)
		start = strdup("start it there");
	else if (asprintf(&start, "start it with <resource><partition>%s</partition></resource> in its XML", partition) < 0)
		start = NULL;
	if (!start)
		text = NULL;
	else if (pool->group)
		text = strdup(start);
	else if (asprintf(&text, "%s%sgive pool '%s' the group \"%s\"", start, *start ? ", and " : "", pool->name, group) < 0)
		text = NULL;
	free(start);
	free(partition);
	return text;
}

static char *advice_for_libvirt(const struct pool_policy *pool, const struct vm *vm)
{
	char *scope = strcmp(last_part(vm->group), "libvirt") ? strdup(vm->group) : group_parent(vm->group);
	char *above = scope ? group_parent(scope) : NULL, *group = NULL, *text;

	if (pool->group)
		group = policy_group(pool);
	else if (above)
		group = policy_group_of_all(above) ? group_for(pool, above) : strdup(above);
	text = group ? advice_on_groups(pool, vm, group) : NULL;
	free(group);
	free(above);
	free(scope);
	return text;
}

/* Several VMs can share a pool in a group above all of them; an exclusive one would have all else that is there. */
static char *advice_for_others(const struct pool_policy *pool, const struct vm *vm)
{
	char *home = vmgroup_home(vm), *above = NULL, *text = NULL;

	if (home)
		above = pool->exclusive ? strdup("") : group_parent(home);
	if (above && asprintf(&text, "give %s the group \"%s\"%s%s%s", pool->group ? "it a pool of its own, with" : "its pool", home,
			      *above ? ", or for several VMs \"" : "", above, *above ? "\"" : "") < 0)
		text = NULL;
	free(above);
	free(home);
	return text;
}

char *vmgroup_advice(const struct pool_policy *pool, const struct vm *vm)
{
	return vm->managed ? advice_for_libvirt(pool, vm) : advice_for_others(pool, vm);
}
