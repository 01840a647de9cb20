// SPDX-License-Identifier: GPL-2.0
#include "command/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "apply/claim.h"
#include "apply/store.h"
#include "command/command.h"
#include "command/output.h"

struct report {
	bool dry_run;
	json_t *writes;			/* with --json */
};

static void failed(const char *vm, int code, const char *text, void *data)
{
	(void)data;
	if (vm)
		fail_vm(code, vm, "%s", text);
	else
		fail(code, "%s", text);
}

static void noted(const char *text, void *data)
{
	(void)data;
	say("%s", text);
}

static void written(const char *text, void *data)
{
	struct report *report = data;

	if (report->writes)
		json_array_append_new(report->writes, output_json_text(text));
	else if (report->dry_run)
		puts(text);
	if (!report->dry_run && options.verbose)
		say("%s", text);
}

void report_refused(const struct vms *vms, const struct policy *policy)
{
	claim_tell(vms, policy, noted, NULL);
}

void report_left_out(const char *text, void *data)
{
	(void)data;
	say("left out: %s", text);
}

int report_left_out_count(unsigned int nr)
{
	return fail(DIFFERS, "%u VM%s left out: what hooks have told of %s breaks a rule; dlspare show names it", nr,
		    nr == 1 ? " is" : "s are", nr == 1 ? "it" : "them");
}

int report_lock(int *lock, bool to_look)
{
	const struct apply_listener listener = { failed, noted, NULL, NULL };

	return apply_lock(lock, to_look, &listener);
}

int report_policy(struct policy *policy)
{
	struct policy_error error;

	return store_load(policy, &error) ? DONE : fail(FAILED, "the policy in force cannot be read: %s", error.text);
}

int report_apply(const char *command, const struct policy *policy, struct apply *apply)
{
	struct report report = { .dry_run = apply->dry_run, .writes = options.json ? json_array() : NULL };
	const bool wanted = report.dry_run || options.verbose || report.writes;
	const struct apply_listener listener = { failed, noted, wanted ? written : NULL, &report };
	int code = apply_policy(policy, apply, &listener);

	if (report.writes && code == DONE)
		code = output_json(command, json_pack("{s:b, s:O, s:i, s:i}", "dry_run", apply->dry_run, "writes", report.writes,
						      "not_running", (int)apply->missing, "left_out", (int)apply->left_out));
	json_decref(report.writes);
	return code;
}

void report_done(const struct apply *apply, const char *format, ...)
{
	const bool one = apply->missing == 1;
	va_list arguments;
	char *text;
	int made;

	va_start(arguments, format);
	made = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (made < 0)
		return;
	if (apply->missing)
		say("%u VM%s not running; dlspared configures %s when %s", apply->missing, one ? " is" : "s are",
		    one ? "it" : "them", one ? "it starts" : "they start");
	say("%s: %u write%s", text, apply->steps, apply->steps == 1 ? "" : "s");
	free(text);
}
