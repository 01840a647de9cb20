/* SPDX-License-Identifier: GPL-2.0 */
/* What the subcommands of dlspare share: options of all, how errors are told. Their results are exit codes. */
#ifndef DLSPARE_COMMAND_H
#define DLSPARE_COMMAND_H

#include <stdbool.h>

#include "host/result.h"

struct options {
	bool json;		/* one JSON document on standard output */
	bool quiet;		/* no messages but errors */
	int verbose;
	bool color;
};

extern struct options options;

/* "dlspare: TEXT" on standard error. Returns code. */
int fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same about a VM. */
int fail_vm(int code, const char *vm, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A message on standard error, unless quiet. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Each subcommand is a file cmd_NAME.c with a function of this type; argv[0] is its name. */
typedef int command_function(int argc, char **argv);

command_function cmd_set, cmd_unset, cmd_assign, cmd_pool, cmd_apply, cmd_verify, cmd_reset, cmd_show, cmd_status,
	cmd_top, cmd_observe, cmd_why, cmd_validate, cmd_plan, cmd_doctor, cmd_metrics, cmd_find, cmd_complete;

#endif
