// SPDX-License-Identifier: GPL-2.0
/*
 * Report device interrupts to the scheduler, see kernel/sched/spare.c
 *
 * KVM decides nothing here: it tells which vCPU threads an interrupt is for.
 * Interrupts of the guest's own devices of time (local APIC timer, in-kernel
 * PIT) and interprocessor interrupts do not come this way.
 *
 * Where an interrupt enters KVM it is known whether a device has sent it; who
 * gets it is known where it is accepted. In between, @event goes with it, in
 * the copy of the route and what is made of that. An architecture that has
 * __KVM_HAVE_ARCH_SPARE_EVENT reports the vCPU that accepts it. For others any
 * may be the one: the generic code reports them all.
 *
 * A report follows the delivery, which has woken the vCPU up if it slept. It
 * takes a run-queue lock, and an interrupt may be for a thousand vCPUs and be
 * delivered with interrupts off: what may have many destinations is reported
 * by a work item.
 */

#include <linux/kvm_host.h>
#include <linux/sched/spare.h>

/**
 * __kvm_spare_event - a vCPU has accepted a device's interrupt
 * @vcpu: the vCPU
 *
 * Context: as sched_spare_event().
 */
void __kvm_spare_event(struct kvm_vcpu *vcpu)
{
	struct task_struct *task;

	rcu_read_lock();
	task = pid_task(rcu_dereference(vcpu->pid), PIDTYPE_PID);
	if (task)
		sched_spare_event(task);
	rcu_read_unlock();
}

static bool kvm_spare_take_event(struct kvm_vcpu *vcpu)
{
#ifdef __KVM_HAVE_ARCH_SPARE_EVENT
	return xchg(&vcpu->spare_event, false);
#else
	return true;
#endif
}

static void kvm_spare_work(struct work_struct *work)
{
	struct kvm *kvm = container_of(work, struct kvm, spare_work);
	struct kvm_vcpu *vcpu;
	unsigned long i;

	kvm_for_each_vcpu(i, vcpu, kvm) {
		if (kvm_spare_take_event(vcpu))
			__kvm_spare_event(vcpu);
		cond_resched();
	}
}

/**
 * __kvm_spare_event_later - one of many vCPUs has accepted an interrupt
 * @vcpu: the vCPU
 *
 * Context: any but NMI.
 */
void __kvm_spare_event_later(struct kvm_vcpu *vcpu)
{
	WRITE_ONCE(vcpu->spare_event, true);
	/* If it is queued already, it will see the store above. */
	schedule_work(&vcpu->kvm->spare_work);
}

/**
 * __kvm_spare_event_all - some vCPU has accepted an interrupt
 * @kvm: its virtual machine
 *
 * Context: any but NMI.
 */
void __kvm_spare_event_all(struct kvm *kvm)
{
	schedule_work(&kvm->spare_work);
}

void kvm_spare_init(struct kvm *kvm)
{
	INIT_WORK(&kvm->spare_work, kvm_spare_work);
}

/* No vCPU runs any more, but an EOI that is due may still deliver something. */
void kvm_spare_destroy(struct kvm *kvm)
{
	disable_work_sync(&kvm->spare_work);
}
