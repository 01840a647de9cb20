// server: a guest that always computes, or is idle, and answers requests by UDP and TCP. Each does what its text says:
//
//	e		answer
//	w USEC		answer, work so long, answer once more
//	r USEC		work so long, answer
//	s USEC		sleep so long, answer
//	m p b g		munmap(), mprotect(), membarrier(), a grace period of RCU: each needs all CPUs; then answer
//	d		read 4 KiB of /dev/vda past the page cache, answer
//	P CPU		go to this CPU, -1: to any
//	T N USEC	begin to sleep N times for so long at SCHED_FIFO; Q tells how late it was, in us, or "running"
//	C ADDRESS N USEC	begin to send N requests "e" to the server there, each so long after the answer to the last
//
// An answer is the request's number, of its first word.

#define _GNU_SOURCE
#include "instant.h"
#include "turn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096, MOST = 20000, CLIENTS = 8, BLOCKS = 256, FIFO = 50 };

static int port;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void go_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (int i = 0; i < sysconf(_SC_NPROCESSORS_ONLN); i++)
		if (cpu < 0 || i == cpu)
			CPU_SET(i, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("affinity");
}

// --- what computes, one on each CPU, whenever nothing else runs ---

static void *compute(void *cpu)
{
	struct sched_param none = { 0 };

	go_to((intptr_t)cpu);
	if (sched_setscheduler(0, SCHED_IDLE, &none))
		die("SCHED_IDLE");
	turn_burn();
}

// All interrupts that may go anywhere, to one CPU.
static void send_interrupts_to(int cpu)
{
	char path[64];

	for (int irq = 0; irq < 256; irq++) {
		FILE *file;

		snprintf(path, sizeof(path), "/proc/irq/%d/smp_affinity_list", irq);
		file = fopen(path, "w");
		if (!file)
			continue;
		fprintf(file, "%d\n", cpu);
		fclose(file); // one that cannot be moved refuses here
	}
}

// Who is not reached by a route is on the link: another guest, over a bridge.
static int open_socket(int type)
{
	int fd = socket(AF_INET, type, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "eth0", sizeof("eth0")))
		die("socket");
	return fd;
}

// --- operations ---

static char *page(void)
{
	char *area = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (area == MAP_FAILED)
		die("mmap");
	return area;
}

static void read_block(void)
{
	static void *buffer;
	static int disk, block;

	if (!buffer) {
		disk = open("/dev/vda", O_RDONLY | O_DIRECT);
		if (disk < 0 || posix_memalign(&buffer, PAGE, PAGE))
			die("/dev/vda");
	}
	if (pread(disk, buffer, PAGE, (off_t)PAGE * (block++ % BLOCKS)) != PAGE)
		die("read");
}

static void operate(char operation, long argument)
{
	static char *area;

	switch (operation) {
	case 'r':
		turn_work_until(instant_now() + argument * US);
		break;
	case 's':
		instant_sleep_until(instant_now() + argument * US);
		break;
	case 'm':
		munmap(page(), PAGE);
		break;
	case 'p':
		if (!area)
			area = page();
		*area = 1;
		if (mprotect(area, PAGE, PROT_READ) || mprotect(area, PAGE, PROT_READ | PROT_WRITE))
			die("mprotect");
		break;
	case 'b':
		if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0))
			die("membarrier");
		break;
	case 'g':
		if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
			die("membarrier");
		break;
	case 'd':
		read_block();
		break;
	case 'P':
		go_to(argument);
		break;
	}
}

// --- what goes on beside the requests: sleeps, and requests of its own ---

static struct {
	sem_t begun;
	volatile char what; // 0: nothing is asked for
	struct in_addr peer;
	long count, us;
	int64_t taken[MOST];
} job;

static void sleep_often(void)
{
	for (long i = 0; i < job.count; i++) {
		int64_t due = instant_now() + job.us * US;

		instant_sleep_until(due);
		job.taken[i] = instant_now() - due;
	}
}

static void ask_often(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = job.peer };
	int fd = open_socket(SOCK_STREAM), on = 1;
	char answer[32];

	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)))
		die("connect");
	for (long i = 0; i < job.count; i++) {
		int64_t sent;

		instant_sleep_until(instant_now() + job.us * US);
		sent = instant_now();
		if (send(fd, "1 e", 3, 0) != 3 || recv(fd, answer, sizeof(answer), 0) <= 0)
			die("the other server");
		job.taken[i] = instant_now() - sent;
	}
	close(fd);
}

static void *do_jobs(void *unused)
{
	struct sched_param fifo = { .sched_priority = FIFO }, none = { 0 };

	for (;;) {
		while (sem_wait(&job.begun))
			;
		if (job.what == 'T') {
			if (sched_setscheduler(0, SCHED_FIFO, &fifo))
				die("SCHED_FIFO");
			sleep_often();
			sched_setscheduler(0, SCHED_OTHER, &none);
		} else {
			ask_often();
		}
		job.what = 0;
	}
	return unused;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

// Nearest rank: "N P50 P99 MAX", us.
static int tell_job(char *text, size_t size)
{
	long n = job.count;

	if (job.what)
		return snprintf(text, size, "running");
	if (!n)
		return snprintf(text, size, "0");
	qsort(job.taken, n, sizeof(job.taken[0]), compare);
	return snprintf(text, size, "%ld %.3f %.3f %.3f", n, job.taken[(n * 50 + 99) / 100 - 1] / 1e3,
			job.taken[(n * 99 + 99) / 100 - 1] / 1e3, job.taken[n - 1] / 1e3);
}

static void begin_job(char what, const char *words)
{
	char peer[32] = "0.0.0.0";

	if (job.what)
		return;
	if ((what == 'T' ? sscanf(words, "%ld %ld", &job.count, &job.us) != 2 :
			   sscanf(words, "%31s %ld %ld", peer, &job.count, &job.us) != 3) ||
	    job.count < 1 || job.count > MOST || !inet_aton(peer, &job.peer))
		return;
	job.what = what;
	sem_post(&job.begun);
}

// --- requests ---

static void answer(int fd, const struct sockaddr_in *to, const char *text, size_t size)
{
	if (sendto(fd, text, size, MSG_NOSIGNAL, (const struct sockaddr *)to, to ? sizeof(*to) : 0) < 0)
		perror("answer");
}

static void serve(int fd, const struct sockaddr_in *from, char *request)
{
	char *words, text[128];
	long number = strtol(request, &words, 10);
	int size = snprintf(text, sizeof(text), "%ld", number);

	words += strspn(words, " ");
	switch (*words) {
	case 'w':
		answer(fd, from, text, size);
		turn_work_until(instant_now() + atol(words + 1) * US);
		break;
	case 'T':
	case 'C':
		begin_job(*words, words + 1);
		break;
	case 'Q':
		size += snprintf(text + size, sizeof(text) - size, " ");
		size += tell_job(text + size, sizeof(text) - size);
		break;
	default:
		operate(*words, atol(words + (*words != 0)));
	}
	answer(fd, from, text, size);
}

static int take_request(int fd, int listener)
{
	struct sockaddr_in from;
	socklen_t length = sizeof(from);
	char request[128];
	ssize_t size = recvfrom(fd, request, sizeof(request) - 1, 0, (struct sockaddr *)&from, &length);

	if (size <= 0)
		return -1;
	request[size] = '\0';
	serve(fd, fd == listener ? &from : NULL, request);
	return 0;
}

static void serve_all(int udp, int tcp)
{
	struct pollfd files[2 + CLIENTS] = { { .fd = udp, .events = POLLIN }, { .fd = tcp, .events = POLLIN } };
	int count = 2, on = 1;

	for (;;) {
		if (poll(files, count, -1) < 0)
			die("poll");
		for (int i = count - 1; i >= 0; i--) {
			if (!files[i].revents)
				continue;
			if (i == 1 && count < 2 + CLIENTS) {
				files[count] = (struct pollfd){ .fd = accept(tcp, NULL, NULL), .events = POLLIN };
				setsockopt(files[count].fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
				count += files[count].fd >= 0;
			} else if (i != 1 && take_request(files[i].fd, udp) && i > 1) {
				close(files[i].fd);
				files[i] = files[--count];
			}
		}
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int udp, tcp;
	pthread_t thread;

	if (argc != 3 && (argc != 4 || strcmp(argv[3], "idle"))) {
		fprintf(stderr, "Usage: server PORT INTERRUPT_CPU [idle]\nAn INTERRUPT_CPU of -1 leaves them where the drivers have put them.\n");
		return 2;
	}
	port = atoi(argv[1]);
	any.sin_port = htons(port);
	if (atoi(argv[2]) >= 0)
		send_interrupts_to(atoi(argv[2]));
	udp = open_socket(SOCK_DGRAM);
	tcp = open_socket(SOCK_STREAM);
	if (bind(udp, (struct sockaddr *)&any, sizeof(any)) || bind(tcp, (struct sockaddr *)&any, sizeof(any)) ||
	    listen(tcp, CLIENTS))
		die("port");
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0))
		die("membarrier");
	for (intptr_t cpu = 0; argc == 3 && cpu < sysconf(_SC_NPROCESSORS_ONLN); cpu++)
		if (pthread_create(&thread, NULL, compute, (void *)cpu))
			die("thread");
	if (pthread_create(&thread, NULL, do_jobs, NULL))
		die("thread");
	serve_all(udp, tcp);
}
