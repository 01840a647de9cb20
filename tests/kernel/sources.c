// SPDX-License-Identifier: GPL-2.0
/*
 * Which interrupts of a virtual machine are events, for which of its vCPUs, and
 * when: KVM's own ways in, vhost-net's two queues, and a tap that is full; what a
 * vCPU passes on to another; and what is a reply.
 *
 * Runs as root on two CPUs inside the testbed. The machine has no system but a
 * handler that counts and acknowledges; each of its three vCPUs is a SCHED_DEADLINE
 * thread in a group of its own, so that cpu.spare.stat tells whose the event was.
 */
#define _GNU_SOURCE
#include "lab.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/kvm.h>
#include <linux/vhost.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOT "/sys/fs/cgroup/"
#define TRACING "/sys/kernel/tracing/"
#define SLEEP (3 * MS)	/* of a VMM that handles a write to SLOW, ns */

enum {
	VCPUS = 3,
	PINS = 24,
	/* In guest memory. */
	GDT = 0x1000, IDT = 0x2000, CODE = 0x4000, STACK = 0x6000, COUNTS = 0x8000,
	MEMORY = 0x10000,
	/* Vectors; those of the PIC's pins follow VECTOR_PIC. */
	VECTOR_PIC = 0x20, VECTOR_TIMER = 0x40, VECTOR = 0x41, VECTOR_SENDER = 0x50, VECTOR_IPI = 0x51,
	/* Their handlers: send it on, and back; set the local timer; kick a device; work for long. */
	VECTOR_CHAIN = 0x52, VECTOR_BACK = 0x53, VECTOR_AGAIN = 0x54, VECTOR_SET = 0x55, VECTOR_KICK = 0x56,
	VECTOR_ASK = 0x57, VECTOR_WORK = 0x58,
	/* ... kick it, have the VMM sleep, kick it again; of a higher class, so also while another one works. */
	VECTOR_PARTS = 0x61,
	/* Turns of a loop, more than an emulated CPU's turn: what a sender reports after it has sent is there. */
	UNTIL_REPORTED = 3500000,
	LOWEST = 1,	/* delivery mode */
	/* Interrupt lines. */
	EDGE = 10, LEVEL = 11, MASKED = 12, DEFERRED = 13, EVERYONE = 14, PIC_ONLY = 5,
	FAST = PINS, FAST_EVERYONE, FAST_SENDER, FAST_CHAIN, FAST_KICK,	/* MSI */
};

/* Devices of the VMM: one that is kicked, one that interrupts who asks, one whose thread sleeps. Beyond an int. */
enum { KICKED = 0xd0000000, ASKED = 0xd0001000, SLOW = 0xd0002000 };

static unsigned char *memory;
static int vm, vcpus[VCPUS];
static pid_t tids[VCPUS];
static struct kvm_run *runs[VCPUS];
static atomic_int ready, kicks_seen;
static unsigned int number, failures;

static void must(long result, const char *what)
{
	if (result < 0)
		die(what);
}

/* --- the guest --- */

static unsigned char *emit(unsigned char *at, const void *bytes, size_t size)
{
	memcpy(at, bytes, size);
	return at + size;
}

/* mov dword [@address], @value */
static unsigned char *emit_store(unsigned char *at, uint32_t address, uint32_t value)
{
	at = emit(at, "\xc7\x05", 2);
	at = emit(at, &address, 4);
	return emit(at, &value, 4);
}

/* A store that a handler makes. */
struct store {
	uint32_t address, value;
};

enum { STORES = 3 };

#define IPI_TO(vcpu, vector) { { 0xfee00310, (vcpu) << 24 }, { 0xfee00300, 0x4000 | (vector) } }

/* Counts, waits for so many turns of a loop, stores what is not for address 0, acknowledges. @open: for a higher class. */
static void emit_handler(uint32_t where, int vcpu, uint32_t wait, bool open, const struct store stores[STORES])
{
	unsigned char *at = memory + where;
	uint32_t count = COUNTS + 4 * vcpu;

	at = emit(at, "\x51\xf0\xff\x05", 4);	/* push ecx; lock inc dword */
	at = emit(at, &count, 4);
	if (open)
		at = emit(at, "\xfb", 1);	/* sti */
	at = emit(at, "\xb9", 1);		/* mov ecx */
	at = emit(at, &wait, 4);
	at = emit(at, "\xe2\xfe", 2);		/* loop */
	for (int i = 0; i < STORES; i++)
		if (stores[i].address)
			at = emit_store(at, stores[i].address, stores[i].value);
	at = emit_store(at, 0xfee000b0, 0);
	emit(at, "\x59\xcf", 2);		/* pop ecx; iret */
}

static void set_gate(int vcpu, int vector, uint32_t handler)
{
	uint16_t gate[4] = { handler, 8, 0x8e00, handler >> 16 };

	memcpy(memory + IDT + vcpu * 0x800 + vector * 8, gate, sizeof(gate));
}

static void load_guest(void)
{
	static const struct {
		int vcpu, vector;
		struct store stores[STORES];
		uint32_t wait;
	} handlers[] = {
		{ 0, VECTOR_TIMER, IPI_TO(1, VECTOR_IPI), 1 },
		{ 0, VECTOR_SENDER, IPI_TO(1, VECTOR_IPI), 1 },
		{ 0, VECTOR_CHAIN, IPI_TO(1, VECTOR_BACK), 1 },
		{ 1, VECTOR_BACK, IPI_TO(2, VECTOR_AGAIN), UNTIL_REPORTED },
		{ 2, VECTOR_AGAIN, IPI_TO(1, VECTOR_IPI), UNTIL_REPORTED },
		/* One shot, so many ticks from now. */
		{ 1, VECTOR_SET, { { 0xfee00320, VECTOR }, { 0xfee00380, 100000 } }, 1 },
		/* A reply to what is not reported yet is none. */
		{ 1, VECTOR_KICK, { { KICKED, 1 } }, UNTIL_REPORTED },
		{ 1, VECTOR_ASK, { { ASKED, 1 } }, 1 },
		{ 1, VECTOR_WORK, { { 0 } }, 80000000 },
		{ 1, VECTOR_PARTS, { { KICKED, 1 }, { SLOW, 1 }, { KICKED, 2 } }, 1 },
	};
	static const uint64_t gdt[] = { 0, 0x00cf9b000000ffff, 0x00cf93000000ffff };

	memcpy(memory + GDT, gdt, sizeof(gdt));
	memcpy(memory + CODE, "\xfb\xf4\xeb\xfc", 4);	/* sti; again: hlt; jmp again */
	for (int i = 0; i < VCPUS; i++) {
		uint32_t handler = CODE + 0x100 * (i + 1);

		emit_handler(handler, i, 1, false, (struct store[STORES]){ 0 });
		for (int vector = VECTOR_PIC; vector < 256; vector++)
			set_gate(i, vector, handler);
	}
	for (unsigned int i = 0; i < sizeof(handlers) / sizeof(*handlers); i++) {
		uint32_t handler = CODE + 0x100 * (VCPUS + 1 + i);

		emit_handler(handler, handlers[i].vcpu, handlers[i].wait, handlers[i].vector == VECTOR_WORK,
			     handlers[i].stores);
		set_gate(handlers[i].vcpu, handlers[i].vector, handler);
	}
}

static uint32_t handled(int vcpu)
{
	return *(volatile uint32_t *)(memory + COUNTS + 4 * vcpu);
}

static void set_register(struct kvm_lapic_state *apic, unsigned int where, uint32_t value)
{
	memcpy(apic->regs + where, &value, sizeof(value));
}

static void set_up_vcpu(int i)
{
	struct kvm_regs regs = { .rip = CODE, .rflags = 2, .rsp = STACK + 0x800 * (i + 1) };
	struct kvm_segment data = {
		.limit = ~0U, .selector = 16, .type = 3, .present = 1, .db = 1, .s = 1, .g = 1,
	};
	struct kvm_mp_state runnable = { .mp_state = KVM_MP_STATE_RUNNABLE };
	struct kvm_lapic_state apic;
	struct kvm_sregs sregs;

	must(ioctl(vcpus[i], KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.cs = data;
	sregs.cs.selector = 8;
	sregs.cs.type = 11;
	sregs.gdt = (struct kvm_dtable){ .base = GDT, .limit = 23 };
	sregs.idt = (struct kvm_dtable){ .base = IDT + 0x800 * i, .limit = 0x7ff };
	sregs.cr0 |= 1;
	must(ioctl(vcpus[i], KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
	must(ioctl(vcpus[i], KVM_SET_REGS, &regs), "KVM_SET_REGS");
	must(ioctl(vcpus[i], KVM_SET_MP_STATE, &runnable), "KVM_SET_MP_STATE");

	/* On, flat logical addresses 1 and 2; the first one takes the PIC's. */
	must(ioctl(vcpus[i], KVM_GET_LAPIC, &apic), "KVM_GET_LAPIC");
	set_register(&apic, 0xf0, 0x1ff);
	set_register(&apic, 0xd0, 1U << (24 + i));
	set_register(&apic, 0x350, i ? 0x10700 : 0x700);
	must(ioctl(vcpus[i], KVM_SET_LAPIC, &apic), "KVM_SET_LAPIC");
}

static struct kvm_msi msi_to(uint8_t dest, bool logical, int mode, int vector)
{
	return (struct kvm_msi){
		/* A lowest-priority message has the redirection hint as well. */
		.address_lo = 0xfee00000 | dest << 12 | (mode == LOWEST) << 3 | logical << 2,
		.data = mode << 8 | vector,
	};
}

static void send_msi(uint8_t dest, bool logical, int mode, int vector)
{
	struct kvm_msi msi = msi_to(dest, logical, mode, vector);

	must(ioctl(vm, KVM_SIGNAL_MSI, &msi), "KVM_SIGNAL_MSI");
}

static void *run_vcpu(void *data)
{
	int i = *(int *)data;
	char group[8], text[16];

	snprintf(group, sizeof(group), "m/%d", i);
	snprintf(text, sizeof(text), "%d", gettid());
	put(group, "cgroup.threads", text);
	tids[i] = gettid();
	reserve(0, 5 * MS, 10 * MS);
	set_up_vcpu(i);
	ready++;
	for (;;) {
		if (ioctl(vcpus[i], KVM_RUN, 0) < 0) {
			if (errno != EINTR)
				die("KVM_RUN");
		} else if (runs[i]->exit_reason != KVM_EXIT_MMIO || !runs[i]->mmio.is_write) {
			die("KVM_RUN");
		} else if (runs[i]->mmio.phys_addr == ASKED) {
			send_msi(i, false, 0, VECTOR);
		} else if (runs[i]->mmio.phys_addr == SLOW) {
			pause_ns(SLEEP);
		} else {
			kicks_seen++;
		}
	}
}

/* --- the machine --- */

static void set_routes(void)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry[64];
	} table = { .head.nr = 0 };
	const struct kvm_msi messages[] = {
		msi_to(1, false, 0, VECTOR), msi_to(0xff, false, 0, VECTOR),
		msi_to(0, false, 0, VECTOR_SENDER), msi_to(0, false, 0, VECTOR_CHAIN),
		msi_to(1, false, 0, VECTOR_KICK),
	};
	struct kvm_irq_routing_entry *e = table.entry;

	for (unsigned int i = 0; i < PINS; i++) {
		*e++ = (struct kvm_irq_routing_entry){
			.gsi = i, .type = KVM_IRQ_ROUTING_IRQCHIP,
			.u.irqchip = { KVM_IRQCHIP_IOAPIC, i },
		};
		if (i < 16)
			*e++ = (struct kvm_irq_routing_entry){
				.gsi = i, .type = KVM_IRQ_ROUTING_IRQCHIP,
				.u.irqchip = { i / 8, i % 8 },
			};
	}
	for (unsigned int i = 0; i < sizeof(messages) / sizeof(*messages); i++)
		*e++ = (struct kvm_irq_routing_entry){
			.gsi = FAST + i, .type = KVM_IRQ_ROUTING_MSI,
			.u.msi = { .address_lo = messages[i].address_lo, .data = messages[i].data },
		};
	table.head.nr = e - table.entry;
	must(ioctl(vm, KVM_SET_GSI_ROUTING, &table), "KVM_SET_GSI_ROUTING");
}

/* Fixed delivery to a physical address. */
static void set_pin(struct kvm_irqchip *chip, int pin, int vector, int dest, bool level)
{
	chip->chip.ioapic.redirtbl[pin].bits = (uint64_t)dest << 56 | level << 15 | vector;
}

static void set_irqchips(void)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };

	must(ioctl(vm, KVM_GET_IRQCHIP, &chip), "KVM_GET_IRQCHIP");
	set_pin(&chip, 0, VECTOR_TIMER, 0, false);
	set_pin(&chip, EDGE, VECTOR, 1, false);
	set_pin(&chip, LEVEL, VECTOR, 0, true);
	set_pin(&chip, DEFERRED, VECTOR, 0, false);
	set_pin(&chip, EVERYONE, VECTOR, 0xff, false);
	must(ioctl(vm, KVM_SET_IRQCHIP, &chip), "KVM_SET_IRQCHIP");

	for (int i = 0; i < 2; i++) {
		chip = (struct kvm_irqchip){ .chip_id = i };
		chip.chip.pic.irq_base = VECTOR_PIC + 8 * i;
		chip.chip.pic.auto_eoi = 1;
		chip.chip.pic.imr = i ? 0xff : ~(1 << PIC_ONLY);
		must(ioctl(vm, KVM_SET_IRQCHIP, &chip), "KVM_SET_IRQCHIP");
	}
}

static void make_machine(void)
{
	static int index[VCPUS] = { 0, 1, 2 };
	struct kvm_userspace_memory_region region = { .memory_size = MEMORY };
	struct kvm_pit_config pit = { .flags = 0 };
	int kvm = open("/dev/kvm", O_RDWR), size;
	pthread_t thread;

	memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	region.userspace_addr = (uintptr_t)memory;
	load_guest();
	must(kvm, "/dev/kvm");
	must(vm = ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	must(ioctl(vm, KVM_CREATE_IRQCHIP, 0), "KVM_CREATE_IRQCHIP");
	must(ioctl(vm, KVM_CREATE_PIT2, &pit), "KVM_CREATE_PIT2");
	must(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
	must(size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
	for (int i = 0; i < VCPUS; i++) {
		must(vcpus[i] = ioctl(vm, KVM_CREATE_VCPU, i), "KVM_CREATE_VCPU");
		runs[i] = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpus[i], 0);
		if (runs[i] == MAP_FAILED)
			die("the vCPU's page");
	}
	set_routes();
	set_irqchips();
	for (int i = 0; i < VCPUS; i++)
		if (pthread_create(&thread, NULL, run_vcpu, &index[i]))
			die("thread");
	while (ready < VCPUS)
		pause_ns(MS);
	pause_ns(20 * MS);
}

static void set_line(unsigned int gsi, int level)
{
	struct kvm_irq_level line = { .irq = gsi, .level = level };

	must(ioctl(vm, KVM_IRQ_LINE, &line), "KVM_IRQ_LINE");
}

/* As a VMM does that wants to know whether it was coalesced. */
static void set_line_status(unsigned int gsi, int level)
{
	struct kvm_irq_level line = { .irq = gsi, .level = level };

	must(ioctl(vm, KVM_IRQ_LINE_STATUS, &line), "KVM_IRQ_LINE_STATUS");
}

static void pulse(unsigned int gsi)
{
	set_line(gsi, 1);
	set_line(gsi, 0);
}

static int irqfd(unsigned int gsi)
{
	struct kvm_irqfd irqfd = { .fd = eventfd(0, EFD_NONBLOCK), .gsi = gsi };

	must(ioctl(vm, KVM_IRQFD, &irqfd), "KVM_IRQFD");
	return irqfd.fd;
}

static void signal_fd(int fd)
{
	must(eventfd_write(fd, 1), "eventfd");
}

/* Interrupts every 5 ms, or none. */
static void run_pit(bool on)
{
	struct kvm_pit_state2 pit = { .flags = 0 };

	pit.channels[0] = (struct kvm_pit_channel_state){ .count = 5966, .mode = on ? 2 : 0xff, .gate = 1 };
	must(ioctl(vm, KVM_SET_PIT2, &pit), "KVM_SET_PIT2");
}

/* --- what is seen of it --- */

static long long events_before[VCPUS];
static uint32_t handled_before[VCPUS];

static long long events(int vcpu)
{
	char group[8];

	snprintf(group, sizeof(group), "m/%d", vcpu);
	return stat_of(group, "nr_events");
}

static void mark(void)
{
	for (int i = 0; i < VCPUS; i++) {
		events_before[i] = events(i);
		handled_before[i] = handled(i);
	}
}

/* Since mark(), of the first two. A vCPU may have to wait for its budget before it handles one. */
static void check(const char *name, long long first, long long second)
{
	long long seen[VCPUS];
	bool good;

	pause_ns(30 * MS);
	for (int i = 0; i < VCPUS; i++)
		seen[i] = events(i) - events_before[i];
	good = seen[0] == first && seen[1] == second;
	printf("%sok %u - %s", good ? "" : "not ", ++number, name);
	if (!good)
		printf(": %lld and %lld events, %u and %u handled", seen[0], seen[1],
		       handled(0) - handled_before[0], handled(1) - handled_before[1]);
	printf("\n");
	fflush(stdout);
	failures += !good;
}

static void check_that(const char *name, bool good)
{
	printf("%sok %u - %s\n", good ? "" : "not ", ++number, name);
	fflush(stdout);
	failures += !good;
}

/* --- tracing: what came first --- */

static void trace_put(const char *file, const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), TRACING "%s", file);
	fd = open(path, O_WRONLY | O_TRUNC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

static void trace_start(void)
{
	mount("tracefs", TRACING, "tracefs", 0, NULL);
	trace_put("trace", "\n");
	trace_put("events/kvm/kvm_apic_accept_irq/enable", "1");
	trace_put("events/sched_spare/sched_spare_event/enable", "1");
	trace_put("events/sched_spare/sched_spare_reply/enable", "1");
}

static FILE *trace_stop(void)
{
	FILE *file;

	trace_put("events/kvm/kvm_apic_accept_irq/enable", "0");
	trace_put("events/sched_spare/enable", "0");
	file = fopen(TRACING "trace", "r");
	if (!file)
		die("trace");
	return file;
}

static int trace_count(const char *what)
{
	FILE *file = trace_stop();
	char line[512];
	int count = 0;

	while (fgets(line, sizeof(line), file))
		count += strstr(line, what) != NULL;
	fclose(file);
	return count;
}

/* @reports of them, and each after a delivery of its own. */
static bool trace_is_in_order(int reports)
{
	int deliveries = 0, reported = 0;
	FILE *file = trace_stop();
	bool good = true;
	char line[512];

	while (fgets(line, sizeof(line), file)) {
		if (strstr(line, " kvm_apic_accept_irq:"))
			deliveries++;
		else if (strstr(line, " sched_spare_event:") && ++reported > deliveries)
			good = false;
	}
	fclose(file);
	return good && reported == reports;
}

/* --- tests --- */

static void test_lines(void)
{
	mark();
	pulse(EDGE);
	pulse(EDGE);
	check("KVM_IRQ_LINE: an event each time the line is raised", 0, 2);

	mark();
	set_line_status(EDGE, 1);
	set_line_status(EDGE, 0);
	check("KVM_IRQ_LINE_STATUS: likewise", 0, 1);

	mark();
	pulse(MASKED);
	check("a masked pin: no event", 0, 0);

	mark();
	set_line(LEVEL, 1);
	pause_ns(10 * MS);
	set_line(LEVEL, 1);
	check("a line that stays up: one event, however often it is acknowledged or raised again", 1, 0);
	check_that("it was delivered many times meanwhile", handled(0) - handled_before[0] > 2);
	set_line(LEVEL, 0);
	pause_ns(20 * MS);

	mark();
	set_line(LEVEL, 1);
	set_line(LEVEL, 0);
	check("the line goes down and up again: another event", 1, 0);

	mark();
	pulse(EVERYONE);
	check("a pin with a broadcast: an event for each vCPU", 1, 1);

	mark();
	pulse(PIC_ONLY);
	check("the PIC: an event for the vCPU that takes its interrupts", 1, 0);
	check_that("and that has taken it", handled(0) - handled_before[0] == 1);
}

static void test_messages(void)
{
	uint32_t taken[VCPUS] = { 0 };
	bool same = true;

	mark();
	send_msi(1, false, 0, VECTOR);
	check("KVM_SIGNAL_MSI: an event for its destination", 0, 1);

	mark();
	send_msi(7, false, 0, VECTOR);
	send_msi(0x80, true, 0, VECTOR);
	send_msi(0x80, true, LOWEST, VECTOR);
	check("no such destination, physical, logical, lowest priority: no event", 0, 0);

	mark();
	send_msi(3, true, 0, VECTOR);
	check("a logical destination with two vCPUs: an event for both", 1, 1);

	mark();
	send_msi(0xff, false, 0, VECTOR);
	check("a broadcast: an event for both", 1, 1);

	for (int vector = VECTOR; vector < VECTOR + 8; vector++) {
		mark();
		send_msi(3, true, LOWEST, vector);
		pause_ns(20 * MS);
		for (int i = 0; i < VCPUS; i++) {
			same = same && handled(i) - handled_before[i] == events(i) - events_before[i];
			taken[i] += handled(i) - handled_before[i];
		}
	}
	check_that("lowest priority: the event is for the vCPU that was chosen",
		   same && taken[0] + taken[1] == 8 && taken[0] && taken[1]);
}

static void test_irqfd(void)
{
	int fast = irqfd(FAST), deferred = irqfd(DEFERRED), everyone = irqfd(FAST_EVERYONE);

	mark();
	signal_fd(fast);
	check("irqfd: an event", 0, 1);

	mark();
	signal_fd(deferred);
	check("irqfd whose injection is deferred: an event", 1, 0);

	mark();
	signal_fd(everyone);
	check("irqfd with a broadcast: an event for both", 1, 1);

	trace_start();
	signal_fd(fast);
	pause_ns(30 * MS);
	signal_fd(deferred);
	pause_ns(30 * MS);
	signal_fd(everyone);
	pause_ns(30 * MS);
	check_that("each is reported after its delivery", trace_is_in_order(2 + VCPUS));
}

static void test_no_events(void)
{
	uint32_t before;

	mark();
	run_pit(true);
	check("the in-kernel PIT: no event", 0, 0);
	before = handled(0) - handled_before[0];
	run_pit(false);
	pause_ns(20 * MS);
	check_that("its interrupts were delivered", before > 2);

	mark();
	run_pit(true);
	check("an interprocessor interrupt of a vCPU that works on no event: none for its destination", 0, 0);
	check_that("it was delivered", handled(1) - handled_before[1] > 2);
	run_pit(false);
	pause_ns(20 * MS);

	mark();
	send_msi(1, false, 0, VECTOR_ASK);
	check("what a device does in the thread of the vCPU that asks: no event", 0, 1);
	check_that("it was delivered", handled(1) - handled_before[1] == 2);
}

static void test_passed_on(void)
{
	/* By irqfd: it is reported before the vCPU gets the CPU here. */
	mark();
	signal_fd(irqfd(FAST_SENDER));
	check("an interprocessor interrupt of a vCPU that works on an event: one for its destination", 1, 1);

	mark();
	signal_fd(irqfd(FAST_CHAIN));
	check("an event is passed on twice, and no third time", 1, 1);
	check_that("the second was, and the third was delivered",
		   events(2) - events_before[2] == 1 && handled(1) - handled_before[1] == 2);
}

static void test_timer(void)
{
	mark();
	send_msi(1, false, 0, VECTOR_SET);
	check("the local timer: no event", 0, 1);
	check_that("it has expired", handled(1) - handled_before[1] == 2);

	put("m/1", "cpu.spare.borrow", "on timer=1");
	mark();
	send_msi(1, false, 0, VECTOR_SET);
	check("the local timer, with timer=1: an event", 0, 2);
	put("m/1", "cpu.spare.borrow", "on");
}

static void test_replies(void)
{
	int fast = irqfd(FAST), kick = irqfd(FAST_KICK), with, without;

	trace_start();
	signal_fd(fast);
	pause_ns(30 * MS);
	without = trace_count(" sched_spare_reply:");
	trace_start();
	/* By irqfd: on the sender's own CPU it is reported first, too. */
	signal_fd(kick);
	pause_ns(30 * MS);
	with = trace_count(" sched_spare_reply:");
	printf("# replies: %d with a write, %d without\n", with, without);
	check_that("a write to a device of the VMM's is a reply, an interrupt that is handled is none",
		   with == 1 && without == 0);
}

/* Its budget is gone at 30 ms, it has the next one from 60 ms on. */
static void test_seen(void)
{
	long long before, between, after;

	reserve(tids[1], 30 * MS, 60 * MS);
	pause_ns(120 * MS);
	before = stat_of("m/1", "nr_borrows");
	send_msi(1, false, 0, VECTOR_WORK);
	pause_ns(45 * MS);
	between = stat_of("m/1", "nr_borrows");
	pause_ns(40 * MS);
	send_msi(1, false, 0, VECTOR);
	pause_ns(15 * MS);
	after = stat_of("m/1", "nr_borrows");
	printf("# loans: %lld, %lld\n", between - before, after - between);
	check_that("no loan for what a vCPU has had the CPU for 30 ms since", between == before);
	check_that("one for what it has had the CPU for 5 ms since", after - between == 1);
	pause_ns(120 * MS);
	reserve(tids[1], 5 * MS, 10 * MS);
}

/* Its budget is gone at 20 ms, and it has the next one from 100 ms on. */
static void test_sleep_after_reply(void)
{
	int before = kicks_seen, first, second;

	reserve(tids[1], 20 * MS, 100 * MS);
	pause_ns(200 * MS);
	send_msi(1, false, 0, VECTOR_WORK);
	pause_ns(50 * MS);
	send_msi(1, false, 0, VECTOR_PARTS);
	pause_ns(MS);
	first = kicks_seen - before;
	pause_ns(SLEEP + 12 * MS);
	second = kicks_seen - before;
	printf("# kicks: %d, then %d\n", first, second);
	check_that("a vCPU whose VMM sleeps after a reply says the rest on a loan, too", first == 1 && second == 2);
	pause_ns(500 * MS);
	reserve(tids[1], 5 * MS, 10 * MS);
}

/* --- vhost-net --- */

enum { RX, TX, QUEUES, RING = 4, ROUNDS = 8 };

static struct {
	struct queue {
		struct vring_desc desc[RING] __attribute__((aligned(16)));
		struct {
			uint16_t flags, idx, ring[RING];
		} avail;
		struct {
			uint16_t flags, idx;
			struct vring_used_elem ring[RING];
		} used __attribute__((aligned(4)));
		unsigned char buffer[2048];
	} queue[QUEUES];
} rings;
static int vhost, kicks[QUEUES];

static void vhost_open(const struct tap *tap)
{
	struct {
		struct vhost_memory head;
		struct vhost_memory_region region;
	} map = {
		.head.nregions = 1,
		.region = {
			.guest_phys_addr = (uintptr_t)&rings, .userspace_addr = (uintptr_t)&rings,
			.memory_size = sizeof(rings),
		},
	};
	uint64_t features = 1ULL << VHOST_NET_F_VIRTIO_NET_HDR;

	must(vhost = open("/dev/vhost-net", O_RDWR), "/dev/vhost-net");
	must(ioctl(vhost, VHOST_SET_OWNER, 0), "VHOST_SET_OWNER");
	must(ioctl(vhost, VHOST_SET_FEATURES, &features), "VHOST_SET_FEATURES");
	must(ioctl(vhost, VHOST_SET_MEM_TABLE, &map), "VHOST_SET_MEM_TABLE");
	for (unsigned int i = 0; i < QUEUES; i++) {
		struct queue *q = &rings.queue[i];
		struct vhost_vring_state num = { i, RING }, base = { i, 0 };
		struct vhost_vring_addr addr = {
			.index = i, .desc_user_addr = (uintptr_t)q->desc,
			.avail_user_addr = (uintptr_t)&q->avail, .used_user_addr = (uintptr_t)&q->used,
		};
		struct vhost_vring_file kick = { i, eventfd(0, EFD_NONBLOCK) }, backend = { i, tap->fd };

		kicks[i] = kick.fd;
		q->desc[0] = (struct vring_desc){
			.addr = (uintptr_t)q->buffer,
			.len = i == TX ? sizeof(struct virtio_net_hdr) + 60 : sizeof(q->buffer),
			.flags = i == TX ? 0 : VRING_DESC_F_WRITE,
		};
		must(ioctl(vhost, VHOST_SET_VRING_NUM, &num), "VHOST_SET_VRING_NUM");
		must(ioctl(vhost, VHOST_SET_VRING_BASE, &base), "VHOST_SET_VRING_BASE");
		must(ioctl(vhost, VHOST_SET_VRING_ADDR, &addr), "VHOST_SET_VRING_ADDR");
		must(ioctl(vhost, VHOST_SET_VRING_KICK, &kick), "VHOST_SET_VRING_KICK");
		must(ioctl(vhost, VHOST_NET_SET_BACKEND, &backend), "VHOST_NET_SET_BACKEND");
	}
}

static void vhost_call(unsigned int queue, int fd)
{
	struct vhost_vring_file call = { queue, fd };

	must(ioctl(vhost, VHOST_SET_VRING_CALL, &call), "VHOST_SET_VRING_CALL");
}

/* The one buffer is given to the host: to be sent, or to be filled. */
static void vhost_kick(int queue)
{
	struct queue *q = &rings.queue[queue];

	__atomic_store_n(&q->avail.idx, q->avail.idx + 1, __ATOMIC_RELEASE);
	signal_fd(kicks[queue]);
}

static bool vhost_used(int queue)
{
	struct queue *q = &rings.queue[queue];

	return __atomic_load_n(&q->used.idx, __ATOMIC_ACQUIRE) == q->avail.idx;
}

static void test_vhost(const struct tap *tap, unsigned int gsi, int vcpu, const char *how)
{
	struct kvm_irqfd gone = { .gsi = gsi, .flags = KVM_IRQFD_FLAG_DEASSIGN };
	char name[96];
	int call;

	call = irqfd(gsi);
	vhost_call(TX, call);
	mark();
	vhost_kick(TX);
	snprintf(name, sizeof(name), "vhost-net, %s: no event when a packet of the guest is out", how);
	check(name, 0, 0);
	check_that("it was out, and the guest interrupted",
		   vhost_used(TX) && handled(vcpu) - handled_before[vcpu] == 1);
	vhost_call(TX, -1);

	vhost_call(RX, call);
	vhost_kick(RX);
	pause_ns(20 * MS);
	mark();
	tap_send(tap);
	snprintf(name, sizeof(name), "vhost-net, %s: an event when a packet for the guest is in", how);
	check(name, !vcpu, vcpu);
	check_that("it was in", vhost_used(RX));

	vhost_call(TX, call);
	mark();
	for (int i = 0; i < ROUNDS; i++) {
		vhost_kick(RX);
		pause_ns(20 * MS);
		if (i % 2)
			vhost_kick(TX);
		tap_send(tap);
		if (i % 2 == 0)
			vhost_kick(TX);
		pause_ns(20 * MS);
	}
	snprintf(name, sizeof(name), "vhost-net, %s: one event when both come at once, whichever is first", how);
	check(name, vcpu ? 0 : ROUNDS, vcpu ? ROUNDS : 0);

	/* The route of a pin names nobody. */
	rings.queue[RX].avail.flags = VRING_AVAIL_F_NO_INTERRUPT;
	rings.queue[TX].avail.flags = VRING_AVAIL_F_NO_INTERRUPT;
	vhost_kick(RX);
	pause_ns(20 * MS);
	mark();
	tap_send(tap);
	snprintf(name, sizeof(name), "vhost-net, %s, without interrupts: %s", how,
		 vcpu ? "an event for a packet that is in" : "no event");
	check(name, 0, vcpu);
	vhost_kick(TX);
	snprintf(name, sizeof(name), "vhost-net, %s, without interrupts: none for one that is out", how);
	check(name, 0, vcpu);
	check_that("both were, and the guest not interrupted",
		   vhost_used(RX) && vhost_used(TX) && handled(vcpu) == handled_before[vcpu]);
	rings.queue[RX].avail.flags = 0;
	rings.queue[TX].avail.flags = 0;
	vhost_call(TX, -1);
	vhost_call(RX, -1);
	gone.fd = call;
	must(ioctl(vm, KVM_IRQFD, &gone), "KVM_IRQFD");
	close(call);
}

/* --- a tap with a short queue --- */

static void test_tap(const struct tap *tap)
{
	static const char frame[60] = { [12] = 0x88, [13] = 0xb5 };
	struct ifreq ifr = { .ifr_name = "tap1", .ifr_qlen = 4 };

	must(ioctl(tap->sock, SIOCSIFTXQLEN, &ifr), "SIOCSIFTXQLEN");
	put("m/1", "cpu.spare.dev", "+tap1");
	tap_empty(tap);
	mark();
	for (int i = 0; i < 7; i++)
		(void)!sendto(tap->sock, frame, sizeof(frame), 0, (const struct sockaddr *)&tap->to, sizeof(tap->to));
	check("a tap: an event for each packet that it has room for, none for one that is dropped", 0, 4);
	tap_empty(tap);
}

static void make_groups(void)
{
	static const char *const files[] = { "m", "m/0", "m/1", "m/2" };
	char path[64];

	put("", "cgroup.subtree_control", "+cpu");
	for (int i = 0; i < VCPUS + 1; i++) {
		snprintf(path, sizeof(path), ROOT "%s", files[i]);
		must(mkdir(path, 0755), path);
	}
	join("m", getpid());
	for (int i = 0; i < VCPUS; i++)
		put(files[i + 1], "cgroup.type", "threaded");
	put("m", "cgroup.subtree_control", "+cpu");
	put("m", "cpu.spare.pool", "1000 10000 units=1");
	for (int i = 0; i < VCPUS; i++)
		put(files[i + 1], "cpu.spare.borrow", "on");
}

int main(void)
{
	struct tap tap = tap_open("tap0"), short_tap = tap_open("tap1");

	make_groups();
	make_machine();
	test_lines();
	test_messages();
	test_irqfd();
	test_no_events();
	test_passed_on();
	test_timer();
	test_replies();
	test_seen();
	test_sleep_after_reply();
	vhost_open(&tap);
	test_vhost(&tap, FAST, 1, "injected at once");
	test_vhost(&tap, DEFERRED, 0, "deferred");
	test_tap(&short_tap);
	printf("1..%u\n", number);
	return failures > 0;
}
