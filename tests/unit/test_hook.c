// sources: tests/unit/host_tree.c vmm-hooks/hook/metadata.c
// libraries: -lxml2
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "host_tree.h"

#define main hook_main
#include "vmm-hooks/hook/libvirt-hook.c"
#undef main

#define NONE "<domain><name>web</name></domain>"
#define VM "<domain><name>web</name><metadata><vm xmlns='https://dlspare.org/xmlns/1' "
#define GOLD VM "pool='gold'/></metadata></domain>"
#define LEAD VM "metal='lead'/></metadata></domain>"

/* The hook in a process of its own, as libvirt runs it: its exit status, and what it has said. */
static int run(const char *name, const char *operation, const char *xml, char said[1024])
{
	const char *arguments[] = { "dlspare-libvirt-hook", name, operation, "begin", "-", NULL };
	int in[2], out[2], status;
	ssize_t got, length = 0;
	pid_t pid;

	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	pid = fork();
	if (!pid) {
		signal(SIGPIPE, SIG_DFL);
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		dup2(out[1], STDERR_FILENO);
		close(in[1]);
		/* Long enough on a computer that is busy. */
		alarm(60);
		_exit(hook_main(5, (char **)arguments));
	}
	close(in[0]);
	close(out[1]);
	if (xml) {
		/* One that has nothing to do may end before it reads. */
		assert_true(write(in[1], xml, strlen(xml)) == (ssize_t)strlen(xml) || errno == EPIPE);
		close(in[1]);
	}
	while ((got = read(out[0], said + length, 1023 - length)) > 0)
		length += got;
	said[length] = '\0';
	close(out[0]);
	if (!xml)
		close(in[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void assert_quiet(const char *name, const char *operation, const char *xml)
{
	char said[1024];

	assert_int_equal(run(name, operation, xml, said), 0);
	assert_string_equal(said, "");
}

static bool is_noted(const char *file)
{
	return host_exists(host_path("/run/dlspare/vms.d/%s.conf", file));
}

static void notes_the_policy(void **state)
{
	static const char *const operations[] = { "prepare", "start", "reconnect" };
	struct policy policy;
	struct policy_error error;
	char *text;

	(void)state;
	host_tree_folder("/run");
	for (size_t i = 0; i < 3; i++) {
		assert_quiet("web", operations[i], GOLD);
		text = host_read(host_path("/run/dlspare/vms.d/web.conf"), NULL);
		assert_non_null(text);
		policy_init(&policy);
		assert_non_null(policy_add_pool(&policy, "gold"));
		if (!policy_parse_more(&policy, text, "web.conf", &error))
			fail_msg("%s in %s", error.text, text);
		assert_int_equal(policy.nr_vms, 1);
		assert_string_equal(policy.vms[0].name, "web");
		assert_string_equal(policy.vms[0].pool, "gold");
		policy_free(&policy);
		free(text);
		assert_false(host_exists(host_path("/run/dlspare/vms.d/web.conf.new")));
		assert_quiet("web", i ? "release" : "stopped", GOLD);
		assert_false(is_noted("web"));
	}
	assert_quiet("web", "release", "");
}

static void leaves_nothing_of_an_earlier_start(void **state)
{
	(void)state;
	host_tree_folder("/run");
	assert_quiet("web", "start", GOLD);
	assert_true(is_noted("web"));
	assert_quiet("web", "prepare", NONE);
	assert_false(is_noted("web"));
	assert_quiet("web", "prepare", NONE);
}

/* Their output would become the domain's XML. */
static void says_nothing_elsewhere(void **state)
{
	static const char *const operations[] = { "migrate", "restore", "attach", "started", "something-new", "" };

	(void)state;
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		assert_quiet("web", operations[i], LEAD);
	assert_false(is_noted("web"));
}

static void refuses_only_a_start(void **state)
{
	char said[1024];

	(void)state;
	host_tree_folder("/run");
	assert_int_equal(run("web", "prepare", LEAD, said), 1);
	assert_string_equal(said, "dlspare: domain 'web': <vm> has no attribute 'metal'\n");
	assert_int_equal(run("web", "start", LEAD, said), 0);
	assert_int_equal(run("web", "reconnect", LEAD, said), 0);
	assert_string_equal(said, "dlspare: domain 'web': <vm> has no attribute 'metal'\n");
	assert_false(is_noted("web"));
}

/* Who may write in the folder could make it say anything. */
static void a_folder_that_is_not_ours_is_not_used(void **state)
{
	char said[1024];

	(void)state;
	host_tree_folder("/elsewhere");
	host_tree_link(host_path("/elsewhere"), "/run/dlspare");
	assert_int_equal(run("web", "prepare", GOLD, said), 0);
	assert_string_equal(said, "dlspare: domain 'web': Not a directory\n");
	assert_false(host_exists(host_path("/elsewhere/vms.d")));
	assert_int_equal(unlink(host_path("/run/dlspare")), 0);
	host_tree_folder("/run/dlspare");
	assert_int_equal(chmod(host_path("/run/dlspare"), 0777), 0);
	assert_int_equal(run("web", "prepare", GOLD, said), 0);
	assert_string_equal(said, "dlspare: domain 'web': another user owns it or may write there, so it is not used\n");
	assert_false(is_noted("web"));
}

/* No folder /run: a host without it is no reason not to start. */
static void a_start_does_not_need_us(void **state)
{
	char said[1024];

	(void)state;
	assert_int_equal(run("web", "prepare", GOLD, said), 0);
	assert_string_equal(said, "dlspare: domain 'web': No such file or directory\n");
}

static void does_not_wait_for_ever(void **state)
{
	char said[1024];
	time_t begin = time(NULL);

	(void)state;
	host_tree_folder("/run");
	assert_int_equal(run("web", "reconnect", NULL, said), 0);
	assert_string_equal(said, "dlspare: domain 'web': Connection timed out\n");
	assert_true(time(NULL) - begin < 60);
}

static void the_file_has_the_domains_name(void **state)
{
	static const struct { const char *name, *file; } names[] = {
		{ "web-1_2.x", "web-1_2.x" }, { "my web", "my%20web" }, { "100%", "100%25" }, { ".hidden", "%2Ehidden" },
		{ "../../etc/x", "%2E.%2F..%2Fetc%2Fx" }, { "\xe7\xb6\xb2", "%E7%B6%B2" }, { "", "" },
	};

	(void)state;
	host_tree_folder("/run");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_quiet(names[i].name, "start", GOLD);
		if (!is_noted(names[i].file))
			fail_msg("'%s' is not in '%s'", names[i].name, names[i].file);
		assert_quiet(names[i].name, "release", GOLD);
		assert_false(is_noted(names[i].file));
	}
}

/* 57 letters of two bytes, each written as six. */
static void a_long_name_is_cut_and_told_apart(void **state)
{
	char name[2 * 57 + 1], other[sizeof(name)], said[1024];
	int nr = 0;

	(void)state;
	for (int i = 0; i < 57; i++)
		memcpy(name + 2 * i, "\xd0\xb6", 3);
	memcpy(other, name, sizeof(name));
	other[sizeof(name) - 2] = '\xb7';
	host_tree_folder("/run");
	assert_quiet(name, "start", GOLD);
	assert_quiet(other, "start", GOLD);
	DIR *folder = opendir(host_path("/run/dlspare/vms.d"));
	for (struct dirent *entry; (entry = readdir(folder)); )
		nr += *entry->d_name != '.';
	closedir(folder);
	assert_int_equal(nr, 2);
	assert_quiet(name, "release", GOLD);
	assert_int_equal(run(other, "release", "", said), 0);
	assert_int_equal(rmdir(host_path("/run/dlspare/vms.d")), 0);
}

static void needs_its_arguments(void **state)
{
	char *arguments[] = { "hook", "web", NULL };

	(void)state;
	assert_int_equal(freopen("/dev/null", "w", stderr) != NULL, 1);
	assert_int_equal(hook_main(2, arguments), 2);
	assert_int_equal(hook_main(1, arguments), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, host_tree_make, host_tree_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(notes_the_policy),
		TEST(leaves_nothing_of_an_earlier_start),
		TEST(says_nothing_elsewhere),
		TEST(refuses_only_a_start),
		TEST(a_folder_that_is_not_ours_is_not_used),
		TEST(a_start_does_not_need_us),
		TEST(does_not_wait_for_ever),
		TEST(the_file_has_the_domains_name),
		TEST(a_long_name_is_cut_and_told_apart),
		cmocka_unit_test(needs_its_arguments),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("hook", tests, NULL, NULL);
}
