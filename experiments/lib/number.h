// Numbers on a command line.

#ifndef NUMBER_H
#define NUMBER_H

#include <argp.h>
#include <errno.h>
#include <stdlib.h>

// The value of ARG, LEAST..MOST in digits alone; else argp_error() names NAME, ARG and the range, and ends the program.
static inline unsigned long number_parse(struct argp_state *state, const char *name, const char *arg,
					 unsigned long least, unsigned long most)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(arg, &end, 10);
	if (*arg < '0' || *arg > '9' || *end || errno || value < least || value > most)
		argp_error(state, "%s '%s' is not a number from %lu to %lu", name, arg, least, most);
	return value;
}

#endif
