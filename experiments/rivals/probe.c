// probe: pings a guest at random instants, or each time its vCPU has used up its budget.
//
// At random the pings are a Poisson process, and none waits for the reply to another: so the instants know nothing of
// the guest's state, and a deaf guest is pinged as often as one that answers.

#define _GNU_SOURCE
#include "../lib/echo.h"
#include "../lib/instant.h"
#include "../lib/load.h"
#include "../lib/number.h"
#include "../lib/poisson.h"
#include "../ping/budget.h"
#include "depletion.h"

#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	MS = 1000 * US, // in ns, as all times here
	WINDOW = 100 * MS,        // totals are of whole windows: of each reservation's periods
	REPLY_TIMEOUT = 2000 * MS,
	DEPLETION_TIMEOUT_MS = 2000,
	MOST_PINGS = 65535,       // the ICMP sequence
};

struct options {
	pid_t pid, tid;
	struct in_addr address;
	unsigned long pings, every_us, seed, port;
	const char *tracing, *totals;
	char load;
};

struct ping {
	int64_t sent, rtt; // rtt 0: no reply
};

struct guest {
	int echo, port, sched; // files: its pings, its batch load (-1: none), its vCPU thread's state
	unsigned long answered;
	struct ping pings[MOST_PINGS + 1]; // by sequence, from 1
};

struct totals {
	int64_t wall, used;
	unsigned long long loops;
};

static struct guest guest;

static void fail(const char *format, ...)
{
	va_list arguments;

	fputs("probe: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

// --- the guest ---

static void open_guest(const struct options *options)
{
	char path[64];

	guest.echo = echo_open(options->address);
	guest.port = options->port ? load_open(options->address, options->port) : -1;
	if (guest.echo < 0 || (options->port && guest.port < 0))
		fail("sockets to %s: %s", inet_ntoa(options->address), strerror(errno));
	snprintf(path, sizeof(path), "/proc/%d/task/%d/sched", options->pid, options->tid);
	guest.sched = open(path, O_RDONLY);
	if (guest.sched < 0)
		fail("%s: %s", path, strerror(errno));
}

static int64_t read_used(void)
{
	char text[4096];
	ssize_t got = pread(guest.sched, text, sizeof(text) - 1, 0);
	int64_t used;

	if (got <= 0)
		fail("the vCPU thread is gone");
	text[got] = '\0';
	if (!budget_parse_used(text, &used))
		fail("no se.sum_exec_runtime in /proc/PID/task/TID/sched");
	return used;
}

static unsigned long long ask_loops(char command)
{
	unsigned long long loops;

	if (!load_ask(guest.port, command, &loops))
		fail("the batch load does not answer: %s", strerror(errno));
	return loops;
}

static void take_reply(void)
{
	uint8_t packet[256];
	ssize_t size = recv(guest.echo, packet, sizeof(packet), 0);
	int seq = echo_seq(packet, size);

	if (seq < 1 || !guest.pings[seq].sent || guest.pings[seq].rtt)
		return;
	guest.pings[seq].rtt = instant_now() - guest.pings[seq].sent;
	guest.answered++;
}

// Until then, or until SENT pings are answered; 0: until then.
static void take_replies(int64_t until, unsigned long sent)
{
	struct pollfd echo = { .fd = guest.echo, .events = POLLIN };

	for (int64_t left; (!sent || guest.answered < sent) && (left = until - instant_now()) > 0;) {
		struct timespec time = { left / (1000 * MS), left % (1000 * MS) };

		if (ppoll(&echo, 1, &time, NULL) == 1)
			take_reply();
	}
}

static void ping(unsigned long seq)
{
	guest.pings[seq].sent = instant_now();
	if (!echo_send(guest.echo, seq))
		fail("cannot send: %s", strerror(errno));
}

// --- the measurement ---

static void ping_at_random(const struct options *options)
{
	uint64_t seed = options->seed;
	int64_t at = instant_now();

	for (unsigned long seq = 1; seq <= options->pings; seq++) {
		at += poisson_gap(&seed, 1.0 / (options->every_us * US));
		take_replies(at, 0);
		ping(seq);
	}
	take_replies(instant_now() + REPLY_TIMEOUT, options->pings);
}

// A little less than EVERY after the one before: nearer, what the vCPU runs on is a loan that it got for that.
static void ping_at_depletions(const struct options *options)
{
	const int64_t least = options->every_us * (int64_t)US * 9 / 10;
	int64_t earliest = instant_now() + least; // what asked the load may have got the vCPU a loan
	struct depletion depletion;

	if (!depletion_open(&depletion, options->tracing))
		fail("%s: %s", options->tracing, strerror(errno));
	for (unsigned long seq = 1; seq <= options->pings; seq++) {
		take_replies(earliest, 0);
		if (!depletion_wait(&depletion, DEPLETION_TIMEOUT_MS))
			fail("the vCPU is never out of budget");
		ping(seq);
		take_replies(instant_now() + REPLY_TIMEOUT, seq);
		earliest = guest.pings[seq].sent + least;
	}
}

static struct totals take_totals(void)
{
	struct totals totals = { .loops = guest.port < 0 ? 0 : ask_loops('?') };

	totals.wall = instant_now();
	totals.used = read_used();
	return totals;
}

static struct totals measure(const struct options *options)
{
	struct totals begin, end;
	int64_t rest;

	if (guest.port >= 0)
		ask_loops(options->load);
	begin = take_totals();
	if (options->tracing)
		ping_at_depletions(options);
	else
		ping_at_random(options);
	rest = WINDOW - (instant_now() - begin.wall) % WINDOW;
	take_replies(instant_now() + rest, 0);
	end = take_totals();
	return (struct totals){ end.wall - begin.wall, end.used - begin.used, end.loops - begin.loops };
}

// --- results ---

static void print_us(int64_t ns, const char *end)
{
	printf("%lld.%03lld%s", (long long)ns / US, (long long)ns % US, end);
}

static void print_pings(unsigned long count)
{
	for (unsigned long seq = 1; seq <= count; seq++) {
		const struct ping *ping = &guest.pings[seq];

		printf("%lu,", seq);
		print_us(ping->sent - guest.pings[1].sent, ",");
		if (ping->rtt)
			print_us(ping->rtt, "");
		putchar('\n');
	}
}

static void write_totals(const char *path, const struct totals *totals)
{
	FILE *file = fopen(path, "w");

	if (!file)
		fail("%s: %s", path, strerror(errno));
	fprintf(file, "wall_ns=%lld\nvcpu_ns=%lld\nloops=%llu\n", (long long)totals->wall,
		(long long)totals->used, totals->loops);
	if (fclose(file))
		fail("%s: %s", path, strerror(errno));
}

// --- arguments ---

static void parse_argument(struct argp_state *state, struct options *options, const char *arg)
{
	if (state->arg_num == 0)
		options->pid = number_parse(state, "PID", arg, 1, INT32_MAX);
	else if (state->arg_num == 1)
		options->tid = number_parse(state, "TID", arg, 1, INT32_MAX);
	else if (state->arg_num > 2 || !inet_aton(arg, &options->address))
		argp_error(state, "'%s' is not an IPv4 address", arg);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'n':
		options->pings = number_parse(state, "--pings", arg, 1, MOST_PINGS);
		return 0;
	case 'e':
		options->every_us = number_parse(state, "--every", arg, 1, 10000000);
		return 0;
	case 'd':
		options->tracing = arg;
		return 0;
	case 's':
		options->seed = number_parse(state, "--seed", arg, 0, UINT32_MAX);
		return 0;
	case 'p':
		options->port = number_parse(state, "--load-port", arg, 1, 65535);
		return 0;
	case 'l':
		if (!strchr("?aw", *arg) || !*arg || arg[1])
			argp_error(state, "--load '%s' is none of a, w, ?", arg);
		options->load = *arg;
		return 0;
	case 't':
		options->totals = arg;
		return 0;
	case ARGP_KEY_ARG:
		parse_argument(state, options, arg);
		return 0;
	case ARGP_KEY_END:
		if (state->arg_num < 3)
			argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp_option known[] = {
		{ "pings", 'n', "N", 0, "how many (100)", 0 },
		{ "every", 'e', "USEC", 0, "mean time between them (100000)", 0 },
		{ "depletion", 'd', "FOLDER", 0, "ping at depletions, which the tracer in FOLDER tells", 0 },
		{ "seed", 's', "N", 0, "of the random instants (1)", 0 },
		{ "load-port", 'p', "PORT", 0, "where the batch load tells its loops", 0 },
		{ "load", 'l', "COMMAND", 0, "what it shall do: a arithmetic, w walk through its working set, ? as before (?)", 0 },
		{ "totals", 't', "FILE", 0, "write time, vCPU time and loops of the measurement", 0 },
		{ 0 },
	};
	static const struct argp argp = {
		known, parse_option, "PID TID ADDRESS",
		"Pings ADDRESS, a guest whose vCPU is thread TID of process PID, at random or at depletions. "
		"Prints seq,sent_us,rtt_us; a ping without a reply in 2 s has no rtt_us.", NULL, NULL, NULL,
	};
	struct options options = { .pings = 100, .every_us = 100000, .seed = 1, .load = '?' };
	struct totals totals;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	open_guest(&options);
	totals = measure(&options);
	print_pings(options.pings);
	if (options.totals)
		write_totals(options.totals, &totals);
	return fclose(stdout) ? 1 : 0;
}
