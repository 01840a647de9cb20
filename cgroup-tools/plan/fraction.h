/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Exact fractions in lowest terms, den > 0. What goes in and comes out must be below 2^127: times below
 * 2^32 ns (the longest period of SCHED_DEADLINE) may be multiplied three times, and once more by a small number.
 */
#ifndef DLSPARE_FRACTION_H
#define DLSPARE_FRACTION_H

struct fraction {
	__int128 num, den;
};

static inline struct fraction fraction(__int128 num, __int128 den)
{
	__int128 a = num < 0 ? -num : num, b = den < 0 ? -den : den, rest;

	for (; b; b = rest) {
		rest = a % b;
		a = b;
	}
	if (den < 0)
		a = -a;
	return (struct fraction){ num / a, den / a };
}

static inline struct fraction fraction_add(struct fraction a, struct fraction b)
{
	return fraction(a.num * b.den + b.num * a.den, a.den * b.den);
}

/*
 * As fraction_add(), for sums of any length: where a has a denominator above 2^40 it is rounded up to parts of that.
 * b's is below 2^32.
 */
static inline struct fraction fraction_sum(struct fraction a, struct fraction b)
{
	const __int128 fine = (__int128)1 << 40;

	if (a.den > fine)
		a = fraction(a.num * fine / a.den + (a.num * fine % a.den > 0), fine);
	return fraction_add(a, b);
}

static inline struct fraction fraction_multiply(struct fraction a, struct fraction b)
{
	return fraction(a.num * b.num, a.den * b.den);
}

/* The largest whole number that is not above a. */
static inline __int128 fraction_floor(struct fraction a)
{
	return a.num / a.den - (a.num % a.den < 0);
}

static inline __int128 fraction_ceil(struct fraction a)
{
	return a.num / a.den + (a.num % a.den > 0);
}

/* Less than 0, 0 or more: as a is to b. By their continued fractions, so that no product can be too large. */
static inline int fraction_compare(struct fraction a, struct fraction b)
{
	__int128 whole_a = fraction_floor(a), rest_a = a.num - whole_a * a.den;
	__int128 whole_b = fraction_floor(b), rest_b = b.num - whole_b * b.den;

	if (whole_a != whole_b)
		return whole_a < whole_b ? -1 : 1;
	if (!rest_a || !rest_b)
		return !!rest_a - !!rest_b;
	return fraction_compare((struct fraction){ b.den, rest_b }, (struct fraction){ a.den, rest_a });
}

static inline double fraction_double(struct fraction a)
{
	return (double)a.num / (double)a.den;
}

#endif
