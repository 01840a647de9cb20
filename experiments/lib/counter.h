// The lines "NAME NUMBER" of a cgroup's file, cpu.spare.stat for one.

#ifndef COUNTER_H
#define COUNTER_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

// False if the text has no line of that name.
static inline bool counter_find(const char *text, const char *name, unsigned long long *value)
{
	size_t length = strlen(name);

	for (const char *line = text; line; line = strchr(line, '\n'), line += line != NULL) {
		if (!strncmp(line, name, length) && line[length] == ' ') {
			*value = strtoull(line + length, NULL, 10);
			return true;
		}
	}
	return false;
}

#endif
