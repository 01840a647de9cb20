#!/bin/bash
# In the testbed, with vmlist: are the names, threads and devices of real VMs found, with debugfs and without?
#   testbed run --cpus 2 --add lib.sh --add VMLIST [--append vhost.fork_from_owner_default=0] find.sh
set -euo pipefail
# shellcheck source=tests/tools/lib.sh
. /add/lib.sh

# Is that all that is found of a VM?
check() { # NAME VM FACT...
	local name=$1 vm=$2
	shift 2
	printf '%s\n' "$@" | sort >/tmp/expected
	vmlist | sed -n "s/^$vm\t//p" | sort >/tmp/found
	expect 0 "$name" diff /tmp/expected /tmp/found
}

# The threads of a process but these, as facts.
others() { # PID TID...
	local pid=$1 task
	shift
	for task in "/proc/$pid/task/"*; do
		[[ " $* " == *" ${task##*/} "* ]] || echo "io=${task##*/}"
	done
}

# The vhost worker: a thread of the process, or of the kernel (vhost.fork_from_owner_default=0).
vhost_of() { # PID
	grep -slx "vhost-$1" /proc/[0-9]*/comm "/proc/$1/task/"*/comm | sed 's|/comm$||; s|.*/||'
}

start_named() {
	local key value
	testbed guest start web --vcpus 2 >/tmp/ids
	while IFS='=' read -r key value; do id[$key]=$value; done </tmp/ids
	id[vhost]=$(vhost_of "${id[vmm]}")
}

# A VM without a name, whose threads have none, with a macvtap and a monitor.
start_nameless() {
	local vm
	ip link add v0 type veth peer name v1
	ip link add link v0 name macvtap0 type macvtap mode bridge
	ip link set v0 up
	ip link set macvtap0 up
	exec 7<>"/dev/tap$(</sys/class/net/macvtap0/ifindex)"
	qemu-system-x86_64 -accel kvm -cpu host,-xsave -M q35,usb=off -m 64 -smp 2 -display none -vga none \
		-no-user-config -nodefaults -no-reboot -serial file:/tmp/console \
		-netdev tap,id=n,fd=7,vhost=on \
		-device "virtio-net-pci,netdev=n,romfile=,mac=$(</sys/class/net/macvtap0/address)" \
		-qmp unix:/tmp/qmp,server=on,wait=off -kernel /boot/bzImage -initrd /boot/guest.cpio \
		-append "console=ttyS0 quiet panic=-1 no_timer_check tsc=reliable -- none" \
		</dev/null >/tmp/qemu.log 2>&1 &
	nameless=$!
	exec 7<&-
	until grep -qs ^up /tmp/console; do sleep 0.05; done
	vm=$(echo /sys/kernel/debug/kvm/$nameless-*)
	nameless_vcpus=("$(<"$vm/vcpu0/pid")" "$(<"$vm/vcpu1/pid")")
	nameless_vhost=$(vhost_of $nameless)
}

check_both() { # HOW
	local io group
	group=$(sed -n 's/^0:://p' "/proc/${id[vmm]}/cgroup")
	mapfile -t io < <(others "${id[vmm]}" "${id[vcpu0]}" "${id[vcpu1]}" "${id[vhost]}")
	check "a QEMU with a name and a tap, $1" web "pid=${id[vmm]}" finder=qemu "group=${group#/}" managed=0 \
		"vcpu0=${id[vcpu0]}" "vcpu1=${id[vcpu1]}" "vhost=${id[vhost]}" "device=${id[tap]}" "${io[@]}"

	mapfile -t io < <(others "$nameless" "${nameless_vcpus[@]}" "$nameless_vhost")
	check "one without names, with a macvtap, $1" "qemu-system-x86-$nameless" "pid=$nameless" finder=qemu group= \
		managed=0 "vcpu0=${nameless_vcpus[0]}" "vcpu1=${nameless_vcpus[1]}" "vhost=$nameless_vhost" \
		device=macvtap0 "${io[@]}"
}

only_the_other_is_found() {
	local found
	found=$(vmlist)
	echo "$found"
	[[ $found != *"pid=$nameless"* && $found == *"pid=${id[vmm]}"* ]]
}

is_printed_as_it_is() { # GROUP
	dlspare find | tee /dev/stderr | grep -qF "$1"
}

declare -A id
start_named
start_nameless
check_both "by debugfs"
umount /sys/kernel/debug
expect 1 "debugfs is not there any more" test -e /sys/kernel/debug/kvm
check_both "by names and the monitor"
readonly scope='machine-qemu\x2d1\x2dvm1.scope'
mkdir "/sys/fs/cgroup/$scope"
echo $nameless >"/sys/fs/cgroup/$scope/cgroup.procs"
expect 0 "a scope of systemd's is printed with its backslashes" is_printed_as_it_is "$scope"
kill -9 $nameless
wait $nameless 2>/dev/null || :
expect 0 "what has ended is not found" only_the_other_is_found
plan
