// Files of the kernel as the tools read them: of a cgroup, of a process, of the scheduler, /proc/mounts and /proc/locks. All of them
// have the same text.
// sources: cgroup-tools/apply/setting.c cgroup-tools/host/*.c vmm-hooks/*.c
// libraries: -lcgroup -ljansson
// example: domain threaded\n
// example: cpuset cpu io\n
// example: 4000 10000 units=2\n
// example: tap0\ntap1\n
// example: 0::/machine.slice/a (deleted)\n1:cpu:/x\n
// example: 7 (CPU 0/KVM) S 1 58 58 0 -1 4194560 2273 0 0 0 12 34 0 0 20 0 5 0 321 226492416 2048
// example: GENTLE_FAIR_SLEEPERS NO_HRTICK HRTICK_DL NO_HRTICK_DL\n
// example: proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw,nsdelegate 0 0\ncgroup /c\\040g cgroup rw,cpuset 0 0\n
// example: 1: FLOCK  ADVISORY  WRITE 4711 00:1a:23 0 EOF\n2: -> FLOCK  ADVISORY  READ 1 00:1a:23 0 EOF\n
// example: deadline 1000000 2000000 2000000 reset flags=2
// example: other -5
// example: 18446744073709551615 1 units=4294967295
// example: worst_usec own=1 loan=90 waited=0 refused=0\n1 own=6 loan=1 waited=0 refused=0\n64 own=0 loan=2 waited=0 refused=0\nmax own=1 loan=0 waited=0 refused=0\n

#include <sys/sysmacros.h>

#include "apply/setting.h"
#include "host/group.h"
#include "host/histogram.h"
#include "host/kernel.h"
#include "host/lock.h"
#include "host/proc.h"
#include "host/thread.h"
#include "tree.h"
#include "vmm-hooks/vm.h"

#define MOUNTS "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n"

// Before the first text, so that the group's folder is known.
static void start(void)
{
	static const char *const files[] = {
		"/sys/fs/cgroup/g/cgroup.type", "/sys/fs/cgroup/g/cgroup.subtree_control", "/sys/fs/cgroup/g/cpu.spare.dev",
		"/sys/fs/cgroup/g/cpu.spare.pool", "/sys/fs/cgroup/g/cpu.spare.latency", "/sys/kernel/debug/sched/features", "/proc/7/stat", "/proc/7/cgroup",
		"/proc/7/schedstat", "/proc/7/status", "/proc/locks", "/proc/mounts",
	};

	tree_make();
	tree_put("/proc/mounts", MOUNTS, strlen(MOUNTS));
	MUST(!group_start());
	unlink(tree_path("/proc/mounts"));
	tree_put("/text", "", 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char *text = strdup(tree_path("/text"));

		MUST(!symlink(text, tree_path(files[i])));
		free(text);
	}
}

// A value is one of words, or anything where that is NULL; none, errno says why.
static void read_setting(enum setting_kind kind, const char *object, const char *name, const char *words)
{
	const struct setting setting = { .kind = kind, .object = (char *)object, .name = (char *)name };
	char *value = setting_read(&setting), *described;
	size_t size;
	FILE *file;

	MUST(!value || !words || strstr(words, value));
	file = open_memstream(&described, &size);
	MUST(file);
	if (value)
		setting_describe(file, &setting, value);
	MUST(!fclose(file));
	free(described);
	free(value);
}

static void read_settings(const char *text)
{
	const struct setting pool = { .kind = SETTING_VALUE, .object = "g", .name = "cpu.spare.pool" };
	char *thread = setting_thread(7, vm_start_time(7));

	MUST(thread);
	read_setting(SETTING_FEATURE, "-", "HRTICK_DL", "on off");
	read_setting(SETTING_GROUP, "g", "", "domain threaded");
	read_setting(SETTING_CONTROLLER, "g", "cpuset", "on off");
	read_setting(SETTING_VALUE, "g", "cpu.spare.pool", NULL);
	read_setting(SETTING_DEVICE, "g", "tap0", "on off");
	read_setting(SETTING_PROCESS, thread, "", NULL);
	read_setting(SETTING_THREAD, thread, "", NULL);
	MUST(!(setting_shrinks(&pool, text, "1 1000") && setting_shrinks(&pool, "1 1000", text)));
	free(thread);
}

static void read_host(const char *text)
{
	struct reservation reservation;
	const char *mount = host_cgroups();
	char *group = group_of(7), *again, holder[LOCK_HOLDER];
	struct proc_stat stat;
	pid_t pid;
	int fd;

	MUST(!mount || *mount);
	host_cgroup_v1("cpuset");
	MUST(!group || (!strchr(group, '\n') && *group != '\n'));
	free(group);
	thread_cpu_time(7);
	host_number(host_path("/text"), -1);
	MUST(!proc_stat(&stat, 7, 0) || strlen(stat.comm) < sizeof(stat.comm));
	if (thread_class_reservation(text, &reservation) && reservation.period) {
		again = thread_class_text(reservation);
		MUST(again && thread_class_reservation(again, &reservation));
		free(again);
	}
	pid = lock_parse(text, makedev(0, 0x1a), 23);
	MUST(pid >= 0);
	fd = open(tree_path("/text"), O_RDONLY);
	MUST(fd >= 0 && strlen(lock_holder(holder, fd)) < sizeof(holder));
	close(fd);
}

static void read_histogram(void)
{
	struct histogram histogram = { 0 }, none;
	enum histogram_how how;
	double share;

	histogram_add(&histogram, "g");
	MUST(histogram_worst(&histogram, &how) == histogram.worst[how]);
	MUST(histogram_quantile(&histogram, 0.5) <= histogram_quantile(&histogram, 0.99));
	share = histogram_share_within(&histogram, histogram_quantile(&histogram, 0.99));
	MUST(share >= 0 && share <= 1);
	none = histogram_since(&histogram, &histogram);
	MUST(!histogram_count(&none));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);

	if (!*host_root)
		start();
	tree_put("/text", data, size);
	read_settings(text);
	read_host(text);
	read_histogram();
	free(text);
	return 0;
}
