// What the kernel tells about a thread in /proc/PID/task/TID/sched.

#ifndef BUDGET_H
#define BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct budget {
	int64_t runtime_ns;  // left in this period; 0 or less: depleted
	int64_t deadline_ns; // names the period, in the scheduler's own clock
	int64_t used_ns;     // processor time used since the thread began
};

// False if a value is missing: the thread has no reservation.
bool budget_parse(const char *text, struct budget *budget);

// The processor time alone, which every thread has.
bool budget_parse_used(const char *text, int64_t *used_ns);

#endif
