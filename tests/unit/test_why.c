#include "unit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "trace/timeline.h"
#include "trace/why.h"

#define MS 1000000ull
#define IDLE 0
#define VCPU 10
#define OTHER 20
#define WORKER 30
#define HOG 40
#define FREEZER 50

/* What was late, and the words for it. */
struct seen {
	int nr;
	struct why_late late;
	char words[WHY_WORDS];
};

static void remember(const struct why_late *late, void *data)
{
	struct seen *seen = data;

	seen->nr++;
	seen->late = *late;
	why_words(seen->words, late);
}

/* A VM 'web' with a vCPU and an I/O thread, and a VM 'db', in one pool; on CPU 1 nobody runs. */
static struct why *start(struct seen *seen, struct why_listener *more)
{
	const struct why_thread threads[] = {
		{ .tid = VCPU, .vm = "web", .role = WHY_VCPU, .comm = "CPU 0/KVM", .pool = "gold", .cpu = -1, .watched = true },
		{ .tid = WORKER, .vm = "web", .role = WHY_IO, .number = -1, .comm = "vhost-9", .cpu = -1, .watched = true },
		{ .tid = OTHER, .vm = "db", .role = WHY_VCPU, .number = 2, .comm = "CPU 2/KVM", .pool = "gold", .cpu = -1 },
	};
	struct why_listener listener = more ? *more : (struct why_listener){ 0 };
	struct why *why;
	size_t i;

	*seen = (struct seen){ 0 };
	listener.late = remember;
	listener.late_data = seen;
	why = why_new(MS, &listener);
	assert_non_null(why);
	for (i = 0; i < sizeof(threads) / sizeof(*threads); i++)
		assert_int_equal(why_add(why, &threads[i]), 0);
	return why;
}

static void give(struct why *why, struct record record)
{
	if (!record.target)
		record.target = -1;
	assert_int_equal(why_take(why, &record), 0);
}

/* On CPU 1; the priority is the next one's. */
static void switched(struct why *why, uint64_t time, pid_t from, char state, pid_t to, const char *comm, int prio)
{
	struct record record = { .time = time, .kind = RECORD_SWITCH, .cpu = 1, .by = from, .prev = from, .prev_state = state,
				 .pid = to, .prio = prio };

	snprintf(record.comm, sizeof(record.comm), "%s", comm);
	give(why, record);
}

static void told(struct why *why, uint64_t time, enum record_kind kind, pid_t pid)
{
	give(why, (struct record){ .time = time, .kind = kind, .cpu = 0, .by = 7, .pid = pid, .comm = "CPU/KVM", .queued = true,
				   .throttled = kind == RECORD_EVENT });
}

static void borrowed(struct why *why, uint64_t time, enum record_kind kind, pid_t pid, bool drained, uint64_t deadline)
{
	give(why, (struct record){ .time = time, .kind = kind, .cpu = 1, .pid = pid, .comm = "CPU/KVM", .throttled = drained,
				   .deadline = deadline });
}

/* It got the CPU, so long after its event. */
static void got(struct why *why, uint64_t time, uint64_t ns, bool refused)
{
	give(why, (struct record){ .time = time, .kind = RECORD_LATENCY, .cpu = 1, .pid = VCPU, .ns = ns, .refused = refused });
	switched(why, time + 1, IDLE, 'R', VCPU, "CPU 0/KVM", -1);
}

static void woken(struct why *why, uint64_t time, pid_t pid, pid_t by, enum record_context context, int prio)
{
	give(why, (struct record){ .time = time, .kind = RECORD_WAKING, .cpu = 1, .context = context, .by = by, .pid = pid,
				   .prio = prio, .target = 1, .text = "waker" });
}

/* The vCPU has run, and its budget is gone: nobody runs. */
static void depleted(struct why *why)
{
	switched(why, 1 * MS, IDLE, 'R', VCPU, "CPU 0/KVM", -1);
	switched(why, 5 * MS, VCPU, 'R', IDLE, "swapper", 120);
}

static void sleeps(struct why *why, char state)
{
	switched(why, 1 * MS, IDLE, 'R', VCPU, "CPU 0/KVM", -1);
	switched(why, 5 * MS, VCPU, state, IDLE, "swapper", 120);
}

/* One late event, of that cause, and these words. */
static void is(struct why *why, const struct seen *seen, enum why_cause cause, const char *words)
{
	assert_string_equal(seen->words, words);
	assert_int_equal(seen->late.cause, cause);
	assert_int_equal(seen->nr, 1);
	why_free(why);
}

static void no_unit_was_free(void **state)
{
	struct seen seen;
	struct why *why = start(&seen, NULL);

	(void)state;
	depleted(why);
	borrowed(why, 6 * MS, RECORD_BORROW, OTHER, false, 16 * MS);
	told(why, 10 * MS, RECORD_EVENT, VCPU);
	told(why, 10 * MS, RECORD_WAIT, VCPU);
	borrowed(why, 22 * MS, RECORD_RETURN, OTHER, false, 30 * MS);
	borrowed(why, 22 * MS, RECORD_BORROW, VCPU, false, 40 * MS);
	got(why, 23 * MS, 13 * MS, false);
	assert_int_equal(seen.late.time, 10 * MS);
	assert_int_equal(seen.late.ns, 13 * MS);
	assert_int_equal(seen.late.cause_ns, 12 * MS);
	assert_int_equal(seen.late.others[0].ns, 12 * MS);
	is(why, &seen, WHY_NO_UNIT, "no unit was free on CPU 1: vCPU 2 of 'db' (20) had it");
}

/* Those whose loans began before the trace, too. */
static void several_had_the_units(void **state)
{
	struct seen seen;
	struct why *why = start(&seen, NULL);
	int i;

	(void)state;
	depleted(why);
	for (i = 0; i < 4; i++)
		borrowed(why, 6 * MS, RECORD_BORROW, 100 + i, false, 16 * MS);
	told(why, 10 * MS, RECORD_EVENT, VCPU);
	told(why, 10 * MS, RECORD_WAIT, VCPU);
	for (i = 0; i < 5; i++)
		borrowed(why, (20 - i) * MS, RECORD_RETURN, 100 + i, false, 30 * MS);
	borrowed(why, 20 * MS, RECORD_BORROW, VCPU, false, 40 * MS);
	got(why, 20 * MS, 10 * MS, false);
	assert_int_equal(seen.late.nr_others, 5);
	is(why, &seen, WHY_NO_UNIT,
	   "no unit was free on CPU 1: CPU/KVM (100), CPU/KVM (101), CPU/KVM (102) and 2 more had them");
}

static void the_unit_was_not_fresh(void **state)
{
	struct seen seen;
	struct why *why = start(&seen, NULL);

	(void)state;
	depleted(why);
	borrowed(why, 6 * MS, RECORD_BORROW, OTHER, false, 16 * MS);
	borrowed(why, 9 * MS, RECORD_RETURN, OTHER, true, 17 * MS);
	told(why, 10 * MS, RECORD_EVENT, VCPU);
	borrowed(why, 10 * MS, RECORD_BORROW, VCPU, true, 17 * MS);
	got(why, 18 * MS, 8 * MS, false);
	/* After that it had a budget, and something else kept it. */
	assert_int_equal(seen.late.cause_ns, 7 * MS);
	is(why, &seen, WHY_NOT_FRESH,
	   "the unit was not fresh on CPU 1: vCPU 2 of 'db' (20) had drained it, until 7.00ms after this came");
}

static void its_own_unit_was_drained(void **state)
{
	struct seen seen;
	struct why *why = start(&seen, NULL);

	(void)state;
	depleted(why);
	told(why, 10 * MS, RECORD_EVENT, VCPU);
	borrowed(why, 10 * MS, RECORD_BORROW, VCPU, false, 20 * MS);
	got(why, 10 * MS, 0, false);
	borrowed(why, 10 * MS, RECORD_DISPATCH, VCPU, false, 20 * MS);
	switched(why, 11 * MS, VCPU, 'R', IDLE, "swapper", 120);
	told(why, 12 * MS, RECORD_EVENT, VCPU);
	got(why, 20 * MS, 8 * MS, false);
	is(why, &seen, WHY_NOT_FRESH,
	   "the unit was not fresh on CPU 1: it had drained it itself, until 8.00ms after this came");
}

static void refused(void **state)
{
	struct seen seen;
	struct why *why = start(&seen, NULL);

	(void)state;
	depleted(why);
	told(why, 10 * MS, RECORD_EVENT, VCPU);
	told(why, 10 * MS, RECORD_REFUSE, VCPU);
	got(why, 60 * MS, 50 * MS, true);
	is(why, &seen, WHY_REFUSED, "refused: its pool has no unit on CPU 1");
}

/* One that stands is told once, and may be of before the trace. */
static void refused_before(void **state)
{
	struct seen seen;
	struct why *why = start(&seen, NULL);

	(void)state;
	depleted(why);
	told(why, 10 * MS, RECORD_EVENT, VCPU);
	got(why, 60 * MS, 50 * MS, true);
	is(why, &seen, WHY_REFUSED,
	   "refused: there was no unit for it on CPU 1, or it owed for loans; that was before this trace");
}

static void charged(void **state)
{
	struct seen seen;
	struct why *why = start(&seen, NULL);

	(void)state;
	depleted(why);
	told(why, 10 * MS, RECORD_EVENT, VCPU);
	give(why, (struct record){ .time = 10 * MS, .kind = RECORD_REFUSE, .pid = VCPU, .owes = true });
	got(why, 60 * MS, 50 * MS, true);
	is(why, &seen, WHY_CHARGED, "charged: it owes what it ran on loans, and gets none before that is paid");
}

static void not_an_event(void **state)
{
	struct seen seen;
	struct why *why = start(&seen, NULL);

	(void)state;
	sleeps(why, 'S');
	give(why, (struct record){ .time = 9 * MS, .kind = RECORD_TIMER, .cpu = 1, .text = "apic_timer_fn" });
	woken(why, 9 * MS, VCPU, IDLE, RECORD_HARDIRQ, -1);
	switched(why, 60 * MS, IDLE, 'R', VCPU, "CPU 0/KVM", -1);
	assert_false(seen.late.reported);
	is(why, &seen, WHY_NOT_EVENT,
	   "not an event: its own timer woke it, which is one with timer=1 only; its own budget was gone");

	why = start(&seen, NULL);
	sleeps(why, 'S');
	woken(why, 9 * MS, VCPU, OTHER, RECORD_PROCESS, -1);
	switched(why, 60 * MS, IDLE, 'R', VCPU, "CPU 0/KVM", -1);
	is(why, &seen, WHY_NOT_EVENT, "not an event: vCPU 2 of 'db' (20) woke it; its own budget was gone");

	/* An event that comes much later gets it the CPU, and is not late. */
	why = start(&seen, NULL);
	sleeps(why, 'S');
	woken(why, 9 * MS, VCPU, OTHER, RECORD_PROCESS, -1);
	told(why, 20 * MS, RECORD_EVENT, VCPU);
	borrowed(why, 20 * MS, RECORD_BORROW, VCPU, false, 30 * MS);
	got(why, 20 * MS, 1000, false);
	assert_int_equal(seen.late.time, 9 * MS);
	is(why, &seen, WHY_NOT_EVENT, "not an event: vCPU 2 of 'db' (20) woke it; its own budget was gone");
}

static void the_io_thread_waited(void **state)
{
	struct seen seen;
	struct why *why = start(&seen, NULL);

	(void)state;
	switched(why, 1 * MS, IDLE, 'R', WORKER, "vhost-9", 120);
	switched(why, 2 * MS, WORKER, 'S', HOG, "gzip", 120);
	woken(why, 5 * MS, WORKER, IDLE, RECORD_SOFTIRQ, 120);
	switched(why, 17 * MS, HOG, 'R', WORKER, "vhost-9", 120);
	is(why, &seen, WHY_IO_THREAD, "the I/O thread vhost-9 (30) waited for CPU 1, where gzip (40) ran");

	why = start(&seen, NULL);
	switched(why, 1 * MS, IDLE, 'R', WORKER, "vhost-9", 120);
	switched(why, 2 * MS, WORKER, 'S', IDLE, "swapper", 120);
	woken(why, 5 * MS, WORKER, IDLE, RECORD_SOFTIRQ, 120);
	switched(why, 17 * MS, IDLE, 'R', WORKER, "vhost-9", 120);
	is(why, &seen, WHY_IO_THREAD,
	   "the I/O thread vhost-9 (30) waited for CPU 1, where nobody ran: its group may have used up its cpu.max");
}

static void the_host_had_the_cpu(void **state)
{
	struct seen seen;
	struct why *why = start(&seen, NULL);

	(void)state;
	sleeps(why, 'S');
	switched(why, 6 * MS, IDLE, 'R', 18, "migration/1", 0);
	told(why, 7 * MS, RECORD_EVENT, VCPU);
	borrowed(why, 7 * MS, RECORD_BORROW, VCPU, false, 17 * MS);
	got(why, 15 * MS, 8 * MS, false);
	is(why, &seen, WHY_HOST, "host: the kernel stopped CPU 1 for work of its own, in migration/1 (18)");

	/* A vCPU without a reservation. */
	why = start(&seen, NULL);
	sleeps(why, 'S');
	switched(why, 6 * MS, IDLE, 'R', HOG, "rt", 49);
	woken(why, 7 * MS, VCPU, HOG, RECORD_HARDIRQ, 120);
	switched(why, 15 * MS, HOG, 'S', VCPU, "CPU 0/KVM", 120);
	is(why, &seen, WHY_HOST, "host: rt (40) ran on CPU 1 with real-time priority");

	why = start(&seen, NULL);
	sleeps(why, 'S');
	switched(why, 6 * MS, IDLE, 'R', HOG, "gzip", 120);
	woken(why, 7 * MS, VCPU, HOG, RECORD_HARDIRQ, 120);
	switched(why, 15 * MS, HOG, 'R', VCPU, "CPU 0/KVM", 120);
	is(why, &seen, WHY_HOST, "host: gzip (40) ran on CPU 1, and the vCPU has no reservation");
}

/* It has a loan with budget, and is put off the CPU by what is above all deadlines. */
static void stopped_on_loan(void **state)
{
	struct seen seen;
	struct why *why = start(&seen, NULL);

	(void)state;
	depleted(why);
	told(why, 10 * MS, RECORD_EVENT, VCPU);
	borrowed(why, 10 * MS, RECORD_BORROW, VCPU, false, 20 * MS);
	got(why, 10 * MS, 0, false);
	borrowed(why, 10 * MS, RECORD_DISPATCH, VCPU, false, 20 * MS);
	switched(why, 11 * MS, VCPU, 'R', 18, "migration/1", 0);
	told(why, 12 * MS, RECORD_EVENT, VCPU);
	got(why, 15 * MS, 3 * MS, false);
	is(why, &seen, WHY_HOST, "host: the kernel stopped CPU 1 for work of its own, in migration/1 (18)");
}

/* Nor is it drained when it goes on with the loan before the unit could get its next budget: the fair server came first. */
static void put_off_on_loan(void **state)
{
	struct record latency = { .time = 15 * MS, .kind = RECORD_LATENCY, .cpu = 1, .pid = VCPU, .ns = 3 * MS, .loan = true };
	struct seen seen;
	struct why *why = start(&seen, NULL);

	(void)state;
	depleted(why);
	told(why, 10 * MS, RECORD_EVENT, VCPU);
	borrowed(why, 10 * MS, RECORD_BORROW, VCPU, false, 20 * MS);
	got(why, 10 * MS, 0, false);
	borrowed(why, 10 * MS, RECORD_DISPATCH, VCPU, false, 20 * MS);
	switched(why, 11 * MS, VCPU, 'R', HOG, "gzip", 120);
	told(why, 12 * MS, RECORD_EVENT, VCPU);
	give(why, latency);
	is(why, &seen, WHY_EARLIER, "an earlier deadline: the fair server's, for gzip (40) ran on CPU 1");
}

/* Anybody may have that name. */
static void not_the_kernels(void **state)
{
	struct seen seen;
	struct why *why = start(&seen, NULL);

	(void)state;
	sleeps(why, 'S');
	switched(why, 6 * MS, IDLE, 'R', HOG, "migration/1", 120);
	woken(why, 7 * MS, VCPU, HOG, RECORD_HARDIRQ, 120);
	switched(why, 15 * MS, HOG, 'R', VCPU, "CPU 0/KVM", 120);
	is(why, &seen, WHY_HOST, "host: migration/1 (40) ran on CPU 1, and the vCPU has no reservation");
}

/* Names go to a terminal, and a VM's process gives its threads any. */
static void names_do_nothing(void **state)
{
	struct why_thread worker = { .tid = 60, .vm = "w\x1b[2Jb", .role = WHY_IO, .number = -1, .comm = "\x1b]0;x\n\xc2\x9b" "1m", .cpu = -1,
				     .watched = true };
	struct seen seen;
	struct why *why = start(&seen, NULL);

	(void)state;
	assert_int_equal(why_add(why, &worker), 0);
	switched(why, 1 * MS, IDLE, 'R', 60, "x", 120);
	switched(why, 2 * MS, 60, 'S', HOG, "a\x9b" "1mb", 120);
	woken(why, 5 * MS, 60, IDLE, RECORD_SOFTIRQ, 120);
	switched(why, 17 * MS, HOG, 'R', 60, "x", 120);
	is(why, &seen, WHY_IO_THREAD, "the I/O thread ?]0;x???1m (60) waited for CPU 1, where a?1mb (40) ran");
}

/* Who is woken and never gets the CPU is late, too: nobody reports an event of an I/O thread. */
static void woken_in_vain(void **state)
{
	struct seen seen;
	struct why *why = start(&seen, NULL);

	(void)state;
	switched(why, 1 * MS, IDLE, 'R', WORKER, "vhost-9", 120);
	switched(why, 2 * MS, WORKER, 'S', HOG, "gzip", 120);
	woken(why, 5 * MS, WORKER, IDLE, RECORD_SOFTIRQ, 120);
	assert_int_equal(why_end(why, 95 * MS), 0);
	assert_true(seen.late.waits);
	assert_false(seen.late.reported);
	assert_int_equal(seen.late.time, 5 * MS);
	assert_int_equal(seen.late.ns, 90 * MS);
	is(why, &seen, WHY_IO_THREAD, "the I/O thread vhost-9 (30) waited for CPU 1, where gzip (40) ran");

	/* Once, when it was woken for an event. */
	why = start(&seen, NULL);
	sleeps(why, 'S');
	woken(why, 10 * MS, VCPU, IDLE, RECORD_HARDIRQ, -1);
	told(why, 10 * MS + 5000, RECORD_EVENT, VCPU);
	told(why, 10 * MS + 5000, RECORD_REFUSE, VCPU);
	assert_int_equal(why_end(why, 95 * MS), 0);
	assert_true(seen.late.reported);
	is(why, &seen, WHY_REFUSED, "refused: its pool has no unit on CPU 1");
}

/* A path that is longer than a record has room for. */
static void frozen_far_below(void **state)
{
	char group[200] = "kubepods.slice/";
	struct why_thread thread = { .tid = 60, .vm = "web", .role = WHY_VCPU, .group = group, .cpu = -1, .watched = true };
	struct record record = { .time = 3 * MS, .kind = RECORD_FREEZE, .cpu = 1, .by = FREEZER };
	struct seen seen;
	struct why *why = start(&seen, NULL);

	(void)state;
	memset(group + strlen(group), 'a', 150);
	snprintf(record.text, sizeof(record.text), "/%s", group);
	assert_int_equal(why_add(why, &thread), 0);
	give(why, record);
	give(why, (struct record){ .time = 10 * MS, .kind = RECORD_EVENT, .pid = 60 });
	assert_int_equal(why_end(why, 40 * MS), 0);
	assert_int_equal(seen.late.cause, WHY_FROZE);
	why_free(why);
}

static void frozen(void **state)
{
	struct seen seen;
	struct why *why = start(&seen, NULL);

	(void)state;
	/* Of a trace that says nothing of groups: by who wakes it. */
	sleeps(why, 'S');
	told(why, 6 * MS, RECORD_REPLY, VCPU);
	give(why, (struct record){ .time = 10 * MS, .kind = RECORD_EVENT, .pid = VCPU });
	give(why, (struct record){ .time = 50 * MS, .kind = RECORD_UNFREEZE, .cpu = 1, .by = FREEZER, .text = "/vms" });
	give(why, (struct record){ .time = 50 * MS, .kind = RECORD_UNFREEZE, .cpu = 1, .by = FREEZER, .text = "/vms/web" });
	woken(why, 50 * MS, VCPU, FREEZER, RECORD_PROCESS, -1);
	got(why, 50 * MS, 40 * MS, false);
	is(why, &seen, WHY_FROZE, "frozen: the group /vms was, by cgroup.freeze");
}

/* And by its group, also while it lasts. */
static void frozen_still(void **state)
{
	struct why_thread thread = { .tid = 60, .vm = "web", .role = WHY_VCPU, .group = "vms/web", .cpu = -1, .watched = true };
	struct seen seen;
	struct why *why = start(&seen, NULL);

	(void)state;
	assert_int_equal(why_add(why, &thread), 0);
	give(why, (struct record){ .time = 2 * MS, .kind = RECORD_FREEZE, .cpu = 1, .by = FREEZER, .text = "/vms/other" });
	give(why, (struct record){ .time = 3 * MS, .kind = RECORD_FREEZE, .cpu = 1, .by = FREEZER, .text = "/vms" });
	give(why, (struct record){ .time = 10 * MS, .kind = RECORD_EVENT, .pid = 60 });
	assert_int_equal(why_end(why, 40 * MS), 0);
	assert_true(seen.late.waits);
	assert_int_equal(seen.late.ns, 30 * MS);
	is(why, &seen, WHY_FROZE, "frozen: the group /vms was, by cgroup.freeze");
}

/* It was before the trace began. Another group that is let go by who wakes it says nothing. */
static void frozen_before(void **state)
{
	struct why_thread thread = { .tid = 60, .vm = "web", .role = WHY_VCPU, .group = "vms/web", .cpu = -1, .watched = true };
	const char *const groups[] = { "/vms/web", "/vms/we" };
	struct seen seen;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct why *why = start(&seen, NULL);
		struct record record = { .time = 40 * MS, .kind = RECORD_UNFREEZE, .cpu = 1, .by = FREEZER };

		assert_int_equal(why_add(why, &thread), 0);
		give(why, (struct record){ .time = 10 * MS, .kind = RECORD_EVENT, .pid = 60 });
		strcpy(record.text, groups[i]);
		give(why, record);
		woken(why, 40 * MS, 60, FREEZER, RECORD_PROCESS, -1);
		give(why, (struct record){ .time = 40 * MS, .kind = RECORD_LATENCY, .cpu = 1, .pid = 60, .ns = 30 * MS });
		assert_int_equal(seen.late.cause, i ? WHY_SLEPT : WHY_FROZE);
		why_free(why);
	}
}

static void stopped(void **state)
{
	struct seen seen;
	struct why *why = start(&seen, NULL);

	(void)state;
	sleeps(why, 'T');
	give(why, (struct record){ .time = 10 * MS, .kind = RECORD_EVENT, .pid = VCPU });
	woken(why, 50 * MS, VCPU, 77, RECORD_PROCESS, -1);
	got(why, 50 * MS, 40 * MS, false);
	is(why, &seen, WHY_WAS_STOPPED, "it was stopped, by a signal or a debugger, until waker (77) let it go on");
}

static void it_slept_in_its_monitor(void **state)
{
	struct seen seen;
	struct why *why = start(&seen, NULL);

	(void)state;
	sleeps(why, 'S');
	give(why, (struct record){ .time = 10 * MS, .kind = RECORD_EVENT, .pid = VCPU });
	woken(why, 19 * MS, VCPU, WORKER, RECORD_PROCESS, -1);
	got(why, 20 * MS, 10 * MS, false);
	is(why, &seen, WHY_SLEPT, "it slept in its machine monitor, for a lock or in a system call, until an I/O thread of 'web' "
	   "(30) woke it");

	why = start(&seen, NULL);
	sleeps(why, 'D');
	give(why, (struct record){ .time = 10 * MS, .kind = RECORD_EVENT, .pid = VCPU });
	woken(why, 20 * MS, VCPU, IDLE, RECORD_HARDIRQ, -1);
	got(why, 20 * MS, 10 * MS, false);
	is(why, &seen, WHY_SLEPT, "it slept in its machine monitor, for a page or a disk, until an interrupt woke it");
}

static void an_earlier_deadline_ran(void **state)
{
	struct seen seen;
	struct why *why = start(&seen, NULL);

	(void)state;
	depleted(why);
	switched(why, 6 * MS, IDLE, 'R', OTHER, "CPU 2/KVM", -1);
	told(why, 7 * MS, RECORD_EVENT, VCPU);
	borrowed(why, 7 * MS, RECORD_BORROW, VCPU, false, 17 * MS);
	switched(why, 10 * MS, OTHER, 'S', HOG, "rt-app", -1);
	got(why, 11 * MS, 4 * MS, false);
	is(why, &seen, WHY_EARLIER, "an earlier deadline: vCPU 2 of 'db' (20) and rt-app (40) ran on CPU 1");

	why = start(&seen, NULL);
	depleted(why);
	switched(why, 6 * MS, IDLE, 'R', HOG, "gzip", 120);
	told(why, 7 * MS, RECORD_EVENT, VCPU);
	borrowed(why, 7 * MS, RECORD_BORROW, VCPU, false, 17 * MS);
	got(why, 11 * MS, 4 * MS, false);
	is(why, &seen, WHY_EARLIER, "an earlier deadline: the fair server's, for gzip (40) ran on CPU 1");
}

/* The most of a wait is its cause, and no more than the wait. */
static void the_longest_part_counts(void **state)
{
	struct seen seen;
	struct why *why = start(&seen, NULL);

	(void)state;
	depleted(why);
	borrowed(why, 6 * MS, RECORD_BORROW, OTHER, false, 16 * MS);
	told(why, 10 * MS, RECORD_EVENT, VCPU);
	told(why, 10 * MS, RECORD_WAIT, VCPU);
	borrowed(why, 12 * MS, RECORD_RETURN, OTHER, true, 20 * MS);
	borrowed(why, 12 * MS, RECORD_BORROW, VCPU, true, 20 * MS);
	got(why, 20 * MS, 10 * MS, false);
	assert_int_equal(seen.late.cause_ns, 8 * MS);
	is(why, &seen, WHY_NOT_FRESH,
	   "the unit was not fresh on CPU 1: vCPU 2 of 'db' (20) had drained it, until 10.0ms after this came");
}

/* What is in time, over, or of others. */
static void not_all_is_late(void **state)
{
	struct seen seen;
	struct why *why = start(&seen, NULL);

	(void)state;
	depleted(why);
	told(why, 10 * MS, RECORD_EVENT, VCPU);
	borrowed(why, 10 * MS, RECORD_BORROW, VCPU, false, 20 * MS);
	got(why, 10 * MS + 999999, 999999, false);
	switched(why, 12 * MS, VCPU, 'S', IDLE, "swapper", 120);
	told(why, 13 * MS, RECORD_EVENT, VCPU);
	told(why, 13 * MS, RECORD_OVER, VCPU);
	told(why, 14 * MS, RECORD_EVENT, OTHER);
	/* It was woken for that. */
	woken(why, 15 * MS, VCPU, OTHER, RECORD_PROCESS, -1);
	told(why, 15 * MS + 5000, RECORD_EVENT, VCPU);
	borrowed(why, 15 * MS + 5000, RECORD_BORROW, VCPU, false, 25 * MS);
	got(why, 15 * MS + 999000, 994000, false);
	assert_int_equal(why_end(why, 90 * MS), 0);
	assert_int_equal(seen.nr, 0);
	why_free(why);
}

static void lost_records_are_counted(void **state)
{
	struct seen seen;
	struct why *why = start(&seen, NULL);
	bool unknown;

	(void)state;
	assert_int_equal(why_lost(why, &unknown), 0);
	assert_false(unknown);
	give(why, (struct record){ .kind = RECORD_LOST, .missing = 12 });
	give(why, (struct record){ .kind = RECORD_LOST, .missing = 3 });
	assert_int_equal(why_lost(why, &unknown), 15);
	assert_false(unknown);
	give(why, (struct record){ .kind = RECORD_LOST, .missing = -1 });
	assert_int_equal(why_lost(why, &unknown), 15);
	assert_true(unknown);
	why_free(why);
}

/* --- the timeline --- */

static json_t *first(json_t *entries, const char *phase, const char *name)
{
	json_t *entry;
	size_t i;

	json_array_foreach(entries, i, entry)
		if (!strcmp(json_string_value(json_object_get(entry, "ph")), phase) &&
		    !strcmp(json_string_value(json_object_get(entry, "name")), name))
			return entry;
	fail_msg("no entry %s '%s'", phase, name);
	return NULL;
}

static double number(json_t *entry, const char *key)
{
	return json_number_value(json_object_get(entry, key));
}

/* On one track nothing lasts while something else does. */
static void slices_are_apart(json_t *entries)
{
	json_t *one, *two;
	size_t i, j;

	json_array_foreach(entries, i, one) {
		json_array_foreach(entries, j, two) {
			if (i == j || strcmp(json_string_value(json_object_get(one, "ph")), "X") ||
			    strcmp(json_string_value(json_object_get(two, "ph")), "X") || number(one, "pid") != number(two, "pid") ||
			    number(one, "tid") != number(two, "tid"))
				continue;
			assert_true(number(one, "ts") + number(one, "dur") <= number(two, "ts") + 1e-6 ||
				    number(two, "ts") + number(two, "dur") <= number(one, "ts") + 1e-6);
		}
	}
}

static void the_timeline_has_all(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	struct timeline *timeline = timeline_new(file, "w\xff" "b");
	struct why_listener listener = { 0 };
	json_t *root, *entries, *arrow;
	struct seen seen;
	struct why *why;

	(void)state;
	timeline_begin(timeline, 1 * MS);
	timeline_listen(timeline, &listener);
	why = start(&seen, &listener);
	depleted(why);
	borrowed(why, 6 * MS, RECORD_BORROW, OTHER, false, 16 * MS);
	told(why, 10 * MS, RECORD_EVENT, VCPU);
	told(why, 10 * MS, RECORD_WAIT, VCPU);
	borrowed(why, 22 * MS, RECORD_RETURN, OTHER, false, 30 * MS);
	borrowed(why, 22 * MS, RECORD_BORROW, VCPU, false, 40 * MS);
	got(why, 23 * MS, 13 * MS, false);
	timeline_late(timeline, &seen.late);
	assert_int_equal(why_end(why, 30 * MS), 0);
	assert_int_equal(timeline_end(timeline), 0);
	fclose(file);
	why_free(why);

	root = json_loads(text, 0, NULL);
	assert_non_null(root);
	entries = json_object_get(root, "traceEvents");
	slices_are_apart(entries);
	assert_true(number(first(entries, "X", "waits for a unit"), "dur") == 12000);
	assert_true(number(first(entries, "X", "vCPU 2 of db"), "ts") == 5000);
	assert_true(number(first(entries, "X", "runs on a loan"), "dur") == 6999.999);
	assert_true(number(first(entries, "X", "vCPU 0 of web"), "pid") == 3);
	arrow = first(entries, "s", "event");
	assert_true(number(arrow, "pid") == 3 && number(arrow, "tid") == 0 && number(arrow, "ts") == 9000);
	arrow = first(entries, "f", "event");
	assert_true(number(arrow, "pid") == 1 && number(arrow, "tid") == VCPU && number(arrow, "ts") == 22000.001);
	assert_true(number(arrow, "id") == number(first(entries, "s", "event"), "id"));
	assert_non_null(strstr(text, "no unit was free on CPU 1"));
	json_decref(root);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_unit_was_free),
		cmocka_unit_test(several_had_the_units),
		cmocka_unit_test(the_unit_was_not_fresh),
		cmocka_unit_test(its_own_unit_was_drained),
		cmocka_unit_test(refused),
		cmocka_unit_test(refused_before),
		cmocka_unit_test(charged),
		cmocka_unit_test(not_an_event),
		cmocka_unit_test(the_io_thread_waited),
		cmocka_unit_test(the_host_had_the_cpu),
		cmocka_unit_test(stopped_on_loan),
		cmocka_unit_test(put_off_on_loan),
		cmocka_unit_test(not_the_kernels),
		cmocka_unit_test(names_do_nothing),
		cmocka_unit_test(woken_in_vain),
		cmocka_unit_test(frozen_far_below),
		cmocka_unit_test(frozen),
		cmocka_unit_test(frozen_still),
		cmocka_unit_test(frozen_before),
		cmocka_unit_test(stopped),
		cmocka_unit_test(it_slept_in_its_monitor),
		cmocka_unit_test(an_earlier_deadline_ran),
		cmocka_unit_test(the_longest_part_counts),
		cmocka_unit_test(not_all_is_late),
		cmocka_unit_test(lost_records_are_counted),
		cmocka_unit_test(the_timeline_has_all),
	};

	return cmocka_run_group_tests_name("why", tests, NULL, NULL);
}
