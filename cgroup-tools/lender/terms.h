/* SPDX-License-Identifier: GPL-2.0 */
/* The texts of cpu.spare.pool and cpu.spare.borrow, as the kernel prints them; Documentation/scheduler/sched-spare.rst, 6.1 and 6.2. */
#ifndef DLSPARE_LENDER_TERMS_H
#define DLSPARE_LENDER_TERMS_H

#include <stdbool.h>
#include <stdint.h>

#include "host/cpus.h"
#include "host/reservation.h"

struct terms {
	bool on;
	bool off;			/* here or above: nothing below changes that */
	unsigned int chances;		/* 0: max */
	bool charge;
	bool reply;
	bool timer;
	uint64_t linger;		/* ns */
};

struct supply {
	struct reservation spare;	/* ns; none: there is no pool */
	unsigned int units;		/* a CPU */
	struct cpus cpus;
};

/* Units of a CPU. */
#define SUPPLY_UNITS_MAX 64

/* False: it is not such a text, and nothing is changed. */
bool supply_read(struct supply *supply, const char *text);
bool supply_same(const struct supply *a, const struct supply *b);

/* Those of a group, whose parents have these: "off" binds, "inherit" adds nothing, of numbers the smaller one counts. False: as above. */
bool terms_combine(struct terms *terms, const char *text);

#endif
