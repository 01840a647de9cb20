// SPDX-License-Identifier: GPL-2.0
/*
 * A seeded stress of spare reservations: borrowers of every kind, and all that
 * an administrator, a guest or the hardware may do to them meanwhile.
 *
 * Runs as root on four CPUs inside the testbed, alone. CPU 0 is this program's.
 * /sys/fs/cgroup/t is a partition of CPUs 1-3 with groups on two levels, both of
 * which may provide pools; the borrowers are in the groups of the second.
 *
 * What it does depends on the seed, and on what the kernel answered before, but
 * on no clock: with an instruction-counted clock a seed is a replay.
 *
 * The kernel may refuse an operation, but only in the ways written down for that
 * operation. At each checkpoint all borrowers are killed; then no unit may be
 * busy, each loan must have ended for a reason, and the bandwidth that the
 * scheduler accounts must be that of the fair servers and units, to the bit.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/if.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/kvm.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MS	1000000LL	/* ns */
#define US	1000LL
#define ROOT	"/sys/fs/cgroup/"
#define FEATURES "/sys/kernel/debug/sched/features"
#define CPUS	4
#define ALL_CPUS ((1U << CPUS) - 1)
#define SLOTS	12
#define MIDS	4
#define LEAVES	2	/* groups below each of the first level */
#define GROUPS	(1 + MIDS + MIDS * LEAVES)
#define TAPS	4
#define LOCKS	2
#define BOOSTER_RUNTIME	(150 * US)
#define BOOSTER_PERIOD	(5 * MS)
#define PERIOD_MAX	(10 * MS)

/*
 * A thread's bandwidth leaves at its 0-lag time. Its deadline is at most a
 * period away, or as many more as it takes to pay for loans.
 */
#define ZERO_LAG	(4 * PERIOD_MAX)

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof(*(a)))

/* splitmix64, by Sebastiano Vigna, public domain: prng.di.unimi.it/splitmix64.c */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static uint32_t below_of(uint64_t *state, uint32_t n)
{
	return (next_random(state) >> 32) * n >> 32;
}

enum kind { SPIN, BLOCK, YIELD, NAP, LOCK, MIX, KINDS };
enum policy { OTHER, FIFO, DEADLINE };

/* What a borrower and this program share. */
struct shared {
	_Atomic uint32_t kind;		/* enum kind */
	_Atomic uint32_t calm;		/* no reservation limits it: sleep a lot */
	_Atomic uint32_t ready;
	_Atomic uint32_t wake;		/* futex that ends a block */
	_Atomic uint32_t twin;		/* thread id of the second thread, 0 if none */
	_Atomic uint32_t progress;
	_Atomic int error;		/* why a guest could not be made */
	_Atomic uint32_t threads;	/* a bit each */
	_Atomic uint32_t steady;	/* to spin, whatever the kind */
	_Atomic uint32_t awake;		/* bits of those that do not block as long as that stays */
};

struct slot {
	struct shared *shared;
	pid_t pid;			/* 0: nobody */
	bool dying, stopped, guest;
	enum policy policy;
	int group;
	int kick;			/* eventfd: interrupts the guest */
	unsigned long long bw, twin_bw;	/* admitted */
	int64_t left;			/* when it left SCHED_DEADLINE; 0: never */
};

struct group {
	char name[32];
	bool exists;
	int parent;			/* -1: none */
};

static struct {
	struct shared slot[SLOTS];
	_Atomic uint32_t lock[LOCKS];	/* PI futexes */
	_Atomic uint32_t ask;		/* futex: what the boosters are to lock, counted */
	_Atomic uint32_t boosts;	/* how often a booster had to wait for a lock */
	_Atomic uint32_t lock_errors;
	_Atomic uint32_t steady;	/* a booster gets its class: it must not block */
} *common;

static struct slot slots[SLOTS];
static struct group groups[GROUPS];
static pid_t boosters[2];		/* one under SCHED_DEADLINE, one under SCHED_FIFO */
static int taps[TAPS], tap_index[TAPS];

static uint64_t seed, prng, digest = 0xcbf29ce484222325;
static unsigned long operations, operation;
static bool real_time, verbose, audit;
static const char *what = "set-up";
static char words[256];

static bool rt_unlimited, may_block = true;
static bool online[CPUS] = { true, true, true, true };
static int64_t last_left;		/* when a deadline thread last left its class */
static bool own_cpus;			/* g2 has other CPUs than t */
static bool has_bandwidth;		/* the kernel prints what its run queues account */

static uint32_t below(uint32_t n)
{
	return below_of(&prng, n);
}

static bool chance(uint32_t percent)
{
	return below(100) < percent;
}

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void pause_ns(int64_t ns)
{
	struct timespec ts = { ns / 1000000000, ns % 1000000000 };

	nanosleep(&ts, NULL);
}

/* --- reporting --- */

/* FNV-1a: two runs of a seed can be compared without all their output. */
static void record(const char *text)
{
	for (; *text; text++)
		digest = (digest ^ (unsigned char)*text) * 0x100000001b3;
}

static void dump_file(const char *path)
{
	char line[512];
	FILE *file = fopen(path, "r");

	printf("# %s:\n", path);
	while (file && fgets(line, sizeof(line), file))
		printf("#   %s", line);
	if (file)
		fclose(file);
}

/* What was done last: with --verbose the clock, and so the run, is another one. */
#define LATEST 1024
static char latest[LATEST][96];
static unsigned int latest_next;

static void show_latest(void)
{
	for (unsigned int i = 0; i < LATEST; i++)
		if (latest[(latest_next + i) % LATEST][0])
			printf("# %s\n", latest[(latest_next + i) % LATEST]);
}

static void fail(const char *format, ...)
{
	va_list args;

	if (!verbose)
		show_latest();
	printf("FAILED seed %llu operation %lu (%s %s): ", (unsigned long long)seed,
	       operation, what, words);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n# replay: stress --verbose %llu %lu %s\n", (unsigned long long)seed,
	       operation + 1, real_time ? "real" : "virtual");
	fflush(stdout);
	exit(1);
}

static void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
}

/* --- outcomes --- */

#define OUTCOMES 8

struct op {
	const char *name;
	void (*run)(void);
	unsigned int weight;
	const int *allowed;		/* errnos, ended by 0 */
	int64_t took;			/* ns, all together */
	struct {
		int err;
		unsigned long n;
	} outcome[OUTCOMES];
};

static struct op *current_op;

static void count(struct op *op, int err)
{
	int i;

	for (i = 0; i < OUTCOMES - 1 && op->outcome[i].n && op->outcome[i].err != err; i++)
		;
	op->outcome[i].err = err;
	op->outcome[i].n++;
}

/* The kernel answered @err to what @words say. */
static void outcome(int err)
{
	const int *allowed = current_op->allowed;
	char text[320];

	count(current_op, err);
	snprintf(text, sizeof(text), "%lu %s %s: %d", operation, current_op->name, words, err);
	record(text);
	snprintf(latest[latest_next++ % LATEST], sizeof(latest[0]), "%.90s", text);
	if (verbose) {
		printf("%s\n", text);
		fflush(stdout);
	}
	if (!err)
		return;
	while (allowed && *allowed && *allowed != err)
		allowed++;
	if (!allowed || !*allowed)
		fail("unexpected: %s", strerror(err));
}

/* --- files --- */

static int put(const char *path, const char *text)
{
	int err = 0, fd = open(path, O_WRONLY);

	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		err = errno;
	close(fd);
	return err;
}

static void must_put(const char *path, const char *text)
{
	int err = put(path, text);

	if (err)
		fail("'%s' to %s: %s", text, path, strerror(err));
}

static const char *path_of(int group, const char *file)
{
	static char path[640];

	snprintf(path, sizeof(path), ROOT "%s/%s", groups[group].name, file);
	return path;
}

static size_t get(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY);
	size_t got = 0;
	ssize_t n;

	if (fd < 0)
		fail("%s: %s", path, strerror(errno));
	while (got < size - 1 && (n = read(fd, text + got, size - 1 - got)) > 0)
		got += n;
	text[got] = '\0';
	close(fd);
	return got;
}

/* --- statistics --- */

static const char *const keys[] = {
	"nr_events", "nr_borrows", "nr_waits", "nr_refused", "nr_dispatches",
	"borrowed_usec", "waited_usec", "returned_own", "returned_chances",
	"returned_sleep", "returned_reply", "returned_charge", "returned_gone",
};

enum { EVENTS, BORROWS, WAITS, REFUSED, DISPATCHES, BORROWED, WAITED, RETURNED, KEYS = ARRAY_SIZE(keys) };

struct stat_values {
	unsigned long long value[KEYS], units, units_busy;
};

static void read_stat(int group, struct stat_values *stat)
{
	unsigned long long value;
	char text[1024], key[64], *line, *rest = text;
	bool seen[KEYS] = { false };

	memset(stat, 0, sizeof(*stat));
	get(path_of(group, "cpu.spare.stat"), text, sizeof(text));
	while ((line = strsep(&rest, "\n"))) {
		bool known = false;

		if (!*line)
			continue;
		if (sscanf(line, "%63s %llu", key, &value) != 2)
			fail("cpu.spare.stat has the line '%s'", line);
		for (unsigned int i = 0; i < KEYS; i++) {
			if (!strcmp(key, keys[i])) {
				stat->value[i] = value;
				known = seen[i] = true;
			}
		}
		if (!strcmp(key, "units"))
			stat->units = value;
		else if (!strcmp(key, "units_busy"))
			stat->units_busy = value;
		else if (!known)
			fail("cpu.spare.stat has the key %s", key);
	}
	for (unsigned int i = 0; i < KEYS; i++)
		if (!seen[i])
			fail("cpu.spare.stat lacks %s", keys[i]);
}

/* The counters of t include those of groups that are gone: they never fall. */
static void check_monotone(const struct stat_values *stat)
{
	static struct stat_values last;

	for (unsigned int i = 0; i < KEYS; i++)
		if (stat->value[i] < last.value[i])
			fail("%s of t fell from %llu to %llu", keys[i], last.value[i], stat->value[i]);
	last = *stat;
}

static unsigned long long sum_of_returns(const struct stat_values *stat)
{
	unsigned long long sum = 0;

	for (unsigned int i = RETURNED; i < KEYS; i++)
		sum += stat->value[i];
	return sum;
}

/* --- taps --- */

static void tap_open(int i)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int sock = socket(AF_INET, SOCK_DGRAM, 0);

	taps[i] = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "tap%d", i);
	if (taps[i] < 0 || ioctl(taps[i], TUNSETIFF, &ifr) || ioctl(sock, SIOCGIFINDEX, &ifr))
		fail("tap%d: %s", i, strerror(errno));
	tap_index[i] = ifr.ifr_ifindex;
	ifr.ifr_flags = IFF_UP;
	if (ioctl(sock, SIOCSIFFLAGS, &ifr))
		fail("tap%d up: %s", i, strerror(errno));
	close(sock);
}

/* As `ip link del`: children have the tap's file open, too. */
static void tap_delete(int i)
{
	struct { struct nlmsghdr head; struct ifinfomsg info; } ask = {
		.head = { .nlmsg_len = sizeof(ask), .nlmsg_type = RTM_DELLINK, .nlmsg_flags = NLM_F_REQUEST },
		.info = { .ifi_index = tap_index[i] },
	};
	int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (send(sock, &ask, sizeof(ask), 0) < 0)
		fail("tap%d cannot be deleted: %s", i, strerror(errno));
	close(sock);
	close(taps[i]);
}

/* @n packets for whoever is behind the tap: @n events. */
static int tap_send(int i, int n)
{
	static int sock = -1;
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_ifindex = tap_index[i],
		.sll_halen = 6,
	};
	char frame[60] = { [12] = 0x88, [13] = 0xb5 };	/* experimental type */
	int err = 0;

	if (sock < 0)
		sock = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	while (n-- && !err)
		if (sendto(sock, frame, sizeof(frame), 0, (struct sockaddr *)&to, sizeof(to)) < 0)
			err = errno;
	while (read(taps[i], (char[256]){ 0 }, 256) > 0)
		;
	return err;
}

/* --- what borrowers do --- */

static long futex(_Atomic uint32_t *word, int op, uint32_t value)
{
	return syscall(SYS_futex, word, op, value, NULL, NULL, 0);
}

static void spin(int units)
{
	while (units--) {
		for (volatile int i = 0; i < 1000; i++)
			;
		/* The emulator's CPUs take turns: give ours up. */
		__builtin_ia32_pause();
	}
}

/*
 * A holder may be killed: without waiters its id stays in the futex, and who
 * comes next gets ESRCH. Returns whether the lock was taken.
 */
static bool pi_lock(_Atomic uint32_t *lock, bool *waited)
{
	uint32_t tid = syscall(SYS_gettid);

	for (int tries = 0; tries < 100; tries++) {
		uint32_t value = 0;

		if (atomic_compare_exchange_strong(lock, &value, tid))
			return true;
		if (waited)
			*waited = true;
		if (!futex(lock, FUTEX_LOCK_PI, 0))
			return true;
		if (errno == ESRCH)
			atomic_compare_exchange_strong(lock, &value, 0);
		else if (errno != EAGAIN && errno != EINTR)
			break;
	}
	common->lock_errors++;
	return false;
}

static void pi_unlock(_Atomic uint32_t *lock)
{
	uint32_t value = syscall(SYS_gettid);

	if (!atomic_compare_exchange_strong(lock, &value, 0))
		futex(lock, FUTEX_UNLOCK_PI, 0);
}

static void lock_and_work(uint64_t *state)
{
	int first = below_of(state, LOCKS);
	bool held = pi_lock(&common->lock[first], NULL);
	/* In one order only; the second makes chains of waiters. */
	bool nested = first + 1 < LOCKS && below_of(state, 2) &&
		      pi_lock(&common->lock[first + 1], NULL);

	spin(10 + below_of(state, 60));
	if (nested)
		pi_unlock(&common->lock[first + 1]);
	if (held)
		pi_unlock(&common->lock[first]);
}

static void borrower_run(struct shared *me, uint32_t bit, uint64_t state)
{
	me->threads |= bit;
	for (;;) {
		uint32_t kind, wake = me->wake;
		bool steady, calm;

		/* Not to be seen awake on what was read before. */
		me->awake &= ~bit;
		steady = me->steady;
		calm = me->calm && !steady;
		kind = steady ? SPIN : me->kind;
		if (steady || (!calm && (kind == SPIN || kind == YIELD)))
			me->awake |= bit;
		spin(2 + below_of(&state, 30));
		me->progress++;
		if (kind == MIX)
			kind = below_of(&state, MIX);
		if (kind == BLOCK)
			futex(&me->wake, FUTEX_WAIT, wake);
		else if (kind == YIELD)
			sched_yield();
		else if (kind == LOCK)
			lock_and_work(&state);
		if (kind == NAP || kind == LOCK)
			pause_ns((50 + below_of(&state, 700)) * US);
		if (calm)
			pause_ns(MS);
	}
}

struct twin {
	struct shared *me;
	uint64_t state;
};

static void *twin_run(void *arg)
{
	struct twin *twin = arg;

	twin->me->threads |= 2;
	twin->me->twin = syscall(SYS_gettid);
	borrower_run(twin->me, 2, twin->state);
	return NULL;
}

/* For a borrower that is being stopped and continued meanwhile. */
static int patient_ioctl(int fd, unsigned long request, void *arg)
{
	int ret;

	do
		ret = ioctl(fd, request, arg);
	while (ret < 0 && errno == EINTR);
	return ret;
}

/*
 * A guest of one vCPU without an operating system: it computes for about 100 us,
 * then writes to a port that is an ioeventfd: it replies.
 */
static void guest_run(struct shared *me, int kick)
{
	static const uint8_t code[] = {
		0xb9, 0xd0, 0x07,	/* mov $2000, %cx */
		0xe2, 0xfe,		/* loop . */
		0xf3, 0x90,		/* pause */
		0x4a,			/* dec %dx */
		0x75, 0xf6,		/* jnz to the start */
		0xe6, 0x10,		/* out %al, $0x10 */
		0xba, 0x32, 0x00,	/* mov $50, %dx */
		0xeb, 0xef,		/* jmp to the start */
	};
	const size_t size = 0x4000;
	uint8_t *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct kvm_userspace_memory_region region = {
		.memory_size = size, .userspace_addr = (uintptr_t)memory,
	};
	struct { struct kvm_irq_routing head; struct kvm_irq_routing_entry entry; } routing = {
		.head = { .nr = 1 },
		.entry = {
			.gsi = 24, .type = KVM_IRQ_ROUTING_MSI,
			.u.msi = { .address_lo = 0xfee00000, .data = 0x40 },
		},
	};
	struct kvm_irqfd irqfd = { .fd = kick, .gsi = 24 };
	struct kvm_ioeventfd reply = {
		.addr = 0x10, .len = 1, .fd = eventfd(0, EFD_NONBLOCK),
		.flags = KVM_IOEVENTFD_FLAG_PIO,
	};
	struct kvm_regs regs = { .rip = 0x1000, .rflags = 2, .rdx = 50 };
	struct kvm_sregs sregs;
	int kvm = open("/dev/kvm", O_RDWR), vm, vcpu;
	struct kvm_run *run;

	memcpy(memory + 0x1000, code, sizeof(code));
	vm = patient_ioctl(kvm, KVM_CREATE_VM, NULL);
	if (vm < 0 || patient_ioctl(vm, KVM_CREATE_IRQCHIP, NULL) ||
	    patient_ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) ||
	    patient_ioctl(vm, KVM_SET_GSI_ROUTING, &routing) ||
	    patient_ioctl(vm, KVM_IRQFD, &irqfd) || patient_ioctl(vm, KVM_IOEVENTFD, &reply)) {
		me->error = errno;
		_exit(10);
	}
	vcpu = patient_ioctl(vm, KVM_CREATE_VCPU, NULL);
	run = mmap(NULL, ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE,
		   MAP_SHARED, vcpu, 0);
	if (vcpu < 0 || run == MAP_FAILED || patient_ioctl(vcpu, KVM_GET_SREGS, &sregs))
		_exit(11);
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (patient_ioctl(vcpu, KVM_SET_SREGS, &sregs) || patient_ioctl(vcpu, KVM_SET_REGS, &regs))
		_exit(12);
	/* The first entry makes a kernel thread, which a deadline thread may not. */
	run->immediate_exit = 1;
	ioctl(vcpu, KVM_RUN, 0);
	run->immediate_exit = 0;
	for (me->ready = 1;; me->progress++)
		if (ioctl(vcpu, KVM_RUN, 0) < 0 ? errno != EINTR && errno != EAGAIN :
						  run->exit_reason != KVM_EXIT_INTR)
			_exit(20 + run->exit_reason);
}

/* Waits for its turn, and then for a lock that a borrower may hold. */
static void booster_run(void)
{
	for (;;) {
		uint32_t ask = common->ask;
		bool waited = false, held;

		while (common->steady)
			spin(5);

		if (ask & 1) {
			_Atomic uint32_t *lock = &common->lock[ask >> 1 & (LOCKS - 1)];

			held = pi_lock(lock, &waited);
			common->boosts += waited;
			spin(5);
			if (held)
				pi_unlock(lock);
		}
		futex(&common->ask, FUTEX_WAIT, ask);
	}
}

/* --- threads --- */

/* As the kernel computes it. */
static unsigned long long to_ratio(unsigned long long period, unsigned long long runtime)
{
	return period ? (runtime << 20) / period : 0;
}

struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static int set_class(pid_t tid, enum policy policy, const struct attr *deadline)
{
	struct attr attr = { .size = sizeof(attr), .policy = SCHED_OTHER };

	if (policy == DEADLINE)
		attr = *deadline;
	else if (policy == FIFO)
		attr.policy = SCHED_FIFO, attr.priority = 1 + below(40);
	return syscall(SYS_sched_setattr, tid, &attr, 0) ? errno : 0;
}

static struct attr random_reservation(void)
{
	static const int periods[] = { 1000, 2000, 4000, 5000, 8000, 10000 };	/* us */
	int64_t period = periods[below(ARRAY_SIZE(periods))] * US;
	int64_t runtime = period * (3 + below(20)) / 100;
	struct attr attr = {
		.size = sizeof(attr), .policy = 6 /* SCHED_DEADLINE */,
		.runtime = runtime < 100 * US ? 100 * US : runtime,
		.deadline = chance(20) ? period * 3 / 4 : period, .period = period,
		.flags = chance(12) ? 2 /* SCHED_FLAG_RECLAIM */ : 0,
	};

	return attr;
}

static int move(pid_t pid, int group)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	return put(path_of(group, "cgroup.procs"), text);
}

static bool alive(int i)
{
	return slots[i].pid && !slots[i].dying;
}

/* A live slot, or -1. */
static int some_slot(void)
{
	int start = below(SLOTS);

	for (int k = 0; k < SLOTS; k++)
		if (alive((start + k) % SLOTS))
			return (start + k) % SLOTS;
	return -1;
}

/* A group that exists, of the level that holds borrowers if @leaf. */
static int some_group(bool leaf)
{
	int from = leaf ? 1 + MIDS : 0, n = GROUPS - from, start = below(n);

	for (int k = 0; k < n; k++)
		if (groups[from + (start + k) % n].exists)
			return from + (start + k) % n;
	fail("no group left");
	return 0;
}

static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		int i;

		for (i = 0; i < SLOTS && slots[i].pid != pid; i++)
			;
		if (i == SLOTS || !slots[i].dying)
			fail("process %d of slot %d ended by itself, status %#x, error %d", pid, i, status,
			     i < SLOTS ? slots[i].shared->error : 0);
		if (slots[i].kick >= 0)
			close(slots[i].kick);
		slots[i].pid = 0;
		last_left = now();
	}
	if (pid < 0 && errno != ECHILD)
		fail("wait: %s", strerror(errno));
}

static void kill_slot(int i)
{
	if (!alive(i))
		return;
	kill(slots[i].pid, SIGKILL);
	slots[i].dying = true;
}

/* Of a slot, or of the calling process if @i is -1. */
static int set_affinity(int i, unsigned int cpus)
{
	cpu_set_t set = { .__bits = { cpus } };

	return sched_setaffinity(i < 0 ? 0 : slots[i].pid, sizeof(set), &set) ? errno : 0;
}

static bool any_offline(void)
{
	for (int cpu = 0; cpu < CPUS; cpu++)
		if (!online[cpu])
			return true;
	return false;
}

static void spawn(int i)
{
	struct slot *slot = &slots[i];
	uint64_t state = next_random(&prng);
	bool guest = chance(15), two = !guest && chance(20);
	int guests = 0;

	for (int k = 0; k < SLOTS; k++)
		guests += slots[k].pid && slots[k].guest;
	guest = guest && guests < 2;
	memset(slot->shared, 0, sizeof(*slot->shared));
	slot->shared->kind = below(KINDS);
	slot->shared->calm = 1;
	slot->dying = slot->stopped = false;
	slot->guest = guest;
	slot->policy = OTHER;
	slot->left = 0;
	slot->bw = slot->twin_bw = 0;
	slot->group = some_group(true);
	slot->kick = guest ? eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) : -1;
	fflush(stdout);
	slot->pid = fork();
	if (slot->pid < 0)
		fail("fork: %s", strerror(errno));
	if (!slot->pid) {
		struct twin twin = { slot->shared, state + 1 };
		pthread_t thread;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		set_affinity(-1, ALL_CPUS);
		if (guest)
			guest_run(slot->shared, slot->kick);
		if (two && pthread_create(&thread, NULL, twin_run, &twin))
			_exit(13);
		slot->shared->ready = 1;
		borrower_run(slot->shared, 1, state);
	}
}

/* A guest does not sleep, but it may be stopped, or have to wait for a lock. */
static bool guest_is_awake(int i)
{
	char path[64], text[512], *state;

	snprintf(path, sizeof(path), "/proc/%d/stat", slots[i].pid);
	for (int tries = 0; tries < 3; tries++) {
		get(path, text, sizeof(text));
		state = strrchr(text, ')');
		if (!state || state[2] != 'R')
			return false;
		pause_ns(100 * US);
	}
	return true;
}

/*
 * Keeps the threads of a slot on their run queues, running or throttled, and
 * without a lock, until steady is cleared. False if they do not get there.
 *
 * Nothing else can be asked for another class or reservation. In mainline a
 * blocked thread that leaves its class after its 0-lag time leaves its bandwidth
 * in total_bw for ever; one that is on its way to another CPU's run queue gets
 * it into this_bw twice; a boosted one not at all.
 */
static bool make_steady(int i)
{
	struct shared *shared = slots[i].shared;

	if (slots[i].stopped || !shared->ready)
		return false;
	if (slots[i].guest)
		return guest_is_awake(i);
	shared->steady = 1;
	for (int tries = 0; tries < 30; tries++) {
		if (shared->threads && (shared->awake & shared->threads) == shared->threads)
			return true;
		shared->wake++;
		futex(&shared->wake, FUTEX_WAKE, 2);
		pause_ns(real_time ? 2 * MS : 300 * US);
	}
	shared->steady = 0;
	return false;
}

/* -1 if it was not asked for. */
static int slot_class(int i, enum policy policy)
{
	struct slot *slot = &slots[i];
	struct attr attr = random_reservation();
	int err;

	/*
	 * Mainline 6.12: who leaves throttled and comes back after the
	 * replenishment but before the 0-lag time is never replenished again.
	 * That time is overrun * P/Q after the replenishment, 33 ticks here.
	 */
	if (policy == DEADLINE && slot->policy != DEADLINE && slot->left &&
	    now() < slot->left + 500 * MS)
		return -1;
	if (!make_steady(i))
		return -1;
	if (slot->policy == DEADLINE && policy != DEADLINE)
		slot->left = last_left = now();
	err = set_class(slot->pid, policy, &attr);
	if (!err) {
		slot->policy = policy;
		slot->bw = policy == DEADLINE ? to_ratio(attr.period, attr.runtime) : 0;
	}
	if (!err && slot->shared->twin) {
		attr = random_reservation();
		if (!set_class(slot->shared->twin, policy, &attr))
			slot->twin_bw = policy == DEADLINE ? to_ratio(attr.period, attr.runtime) : 0;
	}
	slot->shared->calm = slot->policy != DEADLINE;
	slot->shared->steady = 0;
	if (policy != DEADLINE)
		last_left = now();
	return err;
}

/* Whose bandwidth it may be that is missing or too much. */
static void show_slots(void)
{
	for (int i = 0; i < SLOTS; i++)
		printf("# slot %d: last bandwidth %llu, of its second thread %llu, kind %u, class %d, %s%s in %s\n",
		       i, slots[i].bw, slots[i].twin_bw, slots[i].shared->kind, slots[i].policy,
		       slots[i].guest ? "guest, " : "", slots[i].stopped ? "stopped, " : "",
		       groups[slots[i].group].name);
}

/* --- bandwidth --- */

/* What sched/debug says of a CPU. */
struct bandwidth {
	bool seen;
	unsigned long long total, this_bw, running, max, extra;
	unsigned int span;
};

static unsigned int cpu_list(const char *text)
{
	unsigned int mask = 0;
	char *end;

	while (*text >= '0' && *text <= '9') {
		int from = strtol(text, &end, 10), to = from;

		if (*end == '-')
			to = strtol(end + 1, &end, 10);
		while (from <= to)
			mask |= 1U << from++;
		text = *end == ',' ? end + 1 : end;
	}
	return mask;
}

static void read_bandwidth(struct bandwidth *bw)
{
	static char text[1 << 20];
	char *line, *rest = text, list[32];
	int cpu = -1;

	memset(bw, 0, CPUS * sizeof(*bw));
	get("/sys/kernel/debug/sched/debug", text, sizeof(text));
	while ((line = strsep(&rest, "\n"))) {
		if (!strncmp(line, "dl_rq[", 6) && (cpu = atoi(line + 6)) < CPUS)
			bw[cpu].seen = true;
		if (!*line)
			cpu = -1;
		if (cpu < 0 || cpu >= CPUS)
			continue;
		sscanf(line, " .dl_bw->total_bw : %llu", &bw[cpu].total);
		sscanf(line, " .this_bw : %llu", &bw[cpu].this_bw);
		sscanf(line, " .running_bw : %llu", &bw[cpu].running);
		sscanf(line, " .max_bw : %llu", &bw[cpu].max);
		sscanf(line, " .extra_bw : %llu", &bw[cpu].extra);
		if (sscanf(line, " .rd->span : %31s", list) == 1)
			bw[cpu].span = cpu_list(list), has_bandwidth = true;
	}
}

static unsigned long long read_number(const char *path)
{
	char text[64];

	get(path, text, sizeof(text));
	return strtoull(text, NULL, 10);
}

/* The bandwidth of the servers of each CPU, as configured now. */
static void expected_bandwidth(unsigned long long fair[CPUS], unsigned long long units[CPUS])
{
	char path[96], text[128], list[64];
	unsigned long long runtime, period;
	unsigned int n, mask;

	for (int cpu = 0; cpu < CPUS; cpu++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/sched/fair_server/cpu%d/runtime", cpu);
		runtime = read_number(path);
		snprintf(path, sizeof(path), "/sys/kernel/debug/sched/fair_server/cpu%d/period", cpu);
		fair[cpu] = to_ratio(read_number(path), runtime);
		units[cpu] = 0;
	}
	for (int i = 0; i < GROUPS; i++) {
		if (!groups[i].exists)
			continue;
		get(path_of(i, "cpu.spare.pool"), text, sizeof(text));
		if (sscanf(text, "%llu %llu units=%u cpus=%63s", &runtime, &period, &n, list) != 4)
			continue;
		mask = cpu_list(list);
		for (int cpu = 0; cpu < CPUS; cpu++)
			if (mask & 1 << cpu)
				units[cpu] += n * to_ratio(period * 1000, runtime * 1000);
	}
}

/* When the bandwidth of all that have left will have left. */
static int64_t zero_lag(void)
{
	return last_left + ZERO_LAG;
}

/*
 * What root domains have beyond what was given to servers and living threads.
 * Threads that left their class still count until their 0-lag time.
 */
static long long bandwidth_beyond(void)
{
	unsigned long long fair[CPUS], units[CPUS];
	struct bandwidth bw[CPUS];
	unsigned int seen = 0;
	long long beyond = 0;

	expected_bandwidth(fair, units);
	read_bandwidth(bw);
	for (int cpu = 0; cpu < CPUS; cpu++) {
		if (!bw[cpu].seen)
			continue;
		if (!(seen & 1 << cpu))
			beyond += bw[cpu].total;
		seen |= bw[cpu].span;
		beyond -= fair[cpu] + units[cpu];
	}
	for (int i = 0; i < SLOTS; i++)
		if (alive(i))
			beyond -= slots[i].bw + slots[i].twin_bw;
	if (boosters[0])
		beyond -= to_ratio(BOOSTER_PERIOD, BOOSTER_RUNTIME);
	return beyond;
}

static void show_bandwidth(void)
{
	unsigned long long fair[CPUS], units[CPUS];
	struct bandwidth bw[CPUS];

	expected_bandwidth(fair, units);
	read_bandwidth(bw);
	for (int cpu = 0; cpu < CPUS; cpu++)
		printf("# CPU %d: fair server %llu, units %llu; total_bw %llu, this_bw %llu, running_bw %llu, span %#x\n",
		       cpu, fair[cpu], units[cpu], bw[cpu].total, bw[cpu].this_bw, bw[cpu].running, bw[cpu].span);
}

/* To find where bandwidth is lost: says whenever that changes. */
static void audit_bandwidth(void)
{
	static long long last;
	long long beyond = bandwidth_beyond();

	if (beyond != last)
		printf("# after operation %lu (%s %s): %lld beyond what was given\n",
		       operation, what, words, beyond);
	last = beyond;
}

/* Says in @wrong what is not as it must be. */
static bool bandwidth_is_exact(bool base, char *wrong, size_t size)
{
	unsigned long long fair[CPUS], units[CPUS];
	struct bandwidth bw[CPUS];
	size_t n = 0;

	expected_bandwidth(fair, units);
	read_bandwidth(bw);
	/* Only the debug kernel tells which CPUs a root domain has. */
	if (!has_bandwidth && !base)
		return true;
	for (int cpu = 0; cpu < CPUS && n < size; cpu++) {
		unsigned int span = has_bandwidth ? bw[cpu].span : cpu ? 0xe : 0x1;
		unsigned long long total = 0;

		if (bw[cpu].seen != online[cpu])
			n += snprintf(wrong + n, size - n, " CPU %d is not as set;", cpu);
		if (!online[cpu])
			continue;
		for (int k = 0; k < CPUS; k++)
			if (span & 1 << k && online[k])
				total += fair[k] + units[k];
		if (n < size && bw[cpu].total != total)
			n += snprintf(wrong + n, size - n, " total_bw of CPU %d is %llu, its servers have %llu (span %#x);",
				      cpu, bw[cpu].total, total, span);
		if (n < size && has_bandwidth && bw[cpu].this_bw != fair[cpu] + units[cpu])
			n += snprintf(wrong + n, size - n, " this_bw of CPU %d is %llu, its servers have %llu + %llu;",
				      cpu, bw[cpu].this_bw, fair[cpu], units[cpu]);
		/* The fair server may be at work for somebody. */
		if (n < size && bw[cpu].running && bw[cpu].running != fair[cpu])
			n += snprintf(wrong + n, size - n, " running_bw of CPU %d is %llu, of which the fair server %llu;",
				      cpu, bw[cpu].running, fair[cpu]);
	}
	return !n;
}

static void check_bandwidth(const char *when, bool base)
{
	char wrong[800] = "";
	int64_t began = now(), end = began + 3000 * MS;

	while (!bandwidth_is_exact(base, wrong, sizeof(wrong))) {
		if (now() > end) {
			show_slots();
			fail("%s:%s", when, wrong);
		}
		pause_ns(10 * MS);
	}
	if (*wrong && now() > began + 100 * MS)
		printf("# %s: bandwidth exact after %lld ms more:%s\n", when, (long long)((now() - began) / MS), wrong);
}

/* --- operations on borrowers --- */

static const int busy_only[] = { EBUSY, 0 };
/* EPERM: the affinity is not the root domain's, or the thread runs elsewhere still. */
static const int admission[] = { EBUSY, EPERM, 0 };
static const int affinity_errors[] = { EBUSY, EINVAL, 0 };

static void try_class(int i, enum policy policy)
{
	int err = slot_class(i, policy);

	if (err >= 0)
		outcome(err);
}

static void op_spawn(void)
{
	int i = below(SLOTS);

	say("%d", i);
	if (slots[i].pid)
		return;
	spawn(i);
	outcome(move(slots[i].pid, slots[i].group));
	pause_ns(300 * US);
	say("%d guest %d kind %u in %s", i, slots[i].guest, slots[i].shared->kind,
	    groups[slots[i].group].name);
	try_class(i, DEADLINE);
}

static void op_kill(void)
{
	int i = some_slot();

	say("%d", i);
	if (i >= 0)
		kill_slot(i);
	outcome(0);
}

/* The first is for all groups, unless it was taken away from them. */
static int some_tap(void)
{
	return chance(50) ? 0 : below(TAPS);
}

static void op_event(void)
{
	int i = some_tap();

	say("%d", i);
	outcome(tap_send(i, 1));
}

static void op_burst(void)
{
	int i = some_tap(), n = 2 + below(10);

	say("%d x%d", i, n);
	outcome(tap_send(i, n));
}

static void op_kick(void)
{
	int i, start = below(SLOTS);

	for (int k = 0; k < SLOTS; k++) {
		i = (start + k) % SLOTS;
		if (alive(i) && slots[i].guest && slots[i].shared->ready) {
			say("%d", i);
			outcome(eventfd_write(slots[i].kick, 1) ? errno : 0);
			return;
		}
	}
}

static void op_wake(void)
{
	int i = some_slot();

	say("%d", i);
	if (i < 0)
		return;
	slots[i].shared->wake++;
	futex(&slots[i].shared->wake, FUTEX_WAKE, 2);
	outcome(0);
}

static void op_kind(void)
{
	int i = some_slot();

	if (i < 0)
		return;
	slots[i].shared->kind = may_block ? below(KINDS) : below(2) ? SPIN : YIELD;
	say("%d kind %u", i, slots[i].shared->kind);
	outcome(0);
}

static void op_boost(void)
{
	uint32_t ask = common->ask;

	/* The lowest bit: not before anybody has asked. */
	common->ask = (ask | 1) + (2 + 2 * below(4));
	say("%u", common->ask);
	futex(&common->ask, FUTEX_WAKE, 2);
	outcome(0);
}

static void op_pause(void)
{
	int us = 50 + below(800);

	say("%d", us);
	pause_ns(us * US);
	outcome(0);
}

static void stop_slot(int i, bool stop)
{
	kill(slots[i].pid, stop ? SIGSTOP : SIGCONT);
	slots[i].stopped = stop;
	/* It is awake when it says so again. */
	if (!stop)
		slots[i].shared->awake = 0;
}

static void continue_all(void)
{
	for (int i = 0; i < SLOTS; i++)
		if (alive(i) && slots[i].stopped)
			stop_slot(i, false);
}

static void op_stop(void)
{
	int i = some_slot();

	if (i < 0)
		return;
	stop_slot(i, !slots[i].stopped);
	say("%d %d", i, slots[i].stopped);
	outcome(0);
}

static void op_class(void)
{
	int i = some_slot();
	enum policy policy = chance(60) ? DEADLINE : below(2);

	say("%d to %d", i, policy);
	if (i < 0)
		return;
	/* Otherwise one that was pinned would never come back. */
	if (slots[i].policy != DEADLINE && policy == DEADLINE && chance(80))
		set_affinity(i, ALL_CPUS);
	try_class(i, policy);
}

static void op_parameters(void)
{
	int i = some_slot();

	say("%d", i);
	if (i >= 0 && slots[i].policy == DEADLINE)
		try_class(i, DEADLINE);
}

static void op_affinity(void)
{
	int i = some_slot();
	unsigned int cpus = chance(40) || any_offline() ? ALL_CPUS : 2 * (1 + below(7));

	say("%d to %x", i, cpus);
	if (i >= 0)
		outcome(set_affinity(i, cpus));
}

static bool is_isolated(int group)
{
	char text[64];

	get(path_of(group, "cpuset.cpus.partition"), text, sizeof(text));
	return !strncmp(text, "isolated\n", 9);
}

/*
 * Between root domains only who is awake: mainline takes the bandwidth of a thread
 * that moves from where it last ran, and a sleeper that goes and comes back did not
 * run where it went. Nor who has left its class before its 0-lag time: what it still
 * counts for is taken from where it is then. Between cpusets nobody who may be boosted
 * into SCHED_DEADLINE: mainline counts the threads of that class before the move and
 * after it, and a recount passes over a cpuset that has none. Nor between two isolated
 * partitions: they are one root domain, in which mainline adds what moves once more.
 */
static bool may_move(int i, int group)
{
	int from = groups[slots[i].group].parent, to = groups[group].parent;
	bool leaves = (from == 3) != (to == 3);

	if (from == to)
		return true;
	if (leaves && is_isolated(0) && is_isolated(3))
		return false;
	if (leaves && slots[i].policy != DEADLINE &&
	    (now() < zero_lag() || (has_bandwidth && bandwidth_beyond())))
		return false;
	if (leaves || slots[i].policy != DEADLINE || slots[i].shared->twin)
		return make_steady(i);
	return true;
}

static void op_move(void)
{
	int i = some_slot(), group = some_group(true), err;

	say("%d to %s", i, groups[group].name);
	if (i < 0 || !may_move(i, group))
		return;
	err = move(slots[i].pid, group);
	slots[i].shared->steady = 0;
	if (!err)
		slots[i].group = group;
	outcome(err);
}

/* --- operations on groups --- */

/* EINVAL: one of the lines asks for no chances. */
static const int invalid_only[] = { EINVAL, 0 };
static const int dev_errors[] = { EBUSY, ENODEV, 0 };

static void op_borrow(void)
{
	int group = some_group(false), n;
	char text[128];

	/* What t says binds all. */
	switch (!group && chance(75) ? 19 : below(20)) {
	case 0 ... 3:
		strcpy(text, "inherit");
		break;
	case 4:
		strcpy(text, "off");
		break;
	case 5:
		strcpy(text, "on chances=0");
		break;
	default:
		n = sprintf(text, "on");
		if (chance(40))
			n += sprintf(text + n, " chances=%u", 1 + below(4));
		if (chance(30))
			n += sprintf(text + n, " charge=%u", below(3) != 0);
		if (chance(40))
			n += sprintf(text + n, " reply=%u", below(4) != 0);
		if (chance(30))
			n += sprintf(text + n, " linger=%u", below(2) * below(500));
	}
	say("%s '%s'", groups[group].name, text);
	outcome(put(path_of(group, "cpu.spare.borrow"), text));
}

static void op_pool(void)
{
	static const int periods[] = { 1000, 2000, 3000, 5000 };
	/* One of a leaf is of no use to anybody, but must count. */
	int group = chance(40) ? 0 : some_group(chance(15));
	int period = periods[below(ARRAY_SIZE(periods))], n;
	char text[128];

	n = sprintf(text, "%d %d units=%u", period * (4 + (int)below(10)) / 100, period, 1 + below(4));
	if (chance(60)) {
		unsigned int cpus = 1 + below((1 << CPUS) - 1);

		n += sprintf(text + n, " cpus=");
		for (int cpu = 0; cpu < CPUS; cpu++)
			if (cpus & 1 << cpu)
				n += sprintf(text + n, "%d,", cpu);
		text[n - 1] = '\0';
	}
	say("%s '%s'", groups[group].name, text);
	outcome(put(path_of(group, "cpu.spare.pool"), text));
}

static void op_no_pool(void)
{
	int group = some_group(false);

	say("%s", groups[group].name);
	outcome(put(path_of(group, "cpu.spare.pool"), "none"));
}

static void op_stat(void)
{
	struct stat_values stat;
	int group = some_group(false);
	char text[256];

	read_stat(group, &stat);
	read_stat(0, &stat);
	check_monotone(&stat);
	snprintf(text, sizeof(text), "%llu %llu %llu", stat.value[EVENTS], stat.value[BORROWS],
		 stat.value[BORROWED]);
	record(text);
	say("%s", groups[group].name);
	outcome(0);
}

static void op_dev(void)
{
	int group = some_group(false), tap = below(TAPS);
	char text[16];

	sprintf(text, "%ctap%d", chance(70) ? '+' : '-', tap);
	say("%s %s", groups[group].name, text);
	outcome(put(path_of(group, "cpu.spare.dev"), text));
}

static void op_tap_again(void)
{
	int tap = below(TAPS);

	say("%d", tap);
	tap_delete(tap);
	tap_open(tap);
	outcome(0);
}

static int make_group(int i)
{
	if (mkdir(path_of(i, ""), 0755))
		return errno;
	groups[i].exists = true;
	return groups[i].parent ? 0 : put(path_of(i, "cgroup.subtree_control"), "+cpu");
}

static int remove_group(int i)
{
	for (int k = 0; k < GROUPS; k++)
		if (groups[k].exists && groups[k].parent == i && rmdir(path_of(k, "")))
			return errno;
		else if (groups[k].parent == i)
			groups[k].exists = false;
	if (rmdir(path_of(i, "")))
		return errno;
	groups[i].exists = false;
	return 0;
}

/* The first group of each level always stays, and g2, whose CPUs may be its own. */
static void op_group(void)
{
	int i = 1 + below(GROUPS - 1);

	say("%s", groups[i].name);
	if (i == 1 || i == 3 || i == 1 + MIDS || (groups[i].parent && !groups[groups[i].parent].exists))
		return;
	outcome(groups[i].exists ? remove_group(i) : make_group(i));
}

static void await_reaped(void)
{
	int64_t end = now() + (real_time ? 60000 : 10000) * MS;

	for (;;) {
		int left = -1;

		reap();
		for (int i = 0; i < SLOTS; i++)
			if (slots[i].dying && slots[i].pid)
				left = i;
		if (left < 0)
			return;
		if (now() > end) {
			static const char *const files[] = { "status", "stack", "sched" };
			pid_t tids[] = { slots[left].pid, slots[left].shared->twin };
			char path[64];

			for (unsigned int k = 0; k < 2 * ARRAY_SIZE(files); k++) {
				snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", tids[0],
					 tids[k / ARRAY_SIZE(files)], files[k % ARRAY_SIZE(files)]);
				dump_file(path);
			}
			dump_file("/sys/kernel/debug/sched/debug");
			show_slots();
			fail("slot %d was killed and does not end", left);
		}
		pause_ns(MS);
	}
}

static struct op ops[], rebuild_ops[];

static void run_op(struct op *op)
{
	int64_t began = now();

	current_op = op;
	what = op->name;
	words[0] = '\0';
	op->run();
	op->took += now() - began;
	reap();
	if (audit)
		audit_bandwidth();
	/* The emulator's CPUs take turns. */
	__builtin_ia32_pause();
}

/* An operation during which nobody leaves his class. */
static void run_quiet_op(void)
{
	static const char *const quiet[] = {
		"event", "burst", "wake", "kick", "pause", "boost", "kind", "stat", "borrow", "parameters",
	};
	const char *name = quiet[below(ARRAY_SIZE(quiet))];
	struct op *op = ops;

	while (strcmp(op->name, name))
		op++;
	run_op(op);
	operation++;
}

/*
 * Mainline takes the bandwidth of a thread that left its class at its 0-lag time
 * from the root domain of then; one that was rebuilt meanwhile never counted it.
 */
static void await_zero_lag(void)
{
	int64_t end = now() + (real_time ? 60000 : 10000) * MS;
	struct op *op = current_op;

	await_reaped();
	/*
	 * Who has left its class before its 0-lag time and holds a lock that the
	 * booster waits for is a deadline thread still, with all its bandwidth.
	 */
	continue_all();
	/*
	 * In real time an emulated CPU may be held up; what a thread overruns by
	 * puts off its 0-lag time, more the smaller its reservation.
	 */
	while (now() < zero_lag() || (has_bandwidth && bandwidth_beyond())) {
		if (now() > end) {
			show_bandwidth();
			show_slots();
			fail("total_bw is %lld beyond what was given to servers and threads", bandwidth_beyond());
		}
		run_quiet_op();
	}
	current_op = op;
}

/* --- operations on the machine --- */

static int set_online(int cpu, bool on)
{
	char path[64];
	int err;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", cpu);
	err = put(path, on ? "1" : "0");
	if (!err)
		online[cpu] = on;
	return err;
}

/* All CPUs, and the partitions as they were at the start. */
static void restore_machine(void)
{
	for (int cpu = 1; cpu < CPUS; cpu++)
		if (!online[cpu] && set_online(cpu, true))
			fail("CPU %d does not come back", cpu);
	must_put(path_of(3, "cpuset.cpus.partition"), "member");
	/* None at all is refused to a group with threads. */
	must_put(path_of(3, "cpuset.cpus"), "1-3");
	own_cpus = false;
	must_put(path_of(0, "cpuset.cpus"), "1-3");
	must_put(path_of(0, "cpuset.cpus.partition"), "root");
}

static void op_rt_runtime(void)
{
	static const char *const values[] = { "950000", "950000", "900000", "800000", "600000", "980000" };
	bool unlimited = chance(40);
	const char *text = unlimited ? "-1" : values[below(ARRAY_SIZE(values))];
	int err;

	/* It rebuilds the root domains: as in op_rebuild(). */
	await_zero_lag();
	restore_machine();
	what = "rt_runtime";
	say("%s", text);
	err = put("/proc/sys/kernel/sched_rt_runtime_us", text);
	if (!err)
		rt_unlimited = unlimited;
	outcome(err);
}

static void op_hrtick(void)
{
	say("");
	outcome(put(FEATURES, chance(70) ? "HRTICK_DL" : "NO_HRTICK_DL"));
}

/* EBUSY: too little bandwidth would be left. */
static void op_hotplug(void)
{
	int cpu = 1 + below(CPUS - 1);

	for (int k = 1; k < CPUS; k++)
		if (!online[k])
			cpu = k;
	say("CPU %d %s", cpu, online[cpu] ? "off" : "on");
	outcome(set_online(cpu, !online[cpu]));
}

/*
 * The CPUs of a group are changed only while it is a member, and t only while no
 * group below it is more: mainline warns of overlapping partitions otherwise.
 */
static void op_partition(void)
{
	static const char *const states[] = { "root", "member", "isolated" }, *const cpus[] = { "3", "2", "2-3" };
	int group = chance(60) ? 3 : 0;
	bool change_cpus = group && (chance(50) || !own_cpus);

	if (!group || change_cpus)
		must_put(path_of(3, "cpuset.cpus.partition"), "member");
	if (change_cpus) {
		own_cpus = true;
		say("%s cpus %s", groups[group].name, cpus[below(3)]);
		outcome(put(path_of(group, "cpuset.cpus"), strrchr(words, ' ') + 1));
	} else {
		say("%s %s", groups[group].name, states[below(3)]);
		outcome(put(path_of(group, "cpuset.cpus.partition"), strrchr(words, ' ') + 1));
	}
}

static struct op *choose(struct op *table)
{
	unsigned int sum = 0, at;
	struct op *op;

	for (op = table; op->name; op++)
		sum += op->weight;
	at = below(sum);
	for (op = table; at >= op->weight; op++)
		at -= op->weight;
	return op;
}

static void stop_booster(int i)
{
	if (!boosters[i])
		return;
	kill(boosters[i], SIGKILL);
	waitpid(boosters[i], NULL, 0);
	boosters[i] = 0;
	last_left = now();
}

static void start_booster(int i, enum policy policy, bool must)
{
	struct attr attr = {
		.size = sizeof(attr), .policy = 6, .runtime = BOOSTER_RUNTIME,
		.deadline = MS, .period = BOOSTER_PERIOD,
	};
	int64_t end = now() + (must ? 10000 : 20) * MS;
	int err;

	fflush(stdout);
	common->steady = 1;
	boosters[i] = fork();
	if (!boosters[i]) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		set_affinity(-1, ALL_CPUS);
		booster_run();
	}
	err = move(boosters[i], 1 + MIDS);
	/* EPERM until it has run in its own root domain. */
	while (!err && (err = set_class(boosters[i], policy, &attr)) && now() < end) {
		pause_ns(MS);
		err = 0;
	}
	common->steady = 0;
	if (err && must)
		fail("booster: %s", strerror(err));
	if (err)
		stop_booster(i);
}

/* All that have a reservation spin from here on, or wait for budget. */
static void await_nobody_blocked(void)
{
	int64_t end = now() + (real_time ? 60000 : 10000) * MS;
	bool left;

	stop_booster(0);
	may_block = false;
	for (int i = 0; i < SLOTS; i++) {
		if (!alive(i))
			continue;
		if (slots[i].stopped)
			stop_slot(i, false);
		slots[i].shared->kind = below(2) ? SPIN : YIELD;
	}
	do {
		left = false;
		for (int i = 0; i < SLOTS; i++) {
			struct shared *shared = slots[i].shared;

			if (!alive(i) || slots[i].guest || !slots[i].bw || (shared->awake & shared->threads) == shared->threads)
				continue;
			left = true;
			shared->wake++;
			futex(&shared->wake, FUTEX_WAKE, 2);
		}
		if (now() > end)
			fail("a borrower does not wake up");
		if (left)
			pause_ns(500 * US);
	} while (left);
	await_zero_lag();
}

/*
 * Root domains change, and what goes on meanwhile: nobody leaves his class.
 *
 * CPUs go off and on, one at a time, or partitions change, not both: mainline
 * divides by zero in set_cpus_allowed_dl() when a thread gets a new mask that
 * lacks the CPU where it fell asleep, and that is offline. Nobody sleeps: mainline
 * counts the bandwidth of a sleeper in the domain of the CPU where it fell asleep,
 * also if it may not run there any more, and takes it from another in the end.
 *
 * The hrtick lets nobody overrun: whose budget ends just before its replenishment,
 * on a CPU that goes offline, is moved to another by mainline's dl_task_timer(),
 * although it is still the current thread here.
 */
static void op_rebuild(void)
{
	struct op *op = &rebuild_ops[below(2)];
	int n = 4 + below(8);

	await_zero_lag();
	await_nobody_blocked();
	restore_machine();
	if (op->run == op_hotplug) {
		must_put(FEATURES, "HRTICK_DL");
		for (int i = 0; i < SLOTS; i++)
			if (alive(i))
				set_affinity(i, ALL_CPUS);
	}
	while (n--) {
		int events = 3 + below(8);

		run_op(op);
		operation++;
		while (events--)
			run_quiet_op();
	}
	may_block = true;
	/* EPERM where its group's CPUs are no root domain now. */
	start_booster(0, DEADLINE, false);
}

static const int partition_errors[] = { EBUSY, EINVAL, 0 };

static struct op rebuild_ops[] = {
	{ "hotplug", op_hotplug, 0, busy_only, 0, { { 0 } } },
	{ "partition", op_partition, 0, partition_errors, 0, { { 0 } } },
	{ .name = NULL },
};

static struct op ops[] = {
	{ "event", op_event, 2800, NULL, 0, { { 0 } } },
	{ "burst", op_burst, 300, NULL, 0, { { 0 } } },
	{ "kick", op_kick, 700, NULL, 0, { { 0 } } },
	{ "wake", op_wake, 1100, NULL, 0, { { 0 } } },
	{ "pause", op_pause, 1100, NULL, 0, { { 0 } } },
	{ "boost", op_boost, 500, NULL, 0, { { 0 } } },
	{ "kind", op_kind, 400, NULL, 0, { { 0 } } },
	{ "borrow", op_borrow, 450, invalid_only, 0, { { 0 } } },
	{ "stat", op_stat, 300, NULL, 0, { { 0 } } },
	{ "pool", op_pool, 250, busy_only, 0, { { 0 } } },
	{ "no_pool", op_no_pool, 120, NULL, 0, { { 0 } } },
	{ "move", op_move, 350, busy_only, 0, { { 0 } } },
	{ "class", op_class, 400, admission, 0, { { 0 } } },
	{ "parameters", op_parameters, 350, admission, 0, { { 0 } } },
	{ "affinity", op_affinity, 200, affinity_errors, 0, { { 0 } } },
	{ "spawn", op_spawn, 200, admission, 0, { { 0 } } },
	{ "kill", op_kill, 100, NULL, 0, { { 0 } } },
	{ "stop", op_stop, 160, NULL, 0, { { 0 } } },
	{ "dev", op_dev, 150, dev_errors, 0, { { 0 } } },
	{ "tap_again", op_tap_again, 6, NULL, 0, { { 0 } } },
	{ "group", op_group, 60, busy_only, 0, { { 0 } } },
	{ "rt_runtime", op_rt_runtime, 15, busy_only, 0, { { 0 } } },
	{ "hrtick", op_hrtick, 30, NULL, 0, { { 0 } } },
	{ "rebuild", op_rebuild, 5, NULL, 0, { { 0 } } },
	{ .name = NULL },
};

/* --- checkpoints --- */

/* Who spins on a reservation gets it: nobody has been forgotten in a queue. */
static void check_progress(void)
{
	int64_t end = now() + (real_time ? 30000 : 3000) * MS;
	uint32_t before[SLOTS];
	bool waits[SLOTS];
	int left;

	for (int i = 0; i < SLOTS; i++) {
		waits[i] = alive(i) && slots[i].policy == DEADLINE && !slots[i].stopped &&
			   !slots[i].guest && slots[i].shared->kind == SPIN && !slots[i].shared->twin;
		before[i] = slots[i].shared->progress;
	}
	/* It may wait for a lock that one of them holds. */
	continue_all();
	do {
		left = -1;
		for (int i = 0; i < SLOTS; i++) {
			waits[i] = waits[i] && slots[i].shared->progress - before[i] < 3;
			/* It may block once more before it sees that it is to spin. */
			if (waits[i]) {
				slots[i].shared->wake++;
				futex(&slots[i].shared->wake, FUTEX_WAKE, 2);
				left = i;
			}
		}
		if (left >= 0 && now() > end) {
			char path[64];

			snprintf(path, sizeof(path), "/proc/%d/sched", slots[left].pid);
			dump_file(path);
			dump_file("/sys/kernel/debug/sched/debug");
			fail("slot %d (%d) has a reservation and does not run", left, slots[left].pid);
		}
		if (left >= 0)
			pause_ns(MS);
	} while (left >= 0);
}

static void check_stat(void)
{
	struct stat_values stat;

	for (int i = 0; i < GROUPS; i++) {
		if (!groups[i].exists)
			continue;
		read_stat(i, &stat);
		if (stat.units_busy)
			fail("%llu units of %s busy with no borrower alive", stat.units_busy, groups[i].name);
		if (sum_of_returns(&stat) != stat.value[BORROWS])
			fail("%s: %llu borrows, %llu returns", groups[i].name, stat.value[BORROWS],
			     sum_of_returns(&stat));
		/* A thread may take an event, a wait or a loan along to another group. */
		if (i)
			continue;
		if (stat.value[WAITED] && !stat.value[WAITS])
			fail("waited %llu us in no wait", stat.value[WAITED]);
		if (stat.value[BORROWED] && !stat.value[DISPATCHES])
			fail("ran %llu us on loans in no dispatch", stat.value[BORROWED]);
		if (stat.value[DISPATCHES] && !stat.value[BORROWS])
			fail("%llu dispatches without a loan", stat.value[DISPATCHES]);
		if (stat.value[BORROWS] && !stat.value[EVENTS])
			fail("%llu loans without an event", stat.value[BORROWS]);
	}
	read_stat(0, &stat);
	check_monotone(&stat);
}

static void remove_pools(void)
{
	for (int i = 0; i < GROUPS; i++)
		if (groups[i].exists)
			must_put(path_of(i, "cpu.spare.pool"), "none");
}

/* Groups that were removed go when nobody looks. */
static void await_dead_groups(void)
{
	int64_t end = now() + (real_time ? 60000 : 20000) * MS;
	char text[256], *line;

	for (;;) {
		get(ROOT "cgroup.stat", text, sizeof(text));
		line = strstr(text, "nr_dying_descendants ");
		if (!line || atoi(line + 21) == 0)
			return;
		if (now() > end)
			fail("removed groups stay: %s", line);
		pause_ns(10 * MS);
	}
}

static void check_all(bool last)
{
	const char *const rt = "/proc/sys/kernel/sched_rt_runtime_us";

	what = "checkpoint";
	words[0] = '\0';
	check_progress();
	for (int i = 0; i < SLOTS; i++)
		kill_slot(i);
	stop_booster(0);
	stop_booster(1);
	await_reaped();
	while (now() < zero_lag())
		pause_ns(zero_lag() - now());
	await_dead_groups();
	check_stat();
	check_bandwidth("as it is", false);
	/* What was admitted without a limit may be too much for one. */
	if (put(rt, "950000")) {
		remove_pools();
		must_put(rt, "950000");
	}
	rt_unlimited = false;
	restore_machine();
	if (last)
		remove_pools();
	check_bandwidth(last ? "without pools" : "restored", true);
}

static void populate(void)
{
	start_booster(0, DEADLINE, true);
	start_booster(1, FIFO, true);

	/* Whatever happened to taps and groups, there shall be something to borrow for. */
	for (int i = 0; i < TAPS; i++) {
		char text[16];

		sprintf(text, "+tap%d", i);
		put(path_of(i, "cpu.spare.dev"), text);
	}
	put(path_of(0, "cpu.spare.borrow"), "on");
	for (int i = 0; i < 8; i++)
		if (!slots[i].pid) {
			spawn(i);
			move(slots[i].pid, slots[i].group);
		}
	pause_ns(5 * MS);
	for (int i = 0; i < 8; i++)
		if (alive(i))
			slot_class(i, DEADLINE);
}

/* --- start and end --- */

static void set_up(void)
{
	int leaf = 1 + MIDS;

	if (set_affinity(-1, 1))
		fail("affinity: %s", strerror(errno));
	/* A thread that moves then waits for no grace period. */
	mount("cgroup2", "/sys/fs/cgroup", NULL, MS_REMOUNT, "favordynmods");
	common = mmap(NULL, sizeof(*common), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (common == MAP_FAILED)
		fail("mmap: %s", strerror(errno));
	for (int i = 0; i < SLOTS; i++)
		slots[i].shared = &common->slot[i];

	strcpy(groups[0].name, "t");
	groups[0].parent = -1;
	for (int i = 0; i < MIDS; i++) {
		snprintf(groups[1 + i].name, sizeof(groups->name), "t/g%d", i);
		for (int k = 0; k < LEAVES; k++, leaf++) {
			snprintf(groups[leaf].name, sizeof(groups->name), "t/g%d/s%d", i, k);
			groups[leaf].parent = 1 + i;
		}
	}
	must_put(ROOT "cgroup.subtree_control", "+cpu +cpuset");
	for (int i = 0; i < GROUPS; i++) {
		if (mkdir(path_of(i, ""), 0755))
			fail("%s: %s", path_of(i, ""), strerror(errno));
		groups[i].exists = true;
		if (!i)
			must_put(path_of(i, "cgroup.subtree_control"), "+cpu +cpuset");
		else if (!groups[i].parent)
			must_put(path_of(i, "cgroup.subtree_control"), "+cpu");
	}
	must_put(path_of(0, "cpuset.cpus"), "1-3");
	must_put(path_of(0, "cpuset.cpus.partition"), "root");
	must_put(path_of(0, "cpu.spare.pool"), "400 2000 units=1");
	must_put(path_of(0, "cpu.spare.borrow"), "on");
	for (int i = 0; i < TAPS; i++) {
		char text[16];

		tap_open(i);
		sprintf(text, "+tap%d", i);
		must_put(path_of(i, "cpu.spare.dev"), text);
	}
}

static void show_outcomes(const struct op *op)
{
	for (; op->name; op++) {
		printf("# %-12s %6lld ms", op->name, (long long)(op->took / MS));
		for (int i = 0; i < OUTCOMES && op->outcome[i].n; i++)
			printf(" %s %lu", op->outcome[i].err ? strerrorname_np(op->outcome[i].err) : "ok",
			       op->outcome[i].n);
		printf("\n");
	}
}

static void show_progress(int64_t began)
{
	struct stat_values stat;

	read_stat(0, &stat);
	printf("# seed %llu: %lu of %lu operations, %llu borrows, %llu waits, %lld ms\n",
	       (unsigned long long)seed, operation, operations, stat.value[BORROWS],
	       stat.value[WAITS], (long long)((now() - began) / MS));
	fflush(stdout);
}

static void show_summary(void)
{
	struct stat_values stat;

	read_stat(0, &stat);
	printf("summary seed=%llu operations=%lu", (unsigned long long)seed, operation);
	for (unsigned int i = 0; i < KEYS; i++)
		printf(" %s=%llu", keys[i], stat.value[i]);
	printf(" boosts=%u digest=%016llx\n", common->boosts, (unsigned long long)digest);
}

static void usage(void)
{
	printf("Usage: stress [--verbose] [--audit] [--every N] SEED OPERATIONS virtual|real\n"
	       "  --verbose   print each operation and what the kernel answered\n"
	       "  --audit     after each, look at what the scheduler accounts\n"
	       "  --every N   operations between checkpoints (2500)\n");
	exit(2);
}

int main(int argc, char *argv[])
{
	unsigned long every = 2500, next;
	int64_t began;
	int arg = 1;

	for (; arg < argc && argv[arg][0] == '-'; arg++) {
		if (!strcmp(argv[arg], "--verbose"))
			verbose = true;
		else if (!strcmp(argv[arg], "--audit"))
			audit = true;
		else if (!strcmp(argv[arg], "--every") && arg + 1 < argc)
			every = strtoul(argv[++arg], NULL, 10);
		else
			usage();
	}
	if (argc - arg != 3 || !every)
		usage();
	seed = strtoull(argv[arg], NULL, 10);
	operations = strtoul(argv[arg + 1], NULL, 10);
	real_time = !strcmp(argv[arg + 2], "real");
	prng = seed;

	set_up();
	bandwidth_beyond();	/* learns has_bandwidth */
	began = now();
	populate();
	next = every;
	while (operation < operations) {
		run_op(choose(ops));
		operation++;
		if (operation >= next && operation < operations) {
			check_all(false);
			show_progress(began);
			populate();
			next = operation + every;
		}
	}
	check_all(true);
	show_progress(began);
	show_outcomes(ops);
	show_outcomes(rebuild_ops);
	show_summary();
	return 0;
}
