// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "command/top.h"

const struct top_past *top_past_of(const struct top_pasts *pasts, const struct vm *vm)
{
	size_t i;

	for (i = 0; i < pasts->nr; i++)
		if (pasts->list[i].pid == vm->pid && pasts->list[i].start == vm->start)
			return &pasts->list[i];
	return NULL;
}

static void add(struct top_past *past, const struct top_past *before, const struct top_vm *row)
{
	int i;

	past->pid = row->vm->vm->pid;
	past->start = row->vm->vm->start;
	past->p99[0] = row->value[TOP_P99];
	for (i = 1; i < TOP_PAST_MOST; i++)
		past->p99[i] = before ? before->p99[i - 1] : NAN;
}

bool top_past_add(struct top_pasts *pasts, const struct top_picture *picture)
{
	struct top_past *list = calloc(picture->nr_vms + 1, sizeof(*list));
	size_t i;

	if (!list)
		return false;
	for (i = 0; i < picture->nr_vms; i++)
		add(&list[i], top_past_of(pasts, picture->vms[i].vm->vm), &picture->vms[i]);
	free(pasts->list);
	pasts->list = list;
	pasts->nr = picture->nr_vms;
	return true;
}

void top_past_free(struct top_pasts *pasts)
{
	free(pasts->list);
	*pasts = (struct top_pasts){ 0 };
}
