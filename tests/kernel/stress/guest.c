// SPDX-License-Identifier: GPL-2.0
/* A virtual machine of one vCPU without an operating system. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "stress.h"

/* Where things are in the guest's memory. */
enum {
	GDT = 0x800, CODE = 0x1000, HANDLER = 0x1800, IDT = 0x2000, STACK = 0x4000, SIZE = 0x4000,
	WISH = 0x8000, PAGE = 0x9000, PAGE_LEN = 0x1000,
	VECTOR = 0x40, SVR = 0xf0,
};

/*
 * It computes for about 100 us, then writes to a port that is an ioeventfd: it
 * replies. Then it looks at what it is to do, struct shared::wish, which is the
 * byte at WISH: 1: halt, until the interrupt; 2: have its manager drop the page at
 * PAGE, and read that; 4: do this with interrupts on, so that KVM may halt it.
 */
static const uint8_t code[] = {
	0xb9, 0xd0, 0x07, 0, 0,	/* 0: mov $2000, %ecx */
	0xe2, 0xfe,		/* loop . */
	0xf3, 0x90,		/* pause */
	0x4a,			/* dec %edx */
	0x75, 0xf4,		/* jnz 0 */
	0xe6, 0x10,		/* out %al, $0x10 */
	0xba, 50, 0, 0, 0,	/* mov $50, %edx */
	0xa0, 0, 0x80, 0, 0,	/* mov WISH, %al */
	0xa8, 1,		/* test $1, %al */
	0x74, 3,		/* jz 31 */
	0xfb, 0xf4, 0xfa,	/* sti; hlt; cli */
	0xa8, 2,		/* 31: test $2, %al */
	0x74, 0xdd,		/* jz 0 */
	0xe6, 0x11,		/* out %al, $0x11 */
	0xa8, 4,		/* test $4, %al */
	0x74, 1,		/* jz 42 */
	0xfb,			/* sti */
	0xa0, 0, 0x90, 0, 0,	/* 42: mov PAGE, %al */
	0xfa,			/* cli */
	0xeb, 0xce,		/* jmp 0 */
};

static const uint8_t handler[] = {
	0x50,			/* push %eax */
	0xb8, 0, 0, 0, 0,	/* mov $0, %eax */
	0xa3, 0xb0, 0, 0xe0, 0xfe,	/* mov %eax, the local APIC's EOI */
	0x58,			/* pop %eax */
	0xcf,			/* iret */
};

static const uint64_t gdt[] = { 0, 0x00cf9b000000ffff, 0x00cf93000000ffff };

/* For a borrower that is being stopped and continued meanwhile. */
static int patient_ioctl(int fd, unsigned long request, void *arg)
{
	int ret;

	do
		ret = ioctl(fd, request, arg);
	while (ret < 0 && errno == EINTR);
	return ret;
}

static void or_leave(struct shared *me, int ret, int status)
{
	if (ret >= 0)
		return;
	me->error = errno;
	_exit(status);
}

static int add_memory(int vm, int slot, uint32_t at, void *memory, uint32_t size)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot, .guest_phys_addr = at, .memory_size = size,
		.userspace_addr = (uintptr_t)memory,
	};

	return patient_ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region);
}

static uint8_t *make_memory(void)
{
	uint8_t *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint16_t *gate = (uint16_t *)(memory + IDT + VECTOR * 8);

	memcpy(memory + GDT, gdt, sizeof(gdt));
	memcpy(memory + CODE, code, sizeof(code));
	memcpy(memory + HANDLER, handler, sizeof(handler));
	gate[0] = HANDLER;
	gate[1] = 8;
	gate[2] = 0x8e00;
	return memory;
}

/* 32 bits, flat, no paging; its local APIC is on. */
static void set_registers(struct shared *me, int vcpu)
{
	struct kvm_regs regs = { .rip = CODE, .rflags = 2, .rdx = 50, .rsp = STACK };
	struct kvm_segment flat = { .limit = 0xffffffff, .present = 1, .s = 1, .db = 1, .g = 1 };
	struct kvm_lapic_state lapic;
	struct kvm_sregs sregs;

	or_leave(me, patient_ioctl(vcpu, KVM_GET_LAPIC, &lapic), 30);
	*(uint32_t *)(lapic.regs + SVR) |= 0x1ff;
	or_leave(me, patient_ioctl(vcpu, KVM_SET_LAPIC, &lapic), 31);
	or_leave(me, patient_ioctl(vcpu, KVM_GET_SREGS, &sregs), 32);
	flat.selector = 0x10;
	flat.type = 3;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = flat;
	flat.selector = 8;
	flat.type = 11;
	sregs.cs = flat;
	sregs.gdt.base = GDT;
	sregs.gdt.limit = sizeof(gdt) - 1;
	sregs.idt.base = IDT;
	sregs.idt.limit = 256 * 8 - 1;
	sregs.cr0 |= 1;
	or_leave(me, patient_ioctl(vcpu, KVM_SET_SREGS, &sregs), 33);
	or_leave(me, patient_ioctl(vcpu, KVM_SET_REGS, &regs), 34);
}

/* @kick interrupts it, @wishes tells it what to do, @page is filled in by others. */
void guest_run(struct shared *me, int kick, uint8_t *wishes, uint8_t *page)
{
	struct { struct kvm_irq_routing head; struct kvm_irq_routing_entry entry; } routing = {
		.head = { .nr = 1 },
		.entry = {
			.gsi = 24, .type = KVM_IRQ_ROUTING_MSI,
			.u.msi = { .address_lo = 0xfee00000, .data = VECTOR },
		},
	};
	struct kvm_irqfd irqfd = { .fd = kick, .gsi = 24 };
	struct kvm_ioeventfd reply = {
		.addr = 0x10, .len = 1, .fd = eventfd(0, EFD_NONBLOCK),
		.flags = KVM_IOEVENTFD_FLAG_PIO,
	};
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm, vcpu;
	struct kvm_run *run;

	vm = patient_ioctl(kvm, KVM_CREATE_VM, NULL);
	or_leave(me, vm, 10);
	or_leave(me, patient_ioctl(vm, KVM_CREATE_IRQCHIP, NULL), 11);
	or_leave(me, add_memory(vm, 0, 0, make_memory(), SIZE), 12);
	or_leave(me, add_memory(vm, 1, WISH, wishes, PAGE_LEN), 13);
	if (page)
		or_leave(me, add_memory(vm, 2, PAGE, page, PAGE_LEN), 14);
	or_leave(me, patient_ioctl(vm, KVM_SET_GSI_ROUTING, &routing), 15);
	or_leave(me, patient_ioctl(vm, KVM_IRQFD, &irqfd), 16);
	or_leave(me, patient_ioctl(vm, KVM_IOEVENTFD, &reply), 17);
	vcpu = patient_ioctl(vm, KVM_CREATE_VCPU, NULL);
	or_leave(me, vcpu, 18);
	run = mmap(NULL, ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE,
		   MAP_SHARED, vcpu, 0);
	set_registers(me, vcpu);
	/* The first entry makes a kernel thread, which a deadline thread may not. */
	run->immediate_exit = 1;
	ioctl(vcpu, KVM_RUN, 0);
	run->immediate_exit = 0;
	for (me->ready = 1;; me->progress++) {
		if (ioctl(vcpu, KVM_RUN, 0) < 0) {
			if (errno != EINTR && errno != EAGAIN)
				or_leave(me, -1, 19);
		} else if (run->exit_reason == KVM_EXIT_IO && run->io.port == 0x11) {
			if (page)
				madvise(page, PAGE_LEN, MADV_DONTNEED);
			common->touches[me - common->slot][1]++;
		} else if (run->exit_reason != KVM_EXIT_INTR) {
			_exit(40 + run->exit_reason);
		}
	}
}
