// sources: tests/unit/host_tree.c
/* The folder of ours: who may be there, what it takes to look, and how all of it is forgotten. */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apply/store.h"
#include "host/host.h"
#include "host_tree.h"

static unsigned int mode_of(const char *path)
{
	struct stat stat;

	assert_int_equal(lstat(host_path("%s", path), &stat), 0);
	return stat.st_mode & 07777;
}

static void others_may_look_but_not_lock(void **state)
{
	mode_t before = umask(077);
	int lock;

	(void)state;
	host_tree_folder("/run/.");
	lock = store_lock(false, NULL, NULL);
	umask(before);
	assert_true(lock >= 0);
	close(lock);
	assert_int_equal(mode_of(STORE_FOLDER), 0755);
	assert_int_equal(mode_of(STORE_VMS), 0755);
	assert_int_equal(mode_of(STORE_LOCK), 0600);
}

static void who_looks_writes_nothing(void **state)
{
	(void)state;
	host_tree_folder("/run/.");
	assert_int_equal(store_lock(true, NULL, NULL), -1);
	assert_int_equal(errno, ENOENT);
	assert_false(host_exists(host_path(STORE_FOLDER)));
}

static void assert_refused(const char *why)
{
	assert_int_equal(store_lock(false, NULL, NULL), -1);
	assert_string_equal(file_error(errno), why);
	assert_int_equal(store_folders(), -1);
	assert_string_equal(file_error(errno), why);
}

static void a_link_is_no_folder(void **state)
{
	(void)state;
	host_tree_folder("/elsewhere/.");
	host_tree_link(host_path("/elsewhere"), STORE_FOLDER);
	assert_refused("Not a directory");
	assert_false(host_exists(host_path("/elsewhere/vms.d")));
	assert_int_equal(unlink(host_path(STORE_FOLDER)), 0);
	host_tree_link(host_path("/elsewhere"), STORE_VMS);
	assert_refused("Not a directory");
}

static void a_folder_of_others_is_not_used(void **state)
{
	(void)state;
	host_tree_folder(STORE_FOLDER);
	assert_int_equal(chmod(host_path(STORE_FOLDER), 01777), 0);
	assert_refused("another user owns it or may write there, so it is not used");
	assert_int_equal(chmod(host_path(STORE_FOLDER), 0775), 0);
	assert_refused("another user owns it or may write there, so it is not used");
	assert_int_equal(chmod(host_path(STORE_FOLDER), 0755), 0);
	/* Only root can give it away. */
	if (chown(host_path(STORE_FOLDER), 65534, 65534))
		return;
	assert_refused("another user owns it or may write there, so it is not used");
}

static void a_policy_that_cannot_be_read_is_not_none(void **state)
{
	struct policy_error error;
	struct policy policy;

	(void)state;
	assert_true(store_load(&policy, &error));
	policy_free(&policy);
	host_tree_put("", STORE_FOLDER);
	assert_false(store_load(&policy, &error));
	assert_non_null(strstr(error.text, "policy.conf: Not a directory"));
}

/* Names of a folder in their order, with blanks between. */
static const char *names(const char *path)
{
	static char text[512];
	struct dirent **entries;
	int n = scandir(host_path("%s", path), &entries, NULL, alphasort);

	*text = '\0';
	for (int i = 0; i < n; i++) {
		if (strcmp(entries[i]->d_name, ".") && strcmp(entries[i]->d_name, ".."))
			sprintf(text + strlen(text), "%s ", entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return text;
}

static void all_is_forgotten(void **state)
{
	(void)state;
	assert_int_equal(store_forget(), 0);
	host_tree_put("", STORE_POLICY);
	host_tree_put("", STORE_POLICY ".Ab12Cd");
	host_tree_put("", STORE_LEDGER);
	host_tree_put("", STORE_LEDGER ".Ab12Cd");
	host_tree_put("", STORE_LEDGER_BAD);
	host_tree_put("", STORE_LOCK);
	host_tree_put("", STORE_VMS "/a.conf");
	host_tree_put("", STORE_VMS "/b.conf");
	/* Of a reset that was killed. */
	host_tree_put("", STORE_VMS "/.x.conf");
	/* What a hook writes at this moment. */
	host_tree_put("", STORE_VMS "/c.conf.Ab12Cd");
	assert_int_equal(store_forget(), 0);
	assert_string_equal(names(STORE_VMS), "c.conf.Ab12Cd ");
	assert_string_equal(names(STORE_FOLDER), "ledger ledger.bad lock vms.d ");
}

static void what_cannot_be_forgotten_whole_stays(void **state)
{
	char *text;

	(void)state;
	host_tree_put("a", STORE_VMS "/a.conf");
	host_tree_put("b", STORE_VMS "/b.conf");
	/* A folder is in the place of the policy. */
	host_tree_put("", STORE_POLICY "/x");
	assert_int_equal(store_forget(), -1);
	assert_int_equal(errno, EISDIR);
	assert_string_equal(names(STORE_VMS), "a.conf b.conf ");
	text = host_read(host_path(STORE_VMS "/b.conf"), NULL);
	assert_string_equal(text, "b");
	free(text);
	/* One that cannot go out of sight. */
	host_tree_put("", STORE_VMS "/.b.conf/x");
	assert_int_equal(store_forget(), -1);
	assert_string_equal(names(STORE_VMS), ".b.conf a.conf b.conf ");
}

#define VM_TEXT "vms = ( { name = \"%s\"; runtime = \"5ms\"; period = \"100ms\"; } );"

static void put_vm(const char *file, const char *name)
{
	char text[128];

	snprintf(text, sizeof(text), VM_TEXT, name);
	host_tree_put(text, STORE_VMS "/%s", file);
}

static size_t count_vms(void)
{
	struct policy policy;
	size_t nr;

	policy_init(&policy);
	assert_true(store_add_vms(&policy, NULL, NULL));
	nr = policy.nr_vms;
	policy_free(&policy);
	return nr;
}

/* All count until the policy in force has gone; the next change shows them again, or forgets them, too. */
static void a_reset_that_was_killed_has_done_all_or_nothing(void **state)
{
	int lock;

	(void)state;
	put_vm(".a.conf", "a");
	put_vm(".b.conf", "b");
	put_vm("b.conf", "b");
	put_vm("c.conf", "c");
	host_tree_put("", STORE_POLICY);
	assert_int_equal(count_vms(), 3);
	lock = store_lock(false, NULL, NULL);
	assert_true(lock >= 0);
	close(lock);
	assert_string_equal(names(STORE_VMS), "a.conf b.conf c.conf ");
	put_vm(".d.conf", "d");
	assert_int_equal(unlink(host_path(STORE_POLICY)), 0);
	assert_int_equal(count_vms(), 3);
	lock = store_lock(false, NULL, NULL);
	assert_true(lock >= 0);
	close(lock);
	assert_string_equal(names(STORE_VMS), "a.conf b.conf c.conf ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, host_tree_make, host_tree_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(others_may_look_but_not_lock),
		TEST(who_looks_writes_nothing),
		TEST(a_link_is_no_folder),
		TEST(a_folder_of_others_is_not_used),
		TEST(a_policy_that_cannot_be_read_is_not_none),
		TEST(all_is_forgotten),
		TEST(what_cannot_be_forgotten_whole_stays),
		TEST(a_reset_that_was_killed_has_done_all_or_nothing),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
