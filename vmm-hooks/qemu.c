// SPDX-License-Identifier: GPL-2.0
/* QEMU: the VM's name and, where neither KVM nor the threads' names tell, its vCPU threads by its monitor. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm-hooks/finder.h"
#include "vmm-hooks/qmp.h"

/* A parameter of one of QEMU's options: "value,name=value,name,noname", in which ",," is a comma. */
struct parameter {
	char name[32];
	char value[256];
};

/* Takes the bytes up to one of the ends, or as many as there is room for. */
static void take(const char **at, char *text, size_t size, const char *ends)
{
	size_t length = 0;

	for (; **at; ++*at) {
		if (strchr(ends, **at)) {
			if (**at != ',' || (*at)[1] != ',')
				break;
			++*at;
		}
		if (length < size - 1)
			text[length++] = **at;
	}
	text[length] = '\0';
}

/* first: the name of the first value, which stands alone; NULL when it is not the first. False at the end. */
static bool next_parameter(const char **at, const char *first, struct parameter *parameter)
{
	size_t name = strcspn(*at, "=,"), off;

	if (!**at)
		return false;
	if ((*at)[name] == '=') {
		take(at, parameter->name, sizeof(parameter->name), "=");
		++*at;
		take(at, parameter->value, sizeof(parameter->value), ",");
	} else if (first) {
		snprintf(parameter->name, sizeof(parameter->name), "%s", first);
		take(at, parameter->value, sizeof(parameter->value), ",");
	} else {
		take(at, parameter->name, sizeof(parameter->name), ",");
		off = strncmp(parameter->name, "no", 2) ? 0 : 2;
		memmove(parameter->name, parameter->name + off, strlen(parameter->name + off) + 1);
		strcpy(parameter->value, off ? "off" : "on");
	}
	*at += **at == ',';
	return true;
}

/* The value of a parameter, the last one counts; false: there is none, or it is too long. */
static bool parameter_value(const char *option, const char *first, const char *name, char value[256])
{
	struct parameter parameter;
	bool found = false;

	for (; next_parameter(&option, first, &parameter); first = NULL) {
		if (!strcmp(parameter.name, name)) {
			strcpy(value, parameter.value);
			found = strlen(value) < sizeof(parameter.value) - 1;
		}
	}
	return found;
}

static bool parameter_is(const char *option, const char *first, const char *name, const char *value)
{
	char found[256];

	return parameter_value(option, first, name, found) && !strcmp(found, value);
}

/* Is the word the option, which QEMU takes with one dash or two? */
static bool is_option(const char *word, const char *option)
{
	return *word == '-' && !strcmp(word + 1 + (word[1] == '-'), option);
}

/*
 * The path of a socket that QEMU listens at. Not one that waits for its first client: QEMU starts the VM when that has
 * come.
 */
static bool listens(const char *option, const char *first, char path[256])
{
	return parameter_value(option, first, "path", path) && parameter_is(option, first, "server", "on") &&
	       parameter_is(option, first, "wait", "off") && !parameter_is(option, first, "abstract", "on");
}

/* Does a -mon make this character device a QMP monitor? */
static bool is_control(const struct proc_words *words, const char *id)
{
	const char *word, *value;

	for (word = proc_word(words, NULL); word && (value = proc_word(words, word)); word = value)
		if (is_option(word, "mon") && parameter_is(value, "chardev", "mode", "control") &&
		    parameter_is(value, "chardev", "chardev", id))
			return true;
	return false;
}

/* Is the option with this value a QMP monitor at a socket? */
static bool is_monitor(const struct proc_words *words, const char *word, const char *value, char path[256])
{
	char id[256];

	if (is_option(word, "qmp") || is_option(word, "qmp-pretty"))
		return !strncmp(value, "unix:", 5) && listens(value + 5, "path", path);
	return is_option(word, "chardev") && parameter_is(value, "backend", "backend", "socket") &&
	       listens(value, "backend", path) && parameter_value(value, "backend", "id", id) && is_control(words, id);
}

static int ask(struct vm *vm, const char *path, int *wait_ms)
{
	struct qmp_vcpu *vcpus = NULL;
	ssize_t nr;
	int fd, error;

	fd = qmp_connect(vm->pid, path);
	if (fd < 0)
		return -1;
	nr = qmp_vcpus(fd, wait_ms, &vcpus);
	error = errno;
	for (ssize_t i = 0; i < nr; i++)
		vm_set_vcpu(vm, vcpus[i].tid, vcpus[i].number);
	if (nr >= 0)
		free(vcpus);
	close(fd);
	errno = error;
	return nr < 0 ? -1 : 0;
}

/* Asks the first one there is, if there is time; -1 with ENOMEM, as the rest is no reason to miss the VM. */
static int ask_monitor(struct vm *vm, const struct monitor *monitor)
{
	const struct proc_words *words = &monitor->words;
	const char *word, *value;
	char path[256];

	if (*monitor->wait_ms <= 0)
		return 0;
	for (word = proc_word(words, NULL); word && (value = proc_word(words, word)); word = value)
		if (is_monitor(words, word, value, path))
			return ask(vm, path, monitor->wait_ms) && errno == ENOMEM ? -1 : 0;
	return 0;
}

static int qemu_find(struct vm *vm, const struct monitor *monitor)
{
	const struct proc_words *words = &monitor->words;
	const char *program = proc_program(words), *word, *value;
	char name[256];

	/* Red Hat's is qemu-kvm, Proxmox's kvm. */
	if (strncmp(program, "qemu", 4) && strcmp(program, "kvm"))
		return 0;
	for (word = proc_word(words, NULL); word && (value = proc_word(words, word)); word = value)
		if (is_option(word, "name") && parameter_value(value, "guest", "guest", name) && vm_rename(vm, name))
			return -1;
	return !vm_has_vcpus(vm) && ask_monitor(vm, monitor) ? -1 : 1;
}

const struct finder qemu_finder = { "qemu", qemu_find };
