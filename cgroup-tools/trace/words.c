// SPDX-License-Identifier: GPL-2.0
/* What an event has waited for, in an administrator's words. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "host/units.h"
#include "trace/inside.h"

/* Appends; what has no room is left out. */
static void put(char text[WHY_WORDS], const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(char text[WHY_WORDS], const char *format, ...)
{
	size_t length = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text + length, WHY_WORDS - length, format, arguments);
	va_end(arguments);
}

static void put_comm(char text[WHY_WORDS], const struct why_other *other)
{
	if (*other->comm)
		put(text, "%s (%d)", other->comm, (int)other->pid);
	else
		put(text, "thread %d", (int)other->pid);
}

static void put_other(char text[WHY_WORDS], const struct why_other *other)
{
	const struct why_thread *known = other->known;

	if (!known) {
		put_comm(text, other);
		return;
	}
	if (known->role == WHY_IO)
		put(text, "an I/O thread");
	else if (known->number >= 0)
		put(text, "vCPU %d", known->number);
	else
		put(text, "a vCPU");
	put(text, " of '%s' (%d)", known->vm, (int)known->tid);
}

/* "a (1), b (2) and 3 more" */
static void put_others(char text[WHY_WORDS], const struct why_late *late)
{
	const int named = late->nr_others < WHY_OTHERS ? late->nr_others : WHY_OTHERS;
	int i;

	for (i = 0; i < named; i++) {
		if (i)
			put(text, i + 1 == late->nr_others ? " and " : ", ");
		put_other(text, &late->others[i]);
	}
	if (late->nr_others > named)
		put(text, " and %d more", late->nr_others - named);
}

static void put_cpu(char text[WHY_WORDS], const struct why_late *late)
{
	if (late->cpu >= 0)
		put(text, " on CPU %d", late->cpu);
}

/* Of KVM, on each architecture. */
static bool is_guests_timer(const char *function)
{
	static const char *const names[] = { "apic_timer_fn", "pit_timer_fn", "kvm_hrtimer_expire", "kvm_bg_timer_expire" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(names[i], function))
			return true;
	return false;
}

static void put_waker(char text[WHY_WORDS], const struct why_late *late)
{
	if (late->by_context == RECORD_HARDIRQ && is_guests_timer(late->text))
		put(text, "its own timer");
	else if (late->by_context == RECORD_HARDIRQ && *late->text)
		put(text, "a timer (%s)", late->text);
	else if (late->by_context == RECORD_HARDIRQ)
		put(text, "an interrupt");
	else if (late->by_context == RECORD_SOFTIRQ || late->by.pid == 0)
		put(text, "the kernel");
	else if (late->by.pid < 0)
		put(text, "somebody");
	else
		put_other(text, &late->by);
}

static void put_no_unit(char text[WHY_WORDS], const struct why_late *late)
{
	put(text, "no unit was free");
	put_cpu(text, late);
	if (!late->nr_others)
		return;
	put(text, ": ");
	put_others(text, late);
	put(text, " had %s", late->nr_others > 1 ? "them" : "it");
}

static void put_not_fresh(char text[WHY_WORDS], const struct why_late *late)
{
	char time[UNITS_TEXT];

	put(text, "the unit was not fresh");
	put_cpu(text, late);
	if (late->nr_others && late->others[0].pid == late->thread->tid)
		put(text, ": it had drained it itself");
	else if (late->nr_others) {
		put(text, ": ");
		put_others(text, late);
		put(text, " had drained it");
	}
	if (late->fresh > late->ns && !late->waits)
		put(text, "; its own budget came first");
	else if (late->fresh)
		put(text, ", until %s after this came", units_print_short(time, late->fresh));
}

static void put_refused(char text[WHY_WORDS], const struct why_late *late)
{
	if (late->owes < 0) {
		put(text, "refused: there was no unit for it");
		put_cpu(text, late);
		put(text, ", or it owed for loans; that was before this trace");
		return;
	}
	put(text, "refused: its pool has no unit");
	put_cpu(text, late);
}

static void put_not_event(char text[WHY_WORDS], const struct why_late *late)
{
	put(text, "not an event: ");
	put_waker(text, late);
	put(text, " woke it");
	if (late->by_context == RECORD_HARDIRQ && is_guests_timer(late->text))
		put(text, ", which is one with timer=1 only");
	put(text, "; its own budget was gone");
}

static void put_io_thread(char text[WHY_WORDS], const struct why_late *late)
{
	put(text, "the I/O thread %s (%d) waited for CPU %d", late->thread->comm ? late->thread->comm : "", (int)late->thread->tid,
	    late->cpu);
	if (late->nr_others && !late->others[0].pid) {
		put(text, ", where nobody ran: its group may have used up its cpu.max");
		return;
	}
	put(text, ", where ");
	put_others(text, late);
	put(text, " ran");
}

static void put_host(char text[WHY_WORDS], const struct why_late *late)
{
	const struct why_other *first = &late->others[0];

	if (!first->pid)
		put(text, "host: no thread ran, so interrupts or what is below this kernel had CPU %d", late->cpu);
	else if (is_stopper(first->comm, first->prio))
		put(text, "host: the kernel stopped CPU %d for work of its own, in %s (%d)", late->cpu, first->comm,
		    (int)first->pid);
	else if (first->prio < 100) {
		put(text, "host: ");
		put_others(text, late);
		put(text, " ran on CPU %d with real-time priority", late->cpu);
	} else {
		put(text, "host: ");
		put_others(text, late);
		put(text, " ran on CPU %d, and the vCPU has no reservation", late->cpu);
	}
}

static void put_earlier(char text[WHY_WORDS], const struct why_late *late)
{
	if (late->fair_server)
		put(text, "an earlier deadline: the fair server's, for ");
	else
		put(text, "an earlier deadline: ");
	put_others(text, late);
	put(text, " ran");
	put_cpu(text, late);
}

static void put_slept(char text[WHY_WORDS], const struct why_late *late)
{
	put(text, "it slept in its machine monitor, for ");
	put(text, late->blocked ? "a page or a disk" : "a lock or in a system call");
	if (late->by.pid < 0)
		return;
	put(text, ", until ");
	put_waker(text, late);
	put(text, " woke it");
}

static void put_stopped(char text[WHY_WORDS], const struct why_late *late)
{
	put(text, "it was stopped, by a signal or a debugger");
	if (late->by.pid < 0)
		return;
	put(text, ", until ");
	put_waker(text, late);
	put(text, " let it go on");
}

/* How many bytes of UTF-8 follow this one; -1: none begins with it. */
static int bytes_behind(unsigned char byte)
{
	return byte < 0x80 ? 0 : byte < 0xc2 ? -1 : byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : byte < 0xf5 ? 3 : -1;
}

/* Is it a letter, not a command for a terminal? U+0080 to U+009F are commands, too. */
static bool is_letter(const char *at, int behind)
{
	int i;

	for (i = 1; i <= behind; i++)
		if ((at[i] & 0xc0) != 0x80)
			return false;
	return behind > 0 ? (unsigned char)at[0] != 0xc2 || (unsigned char)at[1] >= 0xa0 : !behind && !iscntrl((unsigned char)*at);
}

/* Threads and VMs of anybody have any bytes for a name. */
static void clean(char *text)
{
	while (*text) {
		int behind = bytes_behind(*text);

		if (is_letter(text, behind))
			text += behind + 1;
		else
			*text++ = '?';
	}
}

char *why_words(char text[WHY_WORDS], const struct why_late *late)
{
	*text = 0;
	switch (late->cause) {
	case WHY_NO_UNIT:
		put_no_unit(text, late);
		break;
	case WHY_NOT_FRESH:
		put_not_fresh(text, late);
		break;
	case WHY_REFUSED:
		put_refused(text, late);
		break;
	case WHY_CHARGED:
		put(text, "charged: it owes what it ran on loans, and gets none before that is paid");
		break;
	case WHY_NOT_EVENT:
		put_not_event(text, late);
		break;
	case WHY_IO_THREAD:
		put_io_thread(text, late);
		break;
	case WHY_HOST:
		put_host(text, late);
		break;
	case WHY_FROZE:
		put(text, "frozen: the group %s was, by cgroup.freeze", *late->text ? late->text : "it is in");
		break;
	case WHY_WAS_STOPPED:
		put_stopped(text, late);
		break;
	case WHY_SLEPT:
		put_slept(text, late);
		break;
	case WHY_EARLIER:
		put_earlier(text, late);
		break;
	case WHY_DEPLETED:
		put(text, "its own budget was gone, and it asked for no unit");
		break;
	default:
		put(text, "unknown: the trace does not say");
	}
	clean(text);
	return text;
}
