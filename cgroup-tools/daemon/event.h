/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What may make the kernel differ from the policy, as it happens: VMs and vCPUs that come and go, new threads of VMs, groups,
 * network devices, CPUs, hooks. Only that something happened is told; what, the next look at the host finds out.
 */
#ifndef DLSPARE_EVENT_H
#define DLSPARE_EVENT_H

#include <stdbool.h>

#include "policy/policy.h"
#include "vmm-hooks/vm.h"

/* What to say of sources that this kernel does not have, or NULL. */
struct event_sources {
	const char *no_threads;		/* new threads are then found late */
	const char *no_devices;
	const char *no_cpus;
};

/* 0, or -1 with errno when not even the folders can be watched. */
int event_start(struct event_sources *missing);
void event_stop(void);

/* The policy's VMs and its pools' groups are what counts from now on. */
void event_watch(const struct policy *policy, const struct vms *vms);

/*
 * Waits until something has happened that counts and no more does for a few milliseconds, signal_fd is readable, or the time
 * is over: true in the first case. Before, it rests as long as the daemon's share of a CPU wants.
 */
bool event_wait(int signal_fd, int timeout_ms);

#endif
