#!/bin/bash
# In the testbed: 64 VMs at once, on two CPUs.
set -uo pipefail
# shellcheck source=tests/tools/lib.sh
. /add/lib.sh
readonly vms=64

make_policy() {
	local i separator=''
	echo 'pools = ( { name = "gold"; runtime = "1ms"; period = "100ms"; cpus = "1-2"; exclusive = true; } ); vms = ('
	for ((i = 0; i < vms; i++)); do
		echo "$separator{ name = \"vm$i\"; runtime = \"1ms\"; period = \"100ms\"; pool = \"gold\"; }"
		separator=,
	done
	echo ');'
}

# 10,500 VMs, in less than the 1 MiB that a policy may have: as it is kept it has more.
make_too_long() {
	awk 'BEGIN {
		printf "vms = ("
		for (i = 0; i < 10500; i++) printf "%s{name=\"%060d\";runtime=\"1ms\";period=\"4s\";}", i ? "," : "", i
		print ");"
	}'
}

# Runs a command; its time in us is in $took.
timed() {
	local began=${EPOCHREALTIME/./}
	"$@" >/tmp/said 2>&1 || return
	took=$((${EPOCHREALTIME/./} - began))
}

main() {
	local i untouched
	for ((i = 0; i < vms; i++)); do start_fake vm$i || exit 1; done
	make_policy >/tmp/policy
	untouched=$(picture)
	timed dlspare apply /tmp/policy
	report "$(($? != 0 || took > 1000000))" "$vms VMs are configured within 1 s of virtual time (${took:-?} us)" "$(</tmp/said)"
	report "$(grep -q '[1-9][0-9]* writes' /tmp/said; echo $?)" "… in more than 0 writes ($(sed 's/.*: //' /tmp/said))" "$(</tmp/said)"
	report "$(for i in 1 2; do cat /sys/fs/cgroup/dlspare.slice/gold/cpu$i/*.vm/cgroup.threads | wc -l; done | grep -cvx 32)" "… 32 on each CPU"
	timed dlspare apply -v /tmp/policy
	report "$([[ $(</tmp/said) == *": 0 writes" ]]; echo $?)" "a second apply writes nothing (${took:-?} us)" "$(</tmp/said)"
	expect 0 "all have what they should have" dlspare verify
	make_too_long >/tmp/long
	cp /run/dlspare/policy.conf /tmp/before
	expect 3 "a policy that could not be read again is refused" dlspare apply /tmp/long
	report "$([[ $said == *'bytes long as it is kept; it may have 1048576'* ]] && cmp -s /run/dlspare/policy.conf /tmp/before; echo $?)" \
		"… with its length, and the old one is kept ($(wc -c </tmp/long) bytes)" "$said"
	timed dlspare reset
	report "$(($? != 0 || took > 1000000))" "all are put back (${took:-?} us)" "$(</tmp/said)"
	report "$([[ $untouched == "$(picture)" ]]; echo $?)" "everything is as found" "$(diff <(echo "$untouched") <(picture))"
	plan
}

main
