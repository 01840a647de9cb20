// sources: tests/unit/host_tree.c
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/host.h"
#include "vmm-hooks/finder.h"
#include "vmm-hooks/qmp.h"
#include "host_tree.h"

#define GREETING "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7}}, \"capabilities\": []}}\r\n"
#define READY "{\"return\": {}}\r\n"
#define EVENT "{\"timestamp\": {\"seconds\": 1}, \"event\": \"NIC_RX_FILTER_CHANGED\", \"data\": {}}\r\n"
#define VCPUS "{\"return\": [{\"thread-id\": 4712, \"qom-path\": \"/machine/unattached/device[0]\", " \
	"\"cpu-index\": 0, \"target\": \"x86_64\"}, {\"thread-id\": 4714, \"cpu-index\": 2}]}\r\n"

/* Nothing takes so long on a computer that is busy, ms. */
#define LONG_MS 60000

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

/* What qmp_vcpus() makes of all this text, whatever it asks; the other end is closed after it, or not. */
static ssize_t ask(const char *text, bool closed, struct qmp_vcpu **vcpus)
{
	int fds[2], error, wait_ms = qmp_wait_ms;
	ssize_t nr;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(write(fds[1], text, strlen(text)), strlen(text));
	if (closed)
		shutdown(fds[1], SHUT_WR);
	nr = qmp_vcpus(fds[0], &wait_ms, vcpus);
	error = errno;
	close(fds[0]);
	close(fds[1]);
	errno = error;
	return nr;
}

static void reads_the_vcpus(void **state)
{
	static const char *const texts[] = {
		GREETING READY VCPUS, GREETING EVENT READY EVENT EVENT VCPUS EVENT,
		/* as "-qmp-pretty" writes it */
		"{\n    \"QMP\": {\n    }\n}\n{\n    \"return\": {\n    }\n}\n{\n    \"return\": [\n        {\n"
		"            \"thread-id\": 4712,\n            \"cpu-index\": 0\n        },\n        {\n"
		"            \"cpu-index\": 2,\n            \"thread-id\": 4714\n        }\n    ]\n}\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct qmp_vcpu *vcpus;

		assert_int_equal(ask(texts[i], true, &vcpus), 2);
		assert_int_equal(vcpus[0].number, 0);
		assert_int_equal(vcpus[0].tid, 4712);
		assert_int_equal(vcpus[1].number, 2);
		assert_int_equal(vcpus[1].tid, 4714);
		free(vcpus);
	}
}

static void refuses_what_is_no_such_talk(void **state)
{
	static const char *const texts[] = {
		"", "\n", "{", "[]", "null", "HTTP/1.1 400 Bad Request\r\n", READY VCPUS, GREETING, GREETING READY,
		GREETING VCPUS, GREETING "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"x\"}}\r\n",
		GREETING READY "{\"return\": {}}", GREETING READY "{\"return\": []}", GREETING READY "{\"return\": [1]}",
		GREETING READY "{\"return\": [{\"thread-id\": 0, \"cpu-index\": 0}]}",
		GREETING READY "{\"return\": [{\"thread-id\": 4294967297, \"cpu-index\": 0}]}",
		GREETING READY "{\"return\": [{\"thread-id\": 1, \"cpu-index\": -1}]}",
		GREETING READY "{\"return\": [{\"thread-id\": 1, \"cpu-index\": 4294967296}]}",
		GREETING READY "{\"return\": [{\"thread-id\": 1, \"cpu-index\": 0}, {}]}",
		GREETING READY "{\"return\": [{\"thread-id\": 1, \"cpu-index\": 0}]",
	};
	struct qmp_vcpu *vcpus;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (ask(texts[i], true, &vcpus) != -1)
			fail_msg("took '%s'", texts[i]);
		assert_int_equal(errno, EPROTO);
	}
}

static void does_not_wait_long(void **state)
{
	struct qmp_vcpu *vcpus;
	int64_t begin = now_ms();

	(void)state;
	qmp_wait_ms = 100;
	assert_int_equal(ask(GREETING READY EVENT, false, &vcpus), -1);
	assert_int_equal(errno, ETIMEDOUT);
	assert_in_range(now_ms() - begin, 99, LONG_MS - 1);
	qmp_wait_ms = LONG_MS;
}

/* Answers one client on a listening socket in a process of its own, if one comes. */
static pid_t serve(int listener, const char *text)
{
	pid_t pid = fork();
	int fd;

	if (pid)
		return pid;
	alarm(LONG_MS / 1000);
	fd = accept(listener, NULL, NULL);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		_exit(1);
	while (read(fd, (char[64]){ 0 }, 64) > 0)
		;
	_exit(0);
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_true(strlen(path) < sizeof(address.sun_path));
	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* This process plays a QEMU with two threads of whose purpose nothing is known. */
static void put_qemu(const char *words, const char *sockets)
{
	int pid = getpid();
	FILE *file;

	host_tree_task(pid, pid, "qemu-system-x86", 0);
	host_tree_task(pid, 4712, "qemu-system-x86", 0);
	host_tree_task(pid, 4714, "qemu-system-x86", 0);
	host_tree_put("0::/\n", "/proc/%d/cgroup", pid);
	host_tree_put(sockets, "/proc/%d/net/unix", pid);
	host_tree_folder("/proc/%d/root/run", pid);
	host_tree_folder("/proc/%d/cwd", pid);
	host_tree_put("0", "/sys/kernel/debug/kvm/%d-9/vcpu0/pid", pid);
	host_tree_put("", "/proc/%d/cmdline", pid);
	file = fopen(host_path("/proc/%d/cmdline", pid), "w");
	for (; *words; words++)
		putc(*words == '|' ? '\0' : *words, file);
	fclose(file);
}

static size_t nr_vcpus(void)
{
	struct vms vms;
	size_t nr = 0;

	assert_int_equal(vms_find(&vms), 0);
	assert_int_equal(vms.nr, 1);
	assert_string_equal(vms.list[0].finder, "qemu");
	while (nr < vms.list[0].nr_threads && vms.list[0].threads[nr].role == VM_VCPU)
		nr++;
	if (nr) {
		assert_int_equal(vms.list[0].threads[0].tid, 4712);
		assert_int_equal(vms.list[0].threads[1].tid, 4714);
		assert_int_equal(vms.list[0].threads[1].number, 2);
	}
	vms_free(&vms);
	return nr;
}

#define HEAD "Num       RefCount Protocol Flags    Type St Inode Path\n"
#define LISTENS "0000000000000000: 00000002 00000000 00010000 0001 01 71 /run/qmp\n"
#define TALKS "0000000000000000: 00000003 00000000 00000000 0001 03 72 /run/qmp\n"

static void asks_a_free_monitor(void **state)
{
	static const char *const words[] = {
		"qemu-system-x86_64|-qmp|unix:/run/qmp,server=on,wait=off|",
		"qemu-system-x86_64|-qmp-pretty|unix:/run/qmp,server,nowait|",
		"kvm|-chardev|socket,id=m,path=/run/qmp,server=on,wait=off|-mon|chardev=m,mode=control|",
		"qemu-kvm|--mon|m,mode=control|--chardev|socket,id=m,path=/run/qmp,server,nowait|",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		int listener, status;
		pid_t server;

		put_qemu(words[i], HEAD LISTENS);
		listener = listen_at(host_path("/proc/%d/root/run/qmp", getpid()));
		server = serve(listener, GREETING READY VCPUS);
		assert_int_equal(nr_vcpus(), 2);
		close(listener);
		assert_int_equal(waitpid(server, &status, 0), server);
		assert_int_equal(status, 0);
		host_tree_remove(state);
		host_tree_make(state);
	}
}

static void disturbs_no_other_monitor(void **state)
{
	static const struct { const char *words, *sockets; } cases[] = {
		/* somebody talks to it, or that cannot be known */
		{ "qemu|-qmp|unix:/run/qmp,server=on,wait=off|", HEAD LISTENS TALKS },
		/* QEMU would start the VM */
		{ "qemu|-qmp|unix:/run/qmp,server=on,wait=on|", HEAD LISTENS },
		{ "qemu|-qmp|unix:/run/qmp,server=on|", HEAD LISTENS },
		/* QEMU is the client */
		{ "qemu|-qmp|unix:/run/qmp|", HEAD LISTENS },
		/* other things */
		{ "qemu|-monitor|unix:/run/qmp,server=on,wait=off|", HEAD LISTENS },
		{ "qemu|-serial|unix:/run/qmp,server=on,wait=off|", HEAD LISTENS },
		{ "qemu|-chardev|socket,id=m,path=/run/qmp,server=on,wait=off|", HEAD LISTENS },
		{ "qemu|-chardev|socket,id=m,path=/run/qmp,server=on,wait=off|-mon|chardev=m,mode=readline|", HEAD LISTENS },
		{ "qemu|-chardev|socket,id=m,path=/run/qmp,server=on,wait=off|-mon|chardev=n,mode=control|", HEAD LISTENS },
		{ "qemu|-chardev|file,id=m,path=/run/qmp,server=on,wait=off|-mon|chardev=m,mode=control|", HEAD LISTENS },
		{ "qemu|-qmp|unix:/run/qmp,abstract=on,server=on,wait=off|", HEAD LISTENS },
		{ "qemu|-qmp|tcp:localhost:4444,server=on,wait=off|", HEAD LISTENS },
		{ "qemu|-qmp|unix:,server=on,wait=off|", HEAD LISTENS },
		{ "qemu|-qmp|", HEAD LISTENS },
		{ "qemu|-chardev|socket,id=m,fd=27,server=on,wait=off|-mon|chardev=m,mode=control|", HEAD LISTENS },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int listener;

		put_qemu(cases[i].words, cases[i].sockets);
		listener = listen_at(host_path("/proc/%d/root/run/qmp", getpid()));
		assert_int_equal(nr_vcpus(), 0);
		/* Nobody waits to be let in. */
		assert_int_equal(fcntl(listener, F_SETFL, O_NONBLOCK), 0);
		assert_int_equal(accept(listener, NULL, NULL), -1);
		close(listener);
		host_tree_remove(state);
		host_tree_make(state);
	}
}

/* One that answers late takes the time of those that come after it: they are all asked in the time of one. */
static void does_not_wait_for_each(void **state)
{
	char words[] = "qemu\0-qmp\0unix:/run/qmp,server=on,wait=off";
	int wait_ms = 0, listener;
	const struct monitor monitor = { .words = { words, sizeof(words) }, .wait_ms = &wait_ms };
	struct vm vm = { .pid = getpid() };

	(void)state;
	put_qemu("qemu|-qmp|unix:/run/qmp,server=on,wait=off|", HEAD LISTENS);
	listener = listen_at(host_path("/proc/%d/root/run/qmp", getpid()));
	assert_int_equal(qemu_finder.find(&vm, &monitor), 1);
	assert_int_equal(fcntl(listener, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(accept(listener, NULL, NULL), -1);
	/* The same, with time: it is asked, and the time is gone. */
	wait_ms = 50;
	assert_int_equal(qemu_finder.find(&vm, &monitor), 1);
	assert_true(accept(listener, NULL, NULL) >= 0);
	assert_true(wait_ms <= 0);
	close(listener);
}

/* A process may claim any path: another's socket is left at once, before a word is said. */
static void says_nothing_to_strangers(void **state)
{
	int listener, fd, ready[2], status;
	pid_t stranger;

	(void)state;
	put_qemu("qemu|-qmp|unix:/run/qmp,server=on,wait=off|", HEAD LISTENS);
	assert_int_equal(pipe(ready), 0);
	stranger = fork();
	if (!stranger) {
		alarm(LONG_MS / 1000);
		listener = listen_at(host_path("/proc/%d/root/run/qmp", getppid()));
		close(ready[1]);
		close(ready[0]);
		fd = accept(listener, NULL, NULL);
		_exit(fd < 0 || read(fd, (char[1]){ 0 }, 1) != 0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], (char[1]){ 0 }, 1), 0);
	close(ready[0]);
	assert_int_equal(nr_vcpus(), 0);
	assert_int_equal(waitpid(stranger, &status, 0), stranger);
	assert_int_equal(status, 0);
}

static void a_relative_path_begins_where_qemu_is(void **state)
{
	int listener, status;
	pid_t server;

	(void)state;
	put_qemu("qemu|-qmp|unix:a,,b,server=on,wait=off|", HEAD LISTENS);
	listener = listen_at(host_path("/proc/%d/cwd/a,b", getpid()));
	server = serve(listener, GREETING READY VCPUS);
	assert_int_equal(nr_vcpus(), 2);
	close(listener);
	assert_int_equal(waitpid(server, &status, 0), server);
}

/* What the finder calls a VM with this command line. */
static void assert_named(const char *words, size_t length, const char *name)
{
	struct vm vm = { .name = strdup("before") };
	int wait_ms = LONG_MS;
	struct monitor monitor = { .words = { .text = malloc(length + 1), .length = length }, .wait_ms = &wait_ms };

	memcpy(monitor.words.text, words, length);
	monitor.words.text[length] = '\0';
	assert_int_equal(qemu_finder.find(&vm, &monitor), 1);
	assert_string_equal(vm.name, name);
	free(monitor.words.text);
	free(vm.name);
}

#define ASSERT_NAMED(words, name) assert_named(words, sizeof(words) - 1, name)

static void names_are_read_as_qemu_does(void **state)
{
	(void)state;
	ASSERT_NAMED("qemu\0-name\0web\0", "web");
	ASSERT_NAMED("qemu\0-name\0web", "web");
	ASSERT_NAMED("qemu\0-name\0web,debug-threads=on\0", "web");
	ASSERT_NAMED("qemu\0--name\0guest=web,debug-threads=on\0", "web");
	ASSERT_NAMED("qemu\0-name\0debug-threads=on,guest=web\0", "web");
	ASSERT_NAMED("qemu\0-name\0a,,b,,,c\0", "a,b,");
	ASSERT_NAMED("qemu\0-name\0one\0-name\0two\0", "two");
	ASSERT_NAMED("qemu\0-name\0one\0-name\0process=x\0", "one");
	ASSERT_NAMED("qemu\0-name\0my web\0", "my web");
	ASSERT_NAMED("qemu\0-name\0guest=a=b\0", "a=b");
	ASSERT_NAMED("qemu\0-name\0\0", "before");
	ASSERT_NAMED("qemu\0-name\0", "before");
	ASSERT_NAMED("qemu\0-name\0a\nb\0", "before");
	ASSERT_NAMED("qemu\0name\0web\0", "before");
	ASSERT_NAMED("qemu", "before");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, host_tree_make, host_tree_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_vcpus),
		cmocka_unit_test(refuses_what_is_no_such_talk),
		cmocka_unit_test(does_not_wait_long),
		TEST(asks_a_free_monitor),
		TEST(does_not_wait_for_each),
		TEST(disturbs_no_other_monitor),
		TEST(says_nothing_to_strangers),
		TEST(a_relative_path_begins_where_qemu_is),
		cmocka_unit_test(names_are_read_as_qemu_does),
	};

	qmp_wait_ms = LONG_MS;
	return cmocka_run_group_tests_name("qemu", tests, NULL, NULL);
}
