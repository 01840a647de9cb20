// SPDX-License-Identifier: GPL-2.0
/*
 * A VM that computes all the time, and whose doorbell rings every 20 ms: mostly when a reservation of 40 % is used up.
 * Its arguments are for those who look for a VM by its name. Linked with experiments/lib's guest of doorbells.c.
 */
#include <stdint.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../experiments/lib/doorbells.h"
#include "../../experiments/lib/vmm.h"

#define AREA_SIZE 4096	/* a page: struct doorbells is in it */

extern const char guest_program[], guest_program_end[];

int main(void)
{
	struct doorbells *area = mmap(NULL, AREA_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct vmm *vmm = vmm_create(guest_program, guest_program_end - guest_program, area, AREA_SIZE);
	const uint64_t one = 1;
	int in = eventfd(0, 0), out = eventfd(0, EFD_NONBLOCK);

	vmm_doorbell_in(vmm, 0, in);
	vmm_doorbell_out(vmm, 0, out);
	vmm_start(vmm);
	while (write(in, &one, sizeof(one)) == sizeof(one))
		usleep(20000);
	perror("bellvm: eventfd");
	return 1;
}
