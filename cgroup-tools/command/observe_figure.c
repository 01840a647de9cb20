// SPDX-License-Identifier: GPL-2.0
/* The figure of `dlspare observe`: how long interrupts waited, and how long with the unit, as gnuplot draws it. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command/command.h"
#include "command/observe.h"
#include "host/file.h"
#include "host/units.h"

/* Points of a curve: shares of all waits, from none to all. */
#define POINTS 500
/* A panel's size in pixels of 1/100 inch, and how many stand beside each other. */
#define WIDTH 600
#define HEIGHT 320
#define ACROSS 2
/* The axis has no zero: what waited no longer is drawn there, ns. */
#define SHORTEST NSEC_PER_USEC

extern char **environ;

static const struct kind {
	const char *suffix;
	/* Of gnuplot; its fonts are of a size for a figure of so many pixels. */
	const char *terminal;
	double pixel;			/* in the terminal's unit */
} kinds[] = {
	{ ".svg", "svg dynamic font 'sans,14' background rgb 'white'", 1 },
	{ ".png", "pngcairo font 'sans,11'", 1 },
	{ ".pdf", "pdfcairo font 'sans,11'", 0.01 },
};

static const struct kind *kind_of(const char *path)
{
	const size_t length = strlen(path);
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		const size_t end = strlen(kinds[i].suffix);

		if (length > end && !strcmp(path + length - end, kinds[i].suffix))
			return &kinds[i];
	}
	return NULL;
}

int observe_figure_check(const char *path)
{
	struct file_draft draft;

	if (!kind_of(path))
		return fail(WRONG_USAGE, "--figure '%s': its name must end with .svg, .png or .pdf", path);
	if (system("command -v gnuplot >/dev/null 2>&1"))
		return fail(MISSING, "--figure needs gnuplot: apt install gnuplot-nox");
	if (file_draft(&draft, path, ""))
		return fail(errno == ENOENT ? NOT_FOUND : FAILED, "--figure '%s': %s", path, file_error(errno));
	file_drop(&draft);
	return DONE;
}

/* --- what gnuplot is told --- */

/* In its single quotes, where it takes all but these as it is. */
static void write_text(FILE *script, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputc('\'', script);
		fputc(iscntrl((unsigned char)*text) ? '?' : *text, script);
	}
}

static void write_curve(FILE *script, char name, size_t vm, const struct waits *waits)
{
	int i;

	fprintf(script, "$%c%zu << end\n", name, vm);
	for (i = 0; i <= POINTS; i++) {
		const double share = (double)i / POINTS;
		const uint64_t ns = i < POINTS ? waits_quantile(waits, share) : waits->worst;

		fprintf(script, "%.6f %.4f\n", (double)(ns > SHORTEST ? ns : SHORTEST) / NSEC_PER_MSEC, share);
	}
	fprintf(script, "end\n");
}

static void write_panel(FILE *script, const struct observe *observe, size_t vm)
{
	char runtime[UNITS_TEXT], period[UNITS_TEXT];

	write_curve(script, 'w', vm, &observe->vms[vm].waits);
	write_curve(script, 'l', vm, &observe->vms[vm].lent);
	fprintf(script, "set title 'VM ''");
	write_text(script, observe->vms[vm].vm->name);
	fprintf(script, "'', %" PRIu64 " interrupts waited for budget' noenhanced\n", observe->vms[vm].waits.nr);
	fprintf(script, "plot $w%zu with steps lw 2.5 lc rgb '#d55e00' title 'as it was', ", vm);
	fprintf(script, "$l%zu with steps lw 2.5 lc rgb '#0072b2' title 'with %s in every %s'\n", vm,
		units_print(runtime, observe->unit.runtime), units_print(period, observe->unit.period));
}

static void write_script(FILE *script, const struct observe *observe, const struct kind *kind, size_t panels)
{
	const size_t across = panels < ACROSS ? panels : ACROSS, down = (panels + across - 1) / across;
	uint64_t worst = SHORTEST;
	size_t i;

	for (i = 0; i < observe->nr_vms; i++)
		if (observe->vms[i].waits.worst > worst)
			worst = observe->vms[i].waits.worst;
	fprintf(script, "set terminal %s size %g,%g\n", kind->terminal, across * WIDTH * kind->pixel, down * HEIGHT * kind->pixel);
	fprintf(script, "set encoding utf8\nset border 3\nset tics nomirror out\nset grid lt 1 lc rgb '#cccccc'\n"
		"set logscale x 10\nset xrange [%g:%g]\nset yrange [0:1.02]\nset ytics 0.25\nset key left center reverse Left noenhanced\n"
		"set xtics ('≤ 1 µs' 0.001, '10 µs' 0.01, '100 µs' 0.1, '1 ms' 1, '10 ms' 10, '100 ms' 100, '1 s' 1000, '10 s' 10000)\n"
		"set xlabel 'waited at most'\nset ylabel 'share of them'\nset multiplot layout %zu,%zu\n",
		(double)SHORTEST / NSEC_PER_MSEC, 2.0 * worst / NSEC_PER_MSEC, down, across);
	for (i = 0; i < observe->nr_vms; i++)
		if (observe->vms[i].waits.nr)
			write_panel(script, observe, i);
	fprintf(script, "unset multiplot\n");
}

/* --- gnuplot --- */

/* It reads script, and writes path. Its exit status, or -1 with errno; what it has to say is on standard error. */
static int run_gnuplot(FILE *script, const char *path)
{
	char *const argv[] = { "gnuplot", "--default-settings", NULL };
	posix_spawn_file_actions_t actions;
	int status = 0, error;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fileno(script), STDIN_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, path, O_WRONLY, 0);
	error = posix_spawnp(&pid, *argv, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (error) {
		errno = error;
		return -1;
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* A file of its own is its input: it may end before it has read all. */
static int draw(const struct observe *observe, size_t panels, const char *path)
{
	FILE *script = tmpfile();
	int status;

	if (!script)
		return -1;
	write_script(script, observe, kind_of(observe->figure), panels);
	status = fflush(script) || fseek(script, 0, SEEK_SET) ? -1 : run_gnuplot(script, path);
	fclose(script);
	return status;
}

int observe_figure(const struct observe *observe)
{
	struct file_draft draft;
	size_t panels = 0, i;
	int status;

	for (i = 0; i < observe->nr_vms; i++)
		panels += observe->vms[i].waits.nr > 0;
	if (!panels) {
		say("--figure '%s' is not written: no device's interrupt waited for budget", observe->figure);
		return DONE;
	}
	if (file_draft(&draft, observe->figure, ""))
		return fail(FAILED, "--figure '%s': %s", observe->figure, file_error(errno));
	status = draw(observe, panels, draft.name);
	if (!status && !file_publish(&draft))
		return DONE;
	if (status <= 0)
		return fail(FAILED, "--figure '%s': %s", observe->figure, file_error(errno));
	file_drop(&draft);
	return fail(FAILED, "--figure '%s' is not written: gnuplot ended with %d", observe->figure, status);
}
