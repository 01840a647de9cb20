// SPDX-License-Identifier: GPL-2.0
/*
 * A VM of one vCPU whose thread does what makes events late, and an I/O thread that does nothing: it is woken by SIGUSR2.
 *
 * workvm -name NAME -work WORK [-tap TAP] [-msi USEC]	prints "ready" and the vCPU's thread when all is there
 *
 *   spin	it computes, outside of the guest
 *   nap	it sleeps in its machine monitor, 20 ms at a time
 *   halt	its guest computes for 5 ms, and halts until its own timer fires, which it does each 20 ms
 *   answer	its guest computes, and rings a doorbell when a device interrupts it
 *
 * What comes through the tap stays there. -msi: a device interrupts the guest that halts, after USEC each time. One that answers
 * is interrupted so long after its last answer, and how long that took is printed, in us; or, with 0, again and again.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* Of the guest's memory. */
enum { GDT = 0x1000, IDT = 0x2000, CODE = 0x3000, HANDLER = 0x3100, ANSWER = 0x3200, STACK = 0x5000, SIZE = 0x6000 };

#define NAP_USEC	20000
#define VECTOR		0x40
#define MSI_VECTOR	0x41
#define DOORBELL	0xf4
/* Of the handler, what says that an interrupt has been handled. */
#define HANDLER_END	(HANDLER + 10)
/* An instruction is a nanosecond in the testbed, as is a tick of the local timer. */
#define WORK_NS		5000000
#define TICK_NS		20000000

static int kvm, vm, vcpu, doorbell;
static struct kvm_run *state;
static const char *work = "spin";
static pthread_barrier_t made;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int must(int result, const char *what)
{
	if (result < 0)
		die(what);
	return result;
}

static void *map(size_t size, int flags, int fd)
{
	void *address = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (address == MAP_FAILED)
		die("mmap");
	return address;
}

static bool answers(void)
{
	return !strcmp(work, "answer");
}

static bool has_guest(void)
{
	return answers() || !strcmp(work, "halt");
}

static void load_guest(void)
{
	static const uint64_t gdt[] = { 0, 0x00cf9b000000ffff, 0x00cf93000000ffff };
	const uint16_t gate[] = { HANDLER, 8, 0x8e00, 0 };
	const uint16_t msi_gate[] = { answers() ? ANSWER : HANDLER_END, 8, 0x8e00, 0 };
	const uint32_t count = WORK_NS, tick = TICK_NS;
	unsigned char *memory = map(SIZE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	struct kvm_userspace_memory_region region = { .memory_size = SIZE, .userspace_addr = (uintptr_t)memory };

	must(ioctl(vm, KVM_SET_TSS_ADDR, 0xfffbd000), "KVM_SET_TSS_ADDR");
	must(ioctl(vm, KVM_CREATE_IRQCHIP, 0), "KVM_CREATE_IRQCHIP");
	must(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
	memcpy(memory + GDT, gdt, sizeof(gdt));
	memcpy(memory + IDT + VECTOR * sizeof(gate), gate, sizeof(gate));
	memcpy(memory + IDT + MSI_VECTOR * sizeof(gate), msi_gate, sizeof(gate));
	/* sti; again: mov ecx, count; loop; hlt; jmp again */
	memcpy(memory + CODE, "\xfb\xb9....\xe2\xfe\xf4\xeb\xf6", 11);
	memcpy(memory + CODE + 2, &count, sizeof(count));
	/* sti; jmp to itself */
	if (answers())
		memcpy(memory + CODE, "\xfb\xeb\xfe", 3);
	/* mov dword [0xfee00380], tick; mov dword [0xfee000b0], 0; iret */
	memcpy(memory + HANDLER, "\xc7\x05\x80\x03\xe0\xfe....\xc7\x05\xb0\x00\xe0\xfe\x00\x00\x00\x00\xcf", 21);
	memcpy(memory + HANDLER + 6, &tick, sizeof(tick));
	/* out DOORBELL, al; mov dword [0xfee000b0], 0; iret */
	memcpy(memory + ANSWER, "\xe6\xf4\xc7\x05\xb0\x00\xe0\xfe\x00\x00\x00\x00\xcf", 13);
}

static void make_doorbell(void)
{
	struct kvm_ioeventfd bell = { .addr = DOORBELL, .len = 1, .flags = KVM_IOEVENTFD_FLAG_PIO };

	doorbell = must(eventfd(0, EFD_CLOEXEC), "eventfd");
	bell.fd = doorbell;
	must(ioctl(vm, KVM_IOEVENTFD, &bell), "KVM_IOEVENTFD");
}

static void set_apic(struct kvm_lapic_state *apic, unsigned int where, uint32_t value)
{
	memcpy(apic->regs + where, &value, sizeof(value));
}

static void set_up_guest(void)
{
	struct kvm_regs regs = { .rip = CODE, .rflags = 2, .rsp = STACK };
	struct kvm_segment data = { .limit = ~0U, .selector = 16, .type = 3, .present = 1, .db = 1, .s = 1, .g = 1 };
	struct kvm_lapic_state apic;
	struct kvm_sregs sregs;

	must(ioctl(vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.cs = data;
	sregs.cs.selector = 8;
	sregs.cs.type = 11;
	sregs.gdt = (struct kvm_dtable){ .base = GDT, .limit = 23 };
	sregs.idt = (struct kvm_dtable){ .base = IDT, .limit = 0x7ff };
	sregs.cr0 |= 1;
	must(ioctl(vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
	must(ioctl(vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");
	/* On; its timer, which is not divided, fires at once, and its handler sets it again. */
	must(ioctl(vcpu, KVM_GET_LAPIC, &apic), "KVM_GET_LAPIC");
	set_apic(&apic, 0xf0, 0x1ff);
	set_apic(&apic, 0x320, answers() ? 0x10000 : VECTOR);
	set_apic(&apic, 0x3e0, 0xb);
	set_apic(&apic, 0x380, TICK_NS);
	must(ioctl(vcpu, KVM_SET_LAPIC, &apic), "KVM_SET_LAPIC");
}

/* A vCPU belongs to the thread that runs it: for no time, here. KVM makes a thread then, which SCHED_DEADLINE may not. */
static void run_once(void)
{
	state->immediate_exit = 1;
	if (!ioctl(vcpu, KVM_RUN, 0) || errno != EINTR)
		die("KVM_RUN");
	state->immediate_exit = 0;
}

static void *run_vcpu(void *data)
{
	pthread_setname_np(pthread_self(), "CPU 0/KVM");
	vcpu = must(ioctl(vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
	state = map(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), MAP_SHARED, vcpu);
	if (has_guest())
		set_up_guest();
	run_once();
	printf("ready %d\n", (int)gettid());
	fflush(stdout);
	pthread_barrier_wait(&made);
	for (;;) {
		if (!strcmp(work, "nap"))
			usleep(NAP_USEC);
		else if (has_guest() && ioctl(vcpu, KVM_RUN, 0) < 0 && errno != EINTR)
			die("KVM_RUN");
	}
	return data;
}

static void open_tap(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int tap = must(open("/dev/net/tun", O_RDWR), "/dev/net/tun");

	snprintf(request.ifr_name, IFNAMSIZ, "%s", name);
	must(ioctl(tap, TUNSETIFF, &request), "TUNSETIFF");
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static void signal_msi(void)
{
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = MSI_VECTOR };

	must(ioctl(vm, KVM_SIGNAL_MSI, &msi), "KVM_SIGNAL_MSI");
}

static void interrupt(unsigned int usec)
{
	uint64_t since, rung;

	for (;;) {
		if (usec)
			usleep(usec);
		since = now_ns();
		signal_msi();
		if (!answers() || !usec)
			continue;
		if (read(doorbell, &rung, sizeof(rung)) != sizeof(rung))
			die("doorbell");
		printf("%.1f\n", (now_ns() - since) / 1000.0);
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	int msi_usec = -1;
	pthread_t thread;
	int number, i;
	sigset_t set;

	for (i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "-work"))
			work = argv[i + 1];
		else if (!strcmp(argv[i], "-tap"))
			open_tap(argv[i + 1]);
		else if (!strcmp(argv[i], "-msi"))
			msi_usec = atoi(argv[i + 1]);
	}
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	kvm = must(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
	vm = must(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	if (has_guest())
		load_guest();
	if (answers())
		make_doorbell();
	pthread_barrier_init(&made, NULL, 2);
	if (pthread_create(&thread, NULL, run_vcpu, NULL))
		die("pthread_create");
	pthread_barrier_wait(&made);
	if (msi_usec >= 0)
		interrupt(msi_usec);
	while (!sigwait(&set, &number))
		;
	return 0;
}
