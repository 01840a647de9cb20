// SPDX-License-Identifier: GPL-2.0
/* dlspare metrics: Prometheus' text format, https://prometheus.io/docs/instrumenting/exposition_formats */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "command/command.h"
#include "command/edit.h"
#include "command/output.h"
#include "command/privilege.h"
#include "command/report.h"
#include "command/state.h"
#include "host/file.h"

/* What VMs and pools have beside an enum state_counter. */
enum {
	RUNNING = NR_STATE_COUNTERS,
	DIFFERENT,
	VCPUS,
	RUNTIME,
	PERIOD,
	CPU_TIME,
	TARGET,
	TARGET_SHARE,
	MISSED,
};

enum { VM = 1, POOL = 2 };

static const struct metric {
	int value;
	int owners;			/* VM, POOL or both */
	const char *name;		/* with "seconds" in it: of a time in ns; "ratio": in millionths */
	const char *type;
	const char *help;		/* NULL: another series of the metric above */
	const char *reason;		/* a label */
} metrics[] = {
	{ RUNNING, VM, "running", "gauge", "Whether the VM runs.", NULL },
	{ DIFFERENT, VM, "differs", "gauge", "Whether its reservation or its terms are not as in the policy.", NULL },
	{ VCPUS, VM, "vcpus", "gauge", "vCPUs that its reservation is for.", NULL },
	{ RUNTIME, VM, "runtime_seconds", "gauge", "Runtime of each vCPU's reservation.", NULL },
	{ PERIOD, VM, "period_seconds", "gauge", "Period of each vCPU's reservation.", NULL },
	{ CPU_TIME, VM, "cpu_seconds_total", "counter", "CPU time of its vCPUs.", NULL },
	{ TARGET, VM, "latency_target_seconds", "gauge", "So long its events may wait at most.", NULL },
	{ TARGET_SHARE, VM, "latency_target_ratio", "gauge", "So large a share of its events must wait no longer.", NULL },
	{ MISSED, VM, "latency_missed", "gauge", "Whether more of them surely waited longer when dlspared looked last.", NULL },
	{ RUNTIME, POOL, "runtime_seconds", "gauge", "Runtime of each spare reservation.", NULL },
	{ PERIOD, POOL, "period_seconds", "gauge", "Period of each spare reservation.", NULL },
	{ STATE_UNITS, POOL, "units", "gauge", "Spare reservations, on all its CPUs.", NULL },
	{ STATE_UNITS_BUSY, POOL, "units_busy", "gauge", "Spare reservations on loan.", NULL },
	{ STATE_EVENTS, VM | POOL, "events_total", "counter", "Packets and interrupts of devices.", NULL },
	{ STATE_LOANS, VM | POOL, "loans_total", "counter", "Loans of spare reservations.", NULL },
	{ STATE_WAITS, VM | POOL, "waits_total", "counter", "Requests that had to wait for a unit.", NULL },
	{ STATE_REFUSED, VM | POOL, "refused_total", "counter", "Requests without units there, or with debts.", NULL },
	{ STATE_DISPATCHES, VM | POOL, "dispatches_total", "counter", "Switches to a vCPU on a unit.", NULL },
	{ STATE_BORROWED, VM | POOL, "borrowed_seconds_total", "counter", "CPU time on loans.", NULL },
	{ STATE_WAITED, VM | POOL, "waited_seconds_total", "counter", "Time that vCPUs waited for a unit.", NULL },
	{ STATE_RETURNED_OWN, VM | POOL, "returned_total", "counter", "Loans by the reason of their end.", "own" },
	{ STATE_RETURNED_UNUSED, VM | POOL, "returned_total", "counter", NULL, "unused" },
	{ STATE_RETURNED_CHANCES, VM | POOL, "returned_total", "counter", NULL, "chances" },
	{ STATE_RETURNED_SLEEP, VM | POOL, "returned_total", "counter", NULL, "sleep" },
	{ STATE_RETURNED_REPLY, VM | POOL, "returned_total", "counter", NULL, "reply" },
	{ STATE_RETURNED_QUIET, VM | POOL, "returned_total", "counter", NULL, "quiet" },
	{ STATE_RETURNED_CHARGE, VM | POOL, "returned_total", "counter", NULL, "charge" },
	{ STATE_RETURNED_GONE, VM | POOL, "returned_total", "counter", NULL, "gone" },
};

#define NR_METRICS (sizeof(metrics) / sizeof(*metrics))

/* --- the format --- */

static void write_head(FILE *file, const struct metric *metric, const char *owner)
{
	if (metric->help)
		fprintf(file, "# HELP dlspare_%s_%s %s\n# TYPE dlspare_%s_%s %s\n", owner, metric->name, metric->help,
			owner, metric->name, metric->type);
}

static void write_label(FILE *file, const char *before, const char *name, const char *value)
{
	char *text = output_utf8(value), *at;

	fprintf(file, "%s%s=\"", before, name);
	for (at = text; at && *at; at++) {
		if (*at == '\n')
			fputs("\\n", file);
		else if (*at == '\\' || *at == '"')
			fprintf(file, "\\%c", *at);
		else
			fputc(*at, file);
	}
	fputc('"', file);
	free(text);
}

static void write_value(FILE *file, const struct metric *metric, uint64_t value)
{
	if (metric->reason)
		write_label(file, ",", "reason", metric->reason);
	if (strstr(metric->name, "seconds"))
		fprintf(file, "} %.9f\n", (double)value / NSEC_PER_SEC);
	else if (strstr(metric->name, "ratio"))
		fprintf(file, "} %.6f\n", (double)value / POLICY_SHARE_ALL);
	else
		fprintf(file, "} %" PRIu64 "\n", value);
}

/* --- the values --- */

/* False: it is not known. */
static bool vm_value(const struct state_vm *vm, int what, uint64_t *value)
{
	switch (what) {
	case RUNNING:
		*value = vm->vm != NULL;
		return true;
	case DIFFERENT:
		*value = vm->reservation_differs || vm->terms_differ;
		return vm->vm;
	case VCPUS:
		*value = vm->nr_vcpus;
		return vm->vm;
	case RUNTIME:
		*value = vm->reservation.runtime;
		return *value;
	case PERIOD:
		*value = vm->reservation.period;
		return *value;
	case CPU_TIME:
		*value = vm->cpu_time;
		return vm->vm;
	case TARGET:
		*value = vm->policy ? vm->policy->target.latency : 0;
		return *value;
	case TARGET_SHARE:
		*value = vm->policy ? vm->policy->target.share : 0;
		return vm->policy && vm->policy->target.latency;
	case MISSED:
		*value = vm->verdict && vm->verdict->missed;
		return vm->verdict;
	default:
		*value = vm->counters.value[what];
		return vm->counters.known;
	}
}

static bool pool_value(const struct state_pool *pool, int what, uint64_t *value)
{
	switch (what) {
	case RUNTIME:
		*value = pool->policy->spare.runtime;
		return *value;
	case PERIOD:
		*value = pool->policy->spare.period;
		return *value;
	default:
		*value = pool->counters.value[what];
		return pool->counters.known;
	}
}

/* A VM, and its name as it is written. */
struct named {
	char *name;
	const struct state_vm *vm;
};

static bool is_refused(const struct state_vm *vm)
{
	return vm->vm && vm->vm->refused;
}

/* Of those with one name, who was refused comes last. */
static int by_name(const void *a, const void *b)
{
	const struct named *one = a, *other = b;
	int order = strcmp(one->name, other->name);

	if (!order)
		order = is_refused(one->vm) - is_refused(other->vm);
	return order ? order : (one->vm > other->vm) - (one->vm < other->vm);
}

/*
 * Those to be written; NULL is behind the last. The format forbids to give a series twice: of VMs with one name, in UTF-8, the first
 * counts. NULL without memory.
 */
static const struct state_vm **list_vms(const struct state *state)
{
	const struct state_vm **vms = calloc(state->nr_vms + 1, sizeof(*vms));
	struct named *all = calloc(state->nr_vms + 1, sizeof(*all));
	size_t i, nr = 0;
	bool good = vms && all;

	for (i = 0; good && i < state->nr_vms; i++) {
		all[i] = (struct named){ output_utf8(state->vms[i].name), &state->vms[i] };
		good = all[i].name;
	}
	if (good)
		qsort(all, state->nr_vms, sizeof(*all), by_name);
	for (i = 0; good && i < state->nr_vms; i++)
		if (!i || strcmp(all[i].name, all[i - 1].name))
			vms[nr++] = all[i].vm;
	for (i = 0; all && i < state->nr_vms; i++)
		free(all[i].name);
	free(all);
	if (good)
		return vms;
	free(vms);
	return NULL;
}

static void write_vms(FILE *file, const struct metric *metric, const struct state_vm **vms)
{
	uint64_t value;

	write_head(file, metric, "vm");
	for (; *vms; vms++) {
		if (!vm_value(*vms, metric->value, &value))
			continue;
		fprintf(file, "dlspare_vm_%s", metric->name);
		write_label(file, "{", "vm", (*vms)->name);
		write_label(file, ",", "pool", (*vms)->pool ? (*vms)->pool->name : "");
		write_value(file, metric, value);
	}
}

static void write_pools(FILE *file, const struct metric *metric, const struct state *state)
{
	uint64_t value;
	size_t i;

	write_head(file, metric, "pool");
	for (i = 0; i < state->nr_pools; i++) {
		const struct state_pool *pool = &state->pools[i];

		if (!pool_value(pool, metric->value, &value))
			continue;
		fprintf(file, "dlspare_pool_%s", metric->name);
		write_label(file, "{", "pool", pool->policy->name);
		write_value(file, metric, value);
	}
}

static void write_latency_labels(FILE *file, const char *series, const struct state_vm *vm)
{
	fprintf(file, "dlspare_event_latency_%s", series);
	write_label(file, "{", "vm", vm->name);
	write_label(file, ",", "pool", vm->pool ? vm->pool->name : "");
}

/* Of one VM, by how its events were dispatched. The buckets are cumulative, as the format wants them. */
static void write_histogram(FILE *file, const struct state_vm *vm, enum histogram_how how)
{
	const struct histogram *latency = &vm->latency;
	uint64_t count = 0;
	char bound[32];
	int i;

	for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
		count += latency->nr[how][i];
		if (histogram_bound(i) == UINT64_MAX)
			snprintf(bound, sizeof(bound), "+Inf");
		else
			snprintf(bound, sizeof(bound), "%.9g", (double)histogram_bound(i) / NSEC_PER_SEC);
		write_latency_labels(file, "seconds_bucket", vm);
		write_label(file, ",", "how", histogram_hows[how]);
		write_label(file, ",", "le", bound);
		fprintf(file, "} %" PRIu64 "\n", count);
	}
	write_latency_labels(file, "seconds_sum", vm);
	write_label(file, ",", "how", histogram_hows[how]);
	fprintf(file, "} %.9f\n", (double)latency->total[how] / NSEC_PER_SEC);
	write_latency_labels(file, "seconds_count", vm);
	write_label(file, ",", "how", histogram_hows[how]);
	fprintf(file, "} %" PRIu64 "\n", count);
}

static void write_latency(FILE *file, const struct state_vm **vms)
{
	size_t i;
	int how;

	fprintf(file, "# HELP dlspare_event_latency_seconds How long events waited for their vCPU, by how it was dispatched.\n"
		"# TYPE dlspare_event_latency_seconds histogram\n");
	for (i = 0; vms[i]; i++)
		for (how = 0; vms[i]->latency.known && how < NR_HISTOGRAM_HOWS; how++)
			write_histogram(file, vms[i], how);
	fprintf(file, "# HELP dlspare_event_latency_worst_seconds The longest of these waits since it was last reset.\n"
		"# TYPE dlspare_event_latency_worst_seconds gauge\n");
	for (i = 0; vms[i]; i++) {
		if (!vms[i]->latency.known)
			continue;
		write_latency_labels(file, "worst_seconds", vms[i]);
		fprintf(file, "} %.9f\n", (double)histogram_worst(&vms[i]->latency, NULL) / NSEC_PER_SEC);
	}
}

static size_t count(const struct state_vm **vms)
{
	size_t nr = 0;

	while (vms[nr])
		nr++;
	return nr;
}

static void write_all(FILE *file, const struct state *state, const struct state_vm **vms)
{
	size_t i;

	fprintf(file, "# HELP dlspare_left_out VMs without metrics: what hooks have told of breaks a rule.\n"
		"# TYPE dlspare_left_out gauge\ndlspare_left_out %u\n", state->left_out);
	fprintf(file, "# HELP dlspare_names_taken Processes that have the name of another VM, and no metrics.\n"
		"# TYPE dlspare_names_taken gauge\ndlspare_names_taken %zu\n", state->nr_vms - count(vms));
	for (i = 0; i < NR_METRICS; i++)
		if (metrics[i].owners & VM)
			write_vms(file, &metrics[i], vms);
	for (i = 0; i < NR_METRICS; i++)
		if (metrics[i].owners & POOL)
			write_pools(file, &metrics[i], state);
	write_latency(file, vms);
}

static int write_file(const char *path, const struct state *state, const struct state_vm **vms)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	int code = DONE;

	if (!file)
		return fail(FAILED, "out of memory");
	write_all(file, state, vms);
	if (fclose(file))
		code = fail(FAILED, "out of memory");
	else if (file_replace(path, text))
		code = fail(errno == ENOENT ? NOT_FOUND : FAILED, "--output '%s': %s", path, file_error(errno));
	free(text);
	return code;
}

/* What is written is right, and may not be all. Any user can start a process with a VM's name: that is no failure. */
static int check_all(const struct state *state)
{
	const char *lack = privilege_lack();
	int code = DONE;

	if (lack)
		code = fail(MISSING, "%s", lack);
	if (state->left_out)
		code = report_left_out_count(state->left_out);
	return code;
}

int cmd_metrics(int argc, char **argv)
{
	static const struct option list[] = {
		{ "output", required_argument, NULL, 'o' },
		{ 0 },
	};
	const struct state_vm **vms;
	const char *path = NULL;
	struct state state;
	int option, code;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", list, NULL)) != -1) {
		if (option != 'o')
			return edit_unknown(argv, option);
		path = optarg;
	}
	if (argc > optind)
		return fail(WRONG_USAGE, "metrics: '%s' is one word too many; see dlspare metrics --help", argv[optind]);
	if (options.json)
		return fail(WRONG_USAGE, "metrics: its format is not JSON; dlspare status --json has the same numbers");
	code = state_read(&state);
	if (code != DONE)
		return code;
	vms = list_vms(&state);
	if (!vms)
		code = fail(FAILED, "out of memory");
	else if (path)
		code = write_file(path, &state, vms);
	else
		write_all(stdout, &state, vms);
	if (code == DONE)
		code = check_all(&state);
	free(vms);
	state_free(&state);
	return code;
}
