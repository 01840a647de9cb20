#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "unit.h"
#include "policy/policy.h"

#define MS 1000000ull
#define GOLD "{ name = \"gold\"; runtime = \"4ms\"; period = \"10ms\"; }"
#define POOL(rest) "pools = ( { name = \"p\"; " rest " } );"
#define VM(rest) "vms = ( { name = \"v\"; " rest " } );"
#define BORROWER(rest) "pools = ( " GOLD " ); " VM("pool = \"gold\"; " rest)
#define NAME_64 "0123456789012345678901234567890123456789012345678901234567890__-"
#define GOLD_AND_A "pools = ( " GOLD " );\nvms = ( { name = \"a\"; runtime = \"1ms\"; period = \"2ms\"; } );"

static struct policy parse(const char *text)
{
	struct policy_error error;
	struct policy policy;

	if (!policy_parse(&policy, text, "test.conf", &error))
		fail_msg("refused %s\n%s", text, error.text);
	return policy;
}

static char *written(const struct policy *policy)
{
	char *text = policy_text(policy);

	assert_non_null(text);
	return text;
}

static void assert_list(const struct cpus *cpus, const char *text)
{
	char *list = cpus_print(cpus);

	assert_string_equal(list, text);
	free(list);
}

static void has_defaults(void **state)
{
	struct policy policy = parse("");
	const struct pool_policy *pool;
	const struct vm_policy *vm;

	(void)state;
	assert_true(policy.hrtick);
	assert_int_equal(policy.nr_pools, 0);
	assert_int_equal(policy.nr_vms, 0);
	policy_free(&policy);

	policy = parse("pools = ( " GOLD ", { name = \"cpus\"; cpus = \"3\"; } );\n"
		       "vms = ( { name = \"web\"; pool = \"gold\"; },"
		       " { name = \"db\"; runtime = \"40ms\"; period = \"100ms\"; } );");
	pool = policy_pool(&policy, "gold");
	assert_int_equal(pool->spare.runtime, 4 * MS);
	assert_int_equal(pool->spare.period, 10 * MS);
	assert_int_equal(pool->units, 1);
	assert_true(cpus_empty(&pool->cpus));
	assert_false(pool->exclusive);
	assert_null(pool->group);
	pool = policy_pool(&policy, "cpus");
	assert_int_equal(pool->spare.runtime, 0);
	assert_int_equal(pool->spare.period, 0);
	assert_int_equal(pool->units, 0);
	vm = policy_vm(&policy, "web");
	assert_int_equal(vm->reservation.period, 0);
	assert_string_equal(vm->pool, "gold");
	assert_true(vm->borrow.on);
	assert_int_equal(vm->borrow.chances, 0);
	assert_false(vm->borrow.charge);
	assert_true(vm->borrow.reply);
	assert_int_equal(vm->borrow.linger, 200000);
	assert_false(vm->borrow.timer);
	assert_int_equal(vm->io.kind, IO_KEEP);
	assert_true(cpus_empty(&vm->vcpus));
	assert_false(vm->any_device);
	assert_int_equal(vm->nr_devices, 0);
	vm = policy_vm(&policy, "db");
	assert_null(vm->pool);
	assert_false(vm->borrow.on);
	assert_null(policy_vm(&policy, "nobody"));
	assert_null(policy_pool(&policy, "nothing"));
	policy_free(&policy);
}

static void reads_every_key(void **state)
{
	struct policy policy = parse(
		"hrtick = false; # comment\n"
		"pools = ( { name = \"gold\"; runtime = \"4ms\"; period = \"10 ms\"; units = 2; cpus = \"1-3\";\n"
		"            exclusive = true; group = \"/machine-gold.slice/\"; } );\n"
		"vms = ( { name = \"web \\\"1\\\"\"; runtime = \"40ms\"; period = \"0.1s\"; vcpus = \"0-1\";\n"
		"  pool = \"gold\";\n"
		"  borrow = { on = false; chances = 2; charge = true; reply = false; linger = \"0s\"; timer = true; };\n"
		"  io = { policy = \"housekeeping\"; cpus = \"0\"; }; devices = \"any\"; },\n"
		" { name = \"db\"; io = { policy = \"deadline\"; runtime = \"1ms\"; period = \"10ms\"; };\n"
		"   pid = 4711; uid = 1001; group = \"/system.slice/db.service/\";\n"
		"   pool = \"gold\"; borrow = { chances = \"max\"; }; devices = ( \"tap0\", \"tap1\" ); },\n"
		" { name = \"ci\"; pool = \"gold\"; io = { policy = \"keep\"; }; devices = [ \"tap2\" ]; },\n"
		" { name = \"x\"; pool = \"gold\"; io = { policy = \"housekeeping\"; }; devices = \"none\"; } );");
	const struct pool_policy *pool = policy_pool(&policy, "gold");
	const struct vm_policy *vm = policy_vm(&policy, "web \"1\"");

	(void)state;
	assert_false(policy.hrtick);
	assert_int_equal(pool->units, 2);
	assert_list(&pool->cpus, "1-3");
	assert_true(pool->exclusive);
	assert_string_equal(pool->group, "machine-gold.slice");
	assert_int_equal(vm->reservation.runtime, 40 * MS);
	assert_int_equal(vm->reservation.period, 100 * MS);
	assert_list(&vm->vcpus, "0-1");
	assert_false(vm->borrow.on);
	assert_int_equal(vm->borrow.chances, 2);
	assert_true(vm->borrow.charge);
	assert_false(vm->borrow.reply);
	assert_int_equal(vm->borrow.linger, 0);
	assert_true(vm->borrow.timer);
	assert_int_equal(vm->io.kind, IO_HOUSEKEEPING);
	assert_list(&vm->io.cpus, "0");
	assert_true(vm->any_device);
	assert_int_equal(vm->process.pid, 0);
	assert_int_equal(vm->process.uid, -1);
	assert_null(vm->process.group);
	vm = policy_vm(&policy, "db");
	assert_int_equal(vm->process.pid, 4711);
	assert_int_equal(vm->process.uid, 1001);
	assert_string_equal(vm->process.group, "system.slice/db.service");
	assert_int_equal(vm->io.kind, IO_DEADLINE);
	assert_int_equal(vm->io.reservation.runtime, MS);
	assert_int_equal(vm->io.reservation.period, 10 * MS);
	assert_true(vm->borrow.on);
	assert_int_equal(vm->borrow.chances, 0);
	assert_int_equal(vm->nr_devices, 2);
	assert_string_equal(vm->devices[1], "tap1");
	assert_int_equal(policy_vm(&policy, "ci")->nr_devices, 1);
	assert_int_equal(policy_vm(&policy, "x")->io.kind, IO_HOUSEKEEPING);
	policy_free(&policy);
}

/* The limits themselves are allowed. */
static void takes_what_is_at_the_limits(void **state)
{
	static const char *const texts[] = {
		VM("runtime = \"1024ns\"; period = \"100us\";"),
		VM("runtime = \"4194304us\"; period = \"4194304us\";"),
		POOL("runtime = \"2us\"; period = \"4194304us\"; units = 64;"),
		POOL("runtime = \"95ms\"; period = \"100ms\";"),
		POOL("runtime = \"5ms\"; period = \"100ms\"; units = 19;"),
		"pools = ( { name = \"p\"; runtime = \"90ms\"; period = \"100ms\"; cpus = \"0\"; },\n"
		"          { name = \"q\"; runtime = \"90ms\"; period = \"100ms\"; cpus = \"1\"; },\n"
		"          { name = \"r\"; runtime = \"5ms\"; period = \"100ms\"; } );",
		"pools = ( { name = \"p\"; cpus = \"0\"; exclusive = true; },\n"
		"          { name = \"q\"; cpus = \"1\"; exclusive = true; },\n"
		"          { name = \"r\"; cpus = \"0-1\"; } );",
		"pools = ( { name = \"" NAME_64 "\"; units = 0; } );",
		BORROWER("borrow = { chances = 2147483647; linger = \"1s\"; };\n"
			 "devices = ( \"fifteen-letters\" );"),
		POOL("group = \"a/b.slice/..c\";"),
		"vms = ( { name = \"...\"; runtime = \"1ms\"; period = \"1ms\"; } );",
		"/* a comment with 99999999999 and \\x00 */ hrtick = true; // 99999999999\n# 99999999999\n",
		"pools = ( { name = \"p\"; group = \"99999999999 \\\\x00 # /* \\\" \\\" 0xffffffff\"; } );",
		" # in the midst of a line: @include \"/etc/passwd\"\n",
	};
	struct policy policy;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		policy = parse(texts[i]);
		policy_free(&policy);
	}
}

/* Each error says where, names what is wrong, and the rule. */
static void refuses(const char *text, const char *where, const char *value, const char *rule)
{
	struct policy_error error = { "" };
	struct policy policy;

	memset(&policy, 0xff, sizeof(policy));
	if (policy_parse(&policy, text, "test.conf", &error))
		fail_msg("took %s", text);
	if (strncmp(error.text, where, strlen(where)) || !strstr(error.text, value) || !strstr(error.text, rule))
		fail_msg("%s\nis refused as: %s", text, error.text);
	assert_true(policy.hrtick);
	assert_int_equal(policy.nr_pools, 0);
	assert_int_equal(policy.nr_vms, 0);
	assert_null(policy.pools);
	assert_null(policy.vms);
}

static void refuses_what_libconfig_does(void **state)
{
	(void)state;
	refuses("hrtick = ", "test.conf:1: ", "syntax", "error");
	refuses("\n\npools = ( ;", "test.conf:3: ", "syntax", "error");
	refuses("hrtick = true;\nhrtick = true;", "test.conf:2: ", "duplicate", "name");
}

static void refuses_what_libconfig_takes(void **state)
{
	(void)state;
	refuses("@include \"/etc/passwd\"\n", "test.conf:1: ", "@include", "not allowed");
	refuses("hrtick = true;\n \t@include \"/etc/passwd\"\n", "test.conf:2: ", "@include", "not allowed");
	refuses("/*\n@include \"/etc/passwd\"\n*/", "test.conf:2: ", "@include", "not allowed");
	refuses("\n// a\nx = 4294967297;", "test.conf:3: ", "4294967297", "at most 2147483647");
	refuses("x = -4294967297;", "test.conf:1: ", "4294967297", "at most 2147483647");
	refuses("x = 0x100000001;", "test.conf:1: ", "0x100000001", "at most 2147483647");
	refuses("x = 99999999999999999999999999;", "test.conf:1: ", "99999", "at most 2147483647");
	refuses("/* \" */ x = 4294967297;", "test.conf:1: ", "4294967297", "at most 2147483647");
	refuses("\n/* a\nb", "test.conf:2: ", "comment", "no end");
	refuses("\n\nvms = ( { name = \"v\n; } );", "test.conf:3: ", "text", "no closing quote");
	refuses("vms = ( { name = \"v\\\"; } );", "test.conf:1: ", "text", "no closing quote");
	refuses("vms = ( { name = \"\n\\\\\\x00\"; } );", "test.conf:2: ", "\\x00", "NUL");
}

static void refuses_unknown_keys_and_wrong_types(void **state)
{
	(void)state;
	refuses("\npool = ();", "test.conf:2: ", "'pool'", "it has: hrtick lender pools vms");
	refuses("hrtick = 1;", "test.conf:1: ", "hrtick is a number", "true or false");
	refuses("pools = { };", "test.conf:1: ", "pools is a group", "must be a list");
	refuses("vms = [ \"web\" ];", "test.conf:1: ", "vms is an array", "must be a list");
	refuses("vms = ( \"web\" );", "test.conf:1: ", "vms is a text", "must be a group");
	refuses("pools = (\n{ name = \"p\";\ncpu = \"1\"; } );", "test.conf:3: ", "'cpu'", "it has: name runtime");
	refuses("pools = ( { cpus = \"1\"; } );", "test.conf:1: ", "a pool", "needs a name");
	refuses("vms = ( { pool = \"1\"; } );", "test.conf:1: ", "a VM", "needs a name");
	refuses("pools = ( { name = 1; } );", "test.conf:1: ", "name is a number", "must be a text");
	refuses(POOL("group = true;"), "test.conf:1: ", "group is true or false", "a text");
	refuses(POOL("runtime = 4;"), "test.conf:1: ", "runtime is a number", "a text, such as \"4ms\"");
	refuses(POOL("units = \"1\";"), "test.conf:1: ", "units is a text", "a whole number");
	refuses(POOL("units = 1.0;"), "test.conf:1: ", "units is a number with a f", "a whole number");
	refuses(POOL("units = 1L;"), "test.conf:1: ", "units is a number with an L", "a whole number");
	refuses(POOL("cpus = 1;"), "test.conf:1: ", "cpus is a number", "must be a text");
	refuses(POOL("exclusive = \"yes\";"), "test.conf:1: ", "exclusive is a text", "true or false");
	refuses(POOL("edf = true;"), "test.conf:1: ", "edf is true or false", "a text");
	refuses(POOL("edf = \"local\";"), "test.conf:1: ", "edf 'local'", "partitioned or global");
	refuses(VM("vm = \"v\";"), "test.conf:1: ", "'vm'", "it has: name");
	refuses(VM("pool = \"p\"; borrow = true;"), "test.conf:1: ", "borrow is true", "a group");
	refuses(VM("pool = \"p\"; borrow = {\nchance = 1; };"), "test.conf:2: ", "'chance'", "it has: on");
	refuses(VM("pool = \"p\"; borrow = { chances = true; };"), "test.conf:1: ", "chances is", "number");
	refuses(VM("io = \"keep\";"), "test.conf:1: ", "io is a text", "must be a group");
	refuses(VM("io = { };"), "test.conf:1: ", "io", "needs a policy");
	refuses(VM("io = { policy = \"dead\"; };"), "test.conf:1: ", "'dead'", "keep, housekeeping, deadline");
	refuses(VM("io = { cpu = \"1\"; };"), "test.conf:1: ", "'cpu'", "it has: policy");
	refuses(VM("devices = 1;"), "test.conf:1: ", "devices is a number", "\"any\"");
	refuses(VM("devices = \"tap0\";"), "test.conf:1: ", "'tap0'", "\"any\"");
	refuses(VM("devices = ( \"tap0\",\n1 );"), "test.conf:2: ", "a device is a number", "a text");
}

static void refuses_values_out_of_range(void **state)
{
	(void)state;
	refuses("pools = (\n" GOLD ",\n{ name = \"p\"; runtime = \"20ms\"; period = \"10ms\"; } );",
		"test.conf:3: pool 'p'", "20ms", "longer than its period 10ms");
	refuses(POOL("runtime = \"4m\";"), "test.conf:1: ", "'4m'", "units ns, us, ms");
	refuses(POOL("runtime = \"0s\"; period = \"0s\";"), "test.conf:1: ", "runtime 0s", "too short");
	refuses(POOL("runtime = \"1ms\"; period = \"0s\";"), "test.conf:1: ", "period 0s", "too short");
	refuses(POOL("runtime = \"1ms\";"), "test.conf:1: ", "runtime 1ms", "needs a period");
	refuses(POOL("period = \"1ms\";"), "test.conf:1: ", "period 1ms", "needs a runtime");
	refuses(VM("runtime = \"1023ns\"; period = \"1ms\";"), "test.conf:1: VM 'v'", "1.023us", "1.024us");
	refuses(VM("runtime = \"2us\"; period = \"99999ns\";"), "test.conf:1: ", "99.999us", "100us..4.194304s");
	refuses(VM("runtime = \"2us\"; period = \"4194305us\";"), "test.conf:1: ", "4.194305s", "4.194304s");
	refuses(POOL("runtime = \"1500ns\"; period = \"1ms\";"), "test.conf:1: ", "1.5us", "microseconds");
	refuses(POOL("runtime = \"1ms\"; period = \"1000001ns\";"), "test.conf:1: ", "1.000001ms", "microseconds");
	refuses(POOL("units = 1;"), "test.conf:1: ", "units 1", "need a runtime");
	refuses(POOL("runtime = \"1ms\"; period = \"1s\"; units = 0;"), "test.conf:1: ", "units 0", "1..64");
	refuses(POOL("runtime = \"1ms\"; period = \"1s\"; units = 65;"), "test.conf:1: ", "units 65", "0..64");
	refuses(POOL("runtime = \"1ms\"; period = \"1s\"; units = -1;"), "test.conf:1: ", "units -1", "0..64");
	refuses(POOL("cpus = \"3-1\";"), "test.conf:1: ", "'3-1'", "smaller");
	refuses(VM("pool = \"p\"; borrow = { chances = 0; };"), "test.conf:1: ", "chances 0", "1..2147483647");
	refuses(VM("pool = \"p\"; borrow = { chances = \"2\"; };"), "test.conf:1: ", "chances '2'", "max");
	refuses(BORROWER("borrow = { linger = \"1500ns\"; };"), "test.conf:1: ", "linger 1.5us",
		"whole number of microseconds in 0s..1s");
	refuses(BORROWER("borrow = { linger = \"1000001us\"; };"),
		"test.conf:1: ", "linger 1.000001s", "0s..1s");
	refuses(VM("io = { policy = \"deadline\"; };"), "test.conf:1: ", "'deadline'", "needs a runtime");
	refuses(VM("io = { policy = \"deadline\"; runtime = \"2ms\"; period = \"1ms\"; };"),
		"test.conf:1: VM 'v': io", "2ms", "longer");
	refuses(VM("io = { policy = \"keep\"; cpus = \"1\"; };"), "test.conf:1: ", "cpus", "housekeeping");
	refuses(VM("io = { policy = \"housekeeping\"; runtime = \"1ms\"; };"), "test.conf:1: ", "runtime",
		"deadline");
}

static void refuses_bad_names(void **state)
{
	static const char *const pools[] = {
		"", ".a", "-a", "a b", "a/b", "ä", NAME_64 "x",
	};
	static const char *const vms[] = { "", ".", "..", "a/b", "a\\nb", "a\\x7fb", "\\x1b[31m" };
	static const char *const groups[] = {
		"..", ".", "a/../b", "a/..", "../a", "a//b", "a/./b", "a\\nb",
	};
	static const char *const devices[] = { "", "sixteen-letters.", "a/b", "a b", "a\\tb", "a:b", ".", ".." };
	char text[8192], filled[2000];

	(void)state;
	for (size_t i = 0; i < sizeof(pools) / sizeof(pools[0]); i++) {
		snprintf(text, sizeof(text), "pools = ( { name = \"%s\"; } );", pools[i]);
		refuses(text, "test.conf:1: pool '", "", "1 to 64");
	}
	for (size_t i = 0; i < sizeof(vms) / sizeof(vms[0]); i++) {
		snprintf(text, sizeof(text), "vms = ( { name = \"%s\"; io = { policy = \"housekeeping\"; }; } );",
			 vms[i]);
		refuses(text, "test.conf:1: VM '", "", "1 to 255 bytes");
	}
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		snprintf(text, sizeof(text), POOL("group = \"%s\";"), groups[i]);
		refuses(text, "test.conf:1: pool 'p': group '", "", "path below");
	}
	refuses(POOL("group = \"/\";"), "test.conf:1: pool 'p'", "group ''", "root group");
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		snprintf(text, sizeof(text), BORROWER("devices = ( \"%s\" );"),
			 devices[i]);
		refuses(text, "test.conf:1: VM 'v': device '", "", "1 to 15 bytes");
	}

	/* Long values leave room for the rule. */
	memset(filled, 'x', sizeof(filled));
	filled[sizeof(filled) - 1] = '\0';
	snprintf(text, sizeof(text), "vms = ( { name = \"%s\"; } );", filled);
	refuses(text, "test.conf:1: VM 'xxx", "xxx...'", "1 to 255 bytes");
	snprintf(text, sizeof(text), POOL("group = \"%s\";"), filled);
	refuses(text, "test.conf:1: ", "xxx...'", "at most 1024 bytes");
	snprintf(text, sizeof(text), POOL("runtime = \"1%s\";"), filled);
	refuses(text, "test.conf:1: ", "xxx...'", "units");
	snprintf(text, sizeof(text), "%s = 1;", filled);
	refuses(text, "test.conf:1: ", "xxx...'", "no such key");
}

static void refuses_what_names_no_process(void **state)
{
	(void)state;
	refuses(VM("pid = 0; pool = \"p\";"), "test.conf:1: ", "pid 0", "not in 1..2147483647");
	refuses(VM("pid = -1; pool = \"p\";"), "test.conf:1: ", "pid -1", "not in 1..2147483647");
	refuses(VM("uid = -1; pool = \"p\";"), "test.conf:1: ", "uid -1", "not in 0..2147483647");
	refuses(VM("uid = 2147483648; pool = \"p\";"), "test.conf:1: ", "2147483648", "at most 2147483647");
	refuses(VM("uid = \"root\"; pool = \"p\";"), "test.conf:1: ", "uid is a text", "whole number");
	refuses(VM("group = \"/\"; io = { policy = \"housekeeping\"; };"), "test.conf:1: VM 'v'", "group ''", "root group");
	refuses(VM("group = \"a/../b\"; io = { policy = \"housekeeping\"; };"), "test.conf:1: VM 'v'", "'a/../b'", "a group is a path");
	refuses(VM("pid = 1;"), "test.conf:1: VM 'v'", "needs one of", "pool");
}

static void refuses_contradictions(void **state)
{
	(void)state;
	refuses("pools = (\n" GOLD ",\n" GOLD " );", "test.conf:3: pool 'gold'", "name", "given twice");
	refuses("vms = ( { name = \"v\"; runtime = \"1ms\"; period = \"1ms\"; },\n"
		"{ name = \"v\"; runtime = \"1ms\"; period = \"1ms\"; } );",
		"test.conf:2: VM 'v'", "name", "given twice");
	refuses("pools = ( " GOLD " );\nvms = (\n{ name = \"v\"; pool = \"golf\"; } );", "test.conf:3: VM 'v'",
		"'golf'", "no pool");
	refuses(VM("runtime = \"1ms\"; period = \"1ms\";\nborrow = { };"), "test.conf:2: ", "borrow",
		"needs a pool");
	refuses(VM("runtime = \"1ms\"; period = \"1ms\"; devices = \"any\";"), "test.conf:1: ", "devices",
		"need a pool");
	refuses(BORROWER("devices = ( \"a\", \"a\" );"), "test.conf:1: ",
		"device 'a'", "given twice");
	refuses("vms = ( { name = \"v\"; } );", "test.conf:1: VM 'v'", "needs one of", "pool");
	refuses(VM("vcpus = \"1\"; io = { policy = \"keep\"; };"), "test.conf:1: VM 'v'", "needs one of", "pool");
	refuses(POOL("exclusive = true;"), "test.conf:1: pool 'p'", "exclusive", "needs cpus");
	refuses(POOL("cpus = \"1\"; edf = \"partitioned\";"), "test.conf:1: pool 'p'", "partitioned", "needs exclusive");
	refuses(POOL("cpus = \"1\"; exclusive = true; group = \"a\"; edf = \"partitioned\";"), "test.conf:1: pool 'p'",
		"partitioned", "below 'a' are not dlspare's");
	/* All of libvirt's domains would be on that CPU. */
	refuses(POOL("cpus = \"1\"; exclusive = true; group = \"/machine.slice/\";"), "test.conf:1: pool 'p'",
		"'machine.slice' has all VMs or services of a manager", "\"machine.slice/machine-gold.slice\"");
	refuses(POOL("cpus = \"1\"; exclusive = true; group = \"qemu.slice\";"), "test.conf:1: pool 'p'", "'qemu.slice'",
		"all VMs");
	refuses("pools = ( { name = \"p\"; cpus = \"0-2\"; exclusive = true; }, { name = \"r\"; cpus = \"1\"; },\n"
		"{ name = \"q\"; cpus = \"2-3\"; exclusive = true; } );",
		"test.conf:2: pool 'q'", "'p'", "both are exclusive");
	refuses("pools = ( { name = \"p\"; group = \"a/b\"; },\n{ name = \"q\"; group = \"/a/b/\"; } );",
		"test.conf:2: pool 'q'", "'a/b'", "that of pool 'p'");
	refuses("pools = ( { name = \"p\"; },\n{ name = \"q\"; group = \"dlspare.slice/p\"; } );",
		"test.conf:2: pool 'q'", "'dlspare.slice/p'", "that of pool 'p'");
	refuses(POOL("runtime = \"51ms\"; period = \"100ms\"; units = 2;"), "test.conf:1: pool 'p'", "102.00 % of CPU 0",
		"100 %");
	refuses(POOL("runtime = \"5ms\"; period = \"100ms\"; units = 21;"), "test.conf:1: ", "105.00 %", "100 %");
	refuses("pools = ( { name = \"p\"; runtime = \"50ms\"; period = \"100ms\"; cpus = \"0-3\"; },\n"
		"{ name = \"q\"; runtime = \"51ms\"; period = \"100ms\"; cpus = \"3-7\"; } );",
		"test.conf:2: pool 'q'", "of CPU 3", "100 %");
}

static void checks_policies_made_otherwise(void **state)
{
	struct policy_error error;
	struct pool_policy *pool;
	struct policy policy;
	struct vm_policy *vm;

	(void)state;
	policy_init(&policy);
	pool = policy_add_pool(&policy, "gold");
	assert_true(policy_check(&policy, &error));
	pool->spare = (struct reservation){ 4 * MS, 10 * MS };
	assert_false(policy_check(&policy, &error));
	assert_string_equal(error.text, "pool 'gold': units 0 are not in 1..64");
	pool->units = 1;
	assert_true(policy_check(&policy, &error));
	vm = policy_add_vm(&policy, "web");
	assert_false(policy_check(&policy, &error));
	vm->borrow.on = true;
	assert_false(policy_check(&policy, &error));
	assert_string_equal(error.text, "VM 'web': borrow needs a pool");
	vm->pool = strdup("gold");
	assert_true(policy_check(&policy, &error));
	vm->borrow.chances = 1u << 31;
	assert_false(policy_check(&policy, &error));
	vm->borrow.chances = 0;
	policy_remove_pool(&policy, "gold");
	assert_false(policy_check(&policy, &error));
	assert_string_equal(error.text, "VM 'web': there is no pool 'gold'");
	policy_remove_pool(&policy, "gold");
	policy_remove_vm(&policy, "web");
	policy_remove_vm(&policy, "web");
	assert_true(policy_check(&policy, &error));
	policy_free(&policy);
}

static void assert_same(const struct policy *a, const struct policy *b)
{
	char *first = written(a), *second = written(b);

	assert_string_equal(first, second);
	free(first);
	free(second);
}

static void reads_back_what_it_writes(void **state)
{
	struct policy policy = parse(
		"hrtick = false;\n"
		"pools = ( { name = \"gold\"; runtime = \"4ms\"; period = \"10ms\"; units = 2; cpus = \"1-3,8\";\n"
		"            exclusive = true; group = \"/ma\\\\chine \\\"gold\\\"/\"; }, { name = \"p\"; } );\n"
		"vms = ( { name = \"w\\\\eb \\\"ä\\\" \\\\x41 #\"; runtime = \"1025ns\"; period = \"100ms\";\n"
		"  vcpus = \"0-1\"; pool = \"gold\";\n"
		"  borrow = { on = false; chances = 2; charge = true; reply = false; linger = \"17us\"; timer = true; };\n"
		"  io = { policy = \"housekeeping\"; cpus = \"0\"; }; devices = \"any\"; pid = 1; uid = 0; group = \"/a \\\"b\\\"/\"; },\n"
		" { name = \"db\"; io = { policy = \"deadline\"; runtime = \"1ms\"; period = \"10ms\"; }; uid = 2147483647;\n"
		"   pool = \"p\"; devices = ( \"t\\\"0\", \"tap1\" ); } );"), again;
	char *text = written(&policy);
	const struct vm_policy *vm;

	(void)state;
	again = parse(text);
	assert_same(&policy, &again);
	assert_false(again.hrtick);
	assert_string_equal(again.pools[0].group, "ma\\chine \"gold\"");
	vm = &again.vms[0];
	assert_string_equal(vm->name, "w\\eb \"ä\" \\x41 #");
	assert_int_equal(vm->reservation.runtime, 1025);
	assert_int_equal(vm->borrow.linger, 17000);
	assert_true(vm->borrow.timer);
	assert_int_equal(vm->borrow.chances, 2);
	assert_int_equal(vm->process.pid, 1);
	assert_int_equal(vm->process.uid, 0);
	assert_string_equal(vm->process.group, "a \"b\"");
	assert_int_equal(again.vms[1].process.uid, 2147483647);
	assert_null(again.vms[1].process.group);
	assert_string_equal(again.vms[1].devices[0], "t\"0");
	free(text);
	policy_free(&policy);
	policy_free(&again);

	policy_init(&policy);
	text = written(&policy);
	again = parse(text);
	assert_int_equal(again.nr_vms, 0);
	free(text);
}

static void tells_that_it_could_not_write(void **state)
{
	FILE *file = fopen("/dev/full", "w");
	struct policy policy;

	(void)state;
	policy_init(&policy);
	assert_int_equal(policy_write(&policy, file), -1);
	assert_int_equal(errno, ENOSPC);
	fclose(file);
}

static void reads_files(void **state)
{
	char path[] = "/tmp/test_policy.XXXXXX", *large = malloc((1 << 20) + 1);
	struct policy_error error;
	struct policy policy;
	FILE *file;

	(void)state;
	close(mkstemp(path));
	file = fopen(path, "w");
	fputs("\nvms = ( { name = \"v\"; } );\n", file);
	fclose(file);
	assert_false(policy_read(&policy, path, &error));
	assert_int_equal(strncmp(error.text, path, strlen(path)), 0);
	assert_non_null(strstr(error.text, ":2: VM 'v'"));

	file = fopen(path, "w");
	fwrite("hrtick = true;\0x", 1, 16, file);
	fclose(file);
	assert_false(policy_read(&policy, path, &error));
	assert_non_null(strstr(error.text, "NUL"));

	memset(large, ' ', 1 << 20);
	large[1 << 20] = '\n';
	file = fopen(path, "w");
	fwrite(large, 1, 1 << 20, file);
	fclose(file);
	assert_true(policy_read(&policy, path, &error));
	file = fopen(path, "w");
	fwrite(large, 1, (1 << 20) + 1, file);
	fclose(file);
	assert_false(policy_read(&policy, path, &error));
	assert_non_null(strstr(error.text, "at most 1048576 bytes"));

	unlink(path);
	assert_false(policy_read(&policy, path, &error));
	assert_non_null(strstr(error.text, "No such file"));
	assert_false(policy_read(&policy, "/tmp", &error));
	assert_non_null(strstr(error.text, "Is a directory"));
	assert_int_equal(policy.nr_vms, 0);
	free(large);
}

/* Neither crashes nor overflows the stack. */
static void bears_deep_nesting(void **state)
{
	static const char *const opening[] = { "(", "{a=" };
	static const char closing[] = ")}";
	char *text = malloc(1 << 19), *at;

	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		for (int depth = 100; depth <= 100000; depth *= 10) {
			at = text + sprintf(text, "vms=");
			for (int i = 0; i < depth; i++)
				at = stpcpy(at, opening[kind]);
			*at++ = '1';
			memset(at, closing[kind], depth);
			at[depth] = '\0';
			refuses(text, "test.conf:1: ", "", "");
		}
	}
	free(text);
}

static void merges_and_copies(void **state)
{
	struct policy to = parse(GOLD_AND_A);
	struct policy from = parse("hrtick = false; pools = ( " GOLD ", { name = \"p\"; } );\n"
				   "vms = ( { name = \"a\"; pool = \"p\"; },\n"
				   " { name = \"b\"; pool = \"gold\"; devices = ( \"t0\", \"t1\" ); } );");
	struct policy copy;

	(void)state;
	assert_true(policy_merge(&to, &from));
	assert_true(policy_copy(&copy, &from));
	assert_same(&copy, &from);
	policy_free(&from);
	policy_free(&copy);
	assert_true(to.hrtick);
	assert_int_equal(to.nr_pools, 1);
	assert_int_equal(to.nr_vms, 2);
	assert_null(policy_vm(&to, "a")->pool);
	assert_string_equal(policy_vm(&to, "b")->pool, "gold");
	assert_string_equal(policy_vm(&to, "b")->devices[1], "t1");
	policy_free(&to);
}

static void takes_more_vms(void **state)
{
	struct policy policy = parse(GOLD_AND_A);
	struct policy_error error;

	(void)state;
	assert_true(policy_parse_more(&policy, "vms = ( { name = \"b\"; pool = \"gold\"; },\n"
				      "{ name = \"a\"; pool = \"gold\"; } );", "b.conf", &error));
	assert_int_equal(policy.nr_vms, 2);
	assert_null(policy_vm(&policy, "a")->pool);
	assert_string_equal(policy_vm(&policy, "b")->pool, "gold");
	assert_false(policy_parse_more(&policy, "vms = (\n{ name = \"c\"; pool = \"golf\"; } );", "c.conf", &error));
	assert_string_equal(error.text, "c.conf:2: VM 'c': there is no pool 'golf'");
	assert_false(policy_parse_more(&policy, "pools = ();", "c.conf", &error));
	assert_int_equal(strncmp(error.text, "c.conf:1: 'pools'", 17), 0);
	assert_int_equal(policy.nr_pools, 1);
	assert_int_equal(policy.nr_vms, 2);
	policy_free(&policy);
}

static void assert_text(char *text, const char *expected)
{
	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
}

static void says_it_in_the_kernels_words(void **state)
{
	struct pool_policy pool = { .name = "gold" };
	struct borrow_policy borrow = { .reply = true, .linger = 200000 };
	const char *rule;

	(void)state;
	assert_text(policy_group(&pool), "dlspare.slice/gold");
	assert_text(policy_cpus_group(&pool, -1), "dlspare.slice/gold/cpus");
	assert_text(policy_cpus_group(&pool, 12), "dlspare.slice/gold/cpu12");
	pool.group = "/machine.slice/gold/";
	assert_text(policy_group(&pool), "machine.slice/gold");
	assert_text(policy_pool_text(&pool), "none");
	pool.spare = (struct reservation){ 4 * MS, 10 * MS };
	pool.units = 2;
	assert_text(policy_pool_text(&pool), "4000 10000 units=2");
	assert_true(cpus_parse(&pool.cpus, "1-3,8", &rule));
	assert_text(policy_pool_text(&pool), "4000 10000 units=2 cpus=1-3,8");
	assert_text(policy_borrow_text(&borrow), "off");
	borrow.on = true;
	assert_text(policy_borrow_text(&borrow), "on chances=max charge=0 reply=1 linger=200 timer=0");
	borrow = (struct borrow_policy){ .on = true, .chances = 2147483647, .charge = true, .linger = 1000000000,
		.timer = true };
	assert_text(policy_borrow_text(&borrow), "on chances=2147483647 charge=1 reply=0 linger=1000000 timer=1");
}

static void partitions_what_can_be(void **state)
{
	struct policy policy = parse(
		"pools = ( { name = \"a\"; cpus = \"1\"; }, { name = \"b\"; cpus = \"1\"; exclusive = true; },"
		" { name = \"c\"; cpus = \"2\"; exclusive = true; edf = \"partitioned\"; },"
		" { name = \"d\"; cpus = \"3\"; exclusive = true; edf = \"global\"; },"
		" { name = \"e\"; cpus = \"4\"; exclusive = true; group = \"e\"; },"
		" { name = \"f\"; cpus = \"5\"; edf = \"global\"; } );");
	static const bool partitioned[] = { false, true, true, false, false, false };
	static const enum edf edf[] = { EDF_DEFAULT, EDF_DEFAULT, EDF_PARTITIONED, EDF_GLOBAL, EDF_DEFAULT, EDF_GLOBAL };
	struct policy again;
	char *text;

	(void)state;
	text = written(&policy);
	again = parse(text);
	free(text);
	assert_int_equal(again.nr_pools, 6);
	for (size_t i = 0; i < again.nr_pools; i++) {
		assert_int_equal(again.pools[i].edf, edf[i]);
		assert_int_equal(policy_partitioned(&again.pools[i]), partitioned[i]);
	}
	policy_free(&again);
	policy_free(&policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_defaults),
		cmocka_unit_test(reads_every_key),
		cmocka_unit_test(takes_what_is_at_the_limits),
		cmocka_unit_test(refuses_what_libconfig_does),
		cmocka_unit_test(refuses_what_libconfig_takes),
		cmocka_unit_test(refuses_unknown_keys_and_wrong_types),
		cmocka_unit_test(refuses_values_out_of_range),
		cmocka_unit_test(refuses_bad_names),
		cmocka_unit_test(refuses_what_names_no_process),
		cmocka_unit_test(refuses_contradictions),
		cmocka_unit_test(checks_policies_made_otherwise),
		cmocka_unit_test(reads_back_what_it_writes),
		cmocka_unit_test(tells_that_it_could_not_write),
		cmocka_unit_test(reads_files),
		cmocka_unit_test(bears_deep_nesting),
		cmocka_unit_test(merges_and_copies),
		cmocka_unit_test(takes_more_vms),
		cmocka_unit_test(says_it_in_the_kernels_words),
		cmocka_unit_test(partitions_what_can_be),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
