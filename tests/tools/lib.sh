# For scripts in the testbed that try dlspare: TAP, machine monitors, and what the host looks like.

number=0
failures=0

report() { # STATUS NAME [DETAIL]
	number=$((number + 1))
	if (($1 == 0)); then
		echo "ok $number - $2"
	else
		failures=$((failures + 1))
		echo "not ok $number - $2"
		[[ ! ${3:-} ]] || echo "# ${3//$'\n'/$'\n'# }"
	fi
}

plan() {
	echo "1..$number"
	((failures == 0))
}

# Runs a command, and compares its exit status; its output is in $said.
expect() { # STATUS NAME COMMAND...
	local wanted=$1 name=$2 status=0
	shift 2
	said=$("$@" 2>&1) || status=$?
	report $((status != wanted)) "$name" "status $status, not $wanted: $said"
}

# The output of the last expect() has each of these texts.
says() { # NAME TEXT...
	local name=$1 text missing=''
	shift
	for text; do [[ $said == *"$text"* ]] || missing+="'$text' is not in: $said "; done
	report ${#missing} "$name" "$missing"
}

same() { # NAME WANTED FOUND
	report "$([[ $2 == "$3" ]]; echo $?)" "$1" "$(diff <(echo "$2") <(echo "$3"))"
}

# Until the command succeeds, at most some virtual milliseconds; what it says is in /tmp/said.
within() { # MS COMMAND...
	local left=$(($1 / 10))
	shift
	until "$@" >/tmp/said 2>&1; do
		((left-- > 0)) || return 1
		sleep 0.01
	done
}

# A VM without a machine in it, by its name; its pid is in $pid.
start_fake() { # NAME [VCPUS [OPTION OF fakevm]...]
	rm -f "/tmp/fake.$1"
	(exec -a qemu-system-x86_64 fakevm -name "$1" -smp "${2:-1}" "${@:3}" >"/tmp/fake.$1" 2>&1) &
	pid=$!
	until grep -qs ready "/tmp/fake.$1"; do
		[[ -d /proc/$pid ]] || { echo "# $1: $(<"/tmp/fake.$1")"; return 1; }
		sleep 0.01
	done
}

stop_fake() { # PID
	kill -9 "$1" 2>/dev/null || :
	wait "$1" 2>/dev/null || :
}

# Policy, flags, nice or priority, runtime, period.
schedof() { # TID
	chrt -p "$1" | tr '\n' ' '
}

# --- VMs that work: workvm.c ---

declare -A works=() worker=()

# A VM with a tap of its own; its process and thread are in works and worker.
start_work() { # NAME WORK [OPTION OF workvm]...
	local number=${#works[@]}
	rm -f "/tmp/work.$1"
	(exec -a qemu-system-x86_64 workvm -name "$1" -work "$2" -tap "t$1" "${@:3}" >>"/tmp/work.$1" 2>&1) &
	works[$1]=$!
	within 5000 grep -qs ready "/tmp/work.$1" || { echo "# $1: $(<"/tmp/work.$1")"; return 1; }
	read -r _ "worker[$1]" <"/tmp/work.$1"
	ip addr add "10.9.$number.1/24" dev "t$1"
	ip link set "t$1" up
	ip neigh add "10.9.$number.2" lladdr 02:00:00:00:00:02 dev "t$1" nud permanent
	echo "10.9.$number.2" >"/tmp/address.$1"
}

# A packet for it.
event() { # NAME
	echo event >"/dev/udp/$(<"/tmp/address.$1")/9"
}

# Until it has used up its budget: then it is not on a CPU, and could be.
depleted() { # NAME
	local before now
	while :; do
		before=$(cut -d ' ' -f 1 "/proc/${worker[$1]}/schedstat")
		sleep 0.003
		now=$(cut -d ' ' -f 1 "/proc/${worker[$1]}/schedstat")
		[[ $now != "$before" ]] || return 0
	done
}
