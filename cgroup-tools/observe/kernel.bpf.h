/* SPDX-License-Identifier: GPL-2.0 */
/* Of the kernel's structures, those members that are read. Where they are the running kernel says when the programs are loaded. */
#ifndef DLSPARE_OBSERVE_KERNEL_BPF_H
#define DLSPARE_OBSERVE_KERNEL_BPF_H

#include <linux/bpf.h>
#include <stdbool.h>

#define CORE __attribute__((preserve_access_index))

struct rt_rq {
	int rt_throttled;
} CORE;

struct rq {
	struct rt_rq rt;
} CORE;

struct cfs_rq {
	int throttle_count;
	struct rq *rq;
} CORE;

struct sched_entity {
	struct cfs_rq *cfs_rq;
} CORE;

struct sched_dl_entity {
	unsigned int dl_throttled : 1;
} CORE;

struct upid {
	int nr;
} CORE;

struct pid {
	struct upid numbers[1];
} CORE;

struct task_struct {
	int pid;
	unsigned int policy;
	struct sched_entity se;
	struct sched_dl_entity dl;
} CORE;

/* Since 6.18 threads are throttled one by one, when they return to user mode or to the guest. */
struct task_struct___each {
	bool throttled;
} CORE;

struct kvm_vcpu {
	struct pid *pid;
} CORE;

struct vhost_virtqueue;

struct vhost_dev {
	struct vhost_virtqueue **vqs;
	int nvqs;
} CORE;

#endif
