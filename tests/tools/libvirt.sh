#!/bin/bash
# A real libvirtd, without systemd, starts a domain with our metadata and hook in the testbed: is the policy noted and
# made, and are the VM's name, threads and devices found? Prints TAP. Needs Debian's libvirt-daemon, libvirt-daemon-driver-qemu and
# libvirt-clients installed; nothing of them runs on this computer.
#
#   libvirt.sh TOOLS VMLIST [OPTION OF testbed run]...

set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
readonly domain='my web_1' modules=/usr/lib/x86_64-linux-gnu/libvirt qemu=/lib/x86_64-linux-gnu/qemu

# --- outside ---

# What libvirtd needs besides the libraries, which testbed brings: all its driver's are its own, too.
make_tree() {
	local tree=$1
	mkdir -p "$tree"/{etc/libvirt/hooks/qemu.d,usr/share/libvirt,"$modules/connection-driver","$qemu"}
	cp "$modules/connection-driver/libvirt_driver_qemu.so" "$tree$modules/connection-driver/"
	cp -r /usr/share/libvirt/cpu_map "$tree/usr/share/libvirt/"
	# libvirtd asks QEMU what it can do with each accelerator. QEMU looks beside the folder it is started from. Debian 13's has
	# this one in itself.
	[[ ! -e $qemu/accel-tcg-x86_64.so ]] || cp "$qemu/accel-tcg-x86_64.so" "$tree$qemu/"
	# Debian's libvirt asks for its user, whatever the configuration says.
	printf '%s\n' 'root:x:0:0:root:/:/bin/sh' 'libvirt-qemu:x:64055:64055::/:/bin/false' >"$tree/etc/passwd"
	printf '%s\n' 'root:x:0:' 'kvm:x:104:' 'libvirt-qemu:x:64055:' >"$tree/etc/group"
	# The testbed's kernel has no namespaces, no seccomp, no virtlogd.
	cat >"$tree/etc/libvirt/qemu.conf" <<-'CONF'
		user = "root"
		group = "root"
		dynamic_ownership = 0
		security_driver = "none"
		namespaces = []
		seccomp_sandbox = 0
		stdio_handler = "file"
	CONF
	cat >"$tree/domain.xml" <<-XML
		<domain type='kvm'>
		  <name>$domain</name>
		  <metadata>
		    <dlspare:vm xmlns:dlspare='https://dlspare.org/xmlns/1' runtime='40ms' period='100ms' pool='gold' devices='any'>
		      <dlspare:borrow reply='no'/>
		    </dlspare:vm>
		  </metadata>
		  <memory unit='MiB'>64</memory>
		  <vcpu>2</vcpu>
		  <iothreads>1</iothreads>
		  <os>
		    <type arch='x86_64' machine='q35'>hvm</type>
		    <kernel>/boot/bzImage</kernel>
		    <initrd>/boot/guest.cpio</initrd>
		    <cmdline>console=ttyS0 quiet panic=-1 no_timer_check tsc=reliable -- none</cmdline>
		  </os>
		  <features><acpi/><apic/></features>
		  <cpu mode='host-passthrough' check='none'><feature policy='disable' name='xsave'/></cpu>
		  <devices>
		    <emulator>/bin/qemu-system-x86_64</emulator>
		    <controller type='usb' model='none'/>
		    <interface type='ethernet'>
		      <mac address='52:54:00:00:00:02'/>
		      <target dev='tap0' managed='no'/>
		      <model type='virtio'/>
		      <driver name='vhost'/>
		      <rom enabled='no'/>
		    </interface>
		    <serial type='file'><source path='/tmp/console'/></serial>
		    <memballoon model='none'/>
		  </devices>
		</domain>
	XML
}

outside() {
	local tools=$1 vmlist=$2
	shift 2
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	make_tree "$work/root"
	"$here/../testbed/testbed" run --cpus 3 --limit 1800 --add "$here/../../config/examples/libvirt.conf" \
		--add "$here/../../cgroup-tools/man/dlspare-libvirt-hook.8.scd" --add "$tools/dlspare-libvirt-hook" --add "$tools/dlspare" --add "$tools/dlspared" --add "$vmlist" --add /usr/sbin/libvirtd \
		--add /usr/bin/virsh --add "$here/lib.sh" --add "$work/root" "$@" "$here/libvirt.sh" inside
}

# --- inside ---

start_libvirtd() {
	rm -f /run/libvirt/libvirt-sock
	libvirtd >>"$OUT/libvirtd.log" 2>&1 &
	libvirtd=$!
	until [[ -S /run/libvirt/libvirt-sock ]]; do
		if ! kill -0 $libvirtd; then
			cat "$OUT/libvirtd.log"
			exit 1
		fi
		sleep 0.1
	done
}

# The threads of a process whose names match, as facts: a name's number behind KEY.
threads() { # PID PATTERN KEY
	local task name
	for task in "/proc/$1/task/"*; do
		name=$(<"$task/comm")
		[[ ! $name =~ $2 ]] || echo "$3${BASH_REMATCH[1]-}=${task##*/}"
	done
}

# What is to be found of the domain now.
facts() { # GROUP
	printf '%s\n' "pid=$pid" finder=libvirt "group=${1#/}" managed=1 device=tap0
	threads "$pid" '^CPU ([0-9])/KVM$' vcpu
	threads "$pid" '^vhost-' vhost
	threads "$pid" '^(qemu-|IO |kvm-nx|worker)' io | sed 's/^io.*=/io=/'
}

check_found() { # HOW
	# The refused start has taken the first ID.
	local group=/machine/qemu-2-myweb1.libvirt-qemu
	# QEMU's workers come and go: look again if one did meanwhile.
	for _ in {1..10}; do
		facts "$group" | sort >/tmp/expected
		vmlist | sed -n "s/^$domain\t//p" | sort >/tmp/found
		facts "$group" | sort | cmp -s - /tmp/expected && break
	done
	expect 0 "the domain is found, $1" diff /tmp/expected /tmp/found
}

is_proven() {
	dlspare find --json | tr -d ' \n' | grep -F '"proven":true'
}

start_daemon() {
	mkdir -p /etc/dlspare
	echo 'pools = ( { name = "gold"; runtime = "4ms"; period = "10ms"; cpus = "1"; group = "machine"; } );' \
		>/etc/dlspare/dlspare.conf
	dlspared -v 2>"$OUT/dlspared.log" &
	dlspared=$!
}

is_made() {
	local group=/sys/fs/cgroup/machine/qemu-2-myweb1.libvirt-qemu tid left=20
	until dlspare verify --quiet && [[ $(<"$group/cpu.spare.dev") == tap0 ]]; do
		((left-- > 0)) || { cat "$OUT/dlspared.log"; return 1; }
		sleep 0.1
	done
	cat "$group/cpu.spare.borrow"
	[[ $(<"$group/cpu.spare.borrow") == "on chances=max charge=0 reply=0 linger=200 timer=0" ]] || return 1
	cat "$group"/vcpu*/cgroup.threads >/tmp/tids
	while read -r tid; do
		[[ $(<"/proc/$tid/comm") != CPU* || $(schedof "$tid") == *SCHED_DEADLINE*40000000/100000000/100000000* ]] || return 1
	done </tmp/tids
}

is_put_back() {
	kill "$dlspared"
	# libvirt has come to use the groups and controllers above its own: those stay, and the ledger keeps that.
	dlspare reset && ! grep -vE "^(group|controller)" /run/dlspare/ledger
}

is_noted() {
	[[ -e /run/dlspare/vms.d/my%20web_1.conf ]]
}

# libvirtd answers before it has connected to its domains again, and called the hook.
is_noted_soon() {
	local i
	for ((i = 0; i < 100; i++)); do
		! is_noted || return 0
		sleep 0.1
	done
	return 1
}

has_policy() {
	cat /run/dlspare/vms.d/*
	grep -q 'name = "my web_1"; runtime = "40ms"; period = "100ms"; pool = "gold";' /run/dlspare/vms.d/my%20web_1.conf
}

# libvirt's message has the hook's.
is_refused() {
	local said status=0
	sed "s/pool='gold'/color='blue'/" /domain.xml >/tmp/wrong.xml
	said=$(virsh create /tmp/wrong.xml 2>&1) || status=$?
	echo "$said"
	((status)) && [[ $said == *"dlspare: domain '$domain': <vm> has no attribute 'color'"* ]] && ! is_noted
}

survives_a_restart() {
	kill "$libvirtd"
	while kill -0 "$libvirtd" 2>/dev/null; do sleep 0.1; done
	rm /run/dlspare/vms.d/*
	start_libvirtd
	virsh list | grep "$domain *running" && is_noted_soon
}

ends() {
	virsh destroy "$domain" && ! is_noted && [[ ! $(vmlist) ]]
}

# --- a domain on a CPU of its own ---

readonly gold=/sys/fs/cgroup/machine/gold.partition address=10.0.1.2

# "web", with one vCPU that computes all the time, and an address.
make_web() {
	local peer
	ip tuntap add tap1 mode tap vnet_hdr
	ip address add 10.0.1.1/24 dev tap1
	ip link set tap1 up
	peer=$(</sys/class/net/tap1/address)
	ip neighbour add $address lladdr 52:54:00:00:01:02 dev tap1
	sed -e "s/<name>.*</<name>web</; /<metadata>/,/<\\/metadata>/d; s/<vcpu>2/<vcpu>1/; /<iothreads>/d" \
		-e "s/-- none/address=$address peer=10.0.1.1 peer_mac=$peer -- spin/; s/00:00:02/00:01:02/; s/tap0/tap1/; s/console'/&/; s|/tmp/console|&.web|" \
		/domain.xml >/tmp/web.xml
}

# The page's commands, with what it has of systemd's groups as it is here.
# shellcheck disable=SC2016 # fences are no commands
commands() {
	sed -n '/^# A DOMAIN ON/,/^# EXIT/p' /add/dlspare-libvirt-hook.8.scd | sed -n '/^```$/,/^```$/{/^```$/d;p}' |
		sed 's|/usr/share/doc/dlspare/examples|/tmp|'
}

walk_through() {
	local command
	cd /tmp
	sed 's|machine.slice/machine-gold.slice|machine/gold.partition|' /add/libvirt.conf >/tmp/libvirt.conf
	virsh define /tmp/web.xml
	while IFS= read -r command; do
		echo "+ $command"
		eval "$command" || return 1
	done < <(commands)
}

web_pid() {
	cat /run/libvirt/qemu/web.pid
}

# All threads of the domain are on one CPU, the vCPU with its reservation.
is_on() { # CPU
	local pid tid
	pid=$(web_pid) && tid=$(grep -lx 'CPU 0/KVM' /proc/"$pid"/task/*/comm | cut -d/ -f5) &&
		[[ $(awk '/Cpus_allowed_list/ { print $2 }' /proc/"$pid"/task/*/status | sort -u) == "$1" ]] &&
		[[ $(schedof "$tid") == *SCHED_DEADLINE*40000000/100000000/100000000* ]] &&
		[[ $(<"$gold/cpuset.cpus.partition") == root && $(<"$gold/cpuset.cpus.effective") == "$1" ]]
}

# Where it was before: everywhere. The groups that libvirt has come to use stay, as above.
is_free() {
	local pid
	pid=$(web_pid) && dlspare reset && ! grep -vE "^(group|controller)" /run/dlspare/ledger || return 1
	[[ $(<"$gold/cpuset.cpus.partition") == member && ! $(<"$gold/cpuset.cpus.exclusive") && ! $(<"$gold/cpuset.cpus") ]] || return 1
	awk '/Cpus_allowed_list/ { print $2 }' /proc/"$pid"/task/*/status | sort -u
	[[ $(awk '/Cpus_allowed_list/ { print $2 }' /proc/"$pid"/task/*/status | sort -u) == 0-2 ]]
}

loans() {
	awk '$1 == "nr_borrows" { print $2 }' "$gold"/qemu-*-web.libvirt-qemu/cpu.spare.stat
}

# Packets that come when the budget is gone, while something happens.
borrows_during() { # COMMAND...
	local before status=0 pings
	before=$(loans)
	ping -q -c 60 -i 0.033 $address >/tmp/pings &
	pings=$!
	"$@" || status=$?
	wait $pings
	echo "loans: $before, then $(loans)"
	cat /tmp/pings
	((status == 0 && $(loans) > before))
}

# What systemd writes to a scope and the slices above it, none of which has a setting.
reload_systemd() {
	local group
	for group in "$gold" "$gold"/qemu-*; do
		echo "max 100000" >"$group/cpu.max" && echo 100 >"$group/cpu.weight" && echo >"$group/cpuset.cpus" &&
			echo >"$group/cpuset.mems" && echo "+cpu" >"${group%/*}/cgroup.subtree_control" || return 1
	done
	dlspare verify
}

# It drops a controller that no unit wants, from the bottom up.
drops_controller() {
	local scope
	scope=$(echo "$gold"/qemu-*)
	echo "-cpu -cpuset" >"$scope/cgroup.subtree_control" && echo -cpu >"$gold/cgroup.subtree_control" || return 1
	within 5000 dlspare verify --quiet && [[ $(<"$scope/cpu.spare.borrow") == on* ]] && echo "+cpu +cpuset" >"$scope/cgroup.subtree_control"
}

restart_libvirtd() {
	local pid
	pid=$(</run/libvirtd.pid)
	kill "$pid"
	while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
	start_libvirtd
	virsh list | grep "web *running" && dlspare verify
}

restart_web() {
	virsh destroy web && virsh start web && within 10000 is_on 1 && dlspare verify
}

advises() { # GROUP OF WHAT IT SAYS
	local said status=0
	said=$(dlspare assign web own 2>&1) || status=$?
	echo "$said"
	((status == 3)) && [[ $said == *"give pool 'own' the group \"$1\""* ]]
}

housekeeping_is_refused() {
	local said status=0
	sed 's|borrow = |io = { policy = "housekeeping"; }; &|' /tmp/libvirt.conf >/tmp/io.conf
	said=$(dlspare validate /tmp/io.conf 2>&1) || status=$?
	echo "$said"
	((status == 3)) && [[ $said == *"all in the group of exclusive pool 'gold' is on CPU 1"* ]]
}

has_own_cpu() {
	make_web
	expect 0 "the page's way to a domain on a CPU of its own" walk_through
	expect 0 "… leads there" is_on 1
	expect 0 "validate refuses to take its I/O threads elsewhere" housekeeping_is_refused
	until ping -q -c 1 -W 1 $address >/dev/null; do :; done
	expect 0 "other CPUs, while it runs" dlspare pool set gold --cpus 2
	expect 0 "… have it" is_on 2
	expect 0 "… and back" dlspare pool set gold --cpus 1
	cp /tmp/libvirt.conf /etc/dlspare/dlspare.conf
	dlspared -v 2>>"$OUT/dlspared.log" &
	dlspared=$!
	expect 0 "it borrows while libvirtd is started anew" borrows_during restart_libvirtd
	expect 0 "… and while systemd writes what it does at a daemon-reload" borrows_during reload_systemd
	expect 0 "what goes with a controller is set again" drops_controller
	expect 0 "the domain is started anew, and has all again" restart_web
	kill "$dlspared"
	wait "$dlspared"
	expect 0 "reset puts all back while it runs" is_free
	dlspare pool create own --cpus 1 --exclusive
	expect 0 "a pool without a group: the advice names the one of its partition" advises machine/gold.partition
	dlspare reset --quiet
	virsh destroy web
	sed -i 's|<resource>.*</resource>||' /tmp/web.xml
	virsh undefine web && virsh create /tmp/web.xml
	dlspare pool create own --cpus 1 --exclusive
	expect 0 "… and never the one of all domains" advises machine/own.partition
	dlspare reset --quiet
	virsh destroy web
}

inside() {
	cp -a /add/root/. /
	ln -s /bin/dlspare-libvirt-hook /etc/libvirt/hooks/qemu.d/dlspare
	mkdir -p /var/lib /var/log /var/cache
	ln -s /run /var/run
	ip tuntap add tap0 mode tap vnet_hdr
	ip link set tap0 up
	start_libvirtd

	start_daemon
	expect 0 "a domain with wrong metadata does not start" is_refused
	expect 0 "the domain starts" virsh create /domain.xml
	pid=$(<"/run/libvirt/qemu/$domain.pid")
	expect 0 "the hook has noted its policy" has_policy
	expect 0 "dlspared has made it" is_made
	until grep -qs ^up /tmp/console; do sleep 0.1; done
	check_found "by debugfs"
	expect 0 "libvirt's note of its pid proves its name" is_proven
	expect 0 "it survives a new libvirtd, which notes it again" survives_a_restart
	expect 0 "reset puts all back while it runs" is_put_back
	has_own_cpu
	umount /sys/kernel/debug
	check_found "by its groups"
	expect 0 "when it has ended nothing is left" ends
	plan
}

case ${1:-} in
inside)
	# shellcheck source=tests/tools/lib.sh
	. /add/lib.sh
	inside
	;;
*) outside "$@" ;;
esac
