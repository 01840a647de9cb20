/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM sched_spare

#if !defined(_TRACE_SCHED_SPARE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_SCHED_SPARE_H

#include <linux/sched.h>
#include <linux/tracepoint.h>

TRACE_DEFINE_ENUM(SPARE_RETURN_OWN);
TRACE_DEFINE_ENUM(SPARE_RETURN_UNUSED);
TRACE_DEFINE_ENUM(SPARE_RETURN_CHANCES);
TRACE_DEFINE_ENUM(SPARE_RETURN_SLEEP);
TRACE_DEFINE_ENUM(SPARE_RETURN_REPLY);
TRACE_DEFINE_ENUM(SPARE_RETURN_QUIET);
TRACE_DEFINE_ENUM(SPARE_RETURN_CHARGE);
TRACE_DEFINE_ENUM(SPARE_RETURN_GONE);
TRACE_DEFINE_ENUM(SPARE_LATENCY_OWN);
TRACE_DEFINE_ENUM(SPARE_LATENCY_LOAN);
TRACE_DEFINE_ENUM(SPARE_LATENCY_WAITED);
TRACE_DEFINE_ENUM(SPARE_LATENCY_REFUSED);

/* A thread that may borrow, and what it is doing. */
DECLARE_EVENT_CLASS(sched_spare_thread,
		    TP_PROTO(struct task_struct *p),

		    TP_ARGS(p),

		    TP_STRUCT__entry(__string(comm, p->comm)
				     __field(pid_t, pid)
				     __field(bool, throttled)
				     __field(bool, queued)
		    ),

		    TP_fast_assign(__assign_str(comm);
				   __entry->pid = p->pid;
				   __entry->throttled = p->dl.dl_throttled;
				   __entry->queued = p->on_rq;
		    ),

		    TP_printk("comm=%s pid=%d throttled=%d queued=%d",
			      __get_str(comm), __entry->pid, __entry->throttled,
			      __entry->queued)
);

/* @again: it adds nothing to the one before, which is not over. */
TRACE_EVENT(sched_spare_event,
	    TP_PROTO(struct task_struct *p, bool again),

	    TP_ARGS(p, again),

	    TP_STRUCT__entry(__string(comm, p->comm)
			     __field(pid_t, pid)
			     __field(bool, throttled)
			     __field(bool, queued)
			     __field(bool, again)
	    ),

	    TP_fast_assign(__assign_str(comm);
			   __entry->pid = p->pid;
			   __entry->throttled = p->dl.dl_throttled;
			   __entry->queued = p->on_rq;
			   __entry->again = again;
	    ),

	    TP_printk("comm=%s pid=%d throttled=%d queued=%d again=%d",
		      __get_str(comm), __entry->pid, __entry->throttled,
		      __entry->queued, __entry->again)
);

DEFINE_EVENT(sched_spare_thread, sched_spare_reply,
	     TP_PROTO(struct task_struct *p),

	     TP_ARGS(p)
);

DEFINE_EVENT(sched_spare_thread, sched_spare_over,
	     TP_PROTO(struct task_struct *p),

	     TP_ARGS(p)
);

DEFINE_EVENT(sched_spare_thread, sched_spare_wait,
	     TP_PROTO(struct task_struct *p),

	     TP_ARGS(p)
);

/* It may not have a unit: it has to pay first, or there is no pool on its CPU. */
TRACE_EVENT(sched_spare_refuse,
	    TP_PROTO(struct task_struct *p, bool owes),

	    TP_ARGS(p, owes),

	    TP_STRUCT__entry(__string(comm, p->comm)
			     __field(pid_t, pid)
			     __field(bool, owes)
	    ),

	    TP_fast_assign(__assign_str(comm);
			   __entry->pid = p->pid;
			   __entry->owes = owes;
	    ),

	    TP_printk("comm=%s pid=%d owes=%d",
		      __get_str(comm), __entry->pid, __entry->owes)
);

/* What came for it has waited for the CPU for @ns. */
TRACE_EVENT(sched_spare_latency,
	    TP_PROTO(struct task_struct *p, u64 ns, unsigned int how),

	    TP_ARGS(p, ns, how),

	    TP_STRUCT__entry(__string(comm, p->comm)
			     __field(pid_t, pid)
			     __field(u64, ns)
			     __field(unsigned int, how)
	    ),

	    TP_fast_assign(__assign_str(comm);
			   __entry->pid = p->pid;
			   __entry->ns = ns;
			   __entry->how = how;
	    ),

	    TP_printk("comm=%s pid=%d ns=%llu how=%s",
		      __get_str(comm), __entry->pid, __entry->ns,
		      __print_symbolic(__entry->how,
				       { SPARE_LATENCY_OWN,     "own" },
				       { SPARE_LATENCY_LOAN,    "loan" },
				       { SPARE_LATENCY_WAITED,  "waited" },
				       { SPARE_LATENCY_REFUSED, "refused" }))
);

/* A loan: runtime and deadline are the unit's, in ns. */
DECLARE_EVENT_CLASS(sched_spare_loan,
		    TP_PROTO(struct task_struct *p, struct sched_dl_entity *unit),

		    TP_ARGS(p, unit),

		    TP_STRUCT__entry(__string(comm, p->comm)
				     __field(pid_t, pid)
				     __field(bool, throttled)
				     __field(s64, runtime)
				     __field(u64, deadline)
		    ),

		    TP_fast_assign(__assign_str(comm);
				   __entry->pid = p->pid;
				   __entry->throttled = unit->dl_throttled;
				   __entry->runtime = unit->runtime;
				   __entry->deadline = unit->deadline;
		    ),

		    TP_printk("comm=%s pid=%d unit_throttled=%d unit_runtime=%lld unit_deadline=%llu",
			      __get_str(comm), __entry->pid, __entry->throttled,
			      __entry->runtime, __entry->deadline)
);

DEFINE_EVENT(sched_spare_loan, sched_spare_borrow,
	     TP_PROTO(struct task_struct *p, struct sched_dl_entity *unit),

	     TP_ARGS(p, unit)
);

DEFINE_EVENT(sched_spare_loan, sched_spare_dispatch,
	     TP_PROTO(struct task_struct *p, struct sched_dl_entity *unit),

	     TP_ARGS(p, unit)
);

TRACE_EVENT(sched_spare_return,
	    TP_PROTO(struct task_struct *p, struct sched_dl_entity *unit,
		     unsigned int reason),

	    TP_ARGS(p, unit, reason),

	    TP_STRUCT__entry(__string(comm, p->comm)
			     __field(pid_t, pid)
			     __field(unsigned int, reason)
			     __field(s64, runtime)
			     __field(u64, deadline)
	    ),

	    TP_fast_assign(__assign_str(comm);
			   __entry->pid = p->pid;
			   __entry->reason = reason;
			   __entry->runtime = unit->runtime;
			   __entry->deadline = unit->deadline;
	    ),

	    TP_printk("comm=%s pid=%d reason=%s unit_runtime=%lld unit_deadline=%llu",
		      __get_str(comm), __entry->pid,
		      __print_symbolic(__entry->reason,
				       { SPARE_RETURN_OWN,          "own" },
				       { SPARE_RETURN_UNUSED,       "unused" },
				       { SPARE_RETURN_CHANCES,      "chances" },
				       { SPARE_RETURN_SLEEP,        "sleep" },
				       { SPARE_RETURN_REPLY,        "reply" },
				       { SPARE_RETURN_QUIET,        "quiet" },
				       { SPARE_RETURN_CHARGE,       "charge" },
				       { SPARE_RETURN_GONE,         "gone" }),
		      __entry->runtime, __entry->deadline)
);

#endif /* _TRACE_SCHED_SPARE_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
