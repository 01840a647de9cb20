/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A program that runs as a guest of vmm.h: freestanding C, 64 bit, without a library and without floating point (the
 * handlers save no such registers). It defines guest_main(). Code, data and stack have 2 MiB less 64 KiB; what needs
 * more memory is in the shared area. All memory is writable, cached and mapped by 2 MiB pages of the guest's.
 *
 * Interrupts are off until guest_enable(). A handler runs with interrupts off, on the stack of what it interrupts.
 * After a fault of any kind the machine stops, and the host's program with it.
 */
#ifndef EXPERIMENTS_GUEST_H
#define EXPERIMENTS_GUEST_H

#include <stdint.h>

#include "guest_abi.h"

/* Where the program begins; the area that it shares with the host. When it returns the guest exits with status 0. */
void guest_main(void *shared);

/* Called for each ring of doorbell in `number`, 0..3; without a handler a ring is ignored. */
void guest_on_doorbell(unsigned int number, void (*handler)(void));

/* Rings doorbell out `number`, 0..3: a port write that the host's kernel turns into an eventfd's signal. */
static inline void guest_ring(unsigned int number)
{
	asm volatile("outb %%al, %%dx" : : "a"(0), "d"(GUEST_PORT + number) : "memory");
}

static inline void guest_enable(void)
{
	asm volatile("sti" : : : "memory");
}

static inline void guest_disable(void)
{
	asm volatile("cli" : : : "memory");
}

/* Enables interrupts and sleeps until the next; one that came since guest_disable() is taken at once. */
static inline void guest_halt(void)
{
	asm volatile("sti; hlt" : : : "memory");
}

/* For loops that wait: it also gives another emulated CPU its turn in the testbed. */
static inline void guest_relax(void)
{
	asm volatile("pause" : : : "memory");
}

/* The host's TSC, not ordered with what is around it. */
static inline uint64_t guest_tsc(void)
{
	uint32_t low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

/* Ends the guest with a status of 0..255 for vmm_wait(). */
static inline void __attribute__((noreturn)) guest_exit(uint8_t status)
{
	for (;;)
		asm volatile("outb %%al, %%dx" : : "a"(status), "d"(GUEST_EXIT_PORT) : "memory");
}

#endif
