#include "depletion.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

static int open_file(const char *folder, const char *name, int flags)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return open(path, flags);
}

bool depletion_open(struct depletion *depletion, const char *folder)
{
	depletion->pipe = open_file(folder, "trace_pipe", O_RDONLY | O_NONBLOCK);
	depletion->on = open_file(folder, "tracing_on", O_WRONLY);
	return depletion->pipe >= 0 && depletion->on >= 0;
}

static void discard_old(int pipe)
{
	char text[4096];

	while (read(pipe, text, sizeof(text)) > 0)
		;
}

static bool record(const struct depletion *depletion, bool on)
{
	return pwrite(depletion->on, on ? "1" : "0", 1, 0) == 1;
}

bool depletion_wait(const struct depletion *depletion, int timeout_ms)
{
	struct pollfd told = { .fd = depletion->pipe, .events = POLLIN };
	bool came;

	discard_old(depletion->pipe);
	came = record(depletion, true) && poll(&told, 1, timeout_ms) == 1;
	return record(depletion, false) && came;
}
