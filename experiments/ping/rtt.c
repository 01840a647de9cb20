#include "rtt.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Each take_ consumes one field and what ends it: a comma, or the end of the line.

static bool take_end(const char **at)
{
	if (**at == ',') {
		++*at;
		return true;
	}
	*at += strspn(*at, "\r\n");
	return !**at;
}

static bool take_word(const char **at, char *word, size_t size)
{
	size_t length = strcspn(*at, ",\r\n");

	if (!length || length >= size)
		return false;
	memcpy(word, *at, length);
	word[length] = '\0';
	*at += length;
	return take_end(at);
}

static bool take_number(const char **at, unsigned long long most, unsigned long long *number)
{
	char *end;

	if (!isdigit((unsigned char)**at))
		return false;
	errno = 0;
	*number = strtoull(*at, &end, 10);
	if (errno || *number > most)
		return false;
	*at = end;
	return take_end(at);
}

// Microseconds with three digits after the point: exact nanoseconds.
static bool take_us(const char **at, int64_t *ns)
{
	unsigned long long us;
	char *end;

	if (!isdigit((unsigned char)**at))
		return false;
	errno = 0;
	us = strtoull(*at, &end, 10);
	if (errno || us > INT64_MAX / 1000 - 1 || *end != '.' || strspn(end + 1, "0123456789") != 3)
		return false;
	*ns = us * 1000 + strtoull(end + 1, &end, 10);
	*at = end;
	return take_end(at);
}

static bool is_last(const char *at, const char *line)
{
	return !*at && at > line && at[-1] != ',';
}

bool rtt_parse(const char *line, struct rtt *rtt)
{
	const char *at = line;
	unsigned long long cpus, seq;

	if (!take_word(&at, rtt->arm, sizeof(rtt->arm)) || !take_number(&at, UINT32_MAX, &cpus) ||
	    !take_number(&at, UINT32_MAX, &seq) || !take_us(&at, &rtt->phase_ns))
		return false;
	rtt->cpus = cpus;
	rtt->seq = seq;
	rtt->rtt_ns = 0;
	rtt->lost = at[-1] == ',' && !at[strspn(at, "\r\n")];
	return rtt->lost || (take_us(&at, &rtt->rtt_ns) && is_last(at, line));
}

bool stage_parse(const char *line, struct stage *stage)
{
	unsigned long long number[8];
	const char *at = line;

	if (!take_word(&at, stage->arm, sizeof(stage->arm)))
		return false;
	for (size_t i = 0; i < sizeof(number) / sizeof(number[0]); i++)
		if (!take_number(&at, i < 5 ? UINT32_MAX : INT64_MAX, &number[i]))
			return false;
	stage->cpus = number[0];
	stage->runtime_us = number[1];
	stage->period_us = number[2];
	stage->spare_runtime_us = number[3];
	stage->spare_period_us = number[4];
	stage->wall_ns = number[5];
	stage->vcpu_ns = number[6];
	stage->loops = number[7];
	return stage->wall_ns && is_last(at, line);
}

static int compare(const void *left, const void *right)
{
	int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

	return (a > b) - (a < b);
}

void rtt_sort(int64_t *ns, size_t count)
{
	if (count)
		qsort(ns, count, sizeof(*ns), compare);
}

int64_t nearest_rank(const int64_t *sorted, size_t count, unsigned int percent)
{
	size_t rank = (count * percent + 99) / 100;

	return sorted[rank ? rank - 1 : 0];
}
