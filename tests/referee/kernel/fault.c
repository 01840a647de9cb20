// SPDX-License-Identifier: GPL-2.0
/*
 * What was against the rules: the first ones in full, all by their number
 */
#include <linux/seq_file.h>

#include "referee.h"

#define FAULTS_KEPT	16

static const char *const rule_names[REFEREE_RULES] = {
	[REFEREE_UNPAID]		= "unpaid",
	[REFEREE_SUPPLY_OWN]		= "supply-own",
	[REFEREE_SUPPLY_UNIT]		= "supply-unit",
	[REFEREE_SUPPLY_CHARGED]	= "supply-charged",
	[REFEREE_ORDER]			= "order",
	[REFEREE_LATE]			= "late",
	[REFEREE_LOAN]			= "loan",
	[REFEREE_LOST]			= "lost",
	[REFEREE_LINE]			= "line",
	[REFEREE_LATENCY]		= "latency",
	[REFEREE_COUNTERS]		= "counters",
	[REFEREE_BANDWIDTH]		= "bandwidth",
};

struct fault {
	u64			time;
	enum referee_rule	rule;
	int			cpu;
	pid_t			pid;
	char			comm[TASK_COMM_LEN];
	const char		*what;
	s64			expected;
	s64			seen;
};

static DEFINE_RAW_SPINLOCK(fault_lock);
static struct fault faults[FAULTS_KEPT];
static u64 nr_faults, nr_of_rule[REFEREE_RULES];
/* What led to the first one. */
static struct referee_step first_trail[REFEREE_TRAIL];
static unsigned int first_trail_next;

/* Something happened on @rq: what a report shows beside the fault. */
void referee_step(struct rq *rq, const char *what, struct task_struct *p, s64 value)
{
	struct referee_cpu *cpu = referee_cpu(rq);
	struct referee_step *step = &cpu->trail[cpu->trail_next++ % REFEREE_TRAIL];

	step->time = rq->clock_task;
	step->what = what;
	step->pid = p ? p->pid : -1;
	step->value = value;
}

void referee_fault(struct rq *rq, enum referee_rule rule, struct task_struct *p,
		   const char *what, s64 expected, s64 seen)
{
	struct fault *fault;

	guard(raw_spinlock_irqsave)(&fault_lock);

	nr_of_rule[rule]++;
	if (nr_faults++ >= FAULTS_KEPT)
		return;

	fault = &faults[nr_faults - 1];
	fault->time = rq ? referee_clock(rq) : 0;
	fault->rule = rule;
	fault->cpu = rq ? cpu_of(rq) : -1;
	fault->pid = p ? p->pid : -1;
	strscpy(fault->comm, p ? p->comm : "", sizeof(fault->comm));
	fault->what = what;
	fault->expected = expected;
	fault->seen = seen;
	if (nr_faults == 1 && rq) {
		struct referee_cpu *cpu = referee_cpu(rq);

		memcpy(first_trail, cpu->trail, sizeof(first_trail));
		first_trail_next = cpu->trail_next;
	}
}

u64 referee_nr_faults(void)
{
	return READ_ONCE(nr_faults);
}

void referee_forget_faults(void)
{
	guard(raw_spinlock_irqsave)(&fault_lock);

	nr_faults = 0;
	memset(nr_of_rule, 0, sizeof(nr_of_rule));
	memset(first_trail, 0, sizeof(first_trail));
}

static void show_trail(struct seq_file *m)
{
	unsigned int i;

	for (i = 0; i < REFEREE_TRAIL; i++) {
		struct referee_step *step =
			&first_trail[(first_trail_next + i) % REFEREE_TRAIL];

		if (step->what)
			seq_printf(m, "  before the first: %llu ns: %s pid %d: %lld\n",
				   step->time, step->what, step->pid, step->value);
	}
}

void referee_show_faults(struct seq_file *m)
{
	unsigned int i;

	for (i = 0; i < REFEREE_RULES; i++) {
		if (nr_of_rule[i])
			seq_printf(m, "  %s: %llu\n", rule_names[i], nr_of_rule[i]);
	}
	for (i = 0; i < min(nr_faults, FAULTS_KEPT); i++) {
		struct fault *fault = &faults[i];

		seq_printf(m, "  fault %u: %s: %s; expected %lld, seen %lld; CPU %d, thread %d (%s), %llu ns\n",
			   i + 1, rule_names[fault->rule], fault->what,
			   fault->expected, fault->seen, fault->cpu, fault->pid,
			   fault->comm, fault->time);
	}
	show_trail(m);
}
