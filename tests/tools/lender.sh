#!/bin/bash
# In the testbed, on 3 CPUs, on either kernel: who lends, ceilings, the files for dlspare-lender, and how dlspared keeps it. A
# program in its place notes that it was started and signalled, and lends nothing.
#   testbed run --cpus 3 --add lib.sh --add DLSPARE --add DLSPARED --add dlspare-lender --add FAKEVM --add PICTURE --add SCHEMA lender.sh
set -uo pipefail
shopt -s globstar
# shellcheck source=tests/tools/lib.sh
. /add/lib.sh
export PATH=$PATH:/add
readonly top=/sys/fs/cgroup files=/run/dlspare/lender terms="on chances=max charge=0 reply=1 linger=200 timer=0"
readonly gold=dlspare.slice/gold web=dlspare.slice/gold/cpu1/web.vm

policy() { # TOP-LEVEL VM
	cat <<END
$1
pools = ( { name = "gold"; runtime = "1ms"; period = "10ms"; cpus = "1-2"; exclusive = true; } );
vms = ( { name = "web"; runtime = "40ms"; period = "100ms"; pool = "gold"; $2 } );
END
}

text_of() { # FILE
	[[ ! -e $1 ]] || cat "$1"
}

# All files for the lender, with what they say.
all_files() {
	local file
	for file in "$files"/**; do
		[[ ! -f $file ]] || echo "${file#"$files"/}:$(<"$file")"
	done
}

vcpus_of() { # PID
	grep -lx "CPU [0-9]*/KVM" /proc/"$1"/task/*/comm | cut -d/ -f5
}

classes_of() { # PID: of its vCPUs
	local tid
	for tid in $(vcpus_of "$1"); do schedof "$tid" | grep -oE 'SCHED_[A-Z]+' | head -n 1; done
}

lender() { grep -lsx dlspare-lender /proc/[0-9]*/comm | cut -d/ -f3 | grep .; }
started() { [[ $(grep -c started /tmp/lender) == "$1" ]]; }
hupped() { grep -qs HUP /tmp/lender; }
no_lender() { ! lender; }

patched() {
	grep -q ' __sched_spare_event$' /proc/kallsyms
}

# The policy that names neither lender nor class.
goes_with_both() {
	local daemon
	policy '' '' >/tmp/both
	rm -f /tmp/lender
	expect 0 "a policy that names no lender: validate" dlspare validate /tmp/both
	expect 0 "… apply" dlspare apply /tmp/both
	dlspared 2>/tmp/log &
	daemon=$!
	if patched; then
		same "… on the patched kernel its vCPUs have reservations" "SCHED_DEADLINE SCHED_DEADLINE" "$(classes_of "$vm" | paste -sd ' ')"
		same "… and no ceiling" "max 100000" "$(<$top/$web/cpu.max)"
		same "… the kernel lends" "1000 10000 units=1 cpus=1-2 $terms" "$(<$top/$gold/cpu.spare.pool) $(<$top/$web/cpu.spare.borrow)"
		sleep 1
		report "$([[ ! -e /tmp/lender && ! -e $files ]]; echo $?)" "… and dlspare-lender is not started" "$(text_of /tmp/lender; all_files)"
		expect 0 "… status" dlspare status web
		says "… calls it a reservation" "reservation 40ms/100ms" "the kernel"
	else
		same "… on another kernel its vCPUs are ordinary threads" "SCHED_OTHER SCHED_OTHER" "$(classes_of "$vm" | paste -sd ' ')"
		same "… with a ceiling" "40000 100000" "$(<$top/$web/cpu.max)"
		report "$(within 2000 lender; echo $?)" "… and dlspare-lender is started" "$(</tmp/log)"
		expect 0 "… status" dlspare status web
		says "… calls it a ceiling" "a ceiling, not a reservation" "dlspare-lender"
	fi
	expect 0 "… verify" dlspare verify
	kill $daemon
	wait $daemon
	expect 0 "… reset" dlspare reset
}

ceilings() {
	local before
	before=$(picture)
	policy 'lender = "daemon";' '' >/tmp/policy
	expect 0 "the daemon lends: validate" dlspare validate /tmp/policy
	says "… calls it a ceiling, and says what Ps depends on" "VM 'web': a ceiling, not a reservation" "Ps holds when dlspare-lender is woken in time" \
		"0.4000  ceiling of VM 'web': 1 vCPU x 40ms/100ms"
	expect 0 "… apply" dlspare apply /tmp/policy
	says "… says that nobody lends yet" "units are lent by dlspare-lender while dlspared runs, which it does not"
	same "… each vCPU's group has a ceiling" "40000 100000 40000 100000" "$(<$top/$web/cpu.max) $(<$top/$gold/cpu2/web.vm/cpu.max)"
	same "… threads keep their class" "SCHED_OTHER SCHED_OTHER" "$(classes_of "$vm" | paste -sd ' ')"
	same "… the lender has what it needs" "$gold/cpu.spare.pool:1000 10000 units=1 cpus=1-2
$web/cpu.spare.borrow:$terms
$gold/cpu2/web.vm/cpu.spare.borrow:$terms" "$(all_files)"
	expect 0 "… again" dlspare apply /tmp/policy
	says "… writes nothing" ": 0 writes"
	expect 0 "… verify" dlspare verify
	expect 0 "… status --json" dlspare status --json
	says "… says who lends what" '"lender": "daemon"' '"class": "quota"' '"runtime_ns": 40000000' '"reservation_differs": false' "$terms"
	expect 0 "… is as the schema says" schema /add/dlspare.schema.json <<<"$said"
	dlspare validate /tmp/policy --json >/tmp/document 2>/dev/null
	expect 0 "… so is validate's" schema /add/dlspare.schema.json </tmp/document
	echo "nr_events 7" >$files/$web/cpu.spare.stat
	expect 0 "… metrics" dlspare metrics
	says "… are what the lender has counted" 'dlspare_vm_events_total{vm="web",pool="gold"} 7'
	echo "20000 100000" >$top/$web/cpu.max
	expect 7 "cpu.max that another has changed" dlspare verify
	expect 0 "… status" dlspare status web
	says "… shows it" "20ms/100ms ! the policy says 40ms/100ms"
	expect 0 "… is set right" dlspare apply /tmp/policy
	same "… as it was" "40000 100000" "$(<$top/$web/cpu.max)"
	expect 4 "more than the CPU is" dlspare set web --runtime 91ms
	says "… is refused with the sum" "makes 1.0100, and there is no more than 1.0000; left: -0.0100 on CPU 2; would fit: 90ms of every 100ms for VM 'web'"
	expect 0 "up to that it is taken" dlspare set web --runtime 90ms
	says "… and called what it is" "VM 'web': at most 90ms in every 100ms"
	expect 3 "a reservation that borrows" dlspare set web --class deadline
	says "… is refused with the reason" "class 'deadline' cannot borrow where dlspare-lender lends"
	expect 3 "charge" dlspare assign web gold --charge
	says "… is refused with the reason" "each write of cpu.max fills the quota up"
	dlspare set web --runtime 40ms --quiet
	dlspare assign web gold --off --quiet
	expect 0 "one that does not borrow is taken" dlspare set web --class deadline
	same "… its ceiling goes" "max 100000 SCHED_DEADLINE SCHED_DEADLINE" "$(<$top/$web/cpu.max) $(classes_of "$vm" | paste -sd ' ')"
	expect 0 "reset" dlspare reset
	same "… leaves all as it was" "$before" "$(picture)"
	report "$([[ ! -e $files ]]; echo $?)" "… and no file" "$(all_files)"
}

# From one lender to the other and back nothing is left of either.
changes_lender() {
	patched || return 0
	policy 'lender = "daemon";' '' >/tmp/policy
	policy '' 'class = "quota";' >/tmp/quota
	dlspare apply --quiet /tmp/policy
	expect 3 "a ceiling where the kernel lends" dlspare apply /tmp/quota
	says "… is refused with the reason and the remedy" "class 'quota' cannot borrow where the kernel lends" 'lender = "daemon", which works on this kernel, too'
	same "… and changes nothing" "40000 100000 none" "$(<$top/$web/cpu.max) $(<$top/$gold/cpu.spare.pool)"
	expect 0 "from the daemon to the kernel" dlspare apply /tmp/both
	same "… the kernel has all" "max 100000 1000 10000 units=1 cpus=1-2" "$(<$top/$web/cpu.max) $(<$top/$gold/cpu.spare.pool)"
	report "$([[ ! -e $files ]]; echo $?)" "… the lender nothing" "$(all_files)"
	expect 0 "and back" dlspare apply /tmp/policy
	same "… the kernel has nothing" "40000 100000 none" "$(<$top/$web/cpu.max) $(<$top/$gold/cpu.spare.pool)"
	dlspare reset --quiet
}

# As libvirt does: a group for each vCPU, with a quota of its manager's.
adopts() {
	local group=machine.slice/machine-gold.slice tids before
	mkdir -p $top/$group/web/{vcpu0,vcpu1}
	echo +cpu >$top/machine.slice/cgroup.subtree_control
	echo +cpu >$top/$group/cgroup.subtree_control
	echo "$vm" >$top/$group/web/cgroup.procs
	echo threaded >$top/$group/web/vcpu0/cgroup.type
	echo threaded >$top/$group/web/vcpu1/cgroup.type
	echo +cpu >$top/$group/web/cgroup.subtree_control
	mapfile -t tids < <(vcpus_of "$vm")
	echo "${tids[0]}" >$top/$group/web/vcpu0/cgroup.threads
	echo "${tids[1]}" >$top/$group/web/vcpu1/cgroup.threads
	echo "20000 100000" >$top/$group/web/vcpu0/cpu.max
	before=$(picture)
	cat >/tmp/policy <<END
lender = "daemon";
pools = ( { name = "gold"; runtime = "1ms"; period = "10ms"; group = "$group"; } );
vms = ( { name = "web"; runtime = "40ms"; period = "100ms"; pool = "gold"; } );
END
	expect 0 "in groups of a manager" dlspare apply /tmp/policy
	says "… that it has given a vCPU less is told" "VM 'web': its manager has given group $group/web/vcpu0 20ms of every 100ms, which is less than the policy's 40ms of every 100ms"
	same "… the policy counts" "40000 100000 40000 100000" "$(<$top/$group/web/vcpu0/cpu.max) $(<$top/$group/web/vcpu1/cpu.max)"
	same "… and the lender has the terms" "$group/cpu.spare.pool:1000 10000 units=1 cpus=0-2
$group/web/cpu.spare.borrow:$terms" "$(all_files)"
	expect 0 "… verify" dlspare verify
	expect 0 "reset" dlspare reset
	same "… puts the manager's back" "$before" "$(picture)"
	echo "${tids[0]}" >$top/$group/web/cgroup.threads
	expect 3 "a vCPU among the other threads" dlspare apply /tmp/policy
	says "… is refused with the remedy" "would share the ceiling of the vCPUs: give the VM a pool of its own, with the group \"$group/web\""
	echo "$vm" >$top/cgroup.procs
	rmdir $top/$group/web/vcpu? $top/$group/web $top/$group $top/machine.slice
}

keeps_the_lender() {
	local daemon pid_of_it
	rm -f /tmp/lender
	policy 'lender = "daemon";' '' >/tmp/policy
	mkdir -p /etc/dlspare
	cp /tmp/policy /etc/dlspare/dlspare.conf
	dlspared 2>/tmp/log &
	daemon=$!
	report "$(within 2000 lender; echo $?)" "dlspared starts the lender" "$(</tmp/log)"
	pid_of_it=$(</tmp/said)
	expect 0 "… and apply" dlspare apply /tmp/policy
	report "$([[ $said != *"which it does not"* ]]; echo $?)" "… does not say that nobody lends" "$said"
	rm -f /tmp/lender
	dlspare set web --runtime 30ms --quiet
	report "$(within 2000 hupped; echo $?)" "… tells it what a command has changed" "$(text_of /tmp/lender)"
	kill -9 "$pid_of_it"
	report "$(within 3000 started 1; echo $?)" "… starts it again" "$(</tmp/log)"
	report "$([[ $(</tmp/log) == *"<3>dlspared: dlspare-lender was killed by signal 9"* ]]; echo $?)" "… and tells of it" "$(</tmp/log)"
	kill -9 "$(lender)"
	report "$(within 4000 started 2; echo $?)" "… and again" "$(</tmp/log)"
	same "… that is told once" 1 "$(grep -c dlspare-lender /tmp/log)"
	dlspare pool set gold --runtime 2ms --quiet
	dlspare assign web none --quiet
	dlspare pool delete gold --quiet
	report "$(within 2000 no_lender; echo $?)" "without a pool that has units it is ended" "$(text_of /tmp/lender)"
	dlspare apply --quiet /tmp/policy
	report "$(within 2000 lender; echo $?)" "with one it runs again"
	kill -9 $daemon
	wait $daemon 2>/dev/null
	report "$(within 500 no_lender; echo $?)" "it dies with the daemon"
	dlspared 2>/tmp/log &
	daemon=$!
	within 2000 lender
	kill $daemon
	wait $daemon
	report $? "the daemon ends"
	report "$(no_lender; echo $?)" "… and it, too" "$(lender)"
	dlspare reset --quiet
}

# What ends by itself leaves nothing.
follows_vms() {
	policy 'lender = "daemon";' '' >/tmp/policy
	dlspare apply --quiet /tmp/policy
	echo "nr_events 7" >$files/$web/cpu.spare.stat
	stop_fake "$vm"
	dlspared --once 2>/tmp/log
	report $? "a VM ends" "$(</tmp/log)"
	same "… and takes its files along" "$gold/cpu.spare.pool:1000 10000 units=1 cpus=1-2" "$(all_files)"
	dlspare reset --quiet
	report "$([[ ! -e $files ]]; echo $?)" "… and the pool its own" "$(all_files)"
}

main() {
	local vm
	start_fake web 2 || exit 1
	vm=$pid
	patched && echo "# patched kernel" || echo "# another kernel"
	goes_with_both
	ceilings
	changes_lender
	adopts
	keeps_the_lender
	follows_vms
	plan
}

main
