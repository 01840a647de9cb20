#include "budget.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Lines read "name   :   value". A name may end another one, so it must begin its line.
static const char *find_value(const char *text, const char *name)
{
	size_t length = strlen(name);

	while (text && strncmp(text, name, length)) {
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	if (!text)
		return NULL;
	text += length + strspn(text + length, " ");
	return *text == ':' ? text + 1 : NULL;
}

static bool parse_ns(const char *value, int64_t *ns)
{
	char *end;

	if (!value)
		return false;
	errno = 0;
	*ns = strtoll(value, &end, 10);
	return end != value && *end == '\n' && !errno;
}

// Some times are printed as milliseconds and six digits.
static bool parse_ms(const char *value, int64_t *ns)
{
	long long ms, rest;
	char *point, *end;

	if (!value)
		return false;
	errno = 0;
	ms = strtoll(value, &point, 10);
	if (point == value || *point != '.' || errno || ms < 0 || ms > INT64_MAX / 1000000 - 1)
		return false;
	if (strspn(point + 1, "0123456789") != 6)
		return false;
	rest = strtoll(point + 1, &end, 10);
	*ns = ms * 1000000 + rest;
	return *end == '\n';
}

bool budget_parse_used(const char *text, int64_t *used_ns)
{
	return parse_ms(find_value(text, "se.sum_exec_runtime"), used_ns);
}

bool budget_parse(const char *text, struct budget *budget)
{
	return budget_parse_used(text, &budget->used_ns) &&
	       parse_ns(find_value(text, "dl.runtime"), &budget->runtime_ns) &&
	       parse_ns(find_value(text, "dl.deadline"), &budget->deadline_ns);
}
