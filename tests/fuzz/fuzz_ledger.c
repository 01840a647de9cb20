// Texts of ledgers: each line is taken, and then written as it is read, or kept as it is.
// sources: cgroup-tools/apply/ledger.c cgroup-tools/apply/setting.c cgroup-tools/host/*.c vmm-hooks/*.c
// libraries: -lcgroup -ljansson
// example: group\tdlspare.slice/gold\t\tnone\ncontroller\tdlspare.slice\tcpuset\toff\nvalue\tg\tcpu.spare.pool\t1000 10000 units=2\n
// example: process\t12@345\t\tmachine.slice/a%0Ab\nthread\t13@345\t\t\naffinity\t13@345\t\t0-3,8\nclass\t13@345\t\tother 0\n
// example: feature\t-\tHRTICK_DL\toff\ndevice\tg\ttap0\toff\n
// example: lender\tg\tcpu.spare.pool\tnone\nlender-device\tg\ttap0\toff\nlender\t../g\tcpu.spare.pool\tnone\nlender\tg\tx/y.z\tnone\n
// example: class\t4@5\t\tdeadline 1000000 2000000 2000000 reset flags=2\n\nvalue\tg\tcpuset.cpus\t0-
// example: budget\tg\t-\t1\nvalue\t../../etc\tx.y\tz\ngroup\ta/..\t\tnone\nvalue\tg\tcpu.%zz\tx\n

#include "apply/ledger.h"
#include "fuzz.h"

static char *text_of(const struct settings *settings, size_t *size)
{
	char *text;
	FILE *file = open_memstream(&text, size);

	MUST(file);
	for (size_t i = 0; i < settings->nr; i++)
		MUST(!settings_write_line(file, &settings->list[i]));
	MUST(!fclose(file));
	return text;
}

static void read_again(const struct ledger *ledger)
{
	struct ledger again;
	size_t size;
	char *text = text_of(&ledger->originals, &size);

	MUST(ledger_parse(&again, text, size));
	MUST(!again.nr_bad && again.originals.nr == ledger->originals.nr);
	for (size_t i = 0; i < again.originals.nr; i++) {
		const struct setting *a = &ledger->originals.list[i], *b = &again.originals.list[i];

		MUST(setting_same(a, b) && !strcmp(a->value, b->value));
		MUST(*a->object != '/' && strncmp(a->object, "../", 3) && !strstr(a->object, "/../") && !strchr(a->name, '/'));
		MUST(!setting_shrinks(a, a->value, b->value));
	}
	ledger_free(&again);
	free(text);
}

static void look_at_bad(const struct ledger *ledger)
{
	char complaint[256];
	size_t lines = 0;

	for (size_t i = 0; i < ledger->bad_length; i++)
		lines += ledger->bad[i] == '\n';
	MUST(lines == ledger->nr_bad && !ledger->nr_bad == !ledger->bad_length);
	if (!lines)
		return;
	MUST(ledger->bad[ledger->bad_length - 1] == '\n' && ledger->first_bad);
	ledger_complain(ledger, complaint, sizeof(complaint));
	MUST(!strchr(complaint, '\n') && strstr(complaint, "' is no line of a ledger"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ledger ledger;
	size_t lines = 0;
	char *text;

	// Where its memory ends the text ends, for ASan to see what reads on.
	text = malloc(size ? size : 1);
	MUST(text);
	if (size)
		memcpy(text, data, size);
	MUST(ledger_parse(&ledger, text, size));
	// Nothing is lost: each line that is not empty is one or the other.
	for (size_t i = 0; i < size; i++)
		lines += text[i] != '\n' && (i + 1 == size || text[i + 1] == '\n');
	MUST(lines == ledger.originals.nr + ledger.nr_bad);
	look_at_bad(&ledger);
	read_again(&ledger);
	ledger_free(&ledger);
	free(text);
	return 0;
}
