// SPDX-License-Identifier: GPL-2.0
/*
 * Loans: each has a reason to begin and one to end, and no event is forgotten
 *
 * A thread's event is not over until what Documentation/scheduler/sched-spare.rst
 * says has been seen: its guest has halted, it has yielded or replied, it was
 * dispatched on a loan and then on its own reservation, its loan had its chances
 * or must be paid, it had the CPU for long and nothing to say, it left the class,
 * the group or the pool. Until then it must be pending or have a loan; after that
 * it must have none.
 */
#include <trace/events/sched_spare.h>

#include "referee.h"

static void fault(struct rq *rq, struct task_struct *p, const char *what,
		  s64 expected, s64 seen)
{
	referee_fault(rq, REFEREE_LOAN, p, what, expected, seen);
}

static struct spare_pool *source_of(struct task_struct *p)
{
	return rcu_access_pointer(task_group(p)->spare.source);
}

static const struct sched_spare_terms *terms_of(struct task_struct *p)
{
	return &task_group(p)->spare.granted.terms;
}

/*
 * @p is on its way off the CPU: its guest has halted (a lock on the way to that is
 * a sleep of another kind), or it yields (dl_yielded stands up to its next period).
 */
static bool has_done(struct task_struct *p)
{
	unsigned int state = READ_ONCE(p->__state);

	return state == TASK_RUNNING ? p->dl.dl_yielded :
	       p->spare.halting && (state & TASK_INTERRUPTIBLE);
}

/* Patience: the CPU time that a borrower has from when it last got or sent anything */

/* The kernel's own bounds, by the rst. */
#define PATIENCE_LEAST	(100 * NSEC_PER_USEC)	/* without a reply */
#define PATIENCE_MOST	(8 * NSEC_PER_MSEC)
/* Without HRTICK a loan that is over goes on until a tick. */
#define PATIENCE_TICK	(2 * TICK_NSEC)

static u64 linger_of(struct task_struct *p)
{
	return (u64)READ_ONCE(terms_of(p)->linger) * NSEC_PER_USEC;
}

static void begin_patience(struct referee_thread *thread)
{
	thread->quiet_from = thread->task->se.sum_exec_runtime;
	thread->linger = linger_of(thread->task);
}

static s64 quiet_of(struct referee_thread *thread)
{
	return thread->task->se.sum_exec_runtime - thread->quiet_from;
}

/* Terms may have changed since. */
static bool was_quiet(struct referee_thread *thread)
{
	u64 linger = min(thread->linger, linger_of(thread->task));

	return thread->dispatches && quiet_of(thread) >= (s64)max(linger, PATIENCE_LEAST);
}

/*
 * A vCPU has had the CPU for as long as any is waited for, since anything came. By the
 * rst that is told to a tick: what was not charged when it came counts.
 */
static bool has_seen(struct referee_thread *thread)
{
	struct task_struct *p = thread->task;
	u64 ran = p->se.sum_exec_runtime;
	struct rq *rq = task_rq(p);

	if (rcu_access_pointer(rq->curr) == p)
		ran += max_t(s64, rq->clock_task - p->se.exec_start, 0);

	return READ_ONCE(p->spare.tells) && READ_ONCE(terms_of(p)->reply) &&
	       ran - READ_ONCE(thread->came) >= PATIENCE_MOST;
}

static void check_patience(struct rq *rq, struct referee_thread *thread)
{
	u64 linger = max(thread->linger, linger_of(thread->task));
	s64 most = max(linger, PATIENCE_MOST) + PATIENCE_TICK +
		   referee_overrun(rq, referee_clock(rq));

	if (thread->dispatches && thread->waits_for_reply && READ_ONCE(terms_of(thread->task)->reply) &&
	    quiet_of(thread) > most)
		fault(rq, thread->task, "was quiet, and kept its loan", most, quiet_of(thread));
}

static void over(struct referee_thread *thread)
{
	thread->due = false;
	thread->served = false;
	thread->asked = 0;
}

/* The line: who waits on a CPU, by when it first asked */

static void wait_in_line(struct rq *rq, struct referee_thread *thread)
{
	struct referee_cpu *cpu = referee_cpu(rq);

	if (thread->waits_on)
		return;
	if (cpu->nr_waiting == REFEREE_WAITING) {
		cpu->count[REFEREE_SKIP_FULL]++;
		return;
	}
	cpu->waiting[cpu->nr_waiting++] = thread;
	thread->waits_on = cpu;
}

void referee_leave_line(struct referee_thread *thread)
{
	struct referee_cpu *cpu = thread->waits_on;
	unsigned int i;

	if (!cpu)
		return;
	for (i = 0; i < cpu->nr_waiting; i++) {
		if (cpu->waiting[i] == thread)
			cpu->waiting[i] = cpu->waiting[--cpu->nr_waiting];
	}
	thread->waits_on = NULL;
}

/* On a CPU that leaves threads get in line, and that is not told. */
#define LINE_UNKNOWN	(10 * NSEC_PER_SEC)

/* @thread is served: nobody is to wait for the same units since earlier. */
static void check_line(struct rq *rq, struct referee_thread *thread)
{
	struct referee_cpu *cpu = referee_cpu(rq);
	unsigned int i;

	if (cpu->offline && rq->clock - cpu->offline < LINE_UNKNOWN)
		return;
	for (i = 0; i < cpu->nr_waiting; i++) {
		struct referee_thread *other = cpu->waiting[i];

		/* Its book was closed, or is another's. */
		if (!other->task || other->waits_on != cpu) {
			cpu->waiting[i--] = cpu->waiting[--cpu->nr_waiting];
			continue;
		}
		/* It has left the line to run, which is not told. */
		if (!other->task->spare.stock)
			continue;
		if (thread->source && other->source == thread->source &&
		    other->asked < thread->asks_from) {
			referee_step(rq, "is passed over", other->task, other->asked);
			referee_fault(rq, REFEREE_LINE, thread->task,
				      "served before one that asked earlier",
				      other->asked, thread->asks_from);
		}
	}
}

/* Events */

/*
 * The pool that @thread's group uses may change at any moment; who has a loan or a
 * place in line has it of the one that the kernel saw. It is the same if it was so
 * before that and is so after it.
 */
static void see_source(struct referee_thread *thread)
{
	thread->source_group = task_group(thread->task);
	thread->source = source_of(thread->task);
}

static void keep_source(struct referee_thread *thread)
{
	if (thread->source_group != task_group(thread->task) ||
	    thread->source != source_of(thread->task))
		thread->source = NULL;
}

static void on_event(void *data, struct task_struct *p, bool again)
{
	struct referee_thread *thread = referee_thread(p);

	referee_tally(p, REFEREE_TALLY_EVENTS, 1);
	WRITE_ONCE(thread->came, READ_ONCE(p->se.sum_exec_runtime));
	/* That is reported without the lock. */
	if (again)
		return;
	if (!thread->loan && !p->spare.stock)
		see_source(thread);
	if (!thread->due)
		thread->asks_from = task_rq(p)->clock;
	thread->due = true;
	thread->served = false;
	thread->replied = false;
	thread->again = !!thread->loan;
	begin_patience(thread);
}

static void on_reply(void *data, struct task_struct *p)
{
	struct referee_thread *thread = referee_thread(p);

	thread->replied = true;
	begin_patience(thread);
}

/* The kernel takes what came for @p for over. */
static void on_over(void *data, struct task_struct *p)
{
	struct referee_thread *thread = referee_thread(p);

	/* It has left the class, and may be back before anything is looked at. */
	if (!dl_policy(p->policy)) {
		referee_has_left(task_rq(p), thread);
		referee_leave_line(thread);
	} else if (thread->due && !has_done(p) &&
		   !thread->served && !thread->replied && !(thread->loan && was_quiet(thread)) &&
		   !has_seen(thread) &&
		   READ_ONCE(p->__state) != TASK_DEAD && source_of(p))
		referee_fault(task_rq(p), REFEREE_LOST, p,
			      "an event was given up that is not over", 1, 0);
	over(thread);
}

/* @p is on @rq, which is at rest, and does not run. */
void referee_check_due(struct rq *rq, struct task_struct *p)
{
	struct referee_thread *thread = referee_thread(p);

	if (thread->due && source_of(p) && !referee_boosted(p) &&
	    !p->spare.pending && !p->spare.loan) {
		referee_fault(rq, REFEREE_LOST, p,
			      "an event is neither pending nor lent for", 1, 0);
		over(thread);
	}
}

/* Loans */

static void line_up(struct rq *rq, struct referee_thread *thread)
{
	if (!thread->asked)
		thread->asked = rq->clock;
	wait_in_line(rq, thread);
}

static void on_wait(void *data, struct task_struct *p)
{
	struct rq *rq = task_rq(p);
	struct referee_thread *thread = referee_thread(p);

	referee_step(rq, "waits", p, 0);
	referee_tally(p, REFEREE_TALLY_WAITS, 1);
	keep_source(thread);
	line_up(rq, thread);
}

/* @p is switched from. That it waits until that is done is not told, if a unit is free. */
void referee_may_wait(struct rq *rq, struct task_struct *p)
{
	struct referee_thread *thread = referee_thread(p);

	if (p->spare.stock && !thread->waits_on) {
		keep_source(thread);
		line_up(rq, thread);
	}
}

/*
 * By how much the kernel may be wrong about when a unit is fresh: dl_entity_overflow()
 * takes times and runtimes without their last ten bits.
 */
static u64 freshness_error(struct sched_dl_entity *dl_se)
{
	return 4096 + div64_u64(dl_se->dl_period << 10,
				max_t(u64, dl_se->dl_runtime, 2048) - 1024);
}

/* A group's setting is changed, and then applied: so long it may take. */
#define CHANGE_MAX	NSEC_PER_SEC

/*
 * Whether the threads of @tg may borrow, by what was written: nobody above it
 * says "off", and one who may grant says "on".
 */
static bool is_entitled(struct task_group *tg)
{
	bool on = false;

	for (; tg != &root_task_group; tg = tg->parent) {
		if (READ_ONCE(tg->spare.asked.mode) == SPARE_BORROW_OFF)
			return false;
		if (READ_ONCE(tg->spare.asked.mode) == SPARE_BORROW_ON &&
		    READ_ONCE(tg->spare.asked.trusted))
			on = true;
	}

	return on;
}

static void check_entitled(struct rq *rq, struct referee_thread *thread)
{
	u64 now = rq->clock_task;

	if (is_entitled(task_group(thread->task)))
		thread->unentitled = 0;
	else if (!thread->unentitled)
		thread->unentitled = now;
	else if (now - thread->unentitled > CHANGE_MAX)
		fault(rq, thread->task, "borrows, and nobody who may says that it may", 1, 0);
}

static void on_borrow(void *data, struct task_struct *p, struct sched_dl_entity *dl_se)
{
	struct rq *rq = task_rq(p);
	struct referee_thread *thread = referee_thread(p);
	struct referee_unit *unit = referee_unit(rq, dl_se);
	u64 error;

	referee_step(rq, "borrows", p, dl_se->runtime);
	referee_cpu(rq)->count[REFEREE_LOANS]++;
	referee_tally(p, REFEREE_TALLY_BORROWS, 1);
	if (!unit)
		return;

	if (dl_se->rq != rq)
		fault(rq, p, "lent on another CPU than the unit's", cpu_of(dl_se->rq), cpu_of(rq));
	if (unit->borrower)
		fault(rq, p, "a unit was lent that is on loan to", 0, unit->borrower->pid);
	if (thread->loan)
		fault(rq, p, "a second loan", 1, 2);
	if (!thread->due)
		fault(rq, p, "lent without an event", 1, 0);

	referee_check_fits(rq, false);
	check_entitled(rq, thread);
	keep_source(thread);
	if (!thread->asked)
		thread->asked = rq->clock;
	referee_leave_line(thread);
	check_line(rq, thread);
	referee_bucket_advance(&unit->supply, rq->clock_task, 0);
	referee_bucket_excuse(&unit->supply, REFEREE_WAKEUP_GAIN);

	unit->borrower = p;
	thread->loan = unit;
	thread->due = true;
	thread->again = false;
	thread->dispatched = false;
	thread->dispatches = 0;
	if (!thread->served) {
		thread->least_drained = 0;
		thread->most_drained = 0;
		thread->chances = UINT_MAX;
	}
	/* A leftover is no chance. */
	error = freshness_error(dl_se);
	thread->surely_fresh = dl_se->dl_throttled || rq->clock > unit->fresh + error;
	thread->surely_leftover = !dl_se->dl_throttled && rq->clock + error < unit->fresh;
}

static void on_dispatch(void *data, struct task_struct *p, struct sched_dl_entity *dl_se)
{
	struct rq *rq = this_rq();
	struct referee_cpu *cpu = referee_cpu(rq);
	struct referee_thread *thread = referee_thread(p);

	cpu->count[REFEREE_DISPATCHES]++;
	referee_tally(p, REFEREE_TALLY_DISPATCHES, 1);
	referee_step(rq, "dispatched", p, dl_se->runtime);
	if (!thread->loan)
		return;

	if (thread->loan->dl != dl_se)
		fault(rq, p, "dispatched on a unit that it has not", 1, 0);
	if (dl_se->rq != rq)
		fault(rq, p, "dispatched on another CPU than the unit's",
		      cpu_of(dl_se->rq), cpu_of(rq));
	if (thread->least_drained >= max(thread->chances, READ_ONCE(terms_of(p)->chances)))
		fault(rq, p, "dispatched after it has had its chances",
		      terms_of(p)->chances, thread->least_drained + 1);

	if (!thread->dispatches++) {
		if (!thread->replied)
			begin_patience(thread);
		/* Of who is no vCPU nobody knows when it has replied. */
		thread->waits_for_reply = READ_ONCE(terms_of(p)->reply) && READ_ONCE(p->spare.tells);
		thread->served = true;
		thread->again = false;
		thread->asked = 0;
		thread->asks_from = rq->clock;
	}
	thread->dispatched = cpu->thread != thread;
	/* Without a switch it goes on, on the unit. */
	if (rcu_access_pointer(rq->curr) != p)
		return;
	if (thread->dispatched) {
		referee_come_in(rq, p, rq->clock_task);
		return;
	}
	referee_account(rq, rq->clock_task);
	referee_settle(rq);
	cpu->unit = thread->loan;
	referee_bucket_advance(&cpu->unit->supply, rq->clock_task, 0);
}

/* Its loan is taken from a thread that stays: the pool, or its CPU, or a boost. */
static bool is_taken(struct rq *rq, struct referee_thread *thread)
{
	struct task_struct *p = thread->task;

	return !rq->online || !cpu_active(cpu_of(rq)) || referee_boosted(p) ||
	       !thread->source || thread->source != source_of(p);
}

/* Whether @reason is what was seen of @p. */
static void check_reason(struct rq *rq, struct referee_thread *thread,
			 enum spare_return_reason reason)
{
	struct task_struct *p = thread->task;
	const struct sched_spare_terms *terms = terms_of(p);

	switch (reason) {
	case SPARE_RETURN_OWN:
	case SPARE_RETURN_UNUSED:
		if ((thread->dispatches ? SPARE_RETURN_OWN : SPARE_RETURN_UNUSED) != reason)
			fault(rq, p, "own or unused, by its dispatches", reason,
			      thread->dispatches);
		if (!referee_queued(&p->dl))
			fault(rq, p, "its own reservation does not run", 1, 0);
		break;
	case SPARE_RETURN_CHANCES:
		/* Terms may have changed since it was charged. */
		if (thread->most_drained < min(thread->chances, READ_ONCE(terms->chances)))
			fault(rq, p, "ended before it has had its chances",
			      terms->chances, thread->most_drained);
		break;
	case SPARE_RETURN_SLEEP:
		if (READ_ONCE(p->__state) == TASK_RUNNING && !p->dl.dl_yielded)
			fault(rq, p, "ended by a sleep, and does not sleep", 1, 0);
		break;
	case SPARE_RETURN_REPLY:
		if (!thread->replied)
			fault(rq, p, "ended by a reply, and has not replied", 1, 0);
		break;
	case SPARE_RETURN_QUIET:
		if (thread->replied)
			fault(rq, p, "ended without a reply, and has replied", 0, 1);
		if (!was_quiet(thread))
			fault(rq, p, "ended quiet, and was waited for too short a time",
			      thread->linger, quiet_of(thread));
		if (!READ_ONCE(p->spare.tells) && p->spare.hops == SPARE_HOPS)
			fault(rq, p, "ended quiet, and nobody can tell", 1, 0);
		break;
	case SPARE_RETURN_CHARGE:
		/* Terms may have changed since. */
		if (!READ_ONCE(terms->charge) && !thread->pays)
			fault(rq, p, "ended by its debt, and has not to pay", 1, 0);
		break;
	case SPARE_RETURN_GONE:
		/* Whether it is will be seen, see referee_check_stays(). */
		if (READ_ONCE(p->__state) != TASK_DEAD && dl_policy(p->policy) &&
		    !is_taken(rq, thread)) {
			referee_cpu(rq)->lost_loan = thread;
			thread->group = task_group(p);
		}
		break;
	}
}

/* What becomes of the event, when its loan has ended for @reason. */
static void after_loan(struct rq *rq, struct referee_thread *thread,
		       enum spare_return_reason reason)
{
	struct task_struct *p = thread->task;

	switch (reason) {
	case SPARE_RETURN_OWN:
	case SPARE_RETURN_UNUSED:
		/* The own dispatch follows, and ends what was served. */
		break;
	case SPARE_RETURN_CHANCES:
	case SPARE_RETURN_CHARGE:
		/* Terms that charge since before it was served end nothing. */
		if (thread->served && !thread->again)
			over(thread);
		break;
	case SPARE_RETURN_SLEEP:
		/* Who has replied may be waited for: if not, on_over() follows. */
		if (has_done(p))
			over(thread);
		break;
	case SPARE_RETURN_REPLY:
	case SPARE_RETURN_QUIET:
		over(thread);
		break;
	case SPARE_RETURN_GONE:
		if (thread->served && !thread->again && !is_taken(rq, thread))
			over(thread);
		break;
	}
}

static void on_return(void *data, struct task_struct *p, struct sched_dl_entity *dl_se,
		      unsigned int reason)
{
	struct rq *rq = task_rq(p);
	struct referee_cpu *cpu = referee_cpu(rq);
	struct referee_thread *thread = referee_thread(p);
	struct referee_unit *unit = thread->loan;

	referee_step(rq, "returns", p, reason);
	referee_tally(p, REFEREE_TALLY_RETURNED + reason, 1);
	if (!unit)
		return;
	if (unit->dl != dl_se)
		fault(rq, p, "a unit returned that it has not", 1, 0);
	check_reason(rq, thread, reason);
	check_patience(rq, thread);
	if (cpu->thread == thread && cpu->unit) {
		referee_account(rq, rq->clock_task);
		referee_settle(rq);
		cpu->unit = NULL;
	}
	after_loan(rq, thread, reason);
	unit->borrower = NULL;
	unit->fresh = dl_se->deadline - div64_long(dl_se->runtime * (s64)dl_se->dl_period,
						   dl_se->dl_runtime);
	thread->loan = NULL;
	thread->dispatched = false;
	if (!rq->online)
		cpu->offline = rq->clock;
}

/* @thread is charged for @ns on its unit. Whether that drains it. */
bool referee_loan_charged(struct referee_thread *thread, u64 ns)
{
	struct sched_dl_entity *dl_se = thread->loan->dl;

	referee_tally(thread->task, REFEREE_TALLY_BORROWED, ns);
	if (dl_se->dl_throttled || dl_se->runtime > (s64)ns)
		return false;
	thread->least_drained += thread->surely_fresh;
	thread->most_drained += !thread->surely_leftover;
	/* They may be fewer from now on, and it has what it has. */
	thread->chances = READ_ONCE(terms_of(thread->task)->chances);
	thread->surely_fresh = true;
	thread->surely_leftover = false;

	return true;
}

/* @p is switched to, on its own reservation. */
void referee_loan_own(struct referee_thread *thread)
{
	if (thread->served)
		over(thread);
}

/* It woke up, moved, also to another group, or was boosted: where its loan went is clear. */
void referee_has_left(struct rq *rq, struct referee_thread *thread)
{
	struct referee_cpu *cpu = referee_cpu(rq);

	if (cpu->lost_loan == thread)
		cpu->lost_loan = NULL;
}

/*
 * @rq is at rest. The loan that ended last as "gone" was that of a thread that
 * is still in its place: then something else must have changed.
 */
void referee_check_stays(struct rq *rq)
{
	struct referee_cpu *cpu = referee_cpu(rq);
	struct referee_thread *thread = cpu->lost_loan;
	struct task_struct *p;

	if (!thread)
		return;
	cpu->lost_loan = NULL;
	p = thread->task;
	if (dl_policy(p->policy) && !referee_boosted(p) && thread->group == task_group(p))
		fault(rq, p, "its loan was taken, and it has not gone", 1, 0);
}

int referee_watch_loans(void)
{
	return register_trace_sched_spare_event(on_event, NULL) ?:
	       register_trace_sched_spare_reply(on_reply, NULL) ?:
	       register_trace_sched_spare_over(on_over, NULL) ?:
	       register_trace_sched_spare_wait(on_wait, NULL) ?:
	       register_trace_sched_spare_borrow(on_borrow, NULL) ?:
	       register_trace_sched_spare_dispatch(on_dispatch, NULL) ?:
	       register_trace_sched_spare_return(on_return, NULL);
}

void referee_unwatch_loans(void)
{
	unregister_trace_sched_spare_return(on_return, NULL);
	unregister_trace_sched_spare_dispatch(on_dispatch, NULL);
	unregister_trace_sched_spare_borrow(on_borrow, NULL);
	unregister_trace_sched_spare_wait(on_wait, NULL);
	unregister_trace_sched_spare_over(on_over, NULL);
	unregister_trace_sched_spare_reply(on_reply, NULL);
	unregister_trace_sched_spare_event(on_event, NULL);
}
