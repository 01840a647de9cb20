# Kernels without the patches, for checks of what needs none. Sourced.
# shellcheck shell=bash disable=SC2154 # top: the script's

# built: the testbed's, with what a distribution's has; others: Debian's own (debian-kernel). Prints the path of its image.
unpatched_image() { # KERNEL
	case $1 in
	built) "$top/kernel-patches/build" --print-image --variant vanilla --fragment "$top/config/stock.config" ;;
	*) "$top/tests/testbed/debian-kernel" "$1" ;;
	esac
}
