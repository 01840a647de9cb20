/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Running virtual machines: their names, threads and network devices, whoever started them. A process says its name, its
 * threads' names and what its files are called; what it is taken for does not hang on that alone.
 */
#ifndef DLSPARE_VM_H
#define DLSPARE_VM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum vm_role {
	VM_VCPU,
	VM_IO,				/* main loop, I/O threads, workers of the machine monitor */
	VM_VHOST,			/* vhost worker: a thread of the process, or a kernel thread for it */
};

struct vm_thread {
	pid_t tid;
	uint64_t start;			/* start time in clock ticks: with tid it names the thread for good */
	enum vm_role role;
	int number;			/* of the vCPU, from 0, of one thread only; else -1 */
};

struct vm {
	char *name;			/* libvirt's, or -name, or COMM-PID */
	pid_t pid;			/* of the machine monitor */
	uint64_t start;
	uid_t uid;			/* that the process runs as, the real one; (uid_t)-1: not known */
	bool proven;			/* its manager, which is root's, has noted this process under that name */
	const char *refused;		/* why it is not taken for the VM of that name, a static text; NULL: it may be */
	const char *finder;		/* who knows it best: "libvirt", "qemu", "kvm" */
	char *group;			/* of it all: "machine.slice/…scope/libvirt", or the process's; "": the root */
	bool managed;			/* another program manages that group: nothing may be moved out of it */
	struct vm_thread *threads;	/* vCPUs first, by number; then by tid */
	size_t nr_threads;
	char **devices;			/* names of its taps and macvtaps, sorted */
	size_t nr_devices;
};

struct vms {
	struct vm *list;		/* by name, then pid */
	size_t nr;
};

/*
 * Finds all that run now. 0, or -1 with errno when nothing can be found out at all (-ENOMEM, no /proc). A VM
 * that ends meanwhile is left out. Free with vms_free().
 */
int vms_find(struct vms *vms);
void vms_free(struct vms *vms);

/* The one VM of that name that is not refused; NULL: there is none, or more than one. */
const struct vm *vms_named(const struct vms *vms, const char *name);

/* Start time of a process or thread, from /proc/TID/stat; 0 when it is gone. */
uint64_t vm_start_time(pid_t tid);

#endif
