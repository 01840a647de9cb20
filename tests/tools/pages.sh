#!/bin/bash
# shellcheck disable=SC2016 # fences are no commands
# In the testbed: the commands that README.md and the manual pages show, as they show them, with a VM "web" that runs.
# What belongs to a system that is not here (systemd, libvirt) says so in a function. Those of README that build or
# install are for tests/style, tests/tools/packages and tests/system.
#   testbed run --cpus 2 --add lib.sh --add DLSPARE --add HOOK --add README.md --add MAN-FOLDER pages.sh
set -euo pipefail
# shellcheck source=tests/tools/lib.sh
. /add/lib.sh

systemctl() { [[ $* == "reload dlspared" ]]; }

journalctl() { [[ $* == "-u dlspared -n 20" ]]; }

virsh() {
	case $1 in
	metadata) [[ " $* " == *" --uri https://dlspare.org/xmlns/1 --key dlspare "* ]] ;;
	dumpxml)
		cat <<-XML
			<domain type='kvm'><name>$2</name><metadata>
			<dlspare:vm xmlns:dlspare='https://dlspare.org/xmlns/1' runtime='40ms' period='100ms' pool='answers'/>
			</metadata></domain>
		XML
		;;
	esac
}

words_of() {
	tr -s ' \n' ' ' <<<"$1"
}

# Runs a command as a page shows it. What it prints is to be SHOWN, but for numbers of a ping; it fails if that is a refusal.
try() { # PAGE COMMAND SHOWN
	local status=0 said
	said=$(eval "$2" 2>&1) || status=$?
	case $3 in
	'') report "$status" "$1: $2" "status $status: $said" ;;
	dlspare:*) report $((status != 4 || $(differ "$said" "$3"))) "$1: $2 is refused, in these words" "status $status: $said" ;;
	*) report $((status != 0 || $(differ "$(numberless "$said")" "$(numberless "$3")"))) "$1: $2 prints this" "status $status: $said" ;;
	esac
}

# Of a ping, the two lines that sum it up.
numberless() {
	grep -E 'transmitted|round-trip' <<<"$1" | sed -E 's/[0-9]+\.[0-9]+/N/g'
}

differ() {
	if [[ $(words_of "$1") == "$(words_of "$2")" ]]; then echo 0; else echo 1; fi
}

# "# COMMAND" and what it prints, between fences.
try_readme() {
	local line command='' shown='' inside=''
	while IFS= read -r line; do
		if [[ $line == '```'* || ($inside && $line == '# '*) ]]; then
			[[ ! $command ]] || try README "$command" "$shown"
			command='' shown=''
		fi
		case $line in
		'```'*) if [[ $inside ]]; then inside=''; else inside=1; fi ;;
		'# '*) [[ ! $inside ]] || command=${line#\# } ;;
		*) [[ ! $command ]] || shown+=$line$'\n' ;;
		esac
	done </add/README.md
}

# Those within a sentence, in their order.
try_sentences() {
	local command
	while read -r command; do
		case $command in
		# What they find missing is another test's.
		'dlspare doctor' | 'dlspare observe') continue ;;
		'dlspare top') command+=' --count 1' ;;
		esac
		try README "$command" ''
	done < <(tr '\n' ' ' </add/README.md | grep -oE '`dlspare [^`]*`' | tr -d '`')
}

# What is between fences in the EXAMPLES of a page.
examples_of() { # PAGE
	sed -n '/^# EXAMPLES\?$/,/^# [^E]/p' "/add/man/$1.scd" | sed -n '/^```$/,/^```$/{/^```$/d;p}'
}

# Its commands, joined where a line goes on.
commands_of() { # PAGE
	examples_of "$1" | sed -e ':a' -e '/\\\\$/N; s/\\\\\n *//; ta'
}

try_page() { # PAGE
	local command
	while IFS= read -r command; do try "$1" "$command" ''; done < <(commands_of "$1")
}

testbed guest start web --vcpu-cpus none --load spin >/tmp/ids
mkdir -p /etc/dlspare /etc/libvirt/hooks/qemu.d
ln -s /add/dlspare-libvirt-hook /etc/libvirt/hooks/qemu.d/dlspare
cd /tmp
examples_of dlspare.conf.5 >new.conf

try_readme
try_sentences
try_page dlspare.1
try dlspare.conf.5 'dlspare apply new.conf && dlspare verify' ''
try_page dlspare-json.5
try_page dlspared.8
try_page dlspare-lender.8
try_page dlspare-libvirt-hook.8
expect 0 'each page has examples' test "$number" -ge 20
plan
