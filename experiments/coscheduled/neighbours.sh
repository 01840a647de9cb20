# Neighbours of a guest on CPU 1, for stages: sourced inside the testbed, after vm.sh.
# shellcheck shell=bash

neighbours=() # their processes

# A time in ms with six digits, of the head of the scheduler's debug file, in ns.
debug_clock() {
	local value
	value=$(sed -n "s/^$1 *: *//p" /tmp/clocks)
	echo $((10#${value/./}))
}

# Prints when a period of a vCPU thread begins, ten from now, by CLOCK_MONOTONIC.
# Deadlines are by the run queue's clock, which has a constant offset.
find_anchor() { # PID TID PERIOD_US
	local deadline
	head -8 /sys/kernel/debug/sched/debug >/tmp/clocks
	deadline=$(awk '$1 == "dl.deadline" { print $3 }' "/proc/$1/task/$2/sched")
	echo $((deadline - $(debug_clock cpu_clk) + $(debug_clock ktime) + 10 * $3 * 1000))
}

# Beside a guest in the pool's group: its threads are on the pool's CPU alone, as a
# reservation needs. From the anchor on nothing may run on CPU 0 that the measurement
# does not need: while it computes, the time goes by for what runs on CPU 1.
start_neighbour() { # NAME OUTPUT ARGUMENT... of `victim`
	local group=$pool_group/$1
	mkdir "$group"
	echo threaded >"$group/cgroup.type"
	(
		echo "$BASHPID" >"${pool_group%/*}/cgroup.procs"
		echo "$BASHPID" >"$group/cgroup.procs"
		exec victim "${@:3}"
	) >"$2" &
	neighbours+=($!)
}

# What is admitted on CPU 1, and the limit. Before the anchor: reading it takes long.
save_admission() {
	sleep 0.2
	awk '/^dl_rq\[/ { here = /\[1\]/ } here && /dl_bw->/ { print $1, $3 }' \
		/sys/kernel/debug/sched/debug >"$OUT/admission"
}
