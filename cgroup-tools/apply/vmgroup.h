/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The groups of virtual machines in a pool. There are three kinds of pools:
 *
 *	its own group, dlspare.slice/NAME	VMs come into it, from where nobody minds: see vmgroup_stays()
 *	the group that a VM is in		in place: the VM stays, its vCPU threads go into threaded groups below
 *	a group above those of VMs		they stay as they are, as libvirt's do
 */
#ifndef DLSPARE_VMGROUP_H
#define DLSPARE_VMGROUP_H

#include "policy/policy.h"
#include "vmm-hooks/vm.h"

/* The group of all its threads, which may be in threaded ones below; new, NULL without memory. */
char *vmgroup_home(const struct vm *vm);

/*
 * May the VM not be moved out of its group? Whoever has made that counts on it: limits there would hold no more, and
 * systemd removes a unit that is empty. Only the root and login sessions let a VM go, unless a quota is on it there.
 */
bool vmgroup_stays(const struct vm *vm);

/* Is the pool's group one that a VM itself is in? Without such a VM: is it a unit that one could be in? */
bool vmgroup_pool_in_place(const struct pool_policy *pool, const struct vms *vms);

/* Are all threads of the VM, where it runs (else NULL), on the pool's CPUs, not its vCPUs alone? */
bool vmgroup_whole(const struct pool_policy *pool, const struct vm *vm);

/*
 * Which group the pool should have for a VM that stays where it is, and what else is to be done for that, for people;
 * new, NULL without memory.
 */
char *vmgroup_advice(const struct pool_policy *pool, const struct vm *vm);

/* A group at or below this one that has processes, and no VM; new, NULL when there is none. */
char *vmgroup_stranger(const char *group, const struct vms *vms);

/* The group that has a VM's vCPU threads, in a partitioned pool those on that CPU; new, NULL without memory. */
char *vmgroup_of(const struct pool_policy *pool, const struct vm *vm, int cpu);
/* All of them, for these CPUs; NULL is behind the last. To be freed by group_free_list(). */
char **vmgroup_all(const struct pool_policy *pool, const struct vm *vm, const struct cpus *cpus);

#endif
