// SPDX-License-Identifier: GPL-2.0
/* Writes a policy as it is read. */
#include "policy/policy.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

#include "host/units.h"
#include "policy/inside.h"

static void write_quoted(FILE *file, const char *text)
{
	putc('"', file);
	for (; *text; text++) {
		if (iscntrl((unsigned char)*text))
			fprintf(file, "\\x%02x", (unsigned char)*text);
		else
			fprintf(file, "%s%c", *text == '"' || *text == '\\' ? "\\" : "", *text);
	}
	putc('"', file);
}

static void write_text(FILE *file, const char *key, const char *text)
{
	fprintf(file, " %s = ", key);
	write_quoted(file, text);
	putc(';', file);
}

static void write_reservation(FILE *file, const struct reservation *reservation)
{
	if (!reservation_none(*reservation))
		fprintf(file, " runtime = \"%s\"; period = \"%s\";", TIME(reservation->runtime),
			TIME(reservation->period));
}

/* False without memory. */
static bool write_cpus(FILE *file, const char *key, const struct cpus *cpus)
{
	char *list;

	if (cpus_empty(cpus))
		return true;
	list = cpus_print(cpus);
	if (!list)
		return false;
	write_text(file, key, list);
	free(list);
	return true;
}

/* What was chosen is a comment: it is chosen again. */
static void write_automatic(FILE *file, const struct pool_policy *pool)
{
	write_text(file, "spare", "auto");
	if (!reservation_none(pool->spare))
		fprintf(file, " /* runtime %s, period %s, units %u */", TIME(pool->spare.runtime), TIME(pool->spare.period), pool->units);
}

static bool write_pool(FILE *file, const struct pool_policy *pool)
{
	bool good;

	write_text(file, "name", pool->name);
	if (pool->automatic)
		write_automatic(file, pool);
	else
		write_reservation(file, &pool->spare);
	if (!pool->automatic && (pool->units || !reservation_none(pool->spare)))
		fprintf(file, " units = %u;", pool->units);
	good = write_cpus(file, "cpus", &pool->cpus);
	if (pool->exclusive)
		fputs(" exclusive = true;", file);
	if (pool->edf)
		write_text(file, "edf", policy_edf_names[pool->edf]);
	if (pool->group)
		write_text(file, "group", pool->group);
	return good;
}

static const char *truth(bool value)
{
	return value ? "true" : "false";
}

static void write_borrow(FILE *file, const struct borrow_policy *borrow)
{
	fprintf(file, "\n    borrow = { on = %s; chances = ", truth(borrow->on));
	if (borrow->chances)
		fprintf(file, "%u", borrow->chances);
	else
		fputs("\"max\"", file);
	fprintf(file, "; charge = %s; reply = %s; linger = \"%s\"; timer = %s; };", truth(borrow->charge), truth(borrow->reply),
		TIME(borrow->linger), truth(borrow->timer));
}

static bool write_target(FILE *file, const struct target_policy *target)
{
	char *text;

	if (!target->latency)
		return true;
	text = policy_target_text(target);
	if (!text)
		return false;
	write_text(file, "latency", text);
	free(text);
	return true;
}

static bool write_io(FILE *file, const struct io_policy *io)
{
	bool good;

	if (io->kind == IO_KEEP && cpus_empty(&io->cpus) && reservation_none(io->reservation))
		return true;
	fprintf(file, "\n    io = { policy = \"%s\";", policy_io_names[io->kind]);
	good = write_cpus(file, "cpus", &io->cpus);
	write_reservation(file, &io->reservation);
	fputs(" };", file);
	return good;
}

static void write_devices(FILE *file, const struct vm_policy *vm)
{
	if (vm->any_device)
		fputs("\n    devices = \"any\";", file);
	for (size_t i = 0; i < vm->nr_devices; i++) {
		fputs(i ? ", " : "\n    devices = ( ", file);
		write_quoted(file, vm->devices[i]);
	}
	if (vm->nr_devices)
		fputs(" );", file);
}

static void write_process(FILE *file, const struct process_policy *process)
{
	if (process->pid)
		fprintf(file, " pid = %d;", (int)process->pid);
	if (process->uid != -1)
		fprintf(file, " uid = %" PRId64 ";", process->uid);
	if (process->group)
		write_text(file, "group", process->group);
}

static bool write_vm(FILE *file, const struct vm_policy *vm)
{
	bool good;

	write_text(file, "name", vm->name);
	write_process(file, &vm->process);
	if (vm->class)
		write_text(file, "class", policy_class_names[vm->class]);
	write_reservation(file, &vm->reservation);
	good = write_cpus(file, "vcpus", &vm->vcpus);
	if (vm->pool) {
		write_text(file, "pool", vm->pool);
		write_borrow(file, &vm->borrow);
	}
	good &= write_target(file, &vm->target);
	if (vm->rate)
		fprintf(file, " rate = %u;", vm->rate);
	good &= write_io(file, &vm->io);
	write_devices(file, vm);
	return good;
}

int policy_write(const struct policy *policy, FILE *file)
{
	bool good = true;

	fprintf(file, "hrtick = %s;\n", truth(policy->hrtick));
	if (policy->lender)
		fprintf(file, "lender = \"%s\";\n", policy_lender_names[policy->lender]);
	fputs("pools = (", file);
	for (size_t i = 0; i < policy->nr_pools; i++) {
		fputs(i ? ",\n  {" : "\n  {", file);
		good &= write_pool(file, &policy->pools[i]);
		fputs(" }", file);
	}
	fputs("\n);\nvms = (", file);
	for (size_t i = 0; i < policy->nr_vms; i++) {
		fputs(i ? ",\n  {" : "\n  {", file);
		good &= write_vm(file, &policy->vms[i]);
		fputs(" }", file);
	}
	fputs("\n);\n", file);
	return good && !fflush(file) && !ferror(file) ? 0 : -1;
}

char *policy_text(const struct policy *policy)
{
	char *text = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);

	if (!file)
		return NULL;
	if (!(policy_write(policy, file) | fclose(file)))
		return text;
	free(text);
	return NULL;
}
