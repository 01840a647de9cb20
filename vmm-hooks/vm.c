// SPDX-License-Identifier: GPL-2.0
#include "vmm-hooks/vm.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/host.h"
#include "host/names.h"
#include "vmm-hooks/finder.h"
#include "vmm-hooks/qmp.h"

/* Who knows a VM best comes last. */
static const struct finder *const finders[] = {
	&kvm_finder, &qemu_finder, &firecracker_finder, &cloud_hypervisor_finder, &libvirt_finder,
};

uint64_t vm_start_time(pid_t tid)
{
	struct proc_stat stat;

	return proc_stat(&stat, tid, 0) && !stat.ended ? stat.start : 0;
}

/* --- what finders may do to a VM --- */

static struct vm_thread *thread_of(const struct vm *vm, pid_t tid)
{
	for (size_t i = 0; i < vm->nr_threads; i++)
		if (vm->threads[i].tid == tid)
			return &vm->threads[i];
	return NULL;
}

static bool may_be_named(const char *name)
{
	size_t length = strlen(name);

	for (const unsigned char *at = (const unsigned char *)name; *at; at++)
		if (*at < ' ' || *at == 0x7f || *at == '/')
			return false;
	return length >= 1 && length <= 255;
}

int vm_rename(struct vm *vm, const char *name)
{
	char *copy;

	if (!may_be_named(name))
		return 0;
	copy = strdup(name);
	if (!copy)
		return -1;
	free(vm->name);
	vm->name = copy;
	return 0;
}

bool vm_is_vcpu(const struct vm *vm, pid_t tid)
{
	const struct vm_thread *thread = thread_of(vm, tid);

	return thread && thread->role == VM_VCPU;
}

bool vm_has_vcpus(const struct vm *vm)
{
	for (size_t i = 0; i < vm->nr_threads; i++)
		if (vm->threads[i].role == VM_VCPU)
			return true;
	return false;
}

void vm_set_vcpu(struct vm *vm, pid_t tid, int number)
{
	struct vm_thread *thread = thread_of(vm, tid);

	if (!thread)
		return;
	thread->role = VM_VCPU;
	thread->number = number;
}

/* --- one VM --- */

static void vm_free(struct vm *vm)
{
	names_free(&vm->devices, &vm->nr_devices);
	free(vm->threads);
	free(vm->group);
	free(vm->name);
}

/* The thread that a vhost worker serves, by the worker's name; -1: it is none. */
static int vhost_owner(const char *comm)
{
	return strncmp(comm, "vhost-", 6) ? -1 : proc_number(comm + 6);
}

static int add_thread(struct vm *vm, pid_t tid, const struct proc_stat *stat)
{
	struct vm_thread *larger = reallocarray(vm->threads, vm->nr_threads + 1, sizeof(*larger));

	if (!larger)
		return -1;
	vm->threads = larger;
	vm->threads[vm->nr_threads++] = (struct vm_thread){
		.tid = tid,
		.start = stat->start,
		.role = vhost_owner(stat->comm) < 0 ? VM_IO : VM_VHOST,
		.number = -1,
	};
	return 0;
}

static int read_threads(struct vm *vm)
{
	struct proc_stat stat;
	int tid, error = 0;
	DIR *folder;

	folder = opendir(host_path("/proc/%d/task", vm->pid));
	if (!folder)
		return -1;
	while (!error && (tid = proc_next(folder)) >= 0)
		if (proc_stat(&stat, vm->pid, tid) && !stat.ended)
			error = add_thread(vm, tid, &stat);
	closedir(folder);
	return error;
}

/* What /proc tells. -1 with errno, which says that the process is gone when it is not ENOMEM. */
static int read_process(struct vm *vm, struct proc_words *words)
{
	struct proc_stat stat;

	if (!proc_stat(&stat, vm->pid, 0) || stat.ended) {
		errno = ESRCH;
		return -1;
	}
	vm->start = stat.start;
	vm->uid = proc_user(vm->pid);
	/* A user's monitor may become a program that root runs for users, such as sudo: the name is still the user's word. */
	if (!vm->uid && !kvm_serves(vm->pid)) {
		errno = ESRCH;
		return -1;
	}
	vm->group = proc_read_value(host_path("/proc/%d/cgroup", vm->pid), "0::");
	/* A host without cgroup v2. */
	if (!vm->group && errno == ENOENT)
		vm->group = strdup("/");
	words->text = host_read(host_path("/proc/%d/cmdline", vm->pid), &words->length);
	if (!vm->group || !words->text || asprintf(&vm->name, "%s-%d", stat.comm, vm->pid) < 0)
		return -1;
	return read_threads(vm);
}

static int ask_finders(struct vm *vm, const struct monitor *monitor)
{
	for (size_t i = 0; i < sizeof(finders) / sizeof(finders[0]); i++) {
		switch (finders[i]->find(vm, monitor)) {
		case -1:
			return -1;
		case 1:
			vm->finder = finders[i]->name;
		}
	}
	/* As groups are named below their mount. */
	if (*vm->group == '/')
		memmove(vm->group, vm->group + 1, strlen(vm->group));
	return tap_find(vm);
}

static int by_role_number_tid(const void *a, const void *b)
{
	const struct vm_thread *one = a, *other = b;

	if ((one->role == VM_VCPU) != (other->role == VM_VCPU))
		return one->role == VM_VCPU ? -1 : 1;
	if (one->number != other->number)
		return one->number < other->number ? -1 : 1;
	return (one->tid > other->tid) - (one->tid < other->tid);
}

/*
 * A process may have several VMs, each with a vCPU 0, and where KVM does not tell it says itself which thread is which vCPU: a
 * number is that of one thread, the first made, and the others have none.
 */
static void number_once(struct vm *vm)
{
	int last = -1;

	qsort(vm->threads, vm->nr_threads, sizeof(*vm->threads), by_role_number_tid);
	for (size_t i = 0; i < vm->nr_threads && vm->threads[i].role == VM_VCPU; i++) {
		if (vm->threads[i].number == last)
			vm->threads[i].number = -1;
		else
			last = vm->threads[i].number;
	}
	qsort(vm->threads, vm->nr_threads, sizeof(*vm->threads), by_role_number_tid);
}

static int add_vm(struct vms *vms, const struct kvm *kvm, int *wait_ms, pid_t pid)
{
	struct monitor monitor = { .kvm = kvm, .wait_ms = wait_ms };
	struct vm vm = { .pid = pid }, *larger;
	int error;

	error = read_process(&vm, &monitor.words);
	if (!error)
		error = ask_finders(&vm, &monitor);
	/* What was read before the end of the process, or after, is no VM. */
	if (!error && vm_start_time(pid) != vm.start) {
		errno = ESRCH;
		error = -1;
	}
	free(monitor.words.text);
	larger = error ? NULL : reallocarray(vms->list, vms->nr + 1, sizeof(*larger));
	if (!larger) {
		error = errno;
		vm_free(&vm);
		return error == ENOMEM ? -1 : 0;
	}
	vms->list = larger;
	vms->list[vms->nr++] = vm;
	return 0;
}

/* --- all --- */

/*
 * Gives vhost workers that are threads of the kernel (before 6.4, and with fork_from_owner_default=0) to their VMs. A
 * process that takes such a name is none.
 */
static int add_kernel_workers(struct vms *vms, DIR *folder)
{
	struct proc_stat stat;
	int tid, owner, error = 0;

	rewinddir(folder);
	while (!error && (tid = proc_next(folder)) >= 0) {
		owner = proc_stat(&stat, tid, 0) && stat.kernel ? vhost_owner(stat.comm) : -1;
		for (size_t i = 0; owner >= 0 && i < vms->nr; i++) {
			if (!thread_of(&vms->list[i], owner))
				continue;
			error = add_thread(&vms->list[i], tid, &stat);
			break;
		}
	}
	return error;
}

static int by_name_pid(const void *a, const void *b)
{
	const struct vm *one = a, *other = b;
	int order = strcmp(one->name, other->name);

	return order ? order : (one->pid > other->pid) - (one->pid < other->pid);
}

static void sort(struct vms *vms)
{
	for (size_t i = 0; i < vms->nr; i++)
		if (vms->list[i].nr_threads)
			number_once(&vms->list[i]);
	if (vms->nr)
		qsort(vms->list, vms->nr, sizeof(struct vm), by_name_pid);
}

int vms_find(struct vms *vms)
{
	int pid, error = -1, reason, wait_ms = qmp_wait_ms;
	struct kvm *kvm = NULL;
	DIR *folder;

	*vms = (struct vms){ 0 };
	folder = opendir(host_path("/proc"));
	if (!folder)
		return -1;
	kvm = kvm_read();
	if (!kvm)
		goto out;
	error = 0;
	while (!error && (pid = proc_next(folder)) >= 0)
		if (kvm_has(kvm, pid))
			error = add_vm(vms, kvm, &wait_ms, pid);
	if (!error && vms->nr)
		error = add_kernel_workers(vms, folder);
	sort(vms);
out:
	reason = errno;
	kvm_free(kvm);
	closedir(folder);
	if (error)
		vms_free(vms);
	errno = reason;
	return error;
}

void vms_free(struct vms *vms)
{
	for (size_t i = 0; i < vms->nr; i++)
		vm_free(&vms->list[i]);
	free(vms->list);
	*vms = (struct vms){ 0 };
}

const struct vm *vms_named(const struct vms *vms, const char *name)
{
	const struct vm *found = NULL;

	for (size_t i = 0; i < vms->nr; i++) {
		if (vms->list[i].refused || strcmp(vms->list[i].name, name))
			continue;
		if (found)
			return NULL;
		found = &vms->list[i];
	}
	return found;
}
