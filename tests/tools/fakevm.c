// SPDX-License-Identifier: GPL-2.0
/*
 * A machine monitor without a machine: makes a KVM VM with vCPU threads that never run a guest, and other threads, and
 * waits. For tests that need many VMs at once, and such as want to be taken for what they are not.
 *
 * fakevm [-name NAME] [-smp VCPUS] [OPTION VALUE]...   prints "ready" when all is there; SIGUSR1 adds a vCPU
 *
 *   -user UID       becomes that user
 *   -call NAME      what each vCPU thread is called, in place of "CPU N/KVM"
 *   -machines 1     each vCPU is the first one of a VM of its own
 *   -halted 1       the vCPUs never run, so KVM does not know their threads
 *   -open FILE      has that file open
 *   -memory MIB     has so much memory, which takes its time to end
 *   -listen PATH    has a socket there that never answers
 *   -flood USEC     makes a thread each so often, which ends at once
 *   -churn USEC     makes a VM each so often, which ends at once
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int kvm, vm;
static int nr_vcpus;
static const char *call;
static int machines, halted;
static pthread_barrier_t made;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void make_vm(void)
{
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0)
		die("KVM_CREATE_VM");
}

/* A vCPU belongs to the thread that runs it: for no time, here. */
static void run(int vcpu)
{
	struct kvm_run *run;

	run = mmap(NULL, ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED)
		die("mmap");
	if (halted)
		return;
	run->immediate_exit = 1;
	if (!ioctl(vcpu, KVM_RUN, 0) || errno != EINTR)
		die("KVM_RUN");
}

static void *run_vcpu(void *data)
{
	int number = (int)(long)data, vcpu;
	char name[16];

	snprintf(name, sizeof(name), "CPU %d/KVM", number);
	pthread_setname_np(pthread_self(), call ? call : name);
	vcpu = ioctl(vm, KVM_CREATE_VCPU, machines ? 0 : number);
	if (vcpu < 0)
		die("KVM_CREATE_VCPU");
	run(vcpu);
	pthread_barrier_wait(&made);
	for (;;)
		pause();
	return NULL;
}

static void add_vcpu(void)
{
	pthread_t thread;

	if (machines)
		make_vm();
	if (pthread_create(&thread, NULL, run_vcpu, (void *)(long)nr_vcpus))
		die("pthread_create");
	pthread_barrier_wait(&made);
	nr_vcpus++;
}

static void *end_at_once(void *data)
{
	return data;
}

static void *churn(void *usec)
{
	int other, vcpu;

	for (;;) {
		other = ioctl(kvm, KVM_CREATE_VM, 0);
		vcpu = ioctl(other, KVM_CREATE_VCPU, 0);
		close(vcpu);
		close(other);
		usleep((long)usec);
	}
	return NULL;
}

static void *flood(void *usec)
{
	pthread_t thread;

	for (;;) {
		if (!pthread_create(&thread, NULL, end_at_once, NULL))
			pthread_detach(thread);
		usleep((long)usec);
	}
	return NULL;
}

static void start(void *(*nuisance)(void *usec), long usec)
{
	pthread_t thread;

	if (usec && pthread_create(&thread, NULL, nuisance, (void *)usec))
		die("pthread_create");
}

/* In small pages: each is freed for itself. */
static void fill_memory(size_t mib)
{
	const size_t size = mib << 20;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die("-memory");
	madvise(memory, size, MADV_NOHUGEPAGE);
	memset(memory, 1, size);
}

static void listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 100))
		die(path);
}

/* The groups as well: root's would let it do what its user may not. */
static void become(uid_t user)
{
	if (setgroups(0, NULL) || setgid(user) || setuid(user))
		die("-user");
}

/* What has to be done before anything else can. */
static int take_options(int argc, char **argv, long *flood_usec, long *churn_usec)
{
	int vcpus = 1, i;

	for (i = 1; i + 1 < argc; i += 2) {
		const char *value = argv[i + 1];

		if (!strcmp(argv[i], "-smp"))
			vcpus = atoi(value);
		else if (!strcmp(argv[i], "-call"))
			call = value;
		else if (!strcmp(argv[i], "-machines"))
			machines = atoi(value);
		else if (!strcmp(argv[i], "-halted"))
			halted = atoi(value);
		else if (!strcmp(argv[i], "-flood"))
			*flood_usec = atol(value);
		else if (!strcmp(argv[i], "-churn"))
			*churn_usec = atol(value);
		else if (!strcmp(argv[i], "-user"))
			become(atoi(value));
		else if (!strcmp(argv[i], "-memory"))
			fill_memory(atoi(value));
		else if (!strcmp(argv[i], "-listen"))
			listen_at(value);
		else if (!strcmp(argv[i], "-open") && open(value, O_RDONLY) < 0)
			die(value);
	}
	return vcpus;
}

int main(int argc, char **argv)
{
	int vcpus, signal_number, i;
	long flood_usec = 0, churn_usec = 0;
	sigset_t set;

	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm < 0)
		die("/dev/kvm");
	vcpus = take_options(argc, argv, &flood_usec, &churn_usec);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (!machines)
		make_vm();
	pthread_barrier_init(&made, NULL, 2);
	for (i = 0; i < vcpus; i++)
		add_vcpu();
	start(flood, flood_usec);
	start(churn, churn_usec);
	puts("ready");
	fflush(stdout);
	while (!sigwait(&set, &signal_number))
		add_vcpu();
	return 0;
}
