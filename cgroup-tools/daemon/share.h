/* SPDX-License-Identifier: GPL-2.0 */
/* The daemon's share of a CPU: whatever happens on the host, and whoever makes it happen, it uses no more in the long run. */
#ifndef DLSPARE_SHARE_H
#define DLSPARE_SHARE_H

#include <stdint.h>

#define SHARE_PERCENT 4
/* CPU time that may be saved up, ns: for a start of many VMs, which is looked at without delay. */
#define SHARE_SAVED_MAX 300000000

/* What has been saved up, ns of CPU time; less than 0: used too early. All zeros at first. */
struct share {
	int64_t saved;
	int64_t clock, cpu_time;	/* at the last call, ns */
};

/* By a monotonic clock and the CPU time used so far, both in ns: how many ms nothing is to be done; 0: go on. */
int share_rest_ms(struct share *share, int64_t clock, int64_t cpu_time);

#endif
