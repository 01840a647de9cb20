#include "instant.h"

#include <errno.h>
#include <time.h>

#define SECOND INT64_C(1000000000)

int64_t instant_now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * SECOND + time.tv_nsec;
}

void instant_sleep_until(int64_t when)
{
	struct timespec time = { when / SECOND, when % SECOND };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR)
		;
}
