#!/bin/bash
# In the testbed: whatever single write fails, everything is as it was before.
set -uo pipefail
# shellcheck source=tests/tools/lib.sh
. /add/lib.sh

write_policy() {
	cat >/tmp/policy <<'END'
pools = (
  { name = "gold"; runtime = "4ms"; period = "10ms"; cpus = "1-2"; exclusive = true; },
  { name = "iron"; runtime = "1ms"; period = "10ms"; units = 2; }
);
vms = (
  { name = "web"; vcpus = "0-1"; runtime = "15ms"; period = "100ms"; pool = "gold"; borrow = { charge = true; };
    io = { policy = "housekeeping"; cpus = "0"; }; devices = ("tapa"); },
  { name = "db"; runtime = "10ms"; period = "100ms"; pool = "iron"; vcpus = "0";
    io = { policy = "deadline"; runtime = "1ms"; period = "100ms"; }; }
);
END
	# In the scope of another manager.
	cat >/tmp/place <<'END'
pools = ( { name = "lead"; runtime = "1ms"; period = "10ms"; cpus = "1"; exclusive = true; group = "qemu.slice/9.scope"; } );
vms = ( { name = "vm9"; runtime = "15ms"; period = "100ms"; pool = "lead"; io = { policy = "housekeeping"; }; } );
END
	# By the daemon, to ceilings.
	sed '1i lender = "daemon";' /tmp/policy | sed 's/borrow = { charge = true; };//' >/tmp/ceilings
	# From one policy to another there are other writes than from none.
	sed 's/"15ms"/"12ms"/; s/units = 2/units = 1/; s/cpus = "1-2"/cpus = "2"/; s/"tapa"/"tapb"/' /tmp/policy >/tmp/other
	sed 's/exclusive = true;/& edf = "global"/; s/cpus = "1-2"/cpus = "2-3"/' /tmp/policy >/tmp/global
	sed 's/exclusive = true; //' /tmp/policy >/tmp/shared
}

# Each write in turn; $1: what is in force before, $2: FAIL_LATE.
try_each() { # NAME POLICY LATE
	local name=$1 policy=$2 late=$3 n total before after bad=''
	before=$(picture)
	COUNT_TO=/tmp/count faulty apply --quiet "$policy" || { report 1 "$name: applies" "status $?"; return; }
	total=$(</tmp/count)
	if [[ $name == *none* ]]; then faulty reset --quiet; else faulty apply --quiet /tmp/policy; fi
	after=$(picture)
	report "$([[ $before == "$after" ]]; echo $?)" "$name: $total writes, and back" "$(diff <(echo "$before") <(echo "$after"))"
	for ((n = 1; n <= total; n++)); do
		if FAIL_AT=$n FAIL_LATE=$late faulty apply "$policy" >/tmp/said 2>&1; then
			bad+=" $n:succeeded"
		fi
		after=$(picture)
		[[ $before == "$after" ]] || bad+=" $n: $(</tmp/said) $(diff <(echo "$before") <(echo "$after"))"
	done
	report ${#bad} "$name: each of $total writes fails in turn, and nothing is changed" "$bad"
}

main() {
	local untouched
	write_policy
	ip tuntap add tapa mode tap
	ip tuntap add tapb mode tap
	start_fake web 2 || exit 1
	start_fake db 2 || exit 1
	start_fake vm9 || exit 1
	mkdir -p /sys/fs/cgroup/qemu.slice/9.scope
	echo "$pid" >/sys/fs/cgroup/qemu.slice/9.scope/cgroup.procs
	untouched=$(picture)
	try_each "from none" /tmp/policy 0
	try_each "from none, after the write" /tmp/policy 1
	try_each "from none, in place" /tmp/place 1
	faulty apply --quiet /tmp/policy
	expect 0 "verify" faulty verify
	expect 0 "a second apply writes nothing" faulty apply -v /tmp/policy
	report "$([[ $said == *": 0 writes" ]]; echo $?)" "… and says so" "$said"
	try_each "from another" /tmp/other 0
	try_each "from another, after the write" /tmp/other 1
	try_each "to global EDF" /tmp/global 1
	try_each "to shared CPUs" /tmp/shared 1
	try_each "to ceilings" /tmp/ceilings 0
	try_each "to ceilings, after the write" /tmp/ceilings 1
	expect 0 "reset" faulty reset
	report "$([[ $untouched == "$(picture)" ]]; echo $?)" "reset leaves everything as found" "$(diff <(echo "$untouched") <(picture))"
	report "$([[ ! -e /run/dlspare/ledger && ! -e /run/dlspare/policy.conf ]]; echo $?)" "reset leaves no ledger and no policy"
	plan
}

main
