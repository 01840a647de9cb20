#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apply/claim.h"

#define TERMS " runtime = \"1ms\"; period = \"10ms\"; }"

/* A process that says it is "web": its pid, start and uid, and its group. */
struct says {
	int pid;
	uid_t uid;
	const char *group;
	bool proven;
};

#define OF(pid, uid) { pid, uid, NULL, false }
#define IN(pid, uid, group) { pid, uid, group, false }
#define NOTED(pid, uid) { pid, uid, NULL, true }
#define END { 0, 0, NULL, false }

#define MOST 12

/* The threads of a process are itself and the next number; their start is ten times their number. */
static void make_vms(struct vms *vms, const struct says *says)
{
	*vms = (struct vms){ .list = calloc(MOST, sizeof(struct vm)) };
	for (; vms->nr < MOST && says[vms->nr].pid; vms->nr++) {
		const struct says *one = &says[vms->nr];
		struct vm *vm = &vms->list[vms->nr];

		*vm = (struct vm){
			.name = strdup("web"), .pid = one->pid, .start = one->pid * 10, .uid = one->uid, .proven = one->proven,
			.group = strdup(one->group ? one->group : "vms"), .threads = calloc(2, sizeof(struct vm_thread)), .nr_threads = 2,
		};
		for (int i = 0; i < 2; i++)
			vm->threads[i] = (struct vm_thread){ .tid = one->pid + i, .start = (one->pid + i) * 10 };
	}
}

/* Which of them is the VM; 0: none. With an entry of the policy, or NULL, and what the ledger has. */
static int decides(const struct says *says, const char *entry, const struct ledger *ledger)
{
	const struct ledger none = { 0 };
	struct policy_error error = { "" };
	struct policy policy;
	const struct vm *vm;
	struct vms vms;
	char text[256];
	int pid;

	snprintf(text, sizeof(text), "vms = ( %s%s%s );", entry ? "{ name = \"web\"; " : "", entry ? entry : "", entry ? TERMS : "");
	if (!policy_parse(&policy, text, "test", &error))
		fail_msg("%s", error.text);
	make_vms(&vms, says);
	claim_decide(&vms, &policy, ledger ? ledger : &none);
	vm = vms_named(&vms, "web");
	pid = vm ? vm->pid : 0;
	vms_free(&vms);
	policy_free(&policy);
	return pid;
}

static void a_name_alone_proves_nothing(void **state)
{
	(void)state;
	assert_int_equal(decides((struct says[]){ OF(100, 1000), END }, "", NULL), 0);
	assert_int_equal(decides((struct says[]){ OF(100, 1000), END }, NULL, NULL), 0);
	assert_int_equal(decides((struct says[]){ OF(100, (uid_t)-1), END }, "", NULL), 0);
	/* root's word, and that of a manager of root's, are more */
	assert_int_equal(decides((struct says[]){ OF(100, 0), END }, "", NULL), 100);
	assert_int_equal(decides((struct says[]){ OF(100, 0), END }, NULL, NULL), 100);
	assert_int_equal(decides((struct says[]){ NOTED(100, 64055), END }, "", NULL), 100);
	assert_int_equal(decides((struct says[]){ OF(100, 1000), OF(200, 0), OF(300, 1000), END }, "", NULL), 200);
	assert_int_equal(decides((struct says[]){ OF(100, 0), NOTED(200, 64055), END }, "", NULL), 200);
}

static void the_policy_names_it(void **state)
{
	const struct says three[] = { IN(100, 1000, "user.slice/x"), IN(200, 1001, "vms"), IN(300, 0, "vms/a"), END };

	(void)state;
	assert_int_equal(decides(three, "uid = 1000;", NULL), 100);
	assert_int_equal(decides(three, "uid = 0;", NULL), 300);
	assert_int_equal(decides(three, "uid = 1002;", NULL), 0);
	assert_int_equal(decides(three, "pid = 200;", NULL), 200);
	assert_int_equal(decides(three, "pid = 201;", NULL), 0);
	assert_int_equal(decides(three, "group = \"/user.slice/\";", NULL), 100);
	assert_int_equal(decides(three, "group = \"vms/a\";", NULL), 300);
	assert_int_equal(decides(three, "group = \"vm\";", NULL), 0);
	/* all that is named, and not root or a manager any more */
	assert_int_equal(decides(three, "group = \"vms\"; uid = 1001;", NULL), 200);
	assert_int_equal(decides(three, "pid = 100; uid = 1001;", NULL), 0);
	assert_int_equal(decides((struct says[]){ NOTED(100, 64055), END }, "uid = 1000;", NULL), 0);
}

static void of_equals_the_one_set_up_keeps_it(void **state)
{
	const struct says root[] = { OF(100, 0), OF(200, 0), END }, user[] = { OF(100, 7), OF(200, 7), OF(300, 8), END };
	struct ledger ledger = { 0 };

	(void)state;
	assert_int_equal(decides(root, "", NULL), 0);
	assert_int_equal(decides(user, "uid = 7;", NULL), 0);
	assert_true(settings_add(&ledger.originals, SETTING_CLASS, "201@2010", "", "other 0", NULL));
	assert_int_equal(decides(root, "", &ledger), 200);
	assert_int_equal(decides(user, "uid = 7;", &ledger), 200);
	/* A manager's word is more. */
	assert_int_equal(decides((struct says[]){ NOTED(100, 9), OF(200, 0), END }, "", &ledger), 100);
	/* What is set up does not make it the VM. */
	assert_int_equal(decides((struct says[]){ OF(200, 7), END }, "", &ledger), 0);
	assert_int_equal(decides((struct says[]){ OF(200, 7), OF(300, 0), END }, "", &ledger), 300);
	settings_free(&ledger.originals);
	/* Another thread has the number now; a group may have any name. */
	assert_true(settings_add(&ledger.originals, SETTING_CLASS, "201@2011", "", "other 0", NULL));
	assert_true(settings_add(&ledger.originals, SETTING_GROUP, "100@1000", "", "none", NULL));
	assert_int_equal(decides(root, "", &ledger), 0);
	settings_free(&ledger.originals);
}

/* dlspare moves VMs to groups of its own. */
static void a_group_is_where_it_came_from(void **state)
{
	const struct says moved[] = { IN(100, 7, "dlspare.slice/gold"), END };
	struct ledger ledger = { 0 };

	(void)state;
	assert_int_equal(decides(moved, "group = \"vms\";", NULL), 0);
	assert_true(settings_add(&ledger.originals, SETTING_PROCESS, "100@1000", "", "vms/a", NULL));
	assert_int_equal(decides(moved, "group = \"vms\";", &ledger), 100);
	assert_int_equal(decides(moved, "group = \"dlspare.slice\";", &ledger), 0);
	settings_free(&ledger.originals);
}

static void count(const char *text, void *data)
{
	(void)text;
	++*(int *)data;
}

static void tells_of_thousands_in_few_lines(void **state)
{
	const struct ledger ledger = { 0 };
	struct says says[MOST] = { 0 };
	struct policy policy;
	struct vms vms;
	int lines = 0;

	(void)state;
	for (int i = 0; i < MOST; i++)
		says[i] = (struct says)OF(100 + i, 1000);
	policy_init(&policy);
	assert_non_null(policy_add_vm(&policy, "web"));
	make_vms(&vms, says);
	claim_decide(&vms, &policy, &ledger);
	claim_tell(&vms, &policy, count, &lines);
	assert_int_equal(lines, 9);
	vms_free(&vms);
	policy_free(&policy);
}

static void note(const char *text, void *data)
{
	strcat(strcat(data, text), "\n");
}

static void tells_which_and_why(void **state)
{
	const struct says says[] = { OF(100, 7), OF(200, 0), END };
	const struct ledger ledger = { 0 };
	char text[1024] = "";
	struct policy_error error;
	struct policy policy;
	struct vms vms;

	(void)state;
	assert_true(policy_parse(&policy, "vms = ( { name = \"db\";" TERMS " );", "test", &error));
	make_vms(&vms, says);
	claim_decide(&vms, &policy, &ledger);
	claim_tell(&vms, &policy, note, text);
	assert_string_equal(text, "");
	assert_non_null(policy_add_vm(&policy, "web"));
	claim_tell(&vms, &policy, note, text);
	assert_string_equal(text, "VM 'web': pid 100 of user 7 is left alone: its name proves nothing; if it is this VM, name its uid, "
			    "group or pid\n");
	vms_free(&vms);
	policy_free(&policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_alone_proves_nothing),
		cmocka_unit_test(the_policy_names_it),
		cmocka_unit_test(of_equals_the_one_set_up_keeps_it),
		cmocka_unit_test(a_group_is_where_it_came_from),
		cmocka_unit_test(tells_which_and_why),
		cmocka_unit_test(tells_of_thousands_in_few_lines),
	};

	return cmocka_run_group_tests_name("claim", tests, NULL, NULL);
}
