/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who has which unit, and why: event -> pending -> borrow -> (wait) -> dispatch -> return, by what the programs in the kernel
 * tell (observe/record.h). Times are CLOCK_MONOTONIC, in ns. One thread handles what happens; another one says who there is.
 */
#ifndef DLSPARE_LENDER_LOANS_H
#define DLSPARE_LENDER_LOANS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lender/scene.h"
#include "observe/watch.h"

/* told: an eventfd that units write to when a loan ends. 0, or -1 with errno. */
int loans_start(struct watch *watch, int told);
/* All loans end, and their units. */
void loans_stop(void);

/* Told what cannot be lent in a group, for people. */
typedef void loans_problem(const char *group, const char *text);

/* From now on these are there. 0, or -1 with errno: some are not there. */
int loans_set(const struct scene *scene, loans_problem *problem);

/* Handles what has happened. When to look again; 0: not before something happens. */
uint64_t loans_go_on(void);

/* For each group that has counters: the texts of its files. */
typedef void loans_write(const char *group, const char *stat, const char *latency);
void loans_report(loans_write *write);

#endif
