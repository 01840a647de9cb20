// A domain's XML, whole or only our element in it. What is taken is written and read back.
// sources: vmm-hooks/hook/metadata.c cgroup-tools/policy/*.c cgroup-tools/host/*.c
// libraries: -lcgroup -lxml2 -lconfig
// example: runtime='40ms' period='100ms' vcpus='0-1' pool='gold' devices='any'><d:borrow on='yes' chances='max' charge='no' reply='yes' linger='200us' timer='no'/><d:io policy='housekeeping' cpus='0'/>
// example: pool='gold' devices='tap0 tap1'><!-- x --><d:borrow chances='2'/><d:io policy='deadline' runtime='1ms' period='10ms'/>
// example: pool='g&#111;ld' devices='none'> text
// example: <domain type='kvm'><name>web 1</name><metadata><vm xmlns='https://dlspare.org/xmlns/1' pool='a'><io policy='keep'/></vm></metadata></domain>
// example: <?xml version='1.0' encoding='ISO-8859-1'?><domain><name>\0351</name><metadata><x:y xmlns:x='u'/></metadata></domain>
// example: <!DOCTYPE d [<!ENTITY a 'aa'><!ENTITY b SYSTEM 'file:///etc/passwd'>]><domain><name>&a;&b;</name></domain>

#include "same_policy.h"
#include "vmm-hooks/hook/metadata.h"

#define HEAD "<domain><name>web</name><metadata><d:vm xmlns:d='https://dlspare.org/xmlns/1' "
#define TAIL "</d:vm></metadata></domain>"

// The pool is given where the file goes.
static void read_back(struct policy *policy)
{
	struct policy_error error;
	struct policy same;
	char *text;

	MUST(!policy->vms[0].pool || policy_add_pool(policy, policy->vms[0].pool));
	text = policy_text(policy);
	MUST(text);
	MUST(policy_parse(&same, text, "metadata", &error));
	MUST(same_policy(policy, &same));
	policy_free(&same);
	free(text);
}

static void read_xml(const char *xml, size_t length)
{
	struct policy policy;
	struct policy_error error;

	if (!metadata_read(&policy, xml, length, &error)) {
		MUST(*error.text && !policy.nr_vms && !policy.nr_pools);
		return;
	}
	MUST(policy.nr_vms <= 1 && !policy.nr_pools);
	if (policy.nr_vms)
		read_back(&policy);
	policy_free(&policy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *xml;
	size_t length = strlen(HEAD) + size + strlen(TAIL);

	xml = malloc(length);
	MUST(xml);
	memcpy(xml, HEAD, strlen(HEAD));
	memcpy(xml + strlen(HEAD), text, size);
	memcpy(xml + strlen(HEAD) + size, TAIL, strlen(TAIL));
	read_xml(text, size);
	read_xml(xml, length);
	free(xml);
	free(text);
	return 0;
}
