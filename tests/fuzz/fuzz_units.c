// Times and numbers.
// sources: cgroup-tools/host/units.c
// example: 40ms
// example: 0.4 ms
// example: 100000us
// example: 18446744073.709551615s
// example: 64

#include "fuzz.h"
#include "host/units.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), printed[UNITS_TEXT];
	uint64_t ns = 17, again, number = 17;
	const char *rule = NULL;

	if (units_parse(&ns, text, &rule)) {
		MUST(units_parse(&again, units_print(printed, ns), &rule));
		MUST(again == ns);
	} else {
		MUST(ns == 17 && rule && *rule);
	}

	rule = NULL;
	if (units_parse_number(&number, text, 20, 4000000000, &rule))
		MUST(number == strtoull(text, NULL, 10) && number >= 20 && number <= 4000000000);
	else
		MUST(number == 17 && rule && *rule);

	// Any number is a time, too.
	if (size >= sizeof(ns)) {
		memcpy(&ns, data, sizeof(ns));
		MUST(units_parse(&again, units_print(printed, ns), &rule));
		MUST(again == ns);
	}
	free(text);
	return 0;
}
