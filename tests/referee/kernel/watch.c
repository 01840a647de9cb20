// SPDX-License-Identifier: GPL-2.0
/*
 * What runs: who pays for it, whether it is the earliest, and whether in time
 *
 * Every stint of a deadline thread is timed from switch to switch, and every
 * charge (sched_stat_runtime) is added up. What was not charged when the stint
 * ends was nobody's. A run queue is looked at when it is at rest: after a
 * wake-up and its preemption test, and after each timer's interrupt, so at least
 * once a tick. Then what runs must be charged and must have the earliest
 * deadline, or a reschedule must be due.
 */
#include <linux/hash.h>
#include <linux/hrtimer.h>
#include <linux/ptrace.h>
#include <linux/mm.h>
#include <asm/irq_regs.h>
#include <trace/events/cgroup.h>
#include <trace/events/sched.h>
#include <trace/events/timer.h>

#include "referee.h"

/* What a stint on an entity that pays may be charged less than it took. */
#define UNCHARGED_MAX	TICK_NSEC

/*
 * How long nobody may pay at a time: from when a budget is found drained to when
 * the thread is off. A kernel without full preemption may put that off to the end
 * of a system call, and an emulated CPU stands still in it while another is busy.
 */
#define UNPAID_MAX	(100 * NSEC_PER_MSEC)

/* What the interrupt at the end of a budget may be late, if it is meant to come. */
#define HRTICK_LATE	(50 * NSEC_PER_USEC)

/* So often an interrupt may find that a reschedule was due before it, without a switch. */
#define GOES_ON_MAX	10

/* So long a timer's delay is remembered. */
#define LATE_MEMORY	NSEC_PER_SEC

u64 referee_still;
unsigned int referee_domains_changed;
struct referee_cpu *referee_cpus;
struct referee_thread *referee_threads;

static DEFINE_RAW_SPINLOCK(new_thread_lock);

/* Books */

struct referee_thread *referee_thread(struct task_struct *p)
{
	struct referee_thread *thread = &referee_threads[p->pid % PID_MAX_DEFAULT];

	/* Pairs with the release of whoever has begun the book. */
	if (likely(smp_load_acquire(&thread->task) == p))
		return thread;

	guard(raw_spinlock_irqsave)(&new_thread_lock);
	if (thread->task != p) {
		WRITE_ONCE(thread->task, NULL);
		memset_after(thread, 0, task);
		/* Pairs with the acquire above: the book is empty. */
		smp_store_release(&thread->task, p);
	}

	return thread;
}

/* One whose unit was freed. */
#define UNIT_GONE	((struct sched_dl_entity *)1)

static struct referee_unit *find_unit(struct referee_cpu *cpu,
				      struct sched_dl_entity *dl_se,
				      struct referee_unit **room)
{
	unsigned int i, at = hash_ptr(dl_se, ilog2(REFEREE_UNITS));

	*room = NULL;
	for (i = 0; i < REFEREE_UNITS; i++) {
		struct referee_unit *unit = &cpu->unit_book[(at + i) % REFEREE_UNITS];

		if (unit->dl == dl_se)
			return unit;
		if (!*room && (!unit->dl || unit->dl == UNIT_GONE))
			*room = unit;
		if (!unit->dl)
			break;
	}

	return NULL;
}

/* NULL: no room. */
struct referee_unit *referee_unit(struct rq *rq, struct sched_dl_entity *dl_se)
{
	struct referee_cpu *cpu = referee_cpu(rq);
	struct referee_unit *unit, *room;

	unit = find_unit(cpu, dl_se, &room);
	if (!unit && room) {
		memset(room, 0, sizeof(*room));
		unit = room;
		unit->dl = dl_se;
	}
	if (!unit) {
		cpu->count[REFEREE_SKIP_FULL]++;
		return NULL;
	}
	referee_bucket_set(&unit->supply, dl_se->dl_runtime, dl_se->dl_period,
			   rq->clock_task);

	return unit;
}

/* Supply */

DECLARE_PER_CPU(struct hrtimer_cpu_base, hrtimer_bases);

/*
 * By how much the interrupt is late that @rq has asked for: its CPU, an emulated
 * one, stands still, and who looks is another.
 */
static u64 stands_still(struct rq *rq)
{
	s64 late = ktime_get_mono_fast_ns() -
		   READ_ONCE(per_cpu(hrtimer_bases, cpu_of(rq)).expires_next);

	return max(late, 0LL);
}

static u64 lateness_of(struct rq *rq, struct referee_cpu *cpu, u64 now)
{
	/* A delay that is noted in its place was so by an earlier clock. */
	u64 late = now - cpu->timer_time < 2 * LATE_MEMORY ? cpu->timer_late : 0;
	u64 began = READ_ONCE(cpu->began);

	/* Or it stands still in its interrupt. */
	if (began)
		late = max(late, ktime_get_mono_fast_ns() - began);

	return referee_still + max(late, stands_still(rq));
}

/*
 * By how much the interrupt at the end of a budget is late: its CPU, an emulated one,
 * stands still. So it does if schedule() has cleared it since, and its time has come;
 * if nobody has set it again, see check_hrtick().
 */
static u64 hrtick_late(struct rq *rq)
{
	s64 late = ktime_get_mono_fast_ns() - hrtimer_get_softexpires(&rq->hrtick_timer);

	return max(late, 0LL);
}

u64 referee_overrun(struct rq *rq, u64 now)
{
	struct referee_cpu *cpu = referee_cpu(rq);
	u64 overrun = lateness_of(rq, cpu, now);

	if (!cpu->hrtick || !hrtick_enabled_dl(rq))
		overrun += TICK_NSEC;
	else if (hrtimer_active(&rq->hrtick_timer))
		overrun = max(overrun, hrtick_late(rq));
	else
		overrun += min(hrtick_late(rq), now - cpu->entered);
	/* A kernel without full preemption goes on to the end of a system call. */
	if (cpu->leaves)
		overrun += now - cpu->leaves;

	return overrun + HRTICK_LATE;
}

/*
 * A unit pays for what is run on it when it is drained, but out of its next
 * budget.
 */
static u64 overrun_so_far(struct referee_thread *thread, u64 now)
{
	return thread->drained ? now - thread->drained : 0;
}

static void supply(struct rq *rq, struct referee_cpu *cpu, struct task_struct *p,
		   struct referee_bucket *bucket, struct sched_dl_entity *dl_se,
		   u64 now, u64 ran, u64 slack, enum referee_rule rule, const char *what)
{
	s64 level, limit, late = rq->clock - dl_se->deadline;

	/* That of the last budget, and of the one before: bucket.c. */
	slack += 2 * referee_overrun(rq, now);
	if (ran && late > 0)
		slack += min_t(u64, late, NSEC_PER_SEC) * bucket->share >> REFEREE_SHIFT;
	if (ran)
		referee_bucket_allow(bucket, slack);
	referee_bucket_advance(bucket, now, ran);
	if (referee_bucket_over(bucket, &level, &limit)) {
		referee_fault(rq, rule, p, what, limit, level);
		referee_bucket_empty(bucket, now);
	}
}

/* Whether what @p has had by its own reservation is beyond this book. */
static bool own_skipped(struct rq *rq, struct referee_cpu *cpu,
			struct referee_thread *thread, u64 now)
{
	struct task_struct *p = thread->task;

	if (referee_boosted(p)) {
		u64 period = max(p->dl.dl_period, p->dl.pi_se->dl_period);

		/* What is left of it has another's deadline. */
		thread->skip_until = now + 2 * period;
	}
	if (now < thread->skip_until) {
		cpu->count[REFEREE_SKIP_BOOSTED]++;
		return true;
	}
	if (p->dl.flags & SCHED_FLAG_RECLAIM) {
		cpu->count[REFEREE_SKIP_RECLAIM]++;
		return true;
	}
	if (arch_scale_freq_capacity(cpu_of(rq)) != SCHED_CAPACITY_SCALE ||
	    arch_scale_cpu_capacity(cpu_of(rq)) != SCHED_CAPACITY_SCALE) {
		cpu->count[REFEREE_SKIP_SCALED]++;
		return true;
	}

	return false;
}

static void set_own(struct rq *rq, struct referee_cpu *cpu,
		    struct referee_thread *thread, u64 now)
{
	struct sched_dl_entity *dl_se = &thread->task->dl;
	struct referee_bucket *own = &thread->own;

	if (own->runtime == dl_se->dl_runtime && own->period == dl_se->dl_period)
		return;
	referee_bucket_set(own, dl_se->dl_runtime, dl_se->dl_period, now);
	/* The hrtick was armed for another budget, or not at all. */
	referee_bucket_allow(own, 2 * referee_overrun(rq, now) + TICK_NSEC);
}

/*
 * A thread that pays for its loans has in any interval what its reservation may
 * give it and less than two units' runtimes: the kernel lends to nobody who owes
 * one, and the loan by which it comes to owe is less than another.
 */
static void supply_charged(struct rq *rq, struct referee_cpu *cpu,
			   struct referee_thread *thread, u64 now, u64 ran)
{
	struct referee_bucket *all = &thread->all;
	struct task_struct *p = thread->task;
	bool pays = READ_ONCE(task_group(p)->spare.granted.terms.charge);

	if (!pays || !thread->pays) {
		thread->pays = pays;
		thread->largest_unit = 0;
		referee_bucket_set(all, p->dl.dl_runtime, p->dl.dl_period, now);
		referee_bucket_empty(all, now);
		return;
	}

	referee_bucket_set(all, p->dl.dl_runtime, p->dl.dl_period, now);
	if (!all->level)
		thread->largest_unit = 0;
	if (cpu->unit)
		thread->largest_unit = max(thread->largest_unit, cpu->unit->supply.runtime);
	supply(rq, cpu, p, all, &p->dl, now, ran,
	       2 * thread->largest_unit + overrun_so_far(thread, now),
	       REFEREE_SUPPLY_CHARGED, "more than Q every P and 2 Qs, and it pays");
}

/* What runs on @rq has run until @now. */
void referee_account(struct rq *rq, u64 now)
{
	struct referee_cpu *cpu = referee_cpu(rq);
	struct referee_thread *thread = cpu->thread;
	struct task_struct *p;
	s64 ran = now - cpu->since;
	bool skipped, paid;

	if (!thread || ran <= 0)
		return;

	p = thread->task;
	cpu->since = now;
	thread->ran += ran;
	set_own(rq, cpu, thread, now);
	skipped = own_skipped(rq, cpu, thread, now);
	/* Its budget is drained, and it is on its way off. */
	paid = cpu->unit || referee_queued(&p->dl);
	if (!paid)
		thread->unpaid += ran;
	else if (thread->own_drained)
		thread->excused += ran;
	thread->own_drained = !paid;

	if (cpu->unit)
		supply(rq, cpu, p, &cpu->unit->supply, cpu->unit->dl, now, ran,
		       overrun_so_far(thread, now) + cpu->unit->supply.overrun,
		       REFEREE_SUPPLY_UNIT,
		       "more than Qs every Ps out of a unit");
	supply(rq, cpu, p, &thread->own, &p->dl, now,
	       cpu->unit || skipped || !paid ? 0 : ran, 0, REFEREE_SUPPLY_OWN,
	       "more than Q every P out of a reservation");
	supply_charged(rq, cpu, thread, now, skipped || !paid ? 0 : ran);

	/* It may have come to its end, and was not set again. */
	cpu->hrtick &= hrtick_enabled_dl(rq);
	if (!test_tsk_need_resched(p))
		cpu->leaves = 0;
	else if (!cpu->leaves)
		cpu->leaves = now;

	/* It was replenished meanwhile. */
	if (cpu->unit && referee_queued(cpu->unit->dl))
		thread->drained = 0;
}

/* Nothing has run since, or was charged. */
static void begin_stint(struct referee_thread *thread)
{
	thread->ran = 0;
	thread->charged = 0;
	thread->unpaid = 0;
	thread->excused = 0;
	thread->own_drained = false;
	thread->drained = 0;
	thread->told = false;
}

/*
 * What ran on @rq until now, and was charged, ran on one entity. Called when
 * all that will be charged has been.
 */
void referee_settle(struct rq *rq)
{
	struct referee_cpu *cpu = referee_cpu(rq);
	struct referee_thread *thread = cpu->thread;
	u64 now = rq->clock_task, unpaid;
	s64 uncharged;

	if (!thread)
		return;

	uncharged = thread->ran - thread->charged - thread->unpaid;
	if (uncharged > (s64)(UNCHARGED_MAX + referee_still + thread->excused) && !thread->told)
		referee_fault(rq, REFEREE_UNPAID, thread->task,
			      "ran longer than it was charged", UNCHARGED_MAX, uncharged);

	if (cpu->unit)
		cpu->unit->supply.overrun = overrun_so_far(thread, now);
	unpaid = thread->unpaid + overrun_so_far(thread, now);
	if (unpaid > UNPAID_MAX + lateness_of(rq, cpu, now) && !thread->told)
		referee_fault(rq, REFEREE_UNPAID, thread->task,
			      "goes on, and its budget is drained", UNPAID_MAX, unpaid);
	referee_note_longest(cpu, REFEREE_MAX_UNPAID, unpaid);
	cpu->lost += unpaid;

	begin_stint(thread);
}

/* Who runs */

static struct sched_dl_entity *entity_of(struct task_struct *p)
{
	return dl_task(p) ? sched_spare_curr(p) : p->dl_server;
}

static void leave(struct rq *rq)
{
	struct referee_cpu *cpu = referee_cpu(rq);

	cpu->thread = NULL;
	cpu->unit = NULL;
}

static void note_late(struct rq *rq, struct referee_cpu *cpu, s64 late)
{
	u64 clock = rq->clock_task;

	late = min(late, (s64)(sched_clock_cpu(cpu_of(rq)) - cpu->entered));
	if (late > (s64)cpu->timer_late || clock - cpu->timer_time > LATE_MEMORY) {
		cpu->timer_late = max(late, 0LL);
		cpu->timer_time = clock;
		referee_note_longest(cpu, REFEREE_MAX_TIMER, cpu->timer_late);
	}
}

static void enter(struct rq *rq, struct task_struct *p, u64 now)
{
	struct referee_cpu *cpu = referee_cpu(rq);
	struct referee_thread *thread = referee_thread(p);

	cpu->thread = thread;
	cpu->unit = thread->dispatched ? thread->loan : NULL;
	cpu->entered = now;
	cpu->since = now;
	cpu->hrtick = hrtick_enabled_dl(rq);
	cpu->leaves = 0;
	/* In schedule(): its budget's end was set by a later clock. */
	note_late(rq, cpu, sched_clock_cpu(cpu_of(rq)) - rq->clock);
	thread->dispatched = false;
	begin_stint(thread);
	set_own(rq, cpu, thread, now);
	referee_bucket_advance(&thread->own, now, 0);
	referee_bucket_advance(&thread->all, now, 0);
	referee_leave_line(thread);
	referee_check_stays(rq);
	if (cpu->unit)
		referee_bucket_advance(&cpu->unit->supply, now, 0);
	else
		referee_loan_own(thread);
}

/* @p, current, has come into the class, and was not switched to. */
void referee_come_in(struct rq *rq, struct task_struct *p, u64 since)
{
	enter(rq, p, since);
	referee_cpu(rq)->hrtick = false;
}

static bool core_picks(struct rq *rq)
{
#ifdef CONFIG_SCHED_CORE
	return sched_core_enabled(rq);
#else
	return false;
#endif
}

/*
 * What runs was picked so, also one without a cookie, or an idle CPU: the others' do
 * not match it. It goes on when the last cookie is gone: mainline reschedules nobody.
 */
static bool by_cookie(struct rq *rq)
{
	return referee_cpu(rq)->by_cookie;
}

static bool is_first(struct rq *rq, struct sched_dl_entity *dl_se)
{
	struct sched_dl_entity *first = referee_first(rq);

	return !first || (dl_se && referee_queued(dl_se) &&
			  !dl_time_before(first->deadline, dl_se->deadline));
}

static void fault_order(struct rq *rq, struct task_struct *p,
			struct sched_dl_entity *dl_se, const char *what)
{
	referee_fault(rq, REFEREE_ORDER, p, what, referee_first(rq)->deadline,
		      dl_se ? dl_se->deadline : 0);
}

/* @rq switches to @p. */
static void check_pick(struct rq *rq, struct task_struct *p)
{
	struct sched_dl_entity *dl_se = entity_of(p);

	if (p->sched_class == &stop_sched_class)
		;
	else if (by_cookie(rq))
		referee_cpu(rq)->count[REFEREE_SKIP_COOKIE]++;
	else if (dl_task(p) && !referee_queued(dl_se))
		referee_fault(rq, REFEREE_UNPAID, p,
			      "switched in on an entity that is not queued", 1, 0);
	else if (!is_first(rq, dl_se))
		fault_order(rq, p, dl_se, "not the earliest deadline was picked");
}

static void check_late(struct rq *rq, struct referee_cpu *cpu, u64 now)
{
	struct sched_dl_entity *first = referee_first(rq);
	struct task_struct *p;
	u64 allowed;
	s64 late;

	if (!first)
		return;
	late = rq->clock + (now - rq->clock_task) - first->deadline;
	if (late <= 0)
		return;
	cpu->crowd = max(cpu->crowd, rq->dl.dl_nr_running);
	/* Each may overrun its last budget and the one before, also who is throttled by now. */
	allowed = TICK_NSEC + referee_still + cpu->lost + 2 * cpu->crowd * referee_overrun(rq, now);
	if (late <= allowed || cpumask_weight(rq->rd->span) != 1 ||
	    rq->rd->dl_bw.bw == -1 || by_cookie(rq)) {
		cpu->count[REFEREE_SKIP_LATE]++;
		referee_note_longest(cpu, REFEREE_MAX_LATE, late);
		return;
	}
	if (cpu->late_told == first->deadline)
		return;
	cpu->late_told = first->deadline;
	p = first->dl_server ? NULL : container_of(first, struct task_struct, dl);
	referee_fault(rq, REFEREE_LATE, p,
		      "runnable with budget after its deadline", allowed, late);
}

/* @rq is at rest: its lock was just taken, or is about to be given up. */
static void look(struct rq *rq, u64 now)
{
	struct task_struct *p = rcu_dereference_raw(rq->curr);
	struct referee_cpu *cpu = referee_cpu(rq);
	struct referee_thread *thread;
	struct sched_dl_entity *dl_se;

	if (!dl_task(p) || (cpu->thread && cpu->thread->task != p))
		leave(rq);
	else if (!cpu->thread)
		referee_come_in(rq, p, now);
	thread = cpu->thread;

	if (!rq->online)
		cpu->offline = rq->clock;
	cpu->by_cookie |= core_picks(rq);

	/* It is in schedule(), which has dropped the lock to look for others. */
	if (!task_on_rq_queued(p))
		return;

	referee_check_stays(rq);
	referee_account(rq, now);
	cpu->count[REFEREE_LOOKS]++;
	check_late(rq, cpu, now);
	if (test_tsk_need_resched(p))
		return;

	dl_se = entity_of(p);
	if (thread && !referee_queued(dl_se)) {
		if (!thread->told)
			referee_fault(rq, REFEREE_UNPAID, p,
				      "runs on an entity that is not queued, and no reschedule is due",
				      1, 0);
		thread->told = true;
	} else if (thread && dl_se != (cpu->unit ? cpu->unit->dl : &p->dl)) {
		referee_fault(rq, REFEREE_UNPAID, p,
			      "charged to another entity than it was dispatched on",
			      !!cpu->unit, !cpu->unit);
	} else if (p->sched_class == &stop_sched_class) {
		return;
	} else if (by_cookie(rq)) {
		cpu->count[REFEREE_SKIP_COOKIE]++;
	} else if (!is_first(rq, dl_se)) {
		fault_order(rq, p, dl_se,
			    "not the earliest deadline runs, and no reschedule is due");
	}
}

static bool is_watched(struct rq *rq)
{
	return READ_ONCE(rq->dl.dl_nr_running) || READ_ONCE(referee_cpu(rq)->thread);
}

/* Tracepoints */

/*
 * Where a wake-up preempts, schedule() does not read the clock again: what has
 * run since then is charged to who comes next, though a look has counted it to
 * who goes.
 */
static void retract(struct referee_cpu *cpu, u64 now)
{
	struct referee_thread *thread = cpu->thread;
	u64 ahead = cpu->since - now;

	if (now >= cpu->since)
		return;

	cpu->since = now;
	thread->ran -= ahead;
	referee_bucket_excuse(cpu->unit ? &cpu->unit->supply : &thread->own, ahead);
	referee_bucket_excuse(&thread->all, ahead);
}

static void on_switch(void *data, bool preempt, struct task_struct *prev,
		      struct task_struct *next, unsigned int prev_state)
{
	struct rq *rq = this_rq();
	struct referee_cpu *cpu = referee_cpu(rq);
	u64 now = rq->clock_task;

	if (cpu->rd != rq->rd) {
		referee_domains_changed += !!cpu->rd;
		cpu->rd = rq->rd;
	}
	cpu->by_cookie = core_picks(rq);
	if (!is_watched(rq) && !dl_task(next))
		return;

	cpu->count[REFEREE_SWITCHES]++;
	cpu->goes_on = 0;
	if (cpu->thread && cpu->thread->task == prev && dl_task(prev)) {
		retract(cpu, now);
		referee_account(rq, now);
		referee_settle(rq);
	}
	referee_check_wait(rq, prev, next);
	leave(rq);
	if (!rq->dl.dl_nr_running) {
		cpu->lost = 0;
		cpu->crowd = 0;
	}
	if (dl_task(prev) && task_on_rq_queued(prev)) {
		referee_may_wait(rq, prev);
		referee_check_due(rq, prev);
	} else if (dl_task(prev)) {
		referee_leave_line(referee_thread(prev));
	}
	if (dl_task(next))
		enter(rq, next, now);
	referee_step(rq, dl_task(next) ? (cpu->unit ? "to a unit of" : "to own of") : "to",
		     next, 0);
	check_pick(rq, next);
}

static void on_charge(void *data, struct task_struct *p, u64 ns)
{
	struct rq *rq;
	struct referee_cpu *cpu;

	if (likely(!dl_task(p)))
		return;

	rq = task_rq(p);
	cpu = referee_cpu(rq);
	cpu->count[REFEREE_CHARGES]++;
	if (!cpu->thread)
		referee_come_in(rq, p, rq->clock_task - ns);
	if (cpu->thread->task != p)
		return;
	referee_account(rq, rq->clock_task);
	cpu->thread->charged += ns;
	if (cpu->unit && referee_loan_charged(cpu->thread, ns))
		cpu->thread->drained = rq->clock_task;
	if (!cpu->unit && p->dl.runtime <= (s64)ns)
		cpu->thread->own_drained = true;
	referee_step(rq, "charged", p, ns);
}

/* After the test whether it preempts; without the lock if it wakes itself up. */
static void on_wakeup(void *data, struct task_struct *p)
{
	struct rq *rq = task_rq(p);
	struct referee_thread *thread;

	if (p == current || !is_watched(rq))
		return;
	if (dl_task(p)) {
		thread = referee_thread(p);
		referee_has_left(rq, thread);
		referee_bucket_excuse(&thread->own, REFEREE_WAKEUP_GAIN);
		referee_bucket_excuse(&thread->all, REFEREE_WAKEUP_GAIN);
		if (rcu_access_pointer(rq->curr) != p)
			referee_check_due(rq, p);
	}
	look(rq, referee_clock(rq));
}

/* Also before a wake-up: then @p is on no run queue. */
static void on_migrate(void *data, struct task_struct *p, int cpu)
{
	struct referee_thread *thread;

	if (!dl_policy(p->policy))
		return;
	thread = referee_thread(p);
	referee_has_left(task_rq(p), thread);
	referee_leave_line(thread);
}

/*
 * A reschedule is due, and yet an interrupt has returned to user mode. Another CPU
 * may have asked for it just now, but not again and again.
 */
static void check_goes_on(struct rq *rq, struct referee_cpu *cpu,
			  struct pt_regs *regs)
{
	struct task_struct *p = current;

	if (!user_mode(regs) || !test_tsk_need_resched(p)) {
		cpu->goes_on = 0;
		return;
	}
	if (++cpu->goes_on == GOES_ON_MAX && is_watched(rq))
		referee_fault(rq, REFEREE_ORDER, p,
			      "runs in user mode, and a reschedule is due", 0, cpu->goes_on);
}

/*
 * A deadline thread runs in user mode, and no interrupt is set for the end of its
 * budget. Nobody else changes what is read here: it runs on this CPU.
 */
static void check_hrtick(struct rq *rq, struct referee_cpu *cpu,
			 struct pt_regs *regs)
{
	struct task_struct *p = current;

	if (!user_mode(regs) || test_tsk_need_resched(p) || !dl_task(p) ||
	    !cpu->thread || cpu->thread->task != p ||
	    !cpu->hrtick || !hrtick_enabled_dl(rq) || hrtimer_active(&rq->hrtick_timer))
		return;

	referee_fault(rq, REFEREE_UNPAID, p,
		      "runs, and no interrupt is set for the end of its budget", 1, 0);
}

/* What a budget may be overrun by when an emulated CPU stands still, before its interrupt. */
static void on_timer(void *data, struct hrtimer *timer, ktime_t *now)
{
	struct pt_regs *regs = in_hardirq() ? get_irq_regs() : NULL;
	struct rq *rq = this_rq();
	struct referee_cpu *cpu = referee_cpu(rq);

	/* Several timers expire in one interrupt. */
	if (regs && cpu->interrupt != *now) {
		cpu->interrupt = *now;
		check_goes_on(rq, cpu, regs);
		check_hrtick(rq, cpu, regs);
	}
	WRITE_ONCE(cpu->began, ktime_get_mono_fast_ns());
	cpu->hard = timer->is_hard;
	if (cpu->hard && timer->base->clockid == CLOCK_MONOTONIC && cpu->thread)
		note_late(rq, cpu, cpu->began - hrtimer_get_softexpires(timer));
}

/* The timer may be gone, with what it was part of. */
static void on_timer_done(void *data, struct hrtimer *timer)
{
	struct rq *rq = this_rq();
	struct referee_cpu *cpu = referee_cpu(rq);
	s64 took = ktime_get_mono_fast_ns() - cpu->began;
	bool hard = cpu->hard;

	/* Of the timer that began last: it may have interrupted another, a soft one. */
	cpu->hard = false;
	WRITE_ONCE(cpu->began, 0);
	if (!is_watched(rq))
		return;

	guard(rq_lock_irqsave)(rq);
	if (hard && cpu->thread)
		note_late(rq, cpu, took);
	look(rq, referee_clock(rq));
}

static void on_timer_init(void *data, struct hrtimer *timer, clockid_t clock,
			  enum hrtimer_mode mode)
{
	struct sched_dl_entity *dl_se;
	struct referee_unit *unit, *room;
	int i;

	dl_se = container_of(timer, struct sched_dl_entity, dl_timer);
	for_each_possible_cpu(i) {
		unit = find_unit(&referee_cpus[i], dl_se, &room);
		if (unit)
			WRITE_ONCE(unit->dl, UNIT_GONE);
	}
}

static void on_boost(void *data, struct task_struct *p, struct task_struct *by)
{
	struct rq *rq = task_rq(p);

	referee_account(rq, rq->clock_task);
	referee_has_left(rq, referee_thread(p));
}

static void left_group(struct task_struct *p)
{
	struct rq_flags rf;
	struct rq *rq;

	if (!dl_policy(p->policy))
		return;
	rq = task_rq_lock(p, &rf);
	referee_has_left(rq, referee_thread(p));
	task_rq_unlock(rq, p, &rf);
}

/* It may be back in its group before anything is looked at. */
static void on_attach(void *data, struct cgroup *group, const char *path,
		      struct task_struct *leader, bool all)
{
	struct task_struct *p;

	guard(rcu)();
	if (!all) {
		left_group(leader);
		return;
	}
	for_each_thread(leader, p)
		left_group(p);
}

static void on_free(void *data, struct task_struct *p)
{
	struct referee_thread *thread = &referee_threads[p->pid % PID_MAX_DEFAULT];

	guard(raw_spinlock_irqsave)(&new_thread_lock);
	if (thread->task == p)
		WRITE_ONCE(thread->task, NULL);
}

int referee_watch(void)
{
	return register_trace_sched_process_free(on_free, NULL) ?:
	       register_trace_cgroup_attach_task(on_attach, NULL) ?:
	       register_trace_hrtimer_init(on_timer_init, NULL) ?:
	       register_trace_hrtimer_expire_entry(on_timer, NULL) ?:
	       register_trace_hrtimer_expire_exit(on_timer_done, NULL) ?:
	       register_trace_sched_migrate_task(on_migrate, NULL) ?:
	       register_trace_sched_pi_setprio(on_boost, NULL) ?:
	       register_trace_sched_wakeup(on_wakeup, NULL) ?:
	       register_trace_sched_stat_runtime(on_charge, NULL) ?:
	       register_trace_sched_switch(on_switch, NULL);
}

void referee_unwatch(void)
{
	unregister_trace_sched_switch(on_switch, NULL);
	unregister_trace_sched_stat_runtime(on_charge, NULL);
	unregister_trace_sched_wakeup(on_wakeup, NULL);
	unregister_trace_sched_pi_setprio(on_boost, NULL);
	unregister_trace_sched_migrate_task(on_migrate, NULL);
	unregister_trace_hrtimer_expire_exit(on_timer_done, NULL);
	unregister_trace_hrtimer_expire_entry(on_timer, NULL);
	unregister_trace_hrtimer_init(on_timer_init, NULL);
	unregister_trace_cgroup_attach_task(on_attach, NULL);
	unregister_trace_sched_process_free(on_free, NULL);
}
