// SPDX-License-Identifier: GPL-2.0
#include "host/spare.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/file.h"
#include "host/group.h"
#include "host/host.h"

/* What is wanted of the lender, with what a group says that has no such file. */
static const struct {
	const char *file, *nothing;
} wanted[] = {
	{ "cpu.spare.pool", "none" },
	{ "cpu.spare.borrow", "inherit" },
	{ "cpu.spare.dev", "" },
};

#define NR_WANTED (sizeof(wanted) / sizeof(*wanted))

/* And what it says. */
static const char *const told[] = { "cpu.spare.stat", "cpu.spare.latency" };

const char *spare_lender_path(const char *group, const char *file)
{
	return host_path(SPARE_FOLDER "%s%s%s%s", *group ? "/" : "", group, file ? "/" : "", file ? file : "");
}

const char *spare_path(const char *group, const char *file)
{
	return host_exists(spare_lender_path(group, NULL)) ? spare_lender_path(group, file) : group_path(group, file);
}

char *spare_value(const char *group, const char *file)
{
	return host_read(spare_path(group, file), NULL);
}

static const char *nothing_in(const char *file)
{
	size_t i;

	for (i = 0; i < NR_WANTED; i++)
		if (!strcmp(wanted[i].file, file))
			return wanted[i].nothing;
	return NULL;
}

bool spare_lender_says_nothing(const char *file, const char *value)
{
	const char *nothing = nothing_in(file);

	return nothing && !strcmp(nothing, value);
}

char *spare_lender_value(const char *group, const char *file)
{
	const char *nothing = nothing_in(file);
	char *text;

	if (!group_exists(group)) {
		errno = ENOENT;
		return NULL;
	}
	text = host_read(spare_lender_path(group, file), NULL);
	return !text && errno == ENOENT && nothing ? strdup(nothing) : text;
}

/* The group's folder and those above it, from the top down. */
static int make_folder(const char *group)
{
	char *above;
	int status;

	if (!*group)
		return file_folder(host_path(SPARE_FOLDER));
	above = group_parent(group);
	status = above ? make_folder(above) : -1;
	free(above);
	return status ? status : file_folder(spare_lender_path(group, NULL));
}

/* How many folders these are. */
static int levels(const char *group)
{
	int nr = 2;

	while ((group = strchr(group, '/'))) {
		group++;
		nr++;
	}
	return nr;
}

/* Folders that are empty then, from the group's up. */
static void remove_folder(const char *group)
{
	char *above = *group ? group_parent(group) : NULL;

	if (!rmdir(spare_lender_path(group, NULL)) && above)
		remove_folder(above);
	free(above);
}

/* "cpu.spare.stat.X7a2Qb" is a draft of such a file. */
static bool is_draft(const char *name, const char *file)
{
	const size_t length = strlen(file);

	return !strncmp(name, file, length) && name[length] == '.';
}

static bool is_told(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(told) / sizeof(*told); i++)
		if (!strcmp(name, told[i]) || is_draft(name, told[i]))
			return true;
	return false;
}

static bool is_wanted(const char *group)
{
	size_t i;

	for (i = 0; i < NR_WANTED; i++)
		if (host_exists(spare_lender_path(group, wanted[i].file)))
			return true;
	return false;
}

/* What the lender has told of the group, or is about to tell, is of no use to anybody when nothing is wanted of it. */
static void forget_what_was_told(const char *group)
{
	struct dirent *entry;
	DIR *folder;

	if (is_wanted(group))
		return;
	folder = opendir(spare_lender_path(group, NULL));
	while (folder && (entry = readdir(folder)))
		if (is_told(entry->d_name))
			unlink(spare_lender_path(group, entry->d_name));
	if (folder)
		closedir(folder);
	remove_folder(group);
}

int spare_lender_set_value(const char *group, const char *file, const char *value)
{
	int status, tries;
	char *line;

	if (!group_exists(group) || !nothing_in(file)) {
		errno = ENOENT;
		return -1;
	}
	if (spare_lender_says_nothing(file, value)) {
		if (unlink(spare_lender_path(group, file)) && errno != ENOENT)
			return -1;
		forget_what_was_told(group);
		return 0;
	}
	if (asprintf(&line, "%s\n", value) < 0)
		return -1;
	/* The lender, which had something to tell before, may be about to remove them again, one after the other: not twice, since it looks. */
	for (tries = levels(group) + 1; tries; tries--) {
		status = make_folder(group) || file_replace(spare_lender_path(group, file), line) ? -1 : 0;
		if (!status || errno != ENOENT)
			break;
	}
	free(line);
	return status;
}

/* Told already, as it is most of the time? */
static bool reads(const char *path, const char *text)
{
	size_t length;
	char *before = host_read_all(path, &length);
	bool same = before && !strcmp(before, text);

	free(before);
	return same;
}

static int tell(const char *group, const char *file, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s", spare_lender_path(group, file));
	return reads(path, text) ? 0 : file_replace(path, text);
}

int spare_lender_tell(const char *group, const char *stat, const char *latency)
{
	int status, error;

	if (!is_wanted(group))
		return 0;
	status = tell(group, told[0], stat) || tell(group, told[1], latency) ? -1 : 0;
	error = errno;
	/* Who wants no more removes what is there after that. If that was before this was told, it is for us. */
	forget_what_was_told(group);
	errno = error;
	return status && error == ENOENT ? 0 : status;
}

/* Those of stat and latency are the lender's, who may be at it. */
static bool is_left_draft(const char *name)
{
	size_t i;

	for (i = 0; i < NR_WANTED; i++)
		if (is_draft(name, wanted[i].file))
			return true;
	return false;
}

static void sweep(const char *group)
{
	DIR *folder = opendir(spare_lender_path(group, NULL));
	const bool useless = *group && (!group_exists(group) || !is_wanted(group));
	struct dirent *entry;
	char *below;

	while (folder && (entry = readdir(folder))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (entry->d_type != DT_DIR) {
			if (useless || is_left_draft(entry->d_name))
				unlink(spare_lender_path(group, entry->d_name));
		} else if (asprintf(&below, "%s%s%s", group, *group ? "/" : "", entry->d_name) >= 0) {
			sweep(below);
			free(below);
		}
	}
	if (folder)
		closedir(folder);
	/* Those above a group that has wanted something are empty when it has gone. */
	rmdir(spare_lender_path(group, NULL));
}

void spare_lender_sweep(void)
{
	sweep("");
}
