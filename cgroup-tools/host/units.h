/* SPDX-License-Identifier: GPL-2.0 */
/* Times with units, and numbers, as people write them. */
#ifndef DLSPARE_UNITS_H
#define DLSPARE_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NSEC_PER_USEC 1000ull
#define NSEC_PER_MSEC 1000000ull
#define NSEC_PER_SEC 1000000000ull

/* Long enough for what units_print() writes. */
#define UNITS_TEXT 32

/*
 * Reads a time: a decimal number and its unit, one of ns, us, ms and s, such as "40ms", "0.4 ms" or "100000us".
 * True: *ns is exact. False: *rule says in words what the text breaks (a static text); *ns is untouched.
 */
bool units_parse(uint64_t *ns, const char *text, const char **rule);

/* Writes a time, exactly, in the largest unit of which it is one or more: "40ms", "9.5ms", "0s". Returns text. */
char *units_print(char text[UNITS_TEXT], uint64_t ns);

/* Writes about how long that is, with three digits: "45us", "1.23ms", "58.5ms". Returns text. */
char *units_print_short(char text[UNITS_TEXT], uint64_t ns);

/* Reads a decimal number in low..high. As units_parse(), but the text is good until the next call: it names the range. */
bool units_parse_number(uint64_t *number, const char *text, uint64_t low, uint64_t high, const char **rule);

#endif
