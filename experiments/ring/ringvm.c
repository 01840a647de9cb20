// ringvm: one party of the ring is a bare guest of vmm.h, the other a thread of this process. The guest is rung by an irqfd and
// rings by an ioeventfd.

#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "bench.h"
#include "vmm.h"

struct options {
	struct bench_setup setup;
	bool guest_sends, replies, waits;
};

extern const char guest_program[], guest_program_end[];

static void __attribute__((noreturn)) fail(const char *what)
{
	fprintf(stderr, "ringvm: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t tsc(void)
{
	return __rdtsc();
}

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){ 0, ms * 1000000 }, NULL);
}

// To the nearest MHz.
static uint64_t measure_tsc(void)
{
	const uint64_t ticks = tsc(), ns = bench_clock();

	sleep_ms(20);
	return ((tsc() - ticks) * 1000 + (bench_clock() - ns) / 2) / (bench_clock() - ns);
}

static int doorbell(void)
{
	const int fd = eventfd(0, EFD_CLOEXEC);

	if (fd < 0)
		fail("eventfd");
	return fd;
}

// The caller configures the VM meanwhile.
static void wait_for_line(void)
{
	int c;

	do
		c = getchar();
	while (c != '\n' && c != EOF);
}

static void run(const struct options *options)
{
	const enum channel_party guest = options->guest_sends ? CHANNEL_P : CHANNEL_C;
	struct bench_doorbells doorbells = { doorbell(), doorbell() };
	const uint64_t ticks_per_us = measure_tsc();
	struct area *area = bench_area(&options->setup, ticks_per_us);
	struct vmm *vmm;

	area->guest_is = guest;
	area->replies = options->replies;
	vmm = vmm_create(guest_program, guest_program_end - guest_program, area, area->size);
	vmm_doorbell_in(vmm, 0, doorbells.other);
	vmm_doorbell_out(vmm, 0, doorbells.own);
	vmm_doorbell_out(vmm, 1, doorbell());
	printf("vcpu=%d\n", vmm_start(vmm));
	fflush(stdout);
	while (!area->ready)
		sleep_ms(1);
	if (options->waits)
		wait_for_line();
	area->go = 1;
	bench_run(area, !guest, &doorbells, tsc);
	while (!area->ended)
		sleep_ms(1);
	printf("ticks_per_us=%lu\nbatches=%lu\n", ticks_per_us, area->batches);
	bench_print(area, &options->setup, ticks_per_us);
	vmm_free(vmm);
}

// --- arguments ---

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	(void)arg;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->setup;
		return 0;
	case 's':
		options->guest_sends = true;
		return 0;
	case 'r':
		options->replies = true;
		return 0;
	case 'w':
		options->waits = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp_option known[] = {
		{ "guest-sends", 's', NULL, 0, "the guest is P (it is C)", 0 },
		{ "replies", 'r', NULL, 0, "the guest rings another doorbell, which nobody hears, when it has nothing to do: "
		  "its reply", 0 },
		{ "wait", 'w', NULL, 0, "begin at a line on standard input: configure the VM meanwhile", 0 },
		{ 0 },
	};
	static const struct argp_child children[] = { { &bench_argp, 0, NULL, 0 }, { 0 } };
	static const struct argp argp = {
		known, parse_option, "NAME=VALUE...",
		"A ring between a VM and this process. Prints vcpu=TID, and NAME=VALUE lines; times are in ns. batch=: loops of "
		"the guest's batch load between two looks; 0: none, it halts.", children, NULL, NULL,
	};
	struct options options = { 0 };

	bench_defaults(&options.setup);
	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	prctl(PR_SET_NAME, "ringvm");
	run(&options);
	return fclose(stdout) ? 1 : 0;
}
