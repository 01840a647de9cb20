// SPDX-License-Identifier: GPL-2.0
#include "apply.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "admission.h"
#include "change.h"
#include "command.h"
#include "group.h"
#include "kernel.h"
#include "store.h"
#include "wanted.h"

int apply_lock(void)
{
	int lock = store_lock();

	if (lock < 0)
		return -fail(errno == EACCES || errno == EPERM ? MISSING : FAILED, STORE_FOLDER ": %s", strerror(errno));
	return lock;
}

struct applying {
	struct apply *apply;
	int code;			/* of the first problem */
};

static void problem(const char *vm, int code, const char *text, void *data)
{
	struct applying *a = data;

	if (code == DONE)
		say("%s", text);
	else if (vm)
		fail_vm(code, vm, "%s", text);
	else
		fail(code, "%s", text);
	if (a->code == DONE)
		a->code = code;
}

/* What the administrator can do about it. */
static const char *advice(const struct setting *setting, int error)
{
	switch (error) {
	case EBUSY:
		if (setting->kind == SETTING_CLASS)
			return ": other SCHED_DEADLINE threads or pools hold what is missing, see dlspare doctor";
		if (setting->kind == SETTING_DEVICE)
			return ": another group has this device";
		if (!strcmp(setting->name, "cpu.spare.pool"))
			return ": the units do not fit beside what is admitted on those CPUs";
		return "";
	case EPERM:
		if (setting->kind == SETTING_CLASS)
			return ": SCHED_DEADLINE needs CAP_SYS_NICE, and an affinity that is the thread's whole root domain: "
			       "unpin it, or give it a pool that is exclusive";
		return "";
	case ENOENT:
		if (setting->kind == SETTING_VALUE && !strncmp(setting->name, "cpu.spare.", 10))
			return ": this kernel has no spare reservations, see dlspare doctor";
		if (setting->kind == SETTING_VALUE && !strcmp(setting->name, "cpuset.cpus.exclusive"))
			return ": exclusive pools need Linux 6.7 or later";
		return "";
	default:
		return "";
	}
}

static int code_of(const struct setting *setting, int error)
{
	if (error == EBUSY && (setting->kind == SETTING_CLASS || !strcmp(setting->name, "cpu.spare.pool")))
		return NO_ROOM;
	if (error == EPERM || error == EACCES ||
	    (error == ENOENT && !strncmp(setting->name, "cpu.spare.", 10)))
		return MISSING;
	return FAILED;
}

/* The write as change_print() has it; NULL without memory. */
static char *step_text(const struct step *step)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		return NULL;
	setting_describe(file, &step->setting, step->setting.value);
	fclose(file);
	return text;
}

static void failed(const struct step *step, const char *why, int error, void *data)
{
	const struct setting *setting = &step->setting;
	struct applying *a = data;
	char *text = step_text(step), *reason, *now;
	int code = code_of(setting, error);

	if (error == EPROTO) {
		now = setting_read(setting);
		if (asprintf(&reason, "the kernel reads '%s'", now ? now : "nothing") < 0)
			reason = NULL;
		free(now);
	} else if (asprintf(&reason, "%s%s%s%s", why ? why : "", why ? ": " : "", strerror(error),
			    advice(setting, error)) < 0) {
		reason = NULL;
	}
	if (setting->vm)
		fail_vm(code, setting->vm, "%s: %s", text ? text : "?", reason ? reason : strerror(error));
	else
		fail(code, "%s: %s", text ? text : "?", reason ? reason : strerror(error));
	if (a->code == DONE)
		a->code = code;
	free(reason);
	free(text);
}

static void made(const struct step *step, void *data)
{
	struct applying *a = data;
	char *text;

	a->apply->steps++;
	if (!options.verbose)
		return;
	text = step_text(step);
	say("%s", text ? text : "?");
	free(text);
}

static void warn(const char *text)
{
	say("left out: %s", text);
}

static bool wants_spare(const struct policy *policy)
{
	size_t i;

	for (i = 0; i < policy->nr_pools; i++)
		if (policy->pools[i].spare.runtime)
			return true;
	return false;
}

static unsigned int count_missing(const struct policy *policy, const struct vms *vms)
{
	unsigned int n = 0;
	bool several;
	size_t i;

	for (i = 0; i < policy->nr_vms; i++)
		n += !vms_named(vms, policy->vms[i].name, &several) && !several;
	return n;
}

/* Everything that can be known before the first write. */
static int check(const struct policy *policy, const struct admission *admission)
{
	if (wants_spare(policy) && kernel_spare() == KERNEL_NO)
		return fail(MISSING, "this kernel has no spare reservations (CONFIG_SCHED_SPARE): pools can only have CPUs, without "
			    "runtime and period; see dlspare doctor");
	return admission->fits ? DONE : fail(NO_ROOM, "%s", admission->text);
}

static void print(const struct change *change)
{
	json_t *writes = json_array(), *document = json_pack("{s:o}", "writes", writes);
	size_t i;

	if (!options.json)
		change_print(change, stdout);
	for (i = 0; options.json && i < change->nr; i++) {
		char *text = step_text(&change->steps[i]);

		json_array_append_new(writes, json_string(text ? text : ""));
		free(text);
	}
	if (options.json)
		json_dumpf(document, stdout, JSON_INDENT(2)), putchar('\n');
	json_decref(document);
}

static int make(const struct change *change, struct ledger *ledger, struct applying *a)
{
	const struct change_watch watch = { failed, made, a };

	if (a->apply->dry_run) {
		print(change);
		a->apply->steps = change->nr;
		return DONE;
	}
	if (change_make(change, ledger, a->apply->whole, &watch) && a->code == DONE)
		return fail(FAILED, "%s: %s", STORE_LEDGER, strerror(errno));
	return a->code;
}

int apply_policy(const struct policy *policy, struct apply *apply)
{
	struct applying a = { apply, DONE };
	struct admission admission = { 0 };
	struct settings wanted = { 0 };
	struct change change = { 0 };
	struct ledger ledger = { 0 };
	struct vms vms = { 0 };
	struct wanted_host host;
	struct policy all;
	char error[256];
	int code;

	apply->steps = 0;
	policy_init(&all);
	if (group_start())
		return fail(MISSING, "no control groups, version 2: %s", strerror(errno));
	if (!wanted_host(&host))
		return fail(MISSING, "/sys/devices/system/cpu: %s", strerror(errno));
	if (!policy_copy(&all, policy) || (!apply->alone && !store_add_vms(&all, warn)))
		return fail(FAILED, "out of memory");
	if (vms_find(&vms)) {
		code = fail(FAILED, "cannot look for VMs: %s", strerror(errno));
		goto out;
	}
	if (!ledger_read(&ledger, error, sizeof(error))) {
		code = fail(FAILED, "%s", error);
		goto out;
	}
	apply->missing = count_missing(policy, &vms);
	if (!admission_make(&admission, &all, &vms, &host)) {
		code = fail(FAILED, "out of memory");
		goto out;
	}
	code = apply->whole ? check(&all, &admission) : DONE;
	if (code != DONE)
		goto out;
	if (!wanted_make(&wanted, &all, &vms, &host, &admission, &ledger, problem, &a)) {
		code = fail(FAILED, "out of memory");
		goto out;
	}
	code = a.code;
	if (code != DONE && apply->whole)
		goto out;
	if (!change_plan(&change, &wanted, &ledger)) {
		code = fail(FAILED, "out of memory");
		goto out;
	}
	code = make(&change, &ledger, &a);
	if (apply->save && !apply->dry_run && (code == DONE || !apply->whole) && store_save(policy))
		code = fail(FAILED, "%s: %s", STORE_POLICY, strerror(errno));
out:
	change_free(&change);
	settings_free(&wanted);
	admission_free(&admission);
	ledger_free(&ledger);
	vms_free(&vms);
	policy_free(&all);
	return code;
}
