#!/bin/bash
# In the testbed: dlspared keeps up with what happens, and can be killed at any moment.
#   daemon.sh [KILLS] [SEED]
set -uo pipefail
# shellcheck source=tests/tools/lib.sh
. /add/lib.sh
kills=${1:-200}
RANDOM=${2:-1}
export PATH=$PATH:/add

policy() { # RUNTIME CPU
	cat <<END
pools = ( { name = "gold"; runtime = "2ms"; period = "10ms"; cpus = "$2"; exclusive = true; } );
vms = (
  { name = "a"; runtime = "$1"; period = "100ms"; pool = "gold"; io = { policy = "housekeeping"; cpus = "0"; }; },
  { name = "b"; runtime = "5ms"; period = "100ms"; pool = "gold"; devices = ( "tapa" ); },
  { name = "c"; runtime = "5ms"; period = "100ms"; }
);
END
}

reads() { # FILE TEXT
	[[ $(<"$1") == "$2" ]]
}

is_as_wanted() {
	dlspare verify --quiet
}

# With --once, and what verify says of what a hook has noted.
tells_how_it_ends() {
	echo 'vms = ( { name = "a"; runtime = "5ms"; } );' >/tmp/bad
	policy 99ms 1 >/tmp/large
	policy 10ms 1 >/tmp/good
	start_fake a 1
	expect 3 "--once: a file that breaks a rule" dlspared --once --config /tmp/bad
	expect 4 "--once: a VM that has no room" dlspared --once --config /tmp/large
	dlspare reset --quiet
	expect 0 "--once: as configured" dlspared --once --config /tmp/good
	expect 0 "verify: as configured" dlspare verify
	echo 'vms = ( { name = "x"; pool = "lead"; } );' >/run/dlspare/vms.d/x.conf
	expect 7 "verify: a VM of a hook's is left out" dlspare verify --quiet
	rm /run/dlspare/vms.d/x.conf
	printf '%s\n' 'vms = ( { name = "w\xffb"; runtime = "5ms"; period = "100ms"; } );' >/tmp/bytes
	dlspare apply --quiet /tmp/bytes
	said=$(dlspare show --json)
	report "$([[ $said == *'"name": "w?b"'* ]]; echo $?)" "show --json: a VM whose name is no UTF-8" "$said"
	dlspare reset --quiet
	stop_fake "$pid"
}

keeps_up() {
	local daemon pool=/sys/fs/cgroup/dlspare.slice/gold cpu=/sys/fs/cgroup/dlspare.slice/gold/cpu1
	mkdir -p /etc/dlspare
	policy 10ms 1 >/etc/dlspare/dlspare.conf
	dlspared 2>/tmp/log &
	daemon=$!
	report "$(within 1000 test -e $pool/cpu.spare.pool; echo $?)" "the file is applied at the first start"
	start_fake a 2
	a=$pid
	report "$(within 200 reads $cpu/a.vm/cpu.spare.borrow "on chances=max charge=0 reply=1 linger=200 timer=0"; echo $?)" "a VM that starts is configured within 200 ms"
	kill -USR1 "$a"
	within 200 test "$(wc -l <$cpu/a.vm/cgroup.threads)" = 3
	report "$(within 300 is_as_wanted; [[ $(wc -l <$cpu/a.vm/cgroup.threads) == 3 ]]; echo $?)" "a hot-plugged vCPU too"
	start_fake b
	b=$pid
	within 200 test -d $cpu/b.vm
	ip tuntap add tapa mode tap
	report "$(within 200 reads $cpu/b.vm/cpu.spare.dev tapa; echo $?)" "a device that comes late"
	echo off >$cpu/a.vm/cpu.spare.borrow
	report "$(within 500 reads $cpu/a.vm/cpu.spare.borrow "on chances=max charge=0 reply=1 linger=200 timer=0"; echo $?)" "a value that somebody else has written"
	echo 0 >/sys/devices/system/cpu/cpu2/online
	sleep 0.1
	echo 1 >/sys/devices/system/cpu/cpu2/online
	report "$(within 300 is_as_wanted; echo $?)" "a CPU that goes and comes"
	stop_fake "$b"
	report "$(within 300 test ! -d $cpu/b.vm; echo $?)" "the group of a VM that ends goes"
	policy 12ms 1 >/etc/dlspare/dlspare.conf
	kill -HUP $daemon
	report "$(within 500 grep -q 12ms /run/dlspare/policy.conf; echo $?)" "SIGHUP applies the file"
	policy 95ms 1 >/etc/dlspare/dlspare.conf
	kill -HUP $daemon
	sleep 0.5
	report "$(grep -q 'no room' /tmp/log && grep -q 12ms /run/dlspare/policy.conf && is_as_wanted; echo $?)" "a file that does not fit changes nothing" "$(</tmp/log)"
	echo 'pools = (' >/etc/dlspare/dlspare.conf
	kill -HUP $daemon
	sleep 0.5
	report "$(grep -q 'dlspare.conf:[0-9]*: syntax' /tmp/log && is_as_wanted; echo $?)" "nor does one that cannot be read" "$(</tmp/log)"
	kill $daemon
	wait $daemon
	report $? "SIGTERM ends it, status 0"
	report "$(is_as_wanted; echo $?)" "… and what is configured stays"
	stop_fake "$a"
	expect 0 "reset" dlspare reset
	ip tuntap del tapa mode tap
}

# The kernel takes apart what the VM had while its threads are still there, in their groups, which they leave when they like.
ends_slowly() {
	local looks=0
	start_fake a 2 -memory 500
	disown "$pid"
	policy 10ms 1 >/tmp/good
	expect 0 "a VM with much memory" dlspared --once --config /tmp/good
	kill -9 "$pid"
	: >/tmp/log
	while grep -qs "^[0-9]* (.*) [^XZ]" /proc/"$pid"/task/*/stat; do
		dlspared --once 2>>/tmp/log
		looks=$((looks + 1))
	done
	report "$((looks < 2))" "ends while dlspared looks at it" "$looks looks"
	same "… which finds nothing wrong" "" "$(grep -v '^<6>' /tmp/log)"
	dlspare reset --quiet
}

# What dlspared sees of a reset must not make it configure again what was in force.
is_reset() {
	local daemon n untouched bad=''
	start_fake a 2
	policy 10ms 1 >/etc/dlspare/dlspare.conf
	untouched=$(picture)
	dlspared 2>/tmp/log &
	daemon=$!
	for ((n = 1; n <= 10; n++)); do
		dlspare apply --quiet /etc/dlspare/dlspare.conf || bad+=" $n: apply fails"
		sleep "0.0$((RANDOM % 10))"
		dlspare reset --quiet || bad+=" $n: reset fails"
		sleep 0.1
		[[ $untouched == "$(picture)" ]] || bad+=" $n: $(diff <(echo "$untouched") <(picture))"
	done
	report ${#bad} "reset puts everything back beside the daemon, ten times" "$bad"
	kill $daemon
	wait $daemon
	stop_fake "$pid"
}

# One round: the daemon runs, something happens, and it is killed.
round() {
	local daemon action=$((RANDOM % 6))
	dlspared 2>>/tmp/log &
	daemon=$!
	sleep "0.0$((RANDOM % 10))$((RANDOM % 10))"
	case $action in
	0) policy 10ms 1-2 >/etc/dlspare/dlspare.conf; kill -HUP $daemon ;;
	1) policy 12ms 2 >/etc/dlspare/dlspare.conf; kill -HUP $daemon ;;
	2) echo >/etc/dlspare/dlspare.conf; kill -HUP $daemon ;;
	3) [[ $a ]] || { start_fake a 2; a=$pid; } ;;
	4) [[ ! $a ]] || { stop_fake "$a"; a=''; } ;;
	5) rm -f /run/dlspare/policy.conf ;;
	esac
	sleep "0.0$((RANDOM % 10))$((RANDOM % 10))"
	kill -9 $daemon
	wait $daemon 2>/dev/null
}

is_killed() {
	local n untouched now bad='' resets=0
	a=''
	start_fake b 1
	b=$pid
	start_fake c 2
	c=$pid
	ip tuntap add tapa mode tap
	untouched=$(picture)
	policy 10ms 1-2 >/etc/dlspare/dlspare.conf
	for ((n = 1; n <= kills; n++)); do
		round
		if ((n % 10)); then
			# One look of a new daemon must do.
			dlspared --once 2>>/tmp/log
			is_as_wanted || bad+=" $n: differs: $(dlspare verify 2>&1)"
		else
			[[ ! $a ]] || { stop_fake "$a"; a=''; }
			# From wherever it was killed.
			dlspare reset --quiet 2>/tmp/said || bad+=" $n: reset: $(</tmp/said)"
			now=$(picture)
			[[ $untouched == "$now" ]] || bad+=" $n: after reset: $(diff <(echo "$untouched") <(echo "$now"))"
			[[ ! -e /run/dlspare/ledger ]] || bad+=" $n: the ledger keeps: $(</run/dlspare/ledger)"
			resets=$((resets + 1))
		fi
	done
	report ${#bad} "killed $kills times at random moments: as wanted after one look, as found after $resets resets" "$bad"
	stop_fake "$b"
	stop_fake "$c"
}

tells_how_it_ends
ends_slowly
keeps_up
is_reset
is_killed
plan
