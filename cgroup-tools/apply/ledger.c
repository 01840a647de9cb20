// SPDX-License-Identifier: GPL-2.0
#include "apply/ledger.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apply/store.h"
#include "host/host.h"

/* Of a bad line, what a message shows. */
#define SHOWN 40

/* False without memory. */
static bool keep_bad(struct ledger *ledger, const char *line, size_t length, unsigned int number)
{
	char *bad = realloc(ledger->bad, ledger->bad_length + length + 1);

	if (!bad)
		return false;
	memcpy(bad + ledger->bad_length, line, length);
	ledger->bad = bad;
	ledger->bad_length += length + 1;
	bad[ledger->bad_length - 1] = '\n';
	if (!ledger->nr_bad++)
		ledger->first_bad = number;
	return true;
}

bool ledger_parse(struct ledger *ledger, const char *text, size_t length)
{
	const char *line, *end, *stop = text + length;
	unsigned int number = 0;
	bool good = true, taken;
	char *copy;

	*ledger = (struct ledger){ 0 };
	for (line = text; good && line < stop; line = end + 1) {
		end = memchr(line, '\n', stop - line);
		number++;
		/* One without its end was being written when its writer was killed; what is there of it may look whole. */
		if (!end) {
			good = keep_bad(ledger, line, stop - line, number);
			break;
		}
		copy = strndup(line, end - line);
		taken = copy && strlen(copy) == (size_t)(end - line) && settings_read_line(&ledger->originals, copy);
		good = copy && (taken || line == end || keep_bad(ledger, line, end - line, number));
		free(copy);
	}
	if (!good)
		ledger_free(ledger);
	return good;
}

bool ledger_read(struct ledger *ledger, char *error, size_t size)
{
	size_t length;
	char *text;
	bool good;

	*ledger = (struct ledger){ 0 };
	text = host_read_all(host_path(STORE_LEDGER), &length);
	if (!text) {
		good = errno == ENOENT;
		if (!good)
			snprintf(error, size, "%s: %s", STORE_LEDGER, strerror(errno));
		return good;
	}
	good = ledger_parse(ledger, text, length);
	if (!good)
		snprintf(error, size, "%s: out of memory", STORE_LEDGER);
	free(text);
	return good;
}

void ledger_free(struct ledger *ledger)
{
	settings_free(&ledger->originals);
	free(ledger->bad);
	*ledger = (struct ledger){ 0 };
}

void ledger_complain(const struct ledger *ledger, char *text, size_t size)
{
	const char *end = memchr(ledger->bad, '\n', ledger->bad_length);
	int length = end - ledger->bad, i;
	char shown[SHOWN + 1];

	for (i = 0; i < length && i < SHOWN; i++)
		shown[i] = isprint((unsigned char)ledger->bad[i]) ? ledger->bad[i] : '?';
	shown[i] = '\0';
	snprintf(text, size, STORE_LEDGER ":%u: '%s%s' is no line of a ledger", ledger->first_bad, shown,
		 length > SHOWN ? "..." : "");
	if (ledger->nr_bad > 1)
		snprintf(text + strlen(text), size - strlen(text), ", nor are %u more", ledger->nr_bad - 1);
}

int ledger_set_aside(struct ledger *ledger)
{
	return file_append(host_path(STORE_LEDGER_BAD), ledger->bad, ledger->bad_length) || ledger_write(ledger) ? -1 : 0;
}

static int append(const struct setting *setting)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	int status = -1;

	if (!file)
		return -1;
	if (!(settings_write_line(file, setting) | fclose(file)))
		status = file_append(host_path(STORE_LEDGER), text, size);
	free(text);
	return status;
}

int ledger_note(struct ledger *ledger, const struct setting *setting, const char *original)
{
	struct settings *list = &ledger->originals;

	if (settings_find(list, setting))
		return 0;
	if (ledger->error) {
		errno = ledger->error;
		return -1;
	}
	if (!settings_add(list, setting->kind, setting->object, setting->name, original, NULL)) {
		errno = ENOMEM;
		return -1;
	}
	if (!append(&list->list[list->nr - 1]))
		return 0;
	ledger->error = errno;
	settings_remove(list, &list->list[list->nr - 1]);
	errno = ledger->error;
	return -1;
}

bool ledger_has_made(const struct setting *original)
{
	return original->kind == SETTING_GROUP && !strcmp(original->value, "none");
}

/* All lines in a new text; NULL without memory. */
static char *text_of(const struct settings *list)
{
	bool good = true;
	char *text = NULL;
	size_t size, i;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		return NULL;
	for (i = 0; good && i < list->nr; i++)
		good = !settings_write_line(file, &list->list[i]);
	if (!fclose(file) && good)
		return text;
	free(text);
	return NULL;
}

int ledger_write(struct ledger *ledger)
{
	char *text = ledger->originals.nr ? text_of(&ledger->originals) : NULL;
	int status;

	if (text)
		status = file_replace(host_path(STORE_LEDGER), text);
	else if (ledger->originals.nr)
		status = -1;
	else
		status = unlink(host_path(STORE_LEDGER)) && errno != ENOENT ? -1 : 0;
	ledger->error = status ? errno : 0;
	free(text);
	errno = ledger->error;
	return status;
}
