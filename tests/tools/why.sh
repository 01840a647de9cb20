#!/bin/bash
# In the testbed, on 3 CPUs: each cause of lateness is made on purpose, and dlspare why names it.
#   testbed run --cpus 3 --add lib.sh --add DLSPARE --add WORKVM --add SCHEMA --add dlspare.schema.json why.sh
set -uo pipefail
# shellcheck source=tests/tools/lib.sh
. /add/lib.sh

readonly instances=/sys/kernel/tracing/instances

stop_all() {
	local name
	dlspare reset --quiet
	for name in "${!works[@]}"; do stop_fake "${works[$name]}"; done
	works=() worker=()
}

# One unit of 1 ms in 10 on CPU 1, and the VMs, which may have 4 ms in 100 each.
borrow() { # NAME...
	local name
	dlspare pool create gold --runtime 1ms --period 10ms --cpus 1 --exclusive --quiet
	for name; do
		dlspare assign "$name" gold --quiet
		dlspare set "$name" --runtime 4ms --period 100ms --device any --quiet
	done
}

# What comes for a, so long after what comes for b: thrice, as one of them may have its budget back just then.
contend() { # SECONDS
	local i
	for i in 1 2 3; do
		event b
		sleep "$1"
		event a
		sleep 0.15
	done
}

# Looks at a VM until looked(); what it says is in $said then.
look() { # NAME [OPTION]...
	dlspare why "$@" --last 60s >/tmp/why 2>/tmp/why.told &
	looker=$!
	# The last event that is enabled.
	within 20000 grep -qs 1 "$instances/dlspare-why-$looker/events/timer/hrtimer_expire_entry/enable" ||
		echo "# no look: $(</tmp/why.told)"
}

looked() {
	local status=0
	sleep 0.3
	kill -INT "$looker"
	wait "$looker" || status=$?
	said=$(cat /tmp/why /tmp/why.told)
	report $status "… the look ends" "$said"
}

# One line has all of these.
names() { # NAME TEXT...
	local name=$1 lines=$said text
	shift
	for text; do lines=$(grep -F -- "$text" <<<"$lines"); done
	report "$([[ $lines ]]; echo $?)" "$name" "wanted: $* said: $said"
}

no_unit() {
	start_work a spin && start_work b spin || return
	borrow a b
	# It keeps what it has borrowed until its own budget is back.
	dlspare assign b gold --no-reply --quiet
	dlspare set b --period 1s --quiet
	look a --later-than 2ms --trace /tmp/timeline
	depleted a
	contend 0.01
	looked
	names "no unit is free" "no unit was free on CPU 1: vCPU 0 of 'b' (${worker[b]}) had it"
	report "$(grep -q '"ph":"s"' /tmp/timeline && grep -q 'waits for a unit' /tmp/timeline && grep -q 'CPU 1, unit 1' /tmp/timeline; echo $?)" "… the timeline has it" "$(head -c 2000 /tmp/timeline)"
	[[ ! ${OUT:-} ]] || cp /tmp/timeline "$OUT/timeline.json"
	stop_all
}

not_fresh() {
	start_work a spin && start_work b spin || return
	borrow a b
	# The unit is given back when it is drained.
	dlspare assign b gold --chances 1 --quiet
	look a --later-than 2ms
	depleted a
	contend 0.003
	looked
	names "the unit is not fresh" "the unit was not fresh on CPU 1: vCPU 0 of 'b' (${worker[b]}) had drained it, until " " after this came"
	stop_all
}

# Where there are no partitions a vCPU may be on any CPU; it stays where it is while nothing drives it away.
refused() {
	local cpu i
	start_work a spin || return
	dlspare pool create gold --runtime 1ms --period 10ms --cpus 0 --quiet
	dlspare assign a gold --quiet
	dlspare set a --runtime 4ms --period 100ms --device any --quiet
	cpu=$(awk '{ print $40 }' "/proc/${worker[a]}/stat")
	dlspare pool set gold --cpus $(((cpu + 1) % 3)) --quiet
	look a
	for ((i = 0; i < 8; i++)); do
		event a
		sleep 0.043
	done
	looked
	names "no unit on its CPU" "refused: its pool has no unit on CPU "
	stop_all
}

charged() {
	local i
	start_work a spin || return
	borrow a
	dlspare assign a gold --charge --no-reply --quiet
	look a
	for ((i = 0; i < 20; i++)); do
		event a
		sleep 0.011
	done
	looked
	names "it owes" "charged: it owes what it ran on loans, and gets none before that is paid"
	stop_all
}

not_an_event() {
	local i
	start_work a halt || return
	borrow a
	# So it computes on until it halts. Then its timer fires, and its own budget is still gone.
	dlspare assign a gold --no-reply --quiet
	look a --later-than 2ms
	for ((i = 0; i < 12; i++)); do
		event a
		sleep 0.067
	done
	looked
	names "its own timer" "not an event: its own timer woke it, which is one with timer=1 only; its own budget was gone"
	stop_all
}

# A real-time thread, which has a CPU for 100 ms while the command runs. It is one before it begins.
hogged() { # CPU COMMAND...
	local hog
	taskset -c "$1" chrt -f 50 bash -c 'sleep 0.02; while :; do :; done' &
	hog=$!
	sleep 0.1
	"${@:2}"
	sleep 0.1
	kill "$hog"
	wait "$hog" 2>/dev/null
}

io_thread() {
	start_work a spin || return
	borrow a
	dlspare set a --io housekeeping:0 --quiet
	look a
	hogged 0 kill -USR2 "${works[a]}"
	looked
	names "its I/O thread" "I/O  " " late: the I/O thread workvm (${works[a]}) waited for CPU 0, where bash (" " ran"
	stop_all
}

host() {
	start_work a nap || return
	taskset -p 4 "${worker[a]}" >/dev/null
	look a
	hogged 2 true
	looked
	names "no pool is told of" "VM 'a' borrows from no pool"
	names "a real-time thread" "host: bash (" " ran on CPU 2 with real-time priority"
	stop_all
}

frozen() {
	local group
	start_work a spin || return
	borrow a
	group=$(sed -n 's/^0:://p' "/proc/${worker[a]}/cgroup")
	look a
	echo 1 >"/sys/fs/cgroup$group/cgroup.freeze"
	sleep 0.2
	event a
	sleep 0.05
	echo 0 >"/sys/fs/cgroup$group/cgroup.freeze"
	looked
	names "it is frozen" "frozen: the group $group was, by cgroup.freeze"
	look a
	kill -STOP "${works[a]}"
	sleep 0.2
	event a
	sleep 0.05
	kill -CONT "${works[a]}"
	looked
	names "it is stopped" "it was stopped, by a signal or a debugger, until why.sh ($$) let it go on"
	stop_all
}

slept() {
	local i
	start_work a nap || return
	borrow a
	look a --later-than 2ms
	for i in 1 2 3; do
		event a
		sleep 0.047
	done
	looked
	names "it sleeps in its machine monitor" "it slept in its machine monitor, for a lock or in a system call, until a timer (hrtimer_wakeup) woke it"
	stop_all
}

earlier() {
	local i
	start_work a spin && start_work b spin || return
	borrow a b
	dlspare set b --runtime 5ms --period 9ms --quiet
	look a --later-than 1ms
	for ((i = 0; i < 10; i++)); do
		event a
		sleep 0.0373
	done
	looked
	names "an earlier deadline" "an earlier deadline: vCPU 0 of 'b' (${worker[b]}) ran on CPU 1"
	stop_all
}

# From a trace that trace-cmd has recorded, also when the VM has ended.
saved() {
	start_work a spin && start_work b spin || return
	borrow a b
	dlspare assign b gold --no-reply --quiet
	dlspare set b --period 1s --quiet
	trace-cmd record -q -o /tmp/trace.dat -e sched -e sched_spare -e cgroup -e hrtimer_expire_entry >/tmp/record 2>&1 &
	recorder=$!
	within 20000 grep -qs 1 /sys/kernel/tracing/events/sched_spare/enable
	sleep 0.1
	depleted a
	contend 0.01
	kill -INT "$recorder"
	wait "$recorder"
	expect 0 "a saved trace" dlspare why a --from /tmp/trace.dat --later-than 2ms
	names "… names it" "no unit was free on CPU 1: vCPU 0 of 'b' (${worker[b]}) had it"
	expect 0 "… its last 1 s" dlspare why a --from /tmp/trace.dat --later-than 2ms --last 1s --quiet
	names "… has it" "no unit was free"
	expect 5 "… of another VM" dlspare why nobody --from /tmp/trace.dat
	names "… says how" "no VM 'nobody' runs now, so --threads has to name the threads of its vCPUs then"
	expect 5 "… of other threads" dlspare why nobody --from /tmp/trace.dat --threads 1000000
	names "… says it" "'/tmp/trace.dat' has nothing of VM 'nobody'"
	said=${worker[a]}
	stop_all
	expect 0 "… of a VM that has ended" dlspare why a --from /tmp/trace.dat --threads "$said" --later-than 2ms
	names "… names it" "no unit was free on CPU 1: CPU 0/KVM (" ") had it"
	head -c 20000 /tmp/trace.dat >/tmp/short.dat
	expect 1 "… that is cut off" dlspare why a --from /tmp/short.dat --threads 1
	trace-cmd record -q -o /tmp/other.dat -e sched_switch true >/dev/null 2>&1
	expect 5 "… without the events" dlspare why a --from /tmp/other.dat --threads 1
	names "… says which" "'/tmp/other.dat' has no events sched_spare:sched_spare_event: trace-cmd record -e sched -e sched_spare"
}

# While it stands still the buffer runs over.
overrun() {
	local i
	start_work a spin || return
	borrow a
	look a
	kill -STOP "$looker"
	echo 4 >"$instances/dlspare-why-$looker/buffer_size_kb"
	for ((i = 0; i < 100; i++)); do event a; sleep 0.001; done
	kill -CONT "$looker"
	looked
	names "lost records are told of" "the trace has lost " " records: causes may be wrong, and late events missing"
	stop_all
}

# What it says with --json, and that nothing of it stays.
ends_well() {
	start_work a spin || return
	borrow a
	expect 0 "--json" dlspare why a --last 50ms --json
	expect 0 "… is of the schema" schema /add/dlspare.schema.json <<<"$said"
	dlspare why a --last 60s >/dev/null 2>&1 &
	within 20000 test -d $instances/dlspare-why-$!
	kill -9 $!
	wait $! 2>/dev/null
	expect 0 "after one that was killed" dlspare why a --last 10ms
	same "… no instance is left" "" "$(ls $instances)"
	expect 5 "a VM that is not there" dlspare why nobody
	says "… is named" "no VM 'nobody' runs or is in the policy; see dlspare find"
	expect 1 "no trace" dlspare why a --from /add/lib.sh
	says "… says what it is not" "--from '/add/lib.sh' is no trace of trace-cmd record"
	mount -t tmpfs none /sys/kernel/tracing/events/sched_spare
	expect 6 "a kernel without the tracepoints" dlspare why a
	says "… has the remedy" "this kernel has no tracepoint sched_spare:sched_spare_event; run the patched one, see dlspare doctor"
	umount /sys/kernel/tracing/events/sched_spare
	stop_all
}

scenes=("$@")
((${#scenes[@]})) || scenes=(no_unit not_fresh refused charged not_an_event io_thread host frozen slept earlier saved overrun ends_well)
for scene in "${scenes[@]}"; do
	echo "# $scene"
	$scene
done
plan
