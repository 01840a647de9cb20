// SPDX-License-Identifier: GPL-2.0
#include "vmm-hooks/qmp.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "host/clock.h"
#include "host/host.h"

int qmp_wait_ms = 200;

/* 4096 vCPUs, QEMU's most, take 200 bytes each. */
#define MOST_BYTES (1 << 20)

struct talk {
	int fd;
	int64_t end_ms;
	size_t bytes;			/* received */
	size_t at, length;		/* of buffer */
	char buffer[4096];
};

/* False with errno at the end, too late, or when it is too much. */
static bool receive(struct talk *talk)
{
	struct pollfd poll_fd = { .fd = talk->fd, .events = POLLIN };
	int64_t left_ms = talk->end_ms - clock_ms(CLOCK_MONOTONIC);
	ssize_t got;

	errno = ETIMEDOUT;
	if (left_ms <= 0 || poll(&poll_fd, 1, left_ms) <= 0)
		return false;
	got = recv(talk->fd, talk->buffer, sizeof(talk->buffer), MSG_DONTWAIT);
	/* From here on it is what was said that is wrong. */
	errno = EPROTO;
	if (got <= 0 || talk->bytes > MOST_BYTES)
		return false;
	talk->bytes += got;
	talk->at = 0;
	talk->length = got;
	return true;
}

/* For json_load_callback(), byte by byte: what it has taken beyond a message is lost. */
static size_t take_byte(void *buffer, size_t size, void *data)
{
	struct talk *talk = data;

	(void)size;
	if (talk->at == talk->length && !receive(talk))
		return -1;
	*(char *)buffer = talk->buffer[talk->at++];
	return 1;
}

/* The value of key in the next message that has it; NULL with errno. Events come in between. */
static json_t *await(struct talk *talk, const char *key)
{
	json_t *message, *value;
	json_error_t error;

	for (;;) {
		errno = EPROTO;
		message = json_load_callback(take_byte, talk, JSON_DISABLE_EOF_CHECK, &error);
		if (!message)
			return NULL;
		value = json_incref(json_object_get(message, key));
		if (value || !json_object_get(message, "event")) {
			json_decref(message);
			errno = EPROTO;
			return value;
		}
		json_decref(message);
	}
}

static json_t *execute(struct talk *talk, const char *command)
{
	char text[128];
	int length = snprintf(text, sizeof(text), "{\"execute\":\"%s\"}\n", command);

	if (send(talk->fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT) != length)
		return NULL;
	return await(talk, "return");
}

static ssize_t read_vcpus(const json_t *answer, struct qmp_vcpu **vcpus)
{
	size_t nr = json_array_size(answer), i;
	const json_t *vcpu;

	if (!nr) {
		errno = EPROTO;
		return -1;
	}
	*vcpus = calloc(nr, sizeof(**vcpus));
	if (!*vcpus)
		return -1;
	json_array_foreach(answer, i, vcpu) {
		json_int_t number = json_integer_value(json_object_get(vcpu, "cpu-index"));
		json_int_t tid = json_integer_value(json_object_get(vcpu, "thread-id"));

		if (number < 0 || number > INT_MAX || tid <= 0 || tid > INT_MAX) {
			free(*vcpus);
			errno = EPROTO;
			return -1;
		}
		(*vcpus)[i] = (struct qmp_vcpu){ .number = number, .tid = tid };
	}
	return nr;
}

ssize_t qmp_vcpus(int fd, int *wait_ms, struct qmp_vcpu **vcpus)
{
	struct talk talk = { .fd = fd, .end_ms = clock_ms(CLOCK_MONOTONIC) + *wait_ms };
	json_t *greeting, *ready = NULL, *answer = NULL;
	ssize_t nr = -1;
	int error;

	greeting = await(&talk, "QMP");
	if (greeting)
		ready = execute(&talk, "qmp_capabilities");
	if (ready)
		answer = execute(&talk, "query-cpus-fast");
	if (answer)
		nr = read_vcpus(answer, vcpus);
	error = errno;
	json_decref(greeting);
	json_decref(ready);
	json_decref(answer);
	*wait_ms = talk.end_ms - clock_ms(CLOCK_MONOTONIC);
	errno = error;
	return nr;
}

/* Someone's connection to a socket has its path, too. A list that cannot be read says no. */
static bool is_free(pid_t pid, const char *path)
{
	char *sockets = host_read(host_path("/proc/%d/net/unix", pid), NULL), *rest = sockets, *line;
	unsigned int state;
	bool taken = !sockets;
	int end;

	while (!taken && (line = strsep(&rest, "\n"))) {
		end = 0;
		/* Num RefCount Protocol Flags Type St Inode Path */
		if (sscanf(line, "%*s %*s %*s %*s %*s %x %*s %n", &state, &end) == 1 && end)
			taken = state != 1 && !strcmp(line + end, path);
	}
	free(sockets);
	return !taken;
}

/* The path is what a process says: does that process listen there? */
static bool is_listener(int fd, pid_t pid)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) && peer.pid == pid;
}

int qmp_connect(pid_t pid, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *seen = host_path(*path == '/' ? "/proc/%d/root%s" : "/proc/%d/cwd/%s", pid, path);
	int fd, error;

	if (strlen(seen) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, seen);
	if (!is_free(pid, path)) {
		errno = EBUSY;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		if (is_listener(fd, pid))
			return fd;
		errno = EPERM;
	}
	error = errno;
	close(fd);
	errno = error;
	return -1;
}
