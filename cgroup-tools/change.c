// SPDX-License-Identifier: GPL-2.0
#include "change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "group.h"
#include "thread.h"

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

static bool is_threads(const struct setting *setting)
{
	return setting->kind == SETTING_CLASS || setting->kind == SETTING_AFFINITY;
}

static bool is_made_here(const struct setting *original)
{
	return original->kind == SETTING_GROUP && !strcmp(original->value, "none");
}

/* Is anything of it in the group now? */
static bool is_inside(const struct setting *setting, const char *group)
{
	char *place = is_place(setting) ? setting_read(setting) : is_threads(setting) ? group_of(setting_tid(setting)) : NULL;
	bool inside = group_within(place ? place : setting->object, group);

	free(place);
	return inside;
}

/* A cpuset with SCHED_DEADLINE threads in it keeps its CPUs: to get others it must be left, and made anew. */
static bool is_rebuilt(const struct setting *wanted, const struct ledger *ledger)
{
	char *now;
	bool changes;

	if (wanted->kind != SETTING_VALUE || strcmp(wanted->name, "cpuset.cpus") ||
	    !settings_find(&ledger->originals, wanted))
		return false;
	now = setting_read(wanted);
	changes = now && strcmp(now, wanted->value);
	free(now);
	return changes;
}

static bool leaves(const struct setting *original, const char *group)
{
	char *above;
	bool inside;

	if (!is_place(original))
		return is_inside(original, group);
	/* A process and its other threads are in the group above. */
	above = group_parent(group);
	inside = above && is_inside(original, above);
	free(above);
	return inside;
}

/* Which of the ledger's are put back: those that are wanted no more, and what is in groups that go or are made anew. */
static bool *find_returns(const struct settings *wanted, const struct ledger *ledger)
{
	const struct settings *originals = &ledger->originals;
	bool *returns = calloc(originals->nr + 1, sizeof(*returns));
	size_t i, j;

	for (i = 0; returns && i < originals->nr; i++)
		returns[i] = !settings_find(wanted, &originals->list[i]);
	/* Where a thread is now is read from /proc: only for those of which it is not known yet. */
	for (i = 0; returns && i < originals->nr; i++) {
		if (!returns[i] || !is_made_here(&originals->list[i]))
			continue;
		for (j = 0; j < originals->nr; j++)
			returns[j] = returns[j] || (is_place(&originals->list[j]) &&
						    is_inside(&originals->list[j], originals->list[i].object));
	}
	for (i = 0; returns && i < wanted->nr; i++) {
		if (!is_rebuilt(&wanted->list[i], ledger))
			continue;
		for (j = 0; j < originals->nr; j++)
			returns[j] = returns[j] || leaves(&originals->list[j], wanted->list[i].object);
	}
	return returns;
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

static bool plan_set(struct change *change, const struct setting *setting, const struct setting *back, bool shrink)
{
	char *now = back ? strdup(back->value) : setting_read(setting);
	bool good = true, shrinks;

	/* A thread that is gone needs nothing; a group that is not there yet is made by an earlier step. */
	if (!now && errno == ESRCH)
		return true;
	shrinks = now && !back && setting_shrinks(setting, now, setting->value);
	if (shrink == shrinks && (!now || strcmp(now, setting->value)))
		good = add_step(change, setting, setting->value, now, false);
	free(now);
	return good;
}

static bool plan_all_sets(struct change *change, const struct settings *wanted, const struct ledger *ledger,
			  const bool *returns, bool shrink)
{
	const struct setting *original;
	bool good = true;
	size_t i;

	for (i = 0; good && i < wanted->nr; i++) {
		original = settings_find(&ledger->originals, &wanted->list[i]);
		if (original && !returns[original - ledger->originals.list])
			original = NULL;
		good = plan_set(change, &wanted->list[i], original, shrink);
	}
	return good;
}

bool change_plan(struct change *change, const struct settings *wanted, const struct ledger *ledger)
{
	bool *returns = find_returns(wanted, ledger), good;
	enum pass pass;
	size_t i;

	*change = (struct change){ 0 };
	good = returns && plan_all_sets(change, wanted, ledger, returns, true);
	for (pass = SHRINKING; pass <= REST; pass++)
		for (i = ledger->originals.nr; good && i-- > 0; )
			if (returns[i])
				good = plan_back(change, &ledger->originals.list[i], pass);
	good = good && plan_all_sets(change, wanted, ledger, returns, false);
	if (!good)
		change_free(change);
	free(returns);
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

void change_print(const struct change *change, FILE *file)
{
	size_t i;

	for (i = 0; i < change->nr; i++) {
		setting_describe(file, &change->steps[i].setting, change->steps[i].setting.value);
		putc('\n', file);
	}
}

/* --- making --- */

struct making {
	const struct change *change;
	struct ledger *ledger;
	const struct change_watch *watch;
	char **before;			/* of each step the value it replaced; NULL: not made */
	bool *skipped;
};

static bool same_vm(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

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
		if (is_made_here(&ledger->originals.list[i]) && group_within(original, ledger->originals.list[i].object))
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

	if (!now)
		return errno == ESRCH || (step->back && errno == ENOENT) ? 0 : -1;
	if (!strcmp(now, setting->value)) {
		free(now);
		return 0;
	}
	if (!step->back && ((setting->kind == SETTING_PROCESS && note_threads(m, i)) || note(m->ledger, step, now)))
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
	/* Its process comes next; a group is tried once more when all threads have left. */
	return setting->kind == SETTING_THREAD || (error == EBUSY && is_shared(setting));
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
		if (steps[i].setting.kind == SETTING_GROUP)
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
}

int change_make(const struct change *change, struct ledger *ledger, bool whole, const struct change_watch *watch)
{
	struct making m = { change, ledger, watch, calloc(change->nr + 1, sizeof(char *)),
			    calloc(change->nr + 1, sizeof(bool)) };
	int failures = 0;
	size_t i;

	if (m.before && m.skipped)
		make_all(&m, whole, &failures);
	else
		failures = -1;
	if (settle(ledger) && ledger_write(ledger) && !failures)
		failures = -1;
	for (i = 0; m.before && i < change->nr; i++)
		free(m.before[i]);
	free(m.before);
	free(m.skipped);
	return failures;
}
