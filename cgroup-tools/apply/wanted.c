// SPDX-License-Identifier: GPL-2.0
#include "apply/wanted.h"

#include <errno.h>
#include <stdlib.h>

#include "apply/making.h"
#include "host/host.h"
#include "host/result.h"

static bool read_cpus(struct cpus *cpus, const char *file)
{
	char *text = host_read(host_path("/sys/devices/system/cpu/%s", file), NULL);
	const char *rule;
	bool good = text && cpus_parse(cpus, text, &rule);

	if (text && !good)
		errno = EINVAL;
	free(text);
	return good;
}

bool wanted_host(struct wanted_host *host)
{
	return read_cpus(&host->possible, "possible") && read_cpus(&host->online, "online");
}

bool wanted_make(struct settings *wanted, const struct policy *policy, const struct vms *vms,
		 const struct wanted_host *host, const struct admission *admission, const struct ledger *ledger,
		 wanted_problem *problem, void *data)
{
	struct making m = { wanted, policy, vms, host, admission, ledger, problem, data, NULL, true };
	size_t i;

	*wanted = (struct settings){ 0 };
	if (policy->hrtick && (policy->nr_pools || policy->nr_vms)) {
		if (host_exists(host_path("/sys/kernel/debug/sched/features")))
			making_want(&m, SETTING_FEATURE, "-", "HRTICK_DL", "on");
		else
			making_complain(&m, NULL, DONE, "debugfs %s: HRTICK_DL stays as it is, and budgets may overrun to the next tick",
					errno == EACCES ? "cannot be read" : "is not mounted");
	}
	for (i = 0; i < policy->nr_pools; i++)
		wanted_pool(&m, &policy->pools[i]);
	for (i = 0; i < policy->nr_vms; i++) {
		const struct vm *vm = vms_named(vms, policy->vms[i].name);

		if (vm)
			wanted_vm(&m, &policy->vms[i], vm);
	}
	if (!m.good)
		settings_free(wanted);
	return m.good;
}
