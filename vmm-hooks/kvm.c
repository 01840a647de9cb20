// SPDX-License-Identifier: GPL-2.0
/* Any user of KVM: its vCPU threads as KVM itself numbers them in debugfs; by their names where it does not. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/host.h"
#include "vmm-hooks/finder.h"

#define DEBUGFS "/sys/kernel/debug/kvm"

struct kvm_vcpu {
	pid_t pid;
	pid_t tid;			/* 0: it has not run yet */
	int number;
};

struct kvm {
	bool in_debugfs;
	struct kvm_vcpu *vcpus;
	size_t nr_vcpus;
};

static pid_t read_tid(const char *vm, const char *vcpu)
{
	char *text = host_read(host_path(DEBUGFS "/%s/%s/pid", vm, vcpu), NULL);
	int tid = text ? proc_number(text) : -1;

	free(text);
	return tid > 0 ? tid : 0;
}

static int add_vcpu(struct kvm *kvm, pid_t pid, pid_t tid, int number)
{
	struct kvm_vcpu *larger = reallocarray(kvm->vcpus, kvm->nr_vcpus + 1, sizeof(*larger));

	if (!larger)
		return -1;
	kvm->vcpus = larger;
	kvm->vcpus[kvm->nr_vcpus++] = (struct kvm_vcpu){ .pid = pid, .tid = tid, .number = number };
	return 0;
}

/*
 * The folder of a VM is called CREATOR-FD. The creator is a thread, of Cloud Hypervisor's not the first, and may
 * have ended; vCPUs are threads of the process for as long as it runs.
 */
static int read_vm(struct kvm *kvm, const char *vm)
{
	pid_t creator = atoi(vm), tid, pid;
	struct dirent *entry;
	int error = 0;
	DIR *folder;

	folder = opendir(host_path(DEBUGFS "/%s", vm));
	if (!folder)
		return errno == ENOENT ? 0 : -1;
	while (!error && (entry = readdir(folder))) {
		int number = strncmp(entry->d_name, "vcpu", 4) ? -1 : proc_number(entry->d_name + 4);

		if (number < 0)
			continue;
		tid = read_tid(vm, entry->d_name);
		pid = proc_process_of(tid ? tid : creator);
		if (pid)
			error = add_vcpu(kvm, pid, tid, number);
	}
	closedir(folder);
	return error;
}

/* -1 with errno, of which ENOENT and EACCES at the top say that debugfs is not there for us. */
static int read_debugfs(struct kvm *kvm)
{
	struct dirent *entry;
	int error = 0;
	DIR *folder;

	folder = opendir(host_path(DEBUGFS));
	if (!folder)
		return -1;
	kvm->in_debugfs = true;
	while (!error && (entry = readdir(folder)))
		if (*entry->d_name >= '0' && *entry->d_name <= '9')
			error = read_vm(kvm, entry->d_name);
	closedir(folder);
	return error;
}

struct kvm *kvm_read(void)
{
	struct kvm *kvm = calloc(1, sizeof(*kvm));

	if (!kvm || !read_debugfs(kvm) || (!kvm->in_debugfs && (errno == ENOENT || errno == EACCES)))
		return kvm;
	kvm_free(kvm);
	return NULL;
}

void kvm_free(struct kvm *kvm)
{
	if (kvm)
		free(kvm->vcpus);
	free(kvm);
}

static bool has_vm_open(pid_t pid)
{
	char file[64];
	bool found = false;
	ssize_t length;
	DIR *folder;
	int fd;

	folder = opendir(host_path("/proc/%d/fd", pid));
	if (!folder)
		return false;
	while (!found && (fd = proc_next(folder)) >= 0) {
		length = readlink(host_path("/proc/%d/fd/%d", pid, fd), file, sizeof(file) - 1);
		file[length > 0 ? length : 0] = '\0';
		found = !strcmp(file, "anon_inode:kvm-vm");
	}
	closedir(folder);
	return found;
}

static bool is_named(const struct kvm *kvm, pid_t pid)
{
	for (size_t i = 0; i < kvm->nr_vcpus; i++)
		if (kvm->vcpus[i].pid == pid)
			return true;
	return false;
}

bool kvm_has(const struct kvm *kvm, pid_t pid)
{
	return kvm->in_debugfs ? is_named(kvm, pid) : has_vm_open(pid);
}

bool kvm_serves(pid_t pid)
{
	char *maps = host_read(host_path("/proc/%d/maps", pid), NULL);
	bool found = maps && strstr(maps, "anon_inode:kvm-vcpu");

	free(maps);
	return found;
}

/* The number in a vCPU thread's name; -1: it is none. */
static int number_in_name(const char *comm)
{
	/* QEMU with debug-threads=on, Firecracker, Cloud Hypervisor */
	static const char *const names[] = { "CPU %d/KVM%n", "fc_vcpu %d%n", "vcpu%d%n" };
	int number, end;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		end = 0;
		if (sscanf(comm, names[i], &number, &end) == 1 && end && !comm[end])
			return number < 0 ? -1 : number;
	}
	return -1;
}

/*
 * On x86 KVM's number is the APIC's: 4 comes after 2 where sockets have three cores. A thread's name is what the VMM says: it
 * counts for nothing where KVM knows a vCPU of the process.
 */
static int kvm_find(struct vm *vm, const struct monitor *monitor)
{
	const struct kvm *kvm = monitor->kvm;
	struct proc_stat stat;
	int number;

	for (size_t i = 0; i < kvm->nr_vcpus; i++)
		if (kvm->vcpus[i].pid == vm->pid && kvm->vcpus[i].tid)
			vm_set_vcpu(vm, kvm->vcpus[i].tid, kvm->vcpus[i].number);
	if (vm_has_vcpus(vm))
		return 1;
	for (size_t i = 0; i < vm->nr_threads; i++) {
		number = proc_stat(&stat, vm->pid, vm->threads[i].tid) ? number_in_name(stat.comm) : -1;
		if (number >= 0)
			vm_set_vcpu(vm, vm->threads[i].tid, number);
	}
	return 1;
}

const struct finder kvm_finder = { "kvm", kvm_find };
