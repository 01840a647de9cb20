/* SPDX-License-Identifier: GPL-2.0 */
/* Controllers that somebody has taken since from groups that pools are below. */
#ifndef DLSPARE_LOSS_H
#define DLSPARE_LOSS_H

#include "apply/ledger.h"

/* The uppermost of those that are wanted; NULL: none is lost. */
const struct setting *loss_find(const struct settings *wanted, const struct ledger *ledger);

#endif
