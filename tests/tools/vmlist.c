// Prints what vms_find() finds, a fact a line: the VM's name, a tab, KEY=VALUE.

#include <stdio.h>

#include "vmm-hooks/vm.h"

static void print_vm(const struct vm *vm)
{
	static const char *const roles[] = { [VM_VCPU] = "vcpu", [VM_IO] = "io", [VM_VHOST] = "vhost" };

	printf("%s\tpid=%d\n", vm->name, vm->pid);
	printf("%s\tfinder=%s\n", vm->name, vm->finder);
	printf("%s\tgroup=%s\n", vm->name, vm->group);
	printf("%s\tmanaged=%d\n", vm->name, vm->managed);
	for (size_t i = 0; i < vm->nr_threads; i++) {
		const struct vm_thread *thread = &vm->threads[i];

		printf("%s\t%s", vm->name, roles[thread->role]);
		if (thread->role == VM_VCPU)
			printf("%d", thread->number);
		printf("=%d\n", thread->tid);
	}
	for (size_t i = 0; i < vm->nr_devices; i++)
		printf("%s\tdevice=%s\n", vm->name, vm->devices[i]);
}

int main(void)
{
	struct vms vms;

	if (vms_find(&vms)) {
		perror("vmlist");
		return 1;
	}
	for (size_t i = 0; i < vms.nr; i++)
		print_vm(&vms.list[i]);
	vms_free(&vms);
	return 0;
}
