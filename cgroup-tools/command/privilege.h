/* SPDX-License-Identifier: GPL-2.0 */
/* What this process may do, and how commands say what it may not. */
#ifndef DLSPARE_PRIVILEGE_H
#define DLSPARE_PRIVILEGE_H

#include <stdbool.h>

/* Has it the capability, one of linux/capability.h? */
bool privilege_has(int capability);

/* What it does not see, and for lack of what; NULL: it sees all VMs. */
const char *privilege_lack(void);

/* May it change what it sees? DONE, or MISSING after telling what the command lacks. */
int privilege_to_change(const char *command);

#endif
