#!/bin/bash
# In the testbed, on 3 CPUs: is what dlspare says so? Successes, dry runs, refusals that name who holds what is missing, and the
# documents of --json.
#   testbed run --cpus 3 --add lib.sh --add DLSPARE --add FAKEVM --add SCHEMA --add dlspare.schema.json --add SCRIPT --add terminfo says.sh
set -uo pipefail
# shellcheck source=tests/tools/lib.sh
. /add/lib.sh

write_policies() {
	cat >/tmp/policy <<'END'
pools = ( { name = "gold"; runtime = "2ms"; period = "10ms"; cpus = "1-2"; exclusive = true; } );
vms = (
  { name = "web"; runtime = "9.5ms"; period = "100ms"; pool = "gold"; borrow = { charge = true; };
    io = { policy = "housekeeping"; cpus = "0"; }; },
  { name = "db"; runtime = "10ms"; period = "100ms"; pool = "gold"; }
);
END
	sed 's/exclusive = true;/& edf = "global"/' /tmp/policy >/tmp/global
	sed 's/exclusive = true; //' /tmp/policy >/tmp/shared
	cat >/tmp/offline <<'END'
pools = ( { name = "gold"; cpus = "2"; exclusive = true; edf = "global"; } );
vms = ( { name = "web"; runtime = "10ms"; period = "100ms"; pool = "gold"; } );
END
	echo 'vms = ( { name = "web"; runtime = "94ms"; period = "100ms"; vcpus = "0"; } );' >/tmp/full
}

# The last command's whole output.
said() { # NAME TEXT
	same "$1" "$2" "$said"
}

# The writes that a dry run lists are those that are made then, and the last line says how many.
foretells() { # NAME COMMAND...
	local name=$1
	shift
	dlspare "$@" --dry-run >/tmp/foretold 2>/tmp/told || { report 1 "$name: a dry run" "$(</tmp/told)"; return; }
	dlspare "$@" -v 2>/tmp/made || { report 1 "$name" "$(</tmp/made)"; return; }
	sed -i 's/^dlspare: //' /tmp/made
	expect 0 "$name: a dry run lists the writes ($(wc -l </tmp/foretold))" diff /tmp/foretold <(head -n -1 /tmp/made)
	report "$([[ $(tail -n 1 /tmp/made) == *": $(wc -l </tmp/foretold) write"* ]]; echo $?)" "… and the last line counts them" "$(tail -n 1 /tmp/made)"
}

# What a command prints with --json is of the schema.
documents() { # COMMAND...
	local status=0
	dlspare "$@" --json >/tmp/document 2>/tmp/told || status=$?
	expect 0 "--json: $*" schema /add/dlspare.schema.json </tmp/document
	report "$([[ $status == 0 || $1 == verify || $1 == doctor ]]; echo $?)" "… which works" "$status: $(</tmp/told)"
}

successes() {
	expect 0 "pool create" dlspare pool create gold --runtime 1ms --period 10ms --cpus 1 --exclusive
	said "… says what is so" "dlspare: pool 'gold': 1 unit of 1ms in every 10ms on CPU 1, exclusive: 14 writes"
	expect 0 "assign" dlspare assign web gold
	says "… says it in one line" "dlspare: VM 'web': no reservation, borrows from pool 'gold': "
	expect 0 "set" dlspare set web --runtime 9.5ms --period 100ms --vcpu 0
	says "… too" "dlspare: VM 'web': 9.5ms in every 100ms for each of vCPU 0, borrows from pool 'gold': "
	expect 0 "set, again" dlspare set web --runtime 9.5ms --period 100ms
	says "… writes nothing" ": 0 writes"
	expect 0 "set --quiet" dlspare set web --runtime 9ms --period 100ms --quiet
	said "… says nothing" ""
	expect 0 "assign none" dlspare assign web none
	says "… says it" "dlspare: VM 'web': 9ms in every 100ms for each of vCPU 0: "
	expect 0 "pool delete" dlspare pool delete gold
	says "… says it" "dlspare: pool 'gold' is gone: "
	expect 0 "unset" dlspare unset web
	says "… says it" "dlspare: VM 'web' is as before dlspare: "
	expect 0 "apply" dlspare apply /tmp/policy
	says "… says it" "dlspare: 1 pool and 2 VMs as in /tmp/policy: "
	expect 0 "reset" dlspare reset
	says "… says it" "dlspare: everything is as before dlspare: "
	stop_fake "$db"
	expect 0 "apply, and a VM does not run" dlspare apply /tmp/policy
	says "… says it" "1 VM is not running; dlspared configures it when it starts"
	dlspare reset --quiet
	start_fake db
	db=$pid
}

dry_runs() {
	foretells "apply" apply /tmp/policy
	foretells "apply, to global EDF" apply /tmp/global
	foretells "apply, to shared CPUs" apply /tmp/shared
	foretells "apply, and back" apply /tmp/policy
	foretells "reset" reset
	foretells "pool create" pool create gold --runtime 1ms --period 10ms --cpus 1-2 --exclusive
	foretells "assign" assign web gold
	foretells "set" set web --runtime 9ms --period 100ms --io housekeeping
	foretells "unset" unset web
	dlspare reset --quiet
	foretells_below_others
}

# Where another manager's group has no cpuset.cpus, partitions have cpuset.cpus.exclusive alone.
foretells_below_others() {
	local group=system.slice/web.service
	mkdir -p /sys/fs/cgroup/$group
	echo "$web" >/sys/fs/cgroup/$group/cgroup.procs
	foretells "a group of others: pool create" pool create gold --runtime 1ms --period 10ms --cpus 1-2 --exclusive --group $group
	foretells "… assign" assign web gold
	foretells "… pool set" pool set gold --cpus 1
	foretells "… set" set web --runtime 9ms --period 100ms
	foretells "… reset" reset
	echo "$web" >/sys/fs/cgroup/cgroup.procs
	rmdir /sys/fs/cgroup/$group /sys/fs/cgroup/${group%/*}
}

json() {
	documents pool create gold --runtime 1ms --period 10ms --cpus 1 --exclusive
	documents assign web gold --dry-run
	documents assign web gold
	documents set web --runtime 9ms --period 100ms
	documents set web --runtime 8ms --period 100ms --vcpu 0 --io deadline:1ms/100ms
	documents set web --latency "5ms 99.9%"
	documents pool set gold --units 2
	documents find
	documents status
	documents status web
	documents top --count 2 --interval 100ms
	documents show
	documents pool show
	documents validate /tmp/policy
	documents verify
	chrt --other --pid 0 "$(dlspare find --json | grep -B1 '"role": "vcpu"' | grep -o '[0-9]*' | tail -n 1)" 2>/dev/null
	documents verify
	documents doctor
	documents plan /tmp/policy --rate 3
	documents plan --live --for 100ms
	expect 6 "observe on a kernel that does not tell its types" dlspare observe
	same "… says so in one line" "dlspare: no /sys/kernel/btf/vmlinux: the kernel needs CONFIG_DEBUG_INFO_BTF, as Debian's have it" "$said"
	documents unset web
	documents pool delete gold
	documents apply /tmp/policy
	documents reset
}

# What dlspare top writes on a terminal before it is ended; in $said.
on_terminal() { # COLUMNS ENVIRONMENT...
	said=$(TERMINFO=/add/terminfo script -qc "stty cols $1 rows 12
		sh -c '(sleep 1; kill -TERM \$\$) & exec env ${*:2} dlspare top --interval 300ms'
		echo ended \$?; stty -a" /dev/null </dev/null)
}

# Whether it says so, or with "not" before it that it does not; \E, \a and so on stand for these.
writes() { # NAME [not] TEXT...
	local name=$1 text missing='' not=''
	shift
	for text; do
		[[ $text != not ]] || { not=1; continue; }
		printf -v text %b "$text"
		if [[ $said == *"$text"* ]]; then [[ ! $not ]] || missing+=" not: $text"; else [[ $not ]] || missing+=" $text"; fi
		not=''
	done
	report ${#missing} "$name" "$(printf '%q, missing:%q' "$said" "$missing")"
}

# What curses writes when it sets a colour.
colors() {
	grep -cE $'\e\\[([0-9]*;)*[34][0-9](;[0-9]*)*m' <<<"$said"
}

# VMs with a reservation and a pool, and with a name that not every terminal has the letters of, nor room for.
terminals() {
	local other columns
	dlspare pool create gold --runtime 1ms --period 10ms --units 2 --cpus 1 --exclusive --quiet
	dlspare assign web gold --quiet
	dlspare set web --runtime 9ms --period 100ms --quiet
	start_fake $'b\xc3\xa4r-of-the-very-long-name'
	other=$pid
	for columns in 40 80 160 200; do
		on_terminal $columns TERM=vt100
		writes "top on $columns columns shows the pool and the VMs, and gives the terminal back" gold 0/2 web "S P99" 'b??r-of-the-' 'ended 0' ' icanon' ' echo'
	done
	writes "… on 200 all of it" 2x9ms/100ms .......... 1ms/10ms "$web" 'b??r-of-the-very-long-name'
	on_terminal 40 TERM=vt100 LC_ALL=C
	writes "… on 40 as much of the name as there is room for" 'b??r-of-the-very-l~'
	on_terminal 80 TERM=xterm
	report "$(($(colors) == 0))" "with colours"
	on_terminal 80 TERM=xterm NO_COLOR=1
	report "$(($(colors) != 0))" "… and without" "$(printf %q "$said")"
	on_terminal 80 TERM=dumb
	writes "on a terminal without a cursor there are lines" "TIME     VM" 'b??r-of-the-very-~ none' not '\e'
	stop_fake "$other"
	dlspare reset --quiet
}

# Threads of SCHED_DEADLINE that are nobody's VM, on each CPU 90 %.
start_others() {
	local i
	others=() named="3 threads of SCHED_DEADLINE that dlspare has not set hold 2.7000 of a CPU:"
	for i in 0 1 2; do
		sleep 10000 &
		others+=($!)
		chrt --deadline --sched-runtime 90000000 --sched-period 100000000 --pid 0 $!
		named+="${others[i - 1]:+,} sleep ($!) 90ms/100ms"
	done
	named=${named/:,/:}
}

others() {
	local others named
	start_others
	expect 4 "pool create, and others have the rest" dlspare pool create gold --runtime 2ms --period 10ms
	says "… is refused by the kernel" "Device or resource busy"
	says "… names them" "; $named"
	expect 4 "set" dlspare set web --runtime 30ms --period 100ms
	says "… is refused by the kernel" "Device or resource busy"
	says "… names them" "; $named"
	expect 4 "set, which does not fit in any case" dlspare set web --runtime 100ms --period 100ms --io deadline:90ms/100ms
	says "… names them, too" "; beside that, $named"
	expect 0 "validate" dlspare validate /tmp/policy
	says "… names them" "beside these sums, $named"
	dlspare doctor >/tmp/doctor
	said=$(</tmp/doctor)
	says "doctor names them, and the remedy" "$named: chrt --other --pid 0 ${others[0]} takes it from the first"
	chrt --other --pid 0 "${others[0]}"
	chrt --other --pid 0 "${others[1]}"
	dlspare doctor >/tmp/doctor
	said=$(</tmp/doctor)
	says "… which works" "1 thread of SCHED_DEADLINE that dlspare has not set holds 0.9000 of a CPU: sleep (${others[2]})"
	kill "${others[@]}"
}

cpus_away() {
	echo 0 >/sys/devices/system/cpu/cpu2/online
	expect 4 "a pool whose CPU is offline" dlspare apply /tmp/offline
	says "… is told of" "no CPU of pool 'gold' is online for VM 'web': 2 vCPUs x 10ms/100ms; CPU 2 is offline"
	sed 's/cpus = "2"/cpus = "7"/' /tmp/offline >/tmp/absent
	expect 4 "one whose CPU is absent" dlspare apply /tmp/absent
	says "… is told of" "CPU 7 is absent from this host"
	echo 1 >/sys/devices/system/cpu/cpu2/online
	expect 0 "with the CPU online it works" dlspare apply /tmp/offline --quiet
	dlspare reset --quiet
}

limits() {
	expect 4 "plan: the usual limit" dlspare plan /tmp/full
	says "… is 95 %" "and the limit is 0.9500"
	echo 1000000 >/proc/sys/kernel/sched_rt_runtime_us
	expect 0 "plan: the limit of this host" dlspare plan /tmp/full
	says "… is 100 %" "100 % yes"
	expect 4 "--cpus names another host" dlspare plan /tmp/full --cpus 0-2
	says "… with the usual one" "and the limit is 0.9500"
	echo 950000 >/proc/sys/kernel/sched_rt_runtime_us
}

starving() {
	local file
	expect 0 "validate, with fair servers" dlspare validate /tmp/full
	report "$([[ $said != *"fair server is off"* ]]; echo $?)" "… warns of nothing" "$said"
	for file in /sys/kernel/debug/sched/fair_server/cpu*/runtime; do echo 0 >"$file"; done
	expect 0 "validate, without" dlspare validate /tmp/full
	says "… warns" "VM 'web': the fair server is off on CPU 0-2, and reservations may take 31.3 % of CPU 0-2"
	dlspare apply /tmp/full --quiet
	dlspare doctor >/tmp/doctor
	said=$(</tmp/doctor)
	says "doctor does, too" "fair server: VM 'web': the fair server is off on CPU 0-2"
	echo 'vms = ( { name = "web"; runtime = "9ms"; period = "100ms"; } );' >/tmp/all
	dlspare apply /tmp/all --quiet
	start_fake web
	dlspare doctor >/tmp/doctor
	stop_fake "$pid"
	said=$(</tmp/doctor)
	says "… also when another process takes the VM's name" "fair server: VM 'web': the fair server is off on CPU 0-2, and reservations may take 6.0 %"
	for file in /sys/kernel/debug/sched/fair_server/cpu*/runtime; do echo 50000000 >"$file"; done
	dlspare reset --quiet
}

metrics() {
	local second
	dlspare apply --quiet /tmp/policy
	expect 0 "metrics: all are there" dlspare metrics
	says "… and it says so" "dlspare_left_out 0"
	echo 'vms = ( { name = "x"; pool = "lead"; } );' >/run/dlspare/vms.d/x.conf
	expect 7 "metrics: a VM of a hook's is left out" dlspare metrics --quiet
	says "… is told" "1 VM is left out: what hooks have told of it breaks a rule"
	says "… and counted" "dlspare_left_out 1"
	expect 7 "with --output, too" dlspare metrics --output /tmp/metrics
	expect 0 "… which is written" grep -x "dlspare_left_out 1" /tmp/metrics
	rm /run/dlspare/vms.d/x.conf
	start_fake web
	second=$pid
	expect 0 "metrics: another process takes a VM's name" dlspare metrics
	says "… and is counted" "dlspare_names_taken 1"
	stop_fake "$second"
	# What systemd mounts for a unit that may only look.
	expect 0 "metrics: a file is a mount of cgroups, too" unshare --mount sh -c 'cd /sys/fs/cgroup && mount --bind cgroup.procs cgroup.procs && dlspare metrics'
	says "… and all are there" 'dlspare_vm_events_total{vm="web",pool="gold"} '
	dlspare reset --quiet
}

# KVM makes a thread for the timer of a guest; where, nobody says.
pits() {
	local tid
	testbed guest start real --vcpu-cpus none --load spin >/tmp/ids
	dlspare pool create gold --runtime 1ms --period 10ms --cpus 1 --exclusive --quiet
	dlspare assign real gold --quiet
	dlspare doctor >/tmp/doctor
	said=$(grep kvm-pit /tmp/doctor)
	says "doctor: a kvm-pit thread outside its VM's group" "warning  kvm-pit: VM 'real': the kernel's thread kvm-pit/"
	tid=$(sed -n 's/.*echo \([0-9]*\) > \(.*\)/\1/p' <<<"$said")
	report "$(eval "${said##*: }"; echo $?)" "… the remedy works" "${said##*: }"
	dlspare doctor >/tmp/doctor
	said=$(grep kvm-pit /tmp/doctor)
	says "… and then it is fine ($(</proc/"$tid"/cgroup))" "ok       kvm-pit"
	dlspare set real --runtime 10ms --period 100ms --quiet
	dlspare doctor >/tmp/doctor
	said=$(</tmp/doctor)
	says "doctor: halt polling beside a reservation" "halt polling: a vCPU of VM 'real'"
	dlspare reset --quiet
}

main() {
	local web db
	write_policies
	start_fake web 2 || exit 1
	web=$pid
	start_fake db || exit 1
	db=$pid
	successes
	dry_runs
	json
	terminals
	others
	cpus_away
	limits
	starving
	metrics
	pits
	plan
}

main
