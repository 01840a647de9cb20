// summary STAGES.csv RTT.csv: prints one line an arm and number of CPUs.

#include "rtt.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct rtts {
	struct rtt *item;
	size_t count;
};

struct sample {
	int64_t *ns; // sorted, of the pings that came back
	size_t count, lost;
};

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "summary: %s: %s\n", what, why);
	exit(1);
}

static void fail_line(const char *path, unsigned long number, const char *line)
{
	fprintf(stderr, "summary: %s line %lu is malformed: %s", path, number, line);
	exit(1);
}

// Opens a table and passes over its header.
static FILE *open_table(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "r");

	if (!file)
		fail(path, strerror(errno));
	if (!fgets(line, size, file))
		fail(path, "is empty");
	return file;
}

static struct rtts read_rtts(const char *path)
{
	char line[256];
	FILE *file = open_table(path, line, sizeof(line));
	struct rtts rtts = { 0 };
	size_t room = 0;

	while (fgets(line, sizeof(line), file)) {
		if (rtts.count == room) {
			room = room ? 2 * room : 1024;
			rtts.item = reallocarray(rtts.item, room, sizeof(*rtts.item));
			if (!rtts.item)
				fail(path, strerror(errno));
		}
		if (!rtt_parse(line, &rtts.item[rtts.count]))
			fail_line(path, rtts.count + 2, line);
		rtts.count++;
	}
	fclose(file);
	return rtts;
}

static struct sample choose(const struct rtts *rtts, const struct stage *stage)
{
	struct sample sample = { .ns = calloc(rtts->count + 1, sizeof(int64_t)) };

	if (!sample.ns)
		fail(stage->arm, strerror(errno));
	for (const struct rtt *rtt = rtts->item; rtt < rtts->item + rtts->count; rtt++) {
		if (rtt->cpus != stage->cpus || strcmp(rtt->arm, stage->arm))
			continue;
		if (rtt->lost)
			sample.lost++;
		else
			sample.ns[sample.count++] = rtt->rtt_ns;
	}
	rtt_sort(sample.ns, sample.count);
	return sample;
}

static void print_us(const struct sample *sample, unsigned int percent)
{
	int64_t ns;

	putchar(',');
	if (!sample->count)
		return;
	ns = nearest_rank(sample->ns, sample->count, percent);
	printf("%lld.%03lld", (long long)ns / 1000, (long long)ns % 1000);
}

static void print_stage(const struct stage *stage, const struct rtts *rtts)
{
	static const unsigned int percents[] = { 0, 50, 90, 99, 100 };
	struct sample sample = choose(rtts, stage);

	printf("%s,%u,%lu,%lu,%lu,%lu,%zu,%zu", stage->arm, stage->cpus, stage->runtime_us,
	       stage->period_us, stage->spare_runtime_us, stage->spare_period_us,
	       sample.count + sample.lost, sample.lost);
	for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++)
		print_us(&sample, percents[i]);
	printf(",%.3f,%.4f\n", stage->loops * 1e3 / stage->wall_ns,
	       (double)stage->vcpu_ns / stage->wall_ns);
	free(sample.ns);
}

static void print_all(const char *path, const struct rtts *rtts)
{
	char line[256];
	FILE *file = open_table(path, line, sizeof(line));
	struct stage stage;

	puts("arm,cpus,runtime_us,period_us,spare_runtime_us,spare_period_us,sent,lost,"
	     "min_us,p50_us,p90_us,p99_us,max_us,batch_loops_per_us,vcpu_share");
	for (unsigned long number = 2; fgets(line, sizeof(line), file); number++) {
		if (!stage_parse(line, &stage))
			fail_line(path, number, line);
		print_stage(&stage, rtts);
	}
	fclose(file);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	const char **paths = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (state->arg_num >= 2)
			argp_usage(state);
		paths[state->arg_num] = arg;
		return 0;
	case ARGP_KEY_END:
		if (state->arg_num < 2)
			argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		NULL, parse_option, "STAGES.csv RTT.csv",
		"Prints the round trips' percentiles by nearest rank, the batch rate and the "
		"vCPU's share of time, a line for each line of STAGES.csv.",
		NULL, NULL, NULL,
	};
	const char *paths[2];
	struct rtts rtts;

	argp_parse(&argp, argc, argv, 0, NULL, paths);
	rtts = read_rtts(paths[1]);
	print_all(paths[0], &rtts);
	free(rtts.item);
	return fclose(stdout) ? 1 : 0;
}
