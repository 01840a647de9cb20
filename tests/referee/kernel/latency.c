// SPDX-License-Identifier: GPL-2.0
/*
 * How long what came waited for its thread's CPU, against what cpu.spare.latency counts
 *
 * A wait begins with the first event that finds the thread without a CPU, or when
 * that is off it again and asks for a unit; it ends with the dispatch.
 */
#include <trace/events/sched_spare.h>

#include "referee.h"

/* Between what is told and what is counted, under the same lock. */
#define CALL_ERROR	(5 * NSEC_PER_USEC)

static void on_event(void *data, struct task_struct *p, bool again)
{
	struct referee_thread *thread;
	struct rq *rq;

	/* That is reported without the lock, for one who runs or waits already. */
	if (again)
		return;
	rq = task_rq(p);
	thread = referee_thread(p);
	if (!thread->called && (rcu_access_pointer(rq->curr) != p ||
				!referee_queued(sched_spare_curr(p))))
		thread->called = sched_clock_cpu(cpu_of(rq));
}

static void on_over(void *data, struct task_struct *p)
{
	referee_thread(p)->called = 0;
}

static void on_latency(void *data, struct task_struct *p, u64 ns, unsigned int how)
{
	struct rq *rq = this_rq();
	struct referee_thread *thread = referee_thread(p);
	u64 since = rq->clock - ns;

	referee_step(rq, "has waited", p, ns);
	if (thread->called && since > thread->called + CALL_ERROR + referee_still)
		referee_fault(rq, REFEREE_LATENCY, p, "waited for longer than is counted",
			      rq->clock - thread->called, ns);
	if (since + thread->overran < thread->left)
		referee_fault(rq, REFEREE_LATENCY, p, "counted as waiting, and it ran",
			      rq->clock - thread->left, ns);
	thread->called = 0;
}

/* The CPU of @rq goes from @prev to @next. */
void referee_check_wait(struct rq *rq, struct task_struct *prev, struct task_struct *next)
{
	struct referee_thread *thread;

	/* It may have been told to leave a tick before it did, or have lost its unit where the CPU stood still. */
	if (dl_task(prev) && prev != next) {
		referee_thread(prev)->left = rq->clock;
		referee_thread(prev)->overran = TICK_NSEC + referee_overrun(rq, rq->clock_task);
	}
	if (!dl_task(next) || !sched_spare_enabled())
		return;

	thread = referee_thread(next);
	if (thread->called && referee_queued(sched_spare_curr(next))) {
		referee_fault(rq, REFEREE_LATENCY, next, "was dispatched, and its wait is not counted",
			      rq->clock - thread->called, 0);
		thread->called = 0;
	}
}

int referee_watch_latency(void)
{
	/* After the referee's other looks at it, which take some us: they are none of the wait. */
	return register_trace_prio_sched_spare_event(on_event, NULL, TRACEPOINT_DEFAULT_PRIO - 1) ?:
	       register_trace_sched_spare_over(on_over, NULL) ?:
	       register_trace_sched_spare_latency(on_latency, NULL);
}

void referee_unwatch_latency(void)
{
	unregister_trace_sched_spare_latency(on_latency, NULL);
	unregister_trace_sched_spare_over(on_over, NULL);
	unregister_trace_sched_spare_event(on_event, NULL);
}
