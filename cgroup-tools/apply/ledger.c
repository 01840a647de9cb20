// SPDX-License-Identifier: GPL-2.0
#include "apply/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apply/store.h"
#include "host/file.h"
#include "host/host.h"

bool ledger_read(struct ledger *ledger, char *error, size_t size)
{
	char *text, *rest, *line, *end;
	size_t length, number = 0;
	bool good = true;

	*ledger = (struct ledger){ 0 };
	text = host_read(host_path(STORE_LEDGER), &length);
	if (!text) {
		good = errno == ENOENT;
		if (!good)
			snprintf(error, size, "%s: %s", STORE_LEDGER, strerror(errno));
		return good;
	}
	/*
	 * host_read() has taken one newline off. A last line without one was being written when its writer was
	 * killed: the change that it was to announce has not been made.
	 */
	end = strrchr(text, '\n');
	for (rest = text; good && (line = strsep(&rest, "\n")); ) {
		number++;
		if (!*line || settings_read_line(&ledger->originals, line))
			continue;
		good = end && line > end;
		if (!good)
			snprintf(error, size, "%s:%zu: not a line of a ledger", STORE_LEDGER, number);
	}
	free(text);
	if (!good)
		ledger_free(ledger);
	return good;
}

void ledger_free(struct ledger *ledger)
{
	settings_free(&ledger->originals);
}

static int append(const struct setting *setting)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	int fd = -1, status = -1;
	ssize_t put;

	if (!file)
		return -1;
	if (settings_write_line(file, setting) | fclose(file))
		goto out;
	fd = open(host_path(STORE_LEDGER), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		goto out;
	put = write(fd, text, size);
	if (put == (ssize_t)size)
		status = 0;
	else if (put >= 0)
		errno = ENOSPC;
out:
	if (fd >= 0)
		close(fd);
	free(text);
	return status;
}

int ledger_note(struct ledger *ledger, const struct setting *setting, const char *original)
{
	struct settings *list = &ledger->originals;

	if (settings_find(list, setting))
		return 0;
	if (!settings_add(list, setting->kind, setting->object, setting->name, original, NULL)) {
		errno = ENOMEM;
		return -1;
	}
	if (!append(&list->list[list->nr - 1]))
		return 0;
	settings_remove(list, &list->list[list->nr - 1]);
	return -1;
}

int ledger_write(struct ledger *ledger)
{
	char *text = NULL;
	size_t size, i;
	FILE *file;
	int status = -1;

	if (!ledger->originals.nr)
		return unlink(host_path(STORE_LEDGER)) && errno != ENOENT ? -1 : 0;
	file = open_memstream(&text, &size);
	if (!file)
		return -1;
	for (i = 0; i < ledger->originals.nr; i++)
		settings_write_line(file, &ledger->originals.list[i]);
	if (!fclose(file))
		status = file_replace(host_path(STORE_LEDGER), text);
	free(text);
	return status;
}
