// SPDX-License-Identifier: GPL-2.0
/* dlspare status; dlspare pool show */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "apply/quota.h"
#include "command/command.h"
#include "command/edit.h"
#include "command/output.h"
#include "command/privilege.h"
#include "command/report.h"
#include "command/state.h"
#include "host/group.h"
#include "host/host.h"
#include "host/spare.h"
#include "host/thread.h"

/* Beside what differs from the policy. */
#define MARK " !"

static const char *const counter_keys[NR_STATE_COUNTERS] = {
	[STATE_EVENTS] = "events",
	[STATE_LOANS] = "loans",
	[STATE_WAITS] = "waits",
	[STATE_REFUSED] = "refused",
	[STATE_DISPATCHES] = "dispatches",
	[STATE_BORROWED] = "borrowed_ns",
	[STATE_WAITED] = "waited_ns",
	[STATE_RETURNED_OWN] = "returned_own",
	[STATE_RETURNED_UNUSED] = "returned_unused",
	[STATE_RETURNED_CHANCES] = "returned_chances",
	[STATE_RETURNED_SLEEP] = "returned_sleep",
	[STATE_RETURNED_REPLY] = "returned_reply",
	[STATE_RETURNED_QUIET] = "returned_quiet",
	[STATE_RETURNED_CHARGE] = "returned_charge",
	[STATE_RETURNED_GONE] = "returned_gone",
	[STATE_UNITS] = "units",
	[STATE_UNITS_BUSY] = "units_busy",
};

static bool is_meant(const char *name, const char *only)
{
	return !only || !strcmp(name, only);
}

static double seconds(uint64_t ns)
{
	return (double)ns / NSEC_PER_SEC;
}

/* --- JSON --- */

static json_t *counters_json(const struct state_counters *counters, int nr)
{
	json_t *json = counters->known ? json_object() : json_null();
	int i;

	for (i = 0; counters->known && i < nr; i++)
		json_object_set_new(json, counter_keys[i], json_integer(counters->value[i]));
	return json;
}

static json_t *thread_json(const struct vm_thread *thread, const struct state_thread *state)
{
	json_t *json = output_json_thread(thread);
	struct reservation reservation = { 0 };

	if (state->class)
		thread_class_reservation(state->class, &reservation);
	json_object_set_new(json, "class", state->class ? json_string(state->class) : json_null());
	json_object_set_new(json, "reservation", output_json_reservation(reservation));
	json_object_set_new(json, "cpu_ns", json_integer(state->cpu_time));
	return json;
}

static json_t *threads_json(const struct state_vm *vm)
{
	json_t *json = json_array();
	size_t i;

	for (i = 0; vm->vm && i < vm->vm->nr_threads; i++)
		json_array_append_new(json, thread_json(&vm->vm->threads[i], &vm->threads[i]));
	return json;
}

static json_t *vm_json(const struct state_vm *vm)
{
	const struct vm_policy *policy = vm->policy;

	return json_pack("{s:o, s:b, s:o, s:s?, s:s?, s:s?, s:o, s:o, s:b, s:s?, s:s?, s:b, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:f}",
			 "name", output_json_text(vm->name),
			 "running", vm->vm != NULL,
			 "pid", vm->vm ? json_integer(vm->vm->pid) : json_null(),
			 "finder", vm->vm ? vm->vm->finder : NULL,
			 "refused", vm->vm ? vm->vm->refused : NULL,
			 "class", policy ? policy_class_names[policy->class] : NULL,
			 "reservation", output_json_reservation(vm->reservation),
			 "policy_reservation", policy ? output_json_reservation(policy->reservation) : json_null(),
			 "reservation_differs", (int)vm->reservation_differs,
			 "pool", vm->pool ? vm->pool->name : NULL,
			 "terms", vm->terms,
			 "terms_differ", (int)vm->terms_differ,
			 "counters", counters_json(&vm->counters, STATE_UNITS),
			 "latency", output_json_histogram(&vm->latency),
			 "devices", vm->vm ? output_json_devices(vm->vm) : json_array(),
			 "quota", vm->vm ? output_json_quota(vm->vm, vm->ceiling) : json_null(),
			 "threads", threads_json(vm),
			 "age_ns", (json_int_t)vm->age,
			 "cpu_ns", (json_int_t)vm->cpu_time,
			 "cpu_share", output_share(vm->cpu_time, vm->age));
}

static int print_vms_json(const struct state *state, const char *only)
{
	json_t *list = json_array(), *pools = json_array();
	size_t i;

	for (i = 0; i < state->nr_vms; i++)
		if (is_meant(state->vms[i].name, only))
			json_array_append_new(list, vm_json(&state->vms[i]));
	for (i = 0; i < state->nr_pools; i++)
		json_array_append_new(pools, output_json_pool(state->pools[i].policy));
	return output_json("status", json_pack("{s:s, s:o, s:o}", "lender", policy_lender_names[state->policy.lender], "vms", list, "pools", pools));
}

/* --- tables --- */

static const char *mark(bool differs)
{
	return differs ? MARK : "";
}

static const char *warning(bool differs)
{
	return differs ? "red" : NULL;
}

/* What the terms say beyond the defaults of "on". */
static char *short_terms(const char *terms)
{
	static const char *const defaults[] = { "chances=max", "charge=0", "reply=1", "linger=200", "timer=0" };
	char *copy = strdup(terms), *rest = copy, *word, *text = calloc(1, strlen(terms) + 1);
	size_t i;

	while (copy && text && (word = strsep(&rest, " "))) {
		for (i = 0; i < sizeof(defaults) / sizeof(*defaults) && strcmp(word, defaults[i]); i++)
			;
		if (i == sizeof(defaults) / sizeof(*defaults))
			strcat(strcat(text, *text ? " " : ""), word);
	}
	free(copy);
	return text;
}

static void counter_cell(struct output *output, const struct state_counters *counters, enum state_counter counter)
{
	if (counters->known)
		output_cell(output, NULL, "%" PRIu64, counters->value[counter]);
	else
		output_cell(output, NULL, "-");
}

/* Half of the events, all but one in a hundred, and each has waited for no longer. */
static void latency_cells(struct output *output, const struct histogram *latency)
{
	char text[UNITS_TEXT];

	if (!histogram_count(latency)) {
		output_cell(output, NULL, "-");
		output_cell(output, NULL, "-");
		output_cell(output, NULL, "-");
		return;
	}
	output_cell(output, NULL, "%s", units_print_short(text, histogram_quantile(latency, 0.5)));
	output_cell(output, NULL, "%s", units_print_short(text, histogram_quantile(latency, 0.99)));
	output_cell(output, NULL, "%s", units_print_short(text, histogram_worst(latency, NULL)));
}

static void vm_row(struct output *output, const struct state_vm *vm)
{
	char *terms = vm->terms ? short_terms(vm->terms) : NULL;
	char text[OUTPUT_RESERVATION];

	output_row(output);
	output_cell(output, NULL, "%s", vm->name);
	if (vm->vm)
		output_cell(output, NULL, "%d", (int)vm->vm->pid);
	else
		output_cell(output, NULL, "-");
	output_cell(output, warning(vm->reservation_differs), "%s%s%s", vm->ceiling ? "max " : "",
		    output_reservation(text, vm->vm ? vm->reservation : vm->policy->reservation),
		    mark(vm->reservation_differs));
	output_cell(output, NULL, "%s", vm->pool ? vm->pool->name : "-");
	output_cell(output, warning(vm->terms_differ), "%s%s", terms ? terms : "-", mark(vm->terms_differ));
	counter_cell(output, &vm->counters, STATE_EVENTS);
	counter_cell(output, &vm->counters, STATE_LOANS);
	counter_cell(output, &vm->counters, STATE_WAITS);
	latency_cells(output, &vm->latency);
	if (vm->vm)
		output_cell(output, NULL, "%.1f%%", 100 * output_share(vm->cpu_time, vm->age));
	else
		output_cell(output, NULL, "-");
	free(terms);
}

static int print_vms(const struct state *state)
{
	static const struct output_column columns[] = {
		{ "VM", 0 }, { "PID", SCOLS_FL_RIGHT }, { "Q/P", 0 }, { "POOL", 0 }, { "TERMS", 0 },
		{ "EVENTS", SCOLS_FL_RIGHT }, { "LOANS", SCOLS_FL_RIGHT }, { "WAITS", SCOLS_FL_RIGHT },
		{ "S P50", SCOLS_FL_RIGHT }, { "P99", SCOLS_FL_RIGHT }, { "WORST", SCOLS_FL_RIGHT },
		{ "CPU SINCE START", SCOLS_FL_RIGHT }, { NULL, 0 },
	};
	struct output output;
	bool differs = false;
	size_t i;

	if (!state->nr_vms && !privilege_lack())
		say("no VM runs, and the policy has none");
	output_start(&output, columns);
	for (i = 0; i < state->nr_vms; i++) {
		vm_row(&output, &state->vms[i]);
		differs |= state->vms[i].reservation_differs || state->vms[i].terms_differ;
	}
	if (differs)
		say("the kernel differs from the policy where a '!' stands; see dlspare verify");
	for (i = 0; i < state->nr_vms; i++)
		output_say_quota(state->vms[i].vm, state->vms[i].ceiling);
	return output_end(&output);
}

/* --- one VM --- */

/* Words with a blank between them, or "-"; NULL without memory. NULL may be behind the last, too. */
static char *join(char *const *words, size_t nr)
{
	char *text = NULL;
	size_t size, i;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		return NULL;
	for (i = 0; i < nr && words[i]; i++)
		fprintf(file, "%s%s", i ? " " : "", words[i]);
	fputs(i ? "" : "-", file);
	fclose(file);
	return text;
}

/* The devices whose packets are events for the VM, as the kernel has them: one that is in several groups has the pool's. */
static char *watched(const struct state_vm *vm)
{
	char *pool = vm->groups[0] && vm->groups[1] ? policy_group(vm->pool) : NULL;
	const char *group = pool ? pool : vm->groups[0];
	char *text = group ? spare_value(group, "cpu.spare.dev") : NULL, *at;

	for (at = text; at && *at; at++)
		if (*at == '\n')
			*at = ' ';
	free(pool);
	return text;
}

static void fact(struct output *output, const char *name)
{
	output_row(output);
	output_cell(output, NULL, "%s", name);
}

static void policy_facts(struct output *output, const struct state_vm *vm)
{
	char text[OUTPUT_RESERVATION], wanted[OUTPUT_RESERVATION], *terms;

	fact(output, vm->ceiling ? "ceiling" : "reservation");
	if (vm->reservation_differs)
		output_cell(output, warning(true), "%s" MARK " the policy says %s",
			    output_reservation(text, vm->reservation),
			    output_reservation(wanted, vm->policy->reservation));
	else
		output_cell(output, NULL, "%s",
			    output_reservation(text, vm->vm ? vm->reservation : vm->policy->reservation));
	fact(output, "pool");
	output_cell(output, NULL, "%s", vm->pool ? vm->pool->name : "-");
	fact(output, "lender");
	output_cell(output, NULL, "%s", !state_unit(vm) ? "-" : vm->ceiling ? "dlspare-lender" : "the kernel");
	fact(output, "terms");
	terms = vm->terms_differ ? policy_borrow_text(&vm->policy->borrow) : NULL;
	output_cell(output, warning(vm->terms_differ), "%s%s%s%s", vm->terms ? vm->terms : "-", mark(vm->terms_differ),
		    terms ? " the policy says " : "", terms ? terms : "");
	free(terms);
}

static void process_facts(struct output *output, const struct state_vm *vm)
{
	char *devices = join(vm->vm->devices, vm->vm->nr_devices), *events = watched(vm);
	char *groups = join(vm->groups, SIZE_MAX), *quota = quota_text_of(vm->vm, vm->ceiling);

	fact(output, "group");
	output_cell(output, NULL, "%s", groups ? groups : "?");
	fact(output, "quota");
	output_cell(output, quota ? "yellow" : NULL, "%s", quota ? quota : "-");
	fact(output, "devices");
	output_cell(output, NULL, "%s", devices ? devices : "?");
	fact(output, "watched");
	output_cell(output, NULL, "%s", events && *events ? events : "-");
	fact(output, "CPU");
	output_cell(output, NULL, "%.3f s, %.1f%% of the %.3f s since its start; dlspare top has what it gets now",
		    seconds(vm->cpu_time), 100 * output_share(vm->cpu_time, vm->age), seconds(vm->age));
	free(quota);
	free(groups);
	free(devices);
	free(events);
}

static void count_facts(struct output *output, const struct state_counters *counters)
{
	const uint64_t *value = counters->value;

	fact(output, "events");
	output_cell(output, NULL, "%" PRIu64, value[STATE_EVENTS]);
	fact(output, "loans");
	output_cell(output, NULL, "%" PRIu64 " of %.3f s, %" PRIu64 " dispatches, %" PRIu64 " refused",
		    value[STATE_LOANS], seconds(value[STATE_BORROWED]), value[STATE_DISPATCHES], value[STATE_REFUSED]);
	fact(output, "returned");
	output_cell(output, NULL, "own %" PRIu64 ", unused %" PRIu64 ", chances %" PRIu64 ", sleep %" PRIu64 ", reply %"
		    PRIu64 ", quiet %" PRIu64 ", charge %" PRIu64 ", gone %" PRIu64, value[STATE_RETURNED_OWN], value[STATE_RETURNED_UNUSED],
		    value[STATE_RETURNED_CHANCES], value[STATE_RETURNED_SLEEP], value[STATE_RETURNED_REPLY],
		    value[STATE_RETURNED_QUIET], value[STATE_RETURNED_CHARGE], value[STATE_RETURNED_GONE]);
	fact(output, "waits");
	output_cell(output, NULL, "%" PRIu64 " of %.3f s", value[STATE_WAITS], seconds(value[STATE_WAITED]));
}

/* By how they were dispatched; the worst with the administrator's clock. */
static void latency_facts(struct output *output, const struct histogram *latency)
{
	char median[UNITS_TEXT], late[UNITS_TEXT], worst[UNITS_TEXT], when[32];
	enum histogram_how how;
	uint64_t longest = histogram_worst(latency, &how);
	time_t second = latency->worst_time[how] / NSEC_PER_SEC;
	struct tm tm;

	fact(output, "S");
	output_cell(output, NULL, "p50 %s, p99 %s: own %" PRIu64 ", loan %" PRIu64 ", waited %" PRIu64 ", refused %" PRIu64,
		    units_print_short(median, histogram_quantile(latency, 0.5)),
		    units_print_short(late, histogram_quantile(latency, 0.99)), histogram_ended(latency, HISTOGRAM_OWN),
		    histogram_ended(latency, HISTOGRAM_LOAN), histogram_ended(latency, HISTOGRAM_WAITED),
		    histogram_ended(latency, HISTOGRAM_REFUSED));
	fact(output, "worst S");
	if (!longest || !localtime_r(&second, &tm) || !strftime(when, sizeof(when), "%F %T", &tm))
		output_cell(output, NULL, "-");
	else
		output_cell(output, NULL, "%s at %s, %s", units_print_short(worst, longest), when, histogram_hows[how]);
}

static int print_facts(const struct state_vm *vm)
{
	static const struct output_column columns[] = { { "", 0 }, { "", 0 }, { NULL, 0 } };
	struct output output;

	output_start(&output, columns);
	fact(&output, "VM");
	output_cell(&output, NULL, "%s", vm->name);
	fact(&output, "pid");
	if (vm->vm)
		output_cell(&output, warning(vm->vm->refused), "%d of user %d, found by %s%s", (int)vm->vm->pid, (int)vm->vm->uid,
			    vm->vm->finder, vm->vm->refused ? ", left alone" : "");
	else
		output_cell(&output, NULL, "- (it does not run)");
	policy_facts(&output, vm);
	if (vm->vm)
		process_facts(&output, vm);
	if (vm->counters.known)
		count_facts(&output, &vm->counters);
	if (vm->latency.known)
		latency_facts(&output, &vm->latency);
	return output_end(&output);
}

static int print_threads(const struct state_vm *vm)
{
	static const struct output_column columns[] = {
		{ "TID", SCOLS_FL_RIGHT }, { "THREAD", 0 }, { "ROLE", 0 }, { "CLASS", 0 }, { "CPUS", 0 },
		{ "TIME", SCOLS_FL_RIGHT }, { "GROUP", 0 }, { NULL, 0 },
	};
	struct output output;
	size_t i;

	output_start(&output, columns);
	for (i = 0; i < vm->vm->nr_threads; i++) {
		const struct vm_thread *thread = &vm->vm->threads[i];
		const char *class = vm->threads[i].class;
		char *name = host_read(host_path("/proc/%d/comm", (int)thread->tid), NULL);
		char *cpus = thread_affinity(thread->tid), *group = group_of(thread->tid);
		char text[OUTPUT_RESERVATION], role[OUTPUT_ROLE];
		struct reservation reservation;

		output_row(&output);
		output_cell(&output, NULL, "%d", (int)thread->tid);
		output_cell(&output, NULL, "%s", name ? name : "-");
		output_cell(&output, NULL, "%s", output_role(role, thread));
		if (class && thread_class_reservation(class, &reservation))
			output_cell(&output, NULL, "deadline %s", output_reservation(text, reservation));
		else
			output_cell(&output, NULL, "%s", class ? class : "-");
		output_cell(&output, NULL, "%s", cpus ? cpus : "-");
		output_cell(&output, NULL, "%.3fs", seconds(vm->threads[i].cpu_time));
		output_cell(&output, NULL, "%s", group ? group : "-");
		free(group);
		free(cpus);
		free(name);
	}
	return output_end(&output);
}

static int print_vm(const struct state_vm *vm)
{
	int code = print_facts(vm);

	if (code != DONE || !vm->vm)
		return code;
	putchar('\n');
	return print_threads(vm);
}

static int print_details(const struct state *state, const char *only)
{
	int code = DONE;
	size_t i;

	for (i = 0; code == DONE && i < state->nr_vms; i++)
		if (is_meant(state->vms[i].name, only))
			code = print_vm(&state->vms[i]);
	return code;
}

/* --- pools --- */

static void pool_row(struct output *output, const struct state_pool *pool)
{
	const struct pool_policy *policy = pool->policy;
	char text[OUTPUT_RESERVATION], *cpus = cpus_print(&policy->cpus);

	output_row(output);
	output_cell(output, NULL, "%s", policy->name);
	output_cell(output, NULL, "%s%s", policy->automatic ? "auto " : "", output_reservation(text, policy->spare));
	output_cell(output, NULL, "%s%s%s", cpus && *cpus ? cpus : "all", policy->exclusive ? " exclusive" : "",
		    policy->exclusive && !policy_partitioned(policy) ? " global" : "");
	counter_cell(output, &pool->counters, STATE_UNITS);
	counter_cell(output, &pool->counters, STATE_UNITS_BUSY);
	counter_cell(output, &pool->counters, STATE_EVENTS);
	counter_cell(output, &pool->counters, STATE_LOANS);
	counter_cell(output, &pool->counters, STATE_WAITS);
	latency_cells(output, &pool->latency);
	output_cell(output, NULL, "%s", pool->group ? pool->group : "-");
	free(cpus);
}

static json_t *pool_json(const struct state_pool *pool)
{
	json_t *json = output_json_pool(pool->policy);

	json_object_set_new(json, "counters", counters_json(&pool->counters, NR_STATE_COUNTERS));
	json_object_set_new(json, "latency", output_json_histogram(&pool->latency));
	return json;
}

static int print_pools(const struct state *state, const char *only)
{
	static const struct output_column columns[] = {
		{ "POOL", 0 }, { "Q/P", 0 }, { "CPUS", 0 }, { "UNITS", SCOLS_FL_RIGHT }, { "BUSY", SCOLS_FL_RIGHT },
		{ "EVENTS", SCOLS_FL_RIGHT }, { "LOANS", SCOLS_FL_RIGHT }, { "WAITS", SCOLS_FL_RIGHT },
		{ "S P50", SCOLS_FL_RIGHT }, { "P99", SCOLS_FL_RIGHT }, { "WORST", SCOLS_FL_RIGHT },
		{ "GROUP", 0 }, { NULL, 0 },
	};
	struct output output;
	size_t i;

	output_start(&output, columns);
	for (i = 0; i < state->nr_pools; i++)
		if (is_meant(state->pools[i].policy->name, only))
			pool_row(&output, &state->pools[i]);
	return output_end(&output);
}

static int print_pools_json(const struct state *state, const char *only)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < state->nr_pools; i++)
		if (is_meant(state->pools[i].policy->name, only))
			json_array_append_new(list, pool_json(&state->pools[i]));
	return output_json("pool show", json_pack("{s:o}", "pools", list));
}

int state_show_pools(const char *name)
{
	struct state state;
	int code;

	code = state_read(&state);
	if (code != DONE)
		return code;
	if (name && !policy_pool(&state.policy, name))
		code = fail(NOT_FOUND, "there is no pool '%s'; see dlspare pool show", name);
	else
		code = options.json ? print_pools_json(&state, name) : print_pools(&state, name);
	state_free(&state);
	return code;
}

/* --- the command --- */

static size_t count(const struct state *state, const char *only)
{
	size_t i, nr = 0;

	for (i = 0; i < state->nr_vms; i++)
		nr += is_meant(state->vms[i].name, only);
	return nr;
}

/* As state_read(), and says what is missing in it. */
static int look(struct state *state)
{
	const char *lack = privilege_lack();
	int code = state_read(state);

	if (code == DONE && lack)
		say("%s", lack);
	return code;
}

int cmd_status(int argc, char **argv)
{
	static const struct option list[] = { { 0 } };
	struct state state;
	const char *only;
	int option, code;

	opterr = 0;
	option = getopt_long(argc, argv, ":", list, NULL);
	if (option != -1)
		return edit_unknown(argv, option);
	if (argc > optind + 1)
		return fail(WRONG_USAGE, "status: '%s' is one word too many; see dlspare status --help",
			    argv[optind + 1]);
	only = argv[optind];
	code = look(&state);
	if (code != DONE)
		return code;
	if (only && !count(&state, only)) {
		code = fail(NOT_FOUND, "no VM '%s' runs or is in the policy; see dlspare find", only);
	} else if (options.json) {
		code = print_vms_json(&state, only);
	} else {
		report_refused(&state.seen, &state.policy);
		report_ceilings(&state.policy);
		code = only ? print_details(&state, only) : print_vms(&state);
	}
	state_free(&state);
	return code;
}
