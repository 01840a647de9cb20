// SPDX-License-Identifier: GPL-2.0
#include "host/escape.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *escape(const char *text, bool (*means)(const char *text, const char *at))
{
	char *escaped = malloc(3 * strlen(text) + 1), *to = escaped;

	if (!escaped)
		return NULL;
	for (const char *at = text; *at; at++) {
		if (*at == '%' || means(text, at))
			to += sprintf(to, "%%%02X", (unsigned char)*at);
		else
			*to++ = *at;
	}
	*to = '\0';
	return escaped;
}

bool unescape(char *text)
{
	char *to = text;
	unsigned int byte;

	for (; *text; text++) {
		if (*text == '%') {
			if (!isxdigit((unsigned char)text[1]) || !isxdigit((unsigned char)text[2]) ||
			    sscanf(text + 1, "%2x", &byte) != 1 || !byte)
				return false;
			*to++ = byte;
			text += 2;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
	return true;
}
