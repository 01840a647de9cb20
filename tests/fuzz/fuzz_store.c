// What is kept in /run/dlspare: the policy in force up to a form feed, then what a hook has told, as files.
// sources: cgroup-tools/apply/store.c cgroup-tools/policy/*.c cgroup-tools/host/*.c
// libraries: -lcgroup -lconfig
// options: -detect_leaks=0
// example: pools = ( { name = "gold"; runtime = "4ms"; period = "10ms"; } ); vms = ( { name = "db"; pool = "gold"; } );\fvms = ( { name = "web"; pool = "gold"; } );
// example: vms = ( { name = "db"; runtime = "1ms"; period = "10ms"; } );\fvms = ( { name = "db"; runtime = "2ms"; period = "10ms"; } );
// example: hrtick = false;\fvms = ( { name = "web"; pool = "lead"; } );
// example: \fvms = ( { name = "web"; io = { policy = "housekeeping"; }; } );

#include "apply/store.h"
#include "same_policy.h"
#include "tree.h"

// As in fuzz_policy.c.
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so";
}

static void count(const char *text, void *data)
{
	MUST(*text);
	++*(int *)data;
}

// What is kept of it is the same when it is read again.
static void keep(const struct policy *policy)
{
	struct policy_error error;
	struct file_draft draft;
	struct policy again;

	MUST(!store_draft(&draft, policy) && !file_publish(&draft));
	MUST(store_load(&again, &error));
	MUST(same_policy(policy, &again));
	policy_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size ? memchr(data, '\f', size) : NULL;
	size_t first = end ? (size_t)(end - data) : size;
	struct policy_error error = { "" };
	struct policy policy, before;
	int left_out = 0;

	if (!*host_root)
		tree_make();
	tree_put(STORE_POLICY, data, first);
	if (end)
		tree_put(STORE_VMS "/web.conf", end + 1, size - first - 1);
	if (store_load(&policy, &error)) {
		keep(&policy);
		MUST(policy_copy(&before, &policy));
		MUST(store_add_vms(&policy, count, &left_out));
		MUST(left_out <= 1 && policy.nr_vms >= before.nr_vms && policy.nr_pools == before.nr_pools);
		MUST(!left_out || same_policy(&policy, &before));
		MUST(policy_check(&policy, &error));
		policy_free(&before);
	} else {
		MUST(*error.text && !policy.nr_pools && !policy.nr_vms);
	}
	policy_free(&policy);
	MUST(!store_forget());
	MUST(store_load(&policy, &error) && !policy.nr_vms);
	MUST(store_add_vms(&policy, NULL, NULL) && !policy.nr_vms);
	policy_free(&policy);
	return 0;
}
