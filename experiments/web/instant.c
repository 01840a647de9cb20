#include "instant.h"

#include <errno.h>
#include <math.h>
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

uint64_t chance_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

int64_t chance_gap(uint64_t *state, double rate)
{
	double uniform = ((chance_next(state) >> 11) + 1) * 0x1p-53; // 0 excluded

	return -log(uniform) / rate * SECOND;
}
