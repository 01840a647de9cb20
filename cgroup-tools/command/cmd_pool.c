// SPDX-License-Identifier: GPL-2.0
/* dlspare pool create, set, delete, show */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "command/command.h"
#include "command/describe.h"
#include "command/edit.h"
#include "command/state.h"

struct pool_edit {
	const char *name;
	bool is_new;
	uint64_t runtime, period, units;
	struct cpus cpus;
	bool exclusive;
	enum edf edf;			/* EDF_DEFAULT: not given */
	const char *group;
	bool has_runtime, has_period, has_units, has_cpus, has_exclusive, automatic;
};

/* What is chosen takes the place of what was given, and the other way round. */
static void be_automatic(struct pool_policy *pool, bool automatic)
{
	pool->automatic = automatic;
	if (automatic) {
		pool->spare = (struct reservation){ 0 };
		pool->units = 0;
	}
}

static int edit_pool(struct policy *policy, void *data, char **done)
{
	const struct pool_edit *edit = data;
	struct pool_policy *pool = policy_pool(policy, edit->name);

	if (edit->is_new && pool)
		return fail(WRONG_USAGE, "there is a pool '%s' already; see dlspare pool set", edit->name);
	if (!edit->is_new && !pool)
		return fail(NOT_FOUND, "there is no pool '%s'; see dlspare pool show", edit->name);
	if (!pool)
		pool = policy_add_pool(policy, edit->name);
	if (!pool)
		return fail(FAILED, "out of memory");
	if (edit->automatic || edit->has_runtime || edit->has_period || edit->has_units)
		be_automatic(pool, edit->automatic);
	if (edit->has_runtime)
		pool->spare.runtime = edit->runtime;
	if (edit->has_period)
		pool->spare.period = edit->period;
	if (edit->has_units)
		pool->units = edit->units;
	else if (pool->spare.runtime && !pool->units)
		pool->units = 1;
	if (edit->has_cpus)
		pool->cpus = edit->cpus;
	if (edit->has_exclusive)
		pool->exclusive = edit->exclusive;
	if (edit->edf)
		pool->edf = edit->edf;
	if (edit->group) {
		free(pool->group);
		pool->group = strdup(edit->group);
		if (!pool->group)
			return fail(FAILED, "out of memory");
	}
	*done = describe_pool(pool);
	return DONE;
}

static int delete_pool(struct policy *policy, void *data, char **done)
{
	const struct pool_edit *edit = data;
	size_t i;

	if (!policy_pool(policy, edit->name))
		return fail(NOT_FOUND, "there is no pool '%s'; see dlspare pool show", edit->name);
	for (i = 0; i < policy->nr_vms; i++)
		if (policy->vms[i].pool && !strcmp(policy->vms[i].pool, edit->name))
			return fail(WRONG_USAGE, "pool '%s' is assigned to VM '%s': dlspare assign '%s' none, first",
				    edit->name, policy->vms[i].name, policy->vms[i].name);
	policy_remove_pool(policy, edit->name);
	return asprintf(done, "pool '%s' is gone", edit->name) < 0 ? fail(FAILED, "out of memory") : DONE;
}

static int parse_edf(struct pool_edit *edit, const char *text)
{
	return policy_edf(&edit->edf, text) ? DONE :
	       fail(WRONG_USAGE, "--edf '%s': it must be partitioned or global", text);
}

int cmd_pool(int argc, char **argv)
{
	static const struct option list[] = {
		{ "spare", required_argument, NULL, 'a' },
		{ "runtime", required_argument, NULL, 'r' },
		{ "period", required_argument, NULL, 'p' },
		{ "units", required_argument, NULL, 'u' },
		{ "cpus", required_argument, NULL, 'c' },
		{ "exclusive", no_argument, NULL, 'x' },
		{ "shared", no_argument, NULL, 's' },
		{ "edf", required_argument, NULL, 'e' },
		{ "group", required_argument, NULL, 'g' },
		{ "dry-run", no_argument, NULL, 'n' },
		{ 0 },
	};
	struct pool_edit edit = { 0 };
	bool dry_run = false, any = false;
	int option, code = DONE;
	const char *verb;
	char command[16];

	opterr = 0;
	while (code == DONE && (option = getopt_long(argc, argv, ":", list, NULL)) != -1) {
		any |= option != 'n';
		switch (option) {
		case 'a':
			edit.automatic = !strcmp(optarg, "auto");
			if (!edit.automatic)
				code = fail(WRONG_USAGE, "--spare '%s': it must be auto, or --runtime and --period in its place", optarg);
			break;
		case 'r':
			edit.has_runtime = true;
			code = edit_time("--runtime", optarg, &edit.runtime);
			break;
		case 'p':
			edit.has_period = true;
			code = edit_time("--period", optarg, &edit.period);
			break;
		case 'u':
			edit.has_units = true;
			code = edit_number("--units", optarg, 1, POLICY_UNITS_MAX, &edit.units);
			break;
		case 'c':
			edit.has_cpus = true;
			code = edit_cpus("--cpus", optarg, &edit.cpus);
			break;
		case 'x':
		case 's':
			edit.has_exclusive = true;
			edit.exclusive = option == 'x';
			break;
		case 'e':
			code = parse_edf(&edit, optarg);
			break;
		case 'g':
			edit.group = optarg;
			break;
		case 'n':
			dry_run = true;
			break;
		default:
			code = edit_unknown(argv, option);
		}
	}
	if (code != DONE)
		return code;
	verb = optind < argc ? argv[optind++] : "";
	edit.name = optind < argc ? argv[optind++] : NULL;
	if (optind < argc)
		return fail(WRONG_USAGE, "pool: '%s' is one word too many; see dlspare pool --help", argv[optind]);
	if (!strcmp(verb, "show") && !any)
		return state_show_pools(edit.name);
	edit.is_new = !strcmp(verb, "create");
	if (!edit.is_new && strcmp(verb, "set") && (strcmp(verb, "delete") || any))
		return fail(WRONG_USAGE, "pool %s: create, set, delete or show; see dlspare pool --help", verb);
	if (!edit.name)
		return fail(WRONG_USAGE, "pool %s: its name is missing; see dlspare pool --help", verb);
	snprintf(command, sizeof(command), "pool %s", verb);
	return edit_policy(command, strcmp(verb, "delete") ? edit_pool : delete_pool, &edit, dry_run);
}
