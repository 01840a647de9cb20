/* SPDX-License-Identifier: GPL-2.0 */
/* S, how long events wait for their thread's CPU: cpu.spare.latency; Documentation/scheduler/sched-spare.rst, 6.6. */
#ifndef DLSPARE_HISTOGRAM_H
#define DLSPARE_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BUCKETS 24

/* How a wait ended. */
enum histogram_how {
	HISTOGRAM_OWN,			/* on the own reservation, and no unit was asked for in vain */
	HISTOGRAM_LOAN,			/* on a unit that was free */
	HISTOGRAM_WAITED,		/* no unit was free at first */
	HISTOGRAM_REFUSED,		/* there was none to be had */
	NR_HISTOGRAM_HOWS
};

struct histogram {
	bool known;			/* false: no such group, or a kernel without the file */
	uint64_t nr[NR_HISTOGRAM_HOWS][HISTOGRAM_BUCKETS];
	uint64_t total[NR_HISTOGRAM_HOWS];	/* ns */
	uint64_t worst[NR_HISTOGRAM_HOWS];	/* ns, since the administrator wrote 0 */
	uint64_t worst_time[NR_HISTOGRAM_HOWS];	/* when that ended, ns since the epoch */
};

/* "own", "loan", "waited", "refused" */
extern const char *const histogram_hows[NR_HISTOGRAM_HOWS];

/* What is counted in a bucket has waited for less than this, ns; UINT64_MAX: for any time. */
uint64_t histogram_bound(int bucket);

/* Adds the text of the file: what it does not name is 0. */
void histogram_parse(struct histogram *histogram, const char *text);
/* Adds the file of a group, if it has one. */
void histogram_add(struct histogram *histogram, const char *group);

/* What came between two readings: nothing when a group was made anew in between. The worst is the later one's. */
struct histogram histogram_since(const struct histogram *now, const struct histogram *before);

/* How many waits ended so. */
uint64_t histogram_ended(const struct histogram *histogram, enum histogram_how how);
/* How many events. */
uint64_t histogram_count(const struct histogram *histogram);
/* The longest wait, ns, and if how is not NULL how it ended. 0: nothing has waited. */
uint64_t histogram_worst(const struct histogram *histogram, enum histogram_how *how);
/*
 * How long at most so large a share (0 to 1) of the events has waited, ns: linear in a bucket, as Prometheus does,
 * and no more than the worst. 0: there are none.
 */
uint64_t histogram_quantile(const struct histogram *histogram, double share);
/* How many waits were not surely longer than ns: what is counted in the bucket of ns itself may have been in time. */
uint64_t histogram_within(const struct histogram *histogram, uint64_t ns);
/* Which share of all they are. 1: there are none. */
double histogram_share_within(const struct histogram *histogram, uint64_t ns);

#endif
