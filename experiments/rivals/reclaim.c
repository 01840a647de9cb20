// reclaim TID: lets a SCHED_DEADLINE thread have what other reservations leave unused (GRUB).

#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { POLICY_DEADLINE = 6, FLAG_RECLAIM = 2 }; // include/uapi/linux/sched.h

struct sched_attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period; // ns
};

int main(int argc, char **argv)
{
	struct sched_attr attr = { .size = sizeof(attr) };
	pid_t tid = argc == 2 ? atoi(argv[1]) : 0;

	if (tid <= 0) {
		fputs("Usage: reclaim TID\n", stderr);
		return 2;
	}
	if (syscall(SYS_sched_getattr, tid, &attr, sizeof(attr), 0) || attr.policy != POLICY_DEADLINE) {
		fprintf(stderr, "reclaim: thread %d has no reservation\n", tid);
		return 1;
	}
	attr.flags |= FLAG_RECLAIM;
	if (syscall(SYS_sched_setattr, tid, &attr, 0)) {
		fprintf(stderr, "reclaim: thread %d: %m\n", tid);
		return 1;
	}
	return 0;
}
