// SPDX-License-Identifier: GPL-2.0
#include "guest.h"

#define X2APIC_EOI		0x80b

struct gate {
	uint16_t offset_low, segment;
	uint8_t stack, type;
	uint16_t offset_middle;
	uint32_t offset_high, zero;
};

extern const char guest_entries[];
void guest_begin(void);
void guest_interrupt(uint64_t number);

static struct gate idt[GUEST_VECTOR + GUEST_DOORBELLS];
static void (*handlers[GUEST_DOORBELLS])(void);

static void end_of_interrupt(void)
{
	asm volatile("wrmsr" : : "c"(X2APIC_EOI), "a"(0), "d"(0) : "memory");
}

void guest_begin(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) pointer = { sizeof(idt) - 1, (uintptr_t)idt };

	for (unsigned int i = 0; i < GUEST_DOORBELLS; i++) {
		uintptr_t entry = (uintptr_t)guest_entries + 16 * i;

		idt[GUEST_VECTOR + i] = (struct gate){
			.offset_low = entry, .offset_middle = entry >> 16, .offset_high = entry >> 32,
			.segment = GUEST_CODE_SEGMENT, .type = 0x8e,	/* present, interrupt gate */
		};
	}
	asm volatile("lidt %0" : : "m"(pointer));
}

void guest_interrupt(uint64_t number)
{
	if (handlers[number])
		handlers[number]();
	end_of_interrupt();
}

void guest_on_doorbell(unsigned int number, void (*handler)(void))
{
	handlers[number] = handler;
}
