// The lines of rtt.csv and stages.csv, and what is computed from them.

#ifndef RTT_H
#define RTT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ARM_SIZE = 32 };

// arm,cpus,seq,phase_us,rtt_us
struct rtt {
	char arm[ARM_SIZE];
	unsigned int cpus;
	unsigned long seq;
	int64_t phase_ns;
	bool lost; // rtt_us is empty
	int64_t rtt_ns;
};

// arm,cpus,runtime_us,period_us,spare_runtime_us,spare_period_us,wall_ns,vcpu_ns,loops
struct stage {
	char arm[ARM_SIZE];
	unsigned int cpus;
	unsigned long runtime_us, period_us, spare_runtime_us, spare_period_us; // 0: none
	int64_t wall_ns, vcpu_ns;
	unsigned long long loops; // 0: no batch load
};

// These take one line with or without its newline, and are false if it is malformed.
bool rtt_parse(const char *line, struct rtt *rtt);
bool stage_parse(const char *line, struct stage *stage);

void rtt_sort(int64_t *ns, size_t count);

// The smallest value that at least percent of all values do not exceed.
int64_t nearest_rank(const int64_t *sorted, size_t count, unsigned int percent);

#endif
