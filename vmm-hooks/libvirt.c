// SPDX-License-Identifier: GPL-2.0
/*
 * The VMs of the host's libvirt, by their groups, in which only root puts processes, and by the pid files that it keeps. With
 * systemd, and without (older libvirts have no folder "libvirt" in the scope):
 *
 *	…/machine-qemu\x2dID\x2dMACHINE.scope/libvirt/{emulator,vcpuN,iothreadN}
 *	/machine/qemu-ID-MACHINE.libvirt-qemu/{emulator,vcpuN,iothreadN}
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/host.h"
#include "vmm-hooks/finder.h"

/* A file NAME.pid each, root's. */
#define NOTES "/run/libvirt/qemu"

/* Undoes systemd's escaping of a unit's name in place. */
static void unescape(char *text)
{
	unsigned int byte;
	char *to = text;

	for (; *text; text++) {
		if (text[0] == '\\' && text[1] == 'x' && isxdigit((unsigned char)text[2]) &&
		    isxdigit((unsigned char)text[3]) && sscanf(text + 2, "%2x", &byte) == 1 && byte) {
			*to++ = byte;
			text += 3;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
}

/* Cuts the end off, if the text has it and more. */
static bool cut_end(char *text, const char *end)
{
	size_t length = strlen(text), cut = strlen(end);

	if (length <= cut || strcmp(text + length - cut, end))
		return false;
	text[length - cut] = '\0';
	return true;
}

/*
 * The machine's name in the last part of a group's path, in place; NULL: it is none of libvirt's. The machine is the
 * domain's name without the bytes that no host's name has: "web 1" and "web_1" are both "web1", and others are "".
 */
static char *machine_of(char *part)
{
	char *name;
	int end = 0;

	unescape(part);
	if (cut_end(part, ".scope"))
		sscanf(part, "machine-qemu-%*u%n", &end);
	else if (cut_end(part, ".libvirt-qemu"))
		sscanf(part, "qemu-%*u%n", &end);
	name = part + end;
	if (!end || (*name && *name != '-'))
		return NULL;
	return name + (*name == '-');
}

/*
 * The machine, new, of the VM whose first thread is in a group, which is cut down to the VM's. NULL with errno, 0 of
 * which says that it is none of libvirt's.
 */
static char *take_machine(char *group)
{
	char *path = strdup(group), *part, *name;
	bool in_emulator;

	if (!path)
		return NULL;
	in_emulator = cut_end(path, "/emulator");
	cut_end(path, "/libvirt");
	part = strrchr(path, '/');
	name = part ? machine_of(part + 1) : NULL;
	errno = 0;
	name = name ? strdup(name) : NULL;
	free(path);
	if (name && in_emulator)
		cut_end(group, "/emulator");
	return name;
}

/* Has libvirt noted the process under that name? */
static bool is_noted(const struct vm *vm, const char *name)
{
	char *text = host_read(host_path(NOTES "/%s.pid", name), NULL);
	bool same = text && proc_number(text) == vm->pid;

	free(text);
	return same;
}

/*
 * The name under which libvirt has noted the process, whatever that says of itself; else the machine's, which proves nothing: two
 * domains may have the same.
 */
static int take_name(struct vm *vm, const char *machine)
{
	struct dirent *entry;
	int error = 0;
	DIR *folder;

	vm->proven = is_noted(vm, vm->name);
	if (vm->proven)
		return 0;
	folder = opendir(host_path(NOTES));
	while (folder && !error && !vm->proven && (entry = readdir(folder))) {
		if (!cut_end(entry->d_name, ".pid") || !is_noted(vm, entry->d_name))
			continue;
		error = vm_rename(vm, entry->d_name);
		vm->proven = !strcmp(vm->name, entry->d_name);
	}
	if (folder)
		closedir(folder);
	return vm->proven || error ? error : vm_rename(vm, machine);
}

/* Is the group below those that users make as they like? */
static bool is_users(const char *group)
{
	return !strncmp(group, "/user.slice/", 12);
}

/*
 * The threads of a group "vcpuN". KVM's own helper kvm-nx-lpage-recovery is forked by a vCPU and so is in there, too:
 * without other knowledge the vCPU is the first.
 */
static void number_vcpus(struct vm *vm, char *tids, int number, bool known)
{
	char *line;
	int tid;

	while ((line = strsep(&tids, "\n"))) {
		tid = proc_number(line);
		if (tid <= 0 || (known && !vm_is_vcpu(vm, tid)))
			continue;
		vm_set_vcpu(vm, tid, number);
		if (!known)
			break;
	}
}

static int find_vcpus(struct vm *vm)
{
	bool known = vm_has_vcpus(vm);
	const char *mount = host_cgroups();
	struct dirent *entry;
	int error = 0;
	DIR *folder;

	folder = mount ? opendir(host_path("%s%s", mount, vm->group)) : NULL;
	if (!folder)
		return 0;
	while (!error && (entry = readdir(folder))) {
		int number = strncmp(entry->d_name, "vcpu", 4) ? -1 : proc_number(entry->d_name + 4);
		char *tids;

		if (number < 0)
			continue;
		tids = host_read(host_path("%s%s/%s/cgroup.threads", mount, vm->group, entry->d_name), NULL);
		if (tids)
			number_vcpus(vm, tids, number, known);
		else if (errno == ENOMEM)
			error = -1;
		free(tids);
	}
	closedir(folder);
	return error;
}

static int libvirt_find(struct vm *vm, const struct monitor *monitor)
{
	char *machine;
	int result = -1;

	(void)monitor;
	errno = 0;
	machine = is_users(vm->group) ? NULL : take_machine(vm->group);
	if (!machine)
		return errno == ENOMEM ? -1 : 0;
	vm->managed = true;
	if (!take_name(vm, machine) && !find_vcpus(vm))
		result = 1;
	free(machine);
	return result;
}

const struct finder libvirt_finder = { "libvirt", libvirt_find };
