// SPDX-License-Identifier: GPL-2.0
/*
 * dlspared: keeps the kernel as configured while VMs, CPUs, devices and groups come and go. It holds no state: what it wants
 * is in files, what it has changed is in the ledger. So it can be killed and started again at any moment.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "apply/apply.h"
#include "apply/claim.h"
#include "apply/lender.h"
#include "apply/store.h"
#include "apply/target.h"
#include "daemon/event.h"
#include "daemon/lending.h"
#include "host/clock.h"
#include "host/group.h"
#include "host/host.h"
#include "host/units.h"

/* What has no event, such as another's sched_setattr(), is found within this. */
#define LOOK_MS 60000
/* Without process events a late worker of a VM is found within this. */
#define LOOK_OFTEN_MS 1000
/* What fails no longer was another's write at the same moment, and is not told. */
#define PASSING_MS 1000

static bool to_journal, quiet;

/* --- messages: a failure is told when it is new, not at each look --- */

struct told {
	char **texts;
	size_t nr;
};

static struct told now, before;

static bool was_told(const struct told *told, const char *text)
{
	size_t i;

	for (i = 0; i < told->nr; i++)
		if (!strcmp(told->texts[i], text))
			return true;
	return false;
}

/* Since when a look has failed that nothing was told of, ms; 0: none has. */
static int64_t failing;
static bool patient, held_back;

/* Is it told at a later look, if it still fails then? */
static bool may_pass(const char *text)
{
	bool passes = patient && !was_told(&before, text) && (!failing || clock_ms(CLOCK_MONOTONIC) - failing < PASSING_MS);

	held_back |= passes;
	return passes;
}

/* False when it was told at the last look, or in this one. */
static bool is_new(const char *text)
{
	bool known = was_told(&before, text), again = was_told(&now, text);
	char **texts = again ? NULL : reallocarray(now.texts, now.nr + 1, sizeof(*texts));

	if (texts) {
		now.texts = texts;
		texts[now.nr] = strdup(text);
		now.nr += texts[now.nr] != NULL;
	}
	return !known && !again;
}

static void forget(struct told *told)
{
	while (told->nr)
		free(told->texts[--told->nr]);
	free(told->texts);
	told->texts = NULL;
}

static void begin_look(void)
{
	forget(&before);
	before = now;
	now = (struct told){ 0 };
	held_back = false;
}

static void log_line(int priority, int code, const char *vm, const char *text)
{
	if (!to_journal)
		fprintf(stderr, "<%d>dlspared: %s%s%s%s\n", priority, vm ? "VM '" : "", vm ? vm : "", vm ? "': " : "", text);
	else if (vm)
		sd_journal_send("MESSAGE=VM '%s': %s", vm, text, "PRIORITY=%d", priority, "DLSPARE_CODE=%d", code,
				"DLSPARE_VM=%s", vm, NULL);
	else
		sd_journal_send("MESSAGE=%s", text, "PRIORITY=%d", priority, "DLSPARE_CODE=%d", code, NULL);
}

static void tell(int priority, int code, const char *format, va_list arguments)
{
	char text[1024];

	vsnprintf(text, sizeof(text), format, arguments);
	if (is_new(text))
		log_line(priority, code, NULL, text);
}

static int __attribute__((format(printf, 2, 3))) fail(int code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	tell(LOG_ERR, code, format, arguments);
	va_end(arguments);
	return code;
}

static void __attribute__((format(printf, 1, 2))) say(const char *format, ...)
{
	va_list arguments;

	if (quiet)
		return;
	va_start(arguments, format);
	tell(LOG_INFO, DONE, format, arguments);
	va_end(arguments);
}

/* --- what apply tells --- */

static void failed(const char *vm, int code, const char *text, void *data)
{
	(void)data;
	if (!may_pass(text) && is_new(text))
		log_line(LOG_ERR, code, vm, text);
}

static void noted(const char *text, void *data)
{
	(void)data;
	say("%s", text);
}

static void written(const char *text, void *data)
{
	(void)data;
	say("%s", text);
}

/* written() is for --verbose. */
static struct apply_listener listener = { failed, noted, NULL, NULL };

/* Of a VM whose target begins to be missed, or is held again. */
static void judged(const struct vm_policy *vm, const struct target_verdict *verdict, void *data)
{
	char *target = policy_target_text(&vm->target), share[POLICY_SHARE_TEXT], text[256];
	int priority = verdict->missed ? LOG_WARNING : LOG_NOTICE, code = verdict->missed ? DIFFERS : DONE;

	(void)data;
	snprintf(text, sizeof(text), "latency %s is %s: of %" PRIu64 " waits and events since the last look %s were within %s%s",
		 target ? target : "?", verdict->missed ? "missed" : "held again", verdict->events, policy_share_text(share, verdict->within),
		 units_print((char[UNITS_TEXT]){ 0 }, vm->target.latency), verdict->missed ? "; see dlspare why" : "");
	if (to_journal)
		sd_journal_send("MESSAGE=VM '%s': %s", vm->name, text, "PRIORITY=%d", priority, "DLSPARE_CODE=%d", code,
				"DLSPARE_VM=%s", vm->name, "DLSPARE_LATENCY=%s", target ? target : "", "DLSPARE_LATENCY_MISSED=%d",
				verdict->missed, "DLSPARE_LATENCY_WITHIN=%.6f", verdict->within, "DLSPARE_EVENTS=%" PRIu64,
				verdict->events, NULL);
	else
		log_line(priority, code, vm->name, text);
	free(target);
}

/* --- dlspare-lender --- */

/* Has it something to lend, by the policy in force? */
static bool lends;

static void lender_fails(const char *text)
{
	log_line(LOG_ERR, FAILED, NULL, text);
}

/* A command has made another policy that in force, and all writes for it. */
static bool is_policy_new(void)
{
	static struct stat last;
	struct stat now = { 0 };
	bool is_new;

	stat(host_path(STORE_POLICY), &now);
	is_new = now.st_ino != last.st_ino || now.st_mtim.tv_sec != last.st_mtim.tv_sec || now.st_mtim.tv_nsec != last.st_mtim.tv_nsec;
	last = now;
	return is_new;
}

/* --- looks at the host --- */

/* With what hooks have told of: what is watched from now on, and whether targets are held. */
static void watch(const struct policy *policy)
{
	struct vms vms = { 0 };
	struct policy all;

	if (policy_copy(&all, policy) && store_add_vms(&all, NULL, NULL) && !claim_find(&vms, &all)) {
		event_watch(&all, &vms);
		lends = lender_wanted(&all);
		if (target_wanted(&all) && target_judge(&all, &vms, judged, NULL))
			fail(FAILED, STORE_LATENCY ": %s", file_error(errno));
	}
	vms_free(&vms);
	policy_free(&all);
}

/* Makes the host as the policy in force, or the new one when there is one, wants it. A result, of what failed last. */
static int look(const struct policy *new)
{
	struct apply apply = { .save = new != NULL };
	struct policy_error error;
	struct policy policy;
	int lock, code;

	begin_look();
	code = apply_lock(&lock, false, &listener);
	if (code != DONE)
		return code;
	if (new ? !policy_copy(&policy, new) : !store_load(&policy, &error)) {
		code = fail(FAILED, "the policy in force cannot be read, nothing is changed: %s", new ? "out of memory" : error.text);
		goto out;
	}
	/* Before the look: what happens during it makes another one. */
	watch(&policy);
	code = apply_policy(&policy, &apply, &listener);
	if (is_policy_new() || apply.steps)
		lending_reload();
	if (apply.steps && code == DONE)
		log_line(LOG_INFO, DONE, NULL, "the kernel is as configured again");
	sd_notifyf(0, "STATUS=%zu pools, %zu VMs configured, %u of them not running%s", policy.nr_pools, policy.nr_vms,
		   apply.missing, code == DONE ? "" : "; not all could be set, see the journal");
	policy_free(&policy);
out:
	apply_unlock(lock);
	return code;
}

/* A file that cannot be applied whole changes nothing. */
static int reload(const char *path)
{
	struct apply apply = { .whole = true, .save = true };
	struct policy_error error;
	struct policy policy;
	int lock, code;

	begin_look();
	if (!policy_read(&policy, path, &error))
		return fail(WRONG_POLICY, "%s; the policy in force stays", error.text);
	code = apply_lock(&lock, false, &listener);
	if (code == DONE) {
		code = apply_policy(&policy, &apply, &listener);
		apply_unlock(lock);
	}
	if (code == DONE)
		log_line(LOG_INFO, DONE, NULL, "configuration applied");
	else
		log_line(LOG_ERR, code, NULL, "configuration refused; the policy in force stays");
	policy_free(&policy);
	return code;
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Handles what has come; false: to end. */
static bool handle_signals(int fd, const char *path)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof(info)) == sizeof(info)) {
		/* Whether dlspare-lender runs is looked at in any case. */
		if (info.ssi_signo == SIGCHLD)
			continue;
		if (info.ssi_signo != SIGHUP)
			return false;
		sd_notify(0, "RELOADING=1");
		reload(path);
		sd_notify(0, "READY=1");
	}
	return true;
}

static int run(const char *path, bool once)
{
	struct event_sources missing;
	struct policy_error error;
	struct policy policy;
	int signals, lock, code;

	signals = open_signals();
	if (group_start())
		return fail(MISSING, "no control groups, version 2: %s", strerror(errno));
	/* Makes the folders that are watched. */
	code = apply_lock(&lock, false, &listener);
	if (code != DONE)
		return code;
	apply_unlock(lock);
	if (signals < 0 || event_start(&missing))
		return fail(FAILED, "events: %s", strerror(errno));
	if (missing.no_threads)
		say("%s: new threads of VMs are found within %d ms", missing.no_threads, LOOK_OFTEN_MS);
	if (missing.no_devices)
		say("%s: new devices are found within %d s", missing.no_devices, LOOK_MS / 1000);
	if (missing.no_cpus)
		say("%s: CPUs that come or go are found within %d s", missing.no_cpus, LOOK_MS / 1000);

	/* After a restart of the daemon the policy in force goes on; after one of the host there is none. */
	if (!host_exists(host_path(STORE_POLICY)) && host_exists(path)) {
		if (policy_read(&policy, path, &error)) {
			code = look(&policy);
			policy_free(&policy);
		} else {
			look(NULL);
			code = fail(WRONG_POLICY, "%s", error.text);
		}
	} else {
		code = look(NULL);
	}
	sd_notify(0, "READY=1");
	while (!once && handle_signals(signals, path)) {
		lending_keep(lends, lender_fails);
		event_wait(signals, lending_pause_ms(failing ? PASSING_MS : missing.no_threads ? LOOK_OFTEN_MS : LOOK_MS));
		patient = true;
		look(NULL);
		patient = false;
		failing = !held_back ? 0 : failing ? failing : clock_ms(CLOCK_MONOTONIC);
	}
	sd_notify(0, "STOPPING=1");
	lending_keep(false, lender_fails);
	event_stop();
	close(signals);
	/* Else the looks after it have mended what could be. */
	return once ? code : DONE;
}

static void usage(void)
{
	puts("Usage: dlspared [OPTION]...\n\n"
	     "Keeps reservations and pools as configured while VMs come and go. SIGHUP applies the file again.\n\n"
	     "  -c, --config FILE    applied at the first start after boot, and on SIGHUP (" STORE_CONF ")\n"
	     "  -1, --once           one look, then end, with the exit status of what failed\n"
	     "  -q, --quiet          no messages but errors\n"
	     "  -v, --verbose        each write\n"
	     "  -h, --help\n"
	     "  -V, --version\n");
}

int main(int argc, char **argv)
{
	static const struct option list[] = {
		{ "config", required_argument, NULL, 'c' }, { "once", no_argument, NULL, '1' },
		{ "quiet", no_argument, NULL, 'q' }, { "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' }, { 0 },
	};
	char path[PATH_MAX];
	bool once = false;
	int option;

	/* host_path() is good for a few calls only. */
	snprintf(path, sizeof(path), "%s", host_path(STORE_CONF));
	to_journal = getenv("JOURNAL_STREAM") != NULL;
	while ((option = getopt_long(argc, argv, "c:1qvhV", list, NULL)) != -1) {
		switch (option) {
		case 'c':
			snprintf(path, sizeof(path), "%s", optarg);
			break;
		case '1':
			once = true;
			break;
		case 'q':
			quiet = true;
			break;
		case 'v':
			listener.written = written;
			break;
		case 'h':
			usage();
			return DONE;
		case 'V':
			puts("dlspared " VERSION);
			return DONE;
		default:
			return WRONG_USAGE;
		}
	}
	if (argc > optind)
		return fail(WRONG_USAGE, "'%s' is one word too many; see dlspared --help", argv[optind]);
	return run(path, once);
}
