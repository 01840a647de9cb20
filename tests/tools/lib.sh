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
