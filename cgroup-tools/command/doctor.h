/* SPDX-License-Identifier: GPL-2.0 */
/* Parts of `dlspare doctor`. */
#ifndef DLSPARE_DOCTOR_H
#define DLSPARE_DOCTOR_H

#include <jansson.h>

#include "host/kernel.h"

enum doctor_verdict {
	DOCTOR_FINE,
	DOCTOR_WARNING,			/* something works less well */
	DOCTOR_LACKING,			/* spare reservations do not work */
};

struct doctor {
	enum kernel_answer spare;
	enum doctor_verdict worst;
	json_t *checks;
};

/* A line of the answer: what is, and if that is not fine, what to do about it. */
void doctor_tell(struct doctor *doctor, enum doctor_verdict verdict, const char *check, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Who lends, why, and what is missing for that: in doctor_lender.c. */
void doctor_lender(struct doctor *doctor);

/* What other programs and settings of this host do to reservations: in doctor_hazards.c. */
void doctor_hazards(struct doctor *doctor);

#endif
