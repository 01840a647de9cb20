/* SPDX-License-Identifier: GPL-2.0 */
/* A QEMU's vCPU threads, asked for over its monitor protocol. */
#ifndef DLSPARE_QMP_H
#define DLSPARE_QMP_H

#include <stddef.h>
#include <sys/types.h>

struct qmp_vcpu {
	int number;
	pid_t tid;
};

/*
 * Connects to the monitor of process pid at path, if nobody talks to it: it serves one at a time. -1 with errno
 * (EBUSY: it is not free; EPERM: the socket is another's).
 */
int qmp_connect(pid_t pid, const char *path);

/* How long the answers of all VMs together are waited for. Tests wait longer: the computer may be busy. */
extern int qmp_wait_ms;

/*
 * Asks over a connected socket, for at most *wait_ms, and takes off what that took. The list is new, to be freed; -1 with
 * errno (ETIMEDOUT; EPROTO: that is no QMP, or QEMU refuses).
 */
ssize_t qmp_vcpus(int fd, int *wait_ms, struct qmp_vcpu **vcpus);

#endif
