// SPDX-License-Identifier: GPL-2.0
/* dlspare apply FILE, dlspare reset */
#include <getopt.h>

#include "command/command.h"
#include "command/edit.h"
#include "command/privilege.h"
#include "command/report.h"
#include "host/host.h"

static int apply(const char *command, const struct policy *policy, struct apply *how)
{
	int lock, code = privilege_to_change(command);

	if (code == DONE)
		code = report_lock(&lock, how->dry_run);
	if (code != DONE)
		return code;
	code = report_apply(command, policy, how);
	apply_unlock(lock);
	return code;
}

int cmd_apply(int argc, char **argv)
{
	struct apply how = { .whole = true, .save = true };
	struct policy_error error;
	struct policy policy;
	int code;

	code = edit_dry_run(argc, argv, &how.dry_run);
	if (code != DONE)
		return code;
	if (argc - optind != 1)
		return fail(WRONG_USAGE, "apply: one file is needed; see dlspare apply --help");
	if (!policy_read(&policy, argv[optind], &error))
		return fail(host_exists(argv[optind]) ? WRONG_POLICY : NOT_FOUND, "%s", error.text);
	code = apply("apply", &policy, &how);
	if (code == DONE && !how.dry_run)
		report_done(&how, "%zu pool%s and %zu VM%s as in %s", policy.nr_pools, policy.nr_pools == 1 ? "" : "s",
			    policy.nr_vms, policy.nr_vms == 1 ? "" : "s", argv[optind]);
	policy_free(&policy);
	return code;
}

int cmd_reset(int argc, char **argv)
{
	/* What cannot be put back must not keep the rest. */
	struct apply how = { .alone = true, .forget = true };
	struct policy nothing;
	int code;

	code = edit_dry_run(argc, argv, &how.dry_run);
	if (code != DONE)
		return code;
	if (argc > optind)
		return fail(WRONG_USAGE, "reset: '%s' is one word too many; see dlspare reset --help", argv[optind]);
	policy_init(&nothing);
	code = apply("reset", &nothing, &how);
	if (code == DONE && !how.dry_run)
		report_done(&how, "everything is as before dlspare");
	return code;
}
