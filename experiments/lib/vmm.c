// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include "vmm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest_abi.h"

#define PAGE			4096
#define GIB			(1ul << 30)
#define FIRST_GSI		24		/* behind the pins of the I/O APIC, which nobody uses */
#define WAKE_SIGNAL		SIGUSR1		/* ends KVM_RUN; its handler does nothing */

struct vmm {
	int kvm, vm, vcpu;
	size_t run_size;
	struct kvm_run *run;
	uint8_t *memory;			/* of the guest, GUEST_MEMORY bytes */
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entries[GUEST_DOORBELLS];
	} routing;
	bool started, joined;
	atomic_bool stop;
	pthread_t thread;
	pthread_barrier_t entered;
	pid_t tid;
	int status;
};

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	fputs("vmm: ", stderr);
	vfprintf(stderr, format, list);
	fputc('\n', stderr);
	va_end(list);
	exit(1);
}

static int must(int result, const char *what)
{
	if (result < 0)
		die("%s: %m", what);
	return result;
}

static void *map(size_t size, int flags, int fd)
{
	void *address = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (address == MAP_FAILED)
		die("mmap of %zu bytes: %m", size);
	return address;
}

/* --- memory --- */

static void add_memory(struct vmm *vmm, unsigned int slot, uint64_t at, void *memory, size_t size)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot, .guest_phys_addr = at, .memory_size = size, .userspace_addr = (uintptr_t)memory,
	};

	must(ioctl(vmm->vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
}

/* The first GiB, one to one, by pages of 2 MiB. */
static void map_guest_pages(struct vmm *vmm)
{
	enum { PRESENT = 1, WRITABLE = 2, LARGE = 0x80, ENTRIES = 512 };
	uint64_t *table = (uint64_t *)(vmm->memory + GUEST_PAGE_TABLES);

	table[0] = (GUEST_PAGE_TABLES + PAGE) | PRESENT | WRITABLE;
	table[ENTRIES] = (GUEST_PAGE_TABLES + 2 * PAGE) | PRESENT | WRITABLE;
	for (uint64_t i = 0; i < ENTRIES; i++)
		table[2 * ENTRIES + i] = i * 0x200000 | PRESENT | WRITABLE | LARGE;
}

static void make_memory(struct vmm *vmm, const void *program, size_t program_size, void *shared, size_t size)
{
	vmm->memory = map(GUEST_MEMORY, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	map_guest_pages(vmm);
	memcpy(vmm->memory + GUEST_PROGRAM, program, program_size);
	add_memory(vmm, 0, 0, vmm->memory, GUEST_MEMORY);
	add_memory(vmm, 1, GUEST_SHARED, shared, size);
}

/* --- the vCPU --- */

/* What the host's processor has; x2APIC is among it on any. */
static void set_cpuid(struct vmm *vmm)
{
	const unsigned int most = 256;
	struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + most * sizeof(cpuid->entries[0]));

	if (!cpuid)
		die("no memory");
	cpuid->nent = most;
	must(ioctl(vmm->kvm, KVM_GET_SUPPORTED_CPUID, cpuid), "KVM_GET_SUPPORTED_CPUID");
	must(ioctl(vmm->vcpu, KVM_SET_CPUID2, cpuid), "KVM_SET_CPUID2");
	free(cpuid);
}

static struct kvm_segment segment(unsigned int selector, unsigned int type, bool code)
{
	return (struct kvm_segment){
		.selector = selector, .limit = 0xffffffff, .type = type, .present = 1, .s = 1, .g = 1,
		.l = code, .db = !code,
	};
}

static void enter_long_mode(struct vmm *vmm)
{
	enum { PE = 1 << 0, NE = 1 << 5, PG = 1 << 31, PAE = 1 << 5, LME = 1 << 8, LMA = 1 << 10, X2APIC = 1 << 10 };
	enum { DATA = 3, CODE = 11 };		/* writable, readable; accessed */
	struct kvm_sregs sregs;

	must(ioctl(vmm->vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	sregs.cs = segment(GUEST_CODE_SEGMENT, CODE, true);
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = segment(GUEST_DATA_SEGMENT, DATA, false);
	sregs.cr0 = PE | NE | (unsigned int)PG;
	sregs.cr3 = GUEST_PAGE_TABLES;
	sregs.cr4 = PAE;
	sregs.efer |= LME | LMA;
	sregs.apic_base |= X2APIC;
	must(ioctl(vmm->vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
}

static void set_registers(struct vmm *vmm)
{
	struct kvm_regs regs = {
		.rip = GUEST_PROGRAM, .rsp = GUEST_MEMORY, .rdi = GUEST_SHARED, .rflags = 2,
	};

	must(ioctl(vmm->vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");
}

/* KVM makes a vCPU whose TSC begins at 0. */
static void share_tsc(struct vmm *vmm)
{
	uint64_t offset = 0;
	struct kvm_device_attr attr = {
		.group = KVM_VCPU_TSC_CTRL, .attr = KVM_VCPU_TSC_OFFSET, .addr = (uintptr_t)&offset,
	};

	must(ioctl(vmm->vcpu, KVM_SET_DEVICE_ATTR, &attr), "KVM_VCPU_TSC_OFFSET");
}

/* Enabled from the beginning: a ring that comes before the guest is ready is kept until it is. */
static void enable_apic(struct vmm *vmm)
{
	enum { SPURIOUS = 0xf0, ENABLE = 0x1ff };	/* spurious interrupts have vector 255 */
	struct kvm_lapic_state apic;
	uint32_t value = ENABLE;

	must(ioctl(vmm->vcpu, KVM_GET_LAPIC, &apic), "KVM_GET_LAPIC");
	memcpy(apic.regs + SPURIOUS, &value, sizeof(value));
	must(ioctl(vmm->vcpu, KVM_SET_LAPIC, &apic), "KVM_SET_LAPIC");
}

static void make_vcpu(struct vmm *vmm)
{
	vmm->vcpu = must(ioctl(vmm->vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
	vmm->run_size = must(ioctl(vmm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
	vmm->run = map(vmm->run_size, MAP_SHARED, vmm->vcpu);
	set_cpuid(vmm);
	enter_long_mode(vmm);
	set_registers(vmm);
	enable_apic(vmm);
	share_tsc(vmm);
}

/* --- its thread --- */

static void wake(int number)
{
	(void)number;
}

static void set_wake_handler(void)
{
	struct sigaction action = { .sa_handler = wake };

	must(sigaction(WAKE_SIGNAL, &action, NULL), "sigaction");
}

/* Whether the guest has left KVM_RUN for good. */
static bool has_ended(struct vmm *vmm)
{
	const struct kvm_run *run = vmm->run;

	if (run->exit_reason == KVM_EXIT_INTR)
		return false;
	if (run->exit_reason == KVM_EXIT_SHUTDOWN)
		die("the guest's processor stopped after a fault");
	if (run->exit_reason != KVM_EXIT_IO)
		die("the guest did what there is nothing for: exit reason %u", run->exit_reason);
	if (run->io.port != GUEST_EXIT_PORT || run->io.direction != KVM_EXIT_IO_OUT)
		die("the guest uses port %#x: no doorbell is there", run->io.port);
	vmm->status = ((const uint8_t *)run)[run->io.data_offset];
	return true;
}

static void *run_vcpu(void *data)
{
	struct vmm *vmm = data;

	vmm->tid = gettid();
	pthread_setname_np(pthread_self(), "CPU 0/KVM");
	vmm->run->immediate_exit = 1;
	if (!ioctl(vmm->vcpu, KVM_RUN, 0) || errno != EINTR)
		die("the first KVM_RUN: %m");
	vmm->run->immediate_exit = 0;
	pthread_barrier_wait(&vmm->entered);
	while (!atomic_load(&vmm->stop)) {
		if (!ioctl(vmm->vcpu, KVM_RUN, 0)) {
			if (has_ended(vmm))
				break;
		} else if (errno != EINTR && errno != EAGAIN) {
			die("KVM_RUN: %m");
		}
	}
	return NULL;
}

static void join(struct vmm *vmm)
{
	if (!vmm->started || vmm->joined)
		return;
	pthread_join(vmm->thread, NULL);
	vmm->joined = true;
}

/* KVM_RUN looks at immediate_exit when it begins: so a signal that comes just before it is not lost. */
static void stop(struct vmm *vmm)
{
	if (!vmm->started || vmm->joined)
		return;
	atomic_store(&vmm->stop, true);
	vmm->run->immediate_exit = 1;
	pthread_kill(vmm->thread, WAKE_SIGNAL);
	join(vmm);
}

/* --- what others call --- */

struct vmm *vmm_create(const void *program, size_t program_size, void *shared, size_t size)
{
	struct vmm *vmm = calloc(1, sizeof(*vmm));

	if (!vmm)
		die("no memory");
	if (size % PAGE || size >= GIB - GUEST_MEMORY)
		die("a shared area of %zu bytes: not a multiple of %d, or 1 GiB and more", size, PAGE);
	set_wake_handler();
	vmm->kvm = must(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
	vmm->vm = must(ioctl(vmm->kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	must(ioctl(vmm->vm, KVM_CREATE_IRQCHIP), "KVM_CREATE_IRQCHIP");
	make_memory(vmm, program, program_size, shared, size);
	make_vcpu(vmm);
	vmm_halt_poll(vmm, 0);
	return vmm;
}

void vmm_doorbell_in(struct vmm *vmm, unsigned int number, int eventfd)
{
	struct kvm_irqfd irqfd = { .fd = eventfd, .gsi = FIRST_GSI + number };

	if (number >= GUEST_DOORBELLS)
		die("doorbell %u: the last is %d", number, GUEST_DOORBELLS - 1);
	vmm->routing.entries[vmm->routing.head.nr++] = (struct kvm_irq_routing_entry){
		.gsi = irqfd.gsi, .type = KVM_IRQ_ROUTING_MSI,
		.u.msi = { .address_lo = 0xfee00000, .data = GUEST_VECTOR + number },	/* to APIC 0 */
	};
	must(ioctl(vmm->vm, KVM_SET_GSI_ROUTING, &vmm->routing), "KVM_SET_GSI_ROUTING");
	must(ioctl(vmm->vm, KVM_IRQFD, &irqfd), "KVM_IRQFD");
}

void vmm_doorbell_out(struct vmm *vmm, unsigned int number, int eventfd)
{
	struct kvm_ioeventfd out = {
		.addr = GUEST_PORT + number, .len = 1, .fd = eventfd, .flags = KVM_IOEVENTFD_FLAG_PIO,
	};

	if (number >= GUEST_DOORBELLS)
		die("doorbell %u: the last is %d", number, GUEST_DOORBELLS - 1);
	must(ioctl(vmm->vm, KVM_IOEVENTFD, &out), "KVM_IOEVENTFD");
}

void vmm_halt_poll(struct vmm *vmm, unsigned int ns)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_HALT_POLL, .args = { ns } };

	must(ioctl(vmm->vm, KVM_ENABLE_CAP, &cap), "KVM_CAP_HALT_POLL");
}

pid_t vmm_start(struct vmm *vmm)
{
	pthread_barrier_init(&vmm->entered, NULL, 2);
	errno = pthread_create(&vmm->thread, NULL, run_vcpu, vmm);
	must(errno ? -1 : 0, "pthread_create");
	vmm->started = true;
	pthread_barrier_wait(&vmm->entered);
	return vmm->tid;
}

int vmm_wait(struct vmm *vmm)
{
	join(vmm);
	return vmm->status;
}

void vmm_free(struct vmm *vmm)
{
	stop(vmm);
	munmap(vmm->run, vmm->run_size);
	close(vmm->vcpu);
	close(vmm->vm);
	close(vmm->kvm);
	munmap(vmm->memory, GUEST_MEMORY);
	free(vmm);
}
