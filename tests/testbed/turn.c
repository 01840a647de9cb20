// turn USEC [CPUS]: bounds how long an emulated CPU keeps its turn. 0: no bound.
//
// QEMU runs one CPU until the next timer of its virtual clock, the slice; the CPUs
// after it in its list get nothing before the list starts anew, so a busy CPU
// starves those after it. Two uses of the HPET, which the kernel must leave alone
// (hpet=disable), make turns of at most USEC for all:
// - a periodic comparator that raises no interrupt ends a slice every USEC and
//   costs no instruction of this machine;
// - slice s belongs to CPU s % CPUS: each CPU before that one gets a message
//   interrupt whose handler pauses (asm_turn_interrupt), which passes the slice
//   on. It takes one comparator for each such pair, CPUS * (CPUS - 1) / 2.

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
	TIMER_ENABLE = 1 << 2,
	TIMER_PERIODIC = 1 << 3,
	TIMER_SET = 1 << 6, // the next write sets the comparator and the period
	TIMER_32BIT = 1 << 8, // the comparator's upper half starts as ones
	TIMER_MESSAGE = 1 << 14,
	TICKS_PER_USEC = 100,
	APIC_MESSAGE = 0xfee00000,
	TURN_VECTOR = 0xf5,
	MAX_CPUS = 8,
};

static volatile uint8_t *hpet;

static void poke(unsigned int at, uint32_t value)
{
	*(volatile uint32_t *)(hpet + at) = value;
}

static void start_timer(int timer, uint32_t config, uint32_t first, uint32_t period)
{
	unsigned int at = 0x100 + 0x20 * timer;

	poke(at, TIMER_PERIODIC | TIMER_SET | TIMER_32BIT | config);
	poke(at + 8, first);
	poke(at + 8, period);
}

static void pass_on(int timer, int cpu, uint32_t first, uint32_t period)
{
	poke(0x100 + 0x20 * timer + 0x10, TURN_VECTOR);
	poke(0x100 + 0x20 * timer + 0x14, APIC_MESSAGE | cpu << 12);
	start_timer(timer, TIMER_ENABLE | TIMER_MESSAGE, first, period);
}

static unsigned long number(const char *text, unsigned long limit)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (!*text || *end || value > limit) {
		fprintf(stderr, "turn: '%s' is not a number up to %lu\n", text, limit);
		exit(2);
	}
	return value;
}

int main(int argc, char **argv)
{
	unsigned long ticks, cpus;
	int fd, timer = 0;

	if (argc < 2 || argc > 3) {
		fputs("Usage: turn USEC [CPUS]\n", stderr);
		return 2;
	}
	ticks = number(argv[1], 1000000) * TICKS_PER_USEC;
	cpus = argc == 3 ? number(argv[2], MAX_CPUS) :
			   (unsigned long)sysconf(_SC_NPROCESSORS_ONLN);
	fd = open("/dev/mem", O_RDWR | O_SYNC);
	hpet = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, HPET_BASE);
	if (fd < 0 || hpet == MAP_FAILED) {
		perror("turn: /dev/mem");
		return 1;
	}
	poke(HPET_CONFIG, 0);
	poke(HPET_COUNTER, 0);
	poke(HPET_COUNTER + 4, 0);
	if (!ticks)
		return 0;
	poke(HPET_CONFIG, 1);
	start_timer(timer++, 0, ticks, ticks);
	for (unsigned long owner = 1; owner < cpus; owner++)
		for (unsigned long cpu = 0; cpu < owner; cpu++)
			pass_on(timer++, cpu, ticks * (owner + 1), ticks * cpus);
	return 0;
}
