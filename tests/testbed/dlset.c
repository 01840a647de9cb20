// dlset TID RUNTIME_US PERIOD_US | dlset TID off: sets a thread's reservation.

#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { POLICY_OTHER = 0, POLICY_DEADLINE = 6, FLAG_RESET_ON_FORK = 1 };

struct sched_attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period; // ns
};

static unsigned long number(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (!*text || *end || !value) {
		fprintf(stderr, "dlset: '%s' is not a positive number\n", text);
		exit(2);
	}
	return value;
}

int main(int argc, char **argv)
{
	struct sched_attr attr = { .size = sizeof(attr), .policy = POLICY_OTHER };

	if (argc == 4) {
		// The first KVM_RUN forks, which a plain deadline thread may not.
		attr.policy = POLICY_DEADLINE;
		attr.flags = FLAG_RESET_ON_FORK;
		attr.runtime = number(argv[2]) * 1000;
		attr.period = attr.deadline = number(argv[3]) * 1000;
	} else if (argc != 3 || strcmp(argv[2], "off")) {
		fputs("Usage: dlset TID RUNTIME_US PERIOD_US | dlset TID off\n", stderr);
		return 2;
	}
	if (syscall(SYS_sched_setattr, (pid_t)number(argv[1]), &attr, 0)) {
		fprintf(stderr, "dlset: thread %s: %m\n", argv[1]);
		return 1;
	}
	return 0;
}
