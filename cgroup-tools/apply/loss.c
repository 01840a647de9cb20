// SPDX-License-Identifier: GPL-2.0
#include "apply/loss.h"

#include <stdlib.h>
#include <string.h>

#include "host/group.h"

/* Is a group of dlspare's still below? One that was removed and made anew has no controllers, and that is no loss. */
static bool has_stayed(const char *group, const struct ledger *ledger)
{
	size_t i;

	for (i = 0; i < ledger->originals.nr; i++) {
		const struct setting *original = &ledger->originals.list[i];

		if (ledger_has_made(original) && group_within(original->object, group) && group_exists(original->object))
			return true;
	}
	return false;
}

static bool is_lost(const struct setting *wanted, const struct ledger *ledger)
{
	char *now;
	bool lost;

	if (wanted->kind != SETTING_CONTROLLER || !settings_find(&ledger->originals, wanted) || !has_stayed(wanted->object, ledger))
		return false;
	now = setting_read(wanted);
	lost = now && strcmp(now, wanted->value);
	free(now);
	return lost;
}

const struct setting *loss_find(const struct settings *wanted, const struct ledger *ledger)
{
	size_t i;

	for (i = 0; i < wanted->nr; i++)
		if (is_lost(&wanted->list[i], ledger))
			return &wanted->list[i];
	return NULL;
}
