# The VMs of a program that makes a fleet (fleet.h) and obeys its standard input, in the pool lab on CPU 1: sourced by
# stages, inside the testbed.
# shellcheck shell=bash

readonly fleet_priority=60	# above the I/O threads'

# Leaves their names in $names.
start_fleet() { # VMS PROGRAM ARGUMENT...
	local line
	mkfifo /tmp/tell /tmp/hear
	taskset 1 chrt -R -f $fleet_priority "${@:2}" </tmp/tell >/tmp/hear &
	exec {tell}>/tmp/tell {hear}</tmp/hear
	read -r line <&"$hear"
	read -ra names <<<"$line"
	((${#names[@]} == $1))
}

# shellcheck disable=SC2034 # the caller's
tell_fleet() { # COMMAND: the answer is in $said
	echo "$1" >&"$tell"
	read -r said <&"$hear"
}

end_fleet() {
	exec {tell}>&-
}

# One policy for all, a transaction. SETTINGS are those of the pool and of each VM in dlspare.conf(5).
set_fleet_policy() { # POOL-SETTINGS VM-SETTINGS
	local vm separator=''
	{
		echo "pools = ( { name = \"lab\"; $1 cpus = \"1\"; exclusive = true; } ); vms = ("
		for vm in "${names[@]}"; do
			echo "$separator{ name = \"$vm\"; pool = \"lab\"; $2 io = { policy = \"housekeeping\"; cpus = \"0\"; }; }"
			separator=,
		done
		echo ');'
	} >/tmp/policy
	dlspare -q apply /tmp/policy
}
