/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Many of vmm.h's virtual machines, a process each, so that dlspare can configure each one: it calls them vmNN-PID.
 * What fails is an error of the experiment, as there.
 */
#ifndef EXPERIMENTS_FLEET_H
#define EXPERIMENTS_FLEET_H

#include <stddef.h>
#include <sys/types.h>

#define FLEET_MOST	99

struct fleet_vm {
	pid_t pid;
	int in, out;			/* eventfds of doorbell 0 in and of doorbell 0 out, non-blocking */
	void *shared;			/* a page */
};

/*
 * Makes vms[0..nr-1], nr at most FLEET_MOST, which run the program; prints their names, a line with spaces between
 * them. They end when this process does.
 */
void fleet_make(struct fleet_vm *vms, unsigned int nr, const void *program, size_t program_size);

/* Rings doorbell 0 in. */
void fleet_ring(const struct fleet_vm *vm);

/* Sends all processes a signal, so many microseconds after each other. */
void fleet_signal(const struct fleet_vm *vms, unsigned int nr, int number, useconds_t gap_us);

#endif
