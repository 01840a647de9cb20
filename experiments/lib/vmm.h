/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A KVM virtual machine of one vCPU without an operating system, in a process of few lines:
 *
 *	extern const char guest_program[], guest_program_end[];		embed.S
 *
 *	shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
 *	vmm = vmm_create(guest_program, guest_program_end - guest_program, shared, size);
 *	vmm_doorbell_in(vmm, 0, in = eventfd(0, 0));
 *	vmm_doorbell_out(vmm, 0, out = eventfd(0, 0));
 *	tid = vmm_start(vmm);			from here on the thread may become SCHED_DEADLINE
 *	write(in, &one, 8);			the guest's handler of doorbell 0 runs
 *	read(out, &rings, 8);			the guest has called guest_ring(0)
 *	vmm_free(vmm);
 *
 * The guest's side is guest.h; build.sh makes the program from C. Doorbells are eventfds, so the other end may be
 * this process, another one, or another VM: the eventfd of one VM's doorbell out may be that of another's doorbell
 * in, and then no thread of the host is on the way. Rings that come before the last one was taken are one, as
 * with any eventfd. The shared area may be shared by several VMs, too.
 *
 * A doorbell in is an irqfd, and so an event for the scheduler (sched_spare_event()). A doorbell out is an ioeventfd,
 * and so a reply, which ends a loan with reply=1.
 *
 * The guest has no timer and sends no interrupts to itself. Its TSC is the host's, to the cycle. Its vCPU
 * thread is called "CPU 0/KVM"; `dlspare find` calls the VM COMM-PID, where COMM is the process' name
 * (prctl(PR_SET_NAME) of its first thread). dlspare configures a process: so one VM a process, if it is to be used.
 *
 * What fails is an error of the experiment: each function says on standard error what failed, and exits with 1.
 */
#ifndef EXPERIMENTS_VMM_H
#define EXPERIMENTS_VMM_H

#include <stddef.h>
#include <sys/types.h>

struct vmm;

/*
 * A machine with a copy of the program (at most 1 MiB, made by build.sh) in memory of its own, 2 MiB, and the shared
 * area behind it. shared is page-aligned, size a multiple of the page's and less than 1 GiB - 2 MiB; it stays the
 * caller's and must be there until vmm_free().
 */
struct vmm *vmm_create(const void *program, size_t program_size, void *shared, size_t size);

/* Doorbells, 0..3 in each direction, before vmm_start(). The eventfds stay the caller's. */
void vmm_doorbell_in(struct vmm *vmm, unsigned int number, int eventfd);
void vmm_doorbell_out(struct vmm *vmm, unsigned int number, int eventfd);

/* How long the host polls in the kernel, in ns, when the guest halts, before vmm_start(); 0, the default: not at all. */
void vmm_halt_poll(struct vmm *vmm, unsigned int ns);

/* The id of the vCPU's thread. Its first KVM_RUN is over, in which KVM makes a thread: what SCHED_DEADLINE may not. */
pid_t vmm_start(struct vmm *vmm);

/* Waits until the guest has called guest_exit(), and returns the number that it gave, 0..255. Once only. */
int vmm_wait(struct vmm *vmm);

/*
 * Ends the guest where it is, started or not, waited for or not, and frees the machine. A vCPU that is throttled ends
 * when it has budget again.
 */
void vmm_free(struct vmm *vmm);

#endif
