// SPDX-License-Identifier: GPL-2.0
/* Small machine monitors, which their users name on the command line. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm-hooks/finder.h"

/* Its releases are called firecracker-v1.7.0-x86_64. */
static int firecracker_find(struct vm *vm, const struct monitor *monitor)
{
	const char *id;

	if (strncmp(proc_program(&monitor->words), "firecracker", 11))
		return 0;
	id = proc_option(&monitor->words, "--id");
	return id && vm_rename(vm, id) ? -1 : 1;
}

/*
 * Cloud Hypervisor gives no names; its users tell VMs apart by the socket: "--api-socket /run/web.sock" is "web", and so are
 * "path=/run/web.sock" and "web.sock". One that it has inherited, "fd=3", has none.
 */
static int cloud_hypervisor_find(struct vm *vm, const struct monitor *monitor)
{
	const char *socket, *slash;
	char *name, *end;
	int error;

	if (strncmp(proc_program(&monitor->words), "cloud-hypervisor", 16))
		return 0;
	socket = proc_option(&monitor->words, "--api-socket");
	if (!socket || !strncmp(socket, "fd=", 3))
		return 1;
	if (!strncmp(socket, "path=", 5))
		socket += 5;
	slash = strrchr(socket, '/');
	name = strdup(slash ? slash + 1 : socket);
	if (!name)
		return -1;
	end = strrchr(name, '.');
	if (end && end > name)
		*end = '\0';
	error = vm_rename(vm, name);
	free(name);
	return error ? -1 : 1;
}

const struct finder firecracker_finder = { "firecracker", firecracker_find };
const struct finder cloud_hypervisor_finder = { "cloud-hypervisor", cloud_hypervisor_find };
