// SPDX-License-Identifier: GPL-2.0
#include "command/report.h"

#include <jansson.h>
#include <stdio.h>

#include "apply/store.h"
#include "command/command.h"

struct report {
	bool dry_run;
	json_t *writes;			/* of a dry run with --json */
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
		json_array_append_new(report->writes, json_string(text));
	else if (report->dry_run)
		puts(text);
	else
		say("%s", text);
}

void report_left_out(const char *text, void *data)
{
	(void)data;
	say("left out: %s", text);
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

int report_apply(const struct policy *policy, struct apply *apply)
{
	struct report report = {
		.dry_run = apply->dry_run, .writes = apply->dry_run && options.json ? json_array() : NULL,
	};
	const bool wanted = report.dry_run || options.verbose;
	const struct apply_listener listener = { failed, noted, wanted ? written : NULL, &report };
	int code = apply_policy(policy, apply, &listener);
	json_t *document;

	if (report.writes && code == DONE) {
		document = json_pack("{s:O}", "writes", report.writes);
		json_dumpf(document, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(document);
	}
	json_decref(report.writes);
	return code;
}
