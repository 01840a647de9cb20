# shellcheck shell=bash disable=SC2034,SC2154
# What build, tree and series share: the cache, Debian's source, a patched
# work tree that keeps its objects, and one way to apply a patch.

# Git's results must not depend on the caller's configuration.
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null GIT_PAGER=cat
export LC_ALL=C
umask 022

# Where Debian has what is newer than its stable release's.
readonly kernel_suite=trixie-backports

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
src=$top/kernel-patches/src
fragment=$top/config/testbed.config
cache=$(realpath -m "${DLSPARE_CACHE:-${HOME:-/root}/.cache/dlspare}")

# Debian's tools only: another gcc in /usr/local would change the result.
kernel_path=/usr/sbin:/usr/bin:/sbin:/bin

say() { printf '%s\n' "$*" >&2; }
die() { say "${0##*/}: $*"; exit 1; }

# shellcheck source=config/suite.sh
. "$top/config/suite.sh"

# --- the kernel's version -----------------------------------------------------

# What src/ is written for. Another version has its own hooks, and src.diff for what its
# new files have otherwise.
readonly default_kernel=6.12

kernel_versions() { find "$top/kernel-patches" -mindepth 2 -maxdepth 2 -name series -printf '%h\n' | sed 's,.*/,,' | sort -V; }

# Sets kernel, patches, what goes into the names of what is kept of it alone, and where its source is.
choose_kernel() { # VERSION
	kernel=$1
	patches=$top/kernel-patches/$kernel
	[[ $kernel =~ ^[0-9]+\.[0-9]+$ && -f $patches/series ]] ||
		die "there is no kernel '$kernel': kernel-patches/ has $(kernel_versions | paste -sd, | sed 's/,/, /g')"
	if [[ $kernel == "$default_kernel" ]]; then
		version_prefix='' version_suffix=''
		tarball=/usr/src/linux-source-$kernel.tar.xz
		configs=/usr/src/linux-config-$kernel
	else
		version_prefix=$kernel- version_suffix=-$kernel
		tarball=$cache/debian-source$version_suffix/linux-source-$kernel.tar.xz
		configs=$cache/debian-source$version_suffix/linux-config-$kernel
	fi
	tarball=${DLSPARE_SOURCE:-$tarball}
}
choose_kernel "${KERNEL:-$default_kernel}"

# Patches beyond the variant's.
extra=()

scratch=
children=()
cleanup() {
	((${#children[@]} == 0)) || kill "${children[@]}" 2>/dev/null || :
	[[ -z $scratch ]] || rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

open_cache() {
	mkdir -p "$cache" || die "cannot create the cache directory $cache"
	cache=$(cd "$cache" && pwd)
	# Left by runs that were killed outright.
	find "$cache" -maxdepth 1 -name 'tmp.*' -mmin +1440 -exec rm -rf {} +
	scratch=$(mktemp -d "$cache/tmp.XXXXXX")
}

# lock NAME: held until this script and the compilers it started are gone.
lock() {
	exec {lock_fd}>"$cache/$1.lock"
	flock -n "$lock_fd" && return
	say "waiting for another run that uses $cache/$1"
	flock "$lock_fd"
}

unlock() { exec {lock_fd}>&-; }

duration() { # SECONDS
	if (($1 < 60)); then echo "$1 s"; else echo "$(($1 / 60)) min $(($1 % 60)) s"; fi
}

# --- Debian's source --------------------------------------------------------

makefile_version() { # MAKEFILE
	sed -n 's/^\(VERSION\|PATCHLEVEL\|SUBLEVEL\) = *//p' "$1" | paste -sd.
}

check_version() { # VERSION
	local sub=${1##*.}

	[[ $1 =~ ^${kernel//./\\.}\.[0-9]+$ ]] ||
		die "$tarball holds Linux ${1:-of unknown version}; the patches are for $kernel"
	[[ $kernel == 6.12 ]] || return 0
	((sub < 85 || sub > 87)) ||
		die "$tarball holds Linux $1: in 6.12.85 to 6.12.87 the deadline server is broken; use 6.12.88 or later"
	((sub >= 88)) ||
		die "$tarball holds Linux $1, older than 6.12.88: upgrade linux-source-6.12"
}

# Debian's source and configurations of a version that config/setup does not install.
fetch_source() {
	local folder=${tarball%/*} began=$SECONDS

	lock source
	if [[ ! -r $tarball ]]; then
		say "getting Debian's linux-source-$kernel"
		mkdir "$scratch/made"
		{
			suite_open "$kernel_suite" "$scratch/suite" &&
				suite_unpack "$scratch/made" "linux-source-$kernel" "linux-config-$kernel"
		} >"$scratch/log" 2>&1 ||
			{ tail -n 5 "$scratch/log" >&2; die "$kernel_suite has no linux-source-$kernel, or it cannot be had now"; }
		mkdir -p "$folder"
		mv "$scratch"/made/usr/src/linux-config-* "$scratch/made/package" "$folder/"
		mv "$scratch"/made/usr/src/linux-source-*.tar.xz "$tarball"
		rm -rf "$scratch/suite" "$scratch/made"
		say "fetched in $(duration $((SECONDS - began)))"
	fi
	unlock
}

# Those of config/, each with what this version calls otherwise.
list_fragments() { # NAME...
	local name

	for name; do
		echo "$top/config/$name.config"
		[[ ! -r $top/config/$name-$kernel.config ]] || echo "$top/config/$name-$kernel.config"
	done
}

# Sets version, source_id and pristine: the untouched source, unpacked once. Sets fragment.
open_source() {
	local fragments

	[[ -r $tarball || $kernel == "$default_kernel" || ${DLSPARE_SOURCE:-} ]] || fetch_source
	[[ -r $tarball ]] || die "$tarball is missing: run config/setup"
	mapfile -t fragments < <(list_fragments testbed)
	if ((${#fragments[@]} > 1)); then
		merge_fragments "${fragments[@]}" >"$scratch/testbed.config"
		fragment=$scratch/testbed.config
	fi
	source_id=$(sha256sum <"$tarball" | cut -c1-12)
	pristine=$cache/source-$source_id
	[[ -d $pristine ]] || unpack
	version=$(makefile_version "$pristine/Makefile")
	check_version "$version"
}

unpack() {
	local began=$SECONDS

	# The version is looked at first: 1.5 GB are not unpacked to be refused.
	tar -xJOf "$tarball" --occurrence=1 --wildcards --no-wildcards-match-slash \
		'*/Makefile' >"$scratch/Makefile" || die "$tarball: no top-level Makefile in it"
	check_version "$(makefile_version "$scratch/Makefile")"

	lock source
	if [[ ! -d $pristine ]]; then
		say "unpacking $tarball"
		mkdir "$scratch/source"
		tar -xf "$tarball" -I 'xz -T0' -C "$scratch/source" --strip-components=1 ||
			die "cannot unpack $tarball into $cache"
		mv -T "$scratch/source" "$pristine"
		say "unpacked in $(duration $((SECONDS - began)))"
	fi
	unlock
}

# One value an option: the later fragment's. Kconfig and configure() then agree.
merge_fragments() {
	awk -F= '/^CONFIG_/ { if (!($1 in line)) order[++n] = $1; line[$1] = $0 }
		END { for (i = 1; i <= n; i++) print line[order[i]] }' "$@"
}

# --- patches ----------------------------------------------------------------

# NUL-separated, sorted; nothing where there is no such folder yet.
list_patches() { [[ ! -d $1 ]] || find "$1" -maxdepth 1 -name '*.patch' -print0 | sort -z; }

# The testbed's own: one in DIR/VERSION stands for that of its name in DIR.
list_testbed() { # DIR
	local patch own

	while read -r -d '' patch; do
		own=$1/$kernel/${patch##*/}
		[[ ! -e $own ]] || patch=$own
		printf '%s\0' "$patch"
	done < <(list_patches "$1")
}

# Those that mend mainline by itself, and are mailed apart. They come first in the version's series.
list_fixes() { sed -n "s,^$kernel/,,p" "$top/kernel-patches/fixes/series"; }

list_src() { [[ ! -d $src ]] || find "$src" -type f -printf '%P\0' | sort -z; }

patched_files() { # PATCH
	sed -n -E 's,^(---|\+\+\+) [ab]/([^	]*).*,\2,p' "$1" | sort -u
}

# apply_patch DIR PATCH: offsets are fine, fuzz is not, as with git am.
apply_patch() {
	local out file

	# A patch whose files are all new has a message only.
	[[ -n $(patched_files "$2") ]] || return 0
	if ! out=$(patch -p1 --batch --forward --fuzz=0 --no-backup-if-mismatch \
		--reject-file=- -d "$1" <"$2" 2>&1); then
		file=$(sed -n -E "s/^patching file '?([^']*)'?\$/F \1/p; s/^(Hunk #[0-9]+ FAILED at [0-9]+).*/H \1/p
			s/^\|\+\+\+ b\/([^	]*).*/F \1/p; s/^(No file to patch|Reversed).*/H \1/p" <<<"$out" |
			awk '$1 == "F" { f = $2 } $1 == "H" { sub("H ", ""); print f ": " $0; exit }')
		file=${file/%Reversed/it is in the source already}
		die "$(basename "$2") does not apply to Linux $version: ${file:-$out}"
	fi
}

# What kernel-patches/ holds, as one number: to see whether it was edited.
patches_digest() {
	{
		list_patches "$patches" | xargs -0r sha256sum
		[[ ! -f $patches/series ]] || sha256sum "$patches/series"
		[[ ! -f $patches/src.diff ]] || sha256sum "$patches/src.diff"
		[[ ! -d $src ]] || (cd "$src" && list_src | xargs -0r sha256sum)
	} | sed "s, $top/, ," | sha256sum | cut -c1-40
}

# --- a work tree: source/ linked to the pristine one, source/obj the objects --

# Only files whose content differs are written, so their objects alone are old.
# The object directory lies in the source tree because the kernel then compiles
# with relative paths: no trace of the place is left in the image.

open_work() { # NAME
	work=$cache/work-$version_prefix$1
	lock "work-$version_prefix$1"
	if [[ $(cat "$work/obj/.source" 2>/dev/null) != "$source_id" ]]; then
		rm -rf "$work"
		cp -al "$pristine" "$scratch/work"
		mkdir "$scratch/work/obj"
		echo "$source_id" >"$scratch/work/obj/.source"
		: >"$scratch/work/obj/.touched"
		mv -T "$scratch/work" "$work"
	fi
}

# stage_pristine STAGE FILE...: brings originals there, as a base for patches.
stage_pristine() {
	local stage=$1 file
	shift
	for file; do
		[[ ! -e $stage/$file && -e $pristine/$file ]] || continue
		mkdir -p "$stage/$(dirname "$file")"
		cp -p "$pristine/$file" "$stage/$file"
	done
}

# The variants that look for their own mistakes: what of config/ is merged over
# testbed.config, in that order. All have the patches of tests/testbed/debug/ too.
declare -A debugging=(
	[debug]="stress lockdep debug"
	[core]="stress lockdep debug core"
	[rt]="stress lockdep rt"
	[volume]="stress core volume"
	[kcsan]="stress kcsan"
)

has_referee() { [[ $variant != vanilla && $variant != package ]]; }

stage_referee() { # STAGE
	local file

	mkdir -p "$1/kernel/sched/referee"
	for file in "$top"/tests/referee/kernel/*; do
		cp -p "$file" "$1/kernel/sched/referee/"
		echo "kernel/sched/referee/${file##*/}" >>"$scratch/touched"
	done
}

# Everything the variant changes, patched in $stage: a patch that does not apply
# leaves the work tree as it was. The variant package has nothing of the testbed's, and
# vanilla no referee: it looks at what the series adds.
stage_variant() {
	local file patch touch_list=()

	: >"$scratch/touched"
	if [[ $variant != vanilla ]]; then
		while read -r -d '' file; do
			[[ ! -e $pristine/$file ]] ||
				die "kernel-patches/src/$file: Linux $version has that file; change it by a patch"
			mkdir -p "$stage/$(dirname "$file")"
			cp -p "$src/$file" "$stage/$file"
			echo "$file" >>"$scratch/touched"
		done < <(list_src)
		[[ ! -f $patches/src.diff ]] || apply_patch "$stage" "$patches/src.diff"
	fi
	! has_referee || stage_referee "$stage"
	while read -r -d '' patch; do
		mapfile -t touch_list < <(patched_files "$patch")
		((${#touch_list[@]} == 0)) || {
			stage_pristine "$stage" "${touch_list[@]}"
			printf '%s\n' "${touch_list[@]}" >>"$scratch/touched"
		}
		apply_patch "$stage" "$patch"
	done < <(
		[[ $variant == vanilla ]] || list_patches "$patches"
		[[ $variant == package ]] || list_testbed "$top/tests/testbed"
		! has_referee || list_testbed "$top/tests/referee"
		[[ ! ${debugging[$variant]:-} ]] || list_testbed "$top/tests/testbed/debug"
		((${#extra[@]} == 0)) || printf '%s\0' "${extra[@]}"
	)
	# What does not go into the kernel must not make one be built.
	rm -rf "$stage"/{Documentation,MAINTAINERS,tools}
	sort -u "$scratch/touched" | grep -vE '^(Documentation/|MAINTAINERS$|tools/)' >"$scratch/kernel" || :
	mv "$scratch/kernel" "$scratch/touched"
}

# sync_work STAGE TOUCHED: TOUCHED lists every path that STAGE changes, one a
# line; a path listed but absent in STAGE was deleted by a patch.
sync_work() {
	local stage=$1 touched=$2 file from

	sort -u "$touched" "$work/obj/.touched" -o "$scratch/union"
	cp "$scratch/union" "$work/obj/.touched"
	while read -r file; do
		from=$stage/$file
		[[ -e $from ]] || grep -qxF "$file" "$touched" || from=$pristine/$file
		if [[ ! -e $from ]]; then
			rm -f "$work/$file"
		elif ! cmp -s "$from" "$work/$file"; then
			mkdir -p "$(dirname "$work/$file")"
			# Never through the link into the pristine source.
			cp --remove-destination --preserve=mode "$from" "$work/$file"
		fi
	done <"$scratch/union"
	cp "$touched" "$work/obj/.touched"
}

# --- building -----------------------------------------------------------------

# Nothing of the caller's environment, nor of a make above, reaches the kernel's
# build: the same input gives the same image byte for byte.
kernel_exec() {
	exec env -i PATH=$kernel_path HOME=/ LC_ALL=C \
		KBUILD_BUILD_TIMESTAMP='2024-01-01 00:00:00 UTC' KBUILD_BUILD_VERSION=1 \
		KBUILD_BUILD_USER=dlspare KBUILD_BUILD_HOST=testbed \
		make -C "$work" O=obj ARCH=x86_64 LOCALVERSION=-testbed "$@" </dev/null
}

kernel_make() { (kernel_exec "$@"); }

compiler() {
	PATH=$kernel_path gcc --version | sed -n 1p
	PATH=$kernel_path ld --version | sed -n 1p
}

# check_fragment FRAGMENT [OPTION...]: every line of it must have taken effect, except
# the OPTIONs that this tree need not know.
check_fragment() {
	local fragment=$1 line name value missing=() got
	shift

	while read -r line; do
		[[ $line =~ ^(CONFIG_[A-Z0-9_a-z]+)=(.*)$ ]] || continue
		name=${BASH_REMATCH[1]} value=${BASH_REMATCH[2]}
		[[ " $* " != *" $name "* ]] || continue
		got=$(sed -n "s/^$name=//p" "$work/obj/.config")
		[[ ${got:-n} == "$value" ]] || missing+=("$name=$value (is ${got:-n})")
	done <"$fragment"
	((${#missing[@]} == 0)) ||
		die "$fragment is not met by Linux $version: $(printf '%s; ' "${missing[@]}" | sed 's/; $//')"
}

configure() { # LOG [OPTION...]
	local log=$1
	shift

	kernel_make KCONFIG_ALLCONFIG="$fragment" allnoconfig >"$log" 2>&1 ||
		{ tail -n 20 "$log" >&2; die "allnoconfig with $fragment failed"; }
	check_fragment "$fragment" "$@"
}

# How many objects config/testbed.config compiles; only the estimate uses it.
expected_objects=1200

progress() { # LOG WHAT
	local began=$SECONDS done_now spent

	while sleep 10; do
		done_now=$(grep -c -E '^  (CC|AS|HOSTCC) ' "$1") || :
		spent=$((SECONDS - began))
		if [[ -e $work/obj/.built ]]; then
			say "$2: $done_now objects (at most $expected_objects), $(duration $spent)"
		elif ((done_now > 0 && done_now < expected_objects)); then
			say "$2: $done_now of $expected_objects objects, $(duration $spent)," \
				"about $(duration $((spent * (expected_objects - done_now) / done_now))) left"
		else
			say "$2: $done_now objects, $(duration $spent)"
		fi
	done
}

# compile LOG JOBS WHAT [TARGET...]: bzImage by default; false when the compiler fails.
compile() {
	local make_pid ticker status=0 target=("${@:4}")

	((${#target[@]})) || target=(bzImage)
	# The make itself, not a shell around it: it is what an interrupt must reach.
	kernel_exec -j"$2" "${target[@]}" >>"$1" 2>&1 &
	make_pid=$!
	# The ticker's sleep outlives it for seconds: it must not hold the lock.
	progress "$1" "$3" {lock_fd}>&- &
	ticker=$!
	children=("$make_pid" "$ticker")
	wait "$make_pid" || status=$?
	kill "$ticker" 2>/dev/null || :
	wait "$ticker" 2>/dev/null || :
	children=()
	((status != 0)) || : >"$work/obj/.built"
	return "$status"
}

show_errors() { # LOG
	grep -m 10 -E -A 3 "( error: |Error [0-9]|undefined reference)" "$1" >&2 || tail -n 20 "$1" >&2
}

# --- the git tree -------------------------------------------------------------

# No hooks: a commit made here must be what the patch says.
tree_git() { git -C "$dir" -c core.hooksPath=/dev/null "$@"; }

as_author() { # NAME EMAIL DATE COMMAND...
	GIT_AUTHOR_NAME=$1 GIT_AUTHOR_EMAIL=$2 GIT_AUTHOR_DATE=$3 \
		GIT_COMMITTER_NAME=$1 GIT_COMMITTER_EMAIL=$2 GIT_COMMITTER_DATE=$3 "${@:4}"
}
