// sources: tests/unit/host_tree.c
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host/host.h"
#include "vmm-hooks/vm.h"
#include "host_tree.h"

#define PF_KTHREAD 0x00200000u
#define PF_USER_WORKER 0x00004000u

/* Words of a command line, each with a '|' after it. */
static void put_process(int pid, const char *comm, const char *words, const char *group)
{
	char line[512];
	FILE *file;

	host_tree_task(pid, pid, comm, 0);
	snprintf(line, sizeof(line), "1:name=systemd:/x\n0::%s\n", group);
	host_tree_put(line, "/proc/%d/cgroup", pid);
	host_tree_put("", "/proc/%d/cmdline", pid);
	host_tree_folder("/proc/%d/fd", pid);
	file = fopen(host_path("/proc/%d/cmdline", pid), "w");
	for (; *words; words++)
		putc(*words == '|' ? '\0' : *words, file);
	fclose(file);
}

/*
 * Character devices without the right to make one: what is open here is a link to one that any computer has, and the tree's
 * /sys says what the kernel calls that.
 */
static int make_host(void **state)
{
	host_tree_make(state);
	host_tree_link("/dev/zero", "/dev/net/tun");
	host_tree_link("../../devices/virtual/misc/tun", "/sys/dev/char/1:5");
	host_tree_link("/dev/full", "/dev/tap12");
	host_tree_link("../../devices/virtual/net/macvtap0/macvtap/tap12", "/sys/dev/char/1:7");
	return 0;
}

/* What an open file is, and what its fdinfo says. */
static void put_open(int pid, int fd, const char *file, const char *info)
{
	host_tree_link(file, "/proc/%d/fd/%d", pid, fd);
	host_tree_put(info, "/proc/%d/fdinfo/%d", pid, fd);
}

static void put_tap(int pid, int fd, const char *name)
{
	char info[128];

	snprintf(info, sizeof(info), "pos:\t0\nflags:\t0104002\nmnt_id:\t26\nino:\t122\niff:\t%s\n", name);
	put_open(pid, fd, host_path("/dev/net/tun"), info);
}

static void put_vcpu(const char *vm, int number, int tid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d\n", tid);
	host_tree_put(text, "/sys/kernel/debug/kvm/%s/vcpu%d/pid", vm, number);
}

static void put_mounts(void)
{
	host_tree_put("proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n", "/proc/mounts");
}

/* All that was found, as lines; to be freed. */
static char *found(void)
{
	static const char *const roles[] = { "vcpu", "io", "vhost" };
	struct vms vms;
	char *text;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	assert_int_equal(vms_find(&vms), 0);
	for (size_t i = 0; i < vms.nr; i++) {
		const struct vm *vm = &vms.list[i];

		/* The real one of four. */
		assert_int_equal(vm->uid, 0);
		assert_null(vm->refused);
		fprintf(file, "%s %d@%lu %s%s /%s%s:", vm->name, vm->pid, vm->start, vm->finder, vm->proven ? " proven" : "", vm->group,
			vm->managed ? " managed" : "");
		for (size_t j = 0; j < vm->nr_threads; j++) {
			const struct vm_thread *thread = &vm->threads[j];

			assert_int_equal(thread->start, thread->tid * 10);
			assert_true(thread->role == VM_VCPU || thread->number < 0);
			fprintf(file, " %s", roles[thread->role]);
			if (thread->number >= 0)
				fprintf(file, "%d", thread->number);
			fprintf(file, "=%d", thread->tid);
		}
		for (size_t j = 0; j < vm->nr_devices; j++)
			fprintf(file, " %s", vm->devices[j]);
		fputs("\n", file);
	}
	fclose(file);
	vms_free(&vms);
	assert_int_equal(vms.nr, 0);
	return text;
}

static void assert_found(const char *expected)
{
	char *text = found();

	assert_string_equal(text, expected);
	free(text);
}

#define SCOPE "/machine.slice/machine-qemu\\x2d3\\x2dweb1.scope/libvirt"

/* The domain "web_1": libvirt's machine names have no '_'. */
static void put_libvirt_domain(void)
{
	put_mounts();
	put_process(100, "qemu-system-x86", "/usr/bin/qemu-system-x86_64|-name|guest=web_1,debug-threads=on|-S|"
		    "-chardev|socket,id=charmonitor,fd=27,server=on,wait=off|-mon|chardev=charmonitor,mode=control|",
		    SCOPE "/emulator");
	host_tree_task(100, 103, "IO iothread1", 0);
	host_tree_task(100, 107, "vhost-100", PF_USER_WORKER);
	/* APIC numbers: the second socket begins at 4. */
	host_tree_task(100, 104, "CPU 0/KVM", 0);
	host_tree_task(100, 106, "CPU 3/KVM", 0);
	host_tree_task(100, 105, "kvm-nx-lpage-re", PF_USER_WORKER);
	put_vcpu("100-12", 0, 104);
	put_vcpu("100-12", 4, 106);
	host_tree_put("104\n105\n", "/sys/fs/cgroup" SCOPE "/vcpu0/cgroup.threads");
	host_tree_put("106\n", "/sys/fs/cgroup" SCOPE "/vcpu3/cgroup.threads");
	host_tree_put("100\n107\n", "/sys/fs/cgroup" SCOPE "/emulator/cgroup.threads");
	put_tap(100, 30, "vnet4");
	put_tap(100, 31, "vnet4");
	put_tap(100, 32, "vnet3");
	put_tap(100, 33, "");
	put_open(100, 34, "socket:[4711]", "pos:\t0\n");
	put_open(100, 35, "anon_inode:kvm-vm", "pos:\t0\n");
}

static void finds_a_libvirt_domain(void **state)
{
	(void)state;
	put_libvirt_domain();
	host_tree_put("100", "/run/libvirt/qemu/web_1.pid");
	assert_found("web_1 100@1000 libvirt proven " SCOPE " managed: "
		     "vcpu0=104 vcpu3=106 io=100 io=103 io=105 vhost=107 vnet3 vnet4\n");
}

/* Whoever breaks out of a guest can rewrite QEMU's command line, but not what libvirt has noted. */
static void believes_libvirt_more_than_qemu(void **state)
{
	(void)state;
	put_libvirt_domain();
	host_tree_put("99", "/run/libvirt/qemu/web_1.pid");
	host_tree_put("10", "/run/libvirt/qemu/web1.pid");
	assert_found("web1 100@1000 libvirt " SCOPE " managed: "
		     "vcpu0=104 vcpu3=106 io=100 io=103 io=105 vhost=107 vnet3 vnet4\n");
	host_tree_put("100", "/run/libvirt/qemu/db 2.pid");
	host_tree_put("100", "/run/libvirt/qemu/x.pid.new");
	assert_found("db 2 100@1000 libvirt proven " SCOPE " managed: "
		     "vcpu0=104 vcpu3=106 io=100 io=103 io=105 vhost=107 vnet3 vnet4\n");
}

/* What libvirt has noted counts in libvirt's group alone: another process may have that number by now. */
static void a_note_of_libvirts_is_not_enough(void **state)
{
	(void)state;
	put_process(100, "vmm", "qemu|-name|web|", "/system.slice/x.service");
	put_vcpu("100-3", 0, 100);
	host_tree_put("100", "/run/libvirt/qemu/web.pid");
	assert_found("web 100@1000 qemu /system.slice/x.service: vcpu0=100\n");
}

static void finds_a_libvirt_domain_without_systemd_and_debugfs(void **state)
{
	(void)state;
	put_mounts();
	put_process(100, "qemu-kvm", "/usr/libexec/qemu-kvm|-name|guest=db|", "/machine/qemu-12-db.libvirt-qemu/emulator");
	put_open(100, 9, "anon_inode:kvm-vm", "");
	host_tree_task(100, 101, "qemu-kvm", 0);
	host_tree_task(100, 102, "qemu-kvm", 0);
	host_tree_task(100, 103, "kvm-nx-lpage-re", PF_USER_WORKER);
	host_tree_put("102\n103\n", "/sys/fs/cgroup/machine/qemu-12-db.libvirt-qemu/vcpu0/cgroup.threads");
	host_tree_put("4711\n", "/sys/fs/cgroup/machine/qemu-12-db.libvirt-qemu/vcpu1/cgroup.threads");
	assert_found("db 100@1000 libvirt /machine/qemu-12-db.libvirt-qemu managed: vcpu0=102 io=100 io=101 io=103\n");
}

/* libvirt's machine names are ASCII: nothing is left of this one. */
static void finds_a_name_of_other_letters(void **state)
{
	(void)state;
	put_process(100, "qemu-system-x86", "qemu-system-x86_64|-name|guest=\u7db2|", "/machine-qemu\\x2d7.scope/libvirt");
	put_vcpu("100-12", 0, 0);
	assert_found("\u7db2 100@1000 libvirt /machine-qemu\\x2d7.scope/libvirt managed: io=100\n");
}

/* The group's name is all there is when QEMU was started without one. */
static void takes_systemds_escapes_back(void **state)
{
	(void)state;
	put_process(100, "qemu-system-x86", "qemu-system-x86_64|",
		    "/machine.slice/machine-gold.slice/machine-qemu\\x2d7\\x2da\\x2d\\x2db.c.scope/libvirt");
	put_vcpu("100-12", 0, 0);
	assert_found("a--b.c 100@1000 libvirt /machine.slice/machine-gold.slice/"
		     "machine-qemu\\x2d7\\x2da\\x2d\\x2db.c.scope/libvirt managed: io=100\n");
}

static void takes_no_other_group_for_libvirts(void **state)
{
	static const char *const groups[] = {
		"/", "/emulator", "/libvirt", "/machine.slice/machine-lxc\\x2d7\\x2dweb.scope", "/machine-qemu-1x.scope",
		"/machine-qemu-x-web.scope", "/qemu-1-web.libvirt-lxc", "/user.slice/emulator", "/a\\x2", "/a\\x00b.scope",
		"/machine-qemu\\x2d7\\x2dweb.scope/other", "/nonsense",
		"/user.slice/user-1000.slice/user@1000.service/machine-qemu\\x2d7\\x2dweb.scope/libvirt",
	};
	char expected[256];

	(void)state;
	put_vcpu("100-12", 0, 0);
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		put_process(100, "vmm", "vmm|", groups[i]);
		snprintf(expected, sizeof(expected), "vmm-100 100@1000 kvm %s: io=100\n", groups[i]);
		assert_found(expected);
	}
}

/* debug-threads is off: threads have the process's name, and the numbers are KVM's. */
static void finds_a_plain_qemu(void **state)
{
	(void)state;
	put_process(200, "qemu-system-x86", "qemu-system-x86_64|-accel|kvm|-name|my web,process=x|", "/user.slice");
	host_tree_task(200, 201, "qemu-system-x86", 0);
	host_tree_task(200, 202, "qemu-system-x86", 0);
	host_tree_task(200, 203, "qemu-system-x86", 0);
	put_vcpu("200-10", 1, 202);
	put_vcpu("200-10", 0, 203);
	put_tap(200, 11, "tap0");
	/* Workers of the kernel for it and for another process, and a process that says it is one. */
	host_tree_task(210, 210, "vhost-200", PF_KTHREAD);
	host_tree_task(211, 211, "vhost-999", PF_KTHREAD);
	host_tree_task(212, 212, "vhost-200", 0);
	assert_found("my web 200@2000 qemu /user.slice: "
		     "vcpu0=203 vcpu1=202 io=200 io=201 vhost=210 tap0\n");
}

/* A thread's name is what the VMM says, and it may have more than one VM. */
static void numbers_by_kvm_and_each_once(void **state)
{
	(void)state;
	put_process(200, "vmm", "vmm|", "/");
	host_tree_task(200, 201, "CPU 0/KVM", 0);
	host_tree_task(200, 202, "CPU 0/KVM", 0);
	host_tree_task(200, 203, "CPU 0/KVM", 0);
	host_tree_task(200, 204, "CPU 4/KVM", 0);
	put_vcpu("200-10", 0, 203);
	put_vcpu("200-10", 1, 202);
	assert_found("vmm-200 200@2000 kvm /: vcpu0=203 vcpu1=202 io=200 io=201 io=204\n");
	put_vcpu("200-11", 0, 201);
	put_vcpu("200-12", 1, 204);
	assert_found("vmm-200 200@2000 kvm /: vcpu=203 vcpu=204 vcpu0=201 vcpu1=202 io=200\n");
}

/* Before a vCPU runs, and without debugfs, there are only the names. */
static void takes_a_name_for_one_vcpu(void **state)
{
	(void)state;
	put_process(200, "vmm", "vmm|", "/");
	put_open(200, 8, "anon_inode:kvm-vm", "");
	host_tree_task(200, 201, "CPU 0/KVM", 0);
	host_tree_task(200, 202, "CPU 0/KVM", 0);
	host_tree_task(200, 203, "CPU 1/KVM", 0);
	assert_found("vmm-200 200@2000 kvm /: vcpu=202 vcpu0=201 vcpu1=203 io=200\n");
	put_vcpu("200-10", 0, 0);
	assert_found("vmm-200 200@2000 kvm /: vcpu=202 vcpu0=201 vcpu1=203 io=200\n");
	put_vcpu("200-10", 0, 203);
	assert_found("vmm-200 200@2000 kvm /: vcpu0=203 io=200 io=201 io=202\n");
}

static void finds_firecracker_without_debugfs(void **state)
{
	(void)state;
	put_process(300, "firecracker", "/firecracker|--id|551e7604-e35c|--api-sock|/run/api|", "/firecracker/551e7604-e35c");
	put_open(300, 8, "anon_inode:kvm-vm", "");
	host_tree_task(300, 301, "fc_api", 0);
	host_tree_task(300, 302, "fc_vcpu 0", 0);
	host_tree_task(300, 303, "fc_vcpu 1", 0);
	host_tree_task(300, 304, "fc_vcpu -1", 0);
	host_tree_task(300, 305, "fc_vcpu 1x", 0);
	/* No user of KVM, whatever its threads are called. */
	put_process(400, "vcpu0", "vcpu0|", "/");
	put_open(400, 3, "/dev/null", "");
	assert_found("551e7604-e35c 300@3000 firecracker /firecracker/551e7604-e35c: "
		     "vcpu0=302 vcpu1=303 io=300 io=301 io=304 io=305\n");
}

/* It makes the VM in a thread that is not its first. */
static void finds_cloud_hypervisor(void **state)
{
	(void)state;
	put_process(500, "cloud-hyperviso", "cloud-hypervisor-static|--api-socket=/run/ch/web.sock|", "/ch");
	host_tree_task(500, 502, "vmm", 0);
	host_tree_task(500, 503, "vcpu0", 0);
	put_vcpu("502-20", 0, 503);
	put_process(600, "cloud-hyperviso", "cloud-hypervisor|", "/ch");
	host_tree_task(600, 602, "vmm", 0);
	put_vcpu("602-20", 0, 0);
	assert_found("cloud-hyperviso-600 600@6000 cloud-hypervisor /ch: io=600 io=602\n"
		     "web 500@5000 cloud-hypervisor /ch: vcpu0=503 io=500 io=502\n");
}

static void takes_cloud_hypervisors_sockets(void **state)
{
	static const struct { const char *words, *name; } cases[] = {
		{ "cloud-hypervisor|--api-socket|/run/ch/web.sock|", "web" },
		{ "cloud-hypervisor|--api-socket|web.sock|", "web" },
		{ "cloud-hypervisor|--api-socket|path=/run/ch/web.sock|", "web" },
		{ "cloud-hypervisor|--api-socket=path=web.sock|", "web" },
		{ "cloud-hypervisor|--api-socket|./web|", "web" },
		{ "cloud-hypervisor|--api-socket|fd=3|", "cloud-hyperviso-500" },
		{ "cloud-hypervisor|--api-socket=fd=3|", "cloud-hyperviso-500" },
	};
	char expected[128];

	(void)state;
	put_vcpu("500-3", 0, 500);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put_process(500, "cloud-hyperviso", cases[i].words, "/");
		snprintf(expected, sizeof(expected), "%s 500@5000 cloud-hypervisor /: vcpu0=500\n", cases[i].name);
		assert_found(expected);
	}
}

static void finds_any_other_user_of_kvm(void **state)
{
	(void)state;
	put_process(700, "my) vmm (1", "my vmm|--id|x|", "/");
	host_tree_task(700, 701, "worker", 0);
	put_vcpu("700-3", 0, 701);
	/* No cgroup v2. */
	put_process(750, "vmm", "vmm|", "/");
	host_tree_put("1:cpu:/x\n", "/proc/750/cgroup");
	put_vcpu("750-3", 0, 750);
	/* A name no VM may have. */
	put_process(800, "qemu-system-x86", "qemu-system-x86_64|-name|../x|", "/");
	put_vcpu("800-3", 0, 800);
	assert_found("my) vmm (1-700 700@7000 kvm /: vcpu0=701 io=700\n"
		     "qemu-system-x86-800 800@8000 qemu /: vcpu0=800\n"
		     "vmm-750 750@7500 kvm /: vcpu0=750\n");
}

static void leaves_out_what_has_ended(void **state)
{
	(void)state;
	host_tree_folder("/proc");
	/* KVM's folder stays until the last file is closed: */
	put_vcpu("900-3", 0, 901);
	/* all but the process; */
	put_process(910, "qemu", "qemu|", "/");
	put_vcpu("910-3", 0, 0);
	unlink(host_path("/proc/910/cmdline"));
	/* a zombie; */
	put_process(920, "qemu", "qemu|", "/");
	put_vcpu("920-3", 0, 0);
	host_tree_put("920 (qemu) Z 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 9200 0 0\n", "/proc/920/stat");
	/* one on its way there, whose command line is not gone yet; */
	put_process(925, "qemu", "qemu|", "/");
	put_vcpu("925-3", 0, 0);
	host_tree_put("925 (qemu) R 1 1 1 0 -1 4194372 0 0 0 0 0 0 0 0 20 0 1 0 9250 0 0\n", "/proc/925/stat");
	/* its threads, in the middle of the list. */
	put_process(930, "qemu", "qemu|", "/");
	host_tree_folder("/proc/930/task/931");
	put_vcpu("930-3", 0, 931);
	host_tree_put("Tgid:\t930\n", "/proc/931/status");
	host_tree_folder("/sys/kernel/debug/kvm/940-3");
	/* The monitor has become another program, which keeps its files open. */
	put_process(950, "sudo", "qemu|-name|web|", "/");
	put_vcpu("950-3", 0, 950);
	host_tree_put("7f1de2b4b000-7f1de2b4e000 r-xp 00000000 00:0e 1035 /usr/bin/sudo\n", "/proc/950/maps");
	assert_found("qemu-930 930@9300 qemu /: io=930\n");
}

static void finds_macvtaps(void **state)
{
	(void)state;
	put_process(100, "vmm", "vmm|", "/");
	put_vcpu("100-3", 0, 100);
	put_open(100, 7, host_path("/dev/tap12"), "pos:\t0\n");
	put_open(100, 9, "/dev/tap", "pos:\t0\n");
	put_tap(100, 10, "a-name-of-16-byt");
	host_tree_put("1\n", "/sys/class/net/lo/ifindex");
	host_tree_put("12\n", "/sys/class/net/macvtap0/ifindex");
	assert_found("vmm-100 100@1000 kvm /: vcpu0=100 macvtap0\n");
}

/* What a file is called does not make it a device. */
static void takes_no_other_file_for_a_tap(void **state)
{
	(void)state;
	put_process(100, "vmm", "vmm|", "/");
	put_vcpu("100-3", 0, 100);
	host_tree_put("13\n", "/sys/class/net/macvtap0/ifindex");
	/* a plain file, one that is gone, a device of another kind, and one that the kernel does not know */
	host_tree_put("", "/tmp/tap13");
	host_tree_link("../../devices/virtual/net/macvtap0/macvtap/tap13", "/sys/dev/char/0:0");
	put_open(100, 7, host_path("/tmp/tap13"), "pos:\t0\n");
	put_open(100, 8, "/tmp/tap13 (deleted)", "pos:\t0\n");
	host_tree_link("../../devices/virtual/mem/tap13", "/sys/dev/char/1:3");
	host_tree_link("/dev/null", "/dev/tap13");
	put_open(100, 9, host_path("/dev/tap13"), "pos:\t0\n");
	host_tree_link("/dev/random", "/tmp/net/tun");
	put_open(100, 10, host_path("/tmp/net/tun"), "iff:\tmacvtap0\n");
	host_tree_put("", "/tmp/tun");
	put_open(100, 11, host_path("/tmp/tun"), "iff:\tmacvtap0\n");
	assert_found("vmm-100 100@1000 kvm /: vcpu0=100\n");
}

/* There, tap0 is another device than ours. */
static void leaves_devices_of_other_networks(void **state)
{
	(void)state;
	put_process(100, "vmm", "vmm|", "/");
	put_vcpu("100-3", 0, 100);
	put_tap(100, 10, "tap0");
	host_tree_link("net:[4026531840]", "/proc/self/ns/net");
	host_tree_link("net:[4026532999]", "/proc/100/ns/net");
	assert_found("vmm-100 100@1000 kvm /: vcpu0=100\n");
	unlink(host_path("/proc/100/ns/net"));
	host_tree_link("net:[4026531840]", "/proc/100/ns/net");
	assert_found("vmm-100 100@1000 kvm /: vcpu0=100 tap0\n");
}

static void names_may_be_taken_twice(void **state)
{
	const struct vm *vm;
	struct vms vms;

	(void)state;
	put_process(100, "qemu", "qemu|-name|web|", "/");
	put_vcpu("100-3", 0, 100);
	put_process(200, "qemu", "qemu|-name|web|", "/");
	put_vcpu("200-3", 0, 200);
	put_process(300, "qemu", "qemu|--name|debug-threads=on,guest=a,,b|", "/");
	put_vcpu("300-3", 0, 300);
	assert_int_equal(vms_find(&vms), 0);
	assert_int_equal(vms.nr, 3);
	assert_null(vms_named(&vms, "web"));
	assert_null(vms_named(&vms, "db"));
	vm = vms_named(&vms, "a,b");
	assert_non_null(vm);
	assert_int_equal(vm->pid, 300);
	assert_int_equal(vms.list[1].pid, 100);
	assert_int_equal(vms.list[2].pid, 200);
	vms.list[1].refused = "a reason";
	assert_ptr_equal(vms_named(&vms, "web"), &vms.list[2]);
	vms.list[2].refused = "a reason";
	assert_null(vms_named(&vms, "web"));
	vms_free(&vms);
}

static void finds_nothing_where_nothing_is(void **state)
{
	struct vms vms;

	(void)state;
	assert_int_equal(vms_find(&vms), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(vms.nr, 0);
	host_tree_folder("/proc");
	assert_found("");
	assert_int_equal(vm_start_time(1), 0);
	host_tree_task(1, 1, "init", 0);
	assert_int_equal(vm_start_time(1), 10);
	host_tree_put("1 (init", "/proc/1/stat");
	assert_int_equal(vm_start_time(1), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_host, host_tree_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(finds_a_libvirt_domain),
		TEST(believes_libvirt_more_than_qemu),
		TEST(a_note_of_libvirts_is_not_enough),
		TEST(finds_a_libvirt_domain_without_systemd_and_debugfs),
		TEST(finds_a_name_of_other_letters),
		TEST(takes_systemds_escapes_back),
		TEST(takes_no_other_group_for_libvirts),
		TEST(finds_a_plain_qemu),
		TEST(numbers_by_kvm_and_each_once),
		TEST(takes_a_name_for_one_vcpu),
		TEST(finds_firecracker_without_debugfs),
		TEST(finds_cloud_hypervisor),
		TEST(takes_cloud_hypervisors_sockets),
		TEST(finds_any_other_user_of_kvm),
		TEST(leaves_out_what_has_ended),
		TEST(finds_macvtaps),
		TEST(takes_no_other_file_for_a_tap),
		TEST(leaves_devices_of_other_networks),
		TEST(names_may_be_taken_twice),
		TEST(finds_nothing_where_nothing_is),
	};

	return cmocka_run_group_tests_name("vm", tests, NULL, NULL);
}
