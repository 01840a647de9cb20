/* SPDX-License-Identifier: GPL-2.0 */
/* What commands print on standard output: a table for people, or one JSON document. */
#ifndef DLSPARE_OUTPUT_H
#define DLSPARE_OUTPUT_H

#include <jansson.h>
#include <libsmartcols/libsmartcols.h>

#include "host/histogram.h"
#include "host/units.h"
#include "policy/policy.h"
#include "vmm-hooks/vm.h"

struct output_column {
	const char *heading;
	int flags;			/* SCOLS_FL_* */
};

struct output {
	struct libscols_table *table;
	struct libscols_line *top;	/* the last row that is below none */
	struct libscols_line *row;
	size_t cell;			/* the next one of the row */
	bool failed;			/* there was no memory */
};

/* The columns end with one whose heading is NULL; a table whose first one is "" has no headings. */
void output_start(struct output *output, const struct output_column *columns);
void output_row(struct output *output);
/* A row below the last one that is below none, in a table with a column SCOLS_FL_TREE. */
void output_row_below(struct output *output);
/* The next cell of the row. color: of terminals, NULL for none. */
void output_cell(struct output *output, const char *color, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Prints the table, with headings if it has rows. DONE or FAILED, after telling why. */
int output_end(struct output *output);

/*
 * Prints the document and releases it, with the keys that each begins with: the version of the schema, which is
 * cgroup-tools/dlspare.schema.json, and the command. As output_end(); NULL: there was no memory for it.
 */
int output_json(const char *command, json_t *document);
/* The same in one line. */
int output_json_line(const char *command, json_t *document);

/* 0 of nothing. */
double output_share(uint64_t part, uint64_t whole);

/* A copy for formats that know UTF-8 only: '?' stands for each byte above 127 if it is something else. */
char *output_utf8(const char *text);
/* The same as a JSON string; NULL for none. */
json_t *output_json_text(const char *text);
/* null for none. */
json_t *output_json_reservation(struct reservation reservation);
/* As a list; "all" for an empty one, which means that in a policy. */
json_t *output_json_cpus(const struct cpus *cpus);
/* An entry of a policy; a caller may add more keys. */
json_t *output_json_pool(const struct pool_policy *pool);
/* With the keys tid, role and vcpu; a caller may add more. */
json_t *output_json_thread(const struct vm_thread *thread);
/* null where it is not known. */
json_t *output_json_histogram(const struct histogram *histogram);
json_t *output_json_devices(const struct vm *vm);

/* "vcpu 0", "io", "vhost". Returns text. */
#define OUTPUT_ROLE 32
char *output_role(char text[OUTPUT_ROLE], const struct vm_thread *thread);

/* "40ms/100ms" or "none". Returns text. */
#define OUTPUT_RESERVATION (2 * UNITS_TEXT)
char *output_reservation(char text[OUTPUT_RESERVATION], struct reservation reservation);

/* That of quota_of(); null: none. */
json_t *output_json_quota(const struct vm *vm, bool ceiling);
/* Says that the VM has one; nothing when it has none, or does not run (NULL). */
void output_say_quota(const struct vm *vm, bool ceiling);

#endif
