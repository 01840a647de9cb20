// SPDX-License-Identifier: GPL-2.0
/* The processes of borrowers and boosters, and what class they have. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "stress.h"

struct slot slots[SLOTS];
int crowd;
bool may_block = true;
int64_t last_left;
pid_t boosters[2];

/* As the kernel computes it. */
unsigned long long to_ratio(unsigned long long period, unsigned long long runtime)
{
	return period ? (runtime << 20) / period : 0;
}

/* Of the CPUs that t has, all slots together ask for more than there is. */
struct attr random_reservation(void)
{
	static const int periods[] = { 1000, 2000, 4000, 5000, 8000, 10000 };	/* us */
	int64_t period = periods[below(ARRAY_SIZE(periods))] * US;
	int64_t runtime = period * (36 + below(240)) / crowd / 100;
	struct attr attr = {
		.size = sizeof(attr), .policy = SCHED_DEADLINE,
		.runtime = runtime < 100 * US ? 100 * US : runtime,
		.deadline = chance(20) ? period * 3 / 4 : period, .period = period,
		.flags = chance(12) ? SCHED_FLAG_RECLAIM : 0,
	};

	return attr;
}

int set_attr(pid_t tid, const struct attr *attr)
{
	return syscall(SYS_sched_setattr, tid, attr, 0) ? errno : 0;
}

static int set_class(pid_t tid, enum policy policy, const struct attr *deadline)
{
	struct attr attr = { .size = sizeof(attr), .policy = SCHED_OTHER };

	if (policy == DEADLINE)
		attr = *deadline;
	else if (policy == FIFO)
		attr.policy = SCHED_FIFO, attr.priority = 1 + below(40);
	return set_attr(tid, &attr);
}

int move(pid_t pid, int group)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	return put(path_of(group, "cgroup.procs"), text);
}

/* Of a slot, or of the calling process if @i is -1. */
int set_affinity(int i, unsigned int cpus)
{
	cpu_set_t set = { .__bits = { cpus } };

	return sched_setaffinity(i < 0 ? 0 : slots[i].pid, sizeof(set), &set) ? errno : 0;
}

bool alive(int i)
{
	return slots[i].pid && !slots[i].dying;
}

/* A live slot, or -1. */
int some_slot(void)
{
	int start = below(crowd);

	for (int k = 0; k < crowd; k++)
		if (alive((start + k) % crowd))
			return (start + k) % crowd;
	return -1;
}

/* When the bandwidth of all that have left will have left. */
int64_t zero_lag(void)
{
	return last_left + ZERO_LAG;
}

/* --- pages --- */

static void take_uffd(struct slot *slot)
{
	int pidfd = syscall(SYS_pidfd_open, slot->pid, 0);

	slot->uffd = syscall(SYS_pidfd_getfd, pidfd, slot->shared->uffd, 0);
	if (slot->uffd < 0)
		fail("userfaultfd %d of process %d: %s", slot->shared->uffd, slot->pid, strerror(errno));
	close(pidfd);
}

/* Whoever waits for a page gets it; also a process that ends may. */
void fill_pages(int i)
{
	struct slot *slot = &slots[i];
	struct uffd_msg msg;

	if (slot->uffd < 0 && slot->shared->uffd > 0 && alive(i))
		take_uffd(slot);
	while (slot->uffd >= 0 && read(slot->uffd, &msg, sizeof(msg)) == sizeof(msg)) {
		struct uffdio_zeropage page = {
			.range = { msg.arg.pagefault.address & ~4095ULL, 4096 },
		};

		/* The other thread's fault may have been first. */
		if (ioctl(slot->uffd, UFFDIO_ZEROPAGE, &page) && errno == EEXIST)
			ioctl(slot->uffd, UFFDIO_WAKE, &page.range);
	}
}

/* --- ptrace --- */

/* What a wait told about the thread that slot @i's tracer looks at. */
static void trace_event(int i, pid_t tid, int status)
{
	struct slot *slot = &slots[i];

	if (!WIFSTOPPED(status))
		slot->traced = UNTRACED;
	else if (status >> 16 != PTRACE_EVENT_STOP)
		ptrace(PTRACE_CONT, tid, 0, WSTOPSIG(status));
	else if (WSTOPSIG(status) == SIGTRAP)
		slot->traced = TRAPPED;
	else	/* stopped like others by SIGSTOP: SIGCONT traps it */
		ptrace(PTRACE_LISTEN, tid, 0, 0);
}

/* Attach, interrupt, go on, detach: what can be done now. ESRCH: it ends, or has not stopped. */
int trace(int i, unsigned int choice)
{
	struct slot *slot = &slots[i];
	int err = 0;

	switch (slot->traced) {
	case UNTRACED:
		slot->tracee = slot->shared->twin && choice & 1 ? (pid_t)slot->shared->twin : slot->pid;
		err = ptrace(PTRACE_SEIZE, slot->tracee, 0, 0) ? errno : 0;
		if (!err)
			slot->traced = TRACED;
		break;
	case TRACED:
		err = ptrace(PTRACE_INTERRUPT, slot->tracee, 0, 0) ? errno : 0;
		break;
	case TRAPPED:
		err = ptrace(choice & 1 ? PTRACE_DETACH : PTRACE_CONT, slot->tracee, 0, 0) ? errno : 0;
		if (!err)
			slot->traced = choice & 1 ? UNTRACED : TRACED;
		/* It is awake when it says so again. */
		slot->shared->awake = 0;
	}
	return err;
}

/* --- life and death --- */

static int slot_of(pid_t tid)
{
	for (int i = 0; i < crowd; i++)
		if (slots[i].pid && (slots[i].pid == tid || (slots[i].traced && slots[i].tracee == tid)))
			return i;
	return -1;
}

void reap(void)
{
	int status, i;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0) {
		i = slot_of(pid);
		if (i >= 0 && (WIFSTOPPED(status) || pid != slots[i].pid)) {
			trace_event(i, pid, status);
			continue;
		}
		if (i < 0 || !slots[i].dying)
			fail("process %d of slot %d ended by itself, status %#x, error %d", pid, i, status,
			     i >= 0 ? slots[i].shared->error : 0);
		if (slots[i].kick >= 0)
			close(slots[i].kick);
		if (slots[i].uffd >= 0)
			close(slots[i].uffd);
		slots[i].pid = 0;
		slots[i].traced = UNTRACED;
		last_left = now();
	}
	if (pid < 0 && errno != ECHILD)
		fail("wait: %s", strerror(errno));
}

/* Behind the cookies of others a thread without a reservation may starve for seconds. */
static void hurry(int i)
{
	pid_t tids[] = { slots[i].pid, slots[i].shared->twin };
	struct sched_param param = { .sched_priority = 98 };

	for (unsigned int k = 0; k < ARRAY_SIZE(tids); k++)
		if (tids[k] && sched_getscheduler(tids[k]) == SCHED_OTHER)
			sched_setscheduler(tids[k], SCHED_FIFO, &param);
}

void await_reaped(void)
{
	/* With KASAN a VM takes 0.1 s to go, and a budget of 0.1 ms in 4 is spent on switches. */
	int64_t end = patience(60000, 60000), soon = patience(1000, 10000);

	for (;;) {
		int left = -1;

		reap();
		for (int i = 0; i < crowd; i++) {
			if (!slots[i].dying || !slots[i].pid)
				continue;
			/* A kernel thread may wait for it in the name of a guest. */
			fill_pages(i);
			if (now() > soon)
				hurry(i);
			left = i;
		}
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
			dump_file(DEBUGFS "debug");
			show_slots();
			fail("slot %d was killed and does not end", left);
		}
		pause_ns(MS);
	}
}

void kill_slot(int i)
{
	if (!alive(i))
		return;
	kill(slots[i].pid, SIGKILL);
	slots[i].dying = true;
}

void stop_slot(int i, bool stop)
{
	kill(slots[i].pid, stop ? SIGSTOP : SIGCONT);
	slots[i].stopped = stop;
	/* It is awake when it says so again. */
	if (!stop)
		slots[i].shared->awake = 0;
}

void let_go(int i)
{
	if (!alive(i))
		return;
	if (slots[i].stopped)
		stop_slot(i, false);
	/* One that is on its way is detached the next time. */
	if (slots[i].traced)
		trace(i, 1);
	fill_pages(i);
}

void let_all_go(void)
{
	reap();
	groups_thaw();
	for (int i = 0; i < crowd; i++)
		let_go(i);
}

void wake_slot(int i)
{
	slots[i].shared->wake++;
	futex(&slots[i].shared->wake, FUTEX_WAKE, 2);
}

/* Tells a guest what to do. */
static void tell(int i, bool steady)
{
	static const uint8_t wishes[KINDS] = {
		[BLOCK] = WISH_HALT, [NAP] = WISH_HALT, [LOCK] = WISH_HALT,
		[TOUCH] = WISH_PAGE, [PIN] = WISH_PAGE | WISH_IRQS, [MIX] = WISH_HALT | WISH_PAGE,
	};
	struct shared *shared = slots[i].shared;
	uint8_t wish = steady || !may_block ? 0 : wishes[shared->kind];

	if (shared->uffd <= 0)
		wish &= ~WISH_PAGE;
	common->wish[i][0] = wish;
}

void set_kind(int i, enum kind kind)
{
	slots[i].shared->kind = kind;
	if (slots[i].guest)
		tell(i, false);
}

void spawn(int i)
{
	struct slot *slot = &slots[i];
	uint64_t state = next_random(&prng);
	bool guest = chance(15), two = !guest && chance(20);
	int guests = 0;

	for (int k = 0; k < crowd; k++)
		guests += slots[k].pid && slots[k].guest;
	guest = guest && !op_named("kick")->missing && guests < 2 + crowd / 16;
	memset(slot->shared, 0, sizeof(*slot->shared));
	slot->shared->kind = may_block ? below(KINDS) : SPIN;
	slot->shared->calm = 1;
	slot->dying = slot->stopped = false;
	slot->guest = guest;
	slot->policy = OTHER;
	slot->left = 0;
	slot->bw = slot->twin_bw = 0;
	slot->group = group_some(true);
	slot->kick = guest ? eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) : -1;
	slot->uffd = -1;
	common->wish[i][0] = 0;
	slot->pid = fork();
	if (slot->pid < 0)
		fail("fork: %s", strerror(errno));
	if (slot->pid)
		return;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* What would keep the memory of others. */
	for (int k = 0; k < crowd; k++)
		if (k != i && slots[k].pid && slots[k].uffd >= 0)
			close(slots[k].uffd);
	set_affinity(-1, all_cpus());
	if (guest)
		guest_run(slot->shared, slot->kick, common->wish[i], pages_make(slot->shared));
	if (two)
		twin_start(slot->shared, state + 1);
	borrower_run(slot->shared, 1, state);
}

/* --- classes --- */

static bool is_frozen(int group)
{
	return groups[group].frozen || groups[groups[group].parent].frozen;
}

/* A guest that does not halt does not sleep, but may have to wait for a lock. */
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
 * without a lock, until make_restless(). False if they do not get there.
 *
 * Nothing else can be asked for another class or reservation. In mainline a
 * blocked thread that leaves its class after its 0-lag time leaves its bandwidth
 * in total_bw for ever; one that is on its way to another CPU's run queue gets
 * it into this_bw twice; a boosted one not at all.
 */
bool make_steady(int i)
{
	struct shared *shared = slots[i].shared;

	if (slots[i].stopped || slots[i].traced || !shared->ready || is_frozen(slots[i].group))
		return false;
	if (slots[i].guest) {
		tell(i, true);
		eventfd_write(slots[i].kick, 1);
		fill_pages(i);
		return guest_is_awake(i);
	}
	shared->steady = 1;
	for (int tries = 0; tries < 30; tries++) {
		if (shared->threads && (shared->awake & shared->threads) == shared->threads)
			return true;
		wake_slot(i);
		fill_pages(i);
		pause_ns(real_time ? 2 * MS : 300 * US);
	}
	shared->steady = 0;
	return false;
}

void make_restless(int i)
{
	slots[i].shared->steady = 0;
	if (slots[i].guest)
		tell(i, false);
}

/* -1 if it was not asked for. */
int slot_class(int i, enum policy policy)
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
	if (!make_steady(i)) {
		make_restless(i);
		return -1;
	}
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
	make_restless(i);
	if (policy != DEADLINE)
		last_left = now();
	return err;
}

/* Whose bandwidth it may be that is missing or too much. */
void show_slots(void)
{
	for (int i = 0; i < crowd; i++)
		printf("# slot %d: last bandwidth %llu, of its second thread %llu, kind %u, class %d, %s%s%sin %s%s\n",
		       i, slots[i].bw, slots[i].twin_bw, slots[i].shared->kind, slots[i].policy,
		       slots[i].guest ? "guest, " : "", slots[i].stopped ? "stopped, " : "",
		       slots[i].traced ? "traced, " : "", groups[slots[i].group].name,
		       is_frozen(slots[i].group) ? ", frozen" : "");
}

/* --- boosters --- */

void stop_booster(int i)
{
	if (!boosters[i])
		return;
	kill(boosters[i], SIGKILL);
	waitpid(boosters[i], NULL, 0);
	boosters[i] = 0;
	last_left = now();
}

void start_booster(int i, enum policy policy, bool must)
{
	struct attr attr = {
		.size = sizeof(attr), .policy = SCHED_DEADLINE, .runtime = BOOSTER_RUNTIME,
		.deadline = MS, .period = BOOSTER_PERIOD,
	};
	int64_t end = now() + (must ? 10000 : 20) * MS;
	int err;

	common->steady = 1;
	boosters[i] = fork();
	if (!boosters[i]) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		set_affinity(-1, all_cpus());
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
