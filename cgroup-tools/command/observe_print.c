// SPDX-License-Identifier: GPL-2.0
#include "command/observe.h"

#include <inttypes.h>
#include <stdlib.h>

#include "command/command.h"
#include "command/output.h"

/* Keys of JSON. */
static const char *const keys[NR_OBSERVE_EVENTS] = {
	[OBSERVE_DEVICE] = "device",
	[OBSERVE_SENT] = "sent",
	[OBSERVE_IPI] = "ipi",
	[OBSERVE_TIMER] = "timer",
	[OBSERVE_OTHER] = "other",
	[OBSERVE_SILENT] = "silent",
};

static const char *const words[NR_OBSERVE_EVENTS] = {
	[OBSERVE_DEVICE] = "devices",
	[OBSERVE_SENT] = "what it sent is gone",
	[OBSERVE_IPI] = "other vCPUs",
	[OBSERVE_TIMER] = "timers",
	[OBSERVE_OTHER] = "other",
	[OBSERVE_SILENT] = "arrivals without an interrupt",
};

static double starved_share(const struct observe *observe, const struct observe_vm *vm)
{
	return output_share(vm->starved, observe->looked * vm->nr_vcpus);
}

/* --- text --- */

static void print_waits(const struct waits *waits)
{
	char p50[UNITS_TEXT], p99[UNITS_TEXT], worst[UNITS_TEXT];

	printf("p50 %s, p99 %s, worst %s\n", units_print_short(p50, waits_quantile(waits, 0.5)),
	       units_print_short(p99, waits_quantile(waits, 0.99)), units_print_short(worst, waits->worst));
}

static void print_events(const struct observe *observe, const struct observe_vm *vm)
{
	int i;

	printf("  interrupts a second: ");
	for (i = 0; i < NR_OBSERVE_EVENTS; i++)
		printf("%s%s %.1f", i ? ", " : "", words[i], output_share(vm->events[i], observe->looked) * NSEC_PER_SEC);
	putchar('\n');
}

static void print_vm(const struct observe *observe, const struct observe_vm *vm)
{
	char runtime[UNITS_TEXT], period[UNITS_TEXT], worst[UNITS_TEXT];

	printf("VM '%s', %u vCPU%s: %s\n", vm->vm->name, vm->nr_vcpus, vm->nr_vcpus == 1 ? "" : "s",
	       vm->limit ? vm->limit : "its CPU time has no limit");
	print_events(observe, vm);
	printf("  without budget: %.1f %% of the time, %" PRIu64 " times\n", 100 * starved_share(observe, vm), vm->nr_starved);
	if (vm->nr_busy)
		printf("  devices' interrupts that waited while others had the CPU: %" PRIu64 "; worst %s\n", vm->nr_busy,
		       units_print_short(worst, vm->busy_worst));
	if (!vm->waits.nr) {
		printf("  no device's interrupt waited for budget\n");
		return;
	}
	printf("  devices' interrupts that waited for budget: %" PRIu64 "; ", vm->waits.nr);
	print_waits(&vm->waits);
	printf("  with a unit of %s in every %s: ", units_print(runtime, observe->unit.runtime),
	       units_print(period, observe->unit.period));
	print_waits(&vm->lent);
}

static void print_cost(const struct observe *observe)
{
	const double own = 100 * output_share(observe->own_cost, observe->looked);
	const double programs = 100 * output_share(observe->programs_cost, observe->looked);
	char text[UNITS_TEXT];

	printf("looked for %s, which took ", units_print_short(text, observe->looked));
	if (observe->has_programs_cost)
		printf("%.3f %% of a CPU: %.3f %% in the kernel, %.3f %% here\n", own + programs, programs, own);
	else
		printf("%.3f %% of a CPU here; what it took in the kernel is not known without CAP_SYS_ADMIN\n", own);
}

int observe_print(const struct observe *observe)
{
	size_t i;

	for (i = 0; i < observe->nr_vms; i++)
		print_vm(observe, &observe->vms[i]);
	print_cost(observe);
	return DONE;
}

/* --- JSON --- */

static json_t *waits_json(const struct waits *waits)
{
	return json_pack("{s:I, s:o, s:o, s:o}", "events", (json_int_t)waits->nr,
			 "p50_ns", waits->nr ? json_integer(waits_quantile(waits, 0.5)) : json_null(),
			 "p99_ns", waits->nr ? json_integer(waits_quantile(waits, 0.99)) : json_null(),
			 "worst_ns", waits->nr ? json_integer(waits->worst) : json_null());
}

static json_t *events_json(const struct observe_vm *vm)
{
	json_t *events = json_object();
	int i;

	for (i = 0; i < NR_OBSERVE_EVENTS; i++)
		json_object_set_new(events, keys[i], json_integer(vm->events[i]));
	return events;
}

static json_t *vm_json(const struct observe *observe, const struct observe_vm *vm)
{
	return json_pack("{s:o, s:i, s:i, s:o, s:o, s:f, s:I, s:o, s:I, s:I, s:o}",
			 "name", output_json_text(vm->vm->name),
			 "pid", (int)vm->vm->pid,
			 "vcpus", (int)vm->nr_vcpus,
			 "limit", vm->limit ? output_json_text(vm->limit) : json_null(),
			 "events", events_json(vm),
			 "starved_share", starved_share(observe, vm),
			 "starved", (json_int_t)vm->nr_starved,
			 "waited", waits_json(&vm->waits),
			 "waited_with_budget", (json_int_t)vm->nr_busy,
			 "worst_with_budget_ns", (json_int_t)vm->busy_worst,
			 "waited_with_unit", waits_json(&vm->lent));
}

static json_t *hooks_json(const struct hooks *hooks)
{
	json_t *list = json_array();
	int i;

	for (i = 0; i < NR_HOOKS; i++)
		if (hooks->list[i].there)
			json_array_append_new(list, json_string(hooks->list[i].function));
	return list;
}

int observe_json(const struct observe *observe)
{
	json_t *list = json_array();
	const char *posted = hooks_posted();
	size_t i;

	for (i = 0; i < observe->nr_vms; i++)
		json_array_append_new(list, vm_json(observe, &observe->vms[i]));
	return output_json("observe", json_pack("{s:I, s:o, s:o, s:s?, s:I, s:I, s:o, s:f, s:o}",
						"looked_ns", (json_int_t)observe->looked,
						"unit", output_json_reservation(observe->unit),
						"functions", hooks_json(&observe->hooks),
						"posted", posted,
						"lost", (json_int_t)observe->lost,
						"cut", (json_int_t)observe->replay.cut,
						"kernel_share", observe->has_programs_cost ?
							json_real(output_share(observe->programs_cost, observe->looked)) : json_null(),
						"own_share", output_share(observe->own_cost, observe->looked),
						"vms", list));
}
