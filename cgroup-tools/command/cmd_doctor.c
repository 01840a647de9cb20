// SPDX-License-Identifier: GPL-2.0
/* dlspare doctor: what works on this host, what is missing, and how to get it. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "apply/setting.h"
#include "command/command.h"
#include "command/doctor.h"
#include "command/output.h"
#include "command/privilege.h"
#include "host/group.h"
#include "host/host.h"
#include "host/kernel.h"
#include "host/thread.h"
#include "host/proc.h"
#include "observe/hooks.h"

#define DEBUGFS "/sys/kernel/debug"

static const struct {
	const char *word, *json, *color;
} verdicts[] = {
	[DOCTOR_FINE] = { "ok", "ok", "\033[32m" },
	[DOCTOR_WARNING] = { "warning", "warning", "\033[33m" },
	[DOCTOR_LACKING] = { "MISSING", "missing", "\033[31m" },
};

void doctor_tell(struct doctor *doctor, enum doctor_verdict verdict, const char *check, const char *format, ...)
{
	va_list arguments;
	char text[1024], *at;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	/* Threads have the names that they like. */
	for (at = text; *at; at++)
		if (iscntrl((unsigned char)*at))
			*at = '?';
	if (verdict > doctor->worst)
		doctor->worst = verdict;
	if (options.json)
		json_array_append_new(doctor->checks, json_pack("{s:s, s:s, s:o}", "check", check, "verdict",
								verdicts[verdict].json, "text",
								output_json_text(text)));
	else if (verdict != DOCTOR_FINE || !options.quiet)
		printf("%s%-8s%s %s: %s\n", options.color ? verdicts[verdict].color : "", verdicts[verdict].word,
		       options.color ? "\033[0m" : "", check, text);
}

/* --- privilege --- */

static void check_privilege(struct doctor *doctor)
{
	static const struct {
		int number;
		enum doctor_verdict without;
		const char *name, *use;
	} capabilities[] = {
		{ CAP_SYS_NICE, DOCTOR_LACKING, "CAP_SYS_NICE", "reservations, pools and affinities" },
		{ CAP_NET_ADMIN, DOCTOR_WARNING, "CAP_NET_ADMIN", "devices whose packets are events, and news of processes" },
		{ CAP_SYS_PTRACE, DOCTOR_WARNING, "CAP_SYS_PTRACE", "the devices of other users' VMs" },
		{ CAP_DAC_OVERRIDE, DOCTOR_WARNING, "CAP_DAC_OVERRIDE", "groups and control sockets of other users" },
	};
	bool all = true;
	size_t i;

	for (i = 0; i < sizeof(capabilities) / sizeof(*capabilities); i++) {
		if (privilege_has(capabilities[i].number))
			continue;
		all = false;
		doctor_tell(doctor, capabilities[i].without, "privilege", "%s is missing, for %s: run dlspare as root",
			    capabilities[i].name, capabilities[i].use);
	}
	if (all)
		doctor_tell(doctor, DOCTOR_FINE, "privilege", "all that is needed");
}

/* --- control groups --- */

static bool has_controller(const char *name)
{
	char *list = group_value("", "cgroup.controllers"), *rest = list, *word;
	bool found = false;

	while (list && !found && (word = strsep(&rest, " ")))
		found = !strcmp(word, name);
	free(list);
	return found;
}

static void check_controller(struct doctor *doctor, const char *name, enum doctor_verdict without, const char *use)
{
	if (has_controller(name))
		doctor_tell(doctor, DOCTOR_FINE, "controller", "%s", name);
	else if (host_cgroup_v1(name))
		doctor_tell(doctor, without, "controller", "%s, for %s, is cgroup version 1's (hybrid): boot with "
			    "systemd.unified_cgroup_hierarchy=1 or cgroup_no_v1=all", name, use);
	else
		doctor_tell(doctor, without, "controller", "%s, for %s, is not there: the kernel lacks it, or cgroup_disable= "
			    "is among its boot parameters", name, use);
}

static void check_groups(struct doctor *doctor)
{
	if (group_start()) {
		doctor_tell(doctor, DOCTOR_LACKING, "cgroups", "version 2 is not mounted: boot with "
			    "systemd.unified_cgroup_hierarchy=1");
		return;
	}
	doctor_tell(doctor, DOCTOR_FINE, "cgroups", "version 2 at %s", host_cgroups());
	check_controller(doctor, "cpu", DOCTOR_LACKING, "pools");
	check_controller(doctor, "cpuset", DOCTOR_WARNING, "exclusive pools");
}

/* --- the kernel --- */

static void check_spare(struct doctor *doctor)
{
	doctor->spare = kernel_spare();
	switch (doctor->spare) {
	case KERNEL_YES:
		doctor_tell(doctor, DOCTOR_FINE, "kernel", "it has spare reservations");
		break;
	case KERNEL_NO:
		doctor_tell(doctor, DOCTOR_FINE, "kernel", "it has no spare reservations (CONFIG_SCHED_SPARE), as the one has that "
			    "kernel-patches/deb of dlspare's sources builds. (Q,P) reservations, exclusive pools and "
			    "I/O policies work without, and dlspare-lender lends, to VMs with a ceiling");
		break;
	default:
		doctor_tell(doctor, DOCTOR_WARNING, "kernel", "whether it has spare reservations cannot be seen: run dlspare as root");
	}
}

/* Some of Debian's kernels have their source's version at the end: "Linux version 6.1.0-13 ... Debian 6.1.55-1 (...)". */
static void check_version(struct doctor *doctor)
{
	char *text = host_read(host_path("/proc/version"), NULL);
	const char *debian = text ? strstr(text, " Debian ") : NULL;
	unsigned int major = 0, minor = 0, patch = 0;

	if (debian)
		sscanf(debian, " Debian %u.%u.%u", &major, &minor, &patch);
	else if (text)
		sscanf(text, "Linux version %u.%u.%u", &major, &minor, &patch);
	if (major == 6 && minor == 12 && patch >= 85 && patch <= 87)
		doctor_tell(doctor, DOCTOR_LACKING, "version", "the deadline servers of Linux %u.%u.%u are broken: use 6.12.88 or "
			    "later", major, minor, patch);
	else if (major < 6 || (major == 6 && minor < 7))
		doctor_tell(doctor, DOCTOR_WARNING, "version", "Linux %u.%u.%u: exclusive pools need 6.7 or later (cpuset.cpus.exclusive)", major,
			    minor, patch);
	else
		doctor_tell(doctor, DOCTOR_FINE, "version", "Linux %u.%u.%u", major, minor, patch);
	free(text);
}

static enum kernel_answer has_symbol(const char *name)
{
	FILE *symbols = fopen(host_path("/proc/kallsyms"), "re");
	enum kernel_answer answer = KERNEL_UNKNOWN;
	char line[512], symbol[256];

	while (symbols && answer != KERNEL_YES && fgets(line, sizeof(line), symbols))
		if (sscanf(line, "%*s %*c %255s", symbol) == 1)
			answer = strcmp(symbol, name) ? KERNEL_NO : KERNEL_YES;
	if (symbols)
		fclose(symbols);
	return answer;
}

static void check_rt_groups(struct doctor *doctor)
{
	if (has_symbol("sched_group_rt_runtime") == KERNEL_YES)
		doctor_tell(doctor, DOCTOR_WARNING, "CONFIG_RT_GROUP_SCHED", "on: groups can have no threads of the classes fifo and "
			    "rr, and the cpu controller is refused where there are some; use a kernel without");
	else
		doctor_tell(doctor, DOCTOR_FINE, "CONFIG_RT_GROUP_SCHED", "off");
}

static void check_hrtick(struct doctor *doctor)
{
	const struct setting hrtick = { .kind = SETTING_FEATURE, .object = "-", .name = "HRTICK_DL" };
	char *value = setting_read(&hrtick);

	if (value && !strcmp(value, "on"))
		doctor_tell(doctor, DOCTOR_FINE, "HRTICK_DL", "on: budgets end on time");
	else if (value)
		doctor_tell(doctor, DOCTOR_WARNING, "HRTICK_DL", "off, so budgets end at the next tick: dlspare switches it on with "
			    "the first pool or VM, unless the configuration has hrtick = false; or "
			    "echo HRTICK_DL > " DEBUGFS "/sched/features");
	else if (errno == EACCES || errno == EPERM)
		doctor_tell(doctor, DOCTOR_WARNING, "HRTICK_DL", DEBUGFS " cannot be read: run dlspare as root");
	else if (!host_exists(host_path(DEBUGFS "/sched/features")))
		doctor_tell(doctor, DOCTOR_WARNING, "HRTICK_DL", "no " DEBUGFS "/sched/features, so it cannot be switched on: mount "
			    "-t debugfs none " DEBUGFS "; the kernel needs CONFIG_SCHED_DEBUG");
	else
		doctor_tell(doctor, DOCTOR_WARNING, "HRTICK_DL", "not in this kernel, so budgets end at the next tick: it needs "
			    "CONFIG_HIGH_RES_TIMERS");
	free(value);
}

static void check_limit(struct doctor *doctor)
{
	int64_t runtime = host_number(host_path("/proc/sys/kernel/sched_rt_runtime_us"), 950000);
	int64_t period = host_number(host_path("/proc/sys/kernel/sched_rt_period_us"), 1000000);

	if (runtime < 0)
		doctor_tell(doctor, DOCTOR_WARNING, "limit", "sched_rt_runtime_us is %" PRId64 ": everything is admitted and "
			    "nothing promised; sysctl kernel.sched_rt_runtime_us=950000", runtime);
	else if (!runtime || period <= 0)
		doctor_tell(doctor, DOCTOR_LACKING, "limit", "sched_rt_runtime_us is %" PRId64 ": no reservation fits; "
			    "sysctl kernel.sched_rt_runtime_us=950000", runtime);
	else
		doctor_tell(doctor, DOCTOR_FINE, "limit", "reservations may have %.1f %% of each CPU", 100.0 * runtime / period);
}

static void check_kvm(struct doctor *doctor)
{
	if (!host_exists(host_path("/dev/kvm")))
		doctor_tell(doctor, DOCTOR_LACKING, "kvm", "no /dev/kvm: switch virtualization on in the firmware, and modprobe "
			    "kvm_intel or kvm_amd");
	else if (host_exists(host_path(DEBUGFS "/kvm")))
		doctor_tell(doctor, DOCTOR_FINE, "kvm", "it names all vCPU threads");
	else
		doctor_tell(doctor, DOCTOR_WARNING, "kvm", "no " DEBUGFS "/kvm, so vCPU threads are known by their names only: mount "
			    "debugfs, and run dlspare as root");
}

static void check_tracepoints(struct doctor *doctor)
{
	if (doctor->spare != KERNEL_YES)
		return;
	if (host_exists(host_path("/sys/kernel/tracing/events/sched_spare")) ||
	    host_exists(host_path(DEBUGFS "/tracing/events/sched_spare")))
		doctor_tell(doctor, DOCTOR_FINE, "tracepoints", "sched_spare:* are there");
	else
		doctor_tell(doctor, DOCTOR_WARNING, "tracepoints", "sched_spare:* cannot be seen, so neither can single loans: run "
			    "dlspare as root; mount -t tracefs none /sys/kernel/tracing; the kernel needs "
			    "CONFIG_EVENT_TRACING");
}

/* A kernel with spare reservations tells by itself what comes. */
static void check_observe(struct doctor *doctor)
{
	const enum doctor_verdict without = doctor->spare == KERNEL_YES ? DOCTOR_FINE : DOCTOR_WARNING;
	char error[RESULT_ERROR], *used;
	struct hooks hooks;
	const char *lack;
	int i;

	if (hooks_find(&hooks, error) != DONE) {
		doctor_tell(doctor, without, "observe", "dlspare observe does not work: %s", error);
		return;
	}
	used = hooks_used(&hooks);
	doctor_tell(doctor, DOCTOR_FINE, "observe", "it looks into %s", used ? used : "KVM");
	free(used);
	for (i = 0; i < NR_HOOK_KINDS; i++) {
		lack = hooks_lack(&hooks, i);
		if (lack)
			doctor_tell(doctor, DOCTOR_FINE, "observe", "%s: this kernel has no function for it, or its module is not "
				    "loaded", lack);
	}
	if (hooks_posted())
		doctor_tell(doctor, DOCTOR_FINE, "observe", "%s is on: it does not count all that comes for vCPUs that run",
			    hooks_posted());
}

/* The same socket as dlspared's; and who listens there, because sockets can be had without a speaker. */
static void check_process_events(struct doctor *doctor)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC };
	char *speakers = host_read(host_path("/proc/net/connector"), NULL);
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_CONNECTOR);

	if (!speakers || !strstr(speakers, "cn_proc"))
		doctor_tell(doctor, DOCTOR_WARNING, "process events", "not in this kernel, so dlspared sees new threads late: it needs "
			    "CONFIG_PROC_EVENTS");
	else if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)))
		doctor_tell(doctor, DOCTOR_WARNING, "process events", "%s: run dlspare as root", strerror(errno));
	else
		doctor_tell(doctor, DOCTOR_FINE, "process events", "new threads are seen at once");
	if (fd >= 0)
		close(fd);
	free(speakers);
}

/* --- other programs --- */

static void check_libvirt(struct doctor *doctor)
{
	if (!host_exists(host_path("/usr/sbin/libvirtd")) && !host_exists(host_path("/usr/sbin/virtqemud")))
		doctor_tell(doctor, DOCTOR_FINE, "libvirt", "not installed");
	else if (host_exists(host_path("/etc/libvirt/hooks/qemu.d/dlspare")))
		doctor_tell(doctor, DOCTOR_FINE, "libvirt", "its hook is installed");
	else
		doctor_tell(doctor, DOCTOR_WARNING, "libvirt", "its hook is not installed, so policies in the metadata of domains do "
			    "not count: ln -s /usr/sbin/dlspare-libvirt-hook /etc/libvirt/hooks/qemu.d/dlspare, and restart "
			    "libvirt");
}

static void check_daemon(struct doctor *doctor)
{
	if (proc_runs("dlspared"))
		doctor_tell(doctor, DOCTOR_FINE, "dlspared", "it runs");
	else
		doctor_tell(doctor, DOCTOR_WARNING, "dlspared", "it does not run, so VMs that start get nothing before the next "
			    "dlspare apply: systemctl enable --now dlspared");
}

/* --- all --- */

int cmd_doctor(int argc, char **argv)
{
	static const int codes[] = { [DOCTOR_FINE] = DONE, [DOCTOR_WARNING] = DIFFERS, [DOCTOR_LACKING] = MISSING };
	static void (*const checks[])(struct doctor *doctor) = {
		check_privilege, check_groups, check_spare, check_version, check_rt_groups, check_hrtick, check_limit,
		check_kvm, check_tracepoints, check_observe, doctor_lender, check_process_events, check_libvirt, check_daemon, doctor_hazards,
	};
	struct doctor doctor = { .worst = DOCTOR_FINE, .checks = json_array() };
	size_t i;

	if (argc > 1) {
		json_decref(doctor.checks);
		return fail(WRONG_USAGE, "doctor: '%s' is one word too many; see dlspare doctor --help", argv[1]);
	}
	for (i = 0; i < sizeof(checks) / sizeof(*checks); i++)
		checks[i](&doctor);
	if (options.json)
		output_json("doctor", json_pack("{s:s, s:O}", "verdict", verdicts[doctor.worst].json, "checks", doctor.checks));
	json_decref(doctor.checks);
	return codes[doctor.worst];
}
