# For tests of the Debian packages: TAP, and a clean Debian to install them in: this computer's release, or the one that
# choose_release says. Sourced; needs root and Debian's mirror. Each clean Debian is kept in the cache, as debian-RELEASE.tar.
# shellcheck shell=bash disable=SC2154 # top, debs: the script's

export LC_ALL=C DEBIAN_FRONTEND=noninteractive
mirror=http://deb.debian.org/debian
cache=${DLSPARE_CACHE:-${HOME:-/root}/.cache/dlspare}
number=0
failures=0
here_release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
release=$here_release

declare -rA debian_numbers=([bookworm]=12 [trixie]=13)
release_name() { echo "Debian ${release:+${debian_numbers[$release]:-}} '$release'"; }

choose_release() { # CODENAME
	[[ ${1:+${debian_numbers[$1]:-}} ]] || { echo "release '$1': ${!debian_numbers[*]} exist" >&2; exit 2; }
	release=$1
}

# Makes $scratch, which goes when the script ends; $root in it is to be the Debian.
open_scratch() {
	mkdir -p "$cache"
	scratch=$(mktemp -d "$cache/tmp.XXXXXX")
	trap 'rm -rf --one-file-system "$scratch"' EXIT
	root=$scratch/root
}

# A test: its output is shown when it fails.
check() { # NAME COMMAND...
	local name=$1 status=0
	shift
	# Not in a condition: set -e shall hold in the function.
	(set -e; "$@") >"$scratch/said" 2>&1 &
	wait $! || status=$?
	number=$((number + 1))
	if ((status)); then
		failures=$((failures + 1))
		echo "not ok $number - $name"
		tail -n 40 "$scratch/said" | sed 's/^/# /'
	else
		echo "ok $number - $name"
	fi
}

# Mounts and processes end with the command.
inside() {
	unshare --mount --pid --fork --mount-proc="$root/proc" chroot "$root" "$@" </dev/null
}

apt() { inside apt-get -q -y -o Acquire::Retries=2 --no-install-recommends "$@"; }

make_root() {
	local tar=$cache/debian-$release.tar
	if [[ ! -e $tar ]]; then
		debootstrap --variant=minbase "$release" "$scratch/debian" "$mirror"
		tar -C "$scratch/debian" -cf "$scratch/debian.tar" .
		mv "$scratch/debian.tar" "$tar"
		rm -rf "$scratch/debian"
	fi
	mkdir "$root"
	tar -C "$root" -xf "$tar"
	cp -L /etc/resolv.conf "$root/etc/resolv.conf"
	apt update
	apt upgrade
}

# What Debian has of the dependencies of a package in the root's /tmp.
install_dependencies() { # PACKAGE
	local names
	mapfile -t names < <(inside apt-get -s install --no-install-recommends "/tmp/$1" | awk '/^Inst/ && $2 != "dlspare" { print $2 }')
	apt install "${names[@]}"
}

# Into $scratch/tools. Another release's package is made in one of that release.
build_tools() {
	if [[ $release == "$here_release" ]]; then
		"$top/config/deb" "$scratch/tools"
		return
	fi
	local root=$scratch/builder
	make_root
	mkdir "$root/root/dlspare"
	cp -a "$top"/{cgroup-tools,vmm-hooks,config} "$root/root/dlspare/"
	inside /root/dlspare/config/setup --tools
	inside /root/dlspare/config/deb /root/tools
	mv "$root/root/tools" "$scratch/tools"
	rm -rf --one-file-system "$root"
}

# The kernel's is in $debs.
build_kernel() { "$top/kernel-patches/deb" "$debs"; }

# The newest.
find_kernel() {
	find "$debs" -name 'linux-image-*-dlspare-*.deb' -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2-
}

# The releases that $root can boot.
list_kernels() { find "$root/boot" -name 'vmlinuz-*' -printf '%f\n' | sed 's/^vmlinuz-//'; }

# What machines have printed is in $scratch/tap.
count() { # PATTERN
	grep -cE "$1" "$scratch/tap" || :
}

# The plan, and a line that says how it went.
finish() { # NAME
	number=$(count '^(not )?ok ')
	failures=$(count '^not ok ')
	echo "1..$number"
	echo "$1: $((number - failures)) passed, $failures failed, $((SECONDS / 60)) minutes"
	((failures == 0))
}
