// SPDX-License-Identifier: GPL-2.0
#include "host/bandwidth.h"

#include "host/host.h"
#include "host/units.h"

#define FAIR_SERVER "/sys/kernel/debug/sched/fair_server"

struct reservation bandwidth_limit(void)
{
	const struct reservation usual = BANDWIDTH_LIMIT;
	int64_t runtime = host_number(host_path("/proc/sys/kernel/sched_rt_runtime_us"), usual.runtime / NSEC_PER_USEC);
	int64_t period = host_number(host_path("/proc/sys/kernel/sched_rt_period_us"), usual.period / NSEC_PER_USEC);

	if (runtime < 0 || period <= 0)
		return (struct reservation){ 1, 1 };
	return (struct reservation){ runtime * NSEC_PER_USEC, period * NSEC_PER_USEC };
}

struct reservation bandwidth_fair_server(int cpu)
{
	const struct reservation usual = BANDWIDTH_FAIR_SERVER;
	int64_t runtime = host_number(host_path(FAIR_SERVER "/cpu%d/runtime", cpu), usual.runtime);
	int64_t period = host_number(host_path(FAIR_SERVER "/cpu%d/period", cpu), usual.period);

	if (runtime < 0 || period <= 0)
		return (struct reservation){ 0, 1 };
	return (struct reservation){ runtime, period };
}
