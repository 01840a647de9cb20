// What a QEMU says: all of it, and what follows a greeting and an answer.
// sources: vmm-hooks/qmp.c cgroup-tools/host/*.c
// libraries: -lcgroup -ljansson
// example: {"QMP": {"version": {}, "capabilities": []}}\r\n{"return": {}}\r\n{"return": [{"thread-id": 4712, "cpu-index": 0}]}\r\n
// example: {"return": [{"thread-id": 4712, "qom-path": "/machine", "cpu-index": 0}, {"thread-id": 2147483648, "cpu-index": -1}]}\r\n
// example: {"timestamp": {"seconds": 1}, "event": "STOP"}\r\n{"error": {"class": "GenericError", "desc": "x"}}\r\n
// example: {"event": 1, "return": [1e9, "\\u0000", null]}

#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "vmm-hooks/qmp.h"

#define GREETING "{\"QMP\": {}}\r\n{\"return\": {}}\r\n"

static void ask(const char *greeting, const uint8_t *data, size_t size)
{
	struct qmp_vcpu *vcpus;
	ssize_t nr;
	int fds[2], wait_ms = qmp_wait_ms;

	MUST(!socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	// What the socket does not hold is not said.
	send(fds[1], greeting, strlen(greeting), MSG_DONTWAIT);
	send(fds[1], data, size, MSG_DONTWAIT);
	shutdown(fds[1], SHUT_WR);
	nr = qmp_vcpus(fds[0], &wait_ms, &vcpus);
	MUST(nr);
	for (ssize_t i = 0; i < nr; i++)
		MUST(vcpus[i].tid > 0 && vcpus[i].number >= 0);
	if (nr > 0)
		free(vcpus);
	close(fds[0]);
	close(fds[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ask("", data, size);
	ask(GREETING, data, size);
	return 0;
}
