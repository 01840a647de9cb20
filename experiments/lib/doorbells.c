// SPDX-License-Identifier: GPL-2.0
/*
 * doorbells COUNT: rings a guest's doorbell COUNT times while it computes and COUNT times while it sleeps, each
 * time when the last answer is there. Fails if a ring was lost or came twice, if the guest does not have our TSC, or
 * if it did not compute. Prints round trips in cycles of the TSC, which are ns in the testbed.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include <x86intrin.h>

#include "doorbells.h"
#include "vmm.h"

extern const char guest_program[], guest_program_end[];

static struct doorbells *area;
static int in, out;

static void fail(const char *what, uint64_t value, uint64_t expected)
{
	fprintf(stderr, "doorbells: %s is %" PRIu64 ", not %" PRIu64 "\n", what, value, expected);
	exit(1);
}

static uint64_t wait_for_answers(int wait_ms)
{
	struct pollfd answered = { .fd = out, .events = POLLIN };
	uint64_t rings = 0;

	if (poll(&answered, 1, wait_ms) == 1 && read(out, &rings, sizeof(rings)) != sizeof(rings))
		rings = 0;
	return rings;
}

/* Each ring at another place of the guest's loop, and of the host's ticks. */
static void pause_before(uint64_t ring)
{
	for (uint64_t loops = ring * 7919 % 5000; loops; loops--)
		asm volatile("");
}

static void ring_once(uint64_t number)
{
	const uint64_t one = 1, begin = __rdtsc();
	uint64_t answers;

	if (write(in, &one, sizeof(one)) != sizeof(one))
		perror("doorbells: write");
	answers = wait_for_answers(1000);
	if (answers != 1)
		fail("the number of answers", answers, 1);
	if (area->taken != number)
		fail("the number of rings taken", area->taken, number);
	if (area->taken_at < begin || area->taken_at > __rdtsc())
		fail("the guest's TSC", area->taken_at, begin);
}

static void ring_often(const char *what, uint64_t count)
{
	uint64_t least = UINT64_MAX, most = 0, sum = 0, sum_in = 0, first = area->taken;

	for (uint64_t i = 1; i <= count; i++) {
		uint64_t begin, took;

		pause_before(i);
		begin = __rdtsc();
		ring_once(first + i);
		took = __rdtsc() - begin;
		least = took < least ? took : least;
		most = took > most ? took : most;
		sum += took;
		sum_in += area->taken_at - begin;
	}
	if (wait_for_answers(10) || area->taken != first + count)
		fail("the number of rings taken in the end", area->taken, first + count);
	printf("%s: min %" PRIu64 " mean %" PRIu64 " max %" PRIu64 ", to the guest mean %" PRIu64 "\n", what, least, sum / count, most, sum_in / count);
}

/* Else the kernel may put both on one CPU, where an answer waits for the other's slice to end. */
static void pin(pid_t tid, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(tid, sizeof(set), &set)) {
		perror("doorbells: sched_setaffinity");
		exit(1);
	}
}

int main(int argc, char **argv)
{
	uint64_t count = argc == 2 ? strtoull(argv[1], NULL, 10) : 0, loops;
	struct vmm *vmm;
	int status;

	if (!count) {
		fputs("Usage: doorbells COUNT\n", stderr);
		return 2;
	}
	area = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	vmm = vmm_create(guest_program, guest_program_end - guest_program, area, 4096);
	vmm_doorbell_in(vmm, 0, in = eventfd(0, EFD_NONBLOCK));
	vmm_doorbell_out(vmm, 0, out = eventfd(0, EFD_NONBLOCK));
	pin(vmm_start(vmm), sysconf(_SC_NPROCESSORS_ONLN) - 1);
	pin(0, 0);
	ring_often("computes", count);
	loops = area->loops;
	if (loops < count)
		fail("the number of the guest's loops", loops, count);
	area->sleeps = 1;
	ring_often("sleeps", count);
	area->stop = 1;
	if (write(in, &(uint64_t){ 1 }, 8) != 8)
		perror("doorbells: write");
	status = vmm_wait(vmm);
	if (status != DOORBELLS_STATUS)
		fail("the guest's status", status, DOORBELLS_STATUS);
	vmm_free(vmm);
	return 0;
}
