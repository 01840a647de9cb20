// SPDX-License-Identifier: GPL-2.0
#include "host/spare.h"

#include <dirent.h>
#include <errno.h>
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

/* Folders that are empty then, from the group's up. */
static void remove_folder(const char *group)
{
	char *above = *group ? group_parent(group) : NULL;

	if (!rmdir(spare_lender_path(group, NULL)) && above)
		remove_folder(above);
	free(above);
}

/* What the lender has said of the group is of no use to anybody when nothing is wanted of it. */
static void forget_what_was_told(const char *group)
{
	size_t i;

	for (i = 0; i < NR_WANTED; i++)
		if (host_exists(spare_lender_path(group, wanted[i].file)))
			return;
	for (i = 0; i < sizeof(told) / sizeof(*told); i++)
		unlink(spare_lender_path(group, told[i]));
	remove_folder(group);
}

int spare_lender_set_value(const char *group, const char *file, const char *value)
{
	char *line;
	int status;

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
	if (make_folder(group))
		return -1;
	if (asprintf(&line, "%s\n", value) < 0)
		return -1;
	status = file_replace(spare_lender_path(group, file), line);
	free(line);
	return status;
}

/* "cpu.spare.pool.X7a2Qb": those of stat and latency are the lender's, who may be at it. */
static bool is_left_draft(const char *name)
{
	size_t i, length;

	for (i = 0; i < NR_WANTED; i++) {
		length = strlen(wanted[i].file);
		if (!strncmp(name, wanted[i].file, length) && name[length] == '.')
			return true;
	}
	return false;
}

static void sweep(const char *group)
{
	DIR *folder = opendir(spare_lender_path(group, NULL));
	const bool gone = *group && !group_exists(group);
	struct dirent *entry;
	char *below;

	while (folder && (entry = readdir(folder))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (entry->d_type != DT_DIR) {
			if (gone || is_left_draft(entry->d_name))
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
