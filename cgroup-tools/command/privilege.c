// SPDX-License-Identifier: GPL-2.0
#include "command/privilege.h"

#include <linux/capability.h>
#include <stdint.h>
#include <stdlib.h>

#include "command/command.h"
#include "host/host.h"
#include "host/proc.h"

bool privilege_has(int capability)
{
	char *text = proc_read_value(host_path("/proc/self/status"), "CapEff:");
	uint64_t effective = text ? strtoull(text, NULL, 16) : 0;

	free(text);
	return effective >> capability & 1;
}

/* What a process has open, and debugfs. */
static bool may_see_all(void)
{
	return privilege_has(CAP_SYS_PTRACE) && (privilege_has(CAP_DAC_OVERRIDE) || privilege_has(CAP_DAC_READ_SEARCH));
}

const char *privilege_lack(void)
{
	return may_see_all() ? NULL : "without root the VMs of other users are missing here: it takes CAP_SYS_PTRACE and "
				      "CAP_DAC_OVERRIDE";
}

int privilege_to_change(const char *command)
{
	if (privilege_has(CAP_SYS_NICE) && may_see_all())
		return DONE;
	return fail(MISSING, "%s needs root: it takes CAP_SYS_NICE, CAP_SYS_PTRACE and CAP_DAC_OVERRIDE", command);
}
