// sources: cgroup-tools/command/cmd_verify.c
#include "unit.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>

/* Of cmocka's; the product has its own. */
#undef fail
#include "command/command.h"
#include "command/edit.h"
#include "command/privilege.h"
#include "command/report.h"

/* --- a host that is as configured, and where a VM misses its latency --- */

static unsigned int writes;

int fail(int code, const char *format, ...) { (void)format; return code; }
void say(const char *format, ...) { (void)format; }
int edit_unknown(char **argv, int option) { (void)argv, (void)option; return WRONG_USAGE; }
int privilege_to_change(const char *command) { (void)command; return DONE; }
int report_lock(int *lock, bool to_look) { (void)to_look; *lock = -1; return DONE; }
int report_policy(struct policy *policy) { policy_init(policy); return DONE; }
int report_left_out_count(unsigned int nr) { (void)nr; return DIFFERS; }
int report_missed(const struct policy *policy) { (void)policy; return DIFFERS; }

int report_apply(const char *command, const struct policy *policy, struct apply *apply)
{
	(void)command, (void)policy;
	apply->steps = writes;
	return DONE;
}

static int verify(const char *option)
{
	char *argv[] = { (char *)"verify", (char *)option, NULL };

	optind = 0;
	return cmd_verify(option ? 2 : 1, argv);
}

/* --- */

/* Who changes the policy wants to know whether the kernel has it: what was missed was under the old one. */
static void a_missed_latency_is_asked_for_or_not(void **state)
{
	(void)state;
	writes = 0;
	assert_int_equal(verify(NULL), DIFFERS);
	assert_int_equal(verify("--no-latency"), DONE);
	writes = 1;
	assert_int_equal(verify("--no-latency"), DIFFERS);
	assert_int_equal(verify("--latency"), WRONG_USAGE);
	assert_int_equal(verify("now"), WRONG_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_missed_latency_is_asked_for_or_not),
	};

	return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
