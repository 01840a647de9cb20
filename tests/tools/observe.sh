#!/bin/bash
# In the testbed, on an unpatched kernel with BPF: on 2 CPUs what dlspare observe says of VMs beside what their pings say, on 1 what
# it costs.
#   testbed run --kernel STOCK --add lib.sh --add DLSPARE --add WORKVM --add PINGER --add SCHEMA --add dlspare.schema.json observe.sh
set -uo pipefail
# shellcheck source=tests/tools/lib.sh
. /add/lib.sh

readonly pings=60
# Another phase of a period of 100 ms each time.
readonly every_us=137000
turn_us=1000
[[ $(uname -r) == *-testbed ]] || turn_us=4000
readonly turn_us

declare -A id

start_guest() { # NAME OPTION...
	local key value
	while IFS='=' read -r key value; do id[$key]=$value; done < <(testbed guest start "$@")
	[[ ${id[vcpu0]:-} ]]
}

# The value of a key in /tmp/seen, of an object in it with a name: JSON as jansson prints it, indented.
seen() { # KEY [OBJECT]
	awk -v key="\"$1\":" -v object="${2:+\"$2\":}" '
		!object || $1 == object { inside = 1 }
		inside && $1 == key { gsub(/[",]/, "", $2); print $2; exit }' /tmp/seen
}

holds() { # NAME EXPRESSION: awk's arithmetic, with numbers put in
	report "$(awk "BEGIN { exit !($2) }" </dev/null 2>/dev/null; echo $?)" "$1 ($2)" "$(</tmp/seen)"
}

within_5_percent() { # NAME SEEN WANTED
	holds "$1" "$2 > 0 && $2 >= 0.95 * $3 && $2 <= 1.05 * $3"
}

# Until observed() what comes is seen; then it is in /tmp/seen and /tmp/told.
observe() { # [VM]... [OPTION]...
	dlspare observe "$@" --for 1000s --json >/tmp/seen 2>/tmp/told &
	observer=$!
	sleep 0.5
}

observed() {
	local status=0
	kill -INT "$observer"
	wait "$observer" || status=$?
	report $status "… the look ends" "$(cat /tmp/seen /tmp/told)"
	expect 0 "… the document is as the schema says" schema /add/dlspare.schema.json </tmp/seen
}

# Pings at all phases; those that found the guest without budget, in ms, sorted, are in /tmp/late. One that computes answers within
# a tick, which is the longest turn of an emulated CPU: 4 ms in Debian's kernels, 1 in the testbed's.
ping_guest() {
	chrt -f 60 pinger --pings $pings --every $every_us "${id[vmm]}" "${id[vcpu0]}" "${id[ip]}" >/tmp/rtt
	awk -F, -v turn_us=$turn_us '$3 > turn_us { print $3 / 1000 }' /tmp/rtt | sort -n >/tmp/late
}

late() { # SHARE: that quantile of the pings that waited, the slowest of all, as dlspare has them
	awk -F, '{ print $3 / 1000 }' /tmp/rtt | sort -n | tail -n "$(seen events waited)" |
		awk -v share="$1" '{ at[NR] = $1 } END { rank = share * NR; if (rank > int(rank)) rank = int(rank) + 1; print at[rank] }'
}

in_ms() { awk -v ns="$1" 'BEGIN { print ns / 1e6 }'; }

# What is said of VM web, which is pinged, against what its pings say: its waits, and how often.
agrees_with_pings() { # LIMIT [OPTION]...
	observe web "${@:2}"
	ping_guest
	observed
	same "$1: nobody has lost a record" 0 "$(seen lost)"
	same "$1: no ping is lost" $pings "$(grep -c '[0-9]$' /tmp/rtt)"
	holds "$1: at least a third of the pings came too early" "$(wc -l </tmp/late) >= $pings / 3"
	holds "$1: as many interrupts waited as pings, and those that waited for less than a tick" \
		"$(seen events waited) >= $(wc -l </tmp/late) && $(seen events waited) <= 1.05 * $(wc -l </tmp/late) + $pings * $turn_us / 100000"
	within_5_percent "$1: p50 of the waits, ms" "$(in_ms "$(seen p50_ns waited)")" "$(late 0.5)"
	within_5_percent "$1: the worst, ms" "$(in_ms "$(seen worst_ns waited)")" "$(late 1)"
	same "$1: each ping is one of a device, each reply one of what was sent" "$pings $pings" "$(seen device) $(seen sent)"
	within_5_percent "$1: the share of time without budget" "$(seen starved_share)" 0.6
	holds "$1: with a unit of 1 ms in 10 the same interrupts do not wait" \
		"$(seen events waited_with_unit) == $(seen events waited) && $(seen worst_ns waited_with_unit) <= 9000000"
}

# A device has something for a vCPU each 100 us, most of that while it has no budget. Its vCPU gets the group, the rest CPU 0: as
# testbed guest places them.
see_thousands() { # GROUP
	start_work busy halt -msi 100
	mkdir "$1"
	echo threaded >"$1/cgroup.type"
	echo "${works[busy]}" >/sys/fs/cgroup/machines/cgroup.procs
	echo "${worker[busy]}" >"$1/cgroup.threads"
	taskset -p 1 "${works[busy]}" >/dev/null
	echo "40000 100000" >"$1/cpu.max"
	observe busy
	sleep 2
	observed
	holds "thousands of interrupts are seen, most of them wait, and no record is lost" \
		"$(seen device) >= 4000 && $(seen events waited) >= $(seen device) / 2 && $(seen lost) == 0"
	stop_fake "${works[busy]}"
}

# On one CPU, where an instruction is a nanosecond and no other CPU's turn lies in what the kernel measures of its programs.
measure_cost() {
	mkdir /sys/fs/cgroup/machines
	echo +cpu >/sys/fs/cgroup/machines/cgroup.subtree_control
	see_thousands /sys/fs/cgroup/machines/busy
	holds "an event takes at most 1050 instructions, all included: 10,000 a second are 1 % of a CPU that runs 1.05 a nanosecond" \
		"$(seen kernel_share) > 0 && $(seen own_share) > 0 && ($(seen kernel_share) + $(seen own_share)) * $(seen looked_ns) / $(seen device) <= 1050"
}

# It would be large here. The figure is what it is told.
printf '#!/bin/sh\ncat\n' >/bin/gnuplot
chmod +x /bin/gnuplot

mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
if (($(nproc --all) == 1)); then
	measure_cost
	plan
	exit
fi

dlspare doctor >/tmp/doctor
said=$(</tmp/doctor)
says "doctor names the functions" "observe: it looks into kvm_vcpu_kick, " kvm_arch_set_irq_inatomic vhost_add_used_and_signal_n ioeventfd_write
expect 5 "no VM runs" dlspare observe
says "… and that is said" "dlspare: no VM runs; see dlspare find"

start_guest web --load spin || exit 1
expect 5 "a VM that does not run" dlspare observe nobody
says "… is named" "dlspare: no VM 'nobody' runs; see dlspare find"

echo "40000 100000" >"${id[cgroup]}/cpu.max"
agrees_with_pings "cpu.max" --figure /tmp/waits.svg
same "… and the figure is of as many" 1 "$(grep -c "^set title 'VM ''web'', $(seen events waited) interrupts waited for budget'" /tmp/waits.svg)"
cp /tmp/waits.svg "$OUT/"
echo max >"${id[cgroup]}/cpu.max"

testbed guest reserve web 40000 100000
agrees_with_pings "a reservation"
testbed guest reserve web off

observe web
ping_guest
observed
same "without a limit nothing waits" "0 0" "$(seen events waited) $(seen starved)"
holds "… and each ping is seen" "$(seen device) >= $pings && $(seen lost) == 0"
expect 0 "a figure of nothing" dlspare observe web --for 10ms --figure /tmp/none.svg
says "… is not written" "--figure '/tmp/none.svg' is not written: no device's interrupt waited for budget"
same "… really" "" "$(ls /tmp/none.svg* /tmp/.none.svg* 2>/dev/null)"
rm /bin/gnuplot
expect 6 "without gnuplot there is no look" dlspare observe web --figure /tmp/none.svg
says "… and that is said" "--figure needs gnuplot: apt install gnuplot-nox"
testbed guest stop web
see_thousands /sys/fs/cgroup/machines/cpu1/busy
plan
