// SPDX-License-Identifier: GPL-2.0
#include "apply/claim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/group.h"

/* Any user can make thousands. */
#define MOST_TOLD 8

static const char
	is_unproven[] = "its name proves nothing; if it is this VM, name its uid, group or pid",
	is_another[] = "the policy names another pid, uid or group",
	is_late[] = "another process is this VM",
	is_ambiguous[] = "nothing tells it from others of this name; name the pid, uid or group of the right one";

/* Where dlspare has found it, and where it is now if dlspare has not moved it. */
static bool is_in(const struct vm *vm, const char *group, const struct ledger *ledger)
{
	char *object = setting_thread(vm->pid, vm->start);
	const struct setting like = { .kind = SETTING_PROCESS, .object = object, .name = "" };
	const struct setting *original = object ? settings_find(&ledger->originals, &like) : NULL;
	bool in = object && group_within(original ? original->value : vm->group, group);

	free(object);
	return in;
}

/* What keeps a process from being the VM of an entry, whatever the others are; NULL: nothing. */
static const char *objection(const struct vm *vm, const struct process_policy *process, const struct ledger *ledger)
{
	if (!process || (!process->pid && process->uid < 0 && !process->group))
		return vm->proven || !vm->uid ? NULL : is_unproven;
	if ((process->pid && process->pid != vm->pid) || (process->uid >= 0 && process->uid != vm->uid) ||
	    (process->group && !is_in(vm, process->group, ledger)))
		return is_another;
	return NULL;
}

static bool is_thread_of(const struct setting *original, const struct vm *vm)
{
	uint64_t start;
	int tid;

	if (original->kind < SETTING_PROCESS || sscanf(original->object, "%d@%" SCNu64, &tid, &start) != 2)
		return false;
	for (size_t i = 0; i < vm->nr_threads; i++)
		if (vm->threads[i].tid == tid && vm->threads[i].start == start)
			return true;
	return false;
}

static bool is_set_up(const struct vm *vm, const struct ledger *ledger)
{
	for (size_t i = 0; i < ledger->originals.nr; i++)
		if (is_thread_of(&ledger->originals.list[i], vm))
			return true;
	return false;
}

static int rank(const struct vm *vm, const struct ledger *ledger)
{
	return vm->proven ? 2 : is_set_up(vm, ledger);
}

/* Of VMs with one name. */
static void decide(struct vm *vms, size_t nr, const struct ledger *ledger)
{
	int best = -1, here;
	size_t i, equals = 0, candidates = 0;

	for (i = 0; i < nr; i++)
		candidates += !vms[i].refused;
	if (candidates < 2)
		return;
	for (i = 0; i < nr; i++) {
		if (vms[i].refused)
			continue;
		here = rank(&vms[i], ledger);
		equals = here > best ? 1 : equals + (here == best);
		best = here > best ? here : best;
	}
	for (i = 0; i < nr; i++) {
		if (vms[i].refused)
			continue;
		if (rank(&vms[i], ledger) < best)
			vms[i].refused = is_late;
		else if (equals > 1)
			vms[i].refused = is_ambiguous;
	}
}

void claim_decide(struct vms *vms, const struct policy *policy, const struct ledger *ledger)
{
	size_t i, next;

	for (i = 0; i < vms->nr; i++) {
		const struct vm_policy *entry = policy_vm(policy, vms->list[i].name);

		vms->list[i].refused = objection(&vms->list[i], entry ? &entry->process : NULL, ledger);
	}
	/* They are in the order of their names. */
	for (i = 0; i < vms->nr; i = next) {
		for (next = i + 1; next < vms->nr && !strcmp(vms->list[next].name, vms->list[i].name); next++)
			;
		decide(&vms->list[i], next - i, ledger);
	}
}

int claim_find(struct vms *vms, const struct policy *policy)
{
	struct ledger ledger;
	char error[256];

	if (vms_find(vms))
		return -1;
	ledger_read(&ledger, error, sizeof(error));
	claim_decide(vms, policy, &ledger);
	ledger_free(&ledger);
	return 0;
}

void claim_tell(const struct vms *vms, const struct policy *policy, void (*tell)(const char *text, void *data), void *data)
{
	unsigned int nr = 0;
	char text[512];

	for (size_t i = 0; i < vms->nr; i++) {
		const struct vm *vm = &vms->list[i];

		if (!vm->refused || !policy_vm(policy, vm->name) || nr++ >= MOST_TOLD)
			continue;
		snprintf(text, sizeof(text), "VM '%s': pid %d of user %d is left alone: %s", vm->name, (int)vm->pid, (int)vm->uid,
			 vm->refused);
		tell(text, data);
	}
	if (nr <= MOST_TOLD)
		return;
	snprintf(text, sizeof(text), "%u more processes with names of VMs are left alone, see dlspare find --json", nr - MOST_TOLD);
	tell(text, data);
}
