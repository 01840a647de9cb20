/* SPDX-License-Identifier: GPL-2.0 */
/* What dlspare keeps in /run/dlspare: the policy in force, those of single VMs, and the lock. */
#ifndef DLSPARE_STORE_H
#define DLSPARE_STORE_H

#include "policy/policy.h"

#define STORE_FOLDER "/run/dlspare"
#define STORE_POLICY STORE_FOLDER "/policy.conf"
#define STORE_VMS STORE_FOLDER "/vms.d"
#define STORE_LEDGER STORE_FOLDER "/ledger"
#define STORE_CONF "/etc/dlspare/dlspare.conf"

/* Makes the folders and waits until nobody else changes anything. A descriptor to close, or -1 with errno. */
int store_lock(void);

/* The policy in force; an empty one when there is none. */
bool store_load(struct policy *policy, struct policy_error *error);
/* Replaces it whole. 0, or -1 with errno. */
int store_save(const struct policy *policy);

/* Removes the policy in force and those of hooks: reset. 0, or -1 with errno. */
int store_forget(void);

/*
 * Adds the VMs that hooks have told of. One that breaks a rule is left out and told of by warn(), unless that is NULL; it must not
 * take the others with it.
 */
bool store_add_vms(struct policy *policy, void (*warn)(const char *text, void *data), void *data);

#endif
