// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "fleet.h"
#include "vmm.h"

#define PAGE		4096

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "fleet: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int make_doorbell(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	if (fd < 0)
		die("eventfd");
	return fd;
}

static void __attribute__((noreturn)) be_vm(const struct fleet_vm *vm, unsigned int number, const void *program,
					    size_t program_size, int ready)
{
	const uint64_t one = 1;
	struct vmm *vmm;
	char name[16];

	snprintf(name, sizeof(name), "vm%02u", number);
	prctl(PR_SET_NAME, name);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	vmm = vmm_create(program, program_size, vm->shared, PAGE);
	vmm_doorbell_in(vmm, 0, vm->in);
	vmm_doorbell_out(vmm, 0, vm->out);
	vmm_start(vmm);
	if (write(ready, &one, sizeof(one)) != sizeof(one))
		die("write");
	vmm_wait(vmm);
	exit(1);
}

void fleet_make(struct fleet_vm *vms, unsigned int nr, const void *program, size_t program_size)
{
	uint8_t *pages = mmap(NULL, nr * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int ready = eventfd(0, EFD_SEMAPHORE | EFD_CLOEXEC);
	uint64_t count;

	if (pages == MAP_FAILED || ready < 0)
		die("mmap or eventfd");
	for (unsigned int i = 0; i < nr; i++) {
		vms[i] = (struct fleet_vm){ .in = make_doorbell(), .out = make_doorbell(), .shared = pages + i * PAGE };
		vms[i].pid = fork();
		if (vms[i].pid < 0)
			die("fork");
		if (!vms[i].pid)
			be_vm(&vms[i], i, program, program_size, ready);
		if (read(ready, &count, sizeof(count)) != sizeof(count))
			die("read");
	}
	close(ready);
	for (unsigned int i = 0; i < nr; i++)
		printf("vm%02u-%d%c", i, vms[i].pid, i + 1 < nr ? ' ' : '\n');
}

void fleet_ring(const struct fleet_vm *vm)
{
	const uint64_t one = 1;

	if (write(vm->in, &one, sizeof(one)) != sizeof(one))
		die("doorbell");
}

void fleet_signal(const struct fleet_vm *vms, unsigned int nr, int number, useconds_t gap_us)
{
	for (unsigned int i = 0; i < nr; i++) {
		kill(vms[i].pid, number);
		if (gap_us)
			usleep(gap_us);
	}
}
