// Texts of policies.
// sources: cgroup-tools/policy/*.c cgroup-tools/host/*.c
// libraries: -lcgroup -lconfig
// options: -detect_leaks=0
// example: hrtick = true; pools = ( { name = "gold"; runtime = "4ms"; period = "10ms"; units = 1; cpus = "1-3"; exclusive = true; group = "a.slice"; } );
// example: pools = ( { name = "p"; cpus = "1"; }, { name = "q"; runtime = "1ms"; period = "9ms"; } ); vms = ( { name = "v"; pool = "q"; } );
// example: vms = ( { name = "web"; runtime = "40ms"; period = "100ms"; vcpus = "0-1"; io = { policy = "housekeeping"; cpus = "0"; }; } );
// example: pools = ( { name = "p"; } );\nvms = ( { name = "v"; pool = "p"; borrow = { on = true; chances = 2; charge = false; reply = true; linger = "200us"; timer = false; }; } );
// example: pools = ( { name = "p"; } ); vms = ( { name = "v"; pool = "p"; io = { policy = "deadline"; runtime = "1ms"; period = "10ms"; }; devices = ( "tap0", "t" ); } );
// example: pools = ( { name = "p"; spare = "auto"; } ); vms = ( { name = "v"; runtime = "4ms"; period = "40ms"; pool = "p"; latency = "5ms 99.9%"; rate = 20; } );
// example: lender = "daemon"; pools = ( { name = "p"; runtime = "1ms"; period = "9ms"; } ); vms = ( { name = "v"; class = "quota"; runtime = "4ms"; period = "40ms"; pool = "p"; } );
// example: vms = ( { name = "v"; io = { policy = "keep"; }; pool = "p"; borrow = { chances = "max"; }; devices = "any"; } );
// example: /* comment */ hrtick : FALSE // x\n# y\nvms = ( { name = "a" "\\x41\\n\\"\\\\"; devices = [ "tap0" ]; } );
// example: @include "/etc/passwd"\n
// example: x = 4294967297; y = [ 1, 2L, 0xff, 1.5e3 ]; z = ( { a = ( ( 1 ) ); } );

#include "same_policy.h"

// libconfig 1.5 never frees a text that stands where none may: its grammar has no %destructor. So the leaks are looked for
// when all is done (that is what the option means): after each input it would take as long as a hundred inputs.
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so";
}

static void check_good(const struct policy *policy)
{
	char *text = policy_text(policy), *word;
	struct policy_error error;
	struct policy again;

	MUST(text);
	MUST(policy_check(policy, &error));
	MUST(policy_parse(&again, text, "again", &error));
	MUST(same_policy(policy, &again));
	policy_free(&again);
	free(text);

	MUST(policy_copy(&again, policy));
	MUST(same_policy(policy, &again));
	MUST(policy_merge(&again, policy));
	MUST(same_policy(policy, &again));
	policy_free(&again);

	for (size_t i = 0; i < policy->nr_pools; i++) {
		word = policy_group(&policy->pools[i]);
		MUST(word && *word && *word != '/' && !strchr(word, '\n'));
		free(word);
		word = policy_pool_text(&policy->pools[i]);
		MUST(word && *word);
		free(word);
	}
	for (size_t i = 0; i < policy->nr_vms; i++) {
		word = policy_borrow_text(&policy->vms[i].borrow);
		MUST(word && *word);
		free(word);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct policy_error error = { "" };
	struct policy policy, before;
	struct pool_policy *pool;

	memset(&policy, 0xff, sizeof(policy));
	if (policy_parse(&policy, text, "fuzz", &error)) {
		check_good(&policy);
	} else {
		MUST(!strncmp(error.text, "fuzz:", 5) && error.text[5]);
		MUST(policy.hrtick && !policy.pools && !policy.nr_pools && !policy.vms && !policy.nr_vms);
	}
	policy_free(&policy);

	// As a text of more VMs.
	policy_init(&policy);
	pool = policy_add_pool(&policy, "p");
	MUST(pool && policy_add_vm(&policy, "web"));
	policy.vms[0].reservation = (struct reservation){ 1000000, 1000000 };
	MUST(policy_copy(&before, &policy));
	error.text[0] = '\0';
	if (policy_parse_more(&policy, text, "fuzz", &error)) {
		MUST(same_vm(&policy.vms[0], &before.vms[0]));
		check_good(&policy);
	} else {
		MUST(!strncmp(error.text, "fuzz:", 5) && error.text[5]);
		MUST(same_policy(&policy, &before));
	}
	policy_free(&policy);
	policy_free(&before);
	free(text);
	return 0;
}
