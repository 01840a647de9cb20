#include "words.h"

#include <string.h>

#include "plan/ring.h"
#include "host/units.h"

int64_t words_time(struct argp_state *state, const char *text)
{
	const char *rule;
	uint64_t ns = 0;

	if (!units_parse(&ns, text, &rule))
		argp_error(state, "'%s': %s", text, rule);
	if (ns > RING_MAX)
		argp_error(state, "'%s' is more than 2^40 ns", text);
	return ns;
}

int64_t words_number(struct argp_state *state, const char *text, uint64_t low, uint64_t high)
{
	const char *rule;
	uint64_t number = 0;

	if (!units_parse_number(&number, text, low, high, &rule))
		argp_error(state, "'%s': %s", text, rule);
	return number;
}

void words_parse(struct argp_state *state, const struct word *words, size_t nr_words, void *base, const char *text)
{
	const char *equals = strchr(text, '=');
	const size_t length = equals ? (size_t)(equals - text) : strlen(text);

	for (size_t i = 0; equals && i < nr_words; i++) {
		if (strlen(words[i].name) != length || strncmp(words[i].name, text, length))
			continue;
		*(int64_t *)((char *)base + words[i].offset) =
			words[i].time ? words_time(state, equals + 1) : words_number(state, equals + 1, 0, 1 << 20);
		return;
	}
	argp_error(state, "'%s' is no NAME=VALUE of a known name", text);
}
