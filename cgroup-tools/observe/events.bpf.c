// SPDX-License-Identifier: GPL-2.0
/*
 * Programs in the kernel that see what comes for vCPUs, and when these have no budget. They change nothing.
 *
 * KVM's functions do not say what an interrupt is for, so that is known by who calls: a device's interrupt is what is
 * delivered between the entry and the end of an injection.
 */
#include "observe/doing.bpf.h"

#include <bpf/bpf_tracing.h>

/* APICv or AVIC is on: set before the programs are loaded. */
const volatile bool posted;
/* Set by who reads: before and after, nothing is counted. */
volatile bool looks;

/* --- where the vCPUs are --- */

/* Since when it has had no budget; the first word counts. */
static __always_inline void starve(struct observe_thread *thread, __u64 now)
{
	if (thread->starved_since)
		return;
	thread->starved_since = now;
	thread->nr_starved++;
}

/* It waits for budget, since then. A lender that ends a loan looks at pending after it has taken lent back, so not both are missed. */
static __always_inline void wait(struct observe_thread *thread, __u32 tid, __u64 since)
{
	const bool first = !__sync_lock_test_and_set(&thread->pending, 1);
	const __u32 place = __sync_fetch_and_add(&thread->nr_waits, 1);

	if (lends && first && !thread->lent)
		tell(since, tid, thread, OBSERVE_ASKS);
	if (place >= OBSERVE_BATCH) {
		__sync_fetch_and_add(&lost, 1);
		return;
	}
	thread->waits[place] = since;
	if (place == OBSERVE_BATCH - 1)
		tell_waits(since, tid, thread, OBSERVE_WAITS);
}

/* What a lender wants to know of all threads: their CPU time, and how long each wait was. */
static __always_inline void measure_stop(struct observe_thread *thread)
{
	__u64 since = thread->ran_since;

	if (!lends || !since)
		return;
	thread->ran_since = 0;
	thread->ran += bpf_ktime_get_ns() - since;
}

static __always_inline void measure_run(struct observe_thread *thread, __u32 tid)
{
	__u64 came = thread->asleep_came ?: thread->busy_came, now;
	struct observe_record *record;

	if (!lends)
		return;
	now = bpf_ktime_get_ns();
	thread->ran_since = now;
	if (!came || thread->pending)
		return;
	record = make_record(now, tid, thread, OBSERVE_RUNS);
	if (!record)
		return;
	record->nr_came = 1;
	record->came[0] = came;
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

static __always_inline void stop(struct observe_thread *thread, struct task_struct *task, __u32 tid, bool sleeps)
{
	const __u64 came = thread->came;
	__u64 now;

	/* A lender lends for an answer that has begun, too: others may have the CPU meanwhile. */
	if (!lends || sleeps)
		thread->came = 0;
	thread->cpu = bpf_get_smp_processor_id();
	measure_stop(thread);
	if (thread->serving)
		tell(bpf_ktime_get_ns(), tid, thread, OBSERVE_STOPS);
	if (sleeps) {
		thread->state = OBSERVE_ASLEEP;
		return;
	}
	thread->exhaustion = place_of_exhaustion(task);
	thread->state = OBSERVE_READY;
	if (!is_starved(task, thread->exhaustion))
		return;
	now = bpf_ktime_get_ns();
	starve(thread, now);
	thread->came = 0;
	/* What came when its budget was about to end, or had just ended, it has not heard. */
	if (came && now - came < OBSERVE_UNHEARD)
		wait(thread, tid, came);
	else if (lends && came && now - came < OBSERVE_PATIENCE)
		wait(thread, tid, now);
}

static __always_inline void run(struct observe_thread *thread, __u32 tid)
{
	__u64 now;

	thread->state = OBSERVE_RUNNING;
	thread->cpu = bpf_get_smp_processor_id();
	measure_run(thread, tid);
	thread->asleep_came = 0;
	if (!thread->starved_since && !thread->busy_came && !thread->pending && !thread->serving)
		return;
	now = bpf_ktime_get_ns();
	if (thread->starved_since)
		thread->starved += now - thread->starved_since;
	if (thread->busy_came && now - thread->busy_came > thread->busy_worst)
		thread->busy_worst = now - thread->busy_came;
	thread->starved_since = 0;
	thread->busy_came = 0;
	if (thread->pending)
		tell_waits(now, tid, thread, OBSERVE_RUNS);
	else if (thread->serving)
		tell(now, tid, thread, OBSERVE_RUNS);
	thread->serving |= thread->pending;
	thread->pending = 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev, struct task_struct *next, unsigned int prev_state)
{
	struct observe_thread *thread;

	change_doing(prev, next);
	if (!looks)
		return 0;
	thread = find(prev->pid);
	if (thread && thread->vcpu)
		stop(thread, prev, prev->pid, !preempt && prev_state);
	thread = find(next->pid);
	if (thread && thread->vcpu)
		run(thread, next->pid);
	return 0;
}

/* What has come for a vCPU that slept, and that had no budget when it was woken, waits from then on. */
SEC("tp_btf/sched_wakeup")
int BPF_PROG(on_wakeup, struct task_struct *task)
{
	struct observe_thread *thread = looks ? find(task->pid) : NULL;
	__u64 came;

	if (!thread || !thread->vcpu || thread->state != OBSERVE_ASLEEP)
		return 0;
	came = thread->asleep_came;
	thread->asleep_came = 0;
	thread->exhaustion = place_of_exhaustion(task);
	thread->state = OBSERVE_READY;
	if (!is_starved(task, thread->exhaustion))
		return 0;
	starve(thread, bpf_ktime_get_ns());
	if (came)
		wait(thread, task->pid, came);
	return 0;
}

/* --- what comes --- */

/* An irqfd: of vhost, VFIO, and of a VMM's own devices. */
SEC("fentry/kvm_arch_set_irq_inatomic")
int BPF_PROG(irqfd_begins)
{
	return begin_injection();
}

SEC("fexit/kvm_arch_set_irq_inatomic")
int BPF_PROG(irqfd_ends)
{
	return end_injection();
}

/* KVM_IRQ_LINE, and an irqfd whose interrupt takes more than a moment. */
SEC("fentry/kvm_set_irq")
int BPF_PROG(line_begins)
{
	return begin_injection();
}

SEC("fexit/kvm_set_irq")
int BPF_PROG(line_ends)
{
	return end_injection();
}

/* KVM_SIGNAL_MSI */
SEC("fentry/kvm_send_userspace_msi")
int BPF_PROG(msi_begins)
{
	return begin_injection();
}

SEC("fexit/kvm_send_userspace_msi")
int BPF_PROG(msi_ends)
{
	return end_injection();
}

/* With interrupts off. */
static __always_inline int expire(bool expires)
{
	struct doing *doing = current_doing();

	if (doing)
		doing->expires = expires;
	return 0;
}

SEC("fentry/apic_timer_fn")
int BPF_PROG(timer_begins)
{
	return expire(true);
}

SEC("fexit/apic_timer_fn")
int BPF_PROG(timer_ends)
{
	return expire(false);
}

/* NR_OBSERVE_EVENTS: a vCPU tells itself something, and needs nobody to hear it. */
static __always_inline enum observe_event event_now(const struct doing *doing, const struct observe_thread *target, __u32 tid)
{
	const struct observe_thread *caller;
	__u32 from;

	if (doing->expires)
		return OBSERVE_TIMER;
	if (doing->injects)
		return doing->delivers == TX + 1 ? OBSERVE_SENT : OBSERVE_DEVICE;
	from = bpf_get_current_pid_tgid();
	if (from == tid)
		return NR_OBSERVE_EVENTS;
	caller = find(from);
	return caller && caller->vcpu && caller->vm == target->vm ? OBSERVE_IPI : OBSERVE_OTHER;
}

/* What a device has for the vCPU waits from now on, unless it runs. */
static __always_inline void come(struct observe_thread *thread, __u32 tid)
{
	__u64 now = bpf_ktime_get_ns();

	switch (thread->state) {
	case OBSERVE_RUNNING:
		thread->came = now;
		if (lends) {
			thread->nr_prompt++;
			/* What it says next answers this, too. */
			thread->serving |= thread->lent;
		}
		return;
	case OBSERVE_ASLEEP:
		thread->asleep_came = thread->asleep_came ?: now;
		return;
	case OBSERVE_READY:
		break;
	default:
		return;
	}
	if (!thread->starved_since && !is_exhausted(thread->exhaustion)) {
		thread->nr_busy++;
		thread->busy_came = thread->busy_came ?: now;
		return;
	}
	starve(thread, now);
	wait(thread, tid, now);
	/* On another CPU it may have begun to run meanwhile, and have seen nothing that waited. */
	if (thread->state == OBSERVE_RUNNING) {
		thread->starved_since = 0;
		thread->pending = 0;
		thread->serving = 1;
		tell_waits(bpf_ktime_get_ns(), tid, thread, OBSERVE_RUNS);
	}
}

/* Is this what a vCPU does with what has come for it? */
static __always_inline bool is_handling(void)
{
	const struct observe_thread *caller = find(bpf_get_current_pid_tgid());

	return caller && (caller->serving || caller->came);
}

/* Does a lender lend for that? */
static __always_inline bool is_lent_for(const struct observe_thread *thread, enum observe_event event)
{
	return lends && ((event == OBSERVE_TIMER && thread->timer) || (event == OBSERVE_IPI && is_handling()));
}

static __always_inline void wake(struct observe_thread *thread, __u32 tid, const struct doing *doing)
{
	const enum observe_event event = event_now(doing, thread, tid);

	if (event >= NR_OBSERVE_EVENTS)
		return;
	__sync_fetch_and_add(&thread->events[event], 1);
	if (event == OBSERVE_DEVICE || is_lent_for(thread, event))
		come(thread, tid);
}

static __always_inline struct observe_thread *thread_of(struct kvm_vcpu *vcpu, __u32 *tid)
{
	struct observe_thread *thread;
	struct pid *pid = vcpu->pid;

	if (!looks || !pid)
		return NULL;
	*tid = pid->numbers[0].nr;
	thread = find(*tid);
	return thread && thread->vcpu ? thread : NULL;
}

static __always_inline int begin_kick(struct kvm_vcpu *vcpu)
{
	struct observe_thread *thread;
	struct doing *doing;
	__u32 tid;

	thread = thread_of(vcpu, &tid);
	doing = current_doing();
	if (!thread || !doing)
		return 0;
	if (posted)
		doing->kicks = (__u64)vcpu;
	wake(thread, tid, doing);
	return 0;
}

static __always_inline int end_kick(void)
{
	struct doing *doing = current_doing();

	if (doing)
		doing->kicks = 0;
	return 0;
}

SEC("fentry/kvm_vcpu_kick")
int BPF_PROG(kick_begins, struct kvm_vcpu *vcpu)
{
	return begin_kick(vcpu);
}

SEC("fexit/kvm_vcpu_kick")
int BPF_PROG(kick_ends)
{
	return end_kick();
}

/* The same since 6.16. */
SEC("fentry/__kvm_vcpu_kick")
int BPF_PROG(kick_or_wait_begins, struct kvm_vcpu *vcpu)
{
	return begin_kick(vcpu);
}

SEC("fexit/__kvm_vcpu_kick")
int BPF_PROG(kick_or_wait_ends)
{
	return end_kick();
}

/* Part of a kick, and seen with APICv or AVIC alone: then it comes without one, too. */
SEC("fentry/kvm_vcpu_wake_up")
int BPF_PROG(wakes, struct kvm_vcpu *vcpu)
{
	struct observe_thread *thread;
	const struct doing *doing;
	__u32 tid;

	thread = thread_of(vcpu, &tid);
	doing = current_doing();
	if (thread && doing && doing->kicks != (__u64)vcpu)
		wake(thread, tid, doing);
	return 0;
}

/* --- vhost: what it delivers, and whether that interrupts --- */

static __always_inline int begin_delivery(struct vhost_dev *dev, struct vhost_virtqueue *vq)
{
	struct vhost_virtqueue **vqs = BPF_CORE_READ(dev, vqs), *sent = NULL;
	struct doing *doing;

	if (BPF_CORE_READ(dev, nvqs) != 2 || bpf_probe_read_kernel(&sent, sizeof(sent), vqs + TX))
		return 0;
	doing = current_doing();
	if (!doing)
		return 0;
	doing->delivers = (vq == sent ? TX : RX) + 1;
	doing->interrupted = 0;
	return 0;
}

static __always_inline int end_delivery(void)
{
	struct doing *doing = current_doing();
	struct observe_thread *worker;

	if (!doing)
		return 0;
	if (looks && doing->delivers == RX + 1 && !doing->interrupted) {
		worker = find(bpf_get_current_pid_tgid());
		if (worker)
			__sync_fetch_and_add(&worker->events[OBSERVE_SILENT], 1);
	}
	doing->delivers = 0;
	return 0;
}

SEC("fentry/vhost_add_used_and_signal_n")
int BPF_PROG(delivery_of_n_begins, struct vhost_dev *dev, struct vhost_virtqueue *vq)
{
	return begin_delivery(dev, vq);
}

SEC("fexit/vhost_add_used_and_signal_n")
int BPF_PROG(delivery_of_n_ends)
{
	return end_delivery();
}

SEC("fentry/vhost_add_used_and_signal")
int BPF_PROG(delivery_begins, struct vhost_dev *dev, struct vhost_virtqueue *vq)
{
	return begin_delivery(dev, vq);
}

SEC("fexit/vhost_add_used_and_signal")
int BPF_PROG(delivery_ends)
{
	return end_delivery();
}

/* --- how long an answer takes --- */

static __always_inline int answer(enum observe_kind kind)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct observe_thread *thread = find(tid);

	if (!thread)
		return 0;
	thread->came = 0;
	if (lends)
		thread->replied = thread->ran + bpf_ktime_get_ns() - thread->ran_since;
	if (!thread->serving && !(lends && thread->lent && kind == OBSERVE_HALTS))
		return 0;
	thread->serving = 0;
	tell(bpf_ktime_get_ns(), tid, thread, kind);
	return 0;
}

/* It is asked for each doorbell at that address, and says whether it was its own. */
SEC("fexit/ioeventfd_write")
int BPF_PROG(doorbell_rung, void *vcpu, void *device, __u64 address, int length, const void *value, int result)
{
	return result ? 0 : answer(OBSERVE_REPLIES);
}

SEC("fentry/kvm_vcpu_halt")
int BPF_PROG(guest_halts)
{
	return answer(OBSERVE_HALTS);
}

char LICENSE[] SEC("license") = "GPL";
