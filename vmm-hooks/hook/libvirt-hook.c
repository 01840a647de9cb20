// SPDX-License-Identifier: GPL-2.0
/*
 * dlspare-libvirt-hook: libvirt calls it as /etc/libvirt/hooks/qemu.d/dlspare with DOMAIN OPERATION SUB-OPERATION EXTRA
 * and the domain's XML on standard input. It notes the policy in the domain's metadata where dlspared finds it. libvirt
 * waits for it with the domain locked, so it never calls libvirt and never waits long. Where the start can be refused
 * (prepare), metadata that break a rule refuse it; elsewhere a failure would kill a running VM (reconnect).
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apply/store.h"
#include "host/escape.h"
#include "host/file.h"
#include "host/host.h"
#include "vmm-hooks/hook/metadata.h"

/* Of a file that is noted, without ".conf" and what comes behind while it is written; a name has at most 255. */
#define NAME_BYTES 240

/* libvirt has the XML ready when it starts the hook, and lets none of its messages be larger. */
#define WAIT_MS 1000
#define XML_MAX (32 << 20)

static void complain(const char *domain, const char *text)
{
	fprintf(stderr, "dlspare: domain '%.255s': %s\n", domain, text);
}

/* All of a file; NULL with errno: ETIMEDOUT, EFBIG. */
static char *read_all(int fd, size_t *length)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	size_t size = 0, used = 0;
	char *text = NULL, *larger;
	ssize_t got = 1;

	while (got > 0) {
		if (used == size) {
			size = size ? 2 * size : 65536;
			errno = EFBIG;
			larger = size > XML_MAX ? NULL : realloc(text, size);
			if (!larger)
				break;
			text = larger;
		}
		errno = ETIMEDOUT;
		got = poll(&poll_fd, 1, WAIT_MS) > 0 ? read(fd, text + used, size - used) : -1;
		if (got > 0)
			used += got;
	}
	*length = used;
	if (!got)
		return text;
	free(text);
	return NULL;
}

/* In a path, and a dot that would hide the file. */
static bool means(const char *text, const char *at)
{
	if (*at == '.' && at == text)
		return true;
	return !isascii((unsigned char)*at) || !(isalnum((unsigned char)*at) || strchr("_.-", *at));
}

/* FNV-1a, 64 bits. */
static uint64_t hash_of(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
	return hash;
}

/* The file's path, new. A name that is too long for one is cut, and told apart by its hash. */
static char *path_of(const char *domain)
{
	char *name = escape(domain, means), *path = NULL;

	if (name && strlen(name) <= NAME_BYTES)
		path = strdup(host_path(STORE_VMS "/%s.conf", name));
	else if (name)
		path = strdup(host_path(STORE_VMS "/%.*s-%016" PRIx64 ".conf", NAME_BYTES - 17, name, hash_of(domain)));
	free(name);
	return path;
}

/* 0, also when there is none, or -1 with errno. */
static int forget(const char *path)
{
	return unlink(path) && errno != ENOENT ? -1 : 0;
}

static int note(const char *path, const struct policy *policy)
{
	char *text;
	int error;

	/* After a boot the hook may come before dlspared. */
	if (store_folders())
		return -1;
	text = policy_text(policy);
	/* Only the VM: the rest is the administrator's. */
	error = text ? file_replace(path, strstr(text, "vms = ")) : -1;
	free(text);
	return error;
}

/* False: the metadata break a rule, which is told. */
static bool take_over(const char *domain, const char *path)
{
	struct policy_error error;
	struct policy policy;
	size_t length;
	bool good;
	char *xml;

	xml = read_all(STDIN_FILENO, &length);
	if (!xml) {
		complain(domain, strerror(errno));
		return true;
	}
	good = metadata_read(&policy, xml, length, &error);
	free(xml);
	if (!good)
		complain(domain, error.text);
	/* What an earlier start of the domain has left does not count now. */
	else if (policy.nr_vms ? note(path, &policy) : forget(path))
		complain(domain, file_error(errno));
	if (good)
		policy_free(&policy);
	return good;
}

int main(int argc, char **argv)
{
	const char *domain, *operation;
	bool refused = false;
	char *path;

	if (argc < 3) {
		fputs("dlspare-libvirt-hook is called by libvirt: DOMAIN OPERATION SUB-OPERATION EXTRA\n", stderr);
		return 2;
	}
	domain = argv[1];
	operation = argv[2];
	path = path_of(domain);
	if (!path) {
		complain(domain, strerror(errno));
		return 0;
	}
	if (!strcmp(operation, "prepare"))
		refused = !take_over(domain, path);
	else if (!strcmp(operation, "start") || !strcmp(operation, "reconnect"))
		take_over(domain, path);
	else if ((!strcmp(operation, "stopped") || !strcmp(operation, "release")) && forget(path))
		complain(domain, strerror(errno));
	free(path);
	return refused;
}
