// SPDX-License-Identifier: GPL-2.0
#include "command/describe.h"

#include <stdlib.h>

#include "apply/lender.h"
#include "host/units.h"

/* "40ms in every 100ms" */
static void put_reservation(FILE *file, struct reservation reservation)
{
	char runtime[UNITS_TEXT], period[UNITS_TEXT];

	fprintf(file, "%s in every %s", units_print(runtime, reservation.runtime), units_print(period, reservation.period));
}

/* "all CPUs", "CPU 1", "vCPUs 0-3" */
static void put_list(FILE *file, const char *what, const struct cpus *cpus)
{
	char *list = cpus_empty(cpus) ? NULL : cpus_print(cpus);

	if (list)
		fprintf(file, "%s%s %s", what, cpus_count(cpus) == 1 ? "" : "s", list);
	else
		fprintf(file, "all %ss", what);
	free(list);
}

static void put_io(FILE *file, const struct io_policy *io)
{
	switch (io->kind) {
	case IO_KEEP:
		return;
	case IO_HOUSEKEEPING:
		fputs(", I/O threads on ", file);
		if (cpus_empty(&io->cpus))
			fputs("the CPUs that exclusive pools leave", file);
		else
			put_list(file, "CPU", &io->cpus);
		return;
	case IO_DEADLINE:
		fputs(", ", file);
		put_reservation(file, io->reservation);
		fputs(" for each I/O thread", file);
	}
}

/* An entry, and its policy. */
struct vm_in_policy {
	const struct policy *policy;
	const struct vm_policy *vm;
};

static void put_vm(FILE *file, const void *what)
{
	const struct vm_in_policy *in = what;
	const struct vm_policy *vm = in->vm;
	size_t i;

	fprintf(file, "VM '%s': ", vm->name);
	if (vm->reservation.runtime) {
		fputs(lender_class(in->policy, vm) == CLASS_QUOTA ? "at most " : "", file);
		put_reservation(file, vm->reservation);
		fputs(" for each of ", file);
		put_list(file, "vCPU", &vm->vcpus);
	} else {
		fputs("no reservation", file);
	}
	if (vm->pool)
		fprintf(file, vm->borrow.on ? ", borrows from pool '%s'" : ", in pool '%s' without loans", vm->pool);
	if (vm->target.latency) {
		char *target = policy_target_text(&vm->target);

		fprintf(file, ", events within %s", target ? target : "?");
		free(target);
	}
	put_io(file, &vm->io);
	if (vm->any_device)
		fputs(", events from all its devices", file);
	for (i = 0; i < vm->nr_devices; i++)
		fprintf(file, "%s%s", i ? ", " : ", events from ", vm->devices[i]);
}

static void put_pool(FILE *file, const void *what)
{
	const struct pool_policy *pool = what;

	fprintf(file, "pool '%s': ", pool->name);
	if (pool->automatic)
		fputs("units chosen from latencies, on ", file);
	if (pool->spare.runtime) {
		fprintf(file, "%u unit%s of ", pool->units, pool->units == 1 ? "" : "s");
		put_reservation(file, pool->spare);
		fputs(cpus_count(&pool->cpus) == 1 ? " on " : " on each of ", file);
	}
	put_list(file, "CPU", &pool->cpus);
	if (pool->exclusive)
		fputs(", exclusive", file);
	if (pool->group)
		fprintf(file, ", group %s", pool->group);
}

static char *text_of(void (*put)(FILE *file, const void *what), const void *what)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		return NULL;
	put(file, what);
	if (!fclose(file))
		return text;
	free(text);
	return NULL;
}

char *describe_vm(const struct policy *policy, const struct vm_policy *vm)
{
	return text_of(put_vm, &(struct vm_in_policy){ policy, vm });
}

char *describe_pool(const struct pool_policy *pool)
{
	return text_of(put_pool, pool);
}
