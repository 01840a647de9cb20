/* SPDX-License-Identifier: GPL-2.0 */
/* Whether a thread has budget: that of its reservation, of its group's quota, or what real-time threads have together. */
#ifndef DLSPARE_OBSERVE_BUDGET_BPF_H
#define DLSPARE_OBSERVE_BUDGET_BPF_H

#include "observe/kernel.bpf.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

/* include/uapi/linux/sched.h */
#define SCHED_FIFO 1
#define SCHED_RR 2
#define SCHED_DEADLINE 6

/*
 * Where the kernel notes that the budget of all in a queue is gone; 0: it does not. Threads of the real-time classes have a
 * place in their group's fair queue, too: that is the way to their CPU.
 */
static __always_inline __u64 place_of_exhaustion(struct task_struct *task)
{
	switch (task->policy) {
	case SCHED_DEADLINE:
		return 0;
	case SCHED_FIFO:
	case SCHED_RR:
		if (!bpf_core_field_exists(struct rt_rq, rt_throttled))
			return 0;
		return (__u64)task->se.cfs_rq->rq + bpf_core_field_offset(struct rq, rt) +
		       bpf_core_field_offset(struct rt_rq, rt_throttled);
	default:
		if (!bpf_core_field_exists(struct cfs_rq, throttle_count))
			return 0;
		return (__u64)task->se.cfs_rq + bpf_core_field_offset(struct cfs_rq, throttle_count);
	}
}

/* Is the budget of all that are there gone? */
static __always_inline bool is_exhausted(__u64 place)
{
	int count = 0;

	return place && !bpf_probe_read_kernel(&count, sizeof(count), (void *)place) && count > 0;
}

/* Has the thread, which wants to run, no budget left? */
static __always_inline bool is_starved(struct task_struct *task, __u64 place)
{
	struct task_struct___each *each = (void *)task;

	if (task->policy == SCHED_DEADLINE)
		return BPF_CORE_READ_BITFIELD(task, dl.dl_throttled);
	if (bpf_core_field_exists(each->throttled) && BPF_CORE_READ(each, throttled))
		return true;
	return is_exhausted(place);
}

#endif
