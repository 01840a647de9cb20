// turn USEC: bounds how long an emulated CPU keeps its turn. 0: no bound.
//
// QEMU runs a CPU until the next timer of its virtual clock, then begins its list
// of CPUs anew. Its HPET keeps such a timer for a periodic comparator even when that
// raises no interrupt: a turn ends every USEC, at no instruction of this machine.
// Needs a kernel that leaves the HPET alone (hpet=disable).
// A CPU that never halts nor pauses still starves those after it: QEMU's list
// begins with CPU 0 each time. So CPU 0 is for what sleeps.

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	HPET_BASE = 0xfed00000,
	HPET_CONFIG = 0x10, // bit 0: counting
	HPET_COUNTER = 0xf0,
	TIMER_CONFIG = 0x140, // of comparator 2
	TIMER_COMPARE = 0x148,
	TIMER_PERIODIC = 1 << 3,
	TIMER_SET = 1 << 6, // the next write sets the comparator and the period
	TIMER_32BIT = 1 << 8, // the comparator's upper half starts as ones
	TICKS_PER_USEC = 100,
};

static void poke(volatile uint8_t *hpet, unsigned int at, uint32_t value)
{
	*(volatile uint32_t *)(hpet + at) = value;
}

int main(int argc, char **argv)
{
	char *end = NULL;
	unsigned long usec = argc == 2 ? strtoul(argv[1], &end, 10) : 0;
	uint8_t *hpet;
	int fd;

	if (argc != 2 || !*argv[1] || *end || usec > 1000000) {
		fputs("Usage: turn USEC (at most 1000000; 0 ends it)\n", stderr);
		return 2;
	}
	fd = open("/dev/mem", O_RDWR | O_SYNC);
	hpet = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, HPET_BASE);
	if (fd < 0 || hpet == MAP_FAILED) {
		perror("turn: /dev/mem");
		return 1;
	}
	poke(hpet, HPET_CONFIG, 0);
	poke(hpet, HPET_COUNTER, 0);
	poke(hpet, HPET_COUNTER + 4, 0);
	if (!usec)
		return 0;
	poke(hpet, HPET_CONFIG, 1);
	poke(hpet, TIMER_CONFIG, TIMER_PERIODIC | TIMER_SET | TIMER_32BIT);
	poke(hpet, TIMER_COMPARE, usec * TICKS_PER_USEC);
	return 0;
}
