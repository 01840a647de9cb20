// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "command/output.h"
#include "command/top.h"

/* --- lines --- */

/* Bar and sparkline are for screens. */
static int width_of(enum top_vm_column column)
{
	switch (column) {
	case TOP_PAST:
		return 0;
	case TOP_SHARE:
		return strlen(top_vm_columns[column].heading);
	default:
		return top_vm_columns[column].least;
	}
}

static void print_cell(enum top_vm_column column, const char *text)
{
	char cell[TOP_TEXT];

	if (width_of(column))
		printf(" %s", top_cell(cell, text, width_of(column), top_vm_columns[column].left && column != TOP_SHARE));
}

static void print_heading(void)
{
	int i;

	printf("%-8s", "TIME");
	for (i = 0; i < NR_TOP_VM_COLUMNS; i++)
		print_cell(i, top_vm_columns[i].heading);
	putchar('\n');
}

void top_print_lines(const struct top_picture *picture, bool is_first)
{
	char time[16], text[TOP_TEXT];
	size_t i;
	int j;

	strftime(time, sizeof(time), "%H:%M:%S", localtime(&picture->time));
	if (is_first)
		print_heading();
	for (i = 0; i < picture->nr_vms; i++) {
		fputs(time, stdout);
		for (j = 0; j < NR_TOP_VM_COLUMNS; j++)
			print_cell(j, top_vm_text(text, &picture->vms[i], j));
		putchar('\n');
	}
}

/* --- JSON --- */

static json_t *real(double value, double unit)
{
	return isnan(value) ? json_null() : json_real(value * unit);
}

static json_t *integer(double value)
{
	return isnan(value) ? json_null() : json_integer(value);
}

/* Of the events since the picture before; nothing is known of no events. */
static json_t *latency_json(bool is_known, uint64_t events, const double value[3])
{
	if (!is_known)
		return json_null();
	return json_pack("{s:I, s:o, s:o, s:o}", "events", (json_int_t)events, "p50_ns", integer(value[0]), "p99_ns",
			 integer(value[1]), "worst_ns", integer(value[2]));
}

static json_t *vm_json(const struct top_vm *row)
{
	const struct state_vm *vm = row->vm;
	const double *value = row->value;

	return json_pack("{s:o, s:i, s:o, s:s?, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "name", output_json_text(vm->name),
			 "pid", (int)vm->vm->pid,
			 "reservation", output_json_reservation(vm->reservation),
			 "pool", vm->pool ? vm->pool->name : NULL,
			 "cpu_share", real(value[TOP_CPU], 0.01),
			 "reserved_share", row->vcpus ? json_real(row->reserved) : json_null(),
			 "loan_share", real(value[TOP_LOAN], 0.01),
			 "latency", latency_json(row->latency_known, row->events, &value[TOP_P50]),
			 "bound_ns", row->bound ? json_integer(row->bound) : json_null(),
			 "events_per_second", real(value[TOP_EVENTS], 1),
			 "loans_per_second", real(value[TOP_LOANS], 1),
			 "waits_per_second", real(value[TOP_WAITS], 1),
			 "wait_mean_ns", real(value[TOP_WAIT], 1));
}

static json_t *pool_json(const struct top_pool *row)
{
	const double *value = row->value;

	return json_pack("{s:s, s:o, s:I, s:I, s:o, s:o, s:o, s:o}",
			 "name", row->pool->policy->name,
			 "unit", output_json_reservation(row->pool->policy->spare),
			 "units", (json_int_t)row->units,
			 "units_busy", (json_int_t)row->busy,
			 "utilisation", real(value[TOP_POOL_USED], 0.01),
			 "blocked_share", real(value[TOP_POOL_BLOCKED], 0.01),
			 "loans_per_second", real(value[TOP_POOL_LOANS], 1),
			 "latency", latency_json(row->latency_known, row->events, &value[TOP_POOL_P50]));
}

int top_print_json(const struct top_picture *picture, const struct state *state)
{
	json_t *vms = json_array(), *pools = json_array();
	size_t i;

	for (i = 0; i < picture->nr_vms; i++)
		json_array_append_new(vms, vm_json(&picture->vms[i]));
	for (i = 0; i < picture->nr_pools; i++)
		json_array_append_new(pools, pool_json(&picture->pools[i]));
	return output_json_line("top", json_pack("{s:I, s:I, s:o, s:o}", "boottime_ns", (json_int_t)state->time, "interval_ns",
						 (json_int_t)picture->interval, "vms", vms, "pools", pools));
}
