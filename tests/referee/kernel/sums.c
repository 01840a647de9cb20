// SPDX-License-Identifier: GPL-2.0
/*
 * Bandwidth: what the scheduler accounts is the sum of what there is
 *
 * Of a run queue, this_bw: its SCHED_DEADLINE threads, asleep or not, its units
 * and its fair server. Of a root domain, total_bw: the same for all its CPUs.
 * What mainline gets wrong is told, and is no fault: when root domains change the
 * bandwidth of threads that sleep, move or end goes to or comes from the wrong one
 * (the project's README, "Limits").
 *
 * A thread that has left the class or the world counts until its 0-lag time, and
 * one that wakes up on another CPU is in between: who reads does so again.
 */
#include <linux/seq_file.h>

#include "referee.h"

static u64 threads_bw(int cpu)
{
	struct task_struct *g, *p;
	u64 bw = 0;

	for_each_process_thread(g, p) {
		if (task_cpu(p) == cpu && dl_policy(p->policy) &&
		    !p->exit_state && !(p->dl.flags & SCHED_FLAG_SUGOV))
			bw += p->dl.dl_bw;
	}

	return bw;
}

/* A limit that is refused stands until it is: sched_rt_handler(). */
#define REFUSED_MAX	NSEC_PER_SEC

/*
 * Units cannot move, so their CPU is to carry them, and its fair server. @last: nobody
 * changes anything any more.
 */
void referee_check_fits(struct rq *rq, bool last)
{
	/* Not sched_spare_bw(), which wants the CPUs held: here the run queue is. */
	u64 units = rq->spare.bw, bw = rq->fair_server.dl_bw + units;
	struct referee_cpu *cpu = referee_cpu(rq);

	if (global_rt_runtime() == RUNTIME_INF || !units ||
	    bw <= to_ratio(global_rt_period(), global_rt_runtime()))
		cpu->unfit = 0;
	else if (!last && !cpu->unfit)
		cpu->unfit = rq->clock;
	else if (last || rq->clock - cpu->unfit > REFUSED_MAX)
		referee_fault(rq, REFEREE_BANDWIDTH, NULL,
			      "more units and fair server than the CPU has",
			      to_ratio(global_rt_period(), global_rt_runtime()), bw);
}

/* The sum of the parts of @rq is left in @sum. */
static void show_rq(struct seq_file *m, struct rq *rq, u64 *sum)
{
	guard(rq_lock_irqsave)(rq);

	*sum = rq->fair_server.dl_bw + sched_spare_bw(rq) + threads_bw(cpu_of(rq));
	if (rq->dl.this_bw != *sum || rq->dl.running_bw > rq->dl.this_bw)
		seq_printf(m, "  unsettled: CPU %d: this_bw %llu, parts %llu, running_bw %llu\n",
			   cpu_of(rq), rq->dl.this_bw, *sum, rq->dl.running_bw);
}

void referee_show_sums(struct seq_file *m)
{
	u64 sum[NR_CPUS], total;
	int cpu, other;

	guard(cpus_read_lock)();
	guard(rcu)();
	for_each_possible_cpu(cpu)
		show_rq(m, cpu_rq(cpu), &sum[cpu]);

	for_each_cpu(cpu, cpu_active_mask) {
		struct root_domain *rd = cpu_rq(cpu)->rd;

		if (cpumask_first_and(rd->span, cpu_active_mask) != cpu)
			continue;
		total = 0;
		for_each_cpu_and(other, rd->span, cpu_active_mask)
			total += sum[other];
		if (total != READ_ONCE(rd->dl_bw.total_bw))
			seq_printf(m, "  %s: domain of CPU %d: total_bw %llu, parts %llu\n",
				   referee_domains_changed ? "mainline" : "unsettled",
				   cpu, rd->dl_bw.total_bw, total);
	}
}
