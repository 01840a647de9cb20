// SPDX-License-Identifier: GPL-2.0
#include "observe/watch.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "observe/events.skel.h"

/* Of the kernel, for programs: not in errno.h. */
#define ENOTSUPP_KERNEL 524
/* Beside those of the hooks: sched_switch and sched_wakeup. */
#define MAX_LINKS (2 * NR_HOOKS + 2)
#define THREADS_SIZE (OBSERVE_THREADS * sizeof(struct observe_thread))

struct watch {
	struct events *events;
	struct observe_thread *threads;	/* the places, as the programs see them */
	struct bpf_link *links[MAX_LINKS];
	size_t nr_links;
	uint32_t nr_threads;
	uint16_t left;			/* places that nobody has any more, by their next; 0: none */
	struct ring_buffer *ring;
	int statistics;			/* the kernel measures the programs as long as this is open; -1: it does not */
	watch_take *take;
	void *data;
	bool failed;
};

/* --- loading --- */

/* A user without the right was told before. */
static int refuse_load(char error[RESULT_ERROR], int reason)
{
	switch (reason) {
	case EPERM:
	case EACCES:
	case EBUSY:
	case ENOTSUPP_KERNEL:
		return result_refuse(error, MISSING, "the kernel lets nobody look into its functions: it needs CONFIG_FUNCTION_TRACER and "
				     "CONFIG_DYNAMIC_FTRACE, as Debian's have them, and not lockdown=confidentiality");
	case ENOSYS:
		return result_refuse(error, MISSING, "the kernel takes no programs: it needs CONFIG_BPF_SYSCALL, as Debian's have it");
	case EINVAL:
		return result_refuse(error, MISSING, "the kernel does not know programs of this type: it needs CONFIG_BPF_EVENTS and "
				     "CONFIG_KPROBE_EVENTS, as Debian's have them");
	default:
		return result_refuse(error, FAILED, "the kernel does not take the programs: %s", strerror(reason));
	}
}

/* What is not there cannot be looked into. */
static void choose_programs(struct events *events, const struct hooks *hooks)
{
	struct bpf_program *program;
	int i, j;

	bpf_object__for_each_program(program, events->obj)
		bpf_program__set_autoload(program, program == events->progs.on_switch || program == events->progs.on_wakeup);
	for (i = 0; i < NR_HOOKS; i++) {
		for (j = 0; hooks->list[i].there && j < 2; j++) {
			if (!hooks->list[i].programs[j])
				continue;
			program = bpf_object__find_program_by_name(events->obj, hooks->list[i].programs[j]);
			bpf_program__set_autoload(program, true);
		}
	}
}

static int got(void *data, void *record, size_t size)
{
	struct watch *watch = data;

	(void)size;
	/* The rest is passed over. */
	if (!watch->failed && !watch->take(record, watch->data))
		watch->failed = true;
	return 0;
}

static int load(struct watch *watch, const struct hooks *hooks, bool lends, char error[RESULT_ERROR])
{
	watch->events = events__open();
	if (!watch->events)
		return result_refuse(error, FAILED, "the programs cannot be opened: %s", strerror(errno));
	choose_programs(watch->events, hooks);
	watch->events->rodata->posted = hooks_posted();
	watch->events->rodata->lends = lends;
	if (events__load(watch->events))
		return refuse_load(error, errno);
	watch->threads = mmap(NULL, THREADS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(watch->events->maps.threads), 0);
	if (watch->threads == MAP_FAILED) {
		watch->threads = NULL;
		return result_refuse(error, FAILED, "the threads' places cannot be mapped: %s", strerror(errno));
	}
	watch->ring = ring_buffer__new(bpf_map__fd(watch->events->maps.records), got, watch, NULL);
	if (!watch->ring)
		return result_refuse(error, FAILED, "the programs' records cannot be read: %s", strerror(errno));
	return DONE;
}

int watch_open(struct watch **opened, struct hooks *hooks, bool lends, char error[RESULT_ERROR])
{
	struct watch *watch = calloc(1, sizeof(*watch));
	int code;

	if (!watch)
		return result_refuse(error, FAILED, "out of memory");
	/* It would cost a lender at each event. */
	watch->statistics = lends ? -1 : bpf_enable_stats(BPF_STATS_RUN_TIME);
	code = load(watch, hooks, lends, error);
	if (code == DONE)
		*opened = watch;
	else
		watch_close(watch);
	return code;
}

/* The place of a thread; 0: it has none. *length: of the list that it is in, or would be. */
static uint16_t place_of(const struct watch *watch, pid_t tid, int *length)
{
	uint16_t place = watch->events->bss->heads[tid % OBSERVE_HEADS];

	for (*length = 0; place && watch->threads[place].tid != (uint32_t)tid; ++*length)
		place = watch->threads[place].next;
	return place;
}

/* A free one; 0: there is none. */
static uint16_t take_place(struct watch *watch)
{
	const uint16_t place = watch->left;

	if (!place)
		return watch->nr_threads + 1 < OBSERVE_THREADS ? ++watch->nr_threads : 0;
	watch->left = watch->threads[place].next;
	return place;
}

struct observe_thread *watch_add(struct watch *watch, pid_t tid, uint32_t vm, bool vcpu)
{
	uint16_t *head = &watch->events->bss->heads[tid % OBSERVE_HEADS], place;
	int length;

	place = place_of(watch, tid, &length);
	if (place)
		return &watch->threads[place];
	place = length < OBSERVE_CHAIN ? take_place(watch) : 0;
	if (!place) {
		errno = E2BIG;
		return NULL;
	}
	watch->threads[place] = (struct observe_thread){ .tid = tid, .vm = vm, .vcpu = vcpu, .next = *head };
	/* The programs come by it from then on. */
	__atomic_store_n(head, place, __ATOMIC_RELEASE);
	return &watch->threads[place];
}

/* A program that stands at the place now goes on where the free ones are, and finds nothing, for once. */
void watch_forget(struct watch *watch, pid_t tid)
{
	uint16_t *at = &watch->events->bss->heads[tid % OBSERVE_HEADS], place;

	while (*at && watch->threads[*at].tid != (uint32_t)tid)
		at = &watch->threads[*at].next;
	place = *at;
	if (!place)
		return;
	__atomic_store_n(at, watch->threads[place].next, __ATOMIC_RELEASE);
	watch->threads[place].tid = 0;
	watch->threads[place].next = watch->left;
	watch->left = place;
}

/* --- looking --- */

static bool attach(struct watch *watch, struct bpf_program *program)
{
	struct bpf_link *link = bpf_program__attach(program);

	if (!link)
		return false;
	watch->links[watch->nr_links++] = link;
	return true;
}

/* Its end first: what ended without a beginning is nothing, but what began without an end would last. */
static bool attach_hook(struct watch *watch, const struct hook *hook)
{
	const size_t before = watch->nr_links;
	int i;

	for (i = 1; i >= 0; i--) {
		if (!hook->programs[i] ||
		    attach(watch, bpf_object__find_program_by_name(watch->events->obj, hook->programs[i])))
			continue;
		i = errno;
		while (watch->nr_links > before)
			bpf_link__destroy(watch->links[--watch->nr_links]);
		errno = i;
		return false;
	}
	return true;
}

/* The threads' places first: without them a wait begins and does not end. */
int watch_start(struct watch *watch, struct hooks *hooks, char error[RESULT_ERROR])
{
	int i, reason = 0;

	if (!attach(watch, watch->events->progs.on_switch) || !attach(watch, watch->events->progs.on_wakeup))
		return result_refuse(error, MISSING, "the scheduler's tracepoints cannot be looked at: %s; the kernel needs "
				     "CONFIG_TRACEPOINTS and CONFIG_BPF_EVENTS", strerror(errno));
	for (i = 0; i < NR_HOOKS; i++) {
		if (!hooks->list[i].there || attach_hook(watch, &hooks->list[i]))
			continue;
		reason = errno;
		hooks->list[i].there = false;
	}
	if (hooks_lack(hooks, HOOK_KICK) || hooks_lack(hooks, HOOK_INJECTION))
		return refuse_load(error, reason);
	/* All of them from the same moment on. */
	watch->events->bss->looks = true;
	return DONE;
}

int watch_fd(const struct watch *watch)
{
	return ring_buffer__epoll_fd(watch->ring);
}

int watch_read(struct watch *watch, watch_take *take, void *data)
{
	int status;

	watch->take = take;
	watch->data = data;
	status = ring_buffer__consume(watch->ring);
	if (status >= 0 && !watch->failed)
		return 0;
	errno = watch->failed ? ENOMEM : -status;
	return -1;
}

/* The hooks before the threads' places, as they came. */
void watch_stop(struct watch *watch)
{
	if (watch->events)
		watch->events->bss->looks = false;
	while (watch->nr_links)
		bpf_link__destroy(watch->links[--watch->nr_links]);
}

void watch_close(struct watch *watch)
{
	if (!watch)
		return;
	watch_stop(watch);
	ring_buffer__free(watch->ring);
	if (watch->threads)
		munmap(watch->threads, THREADS_SIZE);
	events__destroy(watch->events);
	if (watch->statistics >= 0)
		close(watch->statistics);
	free(watch);
}

/* --- what was seen --- */

struct observe_thread watch_counts(const struct watch *watch, pid_t tid)
{
	int length;
	const uint16_t place = place_of(watch, tid, &length);

	return place ? watch->threads[place] : (struct observe_thread){ 0 };
}

uint64_t watch_lost(const struct watch *watch)
{
	return watch->events->bss->lost;
}

bool watch_cost(const struct watch *watch, uint64_t *ns)
{
	struct bpf_program *program;

	*ns = 0;
	if (watch->statistics < 0)
		return false;
	bpf_object__for_each_program(program, watch->events->obj) {
		struct bpf_prog_info info = { 0 };
		uint32_t size = sizeof(info);

		if (bpf_program__fd(program) >= 0 && !bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size))
			*ns += info.run_time_ns;
	}
	return true;
}
