// SPDX-License-Identifier: GPL-2.0
/* dlspare observe */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "apply/quota.h"
#include "command/command.h"
#include "command/edit.h"
#include "command/interrupt.h"
#include "command/observe.h"
#include "command/privilege.h"
#include "host/clock.h"
#include "host/group.h"
#include "host/host.h"
#include "host/thread.h"

#define LAST_MIN (10 * NSEC_PER_MSEC)
#define LAST_MAX (86400 * NSEC_PER_SEC)
#define LAST_DEFAULT (60 * NSEC_PER_SEC)
/* Between two looks at the records, which are to have room meanwhile. */
#define ROUND_MS 250
/* The default of dlspare assign. */
#define LINGER (200 * NSEC_PER_USEC)

/* --- the VMs --- */

static char *quota_limit(pid_t tid)
{
	char *group = group_of(tid), *text = NULL, *limit = NULL;
	struct quota quota;

	if (group && quota_above(&quota, group)) {
		text = quota_text(&quota);
		free(quota.group);
	}
	if (text && asprintf(&limit, "at most %s (cpu.max)", text) < 0)
		limit = NULL;
	free(text);
	free(group);
	return limit;
}

/* What may take its budget, for people: a new text; NULL: nothing does. */
static char *limit_of(pid_t tid)
{
	char *class = thread_class(tid), *limit = NULL, runtime[UNITS_TEXT], period[UNITS_TEXT];
	struct reservation reservation;
	int length = 0;

	if (class && thread_class_reservation(class, &reservation))
		length = asprintf(&limit, "a reservation of %s in every %s", units_print(runtime, reservation.runtime),
				  units_print(period, reservation.period));
	else if (class && (!strncmp(class, "fifo", 4) || !strncmp(class, "rr", 2)))
		length = asprintf(&limit, "class %s, whose threads may run for sched_rt_runtime_us together", class);
	else
		limit = quota_limit(tid);
	free(class);
	return length < 0 ? NULL : limit;
}

static bool is_wanted(const struct observe *observe, const struct vm *vm)
{
	int i;

	for (i = 0; i < observe->nr_names; i++)
		if (!strcmp(observe->names[i], vm->name))
			return true;
	return !observe->nr_names;
}

static int check_names(const struct observe *observe)
{
	bool found;
	size_t j;
	int i;

	for (i = 0; i < observe->nr_names; i++) {
		found = false;
		for (j = 0; j < observe->seen.nr; j++)
			found |= !strcmp(observe->names[i], observe->seen.list[j].name);
		if (!found)
			return fail(NOT_FOUND, "no VM '%s' runs; see dlspare find", observe->names[i]);
	}
	return observe->seen.nr ? DONE : fail(NOT_FOUND, "no VM runs; see dlspare find");
}

static int by_tid(const void *a, const void *b)
{
	const struct observe_vcpu *one = a, *other = b;

	return (one->tid > other->tid) - (one->tid < other->tid);
}

/* Its threads as they are now; a vhost worker counts what it delivers. */
static int add_vm(struct observe *observe, const struct vm *vm)
{
	struct observe_vm *entry = &observe->vms[observe->nr_vms];
	struct observe_vcpu *vcpus;
	size_t i;

	entry->vm = vm;
	for (i = 0; i < vm->nr_threads; i++) {
		const struct vm_thread *thread = &vm->threads[i];

		if (thread->role == VM_IO)
			continue;
		if (!watch_add(observe->watch, thread->tid, observe->nr_vms, thread->role == VM_VCPU))
			return fail(FAILED, "VM '%s': its threads cannot be looked at: %s", vm->name, strerror(errno));
		if (thread->role != VM_VCPU)
			continue;
		if (!entry->nr_vcpus++)
			entry->limit = limit_of(thread->tid);
		vcpus = reallocarray(observe->vcpus, observe->nr_vcpus + 1, sizeof(*vcpus));
		if (!vcpus)
			return fail(FAILED, "out of memory");
		observe->vcpus = vcpus;
		vcpus[observe->nr_vcpus++] = (struct observe_vcpu){ .tid = thread->tid, .vm = observe->nr_vms };
	}
	observe->nr_vms++;
	return DONE;
}

static int add_vms(struct observe *observe)
{
	int code = DONE;
	size_t i;

	observe->vms = calloc(observe->seen.nr, sizeof(*observe->vms));
	if (!observe->vms)
		return fail(FAILED, "out of memory");
	for (i = 0; code == DONE && i < observe->seen.nr; i++)
		if (is_wanted(observe, &observe->seen.list[i]))
			code = add_vm(observe, &observe->seen.list[i]);
	if (code != DONE)
		return code;
	if (observe->nr_vcpus)
		qsort(observe->vcpus, observe->nr_vcpus, sizeof(*observe->vcpus), by_tid);
	for (i = 0; i < observe->nr_vcpus; i++) {
		observe->vcpus[i].deaf = (struct deaf){ .vcpu = i, .waits = &observe->vms[observe->vcpus[i].vm].waits,
							.replay = &observe->replay };
	}
	return DONE;
}

/* --- the look --- */

static bool take(const struct observe_record *record, void *data)
{
	struct observe *observe = data;
	struct observe_vcpu key = { .tid = record->tid }, *vcpu = NULL;

	if (observe->nr_vcpus)
		vcpu = bsearch(&key, observe->vcpus, observe->nr_vcpus, sizeof(key), by_tid);
	return !vcpu || deaf_take(&vcpu->deaf, record);
}

static int look(struct observe *observe)
{
	const uint64_t begin = clock_ns(CLOCK_MONOTONIC), cpu_time = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	const struct timespec round = { .tv_nsec = ROUND_MS * NSEC_PER_MSEC };
	uint64_t now = begin, left, before;
	int status = 0;

	watch_cost(observe->watch, &before);
	while (!status && !interrupt_came() && now < begin + observe->last) {
		left = begin + observe->last - now;
		nanosleep(left < ROUND_MS * NSEC_PER_MSEC ? &(struct timespec){ .tv_nsec = left } : &round, NULL);
		status = watch_read(observe->watch, take, observe);
		now = clock_ns(CLOCK_MONOTONIC);
	}
	observe->end = now;
	observe->looked = now - begin;
	observe->has_programs_cost = watch_cost(observe->watch, &observe->programs_cost);
	observe->programs_cost -= before;
	observe->own_cost = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_time;
	watch_stop(observe->watch);
	if (!status)
		status = watch_read(observe->watch, take, observe);
	return status ? fail(FAILED, "what came cannot be read: %s", strerror(errno)) : DONE;
}

static void count_thread(struct observe *observe, struct observe_vm *vm, pid_t tid)
{
	const struct observe_thread counts = watch_counts(observe->watch, tid);
	int i;

	for (i = 0; i < NR_OBSERVE_EVENTS; i++)
		vm->events[i] += counts.events[i];
	vm->starved += counts.starved;
	vm->nr_starved += counts.nr_starved;
	vm->nr_busy += counts.nr_busy;
	if (counts.busy_worst > vm->busy_worst)
		vm->busy_worst = counts.busy_worst;
	/* Without budget still. */
	if (counts.starved_since && counts.starved_since < observe->end)
		vm->starved += observe->end - counts.starved_since;
}

static void sum_up(struct observe *observe)
{
	size_t i, j;

	for (i = 0; i < observe->nr_vms; i++)
		for (j = 0; j < observe->vms[i].vm->nr_threads; j++)
			if (observe->vms[i].vm->threads[j].role != VM_IO)
				count_thread(observe, &observe->vms[i], observe->vms[i].vm->threads[j].tid);
	replay_run(&observe->replay, observe->unit, LINGER);
	for (i = 0; i < observe->replay.nr; i++) {
		const struct replay_event *event = &observe->replay.events[i];

		waits_add(&observe->vms[observe->vcpus[event->vcpu].vm].lent, event->wait);
	}
	observe->lost = watch_lost(observe->watch);
}

/* What the figures do not have. */
static void say_limits(const struct observe *observe)
{
	const char *posted = hooks_posted(), *lack;
	int i;

	for (i = 0; i < NR_HOOK_KINDS; i++) {
		lack = hooks_lack(&observe->hooks, i);
		if (lack)
			say("this kernel has no function for it, or its module is not loaded: %s", lack);
	}
	if (posted)
		say("%s is in use: what comes for a vCPU that runs is not all counted, and of what devices post to the guest "
		    "themselves (VFIO) nothing is seen; what waits is, but for that", posted);
	if (observe->lost)
		say("%" PRIu64 " records were lost: too many came at a time", observe->lost);
	if (observe->replay.cut)
		say("the unit was tried with the first %d events alone", REPLAY_MAX);
}

static int run(struct observe *observe)
{
	char error[RESULT_ERROR];
	int code = check_names(observe);

	if (code != DONE)
		return code;
	code = watch_open(&observe->watch, &observe->hooks, false, error);
	if (code != DONE)
		return fail(code, "%s", error);
	code = add_vms(observe);
	if (code != DONE)
		return code;
	code = watch_start(observe->watch, &observe->hooks, error);
	if (code != DONE)
		return fail(code, "%s", error);
	interrupt_catch(SIGINT);
	interrupt_catch(SIGTERM);
	code = look(observe);
	if (code != DONE)
		return code;
	sum_up(observe);
	say_limits(observe);
	code = options.json ? observe_json(observe) : observe_print(observe);
	return code == DONE && observe->figure ? observe_figure(observe) : code;
}

static void free_observe(struct observe *observe)
{
	size_t i;

	watch_close(observe->watch);
	for (i = 0; i < observe->nr_vcpus; i++)
		deaf_free(&observe->vcpus[i].deaf);
	for (i = 0; i < observe->nr_vms; i++)
		free(observe->vms[i].limit);
	replay_free(&observe->replay);
	free(observe->vcpus);
	free(observe->vms);
	vms_free(&observe->seen);
}

/* --- the command --- */

/* What this host lacks, before anything is loaded. */
static int check_host(struct observe *observe)
{
	char error[RESULT_ERROR];

	if (!privilege_has(CAP_SYS_ADMIN) && !(privilege_has(CAP_BPF) && privilege_has(CAP_PERFMON)))
		return fail(MISSING, "observe needs root: it takes CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN");
	if (!host_exists(host_path("/dev/kvm")))
		return fail(MISSING, "no /dev/kvm: switch virtualization on in the firmware, and modprobe kvm_intel or kvm_amd");
	if (hooks_find(&observe->hooks, error) != DONE)
		return fail(MISSING, "%s", error);
	return DONE;
}

static int read_options(struct observe *observe, int argc, char **argv)
{
	static const struct option list[] = {
		{ "for", required_argument, NULL, 'f' },
		{ "spare-runtime", required_argument, NULL, 'r' },
		{ "spare-period", required_argument, NULL, 'p' },
		{ "figure", required_argument, NULL, 'F' },
		{ 0 },
	};
	char runtime[UNITS_TEXT], period[UNITS_TEXT];
	int option, code = DONE;

	opterr = 0;
	while (code == DONE && (option = getopt_long(argc, argv, ":", list, NULL)) != -1) {
		switch (option) {
		case 'f':
			code = edit_time_within("--for", optarg, LAST_MIN, LAST_MAX, &observe->last);
			break;
		case 'r':
			code = edit_time_within("--spare-runtime", optarg, RESERVATION_RUNTIME_MIN, RESERVATION_PERIOD_MAX,
						&observe->unit.runtime);
			break;
		case 'p':
			code = edit_time_within("--spare-period", optarg, RESERVATION_PERIOD_MIN, RESERVATION_PERIOD_MAX,
						&observe->unit.period);
			break;
		case 'F':
			observe->figure = optarg;
			break;
		default:
			code = edit_unknown(argv, option);
		}
	}
	if (code != DONE)
		return code;
	if (observe->unit.runtime > observe->unit.period)
		return fail(WRONG_USAGE, "--spare-runtime %s: it must be at most the --spare-period, %s",
			    units_print(runtime, observe->unit.runtime), units_print(period, observe->unit.period));
	observe->names = argv + optind;
	observe->nr_names = argc - optind;
	return observe->figure ? observe_figure_check(observe->figure) : DONE;
}

int cmd_observe(int argc, char **argv)
{
	struct observe observe = { .last = LAST_DEFAULT, .unit = { NSEC_PER_MSEC, 10 * NSEC_PER_MSEC } };
	const char *lack = privilege_lack();
	int code = read_options(&observe, argc, argv);

	if (code == DONE)
		code = check_host(&observe);
	if (code != DONE)
		return code;
	if (lack)
		say("%s", lack);
	/* Without cgroups there are no quotas. */
	group_start();
	if (vms_find(&observe.seen))
		code = fail(FAILED, "cannot look for VMs: %s", strerror(errno));
	else
		code = run(&observe);
	free_observe(&observe);
	return code;
}
