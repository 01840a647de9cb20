/* SPDX-License-Identifier: GPL-2.0 */
/* Inside of vm.h: who finds out what about a virtual machine. */
#ifndef DLSPARE_FINDER_H
#define DLSPARE_FINDER_H

#include "host/proc.h"
#include "vmm-hooks/vm.h"

/* All vCPUs of the host that KVM names. */
struct kvm;

/* A machine monitor: a process that uses KVM. */
struct monitor {
	struct proc_words words;	/* its command line */
	const struct kvm *kvm;
	int *wait_ms;			/* for what is asked, of this VM and all after it */
};

/*
 * The finders see each VM one after the other, and each adds what it knows better than those before it. The VM's
 * pid, threads and group are there from the beginning.
 */
struct finder {
	const char *name;
	/* 1: it knows this VM, 0: it does not, -1 with ENOMEM. */
	int (*find)(struct vm *vm, const struct monitor *monitor);
};

extern const struct finder kvm_finder, qemu_finder, firecracker_finder, cloud_hypervisor_finder, libvirt_finder;

/* NULL with errno; to be freed. */
struct kvm *kvm_read(void);
void kvm_free(struct kvm *kvm);
/* Does the process use KVM? */
bool kvm_has(const struct kvm *kvm, pid_t pid);
/*
 * Has its program a vCPU in its memory? One that was started by another, with that one's VM open, has none, and KVM serves it
 * nothing.
 */
bool kvm_serves(pid_t pid);

/* Adds the VM's network devices. -1 with ENOMEM. */
int tap_find(struct vm *vm);

/* Gives it a name that it may have. -1 with ENOMEM. */
int vm_rename(struct vm *vm, const char *name);
bool vm_is_vcpu(const struct vm *vm, pid_t tid);
bool vm_has_vcpus(const struct vm *vm);
/* Makes a thread of the VM a vCPU; others are none of the VM's, whatever it says. */
void vm_set_vcpu(struct vm *vm, pid_t tid, int number);

#endif
