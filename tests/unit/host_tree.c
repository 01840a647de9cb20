#include "host_tree.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/host.h"

static char root[] = "/tmp/host.XXXXXX";

static void must(int good, const char *what)
{
	if (good)
		return;
	perror(what);
	abort();
}

int host_tree_make(void **state)
{
	(void)state;
	strcpy(root, "/tmp/host.XXXXXX");
	must(mkdtemp(root) != NULL, root);
	host_root = root;
	return 0;
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *place)
{
	(void)stat;
	(void)type;
	(void)place;
	return remove(path);
}

int host_tree_remove(void **state)
{
	(void)state;
	must(!nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS), root);
	host_root = "";
	return 0;
}

/* The path below host_root, whose folders are there then. */
static const char *make_path(const char *format, va_list arguments)
{
	static char path[4096];
	size_t start = strlen(root);

	memcpy(path, root, start);
	vsnprintf(path + start, sizeof(path) - start, format, arguments);
	for (char *slash = strchr(path + start + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
	return path;
}

#define MAKE_PATH(path) \
	do { \
		va_list arguments; \
		va_start(arguments, format); \
		path = make_path(format, arguments); \
		va_end(arguments); \
	} while (0)

void host_tree_put(const char *text, const char *format, ...)
{
	const char *path;
	FILE *file;

	MAKE_PATH(path);
	file = fopen(path, "w");
	must(file != NULL, path);
	fputs(text, file);
	must(!fclose(file), path);
}

void host_tree_link(const char *target, const char *format, ...)
{
	const char *path;

	MAKE_PATH(path);
	must(!symlink(target, path), path);
}

void host_tree_folder(const char *format, ...)
{
	const char *path;

	MAKE_PATH(path);
	mkdir(path, 0755);
}

void host_tree_task(int pid, int tid, const char *comm, unsigned int flags)
{
	char text[256];

	/* The start time is ten times the number. */
	snprintf(text, sizeof(text), "%d (%s) S 1 1 1 0 -1 %u 0 0 0 0 0 0 0 0 20 0 1 0 %d 0 0\n", tid, comm, flags,
		 tid * 10);
	host_tree_put(text, "/proc/%d/task/%d/stat", pid, tid);
	host_tree_put(text, "/proc/%d/stat", tid);
	snprintf(text, sizeof(text), "Name:\t%s\nUmask:\t0022\nTgid:\t%d\nPid:\t%d\nUid:\t0\t107\t107\t107\n", comm, pid, tid);
	host_tree_put(text, "/proc/%d/status", tid);
	host_tree_put("7f1de2b4b000-7f1de2b4e000 rw-s 00000000 00:0e 1035 anon_inode:kvm-vcpu:0\n", "/proc/%d/maps", tid);
}
