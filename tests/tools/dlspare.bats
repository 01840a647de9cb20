#!/usr/bin/env bats
# The command itself, where no patched kernel and no VM is needed. DLSPARE: the program.

setup_file() {
	gcc -std=gnu11 -O2 -Wall -Wextra -Werror -o "$BATS_FILE_TMPDIR/schema" "$BATS_TEST_DIRNAME/schema.c" -ljansson
}

setup() {
	dlspare=${DLSPARE:-$BATS_TEST_DIRNAME/../../out/tools-sanitize/dlspare}
	config=$BATS_TEST_DIRNAME/../../config
	schema=$BATS_TEST_DIRNAME/../../cgroup-tools/dlspare.schema.json
	cd "$BATS_TEST_TMPDIR"
}

# Status, and a text that the output has.
fails() { # STATUS TEXT COMMAND...
	run "$dlspare" "${@:3}"
	echo "$output"
	[ "$status" -eq "$1" ]
	[[ $output == *"$2"* ]]
}

policy() {
	printf '%s\n' "$1" >policy
}

@test "--help lists the commands, and each has its own" {
	run "$dlspare" --help
	[ "$status" -eq 0 ]
	for command in set unset pool assign status top observe why show find validate plan apply verify reset doctor metrics; do
		[[ $output == *"  $command"* ]]
	done
	for command in set unset pool assign status top observe why show find validate plan apply verify reset doctor metrics; do
		run "$dlspare" $command --help
		[ "$status" -eq 0 ]
		[[ $output == *"Usage: dlspare $command"* ]]
		# A sentence that can be read without any other.
		[[ $output =~ $'\n\n'[A-Z][A-Za-z] && ! $output =~ [Tt]he\ same ]]
	done
}

@test "--version" {
	run "$dlspare" --version
	[ "$status" -eq 0 ]
	[[ $output =~ ^dlspare\ [0-9] ]]
}

@test "wrong usage is 2, and names what is wrong" {
	fails 2 "a command is missing"
	fails 2 "no command 'sett'" sett
	fails 2 "no option '--frob'" set web --frob
	fails 2 "--runtime lacks its value" set web --runtime
	fails 2 "one VM is needed, not 0" set --runtime 1ms
	fails 2 "nothing to set" set web
	fails 2 "a VM and a pool" assign web
	fails 2 "pool lend" pool lend gold
	fails 2 "its name is missing" pool create
	fails 2 "one word too many" verify now
	fails 2 "--for '1ms': it must be 10ms to 86400s" observe --for 1ms
	fails 2 "--for '9': a time needs one of the units" observe --for 9
	fails 2 "--spare-runtime 11ms: it must be at most the --spare-period, 10ms" observe --spare-runtime 11ms
	fails 2 "--spare-runtime '1us': it must be 1.024us to 4.194304s" observe --spare-runtime 1us
	fails 2 "--spare-period '5s': it must be 100us to 4.194304s" observe --spare-period 5s
	fails 2 "--figure 'waits.gif': its name must end with .svg, .png or .pdf" observe --figure waits.gif
	fails 2 "--figure '.svg': its name must end with .svg, .png or .pdf" observe --figure .svg
	fails 2 "one file is needed" apply
	fails 2 "one file is needed" validate
	fails 2 "why: the name of a VM is missing" why
	fails 2 "why: 'db' is one word too many" why web db
	fails 2 "--threads is for a saved trace, with --from" why web --threads 7
}

@test "why: a trace that is none, or not there, is told by its name" {
	fails 1 "--from '/dev/null' is no trace of trace-cmd record" why nobody --from /dev/null --threads 7
	fails 5 "--from '/nowhere': No such file or directory" why nobody --from /nowhere --threads 7
	fails 5 "--trace '/nowhere/x'" why nobody --from /dev/null --threads 7 --trace /nowhere/x
}

@test "times need their units, and numbers their ranges" {
	fails 2 "--runtime '40'" set web --runtime 40 --period 100ms
	fails 2 "--runtime '40 parsecs'" set web --runtime '40 parsecs'
	fails 2 "--period '-1ms'" set web --period -1ms
	fails 2 "--units '65': it must be a whole number, 1 to 64" pool create gold --units 65
	fails 2 "--units '0': it must be a whole number, 1 to 64" pool create gold --units 0
	fails 2 "--units 'two'" pool create gold --units two
	fails 2 "--cpus '3-1'" pool create gold --cpus 3-1
	fails 2 "--chances '0'" assign web gold --chances 0
	fails 2 "--linger '1'" assign web gold --linger 1
	fails 2 "--io 'sometimes'" set web --io sometimes
	fails 2 "--edf 'local'" pool create gold --edf local
	fails 2 "--pid '0'" set web --pid 0
	fails 2 "--class 'fifo': it must be auto, deadline or quota" set web --class fifo
	fails 2 "--last '1ms': it must be 10ms to 86400s" why web --last 1ms
	fails 2 "--later-than '0ms': it must be more than 0" why web --later-than 0ms
	fails 2 "--threads '7x': it must be a whole number, 1 to 4194304" why nobody --from /dev/null --threads 7x
	fails 2 "--uid 'root'" set web --uid root
	fails 2 "--uid '-1'" assign web gold --uid -1
	fails 2 "--latency '5': " set web --latency 5
	fails 2 "--latency '5ms 101%': " set web --latency "5ms 101%"
	fails 2 "--for '10ms': it must be 100ms to 3600s" plan --live --for 10ms
	fails 2 "--live has the policy in force" plan --live --runtime 1ms --period 10ms
	fails 2 "--live has the policy in force" plan --live --rate 100
	fails 2 "--uid '2147483648'" assign web gold --uid 2147483648
}

@test "a file that is not there is 5, one that breaks a rule 3 with file, line and value" {
	fails 5 "nothere" apply nothere
	fails 5 "nothere" validate nothere
	policy 'vms = ( { name = "web"; runtime = "40ms"; period = "30ms"; } );'
	fails 3 "policy:1:" apply policy
	policy 'pools = ( { name = "gold"; runtime = "4ms"; period = "10ms"; frob = 1; } );'
	fails 3 "frob" validate policy
	policy 'vms = ( { name = "web"; pool = "silver"; } );'
	fails 3 "silver" validate policy
	policy 'vms = ( { name = "web"; uid = "root"; runtime = "1ms"; period = "10ms"; } );'
	fails 3 "uid is a text" validate policy
	policy 'lender = "me";'
	fails 3 "policy:1: lender 'me': it must be auto, kernel or daemon" apply policy
	policy 'vms = ( { name = "web"; class = "quota"; runtime = "1ms"; period = "10ms"; } );'
	fails 3 "policy:1: VM 'web': class 'quota' needs a pool" validate policy
	policy 'pools = ('
	fails 3 "syntax error" validate policy
	policy '@include "/etc/shadow"'
	fails 3 "@include" validate policy
}

@test "spare auto: what is chosen, and what is refused" {
	policy 'pools = ( { name = "gold"; spare = "auto"; cpus = "1"; exclusive = true; } );
		vms = ( { name = "a"; runtime = "20ms"; period = "100ms"; pool = "gold"; latency = "5ms"; },
			{ name = "b"; runtime = "20ms"; period = "100ms"; pool = "gold"; } );'
	chosen="pool 'gold', auto: units 2 of (400us, 2.9ms): 2(Ps-Qs) = 5ms <= latency 5ms of VM 'a'; a unit for each of 2 vCPUs"
	fails 0 "$chosen" plan policy --cpus 0-1
	[[ $output != *NEEDED* ]]
	fails 0 "$chosen" plan policy --cpus 0-1 --rate 1
	[[ $output == *400us/2.9ms* ]]
	fails 4 "CPU 1 has 0.2500 left: limit 0.7000 - reservations 0.4000" plan policy --cpus 0-1 --limit 70
	sed -i 's/latency = "5ms"/latency = "5ms 99%"; rate = 1/; s/pool = "gold"; }/pool = "gold"; rate = 1; }/' policy
	fails 0 "units 1 of (400us, 2.9ms)" plan policy --cpus 0-1
	[[ $output == *NEEDED* ]]
	sed -i 's/latency = "5ms 99%"; //' policy
	fails 3 "policy:1: pool 'gold': spare 'auto' needs a latency" validate policy
	sed -i 's/spare = "auto"/spare = "auto"; units = 2/' policy
	fails 3 "spare 'auto' chooses runtime, period and units" validate policy
	fails 2 "--spare 'most': it must be auto" pool create gold --spare most
}

@test "plan: Erlang's numbers, a ring's recommendation, and what does not fit" {
	run "$dlspare" plan --vms 16 --runtime 40ms --period 100ms --spare-runtime 1ms --spare-period 10ms --rate 1 --formulas
	echo "$output"
	[[ $output == *Erlang* ]]
	run "$dlspare" plan --vms 16 --runtime 40ms --period 100ms --spare-runtime 1ms --spare-period 10ms --rate 1
	[[ $output == *NEEDED* && $output != *Erlang* ]]
	run "$dlspare" plan --ring L=256,WP=20us,WC=5us --runtime 40ms --period 100ms
	echo "$output"
	[[ $output == *3ms* && $output == *8ms* ]]
	fails 4 "and the limit is 0.9500" plan --vms 3 --runtime 40ms --period 100ms --cpus 0
	fails 4 "and the limit is 0.3000" plan --runtime 40ms --period 100ms --limit 30
	fails 2 "--limit '101'" plan --runtime 40ms --period 100ms --limit 101
	run "$dlspare" plan --vms 2 --runtime 47.5ms --period 100ms --limit 100
	[ "$status" -eq 0 ]
}

# What the command prints is a document of its schema.
documents() { # COMMAND...
	"$dlspare" "$@" --json 2>told >document || [ -s document ]
	cat told document
	"$BATS_FILE_TMPDIR/schema" "$schema" <document
}

@test "--json: what each command prints is as the schema says" {
	documents find
	documents status
	documents top --count 2 --interval 100ms
	documents show
	documents pool show
	documents doctor
	documents plan --runtime 40ms --period 100ms --spare-runtime 1ms --spare-period 10ms --rate 3 --latency 1ms \
		--ring L=256,WP=20us,WC=5us
	documents plan --vms 3 --runtime 40ms --period 100ms --cpus 0
	for file in "$config"/examples/*.conf; do documents plan "$file" --rate 1; done
	documents validate "$config/dlspare.conf"
}

@test "--json: the schema finds what is wrong" {
	wrong() { # TEXT DOCUMENT
		run "$BATS_FILE_TMPDIR/schema" "$schema" <<<"$2"
		echo "$2: $output"
		[ "$status" -eq 1 ]
		[[ $output == *"$1"* ]]
	}
	wrong "/more: there is no such key" '{"schema": 1, "command": "find", "vms": [], "more": 1}'
	wrong "/schema: it has another value" '{"schema": 2, "command": "find", "vms": []}'
	wrong "/: it has none of the forms" '{"schema": 1, "command": "look", "vms": []}'
	wrong "/vms/0: there is no 'name'" '{"schema": 1, "command": "status", "lender": "kernel", "vms": [{}], "pools": []}'
	wrong "/pools/0/unit: it has another type" '{"schema": 1, "command": "pool show", "pools": [{"name": "a", "auto": false, "unit": 7,
		"units_per_cpu": 1, "cpus": "0", "exclusive": true, "edf": "global", "group": ""}]}'
	wrong "/pools/0/cpus: '0-' is not like" '{"schema": 1, "command": "pool show", "pools": [{"name": "a", "auto": false, "unit": null,
		"units_per_cpu": 1, "cpus": "0-", "exclusive": true, "edf": "global", "group": ""}]}'
	wrong "/not_running: it is too small" '{"schema": 1, "command": "set", "dry_run": true, "writes": [], "not_running": -1,
		"left_out": 0}'
	wrong "" ''
}

@test "a reader that goes away is told" {
	run bash -c "'$dlspare' --help >/dev/full"
	[ "$status" -eq 1 ]
	[[ $output == *"cannot be written"* ]]
}

# What dlspare top writes on a terminal until the shell commands have pressed q.
# KEYS may wait until a text is shown.
on_terminal() { # COLUMNS ENVIRONMENT KEYS
	: >screen
	run bash -c "shown() { for _ in {1..100}; do ! grep -qaF -- \"\$1\" screen || break; sleep 0.1; done; }
		($3) | script -qefc 'stty cols $1 rows 24; exec env -u LINES -u COLUMNS $2 \"$dlspare\" top --interval 200ms' screen"
	printf '%s: %q\n' "$1 $2" "$output"
	[ "$status" -eq 0 ]
}

# In how many lines of the output curses sets a colour.
colors() {
	grep -cE $'\e\\[([0-9]*;)*[34][0-9](;[0-9]*)*m' <<<"$output" || :
}

@test "top has on a terminal what fits, from 12 columns to 200" {
	for columns in 200 160 120 80 60 40 30 12; do
		on_terminal $columns TERM=vt100 'sleep 1; printf q'
		[[ $output == *VM* && $output != *PID$'\n'* ]]
		# Each from some width on.
		for heading in PID:160 POOL:160 WAITS/s:120 %LOAN:120 EVENTS/s:80 SHARE:60 "S P50:40" WORST:30 PAST:30 "S P99:12"; do
			if ((columns >= ${heading#*:})); then
				[[ $output == *${heading%:*}* ]]
			else
				[[ $output != *${heading%:*}* ]]
			fi
		done
		((columns < 40)) || [[ $output == *"VMs by name"*"h help"* ]]
	done
}

@test "top without colours writes none, and without UTF-8 nothing but ASCII" {
	on_terminal 80 "TERM=xterm NO_COLOR=1" 'sleep 1; printf q'
	[ "$(colors)" -eq 0 ]
	on_terminal 80 TERM=xterm 'sleep 1; printf q'
	[ "$(colors)" -gt 0 ]
	on_terminal 40 "TERM=xterm LC_ALL=C" 'sleep 0.7; printf h; sleep 0.7; printf q'
	[[ $output == *"Sorted by"*" . to 100us : to 1ms | to 10ms"*" # more"* ]]
	[ "$(LC_ALL=C grep -c '[^ -~[:cntrl:]]' <<<"$output")" -eq 0 ]
	on_terminal 40 "TERM=xterm LC_ALL=C.UTF-8" 'sleep 0.7; printf ?; sleep 0.7; printf q'
	[[ $output == *"▁ to 100us"*"▇ more"* ]]
}

@test "top prints lines where the terminal cannot move its cursor" {
	for terminal in dumb nonsense; do
		run timeout 3 script -qec "env TERM=$terminal '$dlspare' top --interval 200ms" /dev/null
		printf '%q\n' "$output"
		[[ $output == *TIME*VM*"S P99"* && $output != *$'\e'* && $output != *"h help"* ]]
	done
}

@test "top takes keys: each sorts, others do nothing" {
	on_terminal 80 TERM=vt100 "shown 'by name'; printf u; shown 'share of Q/P'; printf s; shown 'S p99'; printf '\\000'; printf c; sleep 1; printf e
		shown 'events/s'; for key in '\\033[B' '\\033[6~' '\\033OF' z l n; do sleep 0.2; printf \"\$key\"; done; sleep 0.3; printf q"
	[[ $output == *"by name"*"share of Q/P"*"S p99"*"%CPU"*"events/s"* && $output != *null* ]]
}

@test "top follows a terminal that gets another size" {
	run script -qec "stty cols 160 rows 24; (sleep 1; stty cols 40 </dev/tty; sleep 1; kill -TERM \$\$) & exec env -u LINES -u COLUMNS TERM=vt100 '$dlspare' top" /dev/null
	printf '%q\n' "$output"
	# curses shows first what it had, cut off.
	[[ $output == *SHARE*PID*SHARE* && ${output##*SHARE} == *"S P99"*PAST* && ${output##*SHARE} != *PID* ]]
}

@test "top gives the terminal back when it is ended" {
	for signal in TERM INT; do
		run script -qec "sh -c '(sleep 1; kill -$signal \$\$) & exec env TERM=xterm \"$dlspare\" top'; echo ended \$?; stty -a" /dev/null
		printf '%q\n' "$output"
		[[ $output == *$'\e[?1049h'*$'\e[?1049l'*"ended 0"* && ${output##*ended} =~ [\ \;]icanon && ${output##*ended} =~ [\ \;]echo ]]
	done
}

# A leak check at the end of who has lost its terminal hangs now and then: its tracer waits for ever.
@test "top ends when its terminal is gone, also if no signal tells it" {
	script -qec "sh -c 'trap \"\" HUP; echo \$\$ >pid; exec env ASAN_OPTIONS=detect_leaks=0 TERM=vt100 \"$dlspare\" top'" /dev/null </dev/zero >/dev/null 3>&- &
	sleep 1
	kill -9 $!
	sleep 1
	run cat "/proc/$(cat pid)/stat"
	echo "$output"
	[[ $status -ne 0 || $output == *") Z "* ]]
}

@test "top ends when nobody reads it any more" {
	run timeout 10 bash -c "'$dlspare' top --json --interval 100ms | head -n 1"
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 1 ]
	run timeout 10 bash -c "'$dlspare' top --interval 100ms >/dev/full"
	[ "$status" -eq 1 ]
	[[ $output == *"standard output cannot be written"* ]]
}

@test "doctor names what is missing on a kernel without the patches" {
	run "$dlspare" doctor --no-color
	echo "$output"
	[ "$status" -eq 6 ] || [ "$status" -eq 7 ]
	[[ $output == *MISSING* ]]
}

@test "who has to wait for the lock is told for whom, and may look while others do" {
	[ "$EUID" -eq 0 ] || skip "the lock is root's"
	install -d -m 755 /run/dlspare
	(umask 077 && true >>/run/dlspare/lock)
	flock /run/dlspare/lock sleep 3 3>&- &
	sleep 0.5
	run "$dlspare" verify
	echo "$output"
	[[ $output == *"dlspare: waiting for flock (pid $!), which has /run/dlspare/lock"* ]]
	flock --shared /run/dlspare/lock sleep 3 3>&- &
	sleep 0.5
	run "$dlspare" verify
	echo "$output"
	[[ $output != *waiting* ]]
	kill $!
}

# With a /run of its own, where that is the policy in force.
with_policy() { # POLICY COMMAND...
	run unshare --mount bash -c 'mount -t tmpfs -o mode=755 none /run && install -d -m 755 /run/dlspare &&
		printf "%s\n" "$1" >/run/dlspare/policy.conf && shift && "$@"' bash "$@"
	echo "$output"
}

@test "of two targets the last one counts, also if it is none" {
	[ "$EUID" -eq 0 ] || skip "mounts are root's"
	policy='vms = ( { name = "web"; runtime = "4ms"; period = "100ms"; } );'
	with_policy "$policy" "$dlspare" set web --latency none --latency 5ms --dry-run
	[ "$status" -eq 3 ]
	[[ $output == *"VM 'web': latency 5ms needs a pool"* ]]
	with_policy "$policy" "$dlspare" set web --latency 5ms --latency none --dry-run
	[ "$status" -eq 0 ]
}

@test "without root each command says so, in one line, and what is missing" {
	[ "$EUID" -eq 0 ] || skip "this user is not root already"
	# The folders of bats are root's alone.
	copy=$(mktemp -d)
	cp "$dlspare" "$config/dlspare.conf" "$copy"
	chmod 755 "$copy"
	says() { # STATUS TEXT COMMAND...
		run setpriv --reuid nobody --clear-groups env ASAN_OPTIONS=detect_leaks=0 "$copy/dlspare" "${@:3}"
		echo "${*:3}: $status $output"
		[ "$status" -eq "$1" ]
		[ "$(grep -c "$2" <<<"$output")" -eq 1 ]
	}
	for command in "set web --io keep" "unset web" "assign web gold" "pool create gold" "pool set gold" "pool delete gold" \
		"apply $copy/dlspare.conf" "apply --dry-run $copy/dlspare.conf" verify reset; do
		# shellcheck disable=SC2086 # words
		says 6 "needs root: it takes CAP_SYS_NICE, CAP_SYS_PTRACE and CAP_DAC_OVERRIDE" $command
		[ "${#lines[@]}" -eq 1 ]
	done
	says 6 "observe needs root: it takes CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN" observe
	[ "${#lines[@]}" -eq 1 ]
	for command in find status "top --count 1" "validate $copy/dlspare.conf"; do
		# shellcheck disable=SC2086 # words
		says 0 "without root the VMs of other users are missing here: it takes CAP_SYS_PTRACE" $command
		[[ $output != *"no VM runs"* ]]
	done
	says 6 "without root the VMs of other users are missing here" metrics
	says 0 "without root the fair servers of this host are not seen" plan "$copy/dlspare.conf"
	rm -r "$copy"
}

@test "completion knows which options have no value" {
	# shellcheck source=cgroup-tools/dlspare.bash
	source "$BATS_TEST_DIRNAME/../../cgroup-tools/dlspare.bash"
	# COMP_WORDS is what bash calls them.
	# shellcheck disable=SC2034
	COMP_WORDS=(dlspare plan --live --fo) COMP_CWORD=3
	_dlspare
	echo "${COMPREPLY[@]}"
	[ "${COMPREPLY[*]}" = "--for --formulas" ]
	for option in --live --no-latency --no-color; do
		! _dlspare_wants_value "$option" || false
	done
	_dlspare_wants_value --for
}

@test "the examples are valid" {
	for file in "$config"/examples/*.conf "$config/dlspare.conf"; do
		run "$dlspare" plan "$file"
		echo "$file: $output"
		[ "$status" -eq 0 ]
	done
}
