// SPDX-License-Identifier: GPL-2.0
#include "apply/change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/group.h"
#include "host/thread.h"

/* --- planning --- */

static bool add_step(struct change *change, const struct setting *setting, const char *to, const char *from, bool back)
{
	struct step *steps = reallocarray(change->steps, change->nr + 1, sizeof(*steps)), *step;

	if (!steps)
		return false;
	change->steps = steps;
	step = &steps[change->nr];
	*step = (struct step){
		.setting = { setting->kind, strdup(setting->object), strdup(setting->name), strdup(to),
			     setting->vm ? strdup(setting->vm) : NULL },
		.from = from ? strdup(from) : NULL,
		.back = back,
	};
	change->nr++;
	return step->setting.object && step->setting.name && step->setting.value && (!from || step->from) &&
	       (!setting->vm || step->setting.vm);
}

static bool is_place(const struct setting *setting)
{
	return setting->kind == SETTING_PROCESS || setting->kind == SETTING_THREAD;
}

/* What has to be undone before what is wanted can be done. */
struct undoing {
	const struct settings *wanted;
	const struct settings *originals;
	bool *returns;			/* of the originals: it is put back */
	char **leaves;			/* of the wanted: the thread goes there first */
};

/* To what it is put back; NULL: it is not. */
static const char *returns_to(const struct undoing *u, const struct setting *wanted)
{
	struct setting *original = settings_find(u->originals, wanted);

	return original && u->returns[original - u->originals->list] ? original->value : NULL;
}

static void put_back(const struct undoing *u, enum setting_kind kind, const char *object)
{
	const struct setting like = { .kind = kind, .object = (char *)object, .name = "" };
	struct setting *original = settings_find(u->originals, &like);

	if (original)
		u->returns[original - u->originals->list] = true;
}

/* Is the place in a group that dlspare has made? Or, in one that goes? */
static bool is_ours(const struct undoing *u, const char *place, bool goes)
{
	size_t i;

	for (i = 0; i < u->originals->nr; i++)
		if (ledger_has_made(&u->originals->list[i]) && (u->returns[i] || !goes) &&
		    group_within(place, u->originals->list[i].object))
			return true;
	return false;
}

/*
 * A partition that threads with reservations are in keeps its CPUs, and its kind: to get others it must be left, and made anew.
 * One that is lost is made around them.
 */
static bool is_rebuilt(const struct undoing *u, size_t i)
{
	const struct setting *original = &u->originals->list[i];
	const struct setting cpus = { .kind = SETTING_VALUE, .object = original->object, .name = "cpuset.cpus.exclusive" };
	struct setting *wanted;
	char *kind, *now;
	bool changes;

	if (original->kind != SETTING_VALUE || strcmp(original->name, "cpuset.cpus.partition"))
		return false;
	wanted = settings_find(u->wanted, original) ? settings_find(u->wanted, &cpus) : NULL;
	if (!wanted)
		return true;
	kind = setting_read(original);
	now = setting_read(wanted);
	changes = kind && now && strcmp(kind, "member") && strcmp(now, wanted->value);
	free(now);
	free(kind);
	return changes;
}

/* The group and its values, and the reservations of the threads that are in it. */
static bool is_part(const struct setting *original, const char *group)
{
	char *place = original->kind == SETTING_CLASS ? group_of(setting_tid(original)) : NULL;
	bool part = group_within(place ? place : original->object, group);

	free(place);
	return part;
}

static void rebuild(const struct undoing *u, const char *group)
{
	size_t i;

	for (i = 0; i < u->originals->nr; i++)
		u->returns[i] = u->returns[i] || is_part(&u->originals->list[i], group);
}

static void check_process(const struct undoing *u, const struct setting *process)
{
	char *place = setting_read(process);

	if (place && is_ours(u, place, true))
		put_back(u, SETTING_PROCESS, process->object);
	free(place);
}

static bool same_vm(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

static const struct setting *process_of(const struct undoing *u, const struct setting *thread)
{
	size_t i;

	for (i = 0; i < u->wanted->nr; i++)
		if (u->wanted->list[i].kind == SETTING_PROCESS && same_vm(u->wanted->list[i].vm, thread->vm))
			return &u->wanted->list[i];
	return NULL;
}

/* Where its process is or, when that stays where it was, where the thread was; new, NULL: it has been nowhere else. */
static char *leaves_for(const struct undoing *u, const struct setting *thread, const struct setting *process)
{
	const struct setting *original = settings_find(u->originals, thread);

	if (process)
		return setting_read(process);
	return original ? strdup(original->value) : NULL;
}

/*
 * A thread whose group goes leaves it with its process or, when that stays, for where that is. On its way to another group it
 * has no reservation: there may be room for it only when others have left, and the kernel's sums lose what moves asleep.
 */
static void check_thread(const struct undoing *u, size_t i)
{
	const struct setting *thread = &u->wanted->list[i], *process;
	char *place = setting_read(thread);
	bool goes;

	if (!place)
		return;
	goes = is_ours(u, place, true);
	process = goes ? process_of(u, thread) : NULL;
	if (process && returns_to(u, process))
		put_back(u, SETTING_THREAD, thread->object);
	else if (goes)
		u->leaves[i] = leaves_for(u, thread, process);
	if (goes || (strcmp(place, thread->value) && is_ours(u, place, false)))
		put_back(u, SETTING_CLASS, thread->object);
	free(place);
}

static void undoing_free(struct undoing *u)
{
	size_t i;

	for (i = 0; u->leaves && i < u->wanted->nr; i++)
		free(u->leaves[i]);
	free(u->leaves);
	free(u->returns);
}

/* False without memory. */
static bool undoing_find(struct undoing *u, const struct settings *wanted, const struct settings *originals)
{
	size_t i;

	*u = (struct undoing){ wanted, originals, calloc(originals->nr + 1, sizeof(bool)),
			       calloc(wanted->nr + 1, sizeof(char *)) };
	if (!u->returns || !u->leaves)
		return false;
	for (i = 0; i < originals->nr; i++)
		u->returns[i] = !settings_find(wanted, &originals->list[i]);
	for (i = 0; i < originals->nr; i++)
		if (is_rebuilt(u, i))
			rebuild(u, originals->list[i].object);
	for (i = 0; i < wanted->nr; i++)
		if (wanted->list[i].kind == SETTING_PROCESS)
			check_process(u, &wanted->list[i]);
	for (i = 0; i < wanted->nr; i++)
		if (wanted->list[i].kind == SETTING_THREAD)
			check_thread(u, i);
	return true;
}

enum pass { SHRINKING, PLACES, REST };

static bool plan_back(struct change *change, const struct setting *original, enum pass pass)
{
	char *now = setting_read(original);
	bool good = true, shrinks;

	shrinks = now && setting_shrinks(original, now, original->value);
	if (now && strcmp(now, original->value) && pass == (shrinks ? SHRINKING : is_place(original) ? PLACES : REST))
		good = add_step(change, original, original->value, now, true);
	free(now);
	return good;
}

/* then: what an earlier step makes of it; NULL: none does. */
static bool plan_set(struct change *change, const struct setting *setting, const char *then, bool shrink)
{
	char *now = then ? strdup(then) : setting_read(setting);
	bool good = true, shrinks;

	/* A thread that is gone needs nothing; a group that is not there yet is made by an earlier step. */
	if (!now && errno == ESRCH)
		return true;
	shrinks = now && !then && setting_shrinks(setting, now, setting->value);
	if (shrink == shrinks && (!now || strcmp(now, setting->value)))
		good = add_step(change, setting, setting->value, now, false);
	free(now);
	return good;
}

static bool plan_all_sets(struct change *change, const struct undoing *u, bool shrink)
{
	bool good = true;
	size_t i;

	for (i = 0; good && i < u->wanted->nr; i++) {
		const char *then = returns_to(u, &u->wanted->list[i]);

		good = plan_set(change, &u->wanted->list[i], then ? then : u->leaves[i], shrink);
	}
	return good;
}

static bool plan_all_back(struct change *change, const struct undoing *u, enum pass pass)
{
	bool good = true;
	size_t i;

	for (i = u->originals->nr; good && i-- > 0; )
		if (u->returns[i])
			good = plan_back(change, &u->originals->list[i], pass);
	return good;
}

static bool plan_leave(struct change *change, const struct setting *thread, const char *to)
{
	char *now = setting_read(thread);
	bool good = !now || add_step(change, thread, to, now, false);

	free(now);
	return good;
}

static bool plan_all_leaves(struct change *change, const struct undoing *u)
{
	bool good = true;
	size_t i;

	for (i = 0; good && i < u->wanted->nr; i++)
		if (u->leaves[i])
			good = plan_leave(change, &u->wanted->list[i], u->leaves[i]);
	return good;
}

bool change_plan(struct change *change, const struct settings *wanted, const struct ledger *ledger)
{
	struct undoing undoing;
	bool good;

	*change = (struct change){ 0 };
	good = undoing_find(&undoing, wanted, &ledger->originals) && plan_all_sets(change, &undoing, true) &&
	       plan_all_back(change, &undoing, SHRINKING) && plan_all_leaves(change, &undoing) &&
	       plan_all_back(change, &undoing, PLACES) && plan_all_back(change, &undoing, REST) &&
	       plan_all_sets(change, &undoing, false);
	if (!good)
		change_free(change);
	undoing_free(&undoing);
	return good;
}

void change_free(struct change *change)
{
	while (change->nr) {
		struct step *step = &change->steps[--change->nr];

		free(step->setting.object);
		free(step->setting.name);
		free(step->setting.value);
		free(step->setting.vm);
		free(step->from);
	}
	free(change->steps);
	change->steps = NULL;
}

/* --- making --- */

struct making {
	const struct change *change;
	struct ledger *ledger;
	const struct change_watch *watch;
	char **before;			/* of each step the value it replaced; NULL: not made */
	bool *skipped;
	bool unnoted;			/* the step that failed: in the ledger */
};

/* A group that a process came from may be gone: then the nearest above that takes it. */
static int write_back(const struct setting *setting, const char *value)
{
	char *group = NULL, *above;
	int status = setting_write(setting, value);

	if (!status || setting->kind != SETTING_PROCESS)
		return status;
	group = strdup(value);
	while (status && group && *group) {
		above = group_parent(group);
		free(group);
		group = above;
		if (group && group_exists(group))
			status = setting_write(setting, group);
	}
	free(group);
	return status;
}

/* Others may have come to use it since. */
static bool is_shared(const struct setting *setting)
{
	return setting->kind == SETTING_GROUP || setting->kind == SETTING_CONTROLLER;
}

static bool is_no_failure(const struct step *step, int error)
{
	if (error == ESRCH)
		return true;
	if (!step->back)
		return false;
	/*
	 * What cannot be put back because it is gone, or is still in use, or is on its way out (EOPNOTSUPP): the ledger keeps that
	 * for the next time.
	 */
	return error == ENOENT || error == ENODEV || (error == EBUSY && is_shared(&step->setting)) ||
	       (error == EOPNOTSUPP && step->setting.kind == SETTING_THREAD);
}

/*
 * A thread that was born in a group of dlspare goes where its process goes. All else has the value of before the first
 * step, which may have changed others than it was for: a partition takes its CPUs from everybody's affinity.
 */
static int note(struct ledger *ledger, const struct step *step, const char *now)
{
	const char *original = step->from ? step->from : now;
	size_t i;

	for (i = 0; step->setting.kind == SETTING_THREAD && i < ledger->originals.nr; i++)
		if (ledger_has_made(&ledger->originals.list[i]) && group_within(original, ledger->originals.list[i].object))
			return 0;
	return ledger_note(ledger, &step->setting, original);
}

/*
 * A process takes all its threads along. So where each was is noted before, which also makes it the other way round when
 * they are put back: the process first.
 */
static int note_threads(struct making *m, size_t i)
{
	const struct step *steps = m->change->steps;
	size_t j;

	for (j = i + 1; j < m->change->nr; j++)
		if (steps[j].setting.kind == SETTING_THREAD && steps[j].from &&
		    same_vm(steps[j].setting.vm, steps[i].setting.vm) && note(m->ledger, &steps[j], NULL))
			return -1;
	return 0;
}

/* 1: made, 0: needs nothing, -1: failed with errno. */
static int make_step(struct making *m, size_t i)
{
	const struct step *step = &m->change->steps[i];
	const struct setting *setting = &step->setting;
	char *now = setting_read(setting);
	int status = -1, error;

	m->unnoted = false;
	if (!now)
		return errno == ESRCH || (step->back && errno == ENOENT) ? 0 : -1;
	if (!strcmp(now, setting->value)) {
		free(now);
		return 0;
	}
	m->unnoted = !step->back && ((setting->kind == SETTING_PROCESS && note_threads(m, i)) || note(m->ledger, step, now));
	if (m->unnoted)
		goto out;
	/* Before the write: one that is taken and then read differently must be taken back too. */
	m->before[i] = now;
	status = step->back ? write_back(setting, setting->value) : setting_write(setting, setting->value);
	if (!status)
		return 1;
	error = errno;
	if (!is_no_failure(step, error)) {
		errno = error;
		return -1;
	}
	m->before[i] = NULL;
	status = 0;
out:
	error = errno;
	free(now);
	errno = error;
	return status;
}

/* As before the first step: see note(). */
static const char *value_before(const struct making *m, size_t i)
{
	return m->change->steps[i].from ? m->change->steps[i].from : m->before[i];
}

static bool is_taken_back(const struct making *m, size_t i, size_t failed, bool whole)
{
	const struct step *steps = m->change->steps;

	return whole || i == failed || (!steps[i].back && !steps[failed].back &&
					same_vm(steps[i].setting.vm, steps[failed].setting.vm));
}

/* A thread can only go where its process is. One that moved twice is undone from the later on. */
static void take_threads_back(struct making *m, size_t process, size_t failed, bool whole)
{
	const struct step *steps = m->change->steps;
	size_t i;

	for (i = m->change->nr; i-- > process + 1; )
		if (steps[i].setting.kind == SETTING_THREAD && value_before(m, i) && is_taken_back(m, i, failed, whole))
			setting_write(&steps[i].setting, value_before(m, i));
}

static bool is_harmless(const struct setting *setting, int error)
{
	if (error == ESRCH || error == ENOENT)
		return true;
	/* Its process comes next; the others are tried once more when all threads are where they were. */
	return setting->kind == SETTING_THREAD || (error == EBUSY && is_shared(setting)) ||
	       (error == EINVAL && setting->kind == SETTING_AFFINITY);
}

/* Latest first. */
static void take_back(struct making *m, size_t failed, bool whole)
{
	const struct step *steps = m->change->steps;
	size_t i;

	for (i = failed + 1; i-- > 0; ) {
		const struct setting *setting = &steps[i].setting;

		if (!m->before[i] || !is_taken_back(m, i, failed, whole))
			continue;
		if (write_back(setting, value_before(m, i)) && !is_harmless(setting, errno))
			m->watch->failed(&steps[i], "cannot be taken back", errno, m->watch->data);
		if (setting->kind == SETTING_PROCESS)
			take_threads_back(m, i, failed, whole);
	}
	for (i = failed + 1; i-- > 0; ) {
		if (!m->before[i] || !is_taken_back(m, i, failed, whole))
			continue;
		if (steps[i].setting.kind == SETTING_GROUP || steps[i].setting.kind == SETTING_AFFINITY)
			setting_write(&steps[i].setting, value_before(m, i));
		free(m->before[i]);
		m->before[i] = NULL;
	}
}

/* What is as it was, or gone, needs no line any more. True if a line went. */
static bool settle(struct ledger *ledger)
{
	size_t nr = ledger->originals.nr, i;

	for (i = ledger->originals.nr; i-- > 0; ) {
		struct setting *original = &ledger->originals.list[i];
		char *now = setting_read(original);

		if (now ? !strcmp(now, original->value) : errno == ESRCH || errno == ENOENT)
			settings_remove(&ledger->originals, original);
		free(now);
	}
	return ledger->originals.nr < nr;
}

static void make_all(struct making *m, bool whole, int *failures)
{
	const struct step *steps = m->change->steps;
	size_t i, j;
	int made;

	for (i = 0; i < m->change->nr; i++) {
		if (m->skipped[i])
			continue;
		made = make_step(m, i);
		if (made > 0 && m->watch->made)
			m->watch->made(&steps[i], m->watch->data);
		if (made >= 0)
			continue;
		if (m->unnoted)
			m->watch->unnoted(&steps[i], errno, m->watch->data);
		else
			m->watch->failed(&steps[i], NULL, errno, m->watch->data);
		take_back(m, i, whole);
		if (whole) {
			*failures = -1;
			return;
		}
		++*failures;
		for (j = i + 1; j < m->change->nr; j++)
			m->skipped[j] |= same_vm(steps[j].setting.vm, steps[i].setting.vm);
	}
	if (whole && m->watch->complete && m->watch->complete(m->watch->data)) {
		take_back(m, m->change->nr - 1, true);
		*failures = -1;
	}
}

int change_make(const struct change *change, struct ledger *ledger, bool whole, const struct change_watch *watch)
{
	struct making m = { change, ledger, watch, calloc(change->nr + 1, sizeof(char *)),
			    calloc(change->nr + 1, sizeof(bool)), false };
	int failures = 0;
	size_t i;

	if (m.before && m.skipped)
		make_all(&m, whole, &failures);
	else
		failures = -1;
	if (settle(ledger))
		ledger_write(ledger);
	for (i = 0; m.before && i < change->nr; i++)
		free(m.before[i]);
	free(m.before);
	free(m.skipped);
	return failures;
}
