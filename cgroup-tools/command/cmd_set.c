// SPDX-License-Identifier: GPL-2.0
/* dlspare set VM, dlspare unset VM */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "command/command.h"
#include "command/describe.h"
#include "command/edit.h"
#include "host/names.h"

struct set {
	const char *vm;
	struct edit_process process;
	uint64_t runtime, period;
	struct cpus vcpus;
	struct io_policy io;
	struct target_policy target;
	enum vm_class class;
	bool has_class, has_runtime, has_period, has_vcpus, has_io, has_target, has_devices;
	bool any_device;
	char **devices;
	size_t nr_devices;
};

static int parse_io(struct io_policy *io, const char *text)
{
	char *runtime, *period;
	int code;

	*io = (struct io_policy){ 0 };
	if (!strcmp(text, "keep"))
		return DONE;
	if (!strncmp(text, "housekeeping", 12) && (!text[12] || text[12] == ':')) {
		io->kind = IO_HOUSEKEEPING;
		return text[12] ? edit_cpus("--io", text + 13, &io->cpus) : DONE;
	}
	if (strncmp(text, "deadline:", 9) || !strchr(text, '/'))
		return fail(WRONG_USAGE, "--io '%s': keep, housekeeping[:CPUS] or deadline:RUNTIME/PERIOD", text);
	io->kind = IO_DEADLINE;
	runtime = strdup(text + 9);
	if (!runtime)
		return fail(FAILED, "out of memory");
	period = strchr(runtime, '/');
	*period++ = '\0';
	code = edit_time("--io", runtime, &io->reservation.runtime);
	if (code == DONE)
		code = edit_time("--io", period, &io->reservation.period);
	free(runtime);
	return code;
}

static int parse_target(struct target_policy *target, const char *text)
{
	const char *rule;

	*target = (struct target_policy){ 0 };
	if (!strcmp(text, "none"))
		return DONE;
	if (policy_target(target, text, &rule))
		return DONE;
	return fail(WRONG_USAGE, "--latency '%s': %s, or none", text, rule);
}

static int set_devices(struct vm_policy *vm, const struct set *set)
{
	bool good = true;

	names_free(&vm->devices, &vm->nr_devices);
	vm->any_device = set->any_device;
	for (size_t i = 0; good && i < set->nr_devices; i++)
		good = names_add(&vm->devices, &vm->nr_devices, set->devices[i]);
	return good ? DONE : fail(FAILED, "out of memory");
}

static int set_vm(struct policy *policy, void *data, char **done)
{
	const struct set *set = data;
	struct vm_policy *vm;
	int code;

	vm = edit_vm(policy, set->vm, &set->process, &code);
	if (!vm)
		return code;
	if (set->has_class)
		vm->class = set->class;
	if (set->has_runtime)
		vm->reservation.runtime = set->runtime;
	if (set->has_period)
		vm->reservation.period = set->period;
	if (set->has_vcpus)
		vm->vcpus = set->vcpus;
	if (set->has_io)
		vm->io = set->io;
	if (set->has_target)
		vm->target = set->target;
	code = set->has_devices ? set_devices(vm, set) : DONE;
	*done = describe_vm(policy, vm);
	return code;
}

static int add_device(struct set *set, const char *name)
{
	set->has_devices = true;
	if (strcmp(name, "any") && strcmp(name, "none"))
		return names_add(&set->devices, &set->nr_devices, name) ? DONE : fail(FAILED, "out of memory");
	set->any_device = !strcmp(name, "any");
	names_free(&set->devices, &set->nr_devices);
	return DONE;
}

int cmd_set(int argc, char **argv)
{
	static const struct option list[] = {
		{ "class", required_argument, NULL, 'C' },
		{ "runtime", required_argument, NULL, 'r' },
		{ "period", required_argument, NULL, 'p' },
		{ "vcpu", required_argument, NULL, 'c' },
		{ "io", required_argument, NULL, 'i' },
		{ "latency", required_argument, NULL, 'l' },
		{ "device", required_argument, NULL, 'd' },
		EDIT_PROCESS_OPTIONS,
		{ "dry-run", no_argument, NULL, 'n' },
		{ 0 },
	};
	struct set set = { 0 };
	bool dry_run = false;
	int option, code = DONE;

	opterr = 0;
	while (code == DONE && (option = getopt_long(argc, argv, ":", list, NULL)) != -1) {
		switch (option) {
		case 'C':
			set.has_class = true;
			if (!policy_class(&set.class, optarg))
				code = fail(WRONG_USAGE, "--class '%s': it must be auto, deadline or quota", optarg);
			break;
		case 'r':
			set.has_runtime = true;
			code = edit_time("--runtime", optarg, &set.runtime);
			break;
		case 'p':
			set.has_period = true;
			code = edit_time("--period", optarg, &set.period);
			break;
		case 'c':
			set.has_vcpus = true;
			code = edit_cpus("--vcpu", optarg, &set.vcpus);
			break;
		case 'i':
			set.has_io = true;
			code = parse_io(&set.io, optarg);
			break;
		case 'l':
			set.has_target = true;
			code = parse_target(&set.target, optarg);
			break;
		case 'd':
			code = add_device(&set, optarg);
			break;
		case 'n':
			dry_run = true;
			break;
		default:
			if (!edit_take_process(&set.process, option, optarg, &code))
				code = edit_unknown(argv, option);
		}
	}
	if (code == DONE && argc - optind != 1)
		code = fail(WRONG_USAGE, "set: one VM is needed, not %d; see dlspare set --help", argc - optind);
	if (code == DONE && !(set.has_class || set.has_runtime || set.has_period || set.has_vcpus || set.has_io || set.has_target ||
			      set.has_devices ||
			      set.process.has_pid || set.process.has_uid || set.process.has_group))
		code = fail(WRONG_USAGE, "set: nothing to set; see dlspare set --help");
	if (code == DONE) {
		set.vm = argv[optind];
		code = edit_policy("set", set_vm, &set, dry_run);
	}
	names_free(&set.devices, &set.nr_devices);
	return code;
}

static int unset_vm(struct policy *policy, void *data, char **done)
{
	const char *name = data;

	if (!policy_vm(policy, name))
		return fail(NOT_FOUND, "VM '%s' is not in the policy in force; see dlspare show --file", name);
	policy_remove_vm(policy, name);
	return asprintf(done, "VM '%s' is as before dlspare", name) < 0 ? fail(FAILED, "out of memory") : DONE;
}

int cmd_unset(int argc, char **argv)
{
	bool dry_run = false;
	int code = edit_dry_run(argc, argv, &dry_run);

	if (code != DONE)
		return code;
	if (argc - optind != 1)
		return fail(WRONG_USAGE, "unset: one VM is needed, not %d; see dlspare unset --help", argc - optind);
	return edit_policy("unset", unset_vm, argv[optind], dry_run);
}
