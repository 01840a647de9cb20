// SPDX-License-Identifier: GPL-2.0
/*
 * Report device interrupts to the scheduler, see kernel/sched/spare.c
 *
 * KVM decides nothing here: it tells which vCPU threads an interrupt is for.
 * Those of the guest's own local APIC timer are told apart, and those of an
 * in-kernel PIT do not come this way. Interprocessor interrupts do only if the vCPU that
 * sends one works on something that came.
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

/**
 * __kvm_spare_timer - the local timer of a vCPU has expired
 * @vcpu: the vCPU
 *
 * Context: as sched_spare_timer().
 */
void __kvm_spare_timer(struct kvm_vcpu *vcpu)
{
	struct task_struct *task;

	rcu_read_lock();
	task = pid_task(rcu_dereference(vcpu->pid), PIDTYPE_PID);
	if (task)
		sched_spare_timer(task);
	rcu_read_unlock();
}

/**
 * __kvm_spare_hops - how far a signal of the vCPU that runs in this thread goes
 *
 * Return: as sched_spare_hops(); 0 if no vCPU runs here.
 */
unsigned int __kvm_spare_hops(void)
{
	return kvm_get_running_vcpu() ? sched_spare_hops() : 0;
}
EXPORT_SYMBOL_GPL(__kvm_spare_hops);

/**
 * __kvm_spare_help - the vCPU that runs in this thread has signalled another
 * @vcpu: the other one; nothing happens if it is the same
 * @hops: how often the sender may pass on what it works on; not 0
 *
 * Context: as sched_spare_help().
 */
void __kvm_spare_help(struct kvm_vcpu *vcpu, unsigned int hops)
{
	struct task_struct *task;

	rcu_read_lock();
	task = pid_task(rcu_dereference(vcpu->pid), PIDTYPE_PID);
	if (task && task != current)
		sched_spare_help(task, hops);
	rcu_read_unlock();
}
EXPORT_SYMBOL_GPL(__kvm_spare_help);

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

/**
 * __kvm_spare_event_route - something came for a guest that wants no interrupt now
 * @kvm: its virtual machine
 * @e: the route by which it would be interrupted
 *
 * Context: any but NMI; under kvm->irq_srcu.
 */
void __kvm_spare_event_route(struct kvm *kvm, struct kvm_kernel_irq_routing_entry *e)
{
#ifdef __KVM_HAVE_ARCH_SPARE_EVENT
	struct kvm_vcpu *vcpu = kvm_arch_spare_target(kvm, e);

	if (vcpu)
		__kvm_spare_event(vcpu);
#else
	__kvm_spare_event_all(kvm);
#endif
}

/**
 * __kvm_spare_emulated - the VMM is back from an exit of a vCPU
 * @vcpu: the vCPU, which is about to enter the guest again
 *
 * If its guest has written to a device that the VMM emulates, then the device has
 * been kicked, as by an ioeventfd.
 */
void __kvm_spare_emulated(struct kvm_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	bool kicked = false;

	/* The VMM's to write as well: it can but give a loan of its own back. */
	switch (READ_ONCE(run->exit_reason)) {
	case KVM_EXIT_IO:
		kicked = READ_ONCE(run->io.direction) == KVM_EXIT_IO_OUT;
		break;
	case KVM_EXIT_MMIO:
		kicked = READ_ONCE(run->mmio.is_write);
		break;
	}
	if (kicked) {
		sched_spare_sends();
		sched_spare_reply();
	}
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
