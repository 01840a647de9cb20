#!/bin/bash
# In tests/fleet, on the machine with Ansible: what an administrator of a fleet does, and what has come of it on the two
# hosts.
#   fleet.sh FOLDER     with lib.sh, the role, the packages, and the file number, of the tests before
set -uo pipefail
folder=$1
# shellcheck source=tests/tools/lib.sh
. "$folder/lib.sh"
number=$(<"$folder/number")
hosts=(kvm1 kvm2)
declare -A address=([kvm1]=10.7.1.2 [kvm2]=10.7.2.2) before
good=$(compgen -G "$folder/linux-image-*-dlspare-*-amd64_*.deb")
panics=$(compgen -G "$folder/linux-image-*-dlspare-panics_*.deb")
lacks=$(compgen -G "$folder/linux-image-*[0-9]-cloud-amd64_*.deb")
release=${good##*/linux-image-} release=${release%%_*}

# --- the hosts ---

on() { ssh -o ConnectTimeout=60 "${address[$1]}" "${@:2}"; }

# What a run may change: packages, files, what GRUB boots, the kernel that runs, since when, and dlspare's policy.
look() { # HOST
	# shellcheck disable=SC2016 # for the host's shell
	on "$1" 'dpkg-query -W; uname -r; cat /proc/sys/kernel/random/boot_id; grub-editenv - list | grep saved
		find /etc /boot /var/cache/apt/archives -type f ! -name grubenv -exec sha256sum {} + | sort -k 2
		[ ! -e /run/dlspare/policy.conf ] || cat /run/dlspare/policy.conf'
}

look_around() { for host in "${hosts[@]}"; do before[$host]=$(look "$host"); done; }
is_as_before() { diff <(echo "${before[$1]}") <(look "$1"); }
# But for the boot.
same_but_boot() { diff <(sed '/^[0-9a-f-]*-[0-9a-f-]*$/d' <<<"${before[$1]}") <(look "$1" | sed '/^[0-9a-f-]*-[0-9a-f-]*$/d'); }
runs() { [[ $(on "$1" uname -r) == "$2" ]]; }
boots_by_default() { on "$1" grub-editenv - list | grep "^saved_entry=.*-$2-advanced-"; }
has_policy() { on "$1" 'systemctl is-active dlspared && dlspare verify && dlspare status web' | tee /dev/stderr | grep -E '^reservation +40ms/100ms$'; }
has_pool() { on "$1" dlspare pool show answers; }
is_up() { until on "$1" true; do sleep 3; done; }
make_menu() { on "$1" update-grub; }

# After a boot dlspared applies the policy.
soon() { # COMMAND...
	local end=$((SECONDS + 300))
	until "$@"; do
		((SECONDS < end)) || return 1
		sleep 3
	done
}

each() { # NAME COMMAND [ARGUMENT]...
	local host
	for host in "${hosts[@]}"; do expect 0 "$host: $1" "$2" "$host" "${@:3}"; done
}

# --- the administrator ---

write_inventory() {
	cat >"$folder/ansible.cfg" <<-END
		[ssh_connection]
		pipelining = true
	END
	cat >"$folder/fleet.yml" <<-END
		all:
		  vars:
		    ansible_user: root
		    ansible_python_interpreter: /usr/bin/python3
		    dlspare_deb: $(compgen -G "$folder/dlspare_*.deb")
		    dlspare_kernel_deb: $good
		    dlspare_pools:
		      - {name: answers, runtime: 1ms, period: 10ms, cpus: "{{ dlspare_cpus }}", exclusive: true, group: system.slice/web.service}
		    dlspare_vms:
		      - {name: web, runtime: "{{ web_runtime | default('40ms') }}", period: 100ms, pool: answers, borrow: {charge: true}, io: {policy: housekeeping}}
		      - {name: 'later "\\', runtime: 1ms, period: 100ms}
		  hosts:
		    kvm1: {ansible_host: ${address[kvm1]}}
		    kvm2: {ansible_host: ${address[kvm2]}}
	END
	printf 'StrictHostKeyChecking no\nUserKnownHostsFile /dev/null\nLogLevel ERROR\n' >/root/.ssh/config
}

play() { ANSIBLE_CONFIG=$folder/ansible.cfg ansible-playbook -i "$folder/fleet.yml" "$folder/ansible/dlspare.yml" "$@"; }
# What is at the end of its output, for each host.
changes() { sed -n "s/^$1 .* changed=\([0-9]*\) .*/\1/p" <<<"$said"; }
reached() { grep -q "^$1 .*ok=[1-9]" <<<"$said"; }

changed_nothing() {
	local host
	for host in "${hosts[@]}"; do same "$host: nothing is changed" 0 "$(changes "$host")"; done
}

# A host that fails is the first one; the second one is not begun with.
stops() { # WHAT
	says "… and says why" "${@:2}"
	report "$(! reached kvm2; echo $?)" "… and the next host is left alone" "$said"
	expect 0 "… as is all on it" is_as_before kvm2
}

begin() {
	write_inventory
	each "is up" is_up
	each "has Debian's menu of GRUB" make_menu
	look_around
	expect 0 "--check, on hosts that have nothing" play --check
	says "… tells what would change" "changed=3"
	each "nothing is changed" is_as_before
}

install() {
	local old
	old=$(uname -r)
	# What -e gives is a string.
	expect 0 "packages, without leave to reboot" play -e dlspare_reboot=false
	says "… a reboot is needed" "kvm1 runs Linux $old. With dlspare_reboot=true it is rebooted into $release"
	each "Debian's kernel runs" runs "$old"
	each "… and stays the default" boots_by_default "$old"
	expect 0 "… with leave" play -e dlspare_reboot=true
	each "Linux $release runs" runs "$release"
	each "… and is the default" boots_by_default "$release"
	each "… the policy is in force" has_policy
	each "… on a CPU of its own" has_pool
	look_around
	expect 0 "a second time" play -e dlspare_reboot=true
	changed_nothing
	each "nothing is changed, indeed" is_as_before
}

refuse() {
	expect 2 "another package of the kernel that runs" play -e dlspare_reboot=true -e "dlspare_kernel_deb=/none/linux-image-${release}_9_amd64.deb"
	stops "the kernel that runs, $release" "would be overwritten by 9"
	expect 2 "a policy that does not fit" play -e web_runtime=90ms
	stops "no room on CPU 1"
	expect 0 "… and where it failed all is as before" is_as_before kvm1
	expect 0 "… and in force" has_policy kvm1
}

roll_back() { # WHAT PACKAGE TEXT
	expect 2 "$1" play -e dlspare_reboot=true -e "dlspare_kernel_deb=$2"
	stops "Linux $(basename "$2" | cut -d _ -f 1 | cut -d - -f 3-) was asked for" "$3" "It is purged"
	expect 0 "… where it failed the good one runs" runs kvm1 "$release"
	expect 0 "… and all is as before but for that boot" same_but_boot kvm1
	expect 0 "… and the policy is in force" soon has_policy kvm1
}

end() {
	look_around
	expect 0 "the good kernel again" play -e dlspare_reboot=true
	changed_nothing
	echo "# end"
	systemctl poweroff
}

begin
install
refuse
roll_back "a kernel that panics" "$panics" "$release came up"
roll_back "a kernel without spare reservations" "$lacks" "no spare reservations"
end
