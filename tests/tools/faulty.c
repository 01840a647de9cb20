// SPDX-License-Identifier: GPL-2.0
/*
 * Linked with dlspare's objects and -Wl,--wrap=setting_write: the write number FAIL_AT fails with EIO, before it is made
 * or (FAIL_LATE=1) after it. Writes the number of writes to the file COUNT_TO.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "apply/setting.h"

int __real_setting_write(const struct setting *setting, const char *value);
int __wrap_setting_write(const struct setting *setting, const char *value);

static unsigned long number(const char *name)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 10) : 0;
}

static void count(unsigned long writes)
{
	const char *path = getenv("COUNT_TO");
	FILE *file = path ? fopen(path, "w") : NULL;

	if (!file)
		return;
	fprintf(file, "%lu\n", writes);
	fclose(file);
}

int __wrap_setting_write(const struct setting *setting, const char *value)
{
	static unsigned long writes;
	int status = 0;

	count(++writes);
	if (writes != number("FAIL_AT"))
		return __real_setting_write(setting, value);
	if (number("FAIL_LATE"))
		status = __real_setting_write(setting, value);
	if (!status)
		errno = EIO;
	return -1;
}
