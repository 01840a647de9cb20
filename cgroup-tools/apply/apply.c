// SPDX-License-Identifier: GPL-2.0
#include "apply/apply.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "apply/admission.h"
#include "apply/change.h"
#include "apply/store.h"
#include "apply/wanted.h"
#include "host/group.h"
#include "host/kernel.h"

struct applying {
	struct apply *apply;
	const struct apply_listener *listener;
	int code;			/* of the first problem */
};

static void __attribute__((format(printf, 3, 4)))
tell(const struct apply_listener *listener, int code, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	listener->failed(NULL, code, text, listener->data);
}

/* Tells of a failure; its value is the code. */
#define FAIL(a, code, ...) (tell((a)->listener, code, __VA_ARGS__), (code))

static void problem(const char *vm, int code, const char *text, void *data)
{
	struct applying *a = data;

	if (code == DONE)
		a->listener->noted(text, a->listener->data);
	else
		a->listener->failed(vm, code, text, a->listener->data);
	if (a->code == DONE)
		a->code = code;
}

int apply_lock(const struct apply_listener *listener)
{
	int lock = store_lock(), code = errno == EACCES || errno == EPERM ? MISSING : FAILED;

	if (lock >= 0)
		return lock;
	tell(listener, code, STORE_FOLDER ": %s", strerror(errno));
	return -code;
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

/* The write as an administrator would do it; NULL without memory. */
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
	char *text = step_text(step), *reason, *now, *whole;
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
	if (asprintf(&whole, "%s: %s", text ? text : "?", reason ? reason : strerror(error)) < 0)
		whole = NULL;
	problem(setting->vm, code, whole ? whole : strerror(error), a);
	free(whole);
	free(reason);
	free(text);
}

static void written(const struct step *step, void *data)
{
	struct applying *a = data;
	char *text;

	a->apply->steps++;
	if (!a->listener->written)
		return;
	text = step_text(step);
	a->listener->written(text ? text : "?", a->listener->data);
	free(text);
}

static void left_out(const char *text, void *data)
{
	const struct applying *a = data;
	char *whole;

	a->apply->left_out++;
	if (asprintf(&whole, "left out: %s", text) < 0)
		return;
	a->listener->noted(whole, a->listener->data);
	free(whole);
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
static int check(const struct policy *policy, const struct admission *admission, const struct applying *a)
{
	if (wants_spare(policy) && kernel_spare() == KERNEL_NO)
		return FAIL(a, MISSING, "this kernel has no spare reservations (CONFIG_SCHED_SPARE): pools can only have CPUs, without "
			    "runtime and period; see dlspare doctor");
	return admission->fits ? DONE : FAIL(a, NO_ROOM, "%s", admission->text);
}

static int make(const struct change *change, struct ledger *ledger, struct applying *a)
{
	const struct change_watch watch = { failed, written, a };
	size_t i;

	for (i = 0; a->apply->dry_run && i < change->nr; i++)
		written(&change->steps[i], a);
	if (a->apply->dry_run)
		return DONE;
	if (change_make(change, ledger, a->apply->whole, &watch) && a->code == DONE)
		return FAIL(a, FAILED, "%s: %s", STORE_LEDGER, strerror(errno));
	return a->code;
}

/* What is kept has to be read again. */
static int check_length(const struct policy *policy, struct applying *a)
{
	char *text = policy_text(policy);
	size_t length = text ? strlen(text) : 0;

	free(text);
	if (!text)
		return FAIL(a, FAILED, "out of memory");
	if (length > POLICY_TEXT_MAX)
		return FAIL(a, WRONG_POLICY, "the policy is %zu bytes long as it is kept; it may have %d", length, POLICY_TEXT_MAX);
	return DONE;
}

int apply_policy(const struct policy *policy, struct apply *apply, const struct apply_listener *listener)
{
	struct applying a = { apply, listener, DONE };
	struct admission admission = { 0 };
	struct settings wanted = { 0 };
	struct change change = { 0 };
	struct ledger ledger = { 0 };
	struct vms vms = { 0 };
	struct wanted_host host;
	struct policy all;
	char error[256];
	int code;

	apply->steps = apply->left_out = 0;
	policy_init(&all);
	if (group_start())
		return FAIL(&a, MISSING, "no control groups, version 2: %s", strerror(errno));
	if (!wanted_host(&host))
		return FAIL(&a, MISSING, "/sys/devices/system/cpu: %s", strerror(errno));
	if (!policy_copy(&all, policy) || (!apply->alone && !store_add_vms(&all, left_out, &a))) {
		code = FAIL(&a, FAILED, "out of memory");
		goto out;
	}
	code = apply->save ? check_length(policy, &a) : DONE;
	if (code != DONE)
		goto out;
	if (vms_find(&vms)) {
		code = FAIL(&a, FAILED, "cannot look for VMs: %s", strerror(errno));
		goto out;
	}
	if (!ledger_read(&ledger, error, sizeof(error))) {
		code = FAIL(&a, FAILED, "%s", error);
		goto out;
	}
	apply->missing = count_missing(policy, &vms);
	if (!admission_make(&admission, &all, &vms, &host)) {
		code = FAIL(&a, FAILED, "out of memory");
		goto out;
	}
	code = apply->whole ? check(&all, &admission, &a) : DONE;
	if (code != DONE)
		goto out;
	if (!wanted_make(&wanted, &all, &vms, &host, &admission, &ledger, problem, &a)) {
		code = FAIL(&a, FAILED, "out of memory");
		goto out;
	}
	code = a.code;
	if (code != DONE && apply->whole)
		goto out;
	if (!change_plan(&change, &wanted, &ledger)) {
		code = FAIL(&a, FAILED, "out of memory");
		goto out;
	}
	code = make(&change, &ledger, &a);
	if (apply->save && !apply->dry_run && (code == DONE || !apply->whole) && store_save(policy))
		code = FAIL(&a, FAILED, "%s: %s", STORE_POLICY, strerror(errno));
out:
	change_free(&change);
	settings_free(&wanted);
	admission_free(&admission);
	ledger_free(&ledger);
	vms_free(&vms);
	policy_free(&all);
	return code;
}
