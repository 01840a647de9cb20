// pinger: pings a guest at the instant its vCPU has used up its budget.
//
// As the paper did, it spins on the budget: dl.runtime of /proc/PID/task/TID/sched,
// which any kernel with CONFIG_SCHED_DEBUG has. HRTICK_DL makes the kernel account
// it at the depletion and not at the next tick. To cost the guest little it sleeps
// until a short time before the depletion it expects, and spins only from there.
//
// A quota's budget cannot be read: it is gone when the vCPU, which always computes, has
// stood still for longer than any tick.
//
// On one CPU it cannot run while the vCPU does: it becomes ready to run a short
// time before the depletion, and the depletion is what lets it run.

#include "../lib/chance.h"
#include "../lib/counter.h"
#include "../lib/echo.h"
#include "../lib/instant.h"
#include "../lib/load.h"
#include "../lib/number.h"
#include "budget.h"

#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
	MS = 1000 * US,       // in ns, as all times here
	LEAD = 1000 * US,     // spin this long: an overrun, at most a tick, ends the next budget early
	STANDSTILL = 1200 * US, // a quota's: longer than others hold the CPU, and than a tick
	NAP = 100 * US,       // between two looks at a quota's vCPU
	OVERSLEPT = 200 * US, // a sleep ends this late only if the vCPU had the CPU
	REPLY_TIMEOUT_S = 2,
	POLICY_DEADLINE = 6,
};

struct sched_attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period; // ns
};

struct options {
	pid_t pid, tid;
	struct in_addr address;
	unsigned long pings, every_us, phase_min_us, phase_max_us, burst, gap_min_us, gap_max_us, seed, port, begin_ns, quota_us;
	const char *totals, *spare_stat;
};

struct vcpu {
	int fd;
	int64_t period;      // 0: no limit
	bool quota;          // by a quota, not by a reservation
	int64_t deadline;    // of the period whose depletion was seen last
	int64_t depleted_at; // when that was; 0: never
	int64_t blind;       // the longest a depletion may have gone unseen
	unsigned int missed; // depletions that came before they were looked for
};

struct totals {
	int64_t wall, used;
	unsigned long long loops, loaned_us;
};

static void fail(const char *format, ...)
{
	va_list arguments;

	fputs("pinger: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

// --- the vCPU ---

static void read_text(int fd, const char *what, char *text, size_t size)
{
	ssize_t got = pread(fd, text, size - 1, 0);

	if (got <= 0)
		fail("%s is gone", what);
	text[got] = '\0';
}

static struct budget read_budget(const struct vcpu *vcpu)
{
	struct budget budget;
	char text[4096];

	read_text(vcpu->fd, "the vCPU thread", text, sizeof(text));
	if (!budget_parse(text, &budget))
		fail("no dl.runtime in /proc/PID/task/TID/sched: CONFIG_SCHED_DEBUG is off?");
	return budget;
}

static int64_t read_used(const struct vcpu *vcpu)
{
	char text[4096];
	int64_t used;

	read_text(vcpu->fd, "the vCPU thread", text, sizeof(text));
	if (!budget_parse_used(text, &used))
		fail("no se.sum_exec_runtime in /proc/PID/task/TID/sched");
	return used;
}

static struct vcpu open_vcpu(pid_t pid, pid_t tid, int64_t quota_period)
{
	struct sched_attr attr = { .size = sizeof(attr) };
	struct vcpu vcpu = { 0 };
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/sched", pid, tid);
	vcpu.fd = open(path, O_RDONLY);
	if (vcpu.fd < 0)
		fail("%s: %s", path, strerror(errno));
	if (syscall(SYS_sched_getattr, tid, &attr, sizeof(attr), 0))
		fail("parameters of thread %d: %s", tid, strerror(errno));
	if (attr.policy == POLICY_DEADLINE) {
		vcpu.period = attr.period;
		vcpu.deadline = read_budget(&vcpu).deadline_ns;
	} else if (quota_period) {
		vcpu.period = quota_period;
		vcpu.quota = true;
	}
	return vcpu;
}

// The budget is gone once a period: sleep to shortly before the first such instant
// that is not before earliest and not past. True if the sleep was overslept.
static bool sleep_towards_depletion(const struct vcpu *vcpu, int64_t earliest)
{
	int64_t due = vcpu->depleted_at;

	while (due < earliest || due - LEAD < instant_now())
		due += vcpu->period;
	instant_sleep_until(due - LEAD);
	return instant_now() - (due - LEAD) > OVERSLEPT;
}

// Returns when a depletion was seen, as it happened: the read before still found
// budget or the period before, or the vCPU itself kept this thread from reading.
static int64_t wait_for_depletion(struct vcpu *vcpu, int64_t earliest)
{
	bool watching = !vcpu->depleted_at || sleep_towards_depletion(vcpu, earliest);
	int64_t before = 0;

	for (;;) {
		struct budget budget = read_budget(vcpu);
		int64_t seen_at = instant_now();

		if (budget.runtime_ns <= 0 && budget.deadline_ns != vcpu->deadline) {
			vcpu->deadline = budget.deadline_ns;
			vcpu->depleted_at = seen_at;
			if (watching) {
				if (before && seen_at - before > vcpu->blind)
					vcpu->blind = seen_at - before;
				return seen_at;
			}
			vcpu->missed++;
		}
		__builtin_ia32_pause(); // QEMU: the next CPU has its turn
		watching = true;
		before = seen_at;
	}
}

// The same for a quota, that it began to stand still: it ran before, and does not now.
static int64_t wait_for_standstill(struct vcpu *vcpu, int64_t earliest)
{
	int64_t since = 0, before = 0;

	if (vcpu->depleted_at)
		sleep_towards_depletion(vcpu, earliest);
	while (!before || !since || instant_now() - since < STANDSTILL) {
		int64_t used = read_used(vcpu);

		if (before && used != before)
			since = instant_now();
		before = used;
		instant_sleep_until(instant_now() + NAP); // the vCPU may need this CPU to run
	}
	vcpu->depleted_at = since;
	return since;
}

// --- the network ---

static int open_echo(struct in_addr address)
{
	struct timeval timeout = { .tv_sec = REPLY_TIMEOUT_S };
	int fd = echo_open(address);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)))
		fail("socket to %s: %s", inet_ntoa(address), strerror(errno));
	return fd;
}

// -1 if there is no load.
static int open_load(struct in_addr address, unsigned int port)
{
	int fd = port ? load_open(address, port) : -1;

	if (port && fd < 0)
		fail("socket to port %u: %s", port, strerror(errno));
	return fd;
}

// False if no reply comes in time. Other packets, late replies too, are passed over.
static bool receive_reply(int fd, uint16_t seq)
{
	int64_t end = instant_now() + REPLY_TIMEOUT_S * INT64_C(1000) * MS;
	uint8_t packet[256];
	ssize_t size;

	do {
		size = recv(fd, packet, sizeof(packet), 0);
		if (echo_seq(packet, size) == seq)
			return true;
	} while (size >= 0 && instant_now() < end);
	return false;
}

static unsigned long long ask_loops(int fd)
{
	unsigned long long loops;

	if (!load_ask(fd, '?', &loops))
		fail("the batch load does not answer: %s", strerror(errno));
	return loops;
}

// --- the measurement ---

// With a reservation the instant of a depletion, so that what lies between two of
// them is whole periods; else just a time.
static int64_t wait_for_instant(struct vcpu *vcpu, int64_t earliest)
{
	if (vcpu->quota)
		return wait_for_standstill(vcpu, earliest);
	if (vcpu->period)
		return wait_for_depletion(vcpu, earliest);
	instant_sleep_until(earliest);
	return instant_now();
}

static void ping(int fd, unsigned long seq, int64_t instant, bool has_phase)
{
	int64_t sent = instant_now(), phase = has_phase ? sent - instant : 0, rtt;

	if (!echo_send(fd, seq))
		fail("cannot send: %s", strerror(errno));
	printf("%lu,%lld.%03lld,", seq, (long long)phase / US, (long long)phase % US);
	if (receive_reply(fd, seq)) {
		rtt = instant_now() - sent;
		printf("%lld.%03lld", (long long)rtt / US, (long long)rtt % US);
	}
	putchar('\n');
}

// What the threads below a cgroup have had on loan, by its cpu.spare.stat; 0 without one.
static unsigned long long read_loaned(const char *spare_stat)
{
	unsigned long long loaned_us = 0;
	char text[4096];
	int fd;

	if (!spare_stat)
		return 0;
	fd = open(spare_stat, O_RDONLY);
	if (fd < 0)
		fail("%s: %s", spare_stat, strerror(errno));
	read_text(fd, spare_stat, text, sizeof(text));
	if (!counter_find(text, "borrowed_usec", &loaned_us))
		fail("%s: no borrowed_usec", spare_stat);
	close(fd);
	return loaned_us;
}

static void take_totals(struct totals *totals, const struct vcpu *vcpu, int port)
{
	if (port >= 0)
		totals->loops = ask_loops(port);
	totals->wall = instant_now();
	totals->used = read_used(vcpu);
}

static void write_totals(const char *path, const struct totals *begin, const struct totals *end,
			 const struct vcpu *vcpu)
{
	FILE *file = fopen(path, "w");

	if (!file)
		fail("%s: %s", path, strerror(errno));
	fprintf(file, "wall_ns=%lld\nvcpu_ns=%lld\nloops=%llu\nloaned_us=%llu\nblind_ns=%lld\nmissed=%u\n",
		(long long)(end->wall - begin->wall), (long long)(end->used - begin->used),
		end->loops - begin->loops, end->loaned_us - begin->loaned_us,
		(long long)vcpu->blind, vcpu->missed);
	if (fclose(file))
		fail("%s: %s", path, strerror(errno));
}

static void measure(const struct options *options)
{
	const int64_t every = options->every_us * US;
	const unsigned long spread = options->phase_max_us - options->phase_min_us + 1;
	const unsigned long gaps = options->gap_max_us - options->gap_min_us + 1;
	struct vcpu vcpu = open_vcpu(options->pid, options->tid, options->quota_us * US);
	int echo = open_echo(options->address);
	int port = open_load(options->address, options->port);
	// A depletion may come a little early: half a period tells it from the one before.
	const int64_t least = every - vcpu.period / 2;
	uint64_t state = options->seed;
	struct totals begin = { 0 }, end = { 0 };
	int64_t instant;

	instant_sleep_until(options->begin_ns);
	instant = wait_for_instant(&vcpu, instant_now());
	take_totals(&begin, &vcpu, port);
	// The load is asked by packets, too, and takes its time to answer: what it is lent is not the pings'.
	begin.loaned_us = read_loaned(options->spare_stat);
	for (unsigned long seq = 1; seq <= options->pings; seq++) {
		if ((seq - 1) % options->burst) {
			instant_sleep_until(instant_now() + US * ((int64_t)options->gap_min_us + chance_below(&state, gaps)));
		} else {
			instant = wait_for_instant(&vcpu, instant + least);
			if (options->phase_max_us)
				instant_sleep_until(instant + US * ((int64_t)options->phase_min_us + chance_below(&state, spread)));
		}
		ping(echo, seq, instant, vcpu.period);
	}
	wait_for_instant(&vcpu, instant + least);
	end.loaned_us = read_loaned(options->spare_stat);
	take_totals(&end, &vcpu, port);
	if (options->totals)
		write_totals(options->totals, &begin, &end, &vcpu);
}

// --- arguments ---

static void parse_range(struct argp_state *state, const char *name, char *arg, unsigned long *min_us,
			unsigned long *max_us)
{
	char *most = strchr(arg, ':');

	if (most)
		*most++ = '\0';
	*min_us = number_parse(state, name, arg, 0, 1000000);
	*max_us = number_parse(state, name, most ? most : arg, *min_us, 1000000);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'n':
		options->pings = number_parse(state, "--pings", arg, 1, 65535); // the ICMP sequence
		return 0;
	case 'e':
		options->every_us = number_parse(state, "--every", arg, 1, 10000000);
		return 0;
	case 'q':
		options->quota_us = number_parse(state, "--quota", arg, 1000, 1000000);
		return 0;
	case 'a':
		parse_range(state, "--phase", arg, &options->phase_min_us, &options->phase_max_us);
		return 0;
	case 'u':
		options->burst = number_parse(state, "--burst", arg, 1, 65535);
		return 0;
	case 'g':
		parse_range(state, "--gap", arg, &options->gap_min_us, &options->gap_max_us);
		return 0;
	case 's':
		options->seed = number_parse(state, "--seed", arg, 0, UINT32_MAX);
		return 0;
	case 'b':
		options->begin_ns = number_parse(state, "--begin", arg, 0, INT64_MAX);
		return 0;
	case 'p':
		options->port = number_parse(state, "--load-port", arg, 1, 65535);
		return 0;
	case 't':
		options->totals = arg;
		return 0;
	case 'l':
		options->spare_stat = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0)
			options->pid = number_parse(state, "PID", arg, 1, INT32_MAX);
		else if (state->arg_num == 1)
			options->tid = number_parse(state, "TID", arg, 1, INT32_MAX);
		else if (state->arg_num > 2 || !inet_aton(arg, &options->address))
			argp_error(state, "'%s' is not an IPv4 address", arg);
		return 0;
	case ARGP_KEY_END:
		if (state->arg_num < 3)
			argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp_option known[] = {
		{ "pings", 'n', "N", 0, "how many (100)", 0 },
		{ "every", 'e', "USEC", 0, "time between them, a multiple of the vCPU's period (100000)", 0 },
		{ "quota", 'q', "USEC", 0, "its limit is a quota of that period, in force when it has no reservation", 0 },
		{ "phase", 'a', "MIN[:MAX]", 0, "ping so many microseconds after the depletion (0)", 0 },
		{ "burst", 'u', "N", 0, "so many pings a depletion (1)", 0 },
		{ "gap", 'g', "MIN[:MAX]", 0, "microseconds from a reply to the next ping of a burst (1000)", 0 },
		{ "seed", 's', "N", 0, "of the phases and gaps between MIN and MAX (1)", 0 },
		{ "begin", 'b', "NSEC", 0, "sleep until this time of CLOCK_MONOTONIC first (0)", 0 },
		{ "load-port", 'p', "PORT", 0, "where the batch load tells its loops", 0 },
		{ "totals", 't', "FILE", 0, "write time, vCPU time, loops and time on loan of the measurement", 0 },
		{ "spare-stat", 'l', "FILE", 0, "the cpu.spare.stat that tells the time on loan", 0 },
		{ 0 },
	};
	static const struct argp argp = {
		known, parse_option, "PID TID ADDRESS",
		"Pings ADDRESS when thread TID of process PID has no budget left, or regularly if "
		"it has no reservation. Prints seq,phase_us,rtt_us; a lost ping has no rtt_us.",
		NULL, NULL, NULL,
	};
	struct options options = { .pings = 100, .every_us = 100000, .burst = 1, .gap_min_us = 1000, .gap_max_us = 1000, .seed = 1 };

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	// What is printed waits in memory: writing it would disturb what is measured.
	setvbuf(stdout, NULL, _IOFBF, 4 << 20);
	measure(&options);
	return fclose(stdout) ? 1 : 0;
}
