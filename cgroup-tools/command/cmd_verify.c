// SPDX-License-Identifier: GPL-2.0
/* dlspare verify */
#include "command/command.h"
#include "command/privilege.h"
#include "command/report.h"

int cmd_verify(int argc, char **argv)
{
	struct apply how = { .dry_run = true };
	struct policy policy;
	int lock, code;

	if (argc > 1)
		return fail(WRONG_USAGE, "verify: '%s' is one word too many; see dlspare verify --help", argv[1]);
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
	if (code == DONE)
		code = report_missed(&policy);
	if (code == DONE)
		say("the kernel is as configured");
	policy_free(&policy);
out:
	apply_unlock(lock);
	return code;
}
