// SPDX-License-Identifier: GPL-2.0
#include "host/kernel.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/group.h"
#include "host/host.h"

/* Any group but the root shows it, once the root gives its children the cpu controller. */
static enum kernel_answer ask_groups(void)
{
	enum kernel_answer answer = KERNEL_UNKNOWN;
	struct dirent *entry;
	DIR *root;

	if (!group_enabled("", "cpu"))
		return answer;
	root = opendir(group_path("", NULL));
	while (answer == KERNEL_UNKNOWN && root && (entry = readdir(root))) {
		if (*entry->d_name == '.' || !host_exists(group_path(entry->d_name, "cpu.weight")))
			continue;
		answer = host_exists(group_path(entry->d_name, "cpu.spare.pool")) ? KERNEL_YES : KERNEL_NO;
	}
	if (root)
		closedir(root);
	return answer;
}

static enum kernel_answer ask_symbols(void)
{
	FILE *symbols = fopen(host_path("/proc/kallsyms"), "re");
	char line[512];
	bool any = false, found = false;

	while (symbols && !found && fgets(line, sizeof(line), symbols)) {
		any = true;
		found = strstr(line, " __sched_spare_event\n");
	}
	if (symbols)
		fclose(symbols);
	return found ? KERNEL_YES : any ? KERNEL_NO : KERNEL_UNKNOWN;
}

enum kernel_answer kernel_spare(void)
{
	enum kernel_answer answer = ask_groups();

	return answer == KERNEL_UNKNOWN ? ask_symbols() : answer;
}
