// SPDX-License-Identifier: GPL-2.0
/* dlspare: reservations of CPU time for virtual machines, and pools of spare ones. */
#include "command/command.h"

#include <ctype.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options options;

#define PROCESS_HELP \
	"  --pid N, --uid N, --group PATH the VM is that process, of that user, in that cgroup (any)\n"

static const struct command {
	const char *name;
	command_function *run;
	const char *arguments;
	const char *summary;
	const char *details;		/* NULL: the command has a --help of its own */
} commands[] = {
	{ "set", cmd_set, "VM [OPTION]...", "reserve CPU time for a VM's vCPU threads",
	  "  --runtime TIME --period TIME   each vCPU runs for TIME in each period: 40ms, 100000us\n"
	  "  --class deadline|quota|auto    that is a reservation, a ceiling, or as who lends (auto)\n"
	  "  --vcpu LIST                    only these vCPUs, such as 0-1 (all)\n"
	  "  --io POLICY                    its other threads: keep, housekeeping[:CPUS], or\n"
	  "                                 deadline:RUNTIME/PERIOD (keep)\n"
	  "  --latency TARGET               so long its events may wait: 5ms, '5ms 99.9%' (none)\n"
	  "  --device NAME|any|none         its network devices whose packets are events (none)\n"
	  PROCESS_HELP
	  "  --dry-run                      print the writes and make none\n" },
	{ "unset", cmd_unset, "VM", "leave a VM as it was before dlspare",
	  "  --dry-run                      print the writes and make none\n" },
	{ "pool", cmd_pool, "create|set|delete|show [NAME] [OPTION]...", "pools of spare reservations",
	  "  --runtime TIME --period TIME   what one unit lends; without: a pool of CPUs only\n"
	  "  --units N                      units on each CPU, 1..64 (1)\n"
	  "  --spare auto                   in place of these: chosen from the latencies of its VMs\n"
	  "  --cpus LIST                    its CPUs (all)\n"
	  "  --exclusive, --shared          nothing else runs on these CPUs, or does (shared)\n"
	  "  --edf partitioned|global       a vCPU has one of exclusive CPUs, or all (partitioned)\n"
	  "  --group PATH                   cgroup below which the VMs run; without, dlspare makes one\n"
	  "  --dry-run                      print the writes and make none\n" },
	{ "assign", cmd_assign, "VM POOL|none [OPTION]...", "let a VM borrow from a pool",
	  "  --chances N|max                dispatches a loan lasts (max)\n"
	  "  --charge, --no-charge          what it ran on loans is taken from its own budget (no)\n"
	  "  --reply, --no-reply            a loan ends when the VM has replied, or is quiet (yes)\n"
	  "  --linger TIME                  after at least so much of its CPU time, 0..1s (200us)\n"
	  "  --timer, --no-timer            its own timer is an event, too (no)\n"
	  "  --off, --on                    take no loans, only the pool's CPUs (on)\n"
	  PROCESS_HELP
	  "  --dry-run                      print the writes and make none\n" },
	{ "status", cmd_status, "[VM]", "what the VMs have, and what they did with it", "" },
	{ "top", cmd_top, "[--interval TIME] [--count N]", "what the VMs do and have, live",
	  "  --interval TIME                between two pictures, 100ms..3600s (1s)\n"
	  "  --count N                      so many pictures, as lines (until q)\n" },
	{ "observe", cmd_observe, "[VM]... [OPTION]...", "what limits cost VMs, and what a unit would change; on any kernel",
	  "  --for TIME                     look for so long, 10ms..86400s (60s)\n"
	  "  --spare-runtime TIME, --spare-period TIME   the unit to try (1ms, 10ms)\n"
	  "  --figure FILE                  draw the waits, too: .svg, .png or .pdf; takes gnuplot\n" },
	{ "why", cmd_why, "VM [OPTION]...", "what late events of a VM have waited for",
	  "  --last TIME                    look for so long, 10ms..86400s (10s); of a saved trace the last TIME (all)\n"
	  "  --later-than TIME              what is late (the period of its pool's units; without a pool 1ms)\n"
	  "  --from FILE                    what trace-cmd record has saved, in place of the running kernel\n"
	  "  --threads TIDS                 with --from: the threads of its vCPUs then, in order: 1201,1202\n"
	  "  --trace FILE                   write a timeline too, for ui.perfetto.dev or chrome://tracing\n" },
	{ "show", cmd_show, "[--file]", "the policy in force, as a configuration file",
	  "  --file                         without the VMs that hooks have told of\n" },
	{ "find", cmd_find, "", "VMs that run, their threads and devices", "" },
	{ "validate", cmd_validate, "FILE", "check a configuration file on this host; change nothing", "" },
	{ "plan", cmd_plan, "[FILE] [OPTION]...", "latencies, units and ring lengths, by formulas", NULL },
	{ "apply", cmd_apply, "FILE [--dry-run]", "make a file the policy in force, whole or not at all",
	  "  --dry-run                      print the writes and make none\n" },
	{ "verify", cmd_verify, "[--no-latency]", "compare the kernel with the policy in force",
	  "  --no-latency                   also a VM whose latency is missed is as configured\n" },
	{ "reset", cmd_reset, "[--dry-run]", "put back everything as it was before dlspare",
	  "  --dry-run                      print the writes and make none\n" },
	{ "doctor", cmd_doctor, "", "what works on this host, what is missing, and how to get it", "" },
	{ "metrics", cmd_metrics, "[--output FILE]", "counters in Prometheus' text format",
	  "  --output FILE                  write it whole and rename (standard output)\n" },
	{ "complete", cmd_complete, "vms|pools", NULL, "" },
};

#define NR_COMMANDS (sizeof(commands) / sizeof(*commands))

static const char common[] =
	"  --json                         one JSON document on standard output\n"
	"  -q, --quiet                    no messages but errors\n"
	"  -v, --verbose                  each write\n"
	"  --no-color                     as with NO_COLOR in the environment\n"
	"  -h, --help                     this text\n"
	"  -V, --version\n";

int fail(int code, const char *format, ...)
{
	va_list arguments;

	fputs("dlspare: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return code;
}

int fail_vm(int code, const char *vm, const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "dlspare: VM '%s': ", vm);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return code;
}

void say(const char *format, ...)
{
	va_list arguments;

	if (options.quiet)
		return;
	fputs("dlspare: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

static void usage(void)
{
	size_t i;

	printf("Usage: dlspare COMMAND [ARGUMENT]...\n\n");
	for (i = 0; i < NR_COMMANDS; i++)
		if (commands[i].summary)
			printf("  %-10s %s\n", commands[i].name, commands[i].summary);
	printf("\n%s\n"
	       "TIME is a number with its unit: ns, us, ms, s. dlspare COMMAND --help says more; so do dlspare(1),\n"
	       "dlspare.conf(5) and dlspared(8).\n"
	       "Exit status: 0 done, 1 the system refused, 2 wrong usage, 3 wrong configuration, 4 no room,\n"
	       "5 no such VM, pool or file, 6 kernel, controller or privilege missing, 7 differs.\n", common);
}

static void command_usage(const struct command *command)
{
	printf("Usage: dlspare %s %s\n\n%c%s.\n\n%s%s", command->name, command->arguments,
	       toupper((unsigned char)*command->summary), command->summary + 1, command->details, common);
}

/* Takes one of the common options; false: it is none. */
static bool take_common(const char *word, bool *help, bool *version)
{
	if (!strcmp(word, "--json"))
		options.json = true;
	else if (!strcmp(word, "-q") || !strcmp(word, "--quiet"))
		options.quiet = true;
	else if (!strcmp(word, "-v") || !strcmp(word, "--verbose"))
		options.verbose++;
	else if (!strcmp(word, "--no-color"))
		options.color = false;
	else if (!strcmp(word, "-h") || !strcmp(word, "--help"))
		*help = true;
	else if (!strcmp(word, "-V") || !strcmp(word, "--version"))
		*version = true;
	else
		return false;
	return true;
}

/* A full disk or a closed pipe must not look like an answer. */
static int finish(int code)
{
	if (fflush(stdout) || ferror(stdout))
		return fail(code ? code : FAILED, "standard output cannot be written");
	return code;
}

int main(int argc, char **argv)
{
	const struct command *command = NULL;
	bool help = false, version = false, words = true;
	int from, to = 1;
	size_t i;

	setlocale(LC_CTYPE, "");
	options.color = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	for (from = 1; from < argc; from++) {
		words = words && strcmp(argv[from], "--");
		if (!words || !take_common(argv[from], &help, &version))
			argv[to++] = argv[from];
	}
	argc = to;
	argv[argc] = NULL;
	if (version) {
		printf("dlspare %s\n", VERSION);
		return finish(DONE);
	}
	if (argc < 2 && help) {
		usage();
		return finish(DONE);
	}
	if (argc < 2)
		return fail(WRONG_USAGE, "a command is missing; see dlspare --help");
	for (i = 0; i < NR_COMMANDS && !command; i++)
		if (!strcmp(commands[i].name, argv[1]))
			command = &commands[i];
	if (!command)
		return fail(WRONG_USAGE, "there is no command '%s'; see dlspare --help", argv[1]);
	if (help && command->details && command->summary) {
		command_usage(command);
		return finish(DONE);
	}
	if (help)
		argv[argc++] = "--help";
	return finish(command->run(argc - 1, argv + 1));
}
