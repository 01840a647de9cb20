// SPDX-License-Identifier: GPL-2.0
/*
 * The smallest things that make a fault of tests/referee/faults show: does one,
 * or all, for about a second each, and looks at nothing. The referee does.
 *
 * Runs as root on three CPUs, inside the testbed; stays on CPU 0. The group t is
 * a partition of CPU 1, or of CPUs 1 and 2, with the groups t/a, t/b, … below. For
 * core scheduling there are four CPUs, and CPUs 2 and 3 are one core.
 */
#define _GNU_SOURCE
#include "lab.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define US		1000LL
#define BORROWERS	6
#define PAGE		4096
#define DOORBELL	0x50	/* an I/O port */

/* What the threads and this program share. */
static struct {
	_Atomic int lock;	/* lab.h's */
	_Atomic int take;	/* counts: the borrower takes the lock once */
	_Atomic int taken;
	_Atomic int replied;	/* a vCPU's guest has, once */
} *shared;

static pid_t threads[BORROWERS];
static struct tap taps[BORROWERS];

static void must(bool good, const char *what)
{
	if (!good)
		die(what);
}

/* --- threads --- */

static void spin_for(int64_t ns)
{
	int64_t end = now() + ns;

	while (now() < end)
		;
}

static void spin(void *data)
{
	(void)data;
	for (;;)
		;
}

/* Has a deadline of its own every few ms. */
static void wake_often(void *data)
{
	(void)data;
	for (;;) {
		pause_ns(1300 * US);
		spin_for(100 * US);
	}
}

static void spin_and_lock(void *data)
{
	(void)data;
	for (;;) {
		if (shared->take == shared->taken)
			continue;
		lock_take(&shared->lock);
		lock_drop(&shared->lock);
		shared->taken = shared->take;
	}
}

/* A vCPU's thread, whose replies are seen: its guest kicks a device once and halts. Then it spins. */
static void spin_as_vcpu(void *data)
{
	static const uint8_t code[] = { 0xe6, DOORBELL, 0xf4 };	/* out %al, $DOORBELL; hlt */
	struct kvm_userspace_memory_region memory = { .memory_size = PAGE };
	struct kvm_ioeventfd doorbell = { .addr = DOORBELL, .len = 1, .flags = KVM_IOEVENTFD_FLAG_PIO };
	struct kvm_regs registers = { .rflags = 2 };
	struct kvm_sregs segments;
	int kvm = open("/dev/kvm", O_RDWR), vm = ioctl(kvm, KVM_CREATE_VM, 0), vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	uint8_t *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct kvm_run *run = mmap(NULL, ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);

	(void)data;
	must(vcpu >= 0 && page != MAP_FAILED && run != MAP_FAILED, "vCPU");
	memcpy(page, code, sizeof(code));
	memory.userspace_addr = (uintptr_t)page;
	doorbell.fd = eventfd(0, 0);
	must(!ioctl(vm, KVM_SET_USER_MEMORY_REGION, &memory) && !ioctl(vm, KVM_IOEVENTFD, &doorbell) &&
	     !ioctl(vcpu, KVM_GET_SREGS, &segments), "VM");
	segments.cs.base = 0;
	segments.cs.selector = 0;
	must(!ioctl(vcpu, KVM_SET_SREGS, &segments) && !ioctl(vcpu, KVM_SET_REGS, &registers) && !ioctl(vcpu, KVM_RUN, 0) &&
	     run->exit_reason == KVM_EXIT_HLT, "KVM_RUN");
	shared->replied = 1;
	spin(NULL);
}

/* Parameters in place. */
static void set_again(pid_t pid, int64_t runtime, int64_t period)
{
	int error = set_attributes(pid, (struct attributes){
		.policy = 6, .flags = 1, .runtime = runtime, .deadline = period, .period = period });

	/* EBUSY: what it had is still accounted. */
	must(!error || error == -EBUSY, "sched_setattr");
}

/* --- groups --- */

static const char *group_of(int i)
{
	static char name[8];

	snprintf(name, sizeof(name), "t/%c", 'a' + i);
	return name;
}

static void partition(const char *cpus)
{
	put("t", "cpuset.cpus.partition", "member");
	put("t", "cpuset.cpus", cpus);
	put("t", "cpuset.cpus.exclusive", cpus);
	put("t", "cpuset.cpus.partition", "root");
}

/* Borrower @i, in its group. */
static void start(int i, void (*run)(void *), int64_t runtime, int64_t period)
{
	threads[i] = child(run, NULL);
	join(group_of(i), threads[i]);
	pause_ns(2 * MS);
	reserve(threads[i], runtime, period);
}

/* Whose bandwidth is given back at the end of its period. */
static void end_all(void)
{
	for (int i = 0; i < BORROWERS; i++) {
		if (!threads[i])
			continue;
		kill(threads[i], SIGKILL);
		waitpid(threads[i], NULL, 0);
		threads[i] = 0;
	}
	put("t", "cpu.spare.pool", "none");
	for (int i = 0; i < BORROWERS; i++)
		put(group_of(i), "cpu.spare.borrow", "inherit");
	pause_ns(150 * MS);
}

static void send_all(int n)
{
	for (int i = 0; i < n; i++)
		tap_send(&taps[i]);
}

/* An event for each of @n every @every ns, for @ns in all. */
static void send_for(int n, int64_t every, int64_t ns)
{
	int64_t end = now() + ns;

	while (now() < end) {
		send_all(n);
		pause_ns(every);
	}
}

/* --- what is done --- */

static void do_requeue(void)
{
	int64_t end;

	put("t", "cpu.spare.pool", "1000 10000");
	put("t/a", "cpu.spare.borrow", "on reply=0");
	start(0, spin, 10 * MS, 100 * MS);
	end = now() + 400 * MS;
	for (int i = 0; now() < end; i++) {
		tap_send(&taps[0]);
		set_again(threads[0], 10 * MS + (i & 1) * US, 100 * MS);
		pause_ns(300 * US);
	}
}

/* Several drain one unit in turn. */
static void do_turns(void)
{
	put("t", "cpu.spare.pool", "1000 10000");
	for (int i = 0; i < 4; i++) {
		put(group_of(i), "cpu.spare.borrow", "on reply=0 chances=1");
		start(i, spin, 2 * MS, 100 * MS);
	}
	send_for(4, 1 * MS, 500 * MS);
}

static void do_drain(void)
{
	put("t", "cpu.spare.pool", "1000 10000");
	put("t/a", "cpu.spare.borrow", "on reply=0");
	start(0, spin, 10 * MS, 100 * MS);
	send_for(1, 1 * MS, 500 * MS);
}

/* One packet a period, and no answer. */
static void do_quiet(void)
{
	put("t", "cpu.spare.pool", "4000 10000");
	put("t/a", "cpu.spare.borrow", "on");
	threads[0] = child(spin_as_vcpu, NULL);
	join("t/a", threads[0]);
	while (!shared->replied)
		pause_ns(MS);
	reserve(threads[0], 10 * MS, 100 * MS);
	send_for(1, 100 * MS, 1000 * MS);
}

/* The unit's deadline and the own one's, and others between them. */
static void do_deadlines(void)
{
	put("t", "cpu.spare.pool", "4000 10000");
	put("t/a", "cpu.spare.borrow", "on reply=0");
	start(0, spin, 2 * MS, 20 * MS);
	start(1, wake_often, 500 * US, 5 * MS);
	send_for(1, 1 * MS, 500 * MS);
}

static void do_preempted(void)
{
	put("t", "cpu.spare.pool", "4000 10000");
	put("t/a", "cpu.spare.borrow", "on reply=0 chances=1");
	start(0, spin, 10 * MS, 100 * MS);
	start(1, wake_often, 1 * MS, 4 * MS);
	send_for(1, 1 * MS, 500 * MS);
}

static void do_mutex(void)
{
	put("t", "cpu.spare.pool", "4000 10000");
	put("t/a", "cpu.spare.borrow", "on reply=0");
	start(0, spin_and_lock, 40 * MS, 100 * MS);
	for (int i = 0; i < 10; i++) {
		pause_ns(60 * MS + i * 7 * MS);
		shared->lock = 1;
		shared->take++;
		tap_send(&taps[0]);
		for (int64_t end = now() + 20 * MS; shared->lock != LOCK_WAITED && now() < end;)
			__builtin_ia32_pause();
		spin_for(50 * US);
		lock_drop(&shared->lock);
		pause_ns(20 * MS);
	}
}

/* More than a unit for each, that leave the line to run, and come back to it. */
static void do_line(void)
{
	put("t", "cpu.spare.pool", "1000 10000");
	for (int i = 0; i < BORROWERS; i++) {
		put(group_of(i), "cpu.spare.borrow", "on reply=0 chances=1");
		start(i, spin, 1 * MS, (20 + 7 * i) * MS);
	}
	send_for(BORROWERS, 9 * MS, 800 * MS);
}

/* One packet, and threads that are pulled back and forth. */
static void do_moves(void)
{
	partition("1-2");
	put("t", "cpu.spare.pool", "2000 10000");
	for (int i = 0; i < 2; i++) {
		put(group_of(i), "cpu.spare.borrow", "on reply=0");
		start(i, spin, 40 * MS, 100 * MS);
	}
	start(2, wake_often, 2 * MS, 7 * MS);
	for (int i = 0; i < 4; i++) {
		tap_send(&taps[i & 1]);
		pause_ns(400 * MS);
	}
	end_all();
	partition("1");
}

static void do_pays(void)
{
	put("t", "cpu.spare.pool", "4000 10000");
	put("t/a", "cpu.spare.borrow", "on reply=0 charge=1");
	start(0, spin, 20 * MS, 100 * MS);
	send_for(1, 1 * MS, 800 * MS);
}

/* Depleted, and nothing comes. */
static void do_nothing(void)
{
	put("t", "cpu.spare.pool", "1000 10000");
	put("t/a", "cpu.spare.borrow", "on");
	start(0, spin, 10 * MS, 100 * MS);
	pause_ns(300 * MS);
}

/* The owner of t/a/sub says "on" as long as t/a does; then t/a does not any more. */
static void do_delegated(void)
{
	int fd;

	put("t", "cpu.spare.pool", "4000 10000");
	put("t/a", "cgroup.subtree_control", "+cpu");
	must(!mkdir("/sys/fs/cgroup/t/a/sub", 0755), "sub");
	must(!chown("/sys/fs/cgroup/t/a/sub/cpu.spare.borrow", 1000, 1000), "chown");
	put("t/a", "cpu.spare.borrow", "on");
	must(!seteuid(1000), "seteuid");
	fd = open("/sys/fs/cgroup/t/a/sub/cpu.spare.borrow", O_WRONLY);
	must(fd >= 0 && write(fd, "on reply=0", 10) == 10, "on");
	close(fd);
	must(!seteuid(0), "seteuid");
	put("t/a", "cpu.spare.borrow", "inherit");

	threads[0] = child(spin, NULL);
	join("t/a/sub", threads[0]);
	pause_ns(2 * MS);
	reserve(threads[0], 10 * MS, 100 * MS);
	send_for(1, 10 * MS, 1500 * MS);
	end_all();
	rmdir("/sys/fs/cgroup/t/a/sub");
	put("t/a", "cgroup.subtree_control", "-cpu");
}

/* As much as CPU 1 has, and more for its fair server. Stays so. */
static void do_fair(void)
{
	int fd = open("/sys/kernel/debug/sched/fair_server/cpu1/runtime", O_WRONLY);

	must(fd >= 0, "fair_server");
	put("t", "cpuset.cpus.partition", "member");
	put("t", "cpu.spare.pool", "9000 10000 cpus=1");
	if (write(fd, "500000000\n", 10) < 0)
		perror("# fair server");
	close(fd);
}

/*
 * Two that do not trust each other, on the two threads of a core, CPUs 2 and 3:
 * each time the one has begun an event comes for the other.
 */
static void do_cookies(void)
{
	cpu_set_t cpu2;

	CPU_ZERO(&cpu2);
	CPU_SET(2, &cpu2);
	partition("3");
	must(!mkdir("/sys/fs/cgroup/u", 0755), "u");
	put("u", "cpuset.cpus", "2");
	put("u", "cpuset.cpus.exclusive", "2");
	put("u", "cpuset.cpus.partition", "root");
	put("t", "cpu.spare.pool", "1000 10000");
	put("t/a", "cpu.spare.borrow", "on reply=0");
	start(0, spin, 10 * MS, 100 * MS);
	threads[1] = child(wake_often, NULL);
	join("u", threads[1]);
	pause_ns(2 * MS);
	reserve(threads[1], 3 * MS, 10 * MS);
	for (int i = 0; i < 2; i++)
		must(!prctl(PR_SCHED_CORE, PR_SCHED_CORE_CREATE, threads[i], 0, 0), "prctl");
	send_for(1, 700 * US, 700 * MS);
}

static const struct {
	const char *name;
	bool apart;	/* needs another machine: not done with all */
	void (*run)(void);
} scenes[] = {
	{ "requeue", false, do_requeue },
	{ "turns", false, do_turns },
	{ "drain", false, do_drain },
	{ "quiet", false, do_quiet },
	{ "deadlines", false, do_deadlines },
	{ "preempted", false, do_preempted },
	{ "mutex", false, do_mutex },
	{ "line", false, do_line },
	{ "moves", false, do_moves },
	{ "pays", false, do_pays },
	{ "nothing", false, do_nothing },
	{ "delegated", false, do_delegated },
	{ "fair", false, do_fair },
	{ "cookies", true, do_cookies },
};

static void set_up(void)
{
	cpu_set_t cpu0;

	CPU_ZERO(&cpu0);
	CPU_SET(0, &cpu0);
	must(!sched_setaffinity(0, sizeof(cpu0), &cpu0), "sched_setaffinity");
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(shared != MAP_FAILED, "mmap");

	put("", "cgroup.subtree_control", "+cpu +cpuset");
	must(!mkdir("/sys/fs/cgroup/t", 0755), "t");
	partition("1");
	put("t", "cgroup.subtree_control", "+cpu +cpuset");
	for (int i = 0; i < BORROWERS; i++) {
		char path[32], text[16];

		snprintf(path, sizeof(path), "/sys/fs/cgroup/%s", group_of(i));
		must(!mkdir(path, 0755), path);
		snprintf(text, sizeof(text), "tap%d", i);
		taps[i] = tap_open(text);
		snprintf(text, sizeof(text), "+tap%d", i);
		put(group_of(i), "cpu.spare.dev", text);
	}
}

int main(int argc, char *argv[])
{
	bool known = false;

	set_up();
	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		bool wanted = argc < 2 && !scenes[i].apart;

		for (int k = 1; k < argc; k++)
			wanted |= !strcmp(argv[k], scenes[i].name);
		if (!wanted)
			continue;
		known = true;
		scenes[i].run();
		printf("# %s: %lld events, %lld loans\n", scenes[i].name, stat_of("t", "nr_events"), stat_of("t", "nr_borrows"));
		fflush(stdout);
		if (scenes[i].run != do_fair)
			end_all();
	}
	if (!known)
		printf("provoke: no such scene\n");
	return !known;
}
