/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the threads of the host are doing for vCPUs. It is noted with the CPU, and goes with the thread when that is preempted
 * there; an interrupt that comes in between is counted up and down again before the thread goes on.
 */
#ifndef DLSPARE_OBSERVE_DOING_BPF_H
#define DLSPARE_OBSERVE_DOING_BPF_H

#include "observe/tell.bpf.h"

/* Places in a vhost device of two rings: what it receives, what it sends. */
#define RX 0
#define TX 1

/* What the thread that a CPU runs is doing for a vCPU. */
struct doing {
	__u16 injects;			/* so many injections, one within the other */
	__u8 delivers;			/* vhost: RX + 1 or TX + 1 */
	__u8 interrupted;		/* an injection has been since that began */
	__u32 expires;			/* a vCPU's timer */
	__u64 kicks;			/* the vCPU that is kicked, which may be woken by that; 0: none */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct doing);
} doings SEC(".maps");

/* Of threads that were preempted. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct doing);
} preempted SEC(".maps");

/* So many are in preempted. */
__u32 nr_preempted;

static __always_inline struct doing *current_doing(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&doings, &zero);
}

static __always_inline bool does_something(const struct doing *doing)
{
	return doing->injects || doing->delivers || doing->kicks;
}

/* What the CPU was doing goes with the one thread, and what the other was doing comes with it. */
static __always_inline void change_doing(struct task_struct *prev, struct task_struct *next)
{
	struct doing *doing = current_doing(), *saved;

	if (!doing)
		return;
	if (does_something(doing)) {
		saved = bpf_task_storage_get(&preempted, prev, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
		if (saved) {
			*saved = *doing;
			__sync_fetch_and_add(&nr_preempted, 1);
		} else {
			__sync_fetch_and_add(&lost, 1);
		}
		*doing = (struct doing){};
	}
	if (!nr_preempted)
		return;
	saved = bpf_task_storage_get(&preempted, next, 0, 0);
	if (!saved || !does_something(saved))
		return;
	*doing = *saved;
	*saved = (struct doing){};
	__sync_fetch_and_add(&nr_preempted, -1);
}

static __always_inline int begin_injection(void)
{
	struct doing *doing = current_doing();

	if (doing) {
		doing->injects++;
		doing->interrupted = 1;
	}
	return 0;
}

static __always_inline int end_injection(void)
{
	struct doing *doing = current_doing();

	if (doing && doing->injects)
		doing->injects--;
	return 0;
}

#endif
