// ringvm: one party of the ring is a bare guest of vmm.h, the other a thread of this process, or a guest, too: in the same ring, or in
// one of its own, from which a thread of this process hands on. A guest is rung by an irqfd and rings by an ioeventfd.

#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "bench.h"
#include "words.h"
#include "../lib/vmm.h"

struct options {
	struct bench_setup setup;
	int64_t handing_on; // work of the relay for a message
	bool guest_sends, two, relay, replies, waits;
};

// The ring that a party is in.
struct link {
	struct area *area;
	int bells[2]; // of P and C
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

static struct link make_link(const struct bench_setup *setup, uint64_t ticks_per_us)
{
	return (struct link){ bench_area(setup, ticks_per_us), { doorbell(), doorbell() } };
}

static struct vmm *start_guest(const struct link *link, enum channel_party which, const struct options *options)
{
	struct area *area = link->area;
	struct vmm *vmm = vmm_create(guest_program, guest_program_end - guest_program, area, area->size);
	const uint64_t before = area->ready;

	area->guest_is = which;
	area->replies = options->replies;
	vmm_doorbell_in(vmm, 0, link->bells[which]);
	vmm_doorbell_out(vmm, 0, link->bells[!which]);
	vmm_doorbell_out(vmm, 1, doorbell());
	area->thread[which] = vmm_start(vmm);
	while (area->ready == before)
		sleep_ms(1);
	return vmm;
}

// P in a process of its own, so that it can have a reservation of its own.
static pid_t start_sender(const struct link *link, const struct options *options)
{
	const pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		fail("fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		start_guest(link, CHANNEL_P, options);
		for (;;)
			pause();
	}
	while (!link->area->ready) {
		if (waitpid(pid, NULL, WNOHANG))
			fail("the sender");
		sleep_ms(1);
	}
	return pid;
}

static void print_vcpus(const struct link links[2], enum channel_party guest, pid_t sender)
{
	printf("vcpu=%lu\n", links[guest].area->thread[guest]);
	if (sender)
		printf("sender=%d\nsender_vcpu=%lu\n", sender, links[CHANNEL_P].area->thread[CHANNEL_P]);
	fflush(stdout);
}

// /proc/TID/schedstat: ns on a CPU, ns runnable without one, and how often it was put on one.
struct thread {
	uint64_t ran, waited, switches;
};

static struct thread read_thread(uint64_t tid)
{
	struct thread thread = { 0 };
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%lu/schedstat", tid);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%lu %lu %lu", &thread.ran, &thread.waited, &thread.switches) != 3)
		fail(path);
	fclose(file);
	return thread;
}

static void print_thread(char side, struct thread from, struct thread to)
{
	printf("ran_%c=%lu\nwaited_%c=%lu\nswitches_%c=%lu\n", side, to.ran - from.ran, side, to.waited - from.waited, side,
	       to.switches - from.switches);
}

// Rings of both parties, or the one that they share.
static void make_links(struct link links[2], const struct options *options, uint64_t ticks_per_us)
{
	struct bench_setup setup[2] = { options->setup, options->setup };

	if (options->relay) {
		setup[CHANNEL_P].party[CHANNEL_C] = (struct bench_party){ .work = options->handing_on, .combine = 1 };
		setup[CHANNEL_C].party[CHANNEL_P] = (struct bench_party){ .combine = 1 };
	}
	links[CHANNEL_P] = make_link(&setup[CHANNEL_P], ticks_per_us);
	links[CHANNEL_C] = options->relay ? make_link(&setup[CHANNEL_C], ticks_per_us) : links[CHANNEL_P];
}

// A guest that has had no budget since it was told to go has armed no doorbell: nobody would ring it, and it would get none of
// what is lent to who is rung.
static void wait_for_consumer(const struct area *area)
{
	while (!area->running)
		sleep_ms(1);
}

// This thread's part, if it has one.
static void take_part(const struct link links[2], enum channel_party guest, const struct options *options)
{
	const int *in = links[CHANNEL_P].bells, *out = links[CHANNEL_C].bells;

	if (options->relay) {
		bench_relay(&(struct bench_link){ links[CHANNEL_P].area, { in[CHANNEL_C], in[CHANNEL_P] } },
			    &(struct bench_link){ links[CHANNEL_C].area, { out[CHANNEL_P], out[CHANNEL_C] } }, tsc);
	} else if (!options->two) {
		if (guest == CHANNEL_C)
			wait_for_consumer(links[guest].area);
		bench_run(links[guest].area, !guest, &(struct bench_doorbells){ in[!guest], in[guest] }, tsc);
	}
}

static void run(const struct options *options)
{
	const enum channel_party guest = options->guest_sends ? CHANNEL_P : CHANNEL_C;
	const uint64_t ticks_per_us = measure_tsc();
	struct thread before[2];
	struct link links[2];
	struct area *area[2];
	pid_t sender = 0;
	struct vmm *vmm;

	make_links(links, options, ticks_per_us);
	area[CHANNEL_P] = links[CHANNEL_P].area;
	area[CHANNEL_C] = links[CHANNEL_C].area;
	area[!guest]->thread[!guest] = gettid();
	if (options->two || options->relay)
		sender = start_sender(&links[CHANNEL_P], options);
	vmm = start_guest(&links[guest], guest, options);
	print_vcpus(links, guest, sender);
	if (options->waits)
		wait_for_line();
	for (int i = 0; i < 2; i++)
		before[i] = read_thread(area[i]->thread[i]);
	area[CHANNEL_P]->go = area[CHANNEL_C]->go = 1;
	take_part(links, guest, options);
	while (area[guest]->ended < (sender && !options->relay ? 2 : 1))
		sleep_ms(1);
	for (int i = 0; i < 2; i++)
		print_thread("PC"[i], before[i], read_thread(area[i]->thread[i]));
	printf("ticks_per_us=%lu\nbatches=%lu\n", ticks_per_us, area[guest]->batches);
	bench_print(area[CHANNEL_P], area[CHANNEL_C], &options->setup, ticks_per_us);
	vmm_free(vmm);
	if (sender)
		kill(sender, SIGKILL);
}

// --- arguments ---

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->setup;
		return 0;
	case 's':
		options->guest_sends = true;
		return 0;
	case 't':
		options->two = true;
		return 0;
	case 'e':
		options->relay = true;
		options->handing_on = words_time(state, arg);
		return 0;
	case 'r':
		options->replies = true;
		return 0;
	case 'w':
		options->waits = true;
		return 0;
	case ARGP_KEY_END:
		if (options->two + options->relay + options->guest_sends > 1)
			argp_error(state, "only one of --guest-sends, --two and --relay");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp_option known[] = {
		{ "guest-sends", 's', NULL, 0, "the guest is P (it is C)", 0 },
		{ "two", 't', NULL, 0, "both are guests, which ring each other without a thread of the host: prints sender=PID and "
		  "sender_vcpu=TID, too", 0 },
		{ "relay", 'e', "TIME", 0, "both are guests, each with a ring of its own and this process, which hands each message on: "
		  "that takes TIME", 0 },
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
