// Files of /proc: stat, cgroup, fdinfo, and a command line as the finders read it.
// sources: vmm-hooks/*.c cgroup-tools/host/*.c
// libraries: -lcgroup -ljansson
// example: 58 (CPU 0/KVM) S 1 58 58 0 -1 4194560 2273 0 0 0 12 34 0 0 20 0 5 0 321 226492416 2048
// example: 1:cpu:/x\n0::/machine.slice/machine-qemu\\x2d3\\x2dweb.scope/libvirt/emulator\n
// example: /machine.slice/machine-gold.slice/machine-qemu\\x2d3\\x2dweb\\x2d1.scope/libvirt/emulator
// example: /machine/qemu-12-web.libvirt-qemu/emulator
// example: pos:\t0\nflags:\t0104002\nmnt_id:\t26\nino:\t122\niff:\ttap0\n
// example: /usr/bin/qemu-system-x86_64\0000-name\0000guest=a,,b,debug-threads=on\0000-qmp\0000unix:/run/q,server=on,wait=off\0000
// example: kvm\0000-name\0000web,nowait,process=x\0000-chardev\0000socket,id=m,path=/q,server,nowait\0000-mon\0000chardev=m,mode=control\0000
// example: /firecracker\0000--id\0000551e7604\0000--api-sock=/run/api\0000
// example: cloud-hypervisor\0000--api-socket\0000/run/web.sock\0000

#include "fuzz.h"
#include "host/host.h"
#include "vmm-hooks/finder.h"

static void read_values(const char *text)
{
	static const char *const keys[] = { "0::", "iff:", "Tgid:" };

	for (size_t i = 0; i < 3; i++) {
		char *value = proc_value(text, keys[i]);

		MUST(!value || !strchr(value, '\n'));
		free(value);
	}
}

static void read_stat(const char *text)
{
	struct proc_stat stat;

	MUST(!proc_parse_stat(&stat, text) || strlen(stat.comm) < sizeof(stat.comm));
	MUST(proc_number(text) >= -1);
}

// The text is the command line, and the group of the process.
static void ask_finders(char *text, size_t length)
{
	static const struct finder *const finders[] = {
		&qemu_finder, &firecracker_finder, &cloud_hypervisor_finder, &libvirt_finder,
	};
	struct vm_thread thread = { .tid = 7, .role = VM_IO, .number = -1 };
	int wait_ms = 1;
	struct monitor monitor = { .words = { .text = text, .length = length }, .wait_ms = &wait_ms };
	struct vm vm = {
		.name = strdup("before"), .group = strdup(text), .pid = 7, .threads = &thread, .nr_threads = 1,
	};

	for (size_t i = 0; i < sizeof(finders) / sizeof(finders[0]); i++)
		MUST(finders[i]->find(&vm, &monitor) >= 0);
	MUST(*vm.name && strlen(vm.name) <= 255 && !strchr(vm.name, '/') && !strchr(vm.name, '\n'));
	MUST(!strncmp(vm.group, text, strlen(vm.group)));
	free(vm.group);
	free(vm.name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);

	// No file is there, and no monitor is spoken to.
	host_root = "/nowhere";
	read_values(text);
	read_stat(text);
	ask_finders(text, size);
	free(text);
	return 0;
}
