#!/bin/bash
# In the testbed: VMs in groups as Proxmox, KubeVirt, systemd, Firecracker's jailer and a login make them. dlspare works below
# those groups or refuses with the remedy; none is emptied, and no quota is lost.
set -uo pipefail
# shellcheck source=tests/tools/lib.sh
. /add/lib.sh
readonly top=/sys/fs/cgroup

# A group with those above it, and the controller for each.
make_group() { # GROUP
	local part path=$top
	for part in ${1//\// }; do
		[[ -d $path/$part ]] || mkdir "$path/$part"
		# In a group that has processes its threads would be the children's.
		[[ $(<"$path/cgroup.procs") && $path != "$top" ]] || echo "+cpu +cpuset" >"$path/cgroup.subtree_control"
		path+=/$part
	done
}

# A VM in a group.
start_in() { # NAME GROUP [VCPUS]
	make_group "$2"
	start_fake "$1" "${3:-1}" || exit 1
	echo "$pid" >"$top/$2/cgroup.procs"
}

# As systemd does when a unit's last process has ended.
end_unit() { # PID GROUP
	stop_fake "$1"
	find "$top/$2" -depth -type d -exec rmdir {} +
}

vcpu_of() { # PID NUMBER
	grep -lx "CPU $2/KVM" /proc/"$1"/task/*/comm | cut -d/ -f5
}

# Of a process, how many threads are in which group.
places() { # PID
	sed 's/^0:://' /proc/"$1"/task/*/cgroup | sort | uniq -c | sed 's/^ *//'
}

# In place: the VM's vCPUs get CPU 1, all else stays as it is.
goes_in_place() { # VM PID GROUP VCPUS OTHERS
	local before procs quota
	before=$(picture)
	procs=$(<"$top/$3/cgroup.procs")
	quota=$(<"$top/$3/cpu.max")
	expect 0 "$3: a pool in it" dlspare pool create answers --runtime 1ms --period 10ms --cpus 1 --exclusive --group "$3"
	expect 0 "… for the VM" dlspare assign "$1" answers
	expect 0 "… with a reservation" dlspare set "$1" --runtime 20ms --period 100ms --io housekeeping
	same "… has its vCPUs below, and the others where they were" "$5 /$3
$4 /$3/cpus/$1.vm" "$(places "$2")"
	same "… on CPU 1, and those on the others" "$(printf '%s\n' "$5 0,2-3" "$4 1")" "$(awk '/Cpus_allowed_list/ { print $2 }' /proc/"$2"/task/*/status | sort | uniq -c | sed 's/^ *//')"
	same "… no process has left the group" "$procs" "$(<"$top/$3/cgroup.procs")"
	same "… and its quota holds" "$quota" "$(<"$top/$3/cpu.max")"
	expect 0 "… status" dlspare status "$1"
	says "… shows them" "$3/cpus/$1.vm" "20ms/100ms" "on chances=max"
	expect 0 "… verify" dlspare verify
	dlspare show >/tmp/policy
	expect 0 "… apply" dlspare apply /tmp/policy
	says "… has nothing to do" "0 writes"
	expect 0 "… other CPUs, while it is in" dlspare pool set answers --cpus 2
	same "… are a partition" "2 root" "$(paste -d ' ' "$top/$3/cpus/cpuset.cpus" "$top/$3/cpus/cpuset.cpus.partition")"
	same "… with the reservation" SCHED_DEADLINE "$(schedof "$(vcpu_of "$2" 0)" | grep -o SCHED_DEADLINE)"
	expect 0 "… reset" dlspare reset
	same "… leaves all as found" "$before" "$(picture)"
	report "$([[ ! -e /run/dlspare/ledger ]]; echo $?)" "… and no ledger"
}

is_refused_elsewhere() { # VM GROUP
	local before said_of_group=$2
	before=$(picture)
	for kind in exclusive shared; do
		expect 0 "$2: an $kind pool of its own" dlspare pool create other --cpus 1 --$kind
		expect 3 "… is refused" dlspare assign "$1" other
		says "… with the group to take" "VM '$1'" "the group \"$said_of_group\""
		dlspare reset --quiet
	done
	same "… and nothing is changed" "$before" "$(picture)"
}

# qm sets cpulimit as cpu.max of the scope. The scope is systemd's, which removes it when it is empty.
proxmox() {
	local before web db
	start_in vm100 qemu.slice/100.scope 2
	web=$pid
	echo "150000 100000" >$top/qemu.slice/100.scope/cpu.max
	start_in vm101 qemu.slice/101.scope
	db=$pid
	expect 0 "a pool" dlspare pool create gold --runtime 1ms --period 10ms --cpus 1 --exclusive
	expect 3 "Proxmox: the VM is not taken out of its quota" dlspare assign vm100 gold
	says "… which is named" "150ms of every 100ms by group qemu.slice/100.scope"
	expect 3 "… and one without is not taken out of its scope" dlspare assign vm101 gold
	says "… which another program has made" "another program has made its group qemu.slice/101.scope"
	dlspare reset --quiet
	is_refused_elsewhere vm100 qemu.slice/100.scope
	expect 3 "the slice of all VMs is not made exclusive" dlspare pool create gold --cpus 1 --exclusive --group qemu.slice
	says "… and why" "group 'qemu.slice' has all VMs or services of a manager"
	goes_in_place vm100 $web qemu.slice/100.scope 2 2
	before=$(picture)
	expect 0 "a pool for all of them" dlspare pool create gold --runtime 1ms --period 10ms --group qemu.slice
	expect 0 "… for one VM" dlspare assign vm100 gold
	expect 0 "… and another" dlspare assign vm101 gold
	same "… who borrow where they are" "on chances=max charge=0 reply=1 linger=200 timer=0
on chances=max charge=0 reply=1 linger=200 timer=0" "$(cat $top/qemu.slice/10?.scope/cpu.spare.borrow)"
	same "… and stay there" "4 /qemu.slice/100.scope" "$(places "$web")"
	expect 0 "reset" dlspare reset
	same "… leaves all as found" "$before" "$(picture)"
	quotas
	ends_in_place "$db"
	end_unit "$web" qemu.slice/100.scope
}

# What threads without a reservation may have.
quotas() {
	local text="get at most 150ms of every 100ms by group qemu.slice/100.scope"
	expect 0 "a reservation" dlspare set vm100 --runtime 5ms --period 100ms
	expect 0 "status tells of the quota" dlspare status vm100
	says "… of its group" "quota       150ms of every 100ms by group qemu.slice/100.scope"
	expect 0 "… in the table, too" dlspare status
	says "… that has it" "VM 'vm100': its threads without a reservation, such as those for I/O, $text"
	expect 0 "… and in JSON" dlspare status --json
	says "… in ns" '"group": "qemu.slice/100.scope"' '"runtime_ns": 150000000' '"quota": null'
	dlspare show >/tmp/policy
	expect 0 "validate tells of it" dlspare validate /tmp/policy
	says "… too" "$text"
	expect 0 "… in JSON" dlspare validate --json /tmp/policy
	says "… of that VM" '"vm": "vm100"' '"period_ns": 100000000'
	expect 7 "doctor warns of it" dlspare --no-color doctor
	says "… with its name" "quota: VM 'vm100'" "$text"
	dlspare reset --quiet
	echo max >$top/qemu.slice/100.scope/cpu.max
	expect 0 "without one status says nothing" dlspare status vm100
	says "… of any" "quota       -"
}

# A scope that goes with its VM takes the pool in it along, and comes back with it.
ends_in_place() { # PID
	local group=qemu.slice/101.scope daemon left=100
	dlspare pool create gold --runtime 1ms --period 10ms --cpus 1 --exclusive --group $group
	expect 0 "a VM with a pool in its scope" dlspare assign vm101 gold
	dlspared -v 2>/tmp/log &
	daemon=$!
	sleep 0.2
	end_unit "$1" $group
	sleep 0.3
	report "$([[ ! -e "$top/$group" ]]; echo $?)" "ends: the daemon does not make its scope anew"
	expect 0 "… and nothing differs" dlspare verify
	start_in vm101 $group
	until [[ $(cat "$top/$group/cpus/vm101.vm/cpu.spare.borrow" 2>/dev/null) == on* ]] || ((left-- <= 0)); do sleep 0.02; done
	report "$((left <= 0))" "started again it has all it had" "$(</tmp/log)"
	kill $daemon
	wait $daemon
	expect 0 "reset" dlspare reset
	report "$([[ ! -e "$top/$group/cpus" && ! -e /run/dlspare/ledger ]]; echo $?)" "… leaves nothing in the scope"
	end_unit "$pid" $group
}

# QEMU, libvirt and virt-launcher in a container with a quota of its own and one of its pod's; no cgroups of libvirt's.
kubevirt() {
	local before web pod=kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice launcher
	local group=$pod/cri-containerd-abc.scope
	start_in default_web $group 2
	web=$pid
	sleep 1000 &
	launcher=$!
	echo $launcher >"$top/$group/cgroup.procs"
	make_group $pod/cri-containerd-pause.scope
	echo "300000 100000" >"$top/$pod/cpu.max"
	is_refused_elsewhere default_web $group
	expect 3 "KubeVirt: nor is its pod's group made exclusive" dlspare pool create gold --cpus 1 --exclusive --group $pod/cri-containerd-pause.scope/x/..
	sleep 1000 &
	echo $! >$top/$pod/cri-containerd-pause.scope/cgroup.procs
	expect 3 "… which has others" dlspare pool create gold --cpus 1 --exclusive --group $pod
	says "… that would come along" "would move what is in $pod/cri-containerd-pause.scope, which is no VM"
	kill $!
	goes_in_place default_web $web $group 2 2
	expect 0 "a reservation" dlspare set default_web --runtime 5ms --period 100ms
	expect 0 "status" dlspare status default_web
	says "… tells of the pod's quota" "quota       300ms of every 100ms by group $pod"
	dlspare reset --quiet
	housekept $web $group
	pinned $group
	nested $group
	kill $launcher
	end_unit $web $group
}

# KubeVirt puts the emulator's threads into a threaded group of their own: they stay there.
housekept() { # PID GROUP
	local before
	mkdir "$top/$2/housekeeping"
	echo threaded >"$top/$2/housekeeping/cgroup.type"
	echo +cpu >"$top/$2/cgroup.subtree_control"
	echo "50000 100000" >"$top/$2/housekeeping/cpu.max"
	echo "$1" >"$top/$2/housekeeping/cgroup.threads"
	before=$(picture)
	expect 0 "a pool beside a manager's own threads" dlspare pool create answers --cpus 1 --exclusive --group "$2"
	expect 0 "… for the VM" dlspare assign default_web answers --off
	same "… where they are" "/$2/housekeeping" "$(sed 's/^0:://' /proc/"$1"/task/"$1"/cgroup)"
	expect 0 "reset" dlspare reset
	same "… leaves all as found" "$before" "$(picture)"
	vcpu_of "$1" 1 >"$top/$2/housekeeping/cgroup.threads"
	expect 0 "a pool" dlspare pool create answers --cpus 1 --exclusive --group "$2"
	expect 3 "a vCPU that the manager has put somewhere is not taken away" dlspare assign default_web answers --off
	says "… and why" "its vCPU 1 is in group $2/housekeeping of another program"
	dlspare reset --quiet
	for task in /proc/"$1"/task/*; do echo "${task##*/}" >"$top/$2/cgroup.threads"; done
	rmdir "$top/$2/housekeeping"
	echo -cpu >"$top/$2/cgroup.subtree_control"
}

# kubelet's static policy: the container has CPUs of its own.
pinned() { # GROUP
	local before
	echo 2-3 >"$top/$1/cpuset.cpus"
	before=$(picture)
	expect 3 "I/O threads do not leave the CPUs of their container" dlspare set default_web --io housekeeping:0
	says "… and why" "to CPU 0: their group $1 has CPU 2-3 only"
	expect 0 "… within them they move" dlspare set default_web --io housekeeping:3
	expect 0 "reset" dlspare reset
	same "… leaves all as found" "$before" "$(picture)"
	echo 0-3 >"$top/$1/cpuset.cpus"
}

# A group with processes in groups below it can have no threads below it.
nested() { # GROUP
	local before sleeper
	mkdir "$top/$1/inner"
	sleep 1000 &
	sleeper=$!
	echo $sleeper >"$top/$1/inner/cgroup.procs"
	before=$(picture)
	expect 1 "a group that can have no threads below it is refused" dlspare pool create answers --cpus 1 --group "$1"
	says "… with the remedy" "can have no threads below: the VM needs a group that has nothing else"
	same "… and nothing is changed" "$before" "$(picture)"
	kill $sleeper
	wait $sleeper 2>/dev/null
	rmdir "$top/$1/inner"
}

# Whatever made the group: a unit, Firecracker's jailer, a container's runtime, a user's libvirtd.
others() {
	local group
	for group in system.slice/web.service firecracker/web lxc/web user.slice/user-7.slice/user@7.service/app.slice/virtqemud.service; do
		start_in web $group
		is_refused_elsewhere web $group
		goes_in_place web "$pid" $group 1 2
		end_unit "$pid" $group
	done
}

# What is started by hand is in its session's scope, and is nobody's.
by_hand() {
	local before group=user.slice/user-0.slice/session-3.scope
	start_in web $group
	before=$(picture)
	expect 0 "a pool" dlspare pool create gold --cpus 1 --exclusive
	expect 0 "a VM started by hand comes into it" dlspare assign web gold --off
	same "… from its login session" "/dlspare.slice/gold" "$(sed 's/^0:://' /proc/"$pid"/cgroup)"
	expect 0 "… and reset" dlspare reset
	same "… puts it back" "$before" "$(picture)"
	echo "50000 100000" >$top/user.slice/user-0.slice/cpu.max
	expect 0 "a pool" dlspare pool create gold --cpus 1 --exclusive
	expect 3 "one below a quota does not" dlspare assign web gold --off
	says "… and why" "it may have 50ms of every 100ms by group user.slice/user-0.slice, which would hold no more if it left group $group"
	dlspare reset --quiet
	end_unit "$pid" $group
}

# As systemd does to units that have not asked for it, whenever it sets up another one.
take_cpuset() { # GROUP...
	local group
	for group; do echo -cpuset >"$top/$group/cgroup.subtree_control" || return; done
}

give_cpuset() { # GROUP...
	local group
	for group; do echo +cpuset >"$top/$group/cgroup.subtree_control" || return; done
}

has_partition() { # GROUP
	[[ $(<"$top/$1/cpus/cpuset.cpus") == 1 && $(<"$top/$1/cpus/cpuset.cpus.partition") == root ]]
}

keeps_controllers() { # GROUP
	expect 1 "$1: systemd takes cpuset from it" take_cpuset "$1"
	says "… which the kernel refuses" "busy"
	expect 0 "… the pool is there" has_partition "$1"
	expect 0 "… and nothing differs" dlspare verify
	same "… and dlspared has nothing to tell" "" "$(</tmp/log)"
}

# In one look, and the vCPU keeps its reservation meanwhile.
regains_controllers() { # GROUP TID
	report "$(within 1000 dlspare verify --quiet; echo $?)" "… dlspared sets all anew" "$(</tmp/log)"
	expect 0 "… the pool is there" has_partition "$1"
	same "… with the reservation" SCHED_DEADLINE "$(schedof "$2" | grep -o SCHED_DEADLINE)"
	same "… which was never away, nor was the thread" "" "$(grep -E "chrt|cgroup.threads" /tmp/log)"
	same "… without an error" "" "$(grep "^<3>" /tmp/log)"
}

loses_controllers() { # GROUP TID DAEMON
	kill -STOP "$3"
	expect 0 "somebody takes cpuset from all, from below" take_cpuset "$1/cpus" "$1" "${1%/*}"
	expect 1 "… the pool is lost" has_partition "$1"
	kill -CONT "$3"
	regains_controllers "$1" "$2"
	same "… and says so once, with the remedy" 1 "$(grep -c "^<6>dlspared: $top/${1%/*}/cgroup.subtree_control has lost cpuset, .*Delegate=cpu cpuset" /tmp/log)"
	kill -STOP "$3"
	expect 0 "… and gives it back" take_cpuset "$1/cpus" "$1" "${1%/*}"
	give_cpuset "${1%/*}" "$1" "$1/cpus"
	expect 1 "… the pool is lost" has_partition "$1"
	kill -CONT "$3"
	regains_controllers "$1" "$2"
}

# Both write at the same time.
takes_turns() { # GROUP
	local n group
	for ((n = 0; n < 20; n++)); do
		for group in "$1/cpus" "$1" "${1%/*}"; do
			take_cpuset "$group" 2>/dev/null
			sleep "0.00$((RANDOM % 10))"
		done
		within 1000 dlspare verify --quiet || break
	done
	report "$((n < 20))" "20 times, at any moment of dlspared's: all is set anew" "$(</tmp/said)"
	same "… without an error" "" "$(grep "^<3>" /tmp/log)"
}

controllers() {
	local group=system.slice/web.service daemon vcpu before
	start_in web $group
	take_cpuset system.slice
	before=$(picture)
	dlspare pool create answers --quiet --runtime 1ms --period 10ms --cpus 1 --exclusive --group $group
	dlspare assign web answers --quiet
	expect 0 "a service with a pool" dlspare set web --runtime 20ms --period 100ms --io housekeeping
	rm -f /tmp/log
	dlspared -v 2>>/tmp/log &
	daemon=$!
	sleep 0.2
	vcpu=$(vcpu_of "$pid" 0)
	keeps_controllers $group
	loses_controllers $group "$vcpu" $daemon
	takes_turns $group
	kill $daemon
	wait $daemon
	expect 0 "reset" dlspare reset
	same "… leaves all as found" "$before" "$(picture)"
	end_unit "$pid" $group
}

main() {
	proxmox
	kubevirt
	others
	by_hand
	controllers
	plan
}

main
