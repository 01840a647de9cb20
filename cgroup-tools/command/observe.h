/* SPDX-License-Identifier: GPL-2.0 */
/* What `dlspare observe` has seen, and how it tells that. */
#ifndef DLSPARE_COMMAND_OBSERVE_H
#define DLSPARE_COMMAND_OBSERVE_H

#include "observe/deaf.h"
#include "observe/watch.h"
#include "vmm-hooks/vm.h"

struct observe_vcpu {
	pid_t tid;
	size_t vm;			/* its place in the list */
	struct deaf deaf;
};

struct observe_vm {
	const struct vm *vm;
	char *limit;			/* of its CPU time; NULL: none */
	unsigned int nr_vcpus;
	uint64_t events[NR_OBSERVE_EVENTS];
	uint64_t starved;		/* of all its vCPUs together, ns */
	uint64_t nr_starved;
	struct waits waits;		/* of devices' interrupts, for budget */
	uint64_t nr_busy, busy_worst;	/* … with budget, for the CPU: so many, and the longest wait, ns */
	struct waits lent;		/* as waits, with the unit */
};

struct observe {
	char **names;			/* of the VMs; nr_names 0: all */
	int nr_names;
	uint64_t last;			/* to look so long, ns */
	struct reservation unit;
	const char *figure;		/* NULL: none */
	struct vms seen;
	struct observe_vm *vms;
	size_t nr_vms;
	struct observe_vcpu *vcpus;	/* by tid */
	size_t nr_vcpus;
	struct hooks hooks;
	struct watch *watch;
	struct replay replay;
	uint64_t looked, end;		/* so long, until that time of CLOCK_MONOTONIC, ns */
	uint64_t lost;
	bool has_programs_cost;
	uint64_t programs_cost, own_cost;	/* CPU time, ns */
};

/* On standard output: a code as output_end(). */
int observe_print(const struct observe *observe);
int observe_json(const struct observe *observe);

/* Before the look: whether a figure can be written there; a code after telling why not. */
int observe_figure_check(const char *path);
/* Writes it. A code, after telling why not. */
int observe_figure(const struct observe *observe);

#endif
