// SPDX-License-Identifier: GPL-2.0
#include "command/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apply/claim.h"
#include "apply/promise.h"
#include "apply/store.h"
#include "apply/target.h"
#include "command/command.h"
#include "command/output.h"
#include "host/proc.h"

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

void report_chosen(const char *text, void *data)
{
	noted(text, data);
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
	if (apply->lends && !proc_runs("dlspared"))
		say("units are lent by dlspare-lender while dlspared runs, which it does not: systemctl enable --now dlspared");
	say("%s: %u write%s", text, apply->steps, apply->steps == 1 ? "" : "s");
	free(text);
}

void report_promises(const struct policy *policy)
{
	size_t i;

	for (i = 0; i < policy->nr_vms; i++) {
		char *text = policy->vms[i].target.latency ? promise_text(policy, &policy->vms[i]) : NULL;

		if (text)
			say("%s", text);
		free(text);
	}
}

/* So many are named. */
#define NAMES 5

void report_ceilings(const struct policy *policy)
{
	char names[NAMES * 80] = "";
	bool borrow = false;
	size_t nr = 0, i;

	for (i = 0; i < policy->nr_vms; i++) {
		const struct vm_policy *vm = &policy->vms[i];

		if (vm->class != CLASS_QUOTA || !vm->reservation.runtime)
			continue;
		borrow |= policy_borrows(policy, vm);
		if (nr++ < NAMES)
			snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s'%.64s'", nr > 1 ? ", " : "", vm->name);
	}
	if (nr)
		say("VM %s%s: a ceiling, not a reservation: nothing keeps that time for it%s", names, nr > NAMES ? ", ..." : "",
		    borrow ? "; and Ps holds when dlspare-lender is woken in time" : "");
}

static int tell_missed(const struct policy *policy, const struct vms *vms, const struct target_verdicts *verdicts)
{
	int code = DONE;
	size_t i;

	for (i = 0; i < policy->nr_vms; i++) {
		const struct vm_policy *wanted = &policy->vms[i];
		const struct vm *vm = wanted->target.latency ? vms_named(vms, wanted->name) : NULL;
		const struct target_verdict *verdict = vm ? target_of(verdicts, wanted, vm) : NULL;
		char *target = verdict && verdict->missed ? policy_target_text(&wanted->target) : NULL, share[POLICY_SHARE_TEXT];

		if (vm && !verdict)
			say("VM '%s': nobody has judged its latency in the last minutes; dlspared does", wanted->name);
		if (target)
			code = fail_vm(DIFFERS, wanted->name, "latency %s is missed: of the last %" PRIu64 " waits and events %s were in time",
				       target, verdict->events, policy_share_text(share, verdict->within));
		free(target);
	}
	return code;
}

int report_missed(const struct policy *policy)
{
	struct target_verdicts verdicts;
	struct vms vms = { 0 };
	struct policy all;
	int code = DONE;

	target_load(&verdicts);
	if (!policy_copy(&all, policy) || !store_add_vms(&all, NULL, NULL))
		code = fail(FAILED, STORE_VMS ": %s", strerror(errno));
	else if (target_wanted(&all) && claim_find(&vms, &all))
		code = fail(FAILED, "cannot look for VMs: %s", strerror(errno));
	else
		code = tell_missed(&all, &vms, &verdicts);
	target_free(&verdicts);
	vms_free(&vms);
	policy_free(&all);
	return code;
}
