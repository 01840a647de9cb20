// SPDX-License-Identifier: GPL-2.0
/* Who lends on this host: the policy in force may say, or the kernel decides. */
#include "command/doctor.h"

#include "apply/lender.h"
#include "apply/store.h"
#include "host/proc.h"
#include "observe/hooks.h"

static const char *reason(const struct doctor *doctor, const struct policy *policy)
{
	if (policy->lender != LENDER_AUTO)
		return "as the policy says";
	switch (doctor->spare) {
	case KERNEL_YES:
		return "as this kernel has spare reservations";
	case KERNEL_NO:
		return "as this kernel has no spare reservations";
	default:
		return "if this kernel has spare reservations";
	}
}

static void check_kernel(struct doctor *doctor, const char *why)
{
	if (doctor->spare == KERNEL_NO)
		doctor_tell(doctor, DOCTOR_LACKING, "lender", "the kernel is to lend, %s, and has no spare reservations: leave lender out of the "
			    "configuration, and dlspare-lender lends", why);
	else
		doctor_tell(doctor, DOCTOR_FINE, "lender", "the kernel lends, %s", why);
}

/* What it looks into is the same as dlspare observe does. */
static void check_daemon(struct doctor *doctor, const char *why, bool wanted)
{
	char error[RESULT_ERROR];
	struct hooks hooks;

	if (hooks_find(&hooks, error) != DONE)
		doctor_tell(doctor, DOCTOR_LACKING, "lender", "dlspare-lender is to lend, %s, and cannot: %s", why, error);
	else if (wanted && !proc_runs("dlspare-lender"))
		doctor_tell(doctor, DOCTOR_WARNING, "lender", "dlspare-lender is to lend, %s, and does not run: dlspared starts it: systemctl enable "
			    "--now dlspared, and journalctl -u dlspared says why if that does not help", why);
	else
		doctor_tell(doctor, DOCTOR_FINE, "lender", "dlspare-lender lends, %s, to VMs with a ceiling (cpu.max)%s", why,
			    wanted ? "" : "; no pool has units");
}

void doctor_lender(struct doctor *doctor)
{
	struct policy_error error;
	struct policy policy;

	/* What is wrong with it, another check tells. */
	if (!store_load(&policy, &error))
		policy_init(&policy);
	if (lender_of(&policy) == LENDER_DAEMON)
		check_daemon(doctor, reason(doctor, &policy), lender_wanted(&policy));
	else
		check_kernel(doctor, reason(doctor, &policy));
	policy_free(&policy);
}
