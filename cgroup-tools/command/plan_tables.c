// SPDX-License-Identifier: GPL-2.0
/* A plan as tables, each of which shows parts of the document. */
#include "command/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/command.h"
#include "command/output.h"
#include "host/units.h"

enum kind {
	PLAIN,
	TIME,				/* to four digits, rounded up */
	SHARE,				/* in percent */
	RESERVATION,
};

struct column {
	const char *title;
	const char *path;		/* in a row: keys with dots between */
	enum kind kind;
};

static const struct column cpu_columns[] = {
	{ "CPU", "cpu", PLAIN }, { "THREADS", "threads", PLAIN }, { "OWN", "own_share", SHARE }, { "UNITS", "units_share", SHARE },
	{ "FAIR SERVER", "fair_server_share", SHARE }, { "SUM", "sum", SHARE }, { "LIMIT", "limit", SHARE },
	{ "FITS", "fits", PLAIN },
	{ NULL, NULL, PLAIN },
};

static const struct column vm_columns[] = {
	{ "VM", "name", PLAIN }, { "VCPUS", "nr_vcpus", PLAIN }, { "Q/P", "reservation", RESERVATION }, { "SHARE", "share", SHARE },
	{ "BESIDE", "beside", PLAIN }, { "MEAN", "mean_ns", TIME }, { "RANDOM", "mean_random_ns", TIME },
	{ "WORST", "worst_ns", TIME }, { "POOL", "pool", PLAIN }, { "POOL MEAN", "loan.mean_ns", TIME },
	{ "FIRST", "loan.first_ns", TIME }, { "WHOLE", "loan.whole_ns", TIME },
	{ "DRAINED", "loan.drained_whole_ns", TIME }, { "MOST", "loan.most", SHARE }, { "TARGET", "target", PLAIN },
	{ NULL, NULL, PLAIN },
};

static const struct column pool_columns[] = {
	{ "POOL", "name", PLAIN }, { "Qs/Ps", "unit", RESERVATION }, { "UNITS", "units_per_cpu", PLAIN }, { "CPU", "cpu", PLAIN },
	{ "VCPUS", "borrowers", PLAIN }, { "HOLD", "hold_ns", TIME }, { "LOAD", "load", PLAIN }, { "SEEN", "blocked_seen", PLAIN },
	{ "BLOCKED", "blocked", PLAIN },
	{ "FEW VMS", "blocked_few", PLAIN }, { "WAITS", "waits", PLAIN }, { "FEW WAIT", "waits_few", PLAIN }, { "MEAN WAIT", "mean_wait_ns", TIME },
	{ "NEEDED", "needed", PLAIN }, { "FEW VMS", "needed_few", PLAIN }, { "FEW WAIT", "needed_waits", PLAIN }, { "COST", "cost", SHARE },
	{ "FITS", "fits", PLAIN },
	{ NULL, NULL, PLAIN },
};

static const struct column ring_columns[] = {
	{ "VM", "vm", PLAIN }, { "VCPU", "side", PLAIN }, { "DEMAND", "demand", SHARE }, { "REGIME", "regime", PLAIN },
	{ "GAP", "own.gap_ns", TIME }, { "REGIME", "own.regime", PLAIN }, { "SLOTS", "own.slots", PLAIN },
	{ "POOL GAP", "loan.gap_ns", TIME }, { "REGIME", "loan.regime", PLAIN }, { "SLOTS", "loan.slots", PLAIN },
	{ "BROKEN", "loan.broken", PLAIN }, { "ADVICE", "advice.unit", RESERVATION }, { "BROKEN", "advice.broken", PLAIN },
	{ "LEAST SLOTS", "advice.slots", PLAIN }, { "RING", "ring", PLAIN }, { NULL, NULL, PLAIN },
};

static const struct column formula_columns[] = {
	{ "COLUMN", "column", PLAIN }, { "FORMULA", "formula", PLAIN }, { "SOURCE", "source", PLAIN }, { NULL, NULL, PLAIN },
};

static const json_t *find_value(const json_t *row, const char *path)
{
	char *keys = strdup(path), *rest = keys, *key;

	while (row && keys && (key = strsep(&rest, ".")))
		row = json_object_get(row, key);
	free(keys);
	return row;
}

static uint64_t four_digits(uint64_t ns)
{
	uint64_t step = 1;

	while (ns / step >= 10000)
		step *= 10;
	return (ns / step + !!(ns % step)) * step;
}

static void print_plain(FILE *file, const json_t *value)
{
	const char *separator = "";
	json_t *item;
	size_t i;

	switch (json_typeof(value)) {
	case JSON_STRING:
		fputs(json_string_value(value), file);
		break;
	case JSON_INTEGER:
		fprintf(file, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		break;
	case JSON_REAL:
		fprintf(file, "%.3g", json_real_value(value));
		break;
	case JSON_ARRAY:
		json_array_foreach((json_t *)value, i, item) {
			fprintf(file, "%s%s", separator, json_string_value(item));
			separator = ", ";
		}
		if (!i)
			fputs("-", file);
		break;
	default:
		fputs(json_is_true(value) ? "yes" : "no", file);
		break;
	}
}

static void print_value(FILE *file, const json_t *value, enum kind kind)
{
	char runtime[UNITS_TEXT], period[UNITS_TEXT];

	if (!value || json_is_null(value)) {
		fputs("-", file);
		return;
	}
	switch (kind) {
	case PLAIN:
		print_plain(file, value);
		break;
	case TIME:
		fputs(units_print(period, four_digits(json_integer_value(value))), file);
		break;
	case SHARE:
		fprintf(file, "%.4g %%", 100 * json_real_value(value));
		break;
	case RESERVATION:
		fprintf(file, "%s/%s", units_print(runtime, json_integer_value(json_object_get(value, "runtime_ns"))),
			units_print(period, json_integer_value(json_object_get(value, "period_ns"))));
		break;
	}
}

static bool add_cell(struct libscols_line *line, size_t number, const json_t *value, enum kind kind)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		return false;
	print_value(file, value, kind);
	if (fclose(file)) {
		free(text);
		return false;
	}
	return !scols_line_refer_data(line, number, text);
}

/* Numbers are on the right. */
static int flags_of(const json_t *rows, const struct column *column)
{
	bool number = column->kind != PLAIN;
	json_t *row;
	size_t i;

	json_array_foreach((json_t *)rows, i, row)
		number = number || json_is_number(find_value(row, column->path));
	return number ? SCOLS_FL_RIGHT : 0;
}

static bool print_table(const char *heading, const json_t *rows, const struct column *columns)
{
	struct libscols_table *table = scols_new_table();
	bool good = table;
	json_t *row;
	size_t i;

	if (!json_array_size(rows)) {
		scols_unref_table(table);
		return good;
	}
	for (i = 0; good && columns[i].title; i++)
		good = scols_table_new_column(table, columns[i].title, 0, flags_of(rows, &columns[i]));
	json_array_foreach((json_t *)rows, i, row) {
		struct libscols_line *line = good ? scols_table_new_line(table, NULL) : NULL;

		good = line;
		for (size_t number = 0; good && columns[number].title; number++)
			good = add_cell(line, number, find_value(row, columns[number].path), columns[number].kind);
	}
	if (good) {
		/* Lines that the terminal breaks can be read, cut words cannot. */
		scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
		printf("%s\n", heading);
		good = !scols_print_table(table);
	}
	scols_unref_table(table);
	return good;
}

bool plan_print(const json_t *document, bool formulas)
{
	static const struct {
		const char *heading, *key;
		const struct column *columns;
	} tables[] = {
		{ "CPUs", "cpus", cpu_columns },
		{ "\nVMs: how long they do not react when their budget is gone, without and with the pool", "vms", vm_columns },
		{ "\nPools: units for the target of blocking, on the CPU with the largest load", "pools", pool_columns },
		{ "\nRings: regime without a reservation, with the VM's own, with its pool; and the unit that keeps it", "rings",
		  ring_columns },
		{ "\nFormulas", "formulas", formula_columns },
	};
	bool good = true;

	if (options.json)
		return output_json("plan", json_incref((json_t *)document)) == DONE;
	/* The formulas are the last. */
	for (size_t i = 0; good && i < ARRAY_SIZE(tables) - !formulas; i++)
		good = print_table(tables[i].heading, json_object_get(document, tables[i].key), tables[i].columns);
	return good;
}
