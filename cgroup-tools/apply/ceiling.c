// SPDX-License-Identifier: GPL-2.0
#include "apply/ceiling.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apply/wanted.h"
#include "host/group.h"
#include "host/units.h"

bool ceiling_add(struct ceilings *ceilings, const char *group)
{
	struct ceiling *list;
	char *copy;
	size_t i;

	for (i = 0; group && i < ceilings->nr; i++)
		if (!strcmp(ceilings->list[i].group, group)) {
			ceilings->list[i].vcpus++;
			return true;
		}
	list = group ? reallocarray(ceilings->list, ceilings->nr + 1, sizeof(*list)) : NULL;
	if (!list)
		return false;
	ceilings->list = list;
	copy = strdup(group);
	if (copy)
		list[ceilings->nr++] = (struct ceiling){ copy, 1 };
	return copy;
}

void ceiling_free(struct ceilings *ceilings)
{
	while (ceilings->nr)
		free(ceilings->list[--ceilings->nr].group);
	free(ceilings->list);
	ceilings->list = NULL;
}

char *ceiling_text(struct reservation each, unsigned int vcpus)
{
	char *text;

	return asprintf(&text, "%llu %llu", each.runtime * vcpus / NSEC_PER_USEC, each.period / NSEC_PER_USEC) < 0 ? NULL : text;
}

struct reservation ceiling_each(const char *text, unsigned int vcpus)
{
	uint64_t runtime, period;

	if (!text || !vcpus || sscanf(text, "%" SCNu64 " %" SCNu64, &runtime, &period) != 2)
		return (struct reservation){ 0 };
	return (struct reservation){ runtime * NSEC_PER_USEC / vcpus, period * NSEC_PER_USEC };
}

static bool same(struct reservation a, struct reservation b)
{
	return a.runtime == b.runtime && a.period == b.period;
}

struct reservation ceiling_of(const struct vm_policy *policy, const struct vm *vm)
{
	struct reservation found = { 0 }, each;
	struct ceilings ceilings = { 0 };
	char *group, *text;
	size_t i;

	for (i = 0; i < vm->nr_threads; i++) {
		group = wanted_vcpu(policy, &vm->threads[i]) ? group_of(vm->threads[i].tid) : NULL;
		ceiling_add(&ceilings, group);
		free(group);
	}
	for (i = 0; i < ceilings.nr; i++) {
		text = group_value(ceilings.list[i].group, "cpu.max");
		each = ceiling_each(text, ceilings.list[i].vcpus);
		free(text);
		if (!i || (same(found, policy->reservation) && !same(each, policy->reservation)))
			found = each;
	}
	ceiling_free(&ceilings);
	return found;
}
