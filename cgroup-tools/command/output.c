// SPDX-License-Identifier: GPL-2.0
#include "command/output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "apply/quota.h"
#include "command/command.h"

/* Another number is another meaning of a key, or a key less; not one more. */
#define SCHEMA 1

static const char *const roles[] = { [VM_VCPU] = "vcpu", [VM_IO] = "io", [VM_VHOST] = "vhost" };

/* --- tables --- */

void output_start(struct output *output, const struct output_column *columns)
{
	*output = (struct output){ .table = scols_new_table() };
	output->failed = !output->table;
	scols_table_enable_colors(output->table, options.color);
	scols_table_enable_noheadings(output->table, !*columns->heading);
	for (; columns->heading; columns++) {
		struct libscols_column *column = scols_table_new_column(output->table, columns->heading, 0, columns->flags);

		/* A group of systemd's has "\x2d" in its name: as it is, for people to copy. */
		output->failed |= !column || scols_column_set_safechars(column, "\\");
	}
}

static void add_row(struct output *output, struct libscols_line *above)
{
	output->row = scols_table_new_line(output->table, above);
	output->failed |= !output->row;
	output->cell = 0;
}

void output_row(struct output *output)
{
	add_row(output, NULL);
	output->top = output->row;
}

void output_row_below(struct output *output)
{
	add_row(output, output->top);
}

void output_cell(struct output *output, const char *color, const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	if (!text || scols_line_refer_data(output->row, output->cell, text)) {
		free(text);
		output->failed = true;
		return;
	}
	if (color && options.color)
		scols_cell_set_color(scols_line_get_cell(output->row, output->cell), color);
	output->cell++;
}

int output_end(struct output *output)
{
	bool failed = output->failed || scols_print_table(output->table);

	scols_unref_table(output->table);
	return failed ? fail(FAILED, "out of memory") : DONE;
}

char *output_reservation(char text[OUTPUT_RESERVATION], struct reservation reservation)
{
	char runtime[UNITS_TEXT], period[UNITS_TEXT];

	if (reservation.runtime)
		snprintf(text, OUTPUT_RESERVATION, "%s/%s", units_print(runtime, reservation.runtime),
			 units_print(period, reservation.period));
	else
		strcpy(text, "none");
	return text;
}

/* A vCPU that nobody has numbered has no number. */
char *output_role(char text[OUTPUT_ROLE], const struct vm_thread *thread)
{
	if (thread->number >= 0)
		snprintf(text, OUTPUT_ROLE, "%s %d", roles[thread->role], thread->number);
	else
		strcpy(text, roles[thread->role]);
	return text;
}

/* --- JSON --- */

static int print_json(const char *command, json_t *document, size_t flags)
{
	json_t *whole = json_pack("{s:i, s:s}", "schema", SCHEMA, "command", command);
	int status = document ? json_object_update(whole, document) : -1;

	json_decref(document);
	if (status)
		fail(FAILED, "out of memory");
	/* 15 digits are all that the same number always has. */
	else if (json_dumpf(whole, stdout, flags | JSON_REAL_PRECISION(15)) || putchar('\n') == EOF)
		status = fail(FAILED, "standard output cannot be written: %s", strerror(errno));
	json_decref(whole);
	return status ? FAILED : DONE;
}

int output_json(const char *command, json_t *document)
{
	return print_json(command, document, JSON_INDENT(2));
}

int output_json_line(const char *command, json_t *document)
{
	return print_json(command, document, JSON_COMPACT);
}

double output_share(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / whole : 0;
}

char *output_utf8(const char *text)
{
	json_t *json = json_string(text);
	char *copy = strdup(text), *at;

	/* It takes nothing else. */
	for (at = copy; !json && at && *at; at++)
		if ((unsigned char)*at > 127)
			*at = '?';
	json_decref(json);
	return copy;
}

json_t *output_json_text(const char *text)
{
	char *copy = text ? output_utf8(text) : NULL;
	json_t *json = copy ? json_string(copy) : NULL;

	free(copy);
	return json;
}

json_t *output_json_reservation(struct reservation reservation)
{
	if (!reservation.runtime)
		return json_null();
	return json_pack("{s:I, s:I}", "runtime_ns", (json_int_t)reservation.runtime, "period_ns",
			 (json_int_t)reservation.period);
}

json_t *output_json_cpus(const struct cpus *cpus)
{
	char *list = cpus_empty(cpus) ? strdup("all") : cpus_print(cpus);
	json_t *json = list ? json_string(list) : NULL;

	free(list);
	return json;
}

json_t *output_json_pool(const struct pool_policy *pool)
{
	char *group = policy_group(pool);
	json_t *json = json_pack("{s:s, s:b, s:o, s:i, s:o, s:b, s:s, s:o*}", "name", pool->name, "auto",
				 (int)pool->automatic, "unit", output_json_reservation(pool->spare), "units_per_cpu", (int)pool->units, "cpus",
				 output_json_cpus(&pool->cpus), "exclusive", (int)pool->exclusive, "edf",
				 policy_partitioned(pool) ? "partitioned" : "global", "group",
				 output_json_text(group));

	free(group);
	return json;
}

static json_t *bucket_json(const struct histogram *histogram, int bucket)
{
	uint64_t bound = histogram_bound(bucket);
	json_t *json = json_pack("{s:o}", "below_ns", bound == UINT64_MAX ? json_null() : json_integer(bound));
	int how;

	for (how = 0; how < NR_HISTOGRAM_HOWS; how++)
		json_object_set_new(json, histogram_hows[how], json_integer(histogram->nr[how][bucket]));
	return json;
}

json_t *output_json_histogram(const struct histogram *histogram)
{
	enum histogram_how how;
	uint64_t worst = histogram_worst(histogram, &how);
	json_t *buckets;
	int i;

	if (!histogram->known)
		return json_null();
	buckets = json_array();
	for (i = 0; i < HISTOGRAM_BUCKETS; i++)
		json_array_append_new(buckets, bucket_json(histogram, i));
	return json_pack("{s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "events", (json_int_t)histogram_count(histogram), "p50_ns",
			 (json_int_t)histogram_quantile(histogram, 0.5), "p99_ns",
			 (json_int_t)histogram_quantile(histogram, 0.99), "worst_ns", (json_int_t)worst, "worst_how",
			 worst ? json_string(histogram_hows[how]) : json_null(), "worst_time_ns",
			 worst ? json_integer(histogram->worst_time[how]) : json_null(), "buckets", buckets);
}

json_t *output_json_thread(const struct vm_thread *thread)
{
	return json_pack("{s:i, s:s, s:o}", "tid", (int)thread->tid, "role", roles[thread->role], "vcpu",
			 thread->number >= 0 ? json_integer(thread->number) : json_null());
}

json_t *output_json_devices(const struct vm *vm)
{
	json_t *json = json_array();
	size_t i;

	for (i = 0; i < vm->nr_devices; i++)
		json_array_append_new(json, output_json_text(vm->devices[i]));
	return json;
}

void output_say_quota(const struct vm *vm, bool ceiling)
{
	char *text = vm ? quota_text_of(vm, ceiling) : NULL;

	if (text)
		say("VM '%s': its threads without a reservation, such as those for I/O, get at most %s", vm->name, text);
	free(text);
}

json_t *output_json_quota(const struct vm *vm, bool ceiling)
{
	struct quota quota;
	json_t *json;

	if (!quota_of(&quota, vm, ceiling))
		return json_null();
	json = json_pack("{s:o, s:I, s:I}", "group", output_json_text(quota.group), "runtime_ns", (json_int_t)quota.runtime,
			 "period_ns", (json_int_t)quota.period);
	free(quota.group);
	return json;
}
