// measure: N, S, W, T and E of a ring that ran, from all its samples, and T and E that the model has for these N, S, W.

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/ring.h"
#include "words.h"

// A file of samples: lines of ns, two or three numbers each.
struct samples {
	size_t count;
	int64_t (*row)[3];
};

struct log {
	struct samples works[2], rings[2], rests[2]; // of P, C
};

static void __attribute__((noreturn)) fail(const char *what)
{
	fprintf(stderr, "measure: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct samples read_samples(const char *dir, const char *name, char side)
{
	struct samples samples = { 0 };
	size_t room = 0;
	char path[4096], line[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s_%c.csv", dir, name, side);
	file = fopen(path, "r");
	if (!file)
		fail(path);
	while (fgets(line, sizeof(line), file)) {
		if (samples.count == room) {
			room = room ? 2 * room : 1024;
			samples.row = realloc(samples.row, room * sizeof(*samples.row));
			if (!samples.row)
				fail("memory");
		}
		int64_t *row = samples.row[samples.count++];

		row[2] = 0;
		if (sscanf(line, "%" SCNd64 ",%" SCNd64 ",%" SCNd64, &row[0], &row[1], &row[2]) < 2) {
			errno = EINVAL;
			fail(path);
		}
	}
	fclose(file);
	return samples;
}

static int64_t first_from(const struct samples *samples, size_t *i, int64_t at)
{
	while (*i < samples->count && samples->row[*i][0] < at)
		++*i;
	return *i < samples->count ? samples->row[*i][0] : INT64_MAX;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

// The instructions between a message and what comes next, whatever that is, are work for it, too.
static void extend_works(struct log *log, int side)
{
	const struct samples *works = &log->works[side];
	size_t work = 0, ring = 0, rest = 0;

	for (size_t i = 0; i < works->count; i++) {
		const int64_t end = works->row[i][1];
		const int64_t next = earlier(first_from(works, &work, end), earlier(first_from(&log->rings[side], &ring, end),
											first_from(&log->rests[side], &rest, end)));

		if (next != INT64_MAX)
			works->row[i][1] = next;
	}
}

static struct log read_log(const char *dir)
{
	struct log log;

	for (int i = 0; i < 2; i++) {
		log.works[i] = read_samples(dir, "works", "PC"[i]);
		log.rings[i] = read_samples(dir, "rings", "PC"[i]);
		log.rests[i] = read_samples(dir, "rests", "PC"[i]);
		extend_works(&log, i);
	}
	return log;
}

// --- N, S, W ---

static int compare(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t *allocate(size_t count)
{
	int64_t *values = calloc(count + 1, sizeof(*values));

	if (!values)
		fail("memory");
	return values;
}

// 0 of none. Sorts them, and frees them.
static int64_t median(int64_t *values, size_t count)
{
	int64_t middle;

	qsort(values, count, sizeof(*values), compare);
	middle = count ? values[count / 2] : 0;
	free(values);
	return middle;
}

// The mean of those up to twice the median: the others were preempted. A median alone would take one of two lengths where
// each second message is interrupted by a doorbell.
static int64_t mean_of(const struct samples *samples)
{
	int64_t *lengths = allocate(samples->count), most, sum = 0, count = 0;

	for (size_t i = 0; i < samples->count; i++)
		lengths[i] = samples->row[i][1] - samples->row[i][0];
	most = 2 * median(lengths, samples->count);
	for (size_t i = 0; i < samples->count; i++) {
		const int64_t length = samples->row[i][1] - samples->row[i][0];

		if (length <= most) {
			sum += length;
			count++;
		}
	}
	return count ? sum / count : 0;
}

// From the end of the ring to the look. A doorbell may be heard before who rings it is back: then there is no S.
static int64_t *starts(const struct samples *rests, const struct samples *rings, size_t *count)
{
	int64_t *values = allocate(rests->count);

	*count = 0;
	for (size_t i = 0; i < rests->count; i++) {
		const int64_t ring = rests->row[i][2];

		if (ring < 1 || (size_t)ring > rings->count)
			continue;
		values[*count] = rests->row[i][1] - rings->row[ring - 1][1];
		if (values[*count] < 0)
			values[*count] = 0;
		++*count;
	}
	return values;
}

static int64_t median_start(const struct samples *rests, const struct samples *rings)
{
	size_t count;
	int64_t *values = starts(rests, rings, &count);

	return median(values, count);
}

static void set_measured(struct ring *ring, const struct log *log)
{
	ring->WP = mean_of(&log->works[0]);
	ring->WC = mean_of(&log->works[1]);
	ring->NP = mean_of(&log->rings[0]);
	ring->NC = mean_of(&log->rings[1]);
	ring->SP = median_start(&log->rests[0], &log->rings[1]);
	ring->SC = median_start(&log->rests[1], &log->rings[0]);
}

// --- T, E, m ---

static size_t before(const struct samples *samples, int64_t at)
{
	size_t i = 0;

	while (i < samples->count && samples->row[i][1] <= at)
		i++;
	return i;
}

static int64_t busy_between(const struct samples *samples, int64_t from, int64_t to)
{
	int64_t sum = 0;

	for (size_t i = 0; i < samples->count; i++)
		if (samples->row[i][1] > from && samples->row[i][1] <= to)
			sum += samples->row[i][1] - samples->row[i][0];
	return sum;
}

static int64_t started_between(const struct samples *rests, const struct samples *rings, int64_t from, int64_t to)
{
	int64_t sum = 0;

	for (size_t i = 0; i < rests->count; i++) {
		const int64_t ring = rests->row[i][2], look = rests->row[i][1];

		if (look <= from || look > to || ring < 1 || (size_t)ring > rings->count)
			continue;
		if (look > rings->row[ring - 1][1])
			sum += look - rings->row[ring - 1][1];
	}
	return sum;
}

// From notification to notification of the side that rings more often, without the first cycles; P's last is no
// notification of the model's. With few of them: all.
static void print_measured(const struct log *log)
{
	const int side = log->rings[1].count + 1 > log->rings[0].count;
	const size_t rings = log->rings[side].count - (side == 0), skipped = rings > 12 ? 4 : 1;
	const struct samples *P = &log->works[0], *C = &log->works[1];
	int64_t from = P->row[0][0], to = C->row[C->count - 1][1], work = 0, notifications = 1;
	size_t messages = P->count;

	if (rings > skipped + 1) {
		from = log->rings[side].row[skipped][0];
		to = log->rings[side].row[rings - 1][0];
		messages = before(P, to) - before(P, from);
		notifications = rings - 1 - skipped;
	}
	for (int i = 0; i < 2; i++)
		work += busy_between(&log->works[i], from, to) + busy_between(&log->rings[i], from, to) +
			started_between(&log->rests[i], &log->rings[!i], from, to);
	printf("%.1f,%.1f,%.2f", (double)(to - from) / messages, (double)work / messages, (double)messages / notifications);
}

static void print_line(struct ring *ring, bool polls, const struct log *log)
{
	enum ring_regime regime;

	set_measured(ring, log);
	regime = polls ? RING_GP : ring_regime(ring);
	printf("%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",", ring->WP, ring->WC, ring->NP,
	       ring->NC, ring->SP, ring->SC);
	print_measured(log);
	printf(",%s,%.1f,%.1f,%" PRId64 "\n", ring_regime_name(regime), fraction_double(ring_time(ring, regime)),
	       fraction_double(ring_work(ring, regime)), ring_messages(ring, regime));
}

static void print_starts(const struct log *log)
{
	size_t count;
	int64_t *values = starts(&log->rests[1], &log->rings[0], &count);

	for (size_t i = 0; i < count; i++)
		printf("%" PRId64 "\n", values[i]);
	free(values);
}

// --- arguments ---

struct options {
	struct ring ring;
	const char *dir;
	bool starts, polls;
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	static const struct word words[] = {
		{ "L", false, offsetof(struct options, ring.L) }, { "kP", false, offsetof(struct options, ring.kP) },
		{ "kC", false, offsetof(struct options, ring.kC) },
	};
	struct options *options = state->input;

	switch (key) {
	case 's':
		options->starts = true;
		return 0;
	case 'p':
		options->polls = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num)
			words_parse(state, words, sizeof(words) / sizeof(words[0]), options, arg);
		else
			options->dir = arg;
		return 0;
	case ARGP_KEY_END:
		if (!options->dir)
			argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp_option known[] = {
		{ "starts", 's', NULL, 0, "print each S of C's instead, in ns", 0 },
		{ "poll", 'p', NULL, 0, "both poll: the model has no notifications", 0 },
		{ 0 },
	};
	static const struct argp argp = {
		known, parse_option, "DIR [L=|kP=|kC=N]...",
		"Prints WP,WC,NP,NC (means, ns), SP,SC (medians), T,E,m as they were, and regime,T,E,m as the model has them, for the "
		"samples that ringbench or ringvm have logged in DIR.", NULL, NULL, NULL,
	};
	struct options options = { .ring = { .L = 1, .kP = 1, .kC = 1 } };
	struct log log;

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	log = read_log(options.dir);
	if (options.starts)
		print_starts(&log);
	else
		print_line(&options.ring, options.polls, &log);
	return fclose(stdout) ? 1 : 0;
}
