// sources: vmm-hooks/hook/metadata.c
// libraries: -lxml2
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "vmm-hooks/hook/metadata.h"

#define MSEC 1000000ull

static bool read_text(struct policy *policy, const char *xml, struct policy_error *error)
{
	return metadata_read(policy, xml, strlen(xml), error);
}

/* A domain with such metadata. */
static char *domain(const char *metadata)
{
	char *xml;

	assert_true(asprintf(&xml, "<domain type='kvm' id='3'>\n  <name>web 1</name>\n  <metadata>\n%s  </metadata>\n"
			     "  <memory unit='KiB'>1024</memory>\n</domain>\n", metadata) > 0);
	return xml;
}

#define XMLNS "xmlns:dlspare='https://dlspare.org/xmlns/1'"
#define VM "<dlspare:vm " XMLNS " "
#define POOL VM "pool='gold'>"
#define END "</dlspare:vm>"

static struct policy read_good(const char *metadata)
{
	struct policy policy;
	struct policy_error error;
	char *xml = domain(metadata);

	if (!read_text(&policy, xml, &error))
		fail_msg("%s: %s", metadata, error.text);
	free(xml);
	return policy;
}

static void assert_refused(const char *metadata, const char *words)
{
	struct policy policy;
	struct policy_error error;
	char *xml = domain(metadata);

	if (read_text(&policy, xml, &error))
		fail_msg("took %s", metadata);
	if (!strstr(error.text, words))
		fail_msg("%s: '%s' does not say '%s'", metadata, error.text, words);
	assert_int_equal(policy.nr_vms, 0);
	free(xml);
}

static void reads_all(void **state)
{
	struct policy policy = read_good(
		"    <other:thing xmlns:other='https://example.org/'><other:vm/></other:thing>\n"
		"    " VM "runtime='40ms' period='100ms' vcpus='0-1' pool='gold' devices='tap0 tap1'>\n"
		"      <!-- the terms -->\n"
		"      <dlspare:borrow chances='2' charge='yes' reply='no' linger='1ms' timer='yes'/>\n"
		"      <dlspare:io policy='housekeeping' cpus='0,3'/>\n"
		"    " END "\n");
	const struct vm_policy *vm = policy.vms;

	(void)state;
	assert_int_equal(policy.nr_vms, 1);
	assert_int_equal(policy.nr_pools, 0);
	assert_string_equal(vm->name, "web 1");
	assert_int_equal(vm->reservation.runtime, 40 * MSEC);
	assert_int_equal(vm->reservation.period, 100 * MSEC);
	assert_int_equal(cpus_count(&vm->vcpus), 2);
	assert_true(cpus_has(&vm->vcpus, 0) && cpus_has(&vm->vcpus, 1));
	assert_string_equal(vm->pool, "gold");
	assert_false(vm->any_device);
	assert_int_equal(vm->nr_devices, 2);
	assert_string_equal(vm->devices[0], "tap0");
	assert_string_equal(vm->devices[1], "tap1");
	assert_true(vm->borrow.on);
	assert_int_equal(vm->borrow.chances, 2);
	assert_true(vm->borrow.charge);
	assert_false(vm->borrow.reply);
	assert_int_equal(vm->borrow.linger, MSEC);
	assert_true(vm->borrow.timer);
	assert_int_equal(vm->io.kind, IO_HOUSEKEEPING);
	assert_int_equal(cpus_count(&vm->io.cpus), 2);
	policy_free(&policy);
}

static void what_is_not_given_has_its_default(void **state)
{
	struct policy policy = read_good(VM "pool='gold'/>");
	const struct vm_policy *vm = policy.vms;

	(void)state;
	assert_int_equal(vm->reservation.period, 0);
	assert_true(cpus_empty(&vm->vcpus));
	assert_true(vm->borrow.on);
	assert_int_equal(vm->borrow.chances, 0);
	assert_false(vm->borrow.charge);
	assert_true(vm->borrow.reply);
	assert_int_equal(vm->borrow.linger, MSEC / 5);
	assert_int_equal(vm->io.kind, IO_KEEP);
	assert_int_equal(vm->nr_devices, 0);
	assert_false(vm->any_device);
	policy_free(&policy);

	policy = read_good(VM "pool='gold' devices='tap0,tap1, tap2'/>");
	assert_int_equal(policy.vms->nr_devices, 3);
	assert_string_equal(policy.vms->devices[1], "tap1");
	assert_string_equal(policy.vms->devices[2], "tap2");
	policy_free(&policy);

	policy = read_good(VM "runtime='4ms' period='10ms' devices='none'/>");
	assert_null(policy.vms->pool);
	assert_false(policy.vms->borrow.on);
	policy_free(&policy);

	policy = read_good(POOL "<dlspare:borrow on='no' chances='max'/>" END);
	assert_false(policy.vms->borrow.on);
	policy_free(&policy);

	policy = read_good(VM "pool='gold' devices='any'><dlspare:io policy='deadline' runtime='1ms' period='10ms'/>" END);
	assert_true(policy.vms->any_device);
	assert_int_equal(policy.vms->io.kind, IO_DEADLINE);
	assert_int_equal(policy.vms->io.reservation.period, 10 * MSEC);
	policy_free(&policy);
}

/* A default namespace is as good as a prefix. */
static void the_prefix_does_not_matter(void **state)
{
	struct policy policy = read_good("<vm xmlns='https://dlspare.org/xmlns/1' pool='gold'><borrow reply='no'/></vm>");

	(void)state;
	assert_int_equal(policy.nr_vms, 1);
	assert_false(policy.vms->borrow.reply);
	policy_free(&policy);
}

static void without_the_element_there_is_no_vm(void **state)
{
	static const char *const texts[] = {
		"", "<vm/>", "<vm xmlns='https://dlspare.org/xmlns/2' what='ever'/>",
		"<app:vm xmlns:app='urn:x'>" POOL END "</app:vm>",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct policy policy = read_good(texts[i]);

		assert_int_equal(policy.nr_vms, 0);
		policy_free(&policy);
	}
}

static void refuses_what_it_does_not_know(void **state)
{
	(void)state;
	assert_refused("<dlspare:pool " XMLNS "/>", "has no element <pool>");
	assert_refused(VM "pool='a'/>" VM "pool='b'/>", "two elements <vm>");
	assert_refused(VM "pool='gold' color='blue'/>", "<vm> has no attribute 'color'");
	assert_refused(VM "dlspare:pool='gold'/>", "no attribute 'pool'");
	assert_refused(POOL "<dlspare:loan/>" END, "<vm> has no element <loan>");
	assert_refused(POOL "<borrow/>" END, "<vm> has no element <borrow>");
	assert_refused(POOL "<dlspare:io/><dlspare:io/>" END, "<vm> has two elements <io>");
	assert_refused(POOL "<dlspare:io><dlspare:io/></dlspare:io>" END, "<io> has elements in it");
	assert_refused(POOL "words" END, "<vm> has text in it");
	assert_refused(POOL "<dlspare:borrow>yes</dlspare:borrow>" END, "<borrow> has text in it");
	assert_refused(POOL "<dlspare:borrow cpus='0'/>" END, "<borrow> has no attribute 'cpus'");
}

static void names_the_value_and_the_rule(void **state)
{
	(void)state;
	assert_refused(VM "runtime='40' period='100ms'/>", "<vm> runtime='40': a time needs one of the units");
	assert_refused(VM "runtime='0ms' period='100ms'/>", "<vm> runtime='0ms': it is too short");
	assert_refused(VM "runtime='4ms' period=''/>", "<vm> period='': a time begins with a digit");
	assert_refused(VM "pool='gold' vcpus='x'/>", "<vm> vcpus='x': it must be numbers and ranges");
	assert_refused(VM "pool='gold' devices=' '/>", "<vm> devices=' ': it must be any, none, or names");
	assert_refused(VM "pool='gold' devices=' , '/>", "<vm> devices=' , ': it must be any, none, or names");
	assert_refused(POOL "<dlspare:borrow chances='0'/>" END, "<borrow> chances='0': it must be a whole number, 1 to 2147483647");
	assert_refused(POOL "<dlspare:borrow chances='many'/>" END, "<borrow> chances='many': it must be a whole");
	assert_refused(POOL "<dlspare:borrow charge='1'/>" END, "<borrow> charge='1': it must be yes or no");
	assert_refused(POOL "<dlspare:borrow reply='true'/>" END, "<borrow> reply='true': it must be yes or no");
	assert_refused(POOL "<dlspare:borrow linger='-1us'/>" END, "<borrow> linger='-1us': a time begins with");
	assert_refused(POOL "<dlspare:io policy='fast'/>" END, "<io> policy='fast': it must be keep, housekeeping or");
	assert_refused(POOL "<dlspare:io policy='housekeeping' cpus='3-1'/>" END, "<io> cpus='3-1': a range begins");
}

/* The rules of policy_check(); only that the pool exists is not known here. */
static void keeps_the_policys_rules(void **state)
{
	(void)state;
	assert_refused(VM "runtime='4ms'/>", "needs a period");
	assert_refused(VM "runtime='40ms' period='10ms'/>", "longer than its period");
	assert_refused(VM "/>", "it needs one of");
	assert_refused(VM "pool='..'/>", "pool '..'");
	assert_refused(VM "runtime='4ms' period='10ms' devices='any'/>", "devices need a pool");
	assert_refused(VM "runtime='4ms' period='10ms'><dlspare:borrow chances='2'/>" END, "<borrow> needs a pool");
	assert_refused(POOL "<dlspare:io policy='keep' cpus='1'/>" END, "only the policy 'housekeeping' has");
	assert_refused(POOL "<dlspare:io policy='deadline'/>" END, "needs a runtime and a period");
}

static void refuses_what_is_no_domain(void **state)
{
	static const struct { const char *xml, *words; } texts[] = {
		{ "", "of the XML" },
		{ "<domain>", "line 1 of the XML" },
		{ "<domain>\n<metadata>\n</domain>", "line 3 of the XML" },
		{ "<domain><metadata>" VM "pool='gold'/></metadata></domain>", "<domain> has no <name>" },
		{ "<domain><name/><metadata>" VM "pool='gold'/></metadata></domain>", "a VM's name is" },
		{ "<!DOCTYPE domain><domain/>", "a document type" },
		{ "<!DOCTYPE d [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><domain><name>&e;</name></domain>", "a document type" },
		{ "<!DOCTYPE d [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]><d>&b;</d>", "a document type" },
		{ "<domain><name>&e;</name></domain>", "line 1 of the XML" },
	};
	struct policy policy;
	struct policy_error error;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (read_text(&policy, texts[i].xml, &error))
			fail_msg("took %s", texts[i].xml);
		if (!strstr(error.text, texts[i].words) || strchr(error.text, '\n'))
			fail_msg("%s: '%s' does not say '%s'", texts[i].xml, error.text, texts[i].words);
		assert_int_equal(policy.nr_vms, 0);
	}
	/* Only a domain's own metadata count. */
	assert_true(read_text(&policy, "<a><name>x</name><b><metadata>" VM "pool='g'/></metadata></b></a>", &error));
	assert_int_equal(policy.nr_vms, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_all),
		cmocka_unit_test(what_is_not_given_has_its_default),
		cmocka_unit_test(the_prefix_does_not_matter),
		cmocka_unit_test(without_the_element_there_is_no_vm),
		cmocka_unit_test(refuses_what_it_does_not_know),
		cmocka_unit_test(names_the_value_and_the_rule),
		cmocka_unit_test(keeps_the_policys_rules),
		cmocka_unit_test(refuses_what_is_no_domain),
	};

	return cmocka_run_group_tests_name("metadata", tests, NULL, NULL);
}
