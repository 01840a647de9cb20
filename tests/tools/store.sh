#!/bin/bash
# In the testbed: whatever fails of what is written to /run/dlspare, kernel, ledger and policy are all as before or all as wanted; and
# what is found there may be anything.
set -uo pipefail
# shellcheck source=tests/tools/lib.sh
. /add/lib.sh
run=/run/dlspare

# What is in force: VM "db" in pool "gold", pool "iron", and what a hook has told. VM "web" is as it was found.
write_policies() {
	cat >/tmp/old <<'END'
pools = (
  { name = "gold"; runtime = "2ms"; period = "10ms"; cpus = "1"; exclusive = true; },
  { name = "iron"; runtime = "1ms"; period = "10ms"; cpus = "2"; }
);
vms = ( { name = "db"; runtime = "10ms"; period = "100ms"; pool = "gold"; io = { policy = "housekeeping"; cpus = "0"; }; } );
END
	sed 's/"10ms"; period = "100ms"/"20ms"; period = "100ms"/; s/"2ms"/"3ms"/' /tmp/old >/tmp/new
	# The lender's files are there, too: what is taken back is written there again.
	sed '1i lender = "daemon";' /tmp/old >/tmp/lent
	echo 'vms = ( { name = "x"; runtime = "5ms"; period = "100ms"; } );' >/tmp/x.conf
}

# Also says what it is then: what is noted again may be noted otherwise.
restore() {
	mkdir -p $run/vms.d
	cp /tmp/x.conf $run/vms.d/x.conf
	dlspare apply --quiet /tmp/old
	before=$(picture; kept)
	ledger=$(<$run/ledger)
}

# What is kept, beside the ledger: it may have more lines than it needs until the next change.
kept() {
	grep -H '' $run/policy.conf 2>/dev/null
	dlspare show 2>/dev/null
}

# As before; to apply that again writes nothing to the kernel, and sets the ledger right.
is_old() {
	[[ $before == "$(picture; kept)" ]] && dlspare apply -v /tmp/old 2>&1 | grep -q ': 0 writes' && [[ $ledger == "$(<$run/ledger)" ]]
}

# A command, and each of its calls in turn: that one alone fails, or all from there on too.
try_each() { # COMMAND...
	try_calls "0 1" "$@"
}

try_calls() { # "[0] [1]" COMMAND...
	local which=$1
	shift
	local errors=(28 30 5) bad='' n on all=${which#0} total status before after ledger
	# Without drafts of those before: to remove them are calls, too.
	dlspare reset --quiet
	restore
	FILE_COUNT_TO=/tmp/count faulty --quiet "$@" || { report 1 "$*: works" "status $?"; return; }
	total=$(</tmp/count)
	after=$(picture; kept)
	report "$([[ $before != "$after" ]]; echo $?)" "$*: changes something"
	restore
	for on in $which; do
		for ((n = 1; n <= total; n++)); do
			status=0
			FILE_FAIL_AT=$n FILE_FAIL_ON=$on FILE_ERROR=${errors[n % 3]} faulty "$@" >/tmp/said 2>&1 || status=$?
			if ((status)); then
				is_old || bad+=" $n/$on: half of the old: $(</tmp/said) $(diff <(echo "$before") <(picture; kept))"
				[[ $(</tmp/said) == *$run* ]] || bad+=" $n/$on: does not say where: $(</tmp/said)"
			else
				[[ $after == "$(picture; kept)" ]] || bad+=" $n/$on: half of the new: $(</tmp/said) $(diff <(echo "$after") <(picture; kept))"
				restore
			fi
		done
	done
	report ${#bad} "$*: each of $total calls fails${all:+, alone and with all that follow}, and all is old or all is new" "$bad"
}

# A file system that is full, or read-only.
has_no_room() {
	local untouched before ledger
	untouched=$(picture)
	mount -t tmpfs -o size=16k,mode=755 none $run
	restore
	dd if=/dev/zero of=$run/much 2>/dev/null
	expect 1 "full: set is refused" dlspare set web --runtime 15ms --period 100ms
	report "$([[ $said == *"$run/policy.conf: No space left on device; nothing is changed"* ]]; echo $?)" "… and says why" "$said"
	expect 1 "full: pool create is refused" dlspare pool create lead --cpus 2
	rm $run/much
	report "$(is_old; echo $?)" "… and nothing is changed"
	mount -o remount,ro $run
	expect 0 "read-only: verify" dlspare verify
	expect 0 "read-only: status" dlspare status
	expect 0 "read-only: show" dlspare show
	expect 0 "read-only: metrics" dlspare metrics
	expect 0 "read-only: set --dry-run" dlspare set web --runtime 15ms --period 100ms --dry-run
	expect 0 "read-only: reset --dry-run" dlspare reset --dry-run
	expect 1 "read-only: reset is refused" dlspare reset
	report "$([[ $said == *"Read-only file system; nothing is changed"* ]]; echo $?)" "… and says why" "$said"
	mount -o remount,rw $run
	report "$(is_old; echo $?)" "… and nothing is changed"
	dd if=/dev/zero of=$run/much 2>/dev/null
	expect 0 "full: reset needs no room" dlspare reset
	report "$([[ $untouched == "$(picture)" && ! -e $run/policy.conf && ! -e $run/ledger ]]; echo $?)" "… and leaves everything as found"
	umount $run
}

# Before anything was changed there is no lock.
is_not_there() {
	rm -rf $run
	expect 0 "no folder: verify" dlspare verify
	expect 0 "no folder: apply --dry-run" dlspare apply --dry-run /tmp/old
	report "$([[ ! -e $run ]]; echo $?)" "… and none is made"
	mkdir -p /tmp/elsewhere
	ln -s /tmp/elsewhere $run
	expect 1 "a link in place of the folder is refused" dlspare apply /tmp/old
	report "$([[ ! $(ls -A /tmp/elsewhere) ]]; echo $?)" "… and nothing is written there" "$said"
	rm $run
	mkdir -m 777 $run
	expect 1 "a folder in which others may write is refused" dlspare apply /tmp/old
	report "$([[ $said == *"another user owns it or may write there"* ]]; echo $?)" "… and says why" "$said"
	rmdir $run
	(umask 077 && exec dlspare apply --quiet /tmp/old)
	report "$([[ $(stat -c %a $run) == 755 ]]; echo $?)" "others may look, whatever the umask" "$(stat $run)"
	dlspare reset --quiet
}

# In the ledger: garbage, a line of another version, and one that was being written.
has_bad_lines() {
	local untouched before ledger lines
	untouched=$(picture)
	restore
	lines=$(<$run/ledger)
	{ printf 'x\001y\nbudget\tdb\t-\t4\n'; echo "$lines"; printf 'value\tdlspare.slice\tcpuset.cp'; } >$run/ledger
	expect 7 "bad lines: verify says so" dlspare verify
	report "$([[ $said == *"$run/ledger:1: 'x?y' is no line of a ledger, nor are 2 more; dlspare apply, set or reset moves it to $run/ledger.bad"* ]]; echo $?)" \
		"… and which, and what to do" "$said"
	report "$([[ ! -e $run/ledger.bad ]]; echo $?)" "… and changes nothing"
	dlspare doctor >/tmp/said 2>&1
	report "$(grep -q "$run/ledger:1: 'x?y' is no line" /tmp/said; echo $?)" "so does doctor" "$(</tmp/said)"
	expect 0 "bad lines: set works" dlspare set web --runtime 15ms --period 100ms
	report "$([[ $said == *"ledger:1:"*"it is in $run/ledger.bad now"* ]]; echo $?)" "… and says where they are" "$said"
	report "$(diff <(printf 'x\001y\nbudget\tdb\t-\t4\nvalue\tdlspare.slice\tcpuset.cp\n') $run/ledger.bad >/tmp/said; echo $?)" "… all of them" "$(</tmp/said)"
	expect 0 "… and verify is silent" dlspare verify
	printf 'value\tdlspare.slice' >>$run/ledger
	expect 0 "bad lines: apply works" dlspare apply /tmp/old
	printf 'junk\n' >>$run/ledger
	expect 0 "bad lines: reset works" dlspare reset
	report "$([[ $untouched == "$(picture)" && ! -e $run/ledger ]]; echo $?)" "… and leaves everything as found" "$(diff <(echo "$untouched") <(picture))"
	report "$([[ $(tail -n 2 $run/ledger.bad) == value*$'\n'junk ]]; echo $?)" "… but the lines" "$(<$run/ledger.bad)"
	rm $run/ledger.bad
}

main() {
	local untouched
	mkdir -p $run
	write_policies
	start_fake web 2 || exit 1
	start_fake db 1 || exit 1
	untouched=$(picture)
	is_not_there
	has_no_room
	has_bad_lines
	try_each set web --runtime 15ms --period 100ms
	try_each assign web iron
	try_each pool create lead --runtime 1ms --period 10ms --cpus 0
	try_each apply /tmp/new
	try_calls 0 apply /tmp/lent
	try_each unset db
	try_each reset
	# Lines of which half was written.
	rm -f $run/ledger.bad
	dlspare reset --quiet
	report "$([[ $untouched == "$(picture)" ]]; echo $?)" "reset leaves everything as found" "$(diff <(echo "$untouched") <(picture))"
	report "$([[ $(ls -A $run) == $'lock\nvms.d' && ! $(ls -A $run/vms.d) ]]; echo $?)" "… and no drafts of those that failed" "$(ls -AR $run)"
	plan
}

main
