// SPDX-License-Identifier: GPL-2.0
/*
 * Linked with dlspare's objects and -Wl,--wrap=thread_class: a dlspare that looks at the tree HOST_ROOT instead of this host. Each
 * of its threads has the class CLASS, as thread_class() says it; without that they are all gone.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "host/host.h"
#include "host/thread.h"

char *__wrap_thread_class(pid_t tid);

char *__wrap_thread_class(pid_t tid)
{
	const char *class = getenv("CLASS");

	(void)tid;
	return class ? strdup(class) : NULL;
}

/* Without a tree there must be no look at this host. */
static void __attribute__((constructor)) set_root(void)
{
	host_root = getenv("HOST_ROOT");
	if (!host_root)
		host_root = "/nowhere";
}
