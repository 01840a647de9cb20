// Process 1 of a guest whose kernel has its drivers as modules: loads those of /modules, in the order of their names, and
// becomes /guest-init.

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
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

int main(int argc, char **argv)
{
	struct dirent **names;
	int count = scandir("/modules", &names, is_module, alphasort);

	(void)argc;
	if (count < 0)
		perror("/modules");
	for (int i = 0; i < count; i++) {
		load(names[i]->d_name);
		free(names[i]);
	}
	execv("/guest-init", argv);
	perror("/guest-init");
	return 1;
}
