/* A tree below a temporary folder that looks like a host's, for tests of what reads host_root. */
#ifndef HOST_TREE_H
#define HOST_TREE_H

/* The setup and teardown of a test: host_root is an empty folder meanwhile. */
int host_tree_make(void **state);
int host_tree_remove(void **state);

/* Makes a file, with the folders above it; the path is below host_root. */
void host_tree_put(const char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void host_tree_link(const char *target, const char *format, ...) __attribute__((format(printf, 2, 3)));
void host_tree_folder(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A process or, with another tid, a thread of it. flags: as in /proc/PID/stat. */
void host_tree_task(int pid, int tid, const char *comm, unsigned int flags);

#endif
