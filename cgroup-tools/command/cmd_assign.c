// SPDX-License-Identifier: GPL-2.0
/* dlspare assign VM POOL */
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "command/command.h"
#include "command/describe.h"
#include "command/edit.h"

/* The options that were given; -1: not. */
struct assign {
	const char *vm;
	const char *pool;
	struct edit_process process;
	int on, charge, reply, timer;
	int64_t chances, linger;
};

static int assign_vm(struct policy *policy, void *data, char **done)
{
	const struct assign *assign = data;
	struct vm_policy *vm;
	char *pool = NULL;
	int code;

	vm = edit_vm(policy, assign->vm, &assign->process, &code);
	if (!vm)
		return code;
	if (!strcmp(assign->pool, "none")) {
		free(vm->pool);
		vm->pool = NULL;
		vm->borrow.on = false;
		*done = describe_vm(policy, vm);
		/* A VM that has nothing else needs no entry. */
		if (!vm->reservation.runtime && vm->io.kind == IO_KEEP)
			policy_remove_vm(policy, assign->vm);
		return DONE;
	}
	if (!policy_pool(policy, assign->pool))
		return fail(NOT_FOUND, "there is no pool '%s'; see dlspare pool show", assign->pool);
	pool = strdup(assign->pool);
	if (!pool)
		return fail(FAILED, "out of memory");
	/* A VM that gets a pool wants to borrow from it; one that has it keeps what it was told. */
	if (!vm->pool)
		vm->borrow.on = true;
	free(vm->pool);
	vm->pool = pool;
	if (assign->on >= 0)
		vm->borrow.on = assign->on;
	if (assign->charge >= 0)
		vm->borrow.charge = assign->charge;
	if (assign->reply >= 0)
		vm->borrow.reply = assign->reply;
	if (assign->timer >= 0)
		vm->borrow.timer = assign->timer;
	if (assign->chances >= 0)
		vm->borrow.chances = assign->chances;
	if (assign->linger >= 0)
		vm->borrow.linger = assign->linger;
	*done = describe_vm(policy, vm);
	return DONE;
}

int cmd_assign(int argc, char **argv)
{
	static const struct option list[] = {
		{ "chances", required_argument, NULL, 'c' },
		{ "charge", no_argument, NULL, 'h' },
		{ "no-charge", no_argument, NULL, 'H' },
		{ "reply", no_argument, NULL, 'r' },
		{ "no-reply", no_argument, NULL, 'R' },
		{ "linger", required_argument, NULL, 'l' },
		{ "timer", no_argument, NULL, 't' },
		{ "no-timer", no_argument, NULL, 'T' },
		{ "on", no_argument, NULL, 'o' },
		{ "off", no_argument, NULL, 'O' },
		EDIT_PROCESS_OPTIONS,
		{ "dry-run", no_argument, NULL, 'n' },
		{ 0 },
	};
	struct assign assign = { .on = -1, .charge = -1, .reply = -1, .timer = -1, .chances = -1, .linger = -1 };
	bool dry_run = false;
	uint64_t number = 0;
	int option, code = DONE;

	opterr = 0;
	while (code == DONE && (option = getopt_long(argc, argv, ":", list, NULL)) != -1) {
		switch (option) {
		case 'c':
			/* 0 is "max". */
			if (strcmp(optarg, "max"))
				code = edit_number("--chances", optarg, 1, INT_MAX, &number);
			assign.chances = strcmp(optarg, "max") ? (int64_t)number : 0;
			break;
		case 'h':
		case 'H':
			assign.charge = option == 'h';
			break;
		case 'r':
		case 'R':
			assign.reply = option == 'r';
			break;
		case 't':
		case 'T':
			assign.timer = option == 't';
			break;
		case 'l':
			code = edit_time("--linger", optarg, &number);
			assign.linger = number;
			break;
		case 'o':
		case 'O':
			assign.on = option == 'o';
			break;
		case 'n':
			dry_run = true;
			break;
		default:
			if (!edit_take_process(&assign.process, option, optarg, &code))
				code = edit_unknown(argv, option);
		}
	}
	if (code != DONE)
		return code;
	if (argc - optind != 2)
		return fail(WRONG_USAGE, "assign: a VM and a pool (or none) are needed; see dlspare assign --help");
	assign.vm = argv[optind];
	assign.pool = argv[optind + 1];
	return edit_policy("assign", assign_vm, &assign, dry_run);
}
