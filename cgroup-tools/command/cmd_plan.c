// SPDX-License-Identifier: GPL-2.0
/*
 * dlspare plan: what a policy promises, and what it would take to promise more, by arithmetic alone. A file and the policy
 * in force are for this host, with its CPUs, limit and fair servers, unless --cpus names others; all else is for one with
 * the usual limit and fair servers. Each vCPU is on one CPU. Of the policy in force the load is measured.
 *
 * The answer is one JSON document; the tables show parts of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apply/chosen.h"
#include "apply/lender.h"
#include "apply/wanted.h"
#include "command/command.h"
#include "command/plan.h"
#include "command/privilege.h"
#include "command/report.h"
#include "host/bandwidth.h"
#include "host/units.h"

/* A VM of so many vCPUs stands for so many VMs. */
static bool make_policy(struct policy *policy, const struct plan_arguments *arguments)
{
	struct pool_policy *pool;
	struct vm_policy *vm = policy_add_vm(policy, "vm");

	if (!vm)
		return false;
	vm->reservation = arguments->own;
	for (unsigned int i = 0; i < arguments->vms; i++)
		cpus_add(&vm->vcpus, i);
	if (!arguments->spare.runtime && !arguments->spare.period)
		return true;
	pool = policy_add_pool(policy, "pool");
	vm->pool = strdup("pool");
	if (!pool || !vm->pool)
		return false;
	vm->borrow.on = true;
	pool->spare = arguments->spare;
	pool->units = arguments->units ? arguments->units : 1;
	return true;
}

static int read_policy(struct policy *policy, const struct plan_arguments *arguments)
{
	struct policy_error error;

	if (!arguments->file) {
		if (!make_policy(policy, arguments))
			return fail(FAILED, "%s", strerror(ENOMEM));
		return policy_check(policy, &error) ? DONE : fail(WRONG_USAGE, "%s", error.text);
	}
	if (access(arguments->file, R_OK))
		return fail(NOT_FOUND, "%s: %s", arguments->file, strerror(errno));
	return policy_read(policy, arguments->file, &error) ? DONE : fail(WRONG_POLICY, "%s", error.text);
}

static int make_host(struct plan *plan)
{
	const struct plan_arguments *arguments = plan->arguments;
	struct wanted_host host;

	plan->host.here = (arguments->file || arguments->live) && cpus_empty(&arguments->cpus);
	if (plan->host.here && !wanted_host(&host))
		return fail(FAILED, "/sys/devices/system/cpu: %s", strerror(errno));
	if (plan->host.here)
		lender_settle(&plan->policy);
	if (plan->host.here && privilege_lack())
		say("without root the fair servers of this host are not seen, and taken to have 5 %% of each CPU");
	if (plan->host.here)
		plan->host = layout_here(&plan->policy, &host.online);
	else
		plan->host = (struct layout_host){ false, arguments->cpus, latency_share(BANDWIDTH_LIMIT) };
	if (arguments->limit.num)
		plan->host.limit = arguments->limit;
	if (cpus_empty(&plan->host.cpus)) {
		cpus_add(&plan->host.cpus, 0);
		for (size_t i = 0; i < plan->policy.nr_pools; i++)
			cpus_unite(&plan->host.cpus, &plan->policy.pools[i].cpus);
	}
	for (size_t i = 0; i < plan->policy.nr_pools; i++)
		if (!cpus_within(&plan->policy.pools[i].cpus, &plan->host.cpus))
			return fail(WRONG_USAGE, "pool '%s' has CPUs that --cpus does not have", plan->policy.pools[i].name);
	return DONE;
}

static int place(struct plan *plan)
{
	struct policy_error error;
	/* What is measured is the policy in force, whose units are chosen. */
	int code = plan->measured ? DONE : chosen_make(&plan->policy, &plan->host, report_chosen, NULL, &error);

	code = code ? code : layout_place(&plan->layout, &plan->policy, &plan->host, &error);
	return code ? fail(code, "%s", error.text) : DONE;
}

static int tell_what_does_not_fit(const struct plan *plan)
{
	const struct layout_cpu *cpu;
	int i = cpus_next(&plan->host.cpus, 0);

	while (fraction_compare(plan->layout.cpus[i].sum, plan->host.limit) <= 0)
		i = cpus_next(&plan->host.cpus, i + 1);
	cpu = &plan->layout.cpus[i];
	return fail(NO_ROOM, "CPU %d: reservations %.4f + units %.4f + fair server %.4f make %.4f, and the limit is %.4f", i,
		    fraction_double(cpu->own), fraction_double(cpu->units), fraction_double(cpu->fair_server),
		    fraction_double(cpu->sum), fraction_double(plan->host.limit));
}

int cmd_plan(int argc, char **argv)
{
	struct plan_arguments arguments = {
		.limit = { 0, 1 }, .rate = -1, .latency = UINT64_MAX, .blocking = 0.001, .switch_cost = 5 * NSEC_PER_USEC, .overhead = { 1, 100 },
	};
	struct plan *plan = calloc(1, sizeof(*plan));
	json_t *document = NULL;
	bool help = false, fits;
	int code;

	if (!plan)
		return fail(FAILED, "%s", strerror(ENOMEM));
	plan->arguments = &arguments;
	policy_init(&plan->policy);
	code = plan_parse(&arguments, argc, argv, &help);
	if (code || help)
		goto out;
	code = arguments.live ? plan_measure(plan) : read_policy(&plan->policy, &arguments);
	code = code ? code : make_host(plan);
	code = code ? code : place(plan);
	if (code)
		goto out;
	document = plan_document(plan, &fits);
	if (!document)
		code = fail(FAILED, "plan: out of memory");
	else if (!plan_print(document, arguments.formulas))
		code = fail(FAILED, "plan: cannot be printed: %s", strerror(errno));
	report_promises(&plan->policy);
	if (document && code == DONE && !fits)
		code = tell_what_does_not_fit(plan);
out:
	json_decref(document);
	plan_free_arguments(&arguments);
	policy_free(&plan->policy);
	free(plan->measured);
	layout_free(&plan->layout);
	free(plan);
	return code;
}
