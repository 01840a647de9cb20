/* SPDX-License-Identifier: GPL-2.0 */
/* Each shows what its name says; false after because(). fresh() comes before each. */
#ifndef TESTS_H
#define TESTS_H

#include <stdbool.h>

/* loan.c */
bool depleted_thread_answers(void);
bool without_event_it_waits(void);
bool without_budget_gone_no_loan(void);
bool returns_on_own_dispatch(void);
bool returns_after_chances(void);
bool returns_on_sleep(void);
bool returns_on_yield(void);
bool sleeper_borrows_at_wake_up(void);
bool boosted_sleeper_runs_again(void);
bool returns_on_exit(void);
bool returns_on_class_change(void);
bool survives_parameter_change(void);
bool survives_affinity_in_place(void);
bool returns_on_affinity_change(void);
bool preempted_borrower_has_all_of_qs(void);
bool leftover_is_no_chance(void);

/* line.c */
bool second_borrower_waits(void);
bool waiter_leaves_when_it_sleeps(void);
bool pending_borrows_at_throttle(void);
bool leaver_keeps_no_event(void);
bool sleep_keeps_the_event(void);
bool borrows_again_after_a_lock(void);
bool nobody_starves_in_line(void);
bool earlier_deadline_is_passed_by(void);
bool charged_borrower_gets_its_share(void);
bool reclaiming_thread_borrows(void);
bool two_units_serve_two(void);
bool chain_stays_within_the_unit(void);
bool neighbour_meets_deadlines_under_flood(void);

/* domain.c */
bool returns_on_group_change(void);
bool returns_on_borrow_off(void);
bool ancestor_off_binds(void);
bool returns_on_pool_removal(void);
bool survives_rebuild(void);
bool bandwidth_survives_rebuild_of_others(void);
bool unit_and_pool_survive_hotplug(void);
bool only_cpu_goes_offline(void);
bool refused_offline_changes_nothing(void);
bool limit_counts_units_of_each_cpu(void);
bool admission_counts_units(void);
bool device_belongs_to_one_group(void);

#endif
