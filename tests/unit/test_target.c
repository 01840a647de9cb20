// sources: tests/unit/host_tree.c
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apply/promise.h"
#include "apply/store.h"
#include "apply/target.h"
#include "host/group.h"
#include "host/histogram.h"
#include "host/host.h"
#include "host/units.h"
#include "host_tree.h"

#define POOL(spare, units) "pools = ( { name = \"gold\"; " spare " units = " units "; cpus = \"1\"; } ); "
#define WEB(name, target) "{ name = \"" name "\"; runtime = \"40ms\"; period = \"100ms\"; pool = \"gold\"; latency = \"" target "\"; }"
#define UNIT "runtime = \"4ms\"; period = \"10ms\";"
#define LATENCY_OF_WEB "/sys/fs/cgroup/dlspare.slice/gold/cpus/web.vm/cpu.spare.latency"

static void parse(struct policy *policy, const char *text)
{
	struct policy_error error;

	if (!policy_parse(policy, text, "test", &error))
		fail_msg("%s", error.text);
}

static void reads_and_writes_targets(void **state)
{
	static const struct {
		const char *text;
		uint64_t latency;
		uint32_t share;
		const char *written;
	} good[] = {
		{ "5ms", 5000000, 1000000, "5ms" }, { "1us", 1000, 1000000, "1us" }, { "4s", 4000000000, 1000000, "4s" },
		{ "5ms 99.9%", 5000000, 999000, "5ms 99.9%" }, { "5ms  100%", 5000000, 1000000, "5ms" },
		{ "500us 50%", 500000, 500000, "500us 50%" }, { "1ms 99.9999%", 1000000, 999999, "1ms 99.9999%" },
		{ "1ms 0.0001%", 1000000, 1, "1ms 0.0001%" }, { "1ms 05.50%", 1000000, 55000, "1ms 5.5%" },
	};
	static const char *const bad[] = {
		"", " ", "5", "5 ms", "0s", "999ns", "4001ms", "5ms 0%", "5ms 100.0001%", "5ms 101%", "5ms 99.9", "5ms %", "5ms .5%",
		"5ms 5.%", "5ms 5%%", "5ms 99.99999%", "5ms -1%", "5ms 99.9 %", "5ms 99,9%", "5ms 99999999999999999999%", "-5ms", "5ms x",
	};
	struct target_policy target = { .latency = 17 };
	const char *rule;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		char *text;

		if (!policy_target(&target, good[i].text, &rule))
			fail_msg("refused '%s': %s", good[i].text, rule);
		assert_true(target.latency == good[i].latency);
		assert_int_equal(target.share, good[i].share);
		text = policy_target_text(&target);
		assert_string_equal(text, good[i].written);
		free(text);
	}
	target.latency = 17;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		rule = "";
		if (policy_target(&target, bad[i], &rule))
			fail_msg("took '%s'", bad[i]);
		assert_true(*rule);
		assert_true(target.latency == 17);
	}
}

/* Exactly the share is enough: 41 of 80, which no double has. */
static void exactly_the_share_is_enough(void **state)
{
	struct histogram histogram = { .known = true };
	struct target_policy target;
	const char *rule;

	(void)state;
	assert_true(policy_target(&target, "1ms 51.25%", &rule));
	histogram.nr[HISTOGRAM_OWN][0] = 41;
	histogram.nr[HISTOGRAM_REFUSED][20] = 39;
	assert_true(policy_target_met(&target, &histogram));
	histogram.nr[HISTOGRAM_REFUSED][20]++;
	assert_false(policy_target_met(&target, &histogram));
}

/* "100%" is all of them: what was missed is not. */
static void no_share_says_more_than_it_is(void **state)
{
	static const struct {
		double share;
		const char *text;
	} shares[] = {
		{ 1, "100%" }, { 0.99999, "99.999%" }, { 0.999996, "99.9996%" }, { 0.99999999, "99.9999%" }, { 0.999, "99.9%" },
		{ 0.5125, "51.25%" }, { 2 / 3.0, "66.6666%" }, { 0.000001, "0.0001%" }, { 0, "0%" },
	};
	char text[POLICY_SHARE_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(shares) / sizeof(*shares); i++)
		assert_string_equal(policy_share_text(text, shares[i].share), shares[i].text);
}

static enum promise promised(const char *pool, const char *vms)
{
	struct policy policy;
	enum promise promise;
	char *text;

	text = malloc(strlen(pool) + strlen(vms) + 32);
	sprintf(text, "%svms = ( %s );", pool, vms);
	parse(&policy, text);
	free(text);
	promise = promise_of(&policy, &policy.vms[0]);
	text = promise_text(&policy, &policy.vms[0]);
	assert_true(strstr(text, "VM 'web': latency "));
	free(text);
	policy_free(&policy);
	return promise;
}

/* Ps-Qs is 6 ms. */
static void says_what_a_pool_can_hold(void **state)
{
	(void)state;
	assert_int_equal(promised(POOL(UNIT, "1"), WEB("web", "5ms")), PROMISE_BROKEN);
	assert_int_equal(promised(POOL(UNIT, "1"), WEB("web", "5ms 50%")), PROMISE_BROKEN);
	assert_int_equal(promised(POOL(UNIT, "1"), WEB("web", "6ms")), PROMISE_DRAINED);
	assert_int_equal(promised(POOL(UNIT, "1"), WEB("web", "12ms")), PROMISE_HELD);
	assert_int_equal(promised(POOL(UNIT, "1"), WEB("web", "12ms") "," WEB("mail", "12ms")), PROMISE_SHARED);
	assert_int_equal(promised(POOL(UNIT, "2"), WEB("web", "12ms") "," WEB("mail", "12ms")), PROMISE_HELD);
}

/* --- what the daemon does --- */

static unsigned int told;
static struct target_verdict last;

static void tell(const struct vm_policy *vm, const struct target_verdict *verdict, void *data)
{
	(void)data;
	assert_string_equal(vm->name, "web");
	told++;
	last = *verdict;
}

static int make_host(void **state)
{
	host_tree_make(state);
	host_tree_put("proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n", "/proc/mounts");
	host_tree_folder("/run/dlspare");
	return group_start();
}

static void count(int quick, int slow)
{
	char text[256];

	snprintf(text, sizeof(text), "worst_usec own=0 loan=0 waited=0 refused=60000\n1 own=%d loan=0 waited=0 refused=0\n"
		 "65536 own=0 loan=0 waited=0 refused=%d\n", quick, slow);
	host_tree_put(text, LATENCY_OF_WEB);
}

/* As if the last judgement were so long ago. */
static void pass(unsigned int seconds)
{
	char *text = host_read(host_path(STORE_LATENCY), NULL), *at, *new;
	long long time;

	assert_non_null(text);
	at = strstr(text, "\"time\":");
	assert_non_null(at);
	time = atoll(at + 7);
	assert_true(asprintf(&new, "%.*s\"time\":%lld%s", (int)(at - text), text, time - seconds * 1000000000ll,
			     at + 7 + strspn(at + 7, "0123456789")) > 0);
	host_tree_put(new, STORE_LATENCY);
	free(new);
	free(text);
}

static void judges_and_tells_once(void **state)
{
	struct vm_thread thread = { .tid = 8, .role = VM_VCPU };
	struct vm vm = { .name = (char *)"web", .pid = 7, .start = 70, .group = (char *)"vms", .threads = &thread,
			 .nr_threads = 1 };
	struct vms vms = { .list = &vm, .nr = 1 };
	struct target_verdicts verdicts;
	struct policy policy;

	(void)state;
	parse(&policy, POOL(UNIT, "1") "vms = ( " WEB("web", "20ms 90%") " );");
	assert_true(target_wanted(&policy));
	told = 0;
	/* What was counted before is not judged. */
	count(10, 10);
	assert_int_equal(target_judge(&policy, &vms, tell, NULL), 0);
	assert_int_equal(told, 0);
	/* It is not time yet. */
	count(10, 20);
	assert_int_equal(target_judge(&policy, &vms, tell, NULL), 0);
	assert_int_equal(told, 0);
	pass(60);
	assert_int_equal(target_judge(&policy, &vms, tell, NULL), 0);
	assert_int_equal(told, 1);
	assert_true(last.missed);
	assert_int_equal(last.events, 10);
	assert_true(last.within < 0.1);
	target_load(&verdicts);
	assert_true(target_of(&verdicts, &policy.vms[0], &vm)->missed);
	target_free(&verdicts);
	/* Still so; then nothing comes. */
	count(11, 21);
	pass(60);
	assert_int_equal(target_judge(&policy, &vms, tell, NULL), 0);
	pass(60);
	assert_int_equal(target_judge(&policy, &vms, tell, NULL), 0);
	assert_int_equal(told, 1);
	target_load(&verdicts);
	assert_int_equal(target_of(&verdicts, &policy.vms[0], &vm)->events, 2);
	assert_true(target_of(&verdicts, &policy.vms[0], &vm)->within == 0.5);
	/* Of another target it says nothing. */
	policy.vms[0].target.latency++;
	assert_null(target_of(&verdicts, &policy.vms[0], &vm));
	policy.vms[0].target.latency--;
	target_free(&verdicts);
	/* It cannot be saved: it is told when it can. */
	count(30, 22);
	pass(60);
	assert_int_equal(rename(host_path("/run/dlspare"), host_path("/run/away")), 0);
	assert_int_not_equal(target_judge(&policy, &vms, tell, NULL), 0);
	assert_int_equal(told, 1);
	assert_int_equal(rename(host_path("/run/away"), host_path("/run/dlspare")), 0);
	/* 19 of 20 in time */
	count(30, 22);
	pass(60);
	assert_int_equal(target_judge(&policy, &vms, tell, NULL), 0);
	assert_int_equal(told, 2);
	assert_false(last.missed);
	/* Its group was made anew, as by unset and set: 5 of 105 late are not 5 of 5. */
	count(1000, 22);
	pass(60);
	assert_int_equal(target_judge(&policy, &vms, tell, NULL), 0);
	count(100, 27);
	pass(60);
	assert_int_equal(target_judge(&policy, &vms, tell, NULL), 0);
	assert_int_equal(told, 2);
	count(110, 27);
	pass(60);
	assert_int_equal(target_judge(&policy, &vms, tell, NULL), 0);
	assert_int_equal(told, 2);
	target_load(&verdicts);
	assert_int_equal(target_of(&verdicts, &policy.vms[0], &vm)->events, 10);
	target_free(&verdicts);
	/* It could not be read once: what was counted before is not new then. */
	assert_int_equal(unlink(host_path(LATENCY_OF_WEB)), 0);
	pass(60);
	assert_int_equal(target_judge(&policy, &vms, tell, NULL), 0);
	count(111, 27);
	pass(60);
	assert_int_equal(target_judge(&policy, &vms, tell, NULL), 0);
	assert_int_equal(told, 2);
	target_load(&verdicts);
	assert_int_equal(target_of(&verdicts, &policy.vms[0], &vm)->events, 1);
	target_free(&verdicts);
	/* Another process with the name begins anew. */
	vm.start = 71;
	count(30, 99);
	pass(60);
	assert_int_equal(target_judge(&policy, &vms, tell, NULL), 0);
	assert_int_equal(told, 2);
	policy_free(&policy);
}

static void an_old_or_torn_file_says_nothing(void **state)
{
	static const char *const texts[] = { "", "{", "[]", "{\"time\":1}", "{\"time\":-1,\"vms\":[]}", "{\"time\":\"x\",\"vms\":[{}]}" };
	const struct vm_policy policy = { .target = { 20000000, POLICY_SHARE_ALL } };
	struct target_verdicts verdicts;
	struct vm vm = { .pid = 7, .start = 70 };

	(void)state;
	target_load(&verdicts);
	assert_int_equal(verdicts.time, 0);
	target_free(&verdicts);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		host_tree_put(texts[i], STORE_LATENCY);
		target_load(&verdicts);
		assert_null(target_of(&verdicts, &policy, &vm));
		target_free(&verdicts);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes_targets),
		cmocka_unit_test(exactly_the_share_is_enough),
		cmocka_unit_test(no_share_says_more_than_it_is),
		cmocka_unit_test(says_what_a_pool_can_hold),
		cmocka_unit_test_setup_teardown(judges_and_tells_once, make_host, host_tree_remove),
		cmocka_unit_test_setup_teardown(an_old_or_torn_file_says_nothing, make_host, host_tree_remove),
	};

	return cmocka_run_group_tests_name("target", tests, NULL, NULL);
}
