// SPDX-License-Identifier: GPL-2.0
/* dlspare validate FILE */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "apply/admission.h"
#include "apply/chosen.h"
#include "apply/lender.h"
#include "apply/claim.h"
#include "apply/others.h"
#include "apply/starving.h"
#include "apply/wanted.h"
#include "command/command.h"
#include "command/output.h"
#include "command/privilege.h"
#include "command/report.h"
#include "host/group.h"
#include "host/host.h"
#include "host/kernel.h"

static json_t *domain_json(const struct admission_domain *domain)
{
	json_t *parts = json_array();
	char *list = cpus_print(&domain->cpus);
	json_t *json;
	size_t i;

	for (i = 0; i < domain->nr_parts; i++)
		json_array_append_new(parts, json_pack("{s:o, s:b, s:f}", "what", output_json_text(domain->parts[i].text), "ceiling",
						       domain->parts[i].kind == ADMISSION_CEILING, "share",
						       fraction_double(domain->parts[i].sum)));
	json = json_pack("{s:s?, s:s, s:f, s:f, s:f, s:o}", "pool", domain->pool ? domain->pool->name : NULL, "cpus", list ? list : "",
			 "sum", fraction_double(domain->sum), "limit", fraction_double(domain->room),
			 "promised", fraction_double(domain->promised), "parts", parts);
	free(list);
	return json;
}

/* Of the policy's VMs that run. */
static json_t *quotas_json(const struct policy *policy, const struct vms *vms)
{
	json_t *list = json_array();
	const struct vm *vm;
	json_t *quota;
	size_t i;

	for (i = 0; i < policy->nr_vms; i++) {
		vm = vms_named(vms, policy->vms[i].name);
		quota = vm ? output_json_quota(vm, policy->vms[i].class == CLASS_QUOTA) : json_null();
		if (!json_is_null(quota))
			json_array_append_new(list, json_pack("{s:o, s:O}", "vm", output_json_text(vm->name), "quota", quota));
		json_decref(quota);
	}
	return list;
}

static int print_json(const struct admission *admission, json_t *quotas)
{
	json_t *domains = json_array();
	size_t i;

	for (i = 0; i < admission->nr_domains; i++)
		json_array_append_new(domains, domain_json(&admission->domains[i]));
	return output_json("validate", json_pack("{s:b, s:o, s:o}", "fits", (int)admission->fits, "domains", domains, "quotas", quotas));
}

static bool has_ceilings(const struct admission_domain *domain)
{
	size_t i;

	for (i = 0; i < domain->nr_parts && domain->parts[i].kind != ADMISSION_CEILING; i++)
		;
	return i < domain->nr_parts;
}

static void print(const struct admission *admission)
{
	size_t i, j;

	for (i = 0; i < admission->nr_domains; i++) {
		const struct admission_domain *domain = &admission->domains[i];
		char *list = cpus_print(&domain->cpus);

		printf("CPU %s%s%s%s: %.4f of %.4f\n", list ? list : "?", domain->pool ? ", pool '" : "",
		       domain->pool ? domain->pool->name : "", domain->pool ? "'" : "", fraction_double(domain->sum),
		       fraction_double(domain->room));
		if (has_ceilings(domain))
			printf("  with ceilings, which are no reservations: %.4f of %u\n", fraction_double(domain->promised),
			       cpus_count(&domain->cpus));
		for (j = 0; j < domain->nr_parts; j++)
			printf("  %.4f  %s\n", fraction_double(domain->parts[j].sum), domain->parts[j].text);
		free(list);
	}
}

static void starves(const char *text, void *data)
{
	(void)data;
	say("%s", text);
}

static void problem(const char *vm, int code, const char *text, void *data)
{
	int *first = data;

	if (code == DONE)
		say("%s", text);
	else
		fail(code, "%s%s%s%s", vm ? "VM '" : "", vm ? vm : "", vm ? "': " : "", text);
	if (*first == DONE)
		*first = code;
}

int cmd_validate(int argc, char **argv)
{
	struct ledger ledger = { 0 };
	const char *lack = privilege_lack();
	struct others others;
	char unread[256];
	struct admission admission = { 0 };
	struct settings wanted = { 0 };
	struct policy_error error;
	struct wanted_host host;
	struct policy policy;
	struct vms vms = { 0 };
	int code = DONE;
	size_t i;

	if (argc != 2)
		return fail(WRONG_USAGE, "validate: one file is needed; see dlspare validate --help");
	if (!policy_read(&policy, argv[1], &error))
		return fail(host_exists(argv[1]) ? WRONG_POLICY : NOT_FOUND, "%s", error.text);
	if (group_start())
		code = fail(MISSING, "no control groups, version 2: %s", strerror(errno));
	else if (!wanted_host(&host) || claim_find(&vms, &policy))
		code = fail(FAILED, "cannot look at this host: %s", strerror(errno));
	if (code == DONE) {
		lender_settle(&policy);
		code = chosen_here(&policy, policy.nr_vms, report_chosen, NULL, &error);
		if (code != DONE)
			fail(code, "%s", error.text);
	}
	if (code != DONE)
		goto out;
	/* Without it all deadline threads are others'; doctor says what is wrong with it. */
	ledger_read(&ledger, unread, sizeof(unread));
	report_refused(&vms, &policy);
	if (policy.lender == LENDER_KERNEL && kernel_spare() == KERNEL_NO)
		say("this kernel has no spare reservations: a pool with runtime and period would be refused");
	else if (lender_wanted(&policy))
		say("dlspare-lender lends: it runs while dlspared does");
	if (!admission_make(&admission, &policy, &vms, &host) ||
	    !wanted_make(&wanted, &policy, &vms, &host, &admission, &ledger, problem, &code)) {
		code = fail(FAILED, "out of memory");
		goto out;
	}
	if (lack)
		say("%s", lack);
	others_find(&others, &ledger);
	if (others.nr)
		say("beside these sums, %s", others.text);
	report_ceilings(&policy);
	report_promises(&policy);
	starving_find(&policy, &vms, &admission, starves, NULL);
	if (options.json && print_json(&admission, quotas_json(&policy, &vms)) != DONE)
		code = FAILED;
	else if (!options.json && !options.quiet)
		print(&admission);
	for (i = 0; i < policy.nr_vms; i++)
		output_say_quota(vms_named(&vms, policy.vms[i].name), policy.vms[i].class == CLASS_QUOTA);
	if (!admission.fits)
		code = fail(NO_ROOM, "%s", admission.text);
out:
	settings_free(&wanted);
	ledger_free(&ledger);
	admission_free(&admission);
	vms_free(&vms);
	policy_free(&policy);
	return code;
}
