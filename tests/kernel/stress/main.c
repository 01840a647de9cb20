// SPDX-License-Identifier: GPL-2.0
/*
 * A seeded stress of spare reservations: borrowers of every kind, and all that
 * an administrator, a guest, a debugger or the hardware may do to them meanwhile.
 *
 * Runs as root inside the testbed, alone. /sys/fs/cgroup/t is a partition of all
 * CPUs but this program's, with groups on two levels, both of which may provide
 * pools; the borrowers are in the groups of the second.
 *
 * What it does depends on the seed, and on what the kernel answered before, but
 * on no clock: with an instruction-counted clock a seed is a replay.
 *
 * The kernel may refuse an operation, but only in the ways written down for that
 * operation. What else must hold is looked at at each checkpoint: checkpoint.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>
#include "stress.h"

static bool audit;

static const int busy_only[] = { EBUSY, 0 };
/* EPERM: the affinity is not the root domain's, or the thread runs elsewhere still. */
static const int admission[] = { EBUSY, EPERM, 0 };
static const int affinity_errors[] = { EBUSY, EINVAL, 0 };
/* EINVAL: one of the lines asks for no chances. */
static const int invalid_only[] = { EINVAL, 0 };
static const int dev_errors[] = { EBUSY, ENODEV, 0 };
static const int partition_errors[] = { EBUSY, EINVAL, 0 };
/* The thread has just been killed. EPERM of a deadline thread: as above. */
static const int gone_errors[] = { ESRCH, EPERM, EBUSY, 0 };

#define OP(op, often, errors) { .name = #op, .run = op_##op, .weight = often, .allowed = errors }

struct op rebuild_ops[] = {
	OP(hotplug, 0, busy_only),
	OP(partition, 0, partition_errors),
	{ .name = NULL },
};

struct op ops[] = {
	OP(event, 2600, NULL),
	OP(burst, 300, NULL),
	OP(kick, 700, NULL),
	OP(wake, 1100, NULL),
	OP(page, 700, NULL),
	OP(pause, 800, NULL),
	OP(boost, 500, NULL),
	OP(kind, 400, NULL),
	OP(borrow, 400, invalid_only),
	OP(stat, 200, NULL),
	OP(pool, 250, busy_only),
	OP(no_pool, 120, NULL),
	OP(churn, 20, NULL),
	OP(move, 350, busy_only),
	OP(class, 350, admission),
	OP(parameters, 250, admission),
	OP(changed, 150, gone_errors),
	OP(same, 150, gone_errors),
	OP(uclamp, 250, gone_errors),
	OP(setnuma, 250, gone_errors),
	OP(requeue, 150, NULL),
	OP(affinity, 200, affinity_errors),
	OP(cookie, 200, gone_errors),
	OP(spawn, 150, admission),
	OP(kill, 80, NULL),
	OP(stop, 160, NULL),
	OP(trace, 300, gone_errors),
	OP(freeze, 200, NULL),
	OP(dev, 120, dev_errors),
	OP(tap_again, 6, NULL),
	OP(group, 60, busy_only),
	OP(fair_server, 60, busy_only),
	OP(scx, 15, NULL),
	OP(rt_runtime, 12, busy_only),
	OP(hrtick, 30, NULL),
	OP(rebuild, 5, NULL),
	{ .name = NULL },
};

struct op *op_named(const char *name)
{
	struct op *op = ops;

	while (strcmp(op->name, name))
		op++;
	return op;
}

static struct op *choose(void)
{
	static unsigned int sum;
	unsigned int at;
	struct op *op;

	for (op = sum ? NULL : ops; op && op->name; op++)
		sum += op->weight;
	at = below(sum);
	for (op = ops; at >= op->weight; op++)
		at -= op->weight;
	return op;
}

void run_op(struct op *op)
{
	int64_t began = now();

	current_op = op;
	begin(op->name);
	op->run();
	op->took += now() - began;
	reap();
	if (audit)
		audit_bandwidth();
	/* The emulator's CPUs take turns. */
	__builtin_ia32_pause();
}

/* An operation during which nobody leaves his class, and nobody's run queue changes. */
void run_quiet_op(void)
{
	static const char *const quiet[] = {
		"event", "burst", "wake", "kick", "page", "pause", "boost", "kind", "stat", "borrow", "parameters",
	};

	struct op *op = op_named(quiet[below(ARRAY_SIZE(quiet))]);

	if (!op->missing)
		run_op(op);
	operation++;
}

/* What this kernel, or this machine, cannot do is left out, and said. */
static void find_missing(void)
{
	struct attr attr = { .size = sizeof(attr), .flags = SCHED_FLAG_KEEP_ALL | SCHED_FLAG_UTIL_CLAMP, .util_max = 1024 };

	if (access("/dev/kvm", R_OK))
		op_named("kick")->missing = "no KVM";
	if (!smt)
		op_named("cookie")->missing = "no processor with threads";
	if (access(DEBUGFS "setnuma", W_OK))
		op_named("setnuma")->missing = "no NUMA_BALANCING";
	if (set_attr(0, &attr) == EOPNOTSUPP)
		op_named("uclamp")->missing = "no UCLAMP_TASK";
	op_named("scx")->missing = scx_set_up();
	/*
	 * With a cookie anywhere all picks go another way: half of the seeds have none.
	 * The other half has no BPF scheduler: mainline picks for a sibling without
	 * balance_scx() when this CPU has a deadline thread, and pick_task_scx() finds
	 * SCX_RQ_BAL_KEEP of when that sibling ran another thread, and warns.
	 */
	op_named(seed % 2 ? "cookie" : "scx")->weight = 0;
	for (struct op *op = ops; op->name; op++)
		if (op->missing)
			op->weight = 0;
	if (access(DEBUGFS "migrate_disable", W_OK) || access(DEBUGFS "dl_bandwidth", R_OK))
		fail("the kernel lacks tests/testbed/debug/");
}

static void set_up(void)
{
	static const int crowds[] = { 12, 24, 64 };

	crowd = crowds[seed % ARRAY_SIZE(crowds)];
	if (set_affinity(-1, 1))
		fail("affinity: %s", strerror(errno));
	/* A thread that moves then waits for no grace period. */
	mount("cgroup2", "/sys/fs/cgroup", NULL, MS_REMOUNT, "favordynmods");
	common_set_up();
	for (int i = 0; i < SLOTS; i++)
		slots[i].shared = &common->slot[i];
	groups_set_up();
	machine_set_up();
	find_missing();
	must_put(path_of(0, "cpu.spare.pool"), "400 2000 units=1");
	must_put(path_of(0, "cpu.spare.borrow"), "on");
	for (int i = 0; i < TAPS; i++) {
		char text[16];

		tap_open(i);
		sprintf(text, "+tap%d", i);
		must_put(path_of(i, "cpu.spare.dev"), text);
	}
	writers_set_up();
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

static void sum_up_ops(const struct op *op)
{
	for (; op->name; op++)
		if (op->missing)
			printf(" op_%s=missing", op->name);
		else
			printf(" op_%s=%lu refused_%s=%lu", op->name, outcomes(op, false), op->name, outcomes(op, true));
}

static void show_summary(int64_t began)
{
	unsigned long pins = 0, touches[2] = { 0 };
	struct stat_values stat;

	for (int i = 0; i < SLOTS; i++) {
		pins += common->pins[i];
		touches[0] += common->touches[i][0];
		touches[1] += common->touches[i][1];
	}
	read_stat(0, &stat);
	printf("summary seed=%llu crowd=%d operations=%lu ms=%lld", (unsigned long long)seed, crowd, operation,
	       (long long)((now() - began) / MS));
	for (unsigned int i = 0; i < KEYS; i++)
		printf(" %s=%llu", keys[i], stat.value[i]);
	sum_up_ops(ops);
	sum_up_ops(rebuild_ops);
	printf(" across=%lu boosts=%u pins=%lu touches_user=%lu touches_kernel=%lu digest=%016llx\n", moved_across,
	       common->boosts, pins, touches[0], touches[1], (unsigned long long)record_digest());
}

static void usage(void)
{
	printf("Usage: stress [--verbose] [--audit] [--every N] SEED OPERATIONS virtual|real\n"
	       "  --verbose   print each operation and what the kernel answered\n"
	       "  --audit     after each, look at what the scheduler accounts\n"
	       "  --every N   operations between checkpoints (5000)\n");
	exit(2);
}

int main(int argc, char *argv[])
{
	unsigned long every = 5000, next;
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
	began = now();
	populate();
	next = every;
	while (operation < operations) {
		run_op(choose());
		operation++;
		if (operation >= next && operation < operations) {
			check_all(false);
			show_progress(began);
			populate();
			next = operation + every;
		}
	}
	check_all(true);
	writers_end();
	show_progress(began);
	show_outcomes(ops);
	show_outcomes(rebuild_ops);
	show_summary(began);
	return 0;
}
