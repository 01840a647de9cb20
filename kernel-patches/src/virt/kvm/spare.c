// SPDX-License-Identifier: GPL-2.0
/*
 * Report device interrupts to the scheduler, see kernel/sched/spare.c
 *
 * KVM decides nothing here: it tells which vCPU threads an interrupt is for.
 * Interrupts of the guest's own devices of time (local APIC timer, in-kernel
 * PIT) and interprocessor interrupts do not come this way.
 */

#include <linux/kvm_host.h>
#include <linux/sched/spare.h>

/**
 * kvm_arch_irq_target - the vCPU that an interrupt along a route goes to
 * @kvm: the virtual machine
 * @e: the route
 * @vcpu: set to the vCPU if there is just one, left alone otherwise
 *
 * Return: false if the interrupt reaches no vCPU.
 */
bool __weak kvm_arch_irq_target(struct kvm *kvm,
				struct kvm_kernel_irq_routing_entry *e,
				struct kvm_vcpu **vcpu)
{
	return true;
}

static void kvm_spare_event_vcpu(struct kvm_vcpu *vcpu)
{
	struct task_struct *task;

	rcu_read_lock();
	task = pid_task(rcu_dereference(vcpu->pid), PIDTYPE_PID);
	if (task)
		sched_spare_event(task);
	rcu_read_unlock();
}

/* An interrupt that goes to more than one vCPU may be answered by any of them. */
static void kvm_spare_event_all(struct kvm *kvm)
{
	struct kvm_vcpu *vcpu;
	unsigned long i;

	kvm_for_each_vcpu(i, vcpu, kvm)
		kvm_spare_event_vcpu(vcpu);
}

/**
 * __kvm_spare_event - an interrupt was sent along a route
 * @kvm: the virtual machine
 * @e: the route
 *
 * Context: as sched_spare_event().
 */
void __kvm_spare_event(struct kvm *kvm, struct kvm_kernel_irq_routing_entry *e)
{
	struct kvm_vcpu *vcpu = NULL;

	if (!kvm_arch_irq_target(kvm, e, &vcpu))
		return;

	if (vcpu)
		kvm_spare_event_vcpu(vcpu);
	else
		kvm_spare_event_all(kvm);
}

/**
 * __kvm_spare_event_gsi - an interrupt line was raised
 * @kvm: the virtual machine
 * @gsi: the line
 *
 * Context: as sched_spare_event(); may hold kvm->irq_srcu.
 */
void __kvm_spare_event_gsi(struct kvm *kvm, u32 gsi)
{
	struct kvm_kernel_irq_routing_entry routes[KVM_NR_IRQCHIPS];
	int idx, n;

	idx = srcu_read_lock(&kvm->irq_srcu);
	n = kvm_irq_map_gsi(kvm, routes, gsi);
	while (n--)
		__kvm_spare_event(kvm, &routes[n]);
	srcu_read_unlock(&kvm->irq_srcu, idx);
}
