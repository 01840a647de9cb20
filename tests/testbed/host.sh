# This computer in the testbed's place: what there is set for a stage here, and how it comes back. Sourced by testbed and by
# experiments/here.
# shellcheck shell=bash disable=SC2034 # host_group is for testbed
#
# What a stage may change is written into $host_notes before it is changed, a line each, and host_put_back undoes the lines,
# the last one first:
#   write PATH VALUE     the file had this value
#   group PATH           the group was not there
#   instance PATH        the tracer's instance was not there
#   module NAME          the module was not loaded
#   processes MARK       those with DLSPARE_STAGE=MARK in their environment are a stage's
# So it can be made up for after a crash, too. Mounts, taps and addresses are in namespaces of a stage's own and go with them.

# Another tree of files, for tests.
host_root=${HOST_ROOT-}
host_notes=${HOST_NOTES:-/run/dlspare-here/changes}
readonly host_cgroups=$host_root/sys/fs/cgroup host_sched=$host_root/sys/kernel/debug/sched host_tracing=$host_root/sys/kernel/tracing
# MiB: two guests, the tree in memory, and what is compiled.
readonly host_need_mib=1024
# Admitted for a guest, a unit, the rival and the fair server: 0.4 + 0.4 + 0.1 + 0.05.
readonly host_need_percent=95

# --- what was before ---

host_note() { # KIND WHAT [VALUE]
	mkdir -p "${host_notes%/*}"
	printf '%s\t%s\t%s\n' "$1" "$2" "${3-}" >>"$host_notes"
}

# Without its reservation first: on 1 ms of each second even to end takes long.
host_end() { # PID...
	local pid
	for pid; do chrt -a -o -p 0 "$pid" 2>/dev/null || :; done
	kill -9 "$@" 2>/dev/null || :
}

host_kill() { # MARK
	local tries pids
	for ((tries = 0; tries < 300; tries++)); do
		mapfile -t pids < <(grep -lszxF -- "DLSPARE_STAGE=$1" /proc/[0-9]*/environ | cut -d / -f 3)
		((${#pids[@]})) || return 0
		host_end "${pids[@]}"
		sleep 0.1
	done
	return 1
}

# What is on its way out is still in a group, and has no environment any more. Others may have come into it, and stay.
host_end_dying() { # GROUP
	local file pid
	while read -r file; do
		pid=${file%/cgroup} pid=${pid##*/}
		grep -qs . "/proc/$pid/environ" || host_end "$pid"
	done < <(grep -lsE "^0::${1#"$host_cgroups"}(/|\$)" "$host_root"/proc/[0-9]*/cgroup)
}

# And those below it.
host_remove_group() { # PATH
	local tries
	for ((tries = 0; tries < 300; tries++)); do
		[[ -d $1 ]] || return 0
		host_end_dying "$1"
		find "$1" -depth -type d -exec rmdir {} + 2>/dev/null || :
		[[ ! -d $1 ]] || sleep 0.1
	done
	return 1
}

# What goes with a stage may still hold it for a moment.
host_unload() { # MODULE
	local tries
	for ((tries = 0; tries < 300; tries++)); do
		[[ -d $host_root/sys/module/$1 ]] || return 0
		rmmod "$1" 2>/dev/null || sleep 0.1
	done
	return 1
}

host_undo() { # KIND WHAT VALUE
	case $1 in
	write) [[ ! -e $2 ]] || echo "$3" 2>/dev/null >"$2" ;;
	group) host_remove_group "$2" ;;
	instance) [[ ! -d $2 ]] || rmdir "$2" ;;
	module) host_unload "$2" ;;
	processes) host_kill "$2" ;;
	*) return 1 ;;
	esac
}

# What cannot be undone stays noted, and is told of.
host_put_back() {
	local kind what value left=()
	[[ -s $host_notes ]] || return 0
	while IFS=$'\t' read -r kind what value; do
		host_undo "$kind" "$what" "$value" && continue
		left=("$kind"$'\t'"$what"$'\t'"$value" "${left[@]}")
		echo "cannot put back: $kind $what${value:+, to $value}" >&2
	done < <(tac "$host_notes")
	if ((${#left[@]})); then
		printf '%s\n' "${left[@]}" >"$host_notes"
		return 1
	fi
	rm "$host_notes"
	rmdir "${host_notes%/*}"
}

# --- what a stage needs ---

host_write() { # PATH VALUE OLD-VALUE
	host_note write "$1" "$3"
	echo "$2" >"$1"
}

# With those that it needs. What is built in needs nothing, and a kernel may have all built in.
host_load() { # MODULE
	local word path
	while read -r word path _; do
		path=${path##*/} path=${path%%.ko*}
		[[ $word != insmod || -d $host_root/sys/module/${path//-/_} ]] || host_note module "${path//-/_}"
	done < <(modprobe --show-depends "$1" 2>/dev/null)
	modprobe "$1" 2>/dev/null || :
}

host_note_controllers() { # GROUP
	local one
	for one in cpu cpuset; do
		grep -qw "$one" "$1/cgroup.subtree_control" || host_note write "$1/cgroup.subtree_control" "-$one"
	done
}

# A runtime must never be above its period, so it is 0 in between.
host_note_fair_server() { # CPU
	local folder=$host_sched/fair_server/cpu$1
	[[ -d $folder ]] || return 0
	host_note write "$folder/runtime" "$(<"$folder/runtime")"
	host_note write "$folder/period" "$(<"$folder/period")"
	host_note write "$folder/runtime" 0
}

# Systemd has made dlspare.slice where the package is installed.
host_note_groups() {
	local slice=$host_cgroups/dlspare.slice one
	host_note_controllers "$host_cgroups"
	for one in pool bystanders here.dlspare; do host_note group "$host_cgroups/$one"; done
	if [[ ! -d $slice ]]; then
		host_note group "$slice"
		return
	fi
	for one in cpuset.cpus.partition cpuset.cpus cpuset.cpus.exclusive; do
		[[ ! -e $slice/$one ]] || host_note write "$slice/$one" "$(<"$slice/$one")"
	done
	host_note_controllers "$slice"
	host_note group "$slice/lab"
}

# As the testbed's init does. Where a stage wants one CPU alone, it runs in a partition.
host_prepare() { # CPU CPUS
	local group=$host_cgroups/here.dlspare
	host_load tun
	host_load vhost_net
	! grep -qw NO_HRTICK_DL "$host_sched/features" || host_write "$host_sched/features" HRTICK_DL NO_HRTICK_DL || return
	host_note_fair_server "$1"
	host_note_groups
	echo "+cpu +cpuset" >"$host_cgroups/cgroup.subtree_control" || return
	host_note instance "$host_tracing/instances/dlspare-here"
	mkdir "$host_tracing/instances/dlspare-here" || return
	host_group=$host_cgroups
	(($2 == 1)) || return 0
	{ mkdir "$group" && echo "$1" >"$group/cpuset.cpus" && echo root >"$group/cpuset.cpus.partition"; } || return
	[[ $(<"$group/cpuset.cpus.partition") == root ]] || {
		echo "CPU $1 cannot be a partition: $(<"$group/cpuset.cpus.partition")" >&2
		return 1
	}
	host_group=$group
}

# --- what there is ---

# Comm and id of threads that others gave a reservation; the kernel's own of cpufreq are none.
host_deadline_threads() {
	{ find "$host_root/proc" -maxdepth 4 -path "$host_root/proc/[0-9]*/task/*/stat" -exec cat {} + 2>/dev/null || :; } | awk '
		{
			name = $0; sub(/^[0-9]+ \(/, "", name); sub(/\) .*/, "", name)
			rest = $0; sub(/^.*\) /, "", rest); split(rest, field, " ")
			if (field[39] == 6 && name !~ /^sugov:/) print name " (" $1 ")"
		}'
}

# Processes that are VMs of the names that stages take.
host_namesakes() {
	local comm folder
	while read -r comm; do
		folder=${comm%/comm}
		! grep -qszxE '(guest=)?(vm|rival)(,.*)?' "$folder/cmdline" || echo "${folder##*/}"
	done < <(grep -lsxE '(qemu|kvm).*' "$host_root"/proc/[0-9]*/comm)
}

# Groups that are partitions, or have pools.
host_partitions() {
	{ find "$host_cgroups" -name cpuset.cpus.partition -exec grep -LxE 'member|' {} + 2>/dev/null || :; } | sed 's|/[^/]*$||'
}

host_pools() {
	{ find "$host_cgroups" -name cpu.spare.pool -exec grep -l '[0-9]' {} + 2>/dev/null || :; } | sed 's|/[^/]*$||'
}

host_has_pools() {
	grep -q ' __sched_spare_event$' "$host_root/proc/kallsyms"
}

# A line for all that a stage may change: what is not put back differs.
host_list() {
	local file group
	grep -ow '\(NO_\)\?HRTICK_DL' "$host_sched/features" || :
	for file in "$host_sched"/fair_server/*/{runtime,period} "$host_cgroups"/{,dlspare.slice/}cgroup.subtree_control \
		"$host_cgroups"/dlspare.slice/cpuset.* "$host_root"/proc/sys/kernel/{tainted,sched_rt_*}; do
		[[ ! -r $file ]] || echo "$file: $(<"$file")"
	done
	for group in "$host_cgroups"/{pool,bystanders,here.dlspare} "$host_tracing"/instances/*; do [[ ! -d $group ]] || echo "$group"; done
	[[ ! -d $host_cgroups/dlspare.slice ]] || find "$host_cgroups/dlspare.slice" -type d | sort
	host_partitions | sort | sed 's/$/: a partition/'
	host_pools | sort | sed 's/$/: a pool/'
	host_deadline_threads | sort | sed 's/$/: a reservation/'
	[[ ! -e $host_root/proc/modules ]] || cut -d ' ' -f 1 "$host_root/proc/modules" | sort | sed 's/^/module /'
	for file in "$host_root"/sys/class/net/*; do [[ ! -e $file ]] || echo "link ${file##*/}"; done
}

# --- what stands in the way, a line each, with the remedy ---

host_lacks_programs() {
	local program package missing=() packages=()
	while read -r program package; do
		command -v "$program" >/dev/null || { missing+=("$program"); packages+=("$package"); }
	done <<-END
		qemu-system-x86_64 qemu-system-x86
		busybox busybox-static
		column bsdextrautils
		cpio cpio
		gcc gcc
		hackbench rt-tests
		ip iproute2
		modprobe kmod
		rmmod kmod
		xz xz-utils
	END
	[[ ! ${packages[*]} =~ gcc && -e $(gcc -print-file-name=libc.a) ]] || { missing+=(libc.a); packages+=(libc6-dev); }
	((${#missing[@]} == 0)) || echo "missing: ${missing[*]}; apt install ${packages[*]}"
}

host_lacks_files() {
	[[ -e $host_root/dev/kvm ]] || echo "there is no /dev/kvm: load kvm_intel or kvm_amd, or switch virtualization on in the firmware"
	[[ -e $host_root/dev/net/tun ]] || echo "there is no /dev/net/tun: modprobe tun"
	[[ -e $host_root/dev/vhost-net ]] || echo "there is no /dev/vhost-net: modprobe vhost_net"
	{ grep -w cpu "$host_cgroups/cgroup.controllers" | grep -qw cpuset; } 2>/dev/null ||
		echo "/sys/fs/cgroup is not cgroup v2 with the controllers cpu and cpuset: boot with systemd.unified_cgroup_hierarchy=1"
	[[ -w $host_sched/features ]] || echo "/sys/kernel/debug/sched cannot be written: mount -t debugfs debugfs /sys/kernel/debug"
	[[ -d $host_tracing/instances ]] || echo "/sys/kernel/tracing has no instances: mount -t tracefs tracefs /sys/kernel/tracing"
	[[ -e $host_root/proc/self/ns/net ]] || echo "this kernel has no network namespaces (CONFIG_NET_NS): boot another"
	[[ -r $1 ]] || echo "guest kernel '$1' cannot be read: name another with --kernel"
}

host_lacks_memory() {
	local mib
	mib=$(awk '$1 == "MemAvailable:" { print int($2 / 1024) }' "$host_root/proc/meminfo")
	((mib >= host_need_mib)) || echo "$mib MiB of memory are available, and $host_need_mib are needed: end something"
}

# Those of partitions are from Linux 6.7 on.
host_lacks_kernel() { # RELEASE
	local major minor
	IFS=.- read -r major minor _ <<<"$1"
	((major * 1000 + ${minor//[!0-9]/} >= 6007)) || echo "this is Linux $1, and exclusive pools need 6.7 or later: boot a newer one"
}

host_lacks_cpu() { # CPU
	local folder=$host_root/sys/devices/system/cpu isolated
	if [[ ! $1 =~ ^(0|[1-9][0-9]{0,4})$ ]]; then
		echo "--cpu '$1' is no CPU's number"
	elif [[ ! -d $folder/cpu$1 || (-e $folder/cpu$1/online && $(<"$folder/cpu$1/online") != 1) ]]; then
		echo "--cpu '$1': online are $(<"$folder/online")"
	elif (($1 == 0)); then
		echo "--cpu '0': CPU 0 is for the guests' other threads, so it takes a computer with two CPUs: name another"
	else
		isolated=$(<"$folder/isolated")
		[[ ! $isolated ]] || echo "CPUs $isolated are isolated from the scheduler: boot without isolcpus="
	fi
}

host_lacks_room() {
	local runtime period sysctl=$host_root/proc/sys/kernel
	runtime=$(<"$sysctl/sched_rt_runtime_us") period=$(<"$sysctl/sched_rt_period_us")
	((runtime < 0 || runtime * 100 >= period * host_need_percent)) ||
		echo "kernel.sched_rt_runtime_us is $runtime of $period, and guest, unit and rival need $host_need_percent %: sysctl kernel.sched_rt_runtime_us=$((period * host_need_percent / 100))"
}

host_has_others() {
	local found one
	found=$(host_deadline_threads | head -1)
	[[ ! $found ]] || echo "thread $found has a reservation, which these experiments would disturb: end it, or dlspare reset"
	found=$(host_partitions | head -1)
	[[ ! $found ]] || echo "group $found is a partition: dissolve it (echo member > cpuset.cpus.partition), or dlspare reset"
	found=$(host_pools | head -1)
	[[ ! $found ]] || echo "group $found has a pool: dlspare reset"
	for one in dlspare.slice/lab pool bystanders here.dlspare; do
		[[ ! -d $host_cgroups/$one ]] || echo "group $host_cgroups/$one is there, and its name is needed: remove it"
	done
	[[ ! -d $host_tracing/instances/dlspare-here ]] ||
		echo "the tracer's instance dlspare-here is there, and its name is needed: rmdir $host_tracing/instances/dlspare-here"
	found=$(host_namesakes | head -1)
	[[ ! $found ]] || echo "process $found is a VM 'vm' or 'rival', and so are the guests here called: end it"
}

host_refusals() { # CPU KERNEL RELEASE
	((EUID == 0)) || { echo "user is $(id -un), not root: try sudo"; return; }
	host_lacks_programs
	host_lacks_files "$2"
	host_lacks_kernel "$3"
	host_lacks_memory
	host_lacks_cpu "$1"
	host_lacks_room
	host_has_others
}
