// SPDX-License-Identifier: GPL-2.0
#include "apply/others.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "host/host.h"
#include "host/proc.h"
#include "host/thread.h"
#include "host/units.h"

/* So many are named. */
#define NAMES 5

struct looking {
	struct others *others;
	const struct ledger *ledger;
	char names[512];
};

static bool is_ours(const struct ledger *ledger, pid_t tid, uint64_t start)
{
	char *object = setting_thread(tid, start);
	const struct setting like = { .kind = SETTING_CLASS, .object = object, .name = "" };
	bool found = object && settings_find(&ledger->originals, &like);

	free(object);
	return found;
}

/* Threads have the names that they like. */
static void add_name(struct looking *looking, const struct proc_stat *stat, pid_t tid, struct reservation reservation)
{
	size_t used = strlen(looking->names);
	char runtime[UNITS_TEXT], period[UNITS_TEXT], *at = looking->names + used;

	snprintf(at, sizeof(looking->names) - used, "%s%s (%d) %s/%s", used ? ", " : "", stat->comm, (int)tid,
		 units_print(runtime, reservation.runtime), units_print(period, reservation.period));
	for (; *at; at++)
		if (iscntrl((unsigned char)*at))
			*at = '?';
}

static void look_at_thread(struct looking *looking, pid_t pid, pid_t tid)
{
	struct others *others = looking->others;
	struct reservation reservation;
	char *class = thread_class(tid);
	struct proc_stat stat;

	if (!class || !thread_class_reservation(class, &reservation) || !reservation.period || !proc_stat(&stat, pid, tid) ||
	    is_ours(looking->ledger, tid, stat.start))
		goto out;
	/* Frequency governors are of that class, but hold no bandwidth (SCHED_FLAG_SUGOV). */
	if (stat.kernel && !strncmp(stat.comm, "sugov:", 6))
		goto out;
	others->sum += (double)reservation.runtime / reservation.period;
	if (!others->nr++)
		others->first = tid;
	if (others->nr <= NAMES)
		add_name(looking, &stat, tid, reservation);
out:
	free(class);
}

/* Its reservations are ours, but nobody's originals. */
static bool is_lender(pid_t pid)
{
	struct proc_stat stat;

	return proc_stat(&stat, pid, 0) && !strcmp(stat.comm, "dlspare-lender") && !proc_user(pid);
}

static void look_at_process(struct looking *looking, pid_t pid)
{
	DIR *folder = is_lender(pid) ? NULL : opendir(host_path("/proc/%d/task", (int)pid));
	int tid;

	while (folder && (tid = proc_next(folder)) >= 0)
		look_at_thread(looking, pid, tid);
	if (folder)
		closedir(folder);
}

void others_find(struct others *others, const struct ledger *ledger)
{
	struct looking looking = { .others = others, .ledger = ledger };
	DIR *folder = opendir(host_path("/proc"));
	int pid;

	*others = (struct others){ 0 };
	while (folder && (pid = proc_next(folder)) >= 0)
		look_at_process(&looking, pid);
	if (folder)
		closedir(folder);
	if (others->nr)
		snprintf(others->text, sizeof(others->text), "%u thread%s of SCHED_DEADLINE that dlspare has not set hold%s %.4f of a CPU: %s%s",
			 others->nr, others->nr == 1 ? "" : "s", others->nr == 1 ? "s" : "", others->sum, looking.names,
			 others->nr > NAMES ? ", ..." : "");
}
