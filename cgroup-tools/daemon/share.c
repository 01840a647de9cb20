// SPDX-License-Identifier: GPL-2.0
#include "daemon/share.h"

#include <stddef.h>

#include "host/units.h"

int share_rest_ms(struct share *share, int64_t clock, int64_t cpu_time)
{
	const int64_t ms = NSEC_PER_MSEC;
	int64_t rest;

	if (!share->clock)
		share->saved = SHARE_SAVED_MAX;
	else
		share->saved += (clock - share->clock) * SHARE_PERCENT / 100 - (cpu_time - share->cpu_time);
	if (share->saved > SHARE_SAVED_MAX)
		share->saved = SHARE_SAVED_MAX;
	share->clock = clock;
	share->cpu_time = cpu_time;
	if (share->saved >= 0)
		return 0;
	rest = -share->saved * 100 / SHARE_PERCENT;
	return rest / ms + 1;
}
