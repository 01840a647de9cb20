/* SPDX-License-Identifier: GPL-2.0 */
/* For a dry run, which makes no step: what earlier steps do to later ones. */
#ifndef DLSPARE_FORESEE_H
#define DLSPARE_FORESEE_H

#include "apply/change.h"

/*
 * Does nothing remain to be done by the step when those before it are made? A process takes its threads along, and a cpuset
 * cuts their affinities.
 */
bool foresee_needless(const struct change *change, size_t step);

#endif
