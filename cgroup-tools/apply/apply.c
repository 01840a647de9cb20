// SPDX-License-Identifier: GPL-2.0
#include "apply/apply.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apply/admission.h"
#include "apply/change.h"
#include "apply/chosen.h"
#include "apply/claim.h"
#include "apply/foresee.h"
#include "apply/lender.h"
#include "apply/loss.h"
#include "apply/others.h"
#include "apply/store.h"
#include "apply/wanted.h"
#include "host/group.h"
#include "host/kernel.h"
#include "host/spare.h"

struct applying {
	struct apply *apply;
	struct file_draft draft;	/* of the policy to be in force */
	bool drafted;
	const struct apply_listener *listener;
	const struct ledger *ledger;
	int code;			/* of the first problem */
};

static void __attribute__((format(printf, 3, 4)))
tell(const struct apply_listener *listener, int code, const char *format, ...)
{
	char text[2048];
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

struct waiting {
	const struct apply_listener *listener;
	char holder[LOCK_HOLDER];
};

static void waits(const char *holder, void *data)
{
	struct waiting *waiting = data;
	char text[LOCK_HOLDER + 64];

	snprintf(waiting->holder, sizeof(waiting->holder), "%s", holder);
	snprintf(text, sizeof(text), "waiting for %s, which has " STORE_LOCK, holder);
	waiting->listener->noted(text, waiting->listener->data);
}

int apply_lock(int *lock, bool to_look, const struct apply_listener *listener)
{
	struct waiting waiting = { listener, "somebody" };
	int error;

	*lock = store_lock(to_look, waits, &waiting);
	error = errno;
	if (*lock >= 0 || (to_look && error == ENOENT))
		return DONE;
	if (error == ETIMEDOUT)
		tell(listener, FAILED, STORE_LOCK ": after %d s %s still has it; nothing is changed", LOCK_END_MS / 1000, waiting.holder);
	else if (error == EACCES || error == EPERM)
		tell(listener, MISSING, STORE_FOLDER ": %s; this takes root", strerror(error));
	else
		tell(listener, FAILED, STORE_FOLDER ": %s; nothing is changed", file_error(error));
	return error == EACCES || error == EPERM ? MISSING : FAILED;
}

void apply_unlock(int lock)
{
	if (lock >= 0)
		close(lock);
}

#define NO_THREADS_BELOW \
	": a group that has processes of its own and in groups below it, or memory or io in its cgroup.subtree_control, can have no " \
	"threads below: the VM needs a group that has nothing else"

/* What the administrator can do about it. */
static const char *advice(const struct setting *setting, int error)
{
	switch (error) {
	case EINVAL:
		if (setting->kind == SETTING_VALUE && !strcmp(setting->name, "cpuset.cpus.exclusive"))
			return ": a group beside it has been given just these CPUs, in its cpuset.cpus or cpuset.cpus.exclusive";
		return "";
	case EOPNOTSUPP:
		return setting->kind == SETTING_GROUP || setting->kind == SETTING_THREAD ? NO_THREADS_BELOW : "";
	case EBUSY:
		if (setting->kind == SETTING_CONTROLLER)
			return NO_THREADS_BELOW;
		if (setting->kind == SETTING_CLASS)
			return ": what is missing is reserved already";
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

/* Is it refused for want of bandwidth? A partition may not leave the others' CPUs with too little, either. */
static bool is_no_room(const struct setting *setting, int error)
{
	return error == EBUSY && (setting->kind == SETTING_CLASS || !strcmp(setting->name, "cpu.spare.pool") ||
				  !strncmp(setting->name, "cpuset.", 7));
}

static int code_of(const struct setting *setting, int error)
{
	if (is_no_room(setting, error))
		return NO_ROOM;
	if (error == EPERM || error == EACCES ||
	    (error == ENOENT && setting->kind == SETTING_VALUE && !strncmp(setting->name, "cpu.spare.", 10)))
		return MISSING;
	return FAILED;
}

/* Some are files of ours, which are not written where others may put something in their place. */
static const char *words_of(const struct setting *setting, int error)
{
	return setting->kind == SETTING_LENDER || setting->kind == SETTING_LENDER_DEVICE ? file_error(error) : strerror(error);
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
	struct others others = { 0 };

	if (error == EBUSY && setting->kind != SETTING_DEVICE)
		others_find(&others, a->ledger);

	if (error == EPROTO) {
		now = setting_read(setting);
		if (asprintf(&reason, "the kernel reads '%s'", now ? now : "nothing") < 0)
			reason = NULL;
		free(now);
	} else if (asprintf(&reason, "%s%s%s%s%s%s", why ? why : "", why ? ": " : "", words_of(setting, error),
			    advice(setting, error), *others.text ? "; " : "", others.text) < 0) {
		reason = NULL;
	}
	if (asprintf(&whole, "%s: %s", text ? text : "?", reason ? reason : strerror(error)) < 0)
		whole = NULL;
	problem(setting->vm, code, whole ? whole : strerror(error), a);
	free(whole);
	free(reason);
	free(text);
}

static void unnoted(const struct step *step, int error, void *data)
{
	const struct applying *a = data;
	char *text = step_text(step), *whole;

	if (asprintf(&whole, STORE_LEDGER ": %s; so this is not written%s: %s", file_error(error),
		     a->apply->whole ? ", and what was is taken back" : "", text ? text : "?") < 0)
		whole = NULL;
	problem(step->setting.vm, FAILED, whole ? whole : file_error(error), data);
	free(whole);
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

static void tell_loss(const struct settings *wanted, const struct applying *a)
{
	const struct setting *lost = loss_find(wanted, a->ledger);
	char *text;

	if (!lost || asprintf(&text, "%s has lost %s, which is set again: systemd takes controllers that no unit below has asked for, as one does by "
			      "Delegate=cpu cpuset", group_path(lost->object, "cgroup.subtree_control"), lost->name) < 0)
		return;
	a->listener->noted(text, a->listener->data);
	free(text);
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
	size_t i;

	for (i = 0; i < policy->nr_vms; i++)
		n += !vms_named(vms, policy->vms[i].name);
	return n;
}

/* Everything that can be known before the first write. */
static int check(const struct policy *policy, const struct admission *admission, const struct applying *a)
{
	struct others others;

	if (policy->lender == LENDER_KERNEL && wants_spare(policy) && kernel_spare() == KERNEL_NO)
		return FAIL(a, MISSING, "this kernel has no spare reservations (CONFIG_SCHED_SPARE), and the policy has lender = \"kernel\": leave "
			    "that out, or have pools without runtime and period; see dlspare doctor");
	if (admission->fits)
		return DONE;
	others_find(&others, a->ledger);
	return FAIL(a, NO_ROOM, "%s%s%s", admission->text, *others.text ? "; beside that, " : "", others.text);
}

static int publish(struct applying *a)
{
	a->drafted = false;
	return file_publish(&a->draft);
}

static int complete(void *data)
{
	struct applying *a = data;

	if (!a->drafted || !publish(a))
		return 0;
	a->code = FAIL(a, FAILED, STORE_POLICY ": %s; what was written is taken back", file_error(errno));
	return -1;
}

/*
 * The policy in force and the kernel change together. Where it is all or nothing, that policy is drafted before the first write, which
 * takes the space that it needs, and published after the last. Elsewhere the policy counts, whatever the kernel refuses: it is first.
 */
static int prepare(const struct policy *policy, struct applying *a)
{
	if (a->apply->forget && store_forget())
		return FAIL(a, FAILED, STORE_FOLDER ": %s; nothing is changed", file_error(errno));
	if (!a->apply->save)
		return DONE;
	a->drafted = !store_draft(&a->draft, policy);
	if (!a->drafted || (!a->apply->whole && publish(a)))
		return FAIL(a, FAILED, STORE_POLICY ": %s; nothing is changed", file_error(errno));
	return DONE;
}

static int make(const struct change *change, struct ledger *ledger, const struct policy *policy, struct applying *a)
{
	const struct change_watch watch = { failed, unnoted, written, complete, a };
	char text[256];
	size_t i;
	int code;

	for (i = 0; a->apply->dry_run && i < change->nr; i++)
		if (!foresee_needless(change, i))
			written(&change->steps[i], a);
	if (a->apply->dry_run)
		return DONE;
	code = prepare(policy, a);
	if (code != DONE)
		return code;
	if (change_make(change, ledger, a->apply->whole, &watch) && a->code == DONE)
		a->code = FAIL(a, FAILED, "out of memory");
	if (a->drafted)
		file_drop(&a->draft);
	spare_lender_sweep();
	if (ledger->error && a->code == DONE) {
		snprintf(text, sizeof(text), STORE_LEDGER ": %s; it keeps lines that it needs no more", file_error(ledger->error));
		a->listener->noted(text, a->listener->data);
	}
	return a->code;
}

/* Bad lines must not keep the rest. */
static int check_ledger(struct ledger *ledger, struct applying *a)
{
	char text[256];

	a->apply->bad_lines = ledger->nr_bad;
	if (!ledger->nr_bad)
		return DONE;
	ledger_complain(ledger, text, sizeof(text));
	if (a->apply->dry_run)
		tell(a->listener, FAILED, "%s; dlspare apply, set or reset moves it to " STORE_LEDGER_BAD, text);
	else if (ledger_set_aside(ledger))
		return FAIL(a, FAILED, "%s, and cannot be moved to " STORE_LEDGER_BAD ": %s; nothing is changed", text, file_error(errno));
	else
		tell(a->listener, FAILED, "%s; it is in " STORE_LEDGER_BAD " now. What it tells of is not put back by dlspare: look there",
		     text);
	return DONE;
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
	struct ledger ledger = { 0 };
	struct applying a = { .apply = apply, .listener = listener, .ledger = &ledger };
	struct admission admission = { 0 };
	struct settings wanted = { 0 };
	struct change change = { 0 };
	struct vms vms = { 0 };
	struct wanted_host host;
	struct policy_error refused;
	struct policy all;
	char error[256];
	int code;

	apply->steps = apply->left_out = apply->bad_lines = 0;
	apply->lends = false;
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
	lender_settle(&all);
	apply->lends = lender_wanted(&all);
	code = chosen_here(&all, apply->whole ? all.nr_vms : policy->nr_vms, listener->noted, listener->data, &refused);
	if (code != DONE) {
		code = FAIL(&a, code, "%s", refused.text);
		goto out;
	}
	if (vms_find(&vms)) {
		code = FAIL(&a, FAILED, "cannot look for VMs: %s", strerror(errno));
		goto out;
	}
	if (!ledger_read(&ledger, error, sizeof(error))) {
		code = FAIL(&a, FAILED, "%s", error);
		goto out;
	}
	code = check_ledger(&ledger, &a);
	if (code != DONE)
		goto out;
	claim_decide(&vms, &all, &ledger);
	/* What others say they are is no failure of ours. */
	claim_tell(&vms, &all, listener->noted, listener->data);
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
	if (!apply->dry_run)
		tell_loss(&wanted, &a);
	code = make(&change, &ledger, policy, &a);
out:
	change_free(&change);
	settings_free(&wanted);
	admission_free(&admission);
	ledger_free(&ledger);
	vms_free(&vms);
	policy_free(&all);
	return code;
}
