/* SPDX-License-Identifier: GPL-2.0 */
/* Inside of policy.h: what its files need of each other. */
#ifndef DLSPARE_POLICY_INSIDE_H
#define DLSPARE_POLICY_INSIDE_H

#include "host/units.h"
#include "policy/policy.h"

/* As text, for the expression that it is in. */
#define TIME(ns) units_print((char[UNITS_TEXT]){ 0 }, ns)

/* In the order of enum io_kind and enum edf. */
extern const char *const policy_io_names[], *const policy_edf_names[];

/* Which of the names up to `last` the text is; -1: none. A value without a name is NULL. */
int policy_word(const char *text, const char *const names[], int last);

struct policy_quoted {
	char text[80];
};

/* A value as errors show it: not so long that it leaves no room for the rule, and without control characters. */
struct policy_quoted policy_quote(const char *value);

/* Returns false. */
bool policy_refuse(struct policy_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The pool against itself and those before it, which have passed; load: what those offer on each CPU. */
bool policy_check_pool(const struct policy *policy, size_t index, uint64_t load[CPUS_MAX], struct policy_error *error);
/* The pool against its VMs, all of which are there. */
bool policy_check_automatic(const struct policy *policy, size_t index, struct policy_error *error);
/* The VM against itself, the pools, and the VMs before it. */
bool policy_check_vm(const struct policy *policy, size_t index, struct policy_error *error);

#endif
