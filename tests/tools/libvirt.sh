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
	# libvirtd asks QEMU what it can do with each accelerator. QEMU looks beside the folder it is started from.
	cp /usr/lib/x86_64-linux-gnu/qemu/accel-tcg-x86_64.so "$tree$qemu/"
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
	"$here/../testbed/testbed" run --cpus 2 --add "$tools/dlspare-libvirt-hook" --add "$tools/dlspare" --add "$tools/dlspared" --add "$vmlist" --add /usr/sbin/libvirtd \
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
