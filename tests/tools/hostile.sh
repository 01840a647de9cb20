#!/bin/bash
# In the testbed: processes of another user that say they are VMs, threads that say they are vCPUs, files that say they
# are devices, and floods. The real VM keeps everything, dlspared its share of a CPU, and each command works.
set -uo pipefail
# shellcheck source=tests/tools/lib.sh
. /add/lib.sh
readonly user=1001 cgroups=/sys/fs/cgroup
# What a CPU has in so many seconds of a flood, at most: percent.
readonly share_max=5 flood_s=${1:-15}

policy() { # SETTINGS OF web
	cat <<END
pools = ( { name = "gold"; runtime = "2ms"; period = "10ms"; cpus = "1"; exclusive = true; } );
vms = (
  { name = "web"; runtime = "10ms"; period = "100ms"; pool = "gold"; devices = "any"; io = { policy = "housekeeping"; cpus = "0"; }; $1 },
  { name = "db"; runtime = "5ms"; period = "100ms"; },
  { name = "flood"; uid = $user; runtime = "1ms"; period = "100ms"; vcpus = "0"; }
);
END
}

# How many threads of a process have a reservation.
reserved() { # PID
	local task n=0
	for task in "/proc/$1/task/"*; do
		[[ $(schedof "${task##*/}") != *SCHED_DEADLINE* ]] || n=$((n + 1))
	done
	echo $n
}

group_of() { # PID
	sed -n 's|^0::/||p' "/proc/$1/cgroup"
}

# A fact of a VM in what find prints as JSON.
finds() { # PID KEY VALUE
	dlspare find --json | tr -d ' \n' | grep -o "\"pid\":$1,.*" | grep -q "^[^{]*\"$2\":$3"
}

has() { # RESERVED PID
	(($(reserved "$2") == $1))
}

is_untouched() { # PID
	has 0 "$1" && [[ $(group_of "$1") != dlspare* ]]
}

# Runs a command; its time in ms is in $took.
timed() { # STATUS NAME COMMAND...
	local began=${EPOCHREALTIME/./}
	expect "$@"
	took=$(((${EPOCHREALTIME/./} - began) / 1000))
}

start_daemon() {
	dlspared 2>/tmp/log &
	daemon=$!
}

stop_daemon() {
	kill "$daemon"
	wait "$daemon"
}

# All that an administrator does, and it is about other VMs.
commands_work() { # WHEN
	local command
	expect 0 "$1: apply" dlspare apply --quiet /tmp/policy
	expect 0 "… set of another VM" dlspare set db --runtime 6ms
	expect 0 "… pool create" dlspare pool create silver --cpus 2
	expect 0 "… pool delete" dlspare pool delete silver
	for command in find status verify show "validate /tmp/policy" metrics "status web" "top --count 1"; do
		# shellcheck disable=SC2086 # words
		expect 0 "… $command" dlspare $command
	done
}

# --- one name, two VMs ---

keeps_its_name() {
	local first web second db
	policy '' >/tmp/policy
	start_fake db
	db=$pid
	start_fake web 2 -user $user
	first=$pid
	expect 0 "the name of a VM that does not run: apply" dlspare apply /tmp/policy
	report "$(is_untouched "$first"; echo $?)" "another user's process with that name gets nothing"
	start_daemon
	start_fake web 2
	web=$pid
	report "$(within 1000 has 2 "$web"; echo $?)" "the real one starts, and gets it" "$(</tmp/log)"
	start_fake web 1 -user $user
	second=$pid
	sleep 0.5
	report "$(has 2 "$web" && [[ $(group_of "$web") == dlspare.slice/gold* ]]; echo $?)" "… and keeps it when one more says so" "$(</tmp/log)"
	report "$(is_untouched "$first" && is_untouched "$second"; echo $?)" "which get nothing"
	report "$(($(grep -c "'web': pid $second " /tmp/log) != 1))" "the daemon says so, once" "$(</tmp/log)"
	commands_work "two more say that they are web"
	said=$(dlspare find 2>&1)
	report "$([[ $said == *"VM 'web': pid $first "*"VM 'web': pid $second "* ]]; echo $?)" "find says which is not taken for it" "$said"
	said=$(dlspare status 2>&1 >/dev/null)
	report "$([[ $said == *"VM 'web': pid $first "*"VM 'web': pid $second "* ]]; echo $?)" "so does status" "$said"
	said=$(dlspare status web --json | tr -d ' \n')
	report "$([[ $said == *"\"pid\":$web,"*"\"pool\":\"gold\""* ]]; echo $?)" "… with the pool beside the real one" "$said"
	stop_fake "$web"
	sleep 0.5
	report "$(is_untouched "$first" && is_untouched "$second"; echo $?)" "the real one ends, and they get nothing"
	stop_daemon
	dlspare reset --quiet
	for pid in "$first" "$second" "$db"; do stop_fake "$pid"; done
}

# Both are root's, or named by the administrator: who has it keeps it, and its manager's word is more than that.
decides_between_equals() {
	local first second scope='machine.slice/machine-qemu\x2d7\x2dweb.scope/libvirt' third
	policy '' >/tmp/policy
	start_fake web 1
	first=$pid
	dlspare apply --quiet /tmp/policy
	start_fake web 1
	second=$pid
	expect 0 "two of root's: apply" dlspare apply /tmp/policy
	report "$(has 1 "$first" && is_untouched "$second"; echo $?)" "the one set up already keeps what it has"
	dlspare reset --quiet
	expect 0 "none is set up: apply" dlspare apply /tmp/policy
	report "$(is_untouched "$first" && is_untouched "$second"; echo $?)" "none is touched"
	expect 0 "… but the one that the policy names" dlspare set web --runtime 11ms --pid "$second"
	report "$(is_untouched "$first" && has 1 "$second"; echo $?)" "… by its pid"
	dlspare reset --quiet
	sed 's/ pool = "gold"; devices = "any";//' /tmp/policy >/tmp/free
	dlspare set web --runtime 11ms --period 100ms --pid "$first" --quiet
	start_fake web 1 -user 64055
	third=$pid
	mkdir -p "$cgroups/$scope" /run/libvirt/qemu
	echo "$third" >"$cgroups/$scope/cgroup.procs"
	dlspare apply --quiet /tmp/free
	report "$(has 1 "$first" && has 0 "$third"; echo $?)" "a scope like libvirt's proves nothing"
	echo -n "$third" >/run/libvirt/qemu/web.pid
	expect 0 "libvirt has noted one: apply" dlspare apply /tmp/free
	report "$(has 0 "$first" && has 1 "$third"; echo $?)" "it has what the other had"
	dlspare reset --quiet
	rm -r /run/libvirt
	for pid in "$first" "$second" "$third"; do stop_fake "$pid"; done
	rmdir "$cgroups/$scope" "$cgroups/${scope%/*}"
}

# By what the administrator says when a process proves nothing.
lets_in_who_is_named() {
	local terms=(--runtime 5ms --period 100ms) session=$cgroups/user.slice/user-$user.slice/session-7.scope lab
	start_fake lab 1 -user $user
	lab=$pid
	expect 5 "a user's VM: set" dlspare set lab "${terms[@]}"
	report "$([[ $said == *"pid $lab of user $user"*"name its uid"* ]]; echo $?)" "… it says what would let it in" "$said"
	expect 5 "… with another's --uid" dlspare set lab "${terms[@]}" --uid 7
	report "$(is_untouched "$lab"; echo $?)" "… and it gets nothing"
	expect 0 "… with its own" dlspare set lab "${terms[@]}" --uid $user
	report "$(has 1 "$lab" && dlspare show | grep -qF 'name = "lab"; uid = 1001; runtime'; echo $?)" "… it has it" "$(dlspare show)"
	expect 0 "… with any: set" dlspare set lab --uid any
	report "$(has 0 "$lab"; echo $?)" "… it has it no more"
	dlspare reset --quiet
	expect 0 "with --pid" dlspare set lab "${terms[@]}" --pid "$lab"
	report "$(has 1 "$lab" && dlspare show | grep -qF "pid = $lab; uid = $user;"; echo $?)" "… which notes its user" "$(dlspare show)"
	dlspare reset --quiet
	mkdir -p "$session"
	echo "$lab" >"$session/cgroup.procs"
	dlspare pool create gold --runtime 2ms --period 10ms --cpus 1 --exclusive --quiet
	expect 5 "assign with another --group" dlspare assign lab gold --group other
	expect 0 "… with its own" dlspare assign lab gold --group "${session#"$cgroups"}"
	expect 0 "… it is in the pool, and the same VM" dlspare verify
	report "$([[ $(group_of "$lab") == dlspare.slice/gold ]]; echo $?)" "… below dlspare.slice" "$(group_of "$lab")"
	dlspare reset --quiet
	report "$([[ $(group_of "$lab") == "${session#"$cgroups/"}" ]]; echo $?)" "reset puts it back" "$(group_of "$lab")"
	stop_fake "$lab"
	rmdir -p --ignore-fail-on-non-empty "$session"
}

# --- threads, files and groups ---

is_believed_in_nothing() {
	local scope="user.slice/user-$user.slice/user@$user.service/machine-qemu\\x2d7\\x2dweb.scope/libvirt"
	echo 'vms = ( { name = "many"; runtime = "5ms"; period = "100ms"; vcpus = "0"; uid = '$user'; } );' >/tmp/one
	start_fake many 12 -user $user -call "CPU 0/KVM"
	expect 0 "12 threads that are called CPU 0/KVM: apply" dlspare apply /tmp/one
	report "$(has 1 "$pid"; echo $?)" "one of them is vCPU 0" "$(reserved "$pid") are"
	stop_fake "$pid"
	start_fake many 12 -user $user -machines 1
	expect 0 "12 VMs of one process: apply" dlspare apply /tmp/one
	report "$(has 1 "$pid"; echo $?)" "one of their first vCPUs is vCPU 0" "$(reserved "$pid") are"
	stop_fake "$pid"
	umount /sys/kernel/debug
	start_fake many 12 -user $user -call "CPU 0/KVM"
	expect 0 "12 such threads without debugfs: apply" dlspare apply /tmp/one
	report "$(has 1 "$pid"; echo $?)" "one of them is vCPU 0" "$(reserved "$pid") are"
	mount -t debugfs none /sys/kernel/debug
	dlspare reset --quiet
	stop_fake "$pid"

	ip tuntap add other mode tap
	: >"/tmp/tap$(</sys/class/net/other/ifindex)"
	mkdir -p /tmp/net
	: >/tmp/net/tun
	start_fake files 1 -user $user -open "/tmp/tap$(</sys/class/net/other/ifindex)" -open /tmp/net/tun
	report "$(finds "$pid" devices '\[\]'; echo $?)" "a plain file /tmp/tapN is no device" "$(dlspare find)"
	stop_fake "$pid"
	ip tuntap del other mode tap

	start_fake web 1 -user $user
	mkdir -p "$cgroups/$scope"
	echo "$pid" >"$cgroups/$scope/cgroup.procs"
	report "$(finds "$pid" finder '"qemu"' && finds "$pid" managed false; echo $?)" "a scope below user.slice is not libvirt's" "$(dlspare find)"
	stop_fake "$pid"
}

# --- what takes long ---

# They have monitors that never answer, and vCPUs of which nothing is known.
waits_for_nobody() {
	local i pids=()
	for i in {1..10}; do
		start_fake "mute$i" 1 -user $user -halted 1 -call x -listen "/tmp/mute$i" -qmp "unix:/tmp/mute$i,server=on,wait=off"
		pids+=("$pid")
	done
	timed 0 "10 monitors that never answer: find" dlspare find
	report "$((took > 500))" "… within 500 ms ($took ms)"
	for pid in "${pids[@]}"; do stop_fake "$pid"; done
}

# ns of CPU time.
cpu_time() { # PID
	awk '{ print $1 }' "/proc/$1/schedstat"
}

# The one that floods is a VM of the policy: what others do is not even heard.
stays_within_its_share() { # WHAT FAKEVM'S OPTIONS
	local began flooder web share
	policy '' >/tmp/policy
	start_fake web 2
	web=$pid
	dlspare apply --quiet /tmp/policy
	start_daemon
	sleep 1
	start_fake flood 1 -user $user "${@:2}"
	flooder=$pid
	# What it had saved up is not what it has in the long run.
	sleep 5
	began=$(cpu_time "$daemon")
	sleep "$flood_s"
	share=$((($(cpu_time "$daemon") - began) / (flood_s * 10000)))
	report "$((share > share_max * 1000))" "$1: dlspared has $((share / 1000)).$(printf %03d $((share % 1000))) % of a CPU, of $share_max" "$(</tmp/log)"
	report "$(has 2 "$web"; echo $?)" "… the real VM keeps what it has"
	start_fake db
	report "$(within 3000 has 1 "$pid"; echo $?)" "… one that starts gets what it is to have within 3 s" "$(</tmp/log)"
	commands_work "$1"
	stop_fake "$pid"
	stop_fake "$flooder"
	stop_fake "$web"
	stop_daemon
	dlspare reset --quiet
}

keeps_its_name
decides_between_equals
lets_in_who_is_named
is_believed_in_nothing
waits_for_nobody
stays_within_its_share "a thread each 0.2 ms" -flood 200
stays_within_its_share "a VM each 2 ms" -churn 2000
plan
