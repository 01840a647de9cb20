// quantiles PERMILLE...: of the numbers on standard input, a line each; an empty line is a value that never came.
//
// A quantile is by nearest rank. Its interval is of order statistics, for any distribution: the number of samples below
// the quantile q is binomial (n,q), so [x(l), x(u)] covers it with at least 95 % if P(B < l) and P(B >= u) are at most
// 2.5 % each (David and Nagaraja, Order Statistics, 7.1). Samples must be independent for that. Too few samples bound a
// high quantile from below only: then the upper end is empty.

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double tail = 0.025;

struct sample {
	double *value; // sorted; INFINITY: never came
	size_t count;
};

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "quantiles: %s: %s\n", what, why);
	exit(1);
}

static double parse_value(const char *line)
{
	char *end;
	double value;

	if (*line == '\n')
		return INFINITY;
	value = strtod(line, &end);
	if (end == line || *end != '\n')
		fail(line, "is not a number");
	return value;
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static struct sample read_sample(void)
{
	struct sample sample = { 0 };
	size_t room = 0;
	char line[64];

	while (fgets(line, sizeof(line), stdin)) {
		if (sample.count == room) {
			room = room ? 2 * room : 1024;
			sample.value = reallocarray(sample.value, room, sizeof(*sample.value));
			if (!sample.value)
				fail("samples", strerror(errno));
		}
		sample.value[sample.count++] = parse_value(line);
	}
	if (!sample.count)
		fail("samples", "there are none");
	qsort(sample.value, sample.count, sizeof(*sample.value), compare);
	return sample;
}

// P(B = k), B binomial (n,q).
static double binomial(size_t n, double q, size_t k)
{
	return exp(lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0) + k * log(q) + (n - k) * log1p(-q));
}

// The largest l with P(B < l) <= tail: 0 if the interval has no lower end.
static size_t lower_rank(size_t n, double q)
{
	double below = 0;
	size_t l = 0;

	while (l < n && (below += binomial(n, q, l)) <= tail)
		l++;
	return l;
}

// The smallest u with P(B >= u) <= tail: n + 1 if the interval has no upper end.
static size_t upper_rank(size_t n, double q)
{
	double above = 0;
	size_t u = n + 1;

	while (u > 1 && (above += binomial(n, q, u - 1)) <= tail)
		u--;
	return u;
}

// Ranks begin at 1. Nothing if there is no such rank.
static void print_rank(const struct sample *sample, size_t rank)
{
	if (rank >= 1 && rank <= sample->count)
		printf("%.3f", sample->value[rank - 1]);
}

static void print_quantile(const struct sample *sample, double permille)
{
	double q = permille / 1000.0;
	size_t rank = ceil(sample->count * permille / 1000 - 1e-6); // 999.9 is no binary fraction

	print_rank(sample, rank ? rank : 1);
	putchar(',');
	print_rank(sample, lower_rank(sample->count, q));
	putchar(',');
	print_rank(sample, upper_rank(sample->count, q));
	putchar(',');
}

static double parse_permille(const char *argument)
{
	char *end;
	double permille = strtod(argument, &end);

	if (end == argument || *end || !(permille >= 0.001 && permille <= 999.999)) {
		fprintf(stderr, "quantiles: '%s' is not a number from 0.001 to 999.999\n", argument);
		exit(2);
	}
	return permille;
}

int main(int argc, char **argv)
{
	struct sample sample;

	if (argc < 2) {
		fputs("Usage: quantiles PERMILLE...  prints VALUE,LOWER,UPPER, of each, and the largest\n", stderr);
		return 2;
	}
	for (int i = 1; i < argc; i++)
		parse_permille(argv[i]);
	sample = read_sample();
	for (int i = 1; i < argc; i++)
		print_quantile(&sample, parse_permille(argv[i]));
	print_rank(&sample, sample.count);
	putchar('\n');
	free(sample.value);
	return fclose(stdout) ? 1 : 0;
}
