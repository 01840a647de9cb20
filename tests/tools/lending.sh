#!/bin/bash
# In the testbed, on an unpatched kernel: dlspare-lender itself, as dlspared runs it. On one CPU, where all its threads are on the
# CPU that it lends, and on two: what loans do for a VM, and that each ends, whoever dies.
#   testbed run --cpus 1|2 --add lib.sh --add DLSPARE --add DLSPARED --add DLSPARE-LENDER --add WORKVM --add counts lending.sh
set -uo pipefail
shopt -s globstar
# shellcheck source=tests/tools/lib.sh
. /add/lib.sh
export PATH=$PATH:/add

readonly top=/sys/fs/cgroup files=/run/dlspare/lender pool=dlspare.slice/gold
cpu=$(($(nproc --all) - 1))
readonly cpu
# Of each so many.
answers='' kills='' loans=''
# shellcheck disable=SC1091
. /add/counts
readonly answers kills loans

daemon=''

# --- VMs, and who lends to them ---

policy() { # RUNTIME PERIOD VM...
	local own='' vms='' vm
	((cpu == 0)) || own="exclusive = true;"
	((cpu == 0)) || vms='io = { policy = "housekeeping"; };'
	echo "lender = \"daemon\"; pools = ( { name = \"gold\"; runtime = \"$1\"; period = \"$2\"; cpus = \"$cpu\"; $own } ); vms = ("
	for vm in "${@:3}"; do
		[[ $vm == "$3" ]] || echo ,
		echo "{ name = \"$vm\"; runtime = \"20ms\"; period = \"100ms\"; pool = \"gold\"; $vms }"
	done
	echo ");"
}

configure() { # as policy()
	policy "$@" >/tmp/policy
	expect 0 "${*:3}: a policy" dlspare apply --quiet /tmp/policy
}

lender_pid() { grep -lsx dlspare-lender /proc/[0-9]*/comm | cut -d/ -f3 | grep .; }
lends() { [[ -e $files/$pool/cpu.spare.stat ]]; }
group_of() { grep -oE '[^:]*$' "/proc/${worker[$1]}/cgroup"; }

start_lending() {
	dlspared 2>>/tmp/log &
	daemon=$!
	disown $daemon
	within 5000 lends || { echo "# nobody lends: $(</tmp/log)"; return 1; }
}

stop_lending() {
	kill "$daemon" 2>/dev/null
	within 3000 no_daemon
	rm -f $files/**/cpu.spare.{stat,latency}
	daemon=''
}

no_daemon() { [[ ! -d /proc/$daemon ]]; }

counter() { # NAME [FILE]
	awk -v name="$1" '$1 == name { print $2 }' "${2:-$files/$pool/cpu.spare.stat}"
}

has_borrowed() { (($(counter nr_borrows) >= $1)); }

# --- what holds at any time ---

# 20 is an ordinary thread's; one that has inherited has less.
is_ordinary() { # VM
	[[ $(sed 's/.*) //' "/proc/${worker[$1]}/stat" | cut -d ' ' -f 16) == 20 ]]
}

all_back() {
	[[ $(counter units_busy) == 0 ]] &&
		(($(counter nr_borrows) == $(awk '/^returned_/ { sum += $2 } END { print sum }' $files/$pool/cpu.spare.stat)))
}

ran_ns() { # VM
	cut -d ' ' -f 1 "/proc/${worker[$1]}/schedstat"
}

# Of the CPU, in thousandths, for a virtual second.
share() { # VM
	local ran=$((-$(ran_ns "$1"))) since=${EPOCHREALTIME/./}
	sleep 1
	ran=$((ran + $(ran_ns "$1")))
	echo $((ran / (${EPOCHREALTIME/./} - since)))
}

# Its ceiling is 200, and a unit 100. A period of either that has begun may count whole.
has_its_share() { # VM
	local now
	now=$(share "$1")
	report "$(((now < 190 || now > 310) ? 1 : 0))" "$1 has its ceiling, and no more than a unit on top" "$now"
}

# --- tests ---

# Sorted times of the last answers, in us.
times() { # VM
	grep -E '^[0-9.]+$' "/tmp/work.$1" | tail -n "$answers" | sort -n
}

has_answered() { # VM NR
	(($(grep -cE '^[0-9.]+$' "/tmp/work.$1") >= $2))
}

# The CPU's turn, a tick of the testbed's kernel, is late for each wake-up of another CPU: 1000.
answers_in_time() { # a CPU apart
	local late
	start_work web answer -msi 9000
	within 4000 has_answered web 30
	: >/tmp/work.web
	configure 1ms 10ms web
	within 20000 has_answered web 60
	late=$(times web | awk '$1 > 40000' | wc -l)
	report "$((late < 3))" "without a lender many answers are late" "$late of 60"
	start_lending
	report $? "dlspared starts the lender"
	sleep 0.5
	: >/tmp/work.web
	# Who looks on would take turns of the emulated CPUs.
	sleep $((answers / 90 + 1))
	within $((answers * 20)) has_answered web "$answers"
	report "$(times web | awk '{ a[NR] = $1 } END { exit !(NR >= '"$answers"' && a[int(NR / 2)] < 150) }'; echo $?)" \
		"with it half of them take less than 150 us" "$(times web | awk '{ a[NR] = $1 } END { print a[int(NR / 2)], a[int(NR * 0.99)], a[NR] }')"
	# A CPU of the emulator that stands still for some turns makes a loan too long, and its unit pays that back.
	late=$(times web | awk '$1 > 11000 + 1000' | wc -l)
	report "$((late * 33 > answers))" "… and 97 of 100 no more than a period of its unit, and two turns of a CPU" "$(times web | tail -n 5)"
	report "$(within 200 all_back; echo $?)" "… all loans come back" "$(<$files/$pool/cpu.spare.stat)"
	has_its_share web
	stop_lending
	stop_fake "${works[web]}"
	dlspare reset --quiet
}

# At any moment, of which some are in a loan, and whatever was on loan is an ordinary thread again within a period.
dies() { # WHAT PID-FUNCTION
	local n bad='' on_loan=0
	for ((n = 0; n < kills; n++)); do
		start_lending || bad+="$n: $(tail -n 1 /tmp/log); "
		within 2000 has_borrowed 1 || bad+="$n: no loan; "
		sleep "0.0$((RANDOM % 100))"
		is_ordinary web || on_loan=$((on_loan + 1))
		kill -9 "$("$2")"
		within 20 is_ordinary web || bad+="$n: the vCPU stays boosted; "
		stop_lending
		[[ ! $bad ]] || break
	done
	report ${#bad} "$kills times $1 is killed: no loan outlasts it" "$bad"
	# Who looks takes the emulated CPU's turn: there is no number of them to ask for.
	echo "# in a loan at about that time: $on_loan"
}

daemon_pid() { echo "$daemon"; }

is_killed() {
	start_work web answer -msi 0
	configure 4ms 10ms web
	dies "the lender" lender_pid
	dies "the daemon" daemon_pid
	configure 1ms 10ms web
	start_lending
	sleep 1
	said=$(dlspare --no-color doctor 2>&1)
	report "$([[ $said != *"dlspare-lender ("* ]]; echo $?)" "doctor takes its reservations for nobody else's" "$said"
	has_its_share web
	stop_lending
	stop_fake "${works[web]}"
	dlspare reset --quiet
}

# The VM ends while it has the unit, is stopped while it has it, and another one gets it.
loses_vms() {
	local n bad=''
	start_work stays answer -msi 7000
	for ((n = 0; n < kills; n++)); do
		start_work "goes$n" answer -msi 2000
		policy 1ms 10ms stays "goes$n" >/tmp/policy
		dlspare apply --quiet /tmp/policy || bad+="$n: apply; "
		((n)) || start_lending
		sleep "0.$((RANDOM % 10))$((RANDOM % 10))"
		((n % 2)) || kill -STOP "${works[goes$n]}"
		((n % 2)) || sleep 0.05
		kill -9 "${works[goes$n]}"
		wait "${works[goes$n]}" 2>/dev/null
	done
	report ${#bad} "$kills VMs end, on loan or not" "$bad"
	kill -STOP "${works[stays]}"
	report "$(within 2000 all_back; echo $?)" "… and all loans come back" "$(<$files/$pool/cpu.spare.stat)"
	n=$(counter nr_borrows)
	kill -CONT "${works[stays]}"
	report "$(within 2000 has_borrowed $((n + 10)); echo $?)" "… the one that is left borrows on" "$(<$files/$pool/cpu.spare.stat)"
	stop_lending
	stop_fake "${works[stays]}"
	dlspare reset --quiet
}

lender_ran() { awk '{ sum += $1 } END { print sum + 0 }' "/proc/$(lender_pid)"/task/*/schedstat; }

# A VMM that interrupts its guest as fast as it can; the lender stands still meanwhile, so its records are lost, too.
is_flooded() {
	local ran pid
	start_work web answer -msi 0
	configure 1ms 10ms web
	start_lending
	pid=$(lender_pid)
	sleep 0.5
	ran=-$(lender_ran)
	has_its_share web
	ran=$((ran + $(lender_ran)))
	report "$((ran > 450000000))" "… the lender takes no more than its two reservations and a little" "$ran ns"
	kill -STOP "$pid"
	sleep 1
	report "$(within 20 is_ordinary web; echo $?)" "stopped, it lends to nobody"
	kill -CONT "$pid"
	sleep 0.5
	has_its_share web
	same "… the lender is the same" "$pid" "$(lender_pid)"
	stop_lending
	stop_fake "${works[web]}"
	dlspare reset --quiet
}

# What others change under it.
is_changed() { # a CPU apart
	local path n
	start_work web answer -msi 9000
	configure 1ms 10ms web
	start_lending
	within 3000 has_borrowed 10
	path=$top$(group_of web)
	echo "10000 100000" >"$path/cpu.max"
	n=$(counter nr_borrows)
	report "$(within 3000 has_borrowed $((n + 20)); echo $?)" "with another cpu.max it borrows on"
	echo max >"$path/cpu.max"
	sleep 0.3
	report "$(within 300 is_ordinary web; echo $?)" "without one it is on no loan"
	dlspare apply --quiet /tmp/policy
	echo 0 >"/sys/devices/system/cpu/cpu$cpu/online"
	sleep 0.3
	report "$(within 300 is_ordinary web; echo $?)" "without its CPU it is on no loan"
	echo 1 >"/sys/devices/system/cpu/cpu$cpu/online"
	sleep 2
	dlspare apply --quiet /tmp/policy
	n=$(counter nr_borrows)
	report "$(within 3000 has_borrowed $((n + 20)); echo $?)" "with it, it borrows again" "$(dlspare status web; cat /tmp/log)"
	has_its_share web
	stop_lending
	stop_fake "${works[web]}"
	dlspare reset --quiet
}

# Beside one with a ceiling of its own, and one with a reservation; neither borrows. Who had some of a further period alone
# has no claim to that.
has_neighbours() { # a CPU apart
	local alone n
	start_work web answer -msi 9000
	start_work quota spin
	start_work reserved spin
	policy 1ms 10ms web >/tmp/policy
	sed -i 's/^);/, { name = "quota"; runtime = "20ms"; period = "100ms"; pool = "gold"; class = "quota"; borrow = { on = false; }; }, { name = "reserved"; runtime = "30ms"; period = "100ms"; pool = "gold"; class = "deadline"; borrow = { on = false; }; } );/' /tmp/policy
	expect 0 "neighbours: a policy" dlspare apply --quiet /tmp/policy
	sleep 1
	alone="$(share quota) $(share reserved)"
	start_lending
	sleep 1
	within 3000 has_borrowed 10
	echo "# alone $alone, beside $(share quota) $(share reserved) of 1000"
	report "$([[ $(share quota) -ge $((${alone% *} < 200 ? ${alone% *} - 5 : 195)) ]]; echo $?)" "who has a ceiling loses nothing"
	report "$([[ $(share reserved) -ge $((${alone#* } < 300 ? ${alone#* } - 5 : 295)) ]]; echo $?)" "who has a reservation loses nothing"
	stop_lending
	for n in web quota reserved; do stop_fake "${works[$n]}"; done
	dlspare reset --quiet
}

# As many as it can, of units so small that each way to end is taken.
lends_often() {
	local n
	start_work web answer -msi 100
	policy 100us 400us web >/tmp/policy
	sed -i 's/pool = "gold";/& borrow = { chances = 1; linger = "10us"; };/' /tmp/policy
	expect 0 "loans: a policy" dlspare apply --quiet /tmp/policy
	start_lending
	n=$(counter nr_borrows)
	report "$(within $((10000 + loans)) has_borrowed $((n + loans)); echo $?)" "$loans loans" "$(<$files/$pool/cpu.spare.stat)"
	kill -STOP "${works[web]}"
	report "$(within 2000 all_back; echo $?)" "… none is stuck" "$(<$files/$pool/cpu.spare.stat)"
	report "$(is_ordinary web; echo $?)" "… the vCPU is an ordinary thread"
	kill -CONT "${works[web]}"
	stop_lending
	stop_fake "${works[web]}"
	dlspare reset --quiet
}

main() {
	rm -f /tmp/log
	((cpu == 0)) || answers_in_time
	is_killed
	loses_vms
	is_flooded
	((cpu == 0)) || is_changed
	((cpu == 0)) || has_neighbours
	lends_often
	plan
}

main
