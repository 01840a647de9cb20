// Two lists of CPUs, each of a line.
// sources: cgroup-tools/host/cpus.c
// example: 0-3,8\n2
// example: 8191\n0-8191
// example: 63,64,65-127\n
// example: 3-1\n1,,2

#include "fuzz.h"
#include "host/cpus.h"

// The set of a text; of a wrong one what it was before: 5.
static struct cpus read_list(const char *text)
{
	struct cpus set = { .bits = { 1 << 5 } }, again = set, five = set;
	const char *rule = NULL;
	unsigned int count = 0;
	char *printed;

	if (!cpus_parse(&set, text, &rule)) {
		MUST(rule && *rule);
		MUST(cpus_equal(&set, &five));
		return set;
	}
	printed = cpus_print(&set);
	MUST(printed && cpus_parse(&again, printed, &rule));
	MUST(cpus_equal(&set, &again));
	free(printed);
	for (int cpu = cpus_next(&set, 0); cpu >= 0; cpu = cpus_next(&set, cpu + 1), count++)
		MUST(cpus_has(&set, cpu));
	MUST(count == cpus_count(&set) && cpus_empty(&set) == !count);
	return set;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *second = text;
	struct cpus a, b, both, rest;

	strsep(&second, "\n");
	a = read_list(text);
	b = read_list(second ? second : "");
	both = rest = a;
	cpus_unite(&both, &b);
	cpus_subtract(&rest, &b);
	MUST(cpus_within(&a, &both) && cpus_within(&b, &both) && cpus_within(&rest, &a));
	MUST(!cpus_overlap(&rest, &b));
	MUST(cpus_overlap(&a, &b) == !cpus_equal(&rest, &a));
	MUST(cpus_count(&both) == cpus_count(&rest) + cpus_count(&b));
	MUST(cpus_within(&a, &b) == cpus_empty(&rest));
	free(text);
	return 0;
}
