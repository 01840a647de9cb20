/* SPDX-License-Identifier: GPL-2.0 */
/* Texts in places where some bytes mean something: these are written as %XX. */
#ifndef DLSPARE_ESCAPE_H
#define DLSPARE_ESCAPE_H

#include <stdbool.h>

/* A new text; NULL without memory. means(): whether the byte of text at `at`, which is not %, means something. */
char *escape(const char *text, bool (*means)(const char *text, const char *at));

/* Back, in place. False: it is not such a text. */
bool unescape(char *text);

#endif
