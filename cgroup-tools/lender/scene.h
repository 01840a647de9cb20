/* SPDX-License-Identifier: GPL-2.0 */
/* Who may borrow what: the pools and terms that are wanted of the lender (host/spare.h), and the threads of those groups now. */
#ifndef DLSPARE_LENDER_SCENE_H
#define DLSPARE_LENDER_SCENE_H

#include <stddef.h>
#include <sys/types.h>

#include "lender/terms.h"

struct scene_pool {
	char *group;
	struct supply supply;
};

struct scene_group {
	char *name;
	size_t pool;			/* the nearest at or above it */
	struct terms terms;
};

struct scene_thread {
	pid_t tid;
	pid_t pid;			/* its process */
	size_t group;
};

struct scene {
	struct scene_pool *pools;
	size_t nr_pools;
	struct scene_group *groups;	/* that borrow */
	size_t nr_groups;
	struct scene_thread *threads;	/* by their numbers */
	size_t nr_threads;
};

/* Told of a file that says nothing. */
typedef void scene_problem(const char *group, const char *file, const char *text);

/* Looks now. False with errno: the scene is empty. */
bool scene_look(struct scene *scene, scene_problem *problem);
void scene_free(struct scene *scene);

#endif
