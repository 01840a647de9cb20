// SPDX-License-Identifier: GPL-2.0
/* What this host has beside dlspare that takes from its reservations, or from those who have none. */
#include "command/doctor.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "apply/claim.h"
#include "apply/lender.h"
#include "apply/others.h"
#include "apply/quota.h"
#include "apply/starving.h"
#include "apply/store.h"
#include "host/group.h"
#include "host/host.h"
#include "host/proc.h"

#define CPUFREQ "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_governor"
#define DEBUGFS "/sys/kernel/debug"
#define HALT_POLL "/sys/module/kvm/parameters/halt_poll_ns"
#define SCHED_EXT "/sys/kernel/sched_ext"

/* What is looked at: the policy in force with what hooks have told of, and what runs. */
struct scene {
	struct doctor *doctor;
	struct policy policy;
	struct ledger ledger;
	struct wanted_host host;
	struct vms vms;
};

static bool is_file_text(const char *path, const char *text)
{
	char *found = host_read(path, NULL);
	bool same = found && !strcmp(found, text);

	free(found);
	return same;
}

/* --- threads with reservations --- */

static void check_others(const struct scene *scene)
{
	struct others others;

	others_find(&others, &scene->ledger);
	if (others.nr)
		doctor_tell(scene->doctor, DOCTOR_WARNING, "bandwidth", "%s: chrt --other --pid 0 %d takes it from the first",
			    others.text, (int)others.first);
	else
		doctor_tell(scene->doctor, DOCTOR_FINE, "bandwidth", "none is held by threads that dlspare has not set");
}

/* --- threads without --- */

static void starves(const char *text, void *data)
{
	bool *any = ((void **)data)[1];

	*any = true;
	doctor_tell(((void **)data)[0], DOCTOR_WARNING, "fair server", "%s", text);
}

static bool has_kept(const struct policy *policy)
{
	size_t i;

	for (i = 0; i < policy->nr_vms && policy->vms[i].io.kind != IO_KEEP; i++)
		;
	return i < policy->nr_vms;
}

static void check_fair_server(const struct scene *scene)
{
	struct admission admission;
	bool any = false;
	void *data[] = { scene->doctor, &any };

	if (has_kept(&scene->policy) && !host_exists(host_path(DEBUGFS "/sched/fair_server"))) {
		doctor_tell(scene->doctor, DOCTOR_WARNING, "fair server", "whether it is on cannot be seen, and some VM has io keep: "
			    "it takes root, Linux 6.12 or later, and mount -t debugfs none " DEBUGFS);
		return;
	}
	if (!admission_make(&admission, &scene->policy, &scene->vms, &scene->host))
		return;
	starving_find(&scene->policy, &scene->vms, &admission, starves, data);
	if (!any)
		doctor_tell(scene->doctor, DOCTOR_FINE, "fair server", "no VM with io keep needs one that is off");
	admission_free(&admission);
}

static void check_sched_ext(const struct scene *scene)
{
	char *name;

	if (!is_file_text(host_path(SCHED_EXT "/state"), "enabled")) {
		doctor_tell(scene->doctor, DOCTOR_FINE, "sched_ext", "no BPF scheduler is loaded");
		return;
	}
	name = host_read(host_path(SCHED_EXT "/root/ops"), NULL);
	doctor_tell(scene->doctor, DOCTOR_WARNING, "sched_ext", "the BPF scheduler '%s' has all ordinary threads, the VMs' I/O threads "
		    "too, and the fair server does not serve those: end the program that has loaded it, such as systemctl stop scx",
		    name ? name : "?");
	free(name);
}

/* --- clocks and halts --- */

static void check_governor(const struct scene *scene)
{
	struct cpus slow = { 0 };
	char *list;
	int cpu;

	for (cpu = cpus_next(&scene->host.online, 0); cpu >= 0; cpu = cpus_next(&scene->host.online, cpu + 1))
		if (is_file_text(host_path(CPUFREQ, cpu), "schedutil"))
			cpus_add(&slow, cpu);
	if (cpus_empty(&slow)) {
		doctor_tell(scene->doctor, DOCTOR_FINE, "governor", "none is schedutil");
		return;
	}
	list = cpus_print(&slow);
	doctor_tell(scene->doctor, DOCTOR_WARNING, "governor", "schedutil on CPU %s: at a low clock a reservation lasts longer than its "
		    "runtime, a unit does not: cpupower -c %s frequency-set -g performance", list ? list : "?", list ? list : "all");
	free(list);
}

static void check_halt_polling(const struct scene *scene)
{
	int64_t ns = host_number(host_path(HALT_POLL), 0);
	size_t i;

	for (i = 0; i < scene->policy.nr_vms && !scene->policy.vms[i].reservation.runtime; i++)
		;
	if (ns <= 0 || i == scene->policy.nr_vms)
		doctor_tell(scene->doctor, DOCTOR_FINE, "halt polling", "none beside a reservation");
	else
		doctor_tell(scene->doctor, DOCTOR_WARNING, "halt polling", "a vCPU of VM '%s' that halts may go on for %" PRId64 " us, from "
			    "its budget: echo 0 > " HALT_POLL ", for VMs that start then", scene->policy.vms[i].name, ns / 1000);
}

/* --- threads of the kernel for a VM --- */

/* "kvm-pit/PID"; NULL: it is for none of the policy's VMs. */
static const struct vm *served_by_pit(const struct scene *scene, const struct proc_stat *stat)
{
	size_t i;
	int pid;

	if (!stat->kernel || strncmp(stat->comm, "kvm-pit/", 8))
		return NULL;
	pid = proc_number(stat->comm + 8);
	for (i = 0; i < scene->vms.nr; i++)
		if (scene->vms.list[i].pid == pid && policy_vm(&scene->policy, scene->vms.list[i].name))
			return &scene->vms.list[i];
	return NULL;
}

static void check_pit(const struct scene *scene)
{
	DIR *folder = opendir(host_path("/proc"));
	struct proc_stat stat;
	unsigned int nr = 0;
	int pid;

	while (folder && (pid = proc_next(folder)) >= 0) {
		const struct vm *vm = proc_stat(&stat, pid, 0) ? served_by_pit(scene, &stat) : NULL;
		char *group = vm ? group_of(pid) : NULL;

		if (group && !group_within(group, vm->group) && ++nr)
			doctor_tell(scene->doctor, DOCTOR_WARNING, "kvm-pit", "VM '%s': the kernel's thread %s (%d) is in group '/%s', and "
				    "not in the VM's: echo %d > %s", vm->name, stat.comm, pid, group, pid,
				    group_path(vm->group, "cgroup.procs"));
		free(group);
	}
	if (folder)
		closedir(folder);
	if (!nr)
		doctor_tell(scene->doctor, DOCTOR_FINE, "kvm-pit", "no such thread is outside its VM's group");
}

/* A reservation is no part of a quota, and does not free the other threads from it. */
static void check_quotas(const struct scene *scene)
{
	const struct vm_policy *vm;
	bool any = false;
	char *quota;
	size_t i;

	for (i = 0; i < scene->vms.nr; i++) {
		vm = policy_vm(&scene->policy, scene->vms.list[i].name);
		quota = scene->vms.list[i].refused ? NULL : quota_text_of(&scene->vms.list[i], vm && vm->class == CLASS_QUOTA);
		if (!quota)
			continue;
		any = true;
		doctor_tell(scene->doctor, DOCTOR_WARNING, "quota", "VM '%s': its threads without a reservation, such as those for I/O, get "
			    "at most %s (cpu.max): take that away, or leave them enough", scene->vms.list[i].name, quota);
		free(quota);
	}
	if (!any)
		doctor_tell(scene->doctor, DOCTOR_FINE, "quota", "no VM is below one (cpu.max)");
}

/* --- all --- */

void doctor_hazards(struct doctor *doctor)
{
	static void (*const checks[])(const struct scene *scene) = {
		check_others, check_fair_server, check_sched_ext, check_governor, check_halt_polling, check_pit,
		check_quotas,
	};
	struct scene scene = { .doctor = doctor };
	struct policy_error error;
	char unread[256] = "";
	size_t i;

	policy_init(&scene.policy);
	if (!store_load(&scene.policy, &error))
		doctor_tell(doctor, DOCTOR_WARNING, "policy", "%s: dlspare apply FILE makes a new one", error.text);
	store_add_vms(&scene.policy, NULL, NULL);
	lender_settle(&scene.policy);
	if (ledger_read(&scene.ledger, unread, sizeof(unread)) && scene.ledger.nr_bad)
		ledger_complain(&scene.ledger, unread, sizeof(unread));
	if (*unread)
		doctor_tell(doctor, DOCTOR_WARNING, "ledger", "%s", unread);
	if (!wanted_host(&scene.host) || vms_find(&scene.vms)) {
		doctor_tell(doctor, DOCTOR_WARNING, "host", "it cannot be looked at: %s", strerror(errno));
		goto out;
	}
	claim_decide(&scene.vms, &scene.policy, &scene.ledger);
	for (i = 0; i < sizeof(checks) / sizeof(*checks); i++)
		checks[i](&scene);
out:
	vms_free(&scene.vms);
	ledger_free(&scene.ledger);
	policy_free(&scene.policy);
}
