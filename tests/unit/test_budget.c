// sources: experiments/ping/budget.c
#include "unit.h"
#include "../../experiments/ping/budget.h"

// As Linux 6.12 prints it, shortened.
static const char reserved[] =
	"CPU 0/KVM (217, #threads: 3)\n"
	"-------------------------------------------------------------------\n"
	"se.exec_start                                :          6031.417005\n"
	"se.vruntime                                  :             3.004271\n"
	"se.sum_exec_runtime                          :          1204.000417\n"
	"se.nr_migrations                             :                    2\n"
	"policy                                       :                    6\n"
	"prio                                         :                   -1\n"
	"dl.runtime                                   :             -1318\n"
	"dl.deadline                                  :           6100113402\n"
	"clock-delta                                  :                   31\n";
static const char ordinary[] =
	"sh (1, #threads: 1)\n"
	"se.sum_exec_runtime                          :             0.000001\n"
	"policy                                       :                    0\n";

static void reads_a_depleted_budget(void **state)
{
	struct budget budget;

	(void)state;
	assert_true(budget_parse(reserved, &budget));
	assert_int_equal(budget.runtime_ns, -1318);
	assert_int_equal(budget.deadline_ns, 6100113402);
	assert_int_equal(budget.used_ns, 1204000417);
}

static void says_when_there_is_no_reservation(void **state)
{
	struct budget budget;
	int64_t used_ns;

	(void)state;
	assert_false(budget_parse(ordinary, &budget));
	assert_true(budget_parse_used(ordinary, &used_ns));
	assert_int_equal(used_ns, 1);
}

static void refuses_a_cut_text(void **state)
{
	struct budget budget;
	char text[sizeof(reserved)];

	(void)state;
	strcpy(text, reserved);
	*strstr(text, "6100113402") = '\0';
	assert_false(budget_parse(text, &budget));
	strcpy(strstr(text, ".000417"), ".0");
	assert_false(budget_parse_used(text, &budget.used_ns));
	assert_false(budget_parse_used("", &budget.used_ns));
}

static void takes_no_name_inside_another(void **state)
{
	int64_t used_ns;

	(void)state;
	assert_false(budget_parse_used("x.se.sum_exec_runtime : 1.000000\n", &used_ns));
	assert_false(budget_parse_used("se.sum_exec_runtime_x : 1.000000\n", &used_ns));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_depleted_budget),
		cmocka_unit_test(says_when_there_is_no_reservation),
		cmocka_unit_test(refuses_a_cut_text),
		cmocka_unit_test(takes_no_name_inside_another),
	};

	return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
