/* SPDX-License-Identifier: GPL-2.0 */
/* What dlspare keeps in /run/dlspare: the policy in force, those of single VMs, and the lock. */
#ifndef DLSPARE_STORE_H
#define DLSPARE_STORE_H

#include "host/file.h"
#include "host/lock.h"
#include "policy/policy.h"

#define STORE_FOLDER "/run/dlspare"
#define STORE_LOCK STORE_FOLDER "/lock"
#define STORE_POLICY STORE_FOLDER "/policy.conf"
#define STORE_VMS STORE_FOLDER "/vms.d"
#define STORE_LEDGER STORE_FOLDER "/ledger"
#define STORE_LEDGER_BAD STORE_FOLDER "/ledger.bad"
#define STORE_LATENCY STORE_FOLDER "/latency"
#define STORE_CONF "/etc/dlspare/dlspare.conf"

/* Makes the folders. 0, or -1 with errno (see file_error()). */
int store_folders(void);

/*
 * To change: makes the folders, and waits until nobody else changes or looks. To look: writes nothing, and waits until nobody
 * changes; ENOENT says that nobody ever has. A descriptor to close, or -1 with errno. waits: as for lock_take().
 */
int store_lock(bool to_look, lock_waits *waits, void *data);

/* The policy in force; an empty one when there is none. */
bool store_load(struct policy *policy, struct policy_error *error);
/* It is in force once the draft is published. 0, or -1 with errno and no draft. */
int store_draft(struct file_draft *draft, const struct policy *policy);

/* Removes the policy in force and those of hooks, all or none: reset. 0, or -1 with errno. */
int store_forget(void);

/*
 * Adds the VMs that hooks have told of. One that breaks a rule is left out and told of by warn(), unless that is NULL; it must not
 * take the others with it.
 */
bool store_add_vms(struct policy *policy, void (*warn)(const char *text, void *data), void *data);

#endif
