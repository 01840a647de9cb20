/* SPDX-License-Identifier: GPL-2.0 */
/* A trace that trace-cmd(1) has recorded: libtracecmd. */
#ifndef DLSPARE_SAVED_H
#define DLSPARE_SAVED_H

#include "trace/live.h"

struct saved {
	uint64_t end;			/* the time of the last record */
	uint64_t nr;			/* records of use */
};

/* Hands over all of the file. take may be NULL. DONE, or another result of host/result.h and why in error. */
int saved_read(const char *path, struct saved *saved, trace_take *take, void *data, char error[RESULT_ERROR]);

#endif
