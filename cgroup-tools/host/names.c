// SPDX-License-Identifier: GPL-2.0
#include "host/names.h"

#include <stdlib.h>
#include <string.h>

bool names_add(char ***names, size_t *nr, const char *name)
{
	char **larger = reallocarray(*names, *nr + 1, sizeof(*larger));

	if (!larger)
		return false;
	*names = larger;
	larger[*nr] = strdup(name);
	if (!larger[*nr])
		return false;
	++*nr;
	return true;
}

void names_free(char ***names, size_t *nr)
{
	while (*nr)
		free((*names)[--*nr]);
	free(*names);
	*names = NULL;
}
