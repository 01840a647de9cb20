// SPDX-License-Identifier: GPL-2.0
/*
 * A machine monitor without a machine: makes a KVM VM with vCPU threads that never run a guest, and other threads, and
 * waits. For tests that need many VMs at once.
 *
 * fakevm [-name NAME] [-smp VCPUS]     prints "ready" when all is there; SIGUSR1 adds a vCPU
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static int kvm, vm;
static int nr_vcpus;
static pthread_barrier_t made;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void *run_vcpu(void *data)
{
	int number = (int)(long)data, vcpu;
	struct kvm_run *run;
	char name[16];

	snprintf(name, sizeof(name), "CPU %d/KVM", number);
	pthread_setname_np(pthread_self(), name);
	vcpu = ioctl(vm, KVM_CREATE_VCPU, number);
	if (vcpu < 0)
		die("KVM_CREATE_VCPU");
	/* A vCPU belongs to the thread that runs it: for no time, here. */
	run = mmap(NULL, ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED)
		die("mmap");
	run->immediate_exit = 1;
	if (!ioctl(vcpu, KVM_RUN, 0) || errno != EINTR)
		die("KVM_RUN");
	pthread_barrier_wait(&made);
	for (;;)
		pause();
	return NULL;
}

static void add_vcpu(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run_vcpu, (void *)(long)nr_vcpus))
		die("pthread_create");
	pthread_barrier_wait(&made);
	nr_vcpus++;
}

int main(int argc, char **argv)
{
	int vcpus = 1, signal_number, i;
	sigset_t set;

	for (i = 1; i + 1 < argc; i++)
		if (!strcmp(argv[i], "-smp"))
			vcpus = atoi(argv[i + 1]);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm < 0)
		die("/dev/kvm");
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0)
		die("KVM_CREATE_VM");
	pthread_barrier_init(&made, NULL, 2);
	for (i = 0; i < vcpus; i++)
		add_vcpu();
	puts("ready");
	fflush(stdout);
	while (!sigwait(&set, &signal_number))
		add_vcpu();
	return 0;
}
