// SPDX-License-Identifier: GPL-2.0
#include "lender/scene.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/group.h"
#include "host/host.h"
#include "host/proc.h"
#include "host/spare.h"

#define NO_POOL ((size_t)-1)

/* What holds on the way down. */
struct way {
	size_t pool;
	struct terms terms;
};

struct look {
	struct scene *scene;
	scene_problem *problem;
};

static void *grown(void **list, size_t nr, size_t size)
{
	void *more = nr & (nr - 1) ? *list : reallocarray(*list, nr ? 2 * nr : 1, size);

	if (more)
		*list = more;
	return more;
}

static bool add_thread(struct scene *scene, pid_t tid, size_t group)
{
	pid_t pid = proc_process_of(tid);

	/* It has ended meanwhile. */
	if (!pid)
		return true;
	if (!grown((void **)&scene->threads, scene->nr_threads, sizeof(*scene->threads)))
		return false;
	scene->threads[scene->nr_threads++] = (struct scene_thread){ .tid = tid, .pid = pid, .group = group };
	return true;
}

static bool add_group(struct scene *scene, const char *name, const struct way *way)
{
	char *text = host_read(group_path(name, "cgroup.threads"), NULL), *line, *rest = text;
	const size_t place = scene->nr_groups;
	bool good = true;

	/* It is gone, or has threads in its own processes alone. */
	if (!text)
		return errno != ENOMEM;
	if (!grown((void **)&scene->groups, scene->nr_groups, sizeof(*scene->groups)))
		good = false;
	if (good) {
		scene->groups[place] = (struct scene_group){ .name = strdup(name), .pool = way->pool, .terms = way->terms };
		good = scene->groups[place].name;
		scene->nr_groups += good;
	}
	while (good && (line = strsep(&rest, "\n")))
		if (proc_number(line) > 0)
			good = add_thread(scene, proc_number(line), place);
	free(text);
	return good;
}

static bool add_pool(struct scene *scene, const char *group, const struct supply *supply, size_t *place)
{
	if (!grown((void **)&scene->pools, scene->nr_pools, sizeof(*scene->pools)))
		return false;
	*place = scene->nr_pools;
	scene->pools[*place] = (struct scene_pool){ .group = strdup(group), .supply = *supply };
	scene->nr_pools += scene->pools[*place].group != NULL;
	return scene->pools[*place].group;
}

/* What stands at a group itself. */
static bool read_group(struct look *look, const char *group, struct way *way)
{
	char *pool = spare_lender_value(group, "cpu.spare.pool"), *borrow = spare_lender_value(group, "cpu.spare.borrow");
	bool says_nothing = !borrow || spare_lender_says_nothing("cpu.spare.borrow", borrow);
	struct supply supply = { 0 };
	bool good = true;

	if (pool && !supply_read(&supply, pool))
		look->problem(group, "cpu.spare.pool", pool);
	if (!says_nothing && (!terms_combine(&way->terms, borrow) || (way->terms.on && way->terms.charge)))
		look->problem(group, "cpu.spare.borrow", borrow);
	if (supply.units)
		good = add_pool(look->scene, group, &supply, &way->pool);
	free(borrow);
	free(pool);
	return good;
}

/* A group and those below it; without a pool above, only where something of ours stands. */
static bool look_at(struct look *look, const char *group, struct way way)
{
	const bool ours = host_exists(spare_lender_path(group, NULL));
	struct dirent *entry;
	bool good = true;
	char *below;
	DIR *folder;

	if (!ours && way.pool == NO_POOL)
		return true;
	if (*group && !read_group(look, group, &way))
		return false;
	if (*group && way.pool != NO_POOL && way.terms.on && !way.terms.charge && !add_group(look->scene, group, &way))
		return false;
	folder = opendir(group_path(group, NULL));
	while (good && folder && (entry = readdir(folder))) {
		if (entry->d_type != DT_DIR || *entry->d_name == '.')
			continue;
		good = asprintf(&below, "%s%s%s", group, *group ? "/" : "", entry->d_name) >= 0;
		if (good) {
			good = look_at(look, below, way);
			free(below);
		}
	}
	if (folder)
		closedir(folder);
	return good;
}

static int by_number(const void *a, const void *b)
{
	const struct scene_thread *one = a, *other = b;

	return (one->tid > other->tid) - (one->tid < other->tid);
}

bool scene_look(struct scene *scene, scene_problem *problem)
{
	struct look look = { .scene = scene, .problem = problem };

	*scene = (struct scene){ 0 };
	if (!look_at(&look, "", (struct way){ .pool = NO_POOL })) {
		scene_free(scene);
		errno = ENOMEM;
		return false;
	}
	if (scene->nr_threads)
		qsort(scene->threads, scene->nr_threads, sizeof(*scene->threads), by_number);
	return true;
}

void scene_free(struct scene *scene)
{
	while (scene->nr_groups)
		free(scene->groups[--scene->nr_groups].name);
	while (scene->nr_pools)
		free(scene->pools[--scene->nr_pools].group);
	free(scene->groups);
	free(scene->pools);
	free(scene->threads);
	*scene = (struct scene){ 0 };
}
