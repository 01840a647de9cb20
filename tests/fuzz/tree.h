// Folders that look like a host's, in memory, for what reads files: made once, removed at the end.

#ifndef TREE_H
#define TREE_H

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "host/host.h"

static char tree_root[] = "/dev/shm/fuzz.XXXXXX";

static inline int tree_remove_one(const char *path, const struct stat *stat, int type, struct FTW *place)
{
	(void)stat;
	(void)type;
	(void)place;
	return remove(path);
}

static inline void tree_remove(void)
{
	nftw(tree_root, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void tree_make(void)
{
	MUST(mkdtemp(tree_root));
	host_root = tree_root;
	atexit(tree_remove);
}

// With the folders above it.
static inline const char *tree_path(const char *below)
{
	static char path[512];
	size_t start = strlen(tree_root);

	snprintf(path, sizeof(path), "%s%s", tree_root, below);
	for (char *slash = strchr(path + start + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
	return path;
}

static inline void tree_put(const char *below, const void *data, size_t size)
{
	int fd = open(tree_path(below), O_WRONLY | O_CREAT | O_TRUNC, 0644);

	MUST(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	close(fd);
}

#endif
