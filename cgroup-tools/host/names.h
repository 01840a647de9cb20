/* SPDX-License-Identifier: GPL-2.0 */
/* Lists of names, such as network devices. */
#ifndef DLSPARE_NAMES_H
#define DLSPARE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/* Appends a copy. False without memory. */
bool names_add(char ***names, size_t *nr, const char *name);
void names_free(char ***names, size_t *nr);

#endif
