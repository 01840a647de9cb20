// SPDX-License-Identifier: GPL-2.0
/* The ceilings of a VM of class quota: cpu.max where its vCPUs are, or will be. */
#include <stdlib.h>
#include <string.h>

#include "apply/admission.h"
#include "apply/ceiling.h"
#include "apply/making.h"
#include "apply/vmgroup.h"
#include "host/group.h"
#include "host/result.h"
#include "host/units.h"

#define TIME(ns) units_print((char[UNITS_TEXT]){ 0 }, ns)

/* A thread in the group that is none of these vCPUs; 0: there is none. From libvirt's groups of vCPUs others are moved. */
static pid_t other_in(const struct vm_policy *policy, const struct vm *vm, const char *group)
{
	pid_t found = 0;
	char *place;
	size_t i;

	for (i = 0; !vm->managed && !found && i < vm->nr_threads; i++) {
		place = wanted_vcpu(policy, &vm->threads[i]) ? NULL : group_of(vm->threads[i].tid);
		if (place && !strcmp(place, group))
			found = vm->threads[i].tid;
		free(place);
	}
	return found;
}

static bool has_vcpus_alone(struct making *m, const struct vm_policy *policy, const struct vm *vm, const char *group)
{
	pid_t other = other_in(policy, vm, group);

	if (other)
		making_complain(m, vm->name, WRONG_POLICY, "its thread %d is in group %s, too, and would share the ceiling of the vCPUs: give the VM a "
				"pool of its own, with the group \"%s\"", (int)other, group, vm->group);
	return !other;
}

/* In a group above its own a VM stays as it is. */
static bool find(struct ceilings *ceilings, struct making *m, const struct vm_policy *policy, const struct pool_policy *pool,
		 const struct vm *vm)
{
	const bool whole = vmgroup_whole(pool, vm);
	bool good = true;
	char *group;
	size_t i;

	for (i = 0; m->good && good && i < vm->nr_threads; i++) {
		if (!wanted_vcpu(policy, &vm->threads[i]))
			continue;
		group = whole ? group_of(vm->threads[i].tid) : vmgroup_of(pool, vm, admission_cpu(m->admission, vm->threads[i].tid));
		/* A thread that has gone is in none. */
		if (group || !whole)
			m->good = ceiling_add(ceilings, group);
		good = !whole || !group || has_vcpus_alone(m, policy, vm, group);
		free(group);
	}
	return m->good && good;
}

/* What a manager has set comes back by reset. */
static void tell_of_manager(struct making *m, const struct ceiling *ceiling, const char *text)
{
	char *before = making_value_before(m, ceiling->group, "cpu.max");
	struct reservation its = ceiling_each(before, 1), ours = ceiling_each(text, 1);

	if (its.runtime && strcmp(before, text))
		making_complain(m, NULL, DONE, "VM '%s': its manager has given group %s %s of every %s, which is %s than the policy's %s of every %s; "
				"the policy counts, until unset or reset", m->vm, ceiling->group, TIME(its.runtime), TIME(its.period),
				(unsigned __int128)its.runtime * ours.period < (unsigned __int128)ours.runtime * its.period ? "less" :
				"other", TIME(ours.runtime), TIME(ours.period));
	free(before);
}

bool wanted_ceilings(struct making *m, const struct vm_policy *policy, const struct pool_policy *pool, const struct vm *vm)
{
	struct ceilings ceilings = { 0 };
	char *text, *above;
	bool good;
	size_t i;

	if (policy->class != CLASS_QUOTA || !policy->reservation.runtime)
		return true;
	good = find(&ceilings, m, policy, pool, vm);
	for (i = 0; good && i < ceilings.nr; i++) {
		text = ceiling_text(policy->reservation, ceilings.list[i].vcpus);
		above = group_parent(ceilings.list[i].group);
		if (text)
			tell_of_manager(m, &ceilings.list[i], text);
		making_want(m, SETTING_CONTROLLER, above, "cpu", "on");
		making_want(m, SETTING_VALUE, ceilings.list[i].group, "cpu.max", text);
		free(above);
		free(text);
	}
	ceiling_free(&ceilings);
	return good;
}
