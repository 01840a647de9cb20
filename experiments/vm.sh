# The VMs of an experiment and their pool, configured with dlspare: sourced by stages, inside the testbed.
# shellcheck shell=bash

# Below the group that has the pool and the VMs' other threads: that of the CPU with the vCPUs, a partition where there is another.
pool_group=/sys/fs/cgroup/dlspare.slice/lab/cpus
# Of the testbed's CPUs the second; of another computer's, VM_CPU.
[[ ! -e /sys/devices/system/cpu/cpu1 ]] || pool_group=${pool_group%s}${VM_CPU:-1}
readonly pool_group
declare -A id

# A guest whose ids are then in $id. QEMU begins a round of its CPUs at CPU 0 after each timer: a busy vCPU there would
# starve the others. So it has the last CPU and the others have CPU 0, which may be the same.
start_vm() { # NAME LOAD [OPTION]...
	local key value
	testbed guest start "$1" --vcpu-cpus none --load "$2" "${@:3}" >/tmp/ids
	while IFS='=' read -r key value; do id[$key]=$value; done </tmp/ids
	id[cgroup]=$pool_group/$1.vm
	# The guest is up before its load is.
	sleep 0.1
}

# The CPU of the vCPUs, with nothing else on it where there is another.
make_pool() { # CPUS [OPTION]...
	local exclusive=()
	(($1 == 1)) || exclusive=(--exclusive)
	dlspare pool create lab --cpus "${VM_CPU:-$(($1 - 1))}" "${exclusive[@]}" "${@:2}"
}

# A runtime of 0: no reservation. The budget it is set in the middle of ends at a tick: HRTICK is armed when a thread is
# picked. What that overruns is gone after a few periods.
reserve_vm() { # NAME RUNTIME_US PERIOD_US
	dlspare assign "$1" lab --off
	(($2 == 0)) || dlspare set "$1" --runtime "$2us" --period "$3us"
	dlspare set "$1" --io housekeeping:0
	sleep 0.5
}

# Options of dlspare assign; none: no pool to borrow from.
lend_to_vm() { # NAME RUNTIME_US PERIOD_US [OPTION]...
	(($2 == 0)) || dlspare pool set lab --runtime "$2us" --period "$3us"
	dlspare assign "$1" lab --on "${@:4}"
}
