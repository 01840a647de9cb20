// SPDX-License-Identifier: GPL-2.0
#include "apply/making.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "host/group.h"

void making_want(struct making *m, enum setting_kind kind, const char *object, const char *name, const char *value)
{
	const struct setting like = { .kind = kind, .object = (char *)object, .name = (char *)name };
	struct setting *same;

	if (!m->good || !object || !value) {
		m->good = false;
		return;
	}
	same = settings_find(m->wanted, &like);
	if (!same)
		m->good = settings_add(m->wanted, kind, object, name, value, m->vm);
}

void making_want_thread(struct making *m, enum setting_kind kind, const struct vm_thread *thread, const char *value)
{
	char *object = setting_thread(thread->tid, thread->start);

	making_want(m, kind, object, "", value);
	free(object);
}

void making_complain(struct making *m, const char *vm, int code, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	m->problem(vm, code, text, m->data);
}

char *making_value_before(const struct making *m, const char *group, const char *file)
{
	const struct setting like = { .kind = SETTING_VALUE, .object = (char *)group, .name = (char *)file };
	struct setting *found = settings_find(m->wanted, &like);

	if (!found)
		found = settings_find(&m->ledger->originals, &like);
	return found ? strdup(found->value) : group_value(group, file);
}

struct cpus making_cpus_before(const struct making *m, const char *group, const char *file)
{
	char *before = making_value_before(m, group, file);
	struct cpus cpus = { 0 };
	const char *rule;

	if (before && !cpus_parse(&cpus, before, &rule))
		memset(&cpus, 0, sizeof(cpus));
	free(before);
	return cpus;
}
