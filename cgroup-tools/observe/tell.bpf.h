/* SPDX-License-Identifier: GPL-2.0 */
/* The threads that are looked at, and what the programs in the kernel tell of them. */
#ifndef DLSPARE_OBSERVE_TELL_BPF_H
#define DLSPARE_OBSERVE_TELL_BPF_H

#include "observe/budget.bpf.h"

#include "observe/record.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, OBSERVE_THREADS);
	__type(key, __u32);
	__type(value, struct observe_thread);
} threads SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 2 << 20);
} records SEC(".maps");

/* A lender reads: it is told at once who asks, and what happens on its loans. Set before, too. */
const volatile bool lends;
/* Where the threads are that have that remainder; most threads of the host are none of them. */
__u16 heads[OBSERVE_HEADS];
/* Records for which there was no room, and threads that could not be noted. */
__u64 lost;

static __always_inline struct observe_thread *find(__u32 tid)
{
	__u32 place = heads[tid % OBSERVE_HEADS];
	struct observe_thread *thread;
	int i;

	for (i = 0; i < OBSERVE_CHAIN && place; i++) {
		thread = bpf_map_lookup_elem(&threads, &place);
		if (!thread || thread->tid == tid)
			return thread;
		place = thread->next;
	}
	return NULL;
}

static __always_inline struct observe_record *make_record(__u64 time, __u32 tid, const struct observe_thread *thread,
							  enum observe_kind kind)
{
	struct observe_record *record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);

	if (!record) {
		__sync_fetch_and_add(&lost, 1);
		return NULL;
	}
	record->time = time;
	record->tid = tid;
	record->cpu = thread->cpu;
	record->kind = kind;
	record->nr_came = 0;
	return record;
}

/* Who only reads looks now and then: to be woken costs more. */
static __always_inline __u64 wake_up(const struct observe_thread *thread, enum observe_kind kind)
{
	const bool answers = kind == OBSERVE_REPLIES || kind == OBSERVE_HALTS;

	return lends && (kind == OBSERVE_ASKS || (thread->lent && answers)) ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}

static __always_inline void tell(__u64 time, __u32 tid, const struct observe_thread *thread, enum observe_kind kind)
{
	struct observe_record *record = make_record(time, tid, thread, kind);

	if (record)
		bpf_ringbuf_submit(record, wake_up(thread, kind));
}

/* With what waits. Each is told once, if another CPU notes one meanwhile, too. */
static __always_inline void tell_waits(__u64 time, __u32 tid, struct observe_thread *thread, enum observe_kind kind)
{
	struct observe_record *record = make_record(time, tid, thread, kind);
	__u32 nr = thread->nr_waits;
	int i;

	thread->nr_waits = 0;
	if (!record)
		return;
	record->nr_came = nr < OBSERVE_BATCH ? nr : OBSERVE_BATCH;
	for (i = 0; i < OBSERVE_BATCH; i++) {
		record->came[i] = thread->waits[i];
		thread->waits[i] = 0;
	}
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

#endif
