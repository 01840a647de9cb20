#!/bin/bash
# In the testbed, on 3 CPUs: a VM's latency is held, missed, and held again, and who should tell does.
#   testbed run --cpus 3 --add lib.sh --add DLSPARE --add DLSPARED --add WORKVM targets.sh
set -uo pipefail
# shellcheck source=tests/tools/lib.sh
. /add/lib.sh
export PATH=$PATH:/add

# It computes all the time, and borrows.
start_borrower() { # NAME
	start_work "$1" spin || return
	dlspare assign "$1" gold --no-reply --quiet
	dlspare set "$1" --runtime 4ms --period 100ms --device any --quiet
}

# Each has the unit for itself; or a waits until b's own budget is back.
quick() {
	for _ in 1 2 3; do
		depleted a
		event a
		sleep 0.1
	done
}
slow() {
	for _ in 1 2 3; do
		depleted b
		event b
		depleted a
		event a
		sleep 0.1
	done
}

# A minute later the daemon looks again.
look() {
	local file=/run/dlspare/latency time
	if [[ -e $file ]]; then
		time=$(grep -oE '"time":[0-9]+' $file)
		sed -i "s/$time/\"time\":$((${time#*:} - 60000000000))/" $file
	fi
	dlspared --once >/tmp/log 2>&1
	said=$(</tmp/log)
}

missed() { # 0|1
	dlspare metrics >/tmp/metrics
	grep -Fx "dlspare_vm_latency_missed{vm=\"a\",pool=\"gold\"} $1" /tmp/metrics || { grep latency_missed /tmp/metrics; return 1; }
}

pool_is() { # NAME
	same "$1" "1100 11000 units=2 cpus=1" "$(</sys/fs/cgroup/dlspare.slice/gold/cpu.spare.pool)"
}

# What `slow` shows missed with one unit of (1,10) ms is held with those that are chosen.
chosen() {
	dlspare set a --latency none --quiet
	expect 3 "without a latency no units are chosen" dlspare pool set gold --spare auto
	says "… says so" "pool 'gold': spare 'auto' needs a latency"
	expect 0 "a target" dlspare set a --latency 20ms
	expect 0 "units are chosen" dlspare pool set gold --spare auto
	says "… and told of" "pool 'gold', auto: units 2 of (1.1ms, 11ms): 2(Ps-Qs) = 19.8ms <= latency 20ms of VM 'a'" "a unit for each of 2 vCPUs"
	pool_is "… the kernel has them"
	look
	slow
	slow
	look
	expect 0 "… the target is held" missed 0
	expect 0 "… verify" dlspare verify
	says "… what is chosen" "pool 'gold', auto: units 2 of (1.1ms, 11ms)"
	look
	report "$([[ $said != *"as configured again"* ]]; echo $?)" "… the daemon has nothing to do" "$said"
	dlspare show --file >/tmp/policy
	expect 0 "… the same policy again" dlspare apply /tmp/policy
	says "… writes nothing" ": 0 writes"
	expect 0 "… show" dlspare show --json
	says "… what was given and what it is" '"auto": true' '"runtime_ns": 1100000' '"units_per_cpu": 2'
	expect 0 "… status" dlspare status --json
	says "… that too" '"auto": true' '"runtime_ns": 1100000' '"units_per_cpu": 2'
	expect 4 "what leaves no room for them" dlspare set b --runtime 75ms
	says "… is refused with the numbers" "spare 'auto' holds latency 20ms of VM 'a' with units 2 of (1.1ms, 11ms) at least, which take 0.2000; CPU 1 has"
	pool_is "… and changes nothing"
	if start_fake c 2; then
		dlspare assign c gold --quiet
		expect 0 "a VM with more vCPUs than the policy names" dlspare set c --runtime 1ms --period 100ms
		says "… is one more that borrows" "pool 'gold', auto: units 3 of (1.1ms, 11ms)"
		says "… and told of" "pool 'gold': spare 'auto' counts 1 of the 2 vCPUs of VM 'c': say vcpus = \"0-1\""
		expect 0 "… with all of them named" dlspare set c --vcpu 0-1
		says "… are as many units more" "pool 'gold', auto: units 4 of (1.1ms, 11ms)"
		stop_fake "$pid"
		# Its group is left, for the daemon.
		expect 7 "… when it has ended" dlspare verify
		says "… they stay" "units 4 of (1.1ms, 11ms)" ": 2 writes" "rmdir /sys/fs/cgroup/dlspare.slice/gold/cpu1/c.vm"
		expect 0 "… without it" dlspare unset c
		pool_is "… there are two again"
	else
		report 1 "a VM of two vCPUs"
	fi
	expect 3 "the last latency stays" dlspare set a --latency none
}

main() {
	# A minute ago there was a host.
	sleep 61
	dlspare pool create gold --runtime 1ms --period 10ms --cpus 1 --exclusive --quiet
	if ! start_borrower a || ! start_borrower b; then
		report 1 "two VMs"
		plan
		return
	fi
	expect 0 "a target" dlspare set a --latency 20ms
	says "… is told of" "events within 20ms"
	expect 3 "no VM with one leaves its pool" dlspare assign a none
	expect 0 "verify before it was judged" dlspare verify
	says "… says so" "VM 'a': nobody has judged its latency"
	look
	same "what came before is not judged" "" "$said"
	quick
	look
	same "held: nothing is said" "" "$said"
	expect 0 "… verify" dlspare verify
	expect 0 "… metrics" missed 0
	slow
	look
	says "missed: it is said" "<4>dlspared: VM 'a': latency 20ms is missed: of " " waits and events since the last look " "% were within 20ms"
	expect 7 "… verify" dlspare verify
	says "… which VM" "VM 'a': latency 20ms is missed: of the last "
	report "$([[ $said != *"of the last 0 "* && $said != *"100% were"* ]]; echo $?)" "… and of how many" "$said"
	expect 0 "… metrics" missed 1
	look
	same "… and not again, when nothing comes" "" "$said"
	expect 7 "… verify" dlspare verify
	report "$([[ $said != *"of the last 0 "* ]]; echo $?)" "… of those that came last" "$said"
	quick
	look
	says "held again: it is said" "<5>dlspared: VM 'a': latency 20ms is held again: "
	expect 0 "… verify" dlspare verify
	expect 0 "… metrics" missed 0
	expect 0 "a target that the pool cannot hold" dlspare set a --latency 5ms
	dlspare show >/tmp/policy
	expect 0 "… validate says it" dlspare validate /tmp/policy
	says "… by which formula" "VM 'a': latency 5ms cannot be held: a fresh unit of pool 'gold' answers within Ps-Qs = 9ms"
	chosen
	expect 0 "units are given again" dlspare pool set gold --runtime 1ms --period 10ms
	expect 0 "without a target" dlspare set a --latency none
	look
	expect 1 "… there is no metric" missed 0
	expect 0 "reset" dlspare reset
	report "$([[ ! -e /run/dlspare/latency ]]; echo $?)" "… forgets what was judged"
	stop_fake "${works[a]}"
	stop_fake "${works[b]}"
	plan
}

main
