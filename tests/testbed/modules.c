// Process 1 of a machine whose kernel is a distribution's: loads the modules of /modules in the order of their names, starts
// the CPUs, and becomes /init-after, which is what the machine's process 1 is elsewhere.

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int is_module(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void load(const char *name)
{
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "/modules/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
		perror(path);
	if (fd >= 0)
		close(fd);
}

static void load_all(void)
{
	struct dirent **names;
	int count = scandir("/modules", &names, is_module, alphasort);

	if (count < 0)
		perror("/modules");
	for (int i = 0; i < count; i++) {
		load(names[i]->d_name);
		free(names[i]);
	}
}

static int start(int cpu)
{
	char path[64];
	int fd, status;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", cpu);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return -1;
	status = write(fd, "1", 1) == 1 ? 0 : -1;
	if (status)
		perror(path);
	close(fd);
	return status;
}

// Those that maxcpus=1 has left. Linux 6.1 waits for one without a PAUSE, and an emulated CPU without it lets no later one
// run: so another process has them meanwhile.
static void start_cpus(void)
{
	pid_t pausing;

	if (mount("sysfs", "/sys", "sysfs", 0, NULL))
		return;
	pausing = fork();
	while (!pausing)
		__builtin_ia32_pause();
	for (int cpu = 1; !start(cpu); cpu++)
		;
	kill(pausing, SIGKILL);
	waitpid(pausing, NULL, 0);
	umount("/sys");
}

int main(int argc, char **argv)
{
	(void)argc;
	load_all();
	start_cpus();
	execv("/init-after", argv);
	perror("/init-after");
	return 1;
}
