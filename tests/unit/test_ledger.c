// sources: tests/unit/host_tree.c
/* The ledger: what is written is read, and what is no line of one is kept elsewhere. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apply/ledger.h"
#include "apply/store.h"
#include "host/host.h"
#include "host_tree.h"

#define CLASS "class\t12@345\t\tother 0\n"
#define GROUP "group\tdlspare.slice/gold\t\tnone\n"
#define VALUE "value\ta b/c%0A\tcpuset.cpus\t0-3\n"

static void reads(const char *path, const char *expected)
{
	size_t length;
	char *text = host_read_all(host_path("%s", path), &length);

	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
}

static void parse(struct ledger *ledger, const char *text)
{
	assert_true(ledger_parse(ledger, text, strlen(text)));
}

static void what_is_noted_is_read(void **state)
{
	const struct setting class = { .kind = SETTING_CLASS, .object = "12@345", .name = "" };
	const struct setting value = { .kind = SETTING_VALUE, .object = "a b/c\n", .name = "cpuset.cpus" };
	struct ledger ledger = { 0 }, again;
	char error[256];

	(void)state;
	host_tree_folder("/run/dlspare/.");
	assert_int_equal(ledger_note(&ledger, &class, "other 0"), 0);
	assert_int_equal(ledger_note(&ledger, &value, "0-3"), 0);
	/* The first one counts. */
	assert_int_equal(ledger_note(&ledger, &class, "fifo 1"), 0);
	reads(STORE_LEDGER, CLASS VALUE);
	assert_true(ledger_read(&again, error, sizeof(error)));
	assert_int_equal(again.nr_bad, 0);
	assert_int_equal(again.originals.nr, 2);
	assert_string_equal(again.originals.list[1].object, "a b/c\n");
	settings_remove(&again.originals, &again.originals.list[0]);
	assert_int_equal(ledger_write(&again), 0);
	reads(STORE_LEDGER, VALUE);
	settings_remove(&again.originals, &again.originals.list[0]);
	assert_int_equal(ledger_write(&again), 0);
	assert_false(host_exists(host_path(STORE_LEDGER)));
	ledger_free(&again);
	ledger_free(&ledger);
}

/* A line that was being written when its writer was killed may look whole: "0-3" was to be "0-31". */
static void a_line_without_its_end_is_none(void **state)
{
	struct ledger ledger;

	(void)state;
	parse(&ledger, CLASS "value\tg\tcpuset.cpus\t0-3");
	assert_int_equal(ledger.originals.nr, 1);
	assert_int_equal(ledger.nr_bad, 1);
	assert_int_equal(ledger.first_bad, 2);
	ledger_free(&ledger);
}

static void what_is_no_line_is_told_apart(void **state)
{
	static const char *const lines[] = {
		"junk", "budget\tweb\t-\t4", "class\t12@345\t", "class\t12@345\t\tother 0\tmore", "class\t12\t\tother 0",
		"class\t12@345x\t\tother 0", "class\t@345\t\tother 0", "class\t12@\t\tother 0", "class\t-1@3\t\tother 0",
		"class\t12@345\tx\tother 0", "class\t12@345\t\t", "group\t\t\tnone", "group\tg\t\tsome", "group\tg\tx\tnone",
		"group\t../g\t\tnone", "group\ta/../g\t\tnone", "group\ta/..\t\tnone", "group\t/a\t\tnone",
		"feature\t-\tHRTICK_DL\tNO", "device\tg\t\ton", "controller\t..\tcpu\ton", "value\tg\tpasswd\tx",
		"value\tg\t../../../etc/x.y\tx", "value\t../../../etc\tx.y\tx", "device\tg\ta/b\ton", "value\tg\tcpu.%0g\tx", "value\tg\tcpu.%zz\tx",
		"process\t12@345\t\t../x", "thread\t12@345\t\t/x",
	};
	char text[256], complaint[512];
	struct ledger ledger;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		snprintf(text, sizeof(text), GROUP "%s\n" CLASS, lines[i]);
		parse(&ledger, text);
		if (ledger.nr_bad != 1 || ledger.originals.nr != 2)
			fail_msg("'%s' is taken", lines[i]);
		assert_int_equal(ledger.first_bad, 2);
		assert_int_equal(ledger.bad_length, strlen(lines[i]) + 1);
		ledger_complain(&ledger, complaint, sizeof(complaint));
		assert_non_null(strstr(complaint, STORE_LEDGER ":2: '"));
		ledger_free(&ledger);
	}
	/* A NUL byte hides nothing of what is behind it. */
	assert_true(ledger_parse(&ledger, "x\0y\n" CLASS, strlen(CLASS) + 4));
	assert_int_equal(ledger.originals.nr, 1);
	ledger_complain(&ledger, complaint, sizeof(complaint));
	assert_string_equal(complaint, STORE_LEDGER ":1: 'x?y' is no line of a ledger");
	ledger_free(&ledger);
}

static void bad_lines_are_set_aside(void **state)
{
	struct ledger ledger;
	char error[256];

	(void)state;
	host_tree_put("before\n", STORE_LEDGER_BAD);
	host_tree_put("junk\n" GROUP "\nmore junk\n" CLASS "torn", STORE_LEDGER);
	assert_true(ledger_read(&ledger, error, sizeof(error)));
	assert_int_equal(ledger.nr_bad, 3);
	ledger_complain(&ledger, error, sizeof(error));
	assert_string_equal(error, STORE_LEDGER ":1: 'junk' is no line of a ledger, nor are 2 more");
	assert_int_equal(ledger_set_aside(&ledger), 0);
	reads(STORE_LEDGER, GROUP CLASS);
	reads(STORE_LEDGER_BAD, "before\njunk\nmore junk\ntorn\n");
	ledger_free(&ledger);
}

/* What cannot be kept elsewhere stays where it is. */
static void nothing_is_lost_that_cannot_be_set_aside(void **state)
{
	struct ledger ledger;
	char error[256];

	(void)state;
	host_tree_put("junk\n" GROUP, STORE_LEDGER);
	host_tree_link("/dev/null", STORE_LEDGER_BAD);
	assert_true(ledger_read(&ledger, error, sizeof(error)));
	assert_int_equal(ledger_set_aside(&ledger), -1);
	reads(STORE_LEDGER, "junk\n" GROUP);
	ledger_free(&ledger);
}

static void what_cannot_be_read_is_told(void **state)
{
	struct ledger ledger;
	char error[256];

	(void)state;
	assert_true(ledger_read(&ledger, error, sizeof(error)));
	assert_int_equal(ledger.originals.nr, 0);
	host_tree_folder(STORE_LEDGER);
	assert_false(ledger_read(&ledger, error, sizeof(error)));
	assert_string_equal(error, STORE_LEDGER ": Is a directory");
}

/* Behind a line that may be there in part no other one may come. */
static void after_a_failure_no_line_is_taken(void **state)
{
	const struct setting class = { .kind = SETTING_CLASS, .object = "12@345", .name = "" };
	struct ledger ledger = { 0 };

	(void)state;
	assert_int_equal(ledger_note(&ledger, &class, "other 0"), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(ledger.originals.nr, 0);
	host_tree_folder("/run/dlspare/.");
	assert_int_equal(ledger_note(&ledger, &class, "other 0"), -1);
	assert_int_equal(errno, ENOENT);
	assert_false(host_exists(host_path(STORE_LEDGER)));
	/* Written whole, it is good again. */
	assert_int_equal(ledger_write(&ledger), 0);
	assert_int_equal(ledger_note(&ledger, &class, "other 0"), 0);
	reads(STORE_LEDGER, CLASS);
	ledger_free(&ledger);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, host_tree_make, host_tree_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_noted_is_read),
		TEST(a_line_without_its_end_is_none),
		TEST(what_is_no_line_is_told_apart),
		TEST(bad_lines_are_set_aside),
		TEST(nothing_is_lost_that_cannot_be_set_aside),
		TEST(what_cannot_be_read_is_told),
		TEST(after_a_failure_no_line_is_taken),
	};

	return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
