// SPDX-License-Identifier: GPL-2.0
/* dlspare verify */
#include <getopt.h>

#include "command/command.h"
#include "command/edit.h"
#include "command/privilege.h"
#include "command/report.h"

static int read_options(int argc, char **argv, bool *latency)
{
	static const struct option list[] = {
		{ "no-latency", no_argument, NULL, 'L' },
		{ 0 },
	};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", list, NULL)) != -1) {
		if (option != 'L')
			return edit_unknown(argv, option);
		*latency = false;
	}
	if (argc > optind)
		return fail(WRONG_USAGE, "verify: '%s' is one word too many; see dlspare verify --help", argv[optind]);
	return DONE;
}

int cmd_verify(int argc, char **argv)
{
	struct apply how = { .dry_run = true };
	bool latency = true;
	struct policy policy;
	int lock, code;

	code = read_options(argc, argv, &latency);
	if (code != DONE)
		return code;
	code = privilege_to_change("verify");
	if (code == DONE)
		code = report_lock(&lock, true);
	if (code != DONE)
		return code;
	code = report_policy(&policy);
	if (code != DONE)
		goto out;
	code = report_apply("verify", &policy, &how);
	if (code == DONE && how.steps)
		code = fail(DIFFERS, "the kernel differs from the policy in force: %u write%s would set that right", how.steps,
			    how.steps == 1 ? "" : "s");
	else if (code == DONE && how.left_out)
		code = report_left_out_count(how.left_out);
	else if (code == DONE && how.bad_lines)
		code = DIFFERS;
	if (code == DONE && latency)
		code = report_missed(&policy);
	if (code == DONE)
		say("the kernel is as configured");
	policy_free(&policy);
out:
	apply_unlock(lock);
	return code;
}
