#!/bin/bash
# In the testbed: in an exclusive pool each CPU is a partition, and each vCPU has one of them, unless global EDF is chosen.
set -uo pipefail
# shellcheck source=tests/tools/lib.sh
. /add/lib.sh
declare web db big plugged
readonly pool=/sys/fs/cgroup/dlspare.slice/gold

# Applies what is in force once more.
applies() { # NAME WRITES
	dlspare show >/tmp/policy
	expect 0 "$1" dlspare apply /tmp/policy
	same "… with $2" "$2" "${said##*: }"
}

# A line for each vCPU of a process: its number, its group below the pool's, its CPUs.
places() { # PID
	local task name
	for task in /proc/"$1"/task/*; do
		name=$(<"$task/comm")
		[[ $name != CPU* ]] || echo "${name//[!0-9]/} $(sed 's|.*/gold/||' "$task/cgroup") $(awk '/Cpus_allowed_list/ { print $2 }' "$task/status")"
	done | sort
}

partitions() {
	(cd "$pool" && grep -H "" cpu*/cpuset.cpus.partition cpu*/cpuset.cpus)
}

classes() { # PID
	local task
	for task in /proc/"$1"/task/*; do
		[[ $(<"$task/comm") != CPU* ]] || schedof "${task##*/}"
	done | grep -o 'policy: SCHED_[A-Z]*' | sort | uniq -c
}

one_each() {
	expect 0 "a pool on two CPUs" dlspare pool create gold --runtime 4ms --period 10ms --cpus 1-2 --exclusive
	expect 0 "… for a VM with two vCPUs" dlspare assign web gold
	expect 0 "… that have 20 % each" dlspare set web --runtime 20ms --period 100ms --io housekeeping
	same "each CPU is a partition" $'cpu1/cpuset.cpus.partition:root\ncpu2/cpuset.cpus.partition:root\ncpu1/cpuset.cpus:1\ncpu2/cpuset.cpus:2' "$(partitions)"
	same "each vCPU has one" $'0 cpu1/web.vm 1\n1 cpu2/web.vm 2' "$(places "$web")"
	same "both have their reservations" "      2 policy: SCHED_DEADLINE" "$(classes "$web")"
	same "the pool is one" "4000 10000 units=1 cpus=1-2" "$(<$pool/cpu.spare.pool)"
	same "both may borrow" $'on chances=max charge=0 reply=1 linger=200 timer=0\non chances=max charge=0 reply=1 linger=200 timer=0' "$(cat $pool/cpu*/web.vm/cpu.spare.borrow)"
	expect 0 "status" dlspare status web
	says "… shows one VM in both groups" "dlspare.slice/gold/cpu1/web.vm dlspare.slice/gold/cpu2/web.vm" "20ms/100ms" "on chances=max"
	expect 0 "pool show" dlspare pool show
	says "… shows one pool" " 1-2 exclusive" " 2 "
	echo off >$pool/cpu2/web.vm/cpu.spare.borrow
	expect 7 "verify sees what differs in one of the groups" dlspare verify
	expect 0 "… and so does status" dlspare status
	says "… which marks it" "off !"
	applies "apply sets it right" "1 write"
	applies "a second one changes nothing" "0 writes"
}

# Whatever comes, those that are there stay.
stays() {
	kill -USR1 "$web"
	sleep 0.1
	plugged=$(grep -lx 'CPU 2/KVM' /proc/"$web"/task/*/comm | cut -d/ -f5)
	applies "a vCPU is plugged in" "2 writes"
	same "… and moves nobody" $'0 cpu1/web.vm 1\n1 cpu2/web.vm 2\n2 cpu1/web.vm 1' "$(places "$web")"
	expect 0 "another VM" dlspare assign db gold
	expect 0 "… with 25 %" dlspare set db --runtime 25ms --period 100ms
	same "… goes where it fits" "0 cpu2/db.vm 2" "$(places "$db")"
	same "… and moves nobody" $'0 cpu1/web.vm 1\n1 cpu2/web.vm 2\n2 cpu1/web.vm 1' "$(places "$web")"
}

# 3 x 20 % and 35 % are less than two CPUs have left, and fit on no two.
refuses() {
	local before
	before=$(picture)
	expect 4 "what fits on no CPU is refused" dlspare set db --runtime 35ms
	says "… with the numbers of each, and what would fit" "no room on CPU 2" "makes 1.0000, and the limit is 0.9500; left: 0.1000 on CPU 1; would fit:" \
		"30ms of every 100ms for VM 'db'" "or global EDF, by dlspare pool set gold --edf global"
	same "… and changes nothing" "$before" "$(picture)"
	expect 0 "global EDF" dlspare pool set gold --edf global
	same "… is one partition" $'cpus/cpuset.cpus.partition:root\ncpus/cpuset.cpus:1-2' "$(partitions)"
	same "… for all vCPUs" $'0 cpus/web.vm 1-2\n1 cpus/web.vm 1-2\n2 cpus/web.vm 1-2' "$(places "$web")"
	expect 0 "… where it fits" dlspare set db --runtime 35ms
	same "… with all reservations" "      3 policy: SCHED_DEADLINE" "$(classes "$web")"
	applies "a second apply changes nothing" "0 writes"
	expect 4 "there is no way back" dlspare pool set gold --edf partitioned
	expect 0 "… before that is less" dlspare set db --runtime 25ms
	expect 0 "… and then there is" dlspare pool set gold --edf partitioned
	same "… to a partition each" $'0 cpu2/web.vm 2\n1 cpu1/web.vm 1\n2 cpu2/web.vm 2' "$(places "$web")"
}

moves() {
	expect 4 "a CPU less is refused" dlspare pool set gold --cpus 2
	expect 0 "with less for each VM" dlspare set web --runtime 10ms
	expect 0 "… and each" dlspare set db --runtime 15ms
	expect 0 "… it is not" dlspare pool set gold --cpus 2
	same "all are on the other" $'0 cpu2/web.vm 2\n1 cpu2/web.vm 2\n2 cpu2/web.vm 2' "$(places "$web")"
	same "… with their reservations" "      3 policy: SCHED_DEADLINE" "$(classes "$web")"
	expect 0 "CPUs more" dlspare pool set gold --cpus 1-3
	same "… are used" $'0 cpu2/web.vm 2\n1 cpu3/web.vm 3\n2 cpu1/web.vm 1' "$(places "$web")"
	expect 0 "verify" dlspare verify
	expect 0 "a VM of 45 %" dlspare assign big gold
	expect 0 "… beside others that have 25 and 20 % on two CPUs" dlspare set big --runtime 45ms --period 100ms
	same "… moves them" 1 "$(cat $pool/cpu"$(places "$big" | cut -d' ' -f3)"/*.vm/cgroup.threads | wc -l)"
	expect 0 "verify" dlspare verify
	expect 0 "it goes" dlspare unset big
}

devices() {
	expect 3 "a device for one of two VMs on the same CPUs is refused" dlspare set web --device tapa
	says "… with what can be done" "VM 'web'" "none has these vCPUs alone" "make the pool's edf global"
	expect 0 "one for a VM on one CPU" dlspare set db --device tapa
	same "… is its group's" tapa "$(cat $pool/cpu*/db.vm/cpu.spare.dev)"
	expect 0 "without that VM" dlspare unset db
	expect 0 "… it may be the other's" dlspare set web --device tapa
	same "… at the pool's group" tapa "$(<$pool/cpu.spare.dev)"
	expect 0 "status" dlspare status web
	says "… shows it" "watched     tapa"
	expect 3 "another VM comes too late" dlspare assign db gold
	expect 0 "none" dlspare set web --device none
	same "… takes it away" "" "$(<$pool/cpu.spare.dev)"
}

# One group for all CPUs, which has the pool too: what there was before partitions.
older() {
	expect 0 "one partition" dlspare pool set gold --edf global --cpus 1-2
	sed -i 's/ edf = "global";//' /run/dlspare/policy.conf
	sed -i $'s|^value\tdlspare.slice/gold\tcpu.spare.pool|value\tdlspare.slice/gold/cpus\tcpu.spare.pool|' /run/dlspare/ledger
	echo none >$pool/cpu.spare.pool
	echo 4000 10000 cpus=1-2 >$pool/cpus/cpu.spare.pool
	expect 7 "verify sees the layout of before" dlspare verify
	dlspare show >/tmp/policy
	expect 0 "apply" dlspare apply /tmp/policy
	same "… makes a partition of each CPU" $'cpu1/cpuset.cpus.partition:root\ncpu2/cpuset.cpus.partition:root\ncpu1/cpuset.cpus:1\ncpu2/cpuset.cpus:2' "$(partitions)"
	same "… for each vCPU" $'0 cpu1/web.vm 1\n1 cpu2/web.vm 2\n2 cpu1/web.vm 1' "$(places "$web")"
	same "… with its reservation" "      3 policy: SCHED_DEADLINE" "$(classes "$web")"
	same "… and one pool" "4000 10000 units=1 cpus=1-2" "$(<$pool/cpu.spare.pool)"
	expect 0 "verify" dlspare verify
	expect 0 "reset" dlspare reset
}

hotplug() {
	echo 0 >/sys/devices/system/cpu/cpu2/online
	expect 0 "a pool of CPUs only, one of them offline," dlspare pool create gold --cpus 1-2 --exclusive
	expect 0 "… for a VM" dlspare assign web gold --off
	same "… uses the other" $'0 cpu1/web.vm 1\n1 cpu1/web.vm 1\n2 cpu1/web.vm 1' "$(places "$web")"
	echo 1 >/sys/devices/system/cpu/cpu2/online
	dlspare show >/tmp/policy
	expect 0 "it is online" dlspare apply /tmp/policy
	same "… and used" $'0 cpu1/web.vm 1\n1 cpu2/web.vm 2\n2 cpu1/web.vm 1' "$(places "$web")"
	expect 0 "reset" dlspare reset
}

# A VM leaves a pool in which another one stays. With the process's first thread on CPUs that do not change the kernel
# changes no other thread's, either (cpuset_attach()).
leaves() {
	local before
	before=$(places "$db")
	expect 0 "a pool for two VMs" dlspare pool create gold --cpus 1-2 --exclusive
	expect 0 "… one of them" dlspare assign web gold --off
	expect 0 "… and the other, that has no reservation" dlspare assign db gold --off
	report "$([[ $(places "$db") == *" cpu"[12]/db.vm" "[12] ]]; echo $?)" "… is on one of its CPUs" "$(places "$db")"
	expect 0 "it is taken out" dlspare unset db
	same "… and on all that the pool leaves" "${before% *} 0,3" "$(places "$db")"
	expect 0 "reset" dlspare reset
	same "… and on all CPUs" "$before" "$(places "$db")"
}

main() {
	local untouched
	ip tuntap add tapa mode tap
	start_fake web 2 || exit 1
	web=$pid
	start_fake db || exit 1
	db=$pid
	start_fake big || exit 1
	big=$pid
	untouched=$(picture)
	one_each
	stays
	refuses
	moves
	devices
	older
	hotplug
	leaves
	# But for the vCPU that was plugged in.
	same "everything is as found" "$untouched" "$(picture | grep -v "^/proc/$web/task/$plugged ")"
	plan
}

main
