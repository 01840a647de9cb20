// NAME=VALUE arguments, as simulate and the benches take them. What is wrong ends the program with argp_error().

#ifndef WORDS_H
#define WORDS_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct word {
	const char *name;
	bool time;     // with a unit, in ns; else a count up to 2^20
	size_t offset; // of an int64_t in the base
};

void words_parse(struct argp_state *state, const struct word *words, size_t nr_words, void *base, const char *text);

// ns, at most 2^40.
int64_t words_time(struct argp_state *state, const char *text);
int64_t words_number(struct argp_state *state, const char *text, uint64_t low, uint64_t high);

#endif
