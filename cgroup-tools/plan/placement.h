/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which thread has which CPU where each CPU is for itself: partitioned EDF, whose admission is a bin packing. By arithmetic
 * alone.
 */
#ifndef DLSPARE_PLACEMENT_H
#define DLSPARE_PLACEMENT_H

#include <sys/types.h>

#include "host/cpus.h"
#include "plan/fraction.h"

struct placement_thread {
	struct fraction share;		/* of a CPU; 0: it has no reservation */
	const struct cpus *cpus;	/* it may have one of these */
	size_t vm;			/* the threads of one VM are spread */
	unsigned int number;		/* among its VM's */
	pid_t tid;			/* the caller's */
	int cpu;			/* which it has, -1: none yet; then which it gets */
	int next;			/* placement_make()'s own: the place of that CPU */
};

struct placement_cpu {
	int cpu;
	struct fraction limit;
	struct fraction taken;		/* before there are threads; its units, say */
	/* Then: */
	struct fraction sum;
	struct fraction left;		/* below 0 where they do not fit */
	unsigned int threads;
	unsigned int siblings;		/* placement_make()'s own: of the VM at hand */
};

/*
 * Threads keep the CPU that they have. Those without, the largest first, go where fewest of their VM are, and of such CPUs to
 * the one with the most left. Only when one does not fit so, all are placed anew, and then by first fit, which fits more.
 * False: that was in vain; those that have a CPU keep it, and each that fits nowhere is on the one with the most left, or
 * on none if it may have none. Sorts the threads.
 */
bool placement_make(struct placement_thread *threads, size_t nr_threads, struct placement_cpu *cpus, size_t nr_cpus);

#endif
