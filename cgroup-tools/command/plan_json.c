// SPDX-License-Identifier: GPL-2.0
/* Values of a plan as JSON. */
#include "command/plan.h"

#include <math.h>

json_t *plan_append(json_t *rows, json_t *row)
{
	if (!json_array_append_new(rows, row))
		return rows;
	json_decref(rows);
	return NULL;
}

json_t *plan_time(double ns)
{
	return isfinite(ns) ? json_integer(ceil(ns)) : json_null();
}

json_t *plan_share(struct fraction share)
{
	return json_real(fraction_double(share));
}

json_t *plan_number(double number)
{
	return isfinite(number) ? json_real(number) : json_null();
}

json_t *plan_count(int64_t count)
{
	return count > 0 ? json_integer(count) : json_null();
}
