/* SPDX-License-Identifier: GPL-2.0 */
/* How much of a CPU may be reserved on this host. */
#ifndef DLSPARE_BANDWIDTH_H
#define DLSPARE_BANDWIDTH_H

#include "host/reservation.h"

/* Of a kernel that nobody has told otherwise, up to 7.1: 95 %, and 5 % for ordinary threads. */
#define BANDWIDTH_LIMIT ((struct reservation){ 950000000, 1000000000 })
#define BANDWIDTH_FAIR_SERVER ((struct reservation){ 50000000, 1000000000 })

/* sched_rt_runtime_us of sched_rt_period_us; all of it when that is without limit (-1), as a CPU has no more. */
struct reservation bandwidth_limit(void);

/* What the kernel keeps for ordinary threads of a CPU; runtime 0: nothing. Where debugfs does not say, as above. */
struct reservation bandwidth_fair_server(int cpu);

#endif
