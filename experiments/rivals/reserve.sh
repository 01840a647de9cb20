# What can bound a VM's share of the vCPUs' CPU: sourced by stages, inside the testbed, after vm.sh.
# shellcheck shell=bash disable=SC2154 # pool_group of vm.sh

readonly fifo_priority=40 # below the I/O threads' 50
readonly fair_server=/sys/kernel/debug/sched/fair_server/cpu${VM_CPU:-1}

# What bounds a SCHED_FIFO hog is the fair server: it supplies what is not to be the hog's. A write sets one value, and
# the runtime must never exceed the period.
set_fair_server() { # RUNTIME_US PERIOD_US
	echo 0 >$fair_server/runtime
	echo $(($2 * 1000)) >$fair_server/period
	echo $(($1 * 1000)) >$fair_server/runtime
}

reserve() { # NAME TID CLASS RUNTIME_US PERIOD_US
	local max=$pool_group/$1.vm/cpu.max
	case $3 in
	none) reserve_vm "$1" 0 0 ;;
	deadline) reserve_vm "$1" "$4" "$5" ;;
	reclaim)
		reserve_vm "$1" "$4" "$5"
		reclaim "$2" ;;
	max | burst)
		reserve_vm "$1" 0 0
		echo "$4 $5" >"$max"
		[[ $3 == max ]] || echo "$4" >"$max.burst" ;;
	fifo)
		reserve_vm "$1" 0 0
		chrt -f -p $fifo_priority "$2"
		set_fair_server $(($5 - $4)) "$5" ;;
	*)
		echo "reserve: class '$3' is none of none, deadline, reclaim, max, burst, fifo" >&2
		exit 2 ;;
	esac
	sleep 0.5
}

# Undoes reserve, and the loans that came with it.
release() { # NAME TID CLASS
	local max=$pool_group/$1.vm/cpu.max
	case $3 in
	max | burst)
		echo 0 >"$max.burst"
		echo max >"$max" ;;
	fifo)
		chrt -o -p 0 "$2"
		set_fair_server 50000 1000000 ;;
	esac
	dlspare unset "$1"
}
