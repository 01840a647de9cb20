// SPDX-License-Identifier: GPL-2.0
/* Who there is: pools and their units, groups, borrowers. */
#include "lender/inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "host/thread.h"

static bool add(void ***list, size_t nr, void *one)
{
	void **more = one ? reallocarray(*list, nr + 1, sizeof(*more)) : NULL;

	if (!more)
		return false;
	*list = more;
	more[nr] = one;
	return true;
}

static void free_pool(struct pool *pool)
{
	if (!pool)
		return;
	while (pool->nr_units)
		unit_free(pool->units[--pool->nr_units]);
	free(pool->units);
	free(pool->group);
	free(pool);
}

/* Is this process kept away from them, by a partition or by where it was put? */
static bool is_apart(const struct cpus *cpus)
{
	return !cpus_overlap(&loans.own, cpus);
}

static bool is_bound_to(pid_t tid, const struct cpus *cpus)
{
	struct cpus its;

	return !thread_cpus(tid, &its) && cpus_within(&its, cpus);
}

static bool is_like(const struct pool *pool, const struct scene_pool *like)
{
	return !strcmp(pool->group, like->group) && supply_same(&pool->supply, &like->supply) &&
	       pool->apart == is_apart(&like->supply.cpus);
}

static struct pool *make_pool(const struct scene_pool *like)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return NULL;
	pool->supply = like->supply;
	pool->apart = is_apart(&like->supply.cpus);
	pool->group = strdup(like->group);
	if (pool->group)
		return pool;
	free(pool);
	return NULL;
}

static size_t units_of(const struct pool *pool, int cpu)
{
	size_t nr = 0, i;

	for (i = 0; i < pool->nr_units; i++)
		nr += pool->units[i]->cpu == cpu;
	return nr;
}

static bool add_unit(struct pool *pool, int cpu)
{
	struct unit *unit = unit_make(pool->supply.spare, cpu, pool->apart, loans.told);
	bool good;

	if (!unit)
		return false;
	unit->pool = pool;
	pthread_mutex_lock(&loans.lock);
	good = add((void ***)&pool->units, pool->nr_units, unit);
	pool->nr_units += good;
	pthread_mutex_unlock(&loans.lock);
	if (!good)
		unit_free(unit);
	return good;
}

/* Those that it has not, or not yet: another reservation may be gone. How many there is no room for. */
static size_t add_units(struct pool *pool)
{
	size_t missing = 0, i;
	int cpu;

	for (cpu = cpus_next(&pool->supply.cpus, 0); cpu >= 0; cpu = cpus_next(&pool->supply.cpus, cpu + 1))
		for (i = units_of(pool, cpu); i < pool->supply.units; i++)
			missing += missing || !add_unit(pool, cpu);
	return missing;
}

static struct pool *pool_like(const struct scene_pool *like)
{
	size_t i;

	for (i = 0; i < loans.nr_pools; i++)
		if (loans.pools[i]->there && is_like(loans.pools[i], like))
			return loans.pools[i];
	return NULL;
}

static struct group *group_named(const char *name)
{
	size_t i;

	for (i = 0; i < loans.nr_groups; i++)
		if (!strcmp(loans.groups[i]->name, name))
			return loans.groups[i];
	return NULL;
}

/* Those that are there have their place; the new ones are added. */
static bool add_pools(const struct scene *scene, struct pool **pools, loans_problem *problem)
{
	struct pool *pool;
	char text[128];
	size_t i, nr;

	for (i = 0; i < scene->nr_pools; i++) {
		pools[i] = pool_like(&scene->pools[i]);
		if (!pools[i]) {
			pool = make_pool(&scene->pools[i]);
			if (!pool)
				return false;
			pool->there = true;
			pthread_mutex_lock(&loans.lock);
			if (add((void ***)&loans.pools, loans.nr_pools, pool))
				pools[i] = loans.pools[loans.nr_pools++];
			pthread_mutex_unlock(&loans.lock);
			if (!pools[i]) {
				free_pool(pool);
				return false;
			}
		}
		nr = add_units(pools[i]);
		snprintf(text, sizeof(text), "%zu of its pool's units cannot be lent: %s", nr, strerror(errno));
		if (nr)
			problem(pools[i]->group, text);
	}
	return true;
}

static struct group *make_group(const char *name)
{
	struct group *group = calloc(1, sizeof(*group));

	if (!group)
		return NULL;
	group->name = strdup(name);
	if (group->name && add((void ***)&loans.groups, loans.nr_groups, group)) {
		loans.nr_groups++;
		return group;
	}
	free(group->name);
	free(group);
	return NULL;
}

static bool set_groups(const struct scene *scene, struct pool *const *pools, struct group **groups)
{
	struct pool *pool;
	size_t i, j;

	for (i = 0; i < scene->nr_groups; i++) {
		groups[i] = group_named(scene->groups[i].name);
		if (!groups[i])
			groups[i] = make_group(scene->groups[i].name);
		if (!groups[i])
			return false;
		pool = pools[scene->groups[i].pool];
		for (j = 0; j < loans.nr_borrowers && groups[i]->pool && groups[i]->pool != pool; j++)
			if (loans.borrowers[j]->group == groups[i])
				loans_give_up(loans.borrowers[j]);
		groups[i]->pool = pool;
		groups[i]->terms = scene->groups[i].terms;
		groups[i]->there = true;
	}
	return true;
}

static struct borrower *make_borrower(const struct scene_thread *thread)
{
	struct borrower *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->tid = thread->tid;
	b->seen = watch_add(loans.watch, thread->tid, thread->pid, true);
	if (!b->seen) {
		free(b);
		return NULL;
	}
	return b;
}

/* The two lists are sorted. Who has gone stays in the new one as long as it has a unit. */
static bool set_borrowers(const struct scene *scene, struct group *const *groups, loans_problem *problem)
{
	struct borrower **list = calloc(scene->nr_threads + loans.nr_borrowers + 1, sizeof(*list)), *b;
	size_t nr = 0, i = 0, j = 0;
	bool good = list;

	while (list && (i < scene->nr_threads || j < loans.nr_borrowers)) {
		const struct scene_thread *thread = i < scene->nr_threads ? &scene->threads[i] : NULL;

		b = j < loans.nr_borrowers ? loans.borrowers[j] : NULL;
		if (!b || (thread && thread->tid < b->tid)) {
			b = make_borrower(thread);
			if (!b) {
				good = false;
				i++;
				continue;
			}
		} else {
			j++;
			loans_count_seen(b);
			if (!thread || thread->tid != b->tid) {
				b->there = false;
				loans_give_up(b);
				if (b->unit) {
					list[nr++] = b;
				} else {
					watch_forget(loans.watch, b->tid);
					free(b);
				}
				continue;
			}
		}
		i++;
		if (b->group && b->group != groups[thread->group])
			loans_give_up(b);
		/* A loan of the group before is counted where it ends. */
		b->group = groups[thread->group];
		b->seen->timer = b->group->terms.timer;
		b->there = true;
		b->strays = b->group->pool->apart && !is_bound_to(b->tid, &b->group->pool->supply.cpus);
		if (b->strays)
			problem(b->group->name, "a vCPU's thread is not bound to the pool's CPUs, but dlspared is kept away from them: nothing is lent to it");
		list[nr++] = b;
	}
	if (list) {
		free(loans.borrowers);
		loans.borrowers = list;
		loans.nr_borrowers = nr;
	}
	return good;
}

static bool is_used(const struct pool *pool)
{
	size_t i;

	for (i = 0; i < loans.nr_groups; i++)
		if (loans.groups[i]->pool == pool && loans.groups[i]->there)
			return true;
	for (i = 0; i < pool->nr_units; i++)
		if (pool->units[i]->borrower)
			return true;
	return pool->there || pool->first;
}

/* Pools that are not there, once their last unit is back. */
static void remove_pools(void)
{
	struct pool *gone = NULL;
	size_t i, j;

	do {
		pthread_mutex_lock(&loans.lock);
		for (i = 0; i < loans.nr_pools && is_used(loans.pools[i]); i++)
			;
		gone = i < loans.nr_pools ? loans.pools[i] : NULL;
		if (gone)
			loans.pools[i] = loans.pools[--loans.nr_pools];
		for (j = 0; gone && j < loans.nr_groups; j++)
			if (loans.groups[j]->pool == gone)
				loans.groups[j]->pool = NULL;
		pthread_mutex_unlock(&loans.lock);
		free_pool(gone);
	} while (gone);
}

static void mark_pools(const struct scene *scene)
{
	size_t i, j;

	for (i = 0; i < loans.nr_pools; i++) {
		struct pool *pool = loans.pools[i];
		bool there = false;

		for (j = 0; j < scene->nr_pools; j++)
			there |= is_like(pool, &scene->pools[j]);
		pool->there = there;
		for (j = 0; !there && j < pool->nr_units; j++)
			if (pool->units[j]->borrower)
				loans_give_up(pool->units[j]->borrower);
	}
}

int loans_set(const struct scene *scene, loans_problem *problem)
{
	struct pool **pools = calloc(scene->nr_pools + 1, sizeof(*pools));
	struct group **groups = calloc(scene->nr_groups + 1, sizeof(*groups));
	struct cpus own;
	bool good = pools && groups && !thread_cpus(0, &own);
	size_t i;

	if (good)
		loans.own = own;
	pthread_mutex_lock(&loans.lock);
	mark_pools(scene);
	pthread_mutex_unlock(&loans.lock);
	good = good && add_pools(scene, pools, problem);
	pthread_mutex_lock(&loans.lock);
	for (i = 0; good && i < loans.nr_groups; i++)
		loans.groups[i]->there = false;
	good = good && set_groups(scene, pools, groups) && set_borrowers(scene, groups, problem);
	for (i = 0; i < loans.nr_borrowers; i++)
		loans_ask_again(loans.borrowers[i]);
	pthread_mutex_unlock(&loans.lock);
	/* The other thread looks when it is to look next. */
	if (eventfd_write(loans.told, 1))
		good = false;
	remove_pools();
	free(groups);
	free(pools);
	return good ? 0 : -1;
}

/* --- beginning and end --- */

int loans_start(struct watch *watch, int told)
{
	pthread_mutexattr_t attributes;
	int error = pthread_mutexattr_init(&attributes);

	/* Who looks at the scene must not keep the other one waiting for long. */
	if (!error)
		error = pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
	if (!error)
		error = pthread_mutex_init(&loans.lock, &attributes);
	pthread_mutexattr_destroy(&attributes);
	loans.watch = watch;
	loans.told = told;
	errno = error;
	return error ? -1 : 0;
}

void loans_stop(void)
{
	while (loans.nr_pools)
		free_pool(loans.pools[--loans.nr_pools]);
	while (loans.nr_borrowers) {
		loans.borrowers[--loans.nr_borrowers]->seen->lent = 0;
		free(loans.borrowers[loans.nr_borrowers]);
	}
	while (loans.nr_groups) {
		free(loans.groups[--loans.nr_groups]->name);
		free(loans.groups[loans.nr_groups]);
	}
	free(loans.pools);
	free(loans.borrowers);
	free(loans.groups);
}
