// Process 1 of the testbed: mounts, runs the script, hands its output, its
// status and the files it left to the emulator, and ends the machine.
//
// Bytes leave through QEMU's isa-debugcon: one port write a byte, no driver, no
// interrupt, nothing that waits for the computer outside. Every stream is closed
// by its length and POSIX checksum in the verdict, so a lost byte is noticed.

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REFEREE "/sys/kernel/debug/sched/referee"
#define CGROUPS "/sys/fs/cgroup"

enum port { PORT_OUTPUT = 0xe8, PORT_FILES = 0xea, PORT_VERDICT = 0xeb };

struct stream {
	enum port port;
	uint64_t bytes;
	uint32_t crc;
};

static uint32_t crc_table[256];

static void fill_crc_table(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i << 24;

		for (int bit = 0; bit < 8; bit++)
			crc = crc << 1 ^ (crc >> 31 ? 0x04c11db7 : 0);
		crc_table[i] = crc;
	}
}

static uint32_t crc_byte(uint32_t crc, uint8_t byte)
{
	return crc << 8 ^ crc_table[crc >> 24 ^ byte];
}

// As cksum(1) ends: the length follows, least significant byte first.
static uint32_t crc_end(const struct stream *stream)
{
	uint32_t crc = stream->crc;

	for (uint64_t rest = stream->bytes; rest; rest >>= 8)
		crc = crc_byte(crc, rest & 0xff);
	return ~crc;
}

static void stream_send(struct stream *stream, const void *data, size_t size)
{
	const uint8_t *byte = data;

	outsb(stream->port, data, size);
	stream->bytes += size;
	for (size_t i = 0; i < size; i++)
		stream->crc = crc_byte(stream->crc, byte[i]);
}

// False at the end of the file.
static bool stream_copy(struct stream *stream, int fd)
{
	static char buffer[65536];
	ssize_t size = read(fd, buffer, sizeof(buffer));

	if (size > 0)
		stream_send(stream, buffer, size);
	return size > 0 || (size < 0 && (errno == EINTR || errno == EAGAIN));
}

static void say(const char *text)
{
	struct stream verdict = { .port = PORT_VERDICT };

	stream_send(&verdict, text, strlen(text));
}

// Nothing useful can be tested on a half set up machine.
static void fail(const char *what)
{
	char line[256];

	snprintf(line, sizeof(line), "broken %s: %s\n", what, strerror(errno));
	say(line);
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

static void mount_all(void)
{
	static const struct { const char *type, *path; } mounts[] = {
		{ "proc", "/proc" },
		{ "sysfs", "/sys" },
		{ "devtmpfs", "/dev" },
		{ "tmpfs", "/tmp" },
		{ "tmpfs", "/run" },
		{ "cgroup2", "/sys/fs/cgroup" },
		{ "debugfs", "/sys/kernel/debug" },
		{ "tracefs", "/sys/kernel/tracing" },
	};

	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].path, 0755);
		if (mount(mounts[i].type, mounts[i].path, mounts[i].type, 0, NULL))
			fail(mounts[i].path);
	}
	mkdir("/dev/pts", 0755);
	mount("devpts", "/dev/pts", "devpts", 0, NULL);
	// Bash reads process substitutions there.
	if (symlink("/proc/self/fd", "/dev/fd"))
		fail("/dev/fd");
	mkdir("/out", 0755);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		fail(path);
	close(fd);
}

static pid_t spawn(char *const argv[], int output)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	setsid();
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	execvp(argv[0], argv);
	dprintf(STDERR_FILENO, "cannot run %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static void nothing(int signal)
{
	(void)signal;
}

// Copies what comes out of fd until pid has ended; processes it left behind may
// keep the pipe open, so its end is not waited for.
static int copy_until_exit(struct stream *stream, int fd, pid_t pid)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	sigset_t blocked, open_mask;
	int status = 0;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	sigprocmask(SIG_BLOCK, &blocked, &open_mask);
	signal(SIGCHLD, nothing);
	for (;;) {
		pid_t dead;
		int dead_status;

		while ((dead = waitpid(-1, &dead_status, WNOHANG)) > 0)
			if (dead == pid) {
				status = dead_status;
				goto out;
			}
		if (ppoll(&poll_fd, 1, NULL, &open_mask) > 0 &&
		    !stream_copy(stream, fd))
			poll_fd.fd = -1;
	}
out:
	sigprocmask(SIG_SETMASK, &open_mask, NULL);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Runs argv with its output sent to the stream; returns its exit status.
static int run(char *const argv[], struct stream *stream)
{
	int ends[2], status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		fail("pipe");
	pid = spawn(argv, ends[1]);
	close(ends[1]);
	status = copy_until_exit(stream, ends[0], pid);

	kill(-1, SIGKILL);
	while (wait(NULL) > 0 || errno == EINTR)
		;
	while (stream_copy(stream, ends[0]))
		;
	close(ends[0]);
	return status;
}

// --- the referee ---

static char report[1 << 17];

static void read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t got;
	size_t filled = 0;

	if (fd < 0)
		fail(path);
	while (filled < size - 1 && (got = read(fd, text + filled, size - 1 - filled)) > 0)
		filled += got;
	text[filled] = '\0';
	close(fd);
}

// Who has just ended gives its bandwidth back a little later.
static void read_settled_report(void)
{
	for (int i = 0; i < 50; i++) {
		read_file(REFEREE, report, sizeof(report));
		if (!strstr(report, "\n  unsettled: "))
			return;
		usleep(100000);
	}
}

static void say_rest(const char *line, size_t length)
{
	char text[600];

	snprintf(text, sizeof(text), "%.*s\n", (int)length, line);
	say(text);
}

static void say_line(const char *line, size_t length)
{
	char text[600];

	snprintf(text, sizeof(text), "referee %.*s\n", (int)length, line);
	say(text);
}

// The line of the report that counts KEY of the group with that inode.
static bool find_count(unsigned long inode, const char *key, unsigned long long *count)
{
	char start[128], *at;

	snprintf(start, sizeof(start), "\n  group %lu: %s ", inode, key);
	at = strstr(report, start);
	if (at)
		*count = strtoull(at + strlen(start), NULL, 10);
	return at;
}

// Returns how many lines of a group's cpu.spare.stat are not what was seen.
static int compare_counters(const char *group, bool tell)
{
	char path[300], key[64], text[600];
	unsigned long long kept, seen;
	struct stat folder;
	int wrong = 0;
	FILE *file;

	snprintf(path, sizeof(path), CGROUPS "/%s", group);
	if (stat(path, &folder))
		return 0;
	strcat(path, "/cpu.spare.stat");
	file = fopen(path, "r");
	while (file && fscanf(file, "%63s %llu", key, &kept) == 2) {
		if (!find_count(folder.st_ino, key, &seen) || kept == seen)
			continue;
		wrong++;
		snprintf(text, sizeof(text), "  counter %s of %s: %llu, seen %llu", key, group, kept, seen);
		if (tell)
			say_line(text, strlen(text));
	}
	if (file)
		fclose(file);
	return wrong;
}

static int compare_all_counters(bool tell)
{
	DIR *dir = opendir(CGROUPS);
	struct dirent *entry;
	int wrong = 0;

	while (dir && (entry = readdir(dir)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			wrong += compare_counters(entry->d_name, tell);
	if (dir)
		closedir(dir);
	return wrong;
}

// Everything has ended: the counters and sums are to be right now. The first line is
// the result; what was counted by group is only to compare with.
static void report_referee(void)
{
	bool unsettled;
	char text[64], *line, *end;
	int wrong;

	read_settled_report();
	wrong = compare_all_counters(false);
	unsettled = strstr(report, "\n  unsettled: ");
	line = report;
	if ((wrong || unsettled) && !strncmp(line, "silent", 6)) {
		snprintf(text, sizeof(text), "referee speaks, %d faults", wrong + unsettled);
		say(text);
		// The rest of the line follows.
		line += 6;
		end = strchrnul(line, '\n');
		say_rest(line, end - line);
		line = *end ? end + 1 : end;
	}
	if (wrong)
		say_line(text, snprintf(text, sizeof(text), "  counters: %d", wrong));
	if (unsettled)
		say_line("  bandwidth: 1", 14);
	for (; *line; line = end + 1) {
		end = strchrnul(line, '\n');
		if (strncmp(line, "  group ", 8))
			say_line(line, end - line);
		if (!*end)
			break;
	}
	compare_all_counters(true);
}

static void save_kernel_log(const char *path)
{
	static char log[4 << 20];
	int size = klogctl(3, log, sizeof(log));
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (size < 0 || fd < 0 || write(fd, log, size) != size)
		fail("kernel log");
	close(fd);
}

static void read_tainted(char *text, size_t size)
{
	int fd = open("/proc/sys/kernel/tainted", O_RDONLY);
	ssize_t got = read(fd, text, size - 1);

	text[got > 0 ? got - 1 : 0] = '\0';
	close(fd);
}

// The file holds the script and its arguments, each ended by a zero byte.
static char **read_arguments(const char *path)
{
	static char text[65536];
	static char *argv[1024];
	int fd = open(path, O_RDONLY);
	ssize_t size = read(fd, text, sizeof(text) - 1);
	size_t argc = 0;

	if (size <= 0)
		fail(path);
	close(fd);
	for (char *arg = text; arg < text + size && argc < 1023; arg += strlen(arg) + 1)
		argv[argc++] = arg;
	return argv;
}

int main(void)
{
	char *const archive[] = { "tar", "-c", "-C", "/out", ".", NULL };
	struct stream output = { .port = PORT_OUTPUT };
	struct stream files = { .port = PORT_FILES };
	const char *turn;
	struct timespec now;
	char tainted[32], line[256];
	int status;

	if (ioperm(PORT_OUTPUT, PORT_VERDICT - PORT_OUTPUT + 1, 1))
		return 1;
	fill_crc_table();
	setenv("PATH", "/bin:/sbin:/usr/bin:/usr/sbin", 1);
	setenv("HOME", "/tmp", 1);
	setenv("OUT", "/out", 1);
	unsetenv("TERM");
	close(STDIN_FILENO);
	mount_all();
	open("/dev/null", O_RDONLY);
	write_file("/sys/fs/cgroup/cgroup.subtree_control", "+cpu +cpuset");
	// Without it a reservation overruns its budget to the next tick.
	if (!getenv("no_hrtick_dl"))
		write_file("/sys/kernel/debug/sched/features", "HRTICK_DL");
	// The kernel hands over words of its command line it does not know.
	turn = getenv("turn");
	if (turn && strcmp(turn, "0") &&
	    run((char *const[]){ "turn", (char *)turn, NULL }, &output))
		fail("turn");

	if (getenv("referee"))
		write_file(REFEREE, getenv("referee"));

	status = run(read_arguments("/add/.arguments"), &output);

	if (getenv("referee")) {
		// Some scripts take debugfs away.
		if (access(REFEREE, F_OK))
			mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
		report_referee();
	}
	save_kernel_log("/out/dmesg");
	read_tainted(tainted, sizeof(tainted));
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (run(archive, &files))
		fail("archive of /out");
	snprintf(line, sizeof(line),
		 "status %d\noutput %lu %u\nfiles %lu %u\ntainted %s\nclock %ld.%09ld\nend\n",
		 status, output.bytes, crc_end(&output), files.bytes,
		 crc_end(&files), tainted, now.tv_sec, now.tv_nsec);
	say(line);
	reboot(RB_AUTOBOOT);
	return 1;
}
