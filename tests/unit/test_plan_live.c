// sources: cgroup-tools/command/plan_live.c
#include "unit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Of cmocka's; the product has its own. */
#undef fail
#include "command/command.h"
#include "command/plan.h"
#include "command/privilege.h"
#include "command/state.h"
#include "host/units.h"
#include "told.h"

/* --- a host: its policy and counters at the first look, and at the second --- */

#define GOLD(spare) "pools = ( { name = \"gold\"; " spare " cpus = \"1\"; } );"
#define UNIT "runtime = \"1ms\"; period = \"10ms\";"

static struct { const char *policy; uint64_t loans, borrowed, waits; } looks[2];
static int look;

void say(const char *format, ...) { (void)format; }
int privilege_to_change(const char *command) { (void)command; return DONE; }

int state_read(struct state *state)
{
	struct policy_error error;

	*state = (struct state){ .time = (look + 1) * NSEC_PER_SEC };
	assert_true(policy_parse(&state->policy, looks[look].policy, "test", &error));
	state->nr_pools = state->policy.nr_pools;
	state->pools = calloc(1, sizeof(*state->pools));
	state->pools->policy = &state->policy.pools[0];
	state->pools->counters = (struct state_counters){ .known = true };
	state->pools->counters.value[STATE_LOANS] = looks[look].loans;
	state->pools->counters.value[STATE_BORROWED] = looks[look].borrowed;
	state->pools->counters.value[STATE_WAITS] = looks[look].waits;
	look++;
	return DONE;
}

void state_free(struct state *state)
{
	free(state->pools);
	policy_free(&state->policy);
}

static int measure(struct plan *plan, const char *first, const char *second)
{
	static const struct plan_arguments arguments = { .live = 1000 };

	look = 0;
	looks[0].policy = first;
	looks[1].policy = second;
	looks[1].loans = 10;
	looks[1].borrowed = 5 * NSEC_PER_MSEC;
	looks[1].waits = 2;
	*plan = (struct plan){ .arguments = &arguments };
	return plan_measure(plan);
}

/* --- */

static void measures_what_came_between_two_looks(void **state)
{
	struct plan plan;

	(void)state;
	assert_int_equal(measure(&plan, GOLD(UNIT), GOLD(UNIT)), DONE);
	assert_true(plan.measured->hold == 500000);
	assert_true(plan.measured->loans == 10);
	assert_true(plan.measured->on_loan == 0.005);
	assert_true(plan.measured->blocked == 0.2);
	free(plan.measured);
	policy_free(&plan.policy);
}

/* Loans of two kinds of units are no measure of either; without any a loan lasts for ever. */
static void other_units_are_another_pool(void **state)
{
	static const char *const second[] = {
		GOLD("runtime = \"2ms\"; period = \"10ms\";"), GOLD("runtime = \"1ms\"; period = \"20ms\";"), GOLD(""), GOLD(UNIT " units = 2;"),
		"pools = ( { name = \"gold\"; " UNIT " cpus = \"2\"; } );",
	};
	struct plan plan;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(second) / sizeof(*second); i++) {
		*told = '\0';
		assert_int_equal(measure(&plan, GOLD(UNIT), second[i]), FAILED);
		assert_string_equal(told, "plan --live: the policy in force was changed meanwhile");
		assert_null(plan.measured);
		policy_free(&plan.policy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(measures_what_came_between_two_looks),
		cmocka_unit_test(other_units_are_another_pool),
	};

	return cmocka_run_group_tests_name("plan_live", tests, NULL, NULL);
}
