/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Parts of `dlspare plan`: its arguments → where the threads of a policy run on a hypothetical host (apply/layout.h) → a
 * document with what that promises → tables of it.
 */
#ifndef DLSPARE_PLAN_H
#define DLSPARE_PLAN_H

#include <jansson.h>

#include "apply/layout.h"
#include "plan/fraction.h"
#include "plan/latency.h"
#include "plan/ring.h"
#include "policy/policy.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

struct plan_ring {
	char *text;
	struct ring ring;
	enum ring_side side;
	unsigned int beta;		/* 0: by whether the VM is alone */
};

struct plan_arguments {
	const char *file;
	struct reservation own, spare;
	uint64_t vms, units;
	struct cpus cpus;
	struct fraction limit;		/* 0: this host's, or the usual one */
	double rate;			/* events/s of each vCPU; negative: unknown */
	uint64_t latency;		/* UINT64_MAX: any */
	uint64_t hold;			/* 0: Ps */
	double blocking;
	uint64_t switch_cost;
	struct fraction overhead;
	struct plan_ring *rings;
	size_t nr_rings;
	uint64_t live;			/* so long the pools in force are measured; 0: not at all */
	bool formulas;			/* print them, too */
};

/* What a pool was asked for. */
struct plan_measured {
	double loans;			/* so many */
	double on_loan, waiting;	/* vCPUs on a CPU, on average */
	double hold;			/* how long a loan lasts, ns */
	double blocked;			/* the share of requests that found no unit */
};

struct plan {
	const struct plan_arguments *arguments;
	struct policy policy;
	struct plan_measured *measured;	/* of each of its pools; NULL: by arithmetic alone */
	struct layout_host host;
	struct layout layout;
};

/* --- plan_arguments.c --- */

/* Reads them; DONE, or WRONG_USAGE or FAILED after telling why. With *help the usage was wanted and printed. */
int plan_parse(struct plan_arguments *arguments, int argc, char **argv, bool *help);
void plan_free_arguments(struct plan_arguments *arguments);

/* --- plan_live.c --- */

/* Measures the policy in force, which the plan has then; DONE or another result after telling why. */
int plan_measure(struct plan *plan);
/* How long a loan of so much CPU time lasts, both in ns: the unit is Ps-Qs late each time it was drained on the way. */
double plan_hold(double borrowed, struct reservation unit);

/* --- plan_json.c: NULL is no memory, and makes NULL of what it is put into --- */

json_t *plan_append(json_t *rows, json_t *row);
/* Whole ns, rounded up: a bound stays one; null for infinity. */
json_t *plan_time(double ns);
json_t *plan_share(struct fraction share);
json_t *plan_number(double number);
/* null for 0: there is none. */
json_t *plan_count(int64_t count);

/* --- plan_document.c, plan_rings.c, plan_formulas.c --- */

/* What a plan may be about. */
enum plan_topic {
	PLAN_VMS = 1,
	PLAN_LOANS = 2,
	PLAN_CHARGE = 4,
	PLAN_EVENTS = 8,
	PLAN_RINGS = 16,
};

/* What the plan says; *fits: on each CPU. */
json_t *plan_document(const struct plan *plan, bool *fits);
json_t *plan_ring_rows(const struct plan *plan);
/* The formulas of these topics. */
json_t *plan_formula_rows(unsigned int topics);

/* --- plan_tables.c --- */

/* On standard output, with --json the document itself, which has the formulas in any case. */
bool plan_print(const json_t *document, bool formulas);

#endif
