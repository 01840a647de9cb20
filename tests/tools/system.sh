#!/bin/bash
# In tests/system: what an administrator types after README's "Install on a host", as a unit of Debian's systemd. A
# stage a boot: Debian's kernel, the patched one, and that one again.
#   system.sh FOLDER     with lib.sh, picture, dlspare.deb, bzImage, project, and the file state: NUMBER STAGE
set -uo pipefail
folder=$1
# shellcheck source=tests/tools/lib.sh
. "$folder/lib.sh"
PATH=$folder:$PATH
read -r number stage <"$folder/state"
readonly conf=/etc/dlspare/dlspare.conf
readonly polling=/sys/module/kvm/parameters/halt_poll_ns
# The VM is a service of systemd's, and stays in its group.
readonly group=system.slice/web.service
readonly create=(dlspare pool create answers --runtime 4ms --period 10ms --cpus 1 --group "$group")

# Until the command succeeds.
soon() { # NAME COMMAND...
	local name=$1 end=$((SECONDS + 300)) status=1
	shift
	while ((status && SECONDS < end)); do
		status=0
		said=$("$@" 2>&1) || status=$?
		((status == 0)) || sleep 1
	done
	report $status "$name" "$said"
}

is_up() { [[ $(systemctl is-system-running --wait) == running ]] || { systemctl status --no-pager --full --state=failed; return 1; }; }
is_active() { systemctl is-active dlspared; }
show() { systemctl show -P "$1" dlspared; }
was_restarted() { (($(show NRestarts) > 0)) && is_active; }
journal() { journalctl -q -b -o cat "$@"; }
journal_says() { journal -u dlspared | grep -F -- "$1"; }
install_package() { apt-get -q -y install --reinstall "$folder/dlspare.deb"; }
borrows() { dlspare status web | awk '{ print } $1 == "loans" && $2 > 0 { found = 1 } END { exit !found }'; }
has_reservation() { dlspare status web | grep -E '^reservation +40ms/100ms$'; }
has_pool() { dlspare pool show answers; grep -x "4000 10000 units=1 cpus=1" /sys/fs/cgroup/$group/cpu.spare.pool; }
# The metrics come and go by their timer.
look() { picture | grep -v "/dlspare-metrics\.service"; }
is_as_before() { diff <(echo "$before") <(look); }
# The node exporter says this line. If not, what it says of dlspare, and what became of the unit that writes it.
exports() {
	local answer
	answer=$(exec 3<>/dev/tcp/127.0.0.1/9100 && printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3 && timeout 60 cat <&3)
	grep -E -- "^$1" <<<"$answer" && return
	grep -E 'dlspare_vm|textfile' <<<"$answer"
	systemctl status --no-pager --full --lines=5 dlspare-metrics.timer dlspare-metrics.service prometheus-node-exporter
	return 1
}
no_errors() { said=$(journal _COMM=dlspared -p warning); echo "$said"; [[ ! $said ]]; }
kernel_is_well() { ! journalctl -q -k -b -o cat | grep -E 'WARNING:|BUG:|Oops|INFO: (rcu|task)|general protection|UBSAN:|refcount_t'; }

# What systemd ends by itself half a minute after it is up is ended before.
look_around() { # into $before
	systemctl -q stop systemd-fsckd.socket systemd-fsckd.service
	before=$(look)
}

write_conf() { # RUNTIME
	cat >$conf <<-END
		pools = ( { name = "answers"; runtime = "4ms"; period = "10ms"; cpus = "1"; exclusive = true; group = "$group"; } );
		vms = ( { name = "web"; runtime = "$1"; period = "100ms"; pool = "answers"; io = { policy = "housekeeping"; }; } );
	END
}

# Off, then on for all that follows.
metrics() {
	local unit=dlspare-metrics
	expect 0 "the metrics' units have no mistake" systemd-analyze verify --man=no $unit.service $unit.timer
	expect 1 "they are off" systemctl is-enabled $unit.timer
	expect 3 "… and do not run" systemctl is-active $unit.timer
	expect 0 "systemctl enable --now" systemctl enable --now $unit.timer
	soon "… the node exporter has them" exports 'dlspare_vm_running\{pool="",vm="web"\} 1'
	mkdir -p /run/dlspare/vms.d
	echo 'vms = ( { name = "x"; pool = "lead"; } );' >/run/dlspare/vms.d/x.conf
	expect 0 "a VM that is left out is no failure of the unit" systemctl start $unit.service
	expect 0 "… and is counted" exports "dlspare_left_out 1"
	rm /run/dlspare/vms.d/x.conf
	mv /var/lib/prometheus/node-exporter{,.away}
	expect 1 "without the node exporter's folder it fails" systemctl start $unit.service
	expect 0 "… and says why" eval "journal -u $unit | grep -F -- '--output '"
	mv /var/lib/prometheus/node-exporter{.away,}
	expect 0 "with it, it does not" systemctl start $unit.service
}

has_partitions() { [[ $(printf '%s\n' 6.7 "$(uname -r)" | sort -V | head -n 1) == 6.7 ]]; }
has_ceiling() { dlspare status web | grep -E '^ceiling +40ms/100ms$'; }

# What dlspare-lender does without a patched kernel.
lends() { # OPTION OF pool create...
	expect 0 "a pool${1:+, $1}" "${create[@]}" "$@"
	expect 0 "… for the VM" dlspare assign web answers
	expect 0 "… with a ceiling" dlspare set web --runtime 40ms --period 100ms
	soon "it borrows from dlspare-lender" borrows
	expect 0 "dlspare reset" dlspare reset
	expect 0 "… all is as before" is_as_before
}

# A kernel without spare reservations.
stage_debian() {
	local before lacks="no spare reservations"
	expect 0 "$(uname -r): systemd is up, with no unit failed" is_up
	expect 0 "apt installs the package" install_package
	expect 0 "dlspared runs" is_active
	expect 7 "doctor warns" dlspare --no-color doctor
	says "… and says who lends" "kernel: it has $lacks (CONFIG_SCHED_SPARE), as" "lender: dlspare-lender lends"
	expect 0 "a VM starts" systemctl start web
	metrics
	look_around
	lends
	if has_partitions; then
		lends --exclusive
	else
		expect 1 "an exclusive pool is refused" "${create[@]}" --exclusive
		says "… for what the kernel lacks" "exclusive pools need Linux 6.7 or later"
		expect 0 "… and nothing is changed" is_as_before
	fi
	expect 0 "a reservation is not" dlspare set web --runtime 40ms --period 100ms
	expect 0 "… and the VM has it" has_reservation
	expect 0 "dlspare reset" dlspare reset
	expect 0 "… all is as before" is_as_before
	cp $conf "$folder/conf"
	write_conf 40ms
	expect 0 "with an exclusive pool in dlspare.conf dlspared starts" systemctl restart dlspared
	if has_partitions; then
		soon "… and the VM has its ceiling" has_ceiling
		soon "… and borrows" borrows
	else
		expect 0 "… and says what is wrong" journal_says "exclusive pools need Linux 6.7 or later"
		said=$(show StatusText)
		says "… and in its status" "not all could be set"
	fi
	expect 0 "dlspare reset" dlspare reset
	expect 0 "… all is as before" is_as_before
	cp "$folder/conf" $conf
	next patched poweroff
}

stage_patched() {
	local before
	expect 0 "$(uname -r): systemd is up, with no unit failed" is_up
	expect 0 "dlspared runs" is_active
	expect 0 "a VM starts" systemctl start web
	here
	expect 0 "a pool" "${create[@]}" --exclusive
	expect 0 "… for the VM" dlspare assign web answers
	expect 0 "… with a reservation" dlspare set web --runtime 40ms --period 100ms --io housekeeping
	soon "it borrows" borrows
	expect 7 "doctor warns" dlspare --no-color doctor
	says "… of what Debian's KVM does when a guest halts" "warning  halt polling: a vCPU of VM 'web'" "echo 0 > $polling"
	expect 0 "… as it says" eval "echo 0 >$polling"
	soon "… the node exporter has its loans" exports 'dlspare_vm_loans_total\{pool="answers",vm="web"\} [1-9]'
	expect 0 "doctor: nothing is missing" dlspare --no-color doctor
	expect 4 "no room for 60 ms" dlspare set web --runtime 60ms
	says "… and why" "no room on CPU 1"
	keeps
	expect 0 "dlspare show > dlspare.conf" eval "dlspare show >$conf"
	expect 0 "dlspare reset" dlspare reset
	expect 0 "… all is as before" is_as_before
	expect 0 "reload" systemctl reload dlspared
	soon "… applies the file" has_reservation
	expect 0 "no warning of dlspared in the journal" no_errors
	expect 1 "… systemd has taken nothing" journal_says "cgroup.subtree_control has lost"
	refuses
	expect 0 "no warning in the kernel's log" kernel_is_well
	next rebooted reboot
}

readonly here_run=(env HOME=/root "DLSPARE_CACHE=$folder/cache" "$folder/project/experiments/run" --here --quick --minutes 20 --kernel "$folder/bzImage")
here_has_times() {
	grep -E '^ping,[a-z-]+,.*,[0-9.]+,[0-9.]+,[0-9.]+,[0-9.]+,[0-9]+$' "$folder/project/out/here/here.csv" && return
	cat "$folder/said" "$folder"/project/out/here/{here.csv,ping/stages/*/log}
	return 1
}
here_notes() { grep processes /run/dlspare-here/changes; }
# Its shells, by what they run; the stage's processes are left.
here_kill() {
	local pids
	mapfile -t pids < <(grep -lsF "$folder/project" /proc/[0-9]*/cmdline | cut -d / -f 3)
	kill -KILL "${pids[@]}" 2>/dev/null || :
}
here_is_gone() { ! ls -d /run/dlspare-here; }

# Real guests in real time, on this emulated computer, which they have for themselves: a VM that computes takes half of it. Any
# guest may hang, by the emulator's fault that kvm-virq.patch works around: one that answers is enough. Then, beside a VM, one
# run that is ended, and one that is killed.
here() {
	local pid status=0
	expect 0 "the VM stops" systemctl stop web
	look_around
	"${here_run[@]}" ping >"$folder/said" 2>&1 || :
	said=$(<"$folder/said")
	says "experiments/run --here comes to its end" "results in $folder/project/out/here"
	says "… puts back what it has set" "lines of state are as before"
	expect 0 "… all is as before" is_as_before
	expect 0 "… has times of a guest" here_has_times
	expect 0 "the VM starts again" systemctl start web
	look_around
	"${here_run[@]}" ping >"$folder/said" 2>&1 &
	pid=$!
	soon "another one begins" here_notes
	expect 0 "… is ended by TERM" kill -TERM $pid
	wait $pid || status=$?
	same "… and says so" 143 $status
	expect 0 "… all is as before" is_as_before
	expect 0 "… nothing stays noted" here_is_gone
	"${here_run[@]}" ping >"$folder/said" 2>&1 &
	soon "another one begins" here_notes
	expect 0 "… and is killed, with all its shells" here_kill
	expect 1 "the next one" "${here_run[@]}" --cpu 99
	says "… puts back what it has set" "a run before was killed: putting back what it has set"
	expect 0 "… all is as before" is_as_before
}

# What is configured stays whatever happens to the daemon.
keeps() {
	expect 0 "systemctl daemon-reload" systemctl daemon-reload
	expect 0 "… nothing differs" dlspare verify
	expect 0 "apt installs the package again" install_package
	expect 0 "… nothing differs" dlspare verify
	expect 0 "systemctl stop" systemctl stop dlspared
	expect 0 "… nothing differs" dlspare verify
	expect 0 "systemctl start" systemctl start dlspared
	expect 0 "kill -9" systemctl kill --signal=KILL --kill-whom=main dlspared
	soon "… systemd starts it again" was_restarted
	expect 0 "… nothing differs" dlspare verify
}

refuses() {
	write_conf 60ms
	expect 1 "a file that does not fit fails the reload" systemctl reload dlspared
	expect 0 "… with the reason in the journal" journal_says "no room on CPU 1"
	expect 0 "… dlspared runs" is_active
	expect 0 "… nothing differs" dlspare verify
	write_conf 40ms
}

stage_rebooted() {
	expect 0 "rebooted: systemd is up, with no unit failed" is_up
	expect 0 "a VM starts" systemctl start web
	soon "… and has its pool" has_pool
	soon "… and its reservation" has_reservation
	soon "… and borrows" borrows
	expect 0 "… nothing differs" dlspare verify
	expect 0 "systemctl restart of the VM's unit" systemctl restart web
	soon "… the new one has its reservation" has_reservation
	expect 0 "no warning of dlspared in the journal" no_errors
	expect 0 "apt purges the package" apt-get -q -y remove --purge dlspare
	expect 0 "… nothing of it is left" nothing_left
	expect 0 "no warning in the kernel's log" kernel_is_well
	next end poweroff
}

# Files, groups, units, classes; the kernel has the name, too.
nothing_left() {
	local found
	found=$(find / -xdev -name "*dlspare*" ! -name "*$(uname -r)*" ! -path "$folder/*"
		find /run /sys/fs/cgroup /etc/libvirt -name '*dlspare*' 2>/dev/null
		systemctl list-units --all --plain --no-legend 'dlspare*'
		chrt -a -p "$(systemctl show -P MainPID web)" | grep DEADLINE
		grep -o " HRTICK_DL" /sys/kernel/debug/sched/features
		grep -Eo "cpu(set)?\b" /sys/fs/cgroup/cgroup.subtree_control)
	[[ ! $found ]] || { echo "$found"; return 1; }
}

next() { # STAGE poweroff|reboot
	echo "$number $1" >"$folder/state"
	echo "# next: $1"
	systemctl "$2"
}

"stage_$stage"
