# The modules of a kernel that machines of the testbed load: sourced.
# shellcheck shell=bash

# With those that they need, numbered in the order in which they are loaded; none where they are built in.
modules_keep() { # FOLDER RELEASE ROOT NAME...
	local folder=$1 release=$2 root=$3 word path number=0 target name
	shift 3
	mkdir -p "$folder"
	while read -r word path _; do
		[[ $word == insmod ]] || continue
		number=$((number + 1))
		name=${path##*/}
		printf -v target '%s/%02d-%s.ko' "$folder" $number "${name%%.ko*}"
		case $path in
		*.xz) xz -dc "$path" ;;
		*.zst) zstd -qdc "$path" ;;
		*.gz) gzip -dc "$path" ;;
		*) cat "$path" ;;
		esac >"$target"
	done < <(for name; do modprobe --dirname "$root" --set-version "$release" --show-depends "$name"; done | awk '!seen[$0]++')
}
