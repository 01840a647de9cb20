# What several experiments build: guest programs and the VMMs they are in, the server of a guest with a Linux of its own
# and who asks it. Sourced by an experiment's run, beside stages.sh.
# shellcheck shell=bash disable=SC2154 # $build and $top are the run's, compile is stages.sh's

readonly lib=$top/experiments/lib

# A guest program, freestanding and with guest.c, as a flat binary: $build/NAME.
compile_guest() { # NAME GCC-ARGUMENT...
	local elf=$build/$1.elf
	gcc -std=gnu11 -O2 -Wall -Wextra -Werror -ffreestanding -fno-pic -mcmodel=small -mno-red-zone \
		-mgeneral-regs-only -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables \
		-nostdlib -static -no-pie -Wl,--build-id=none -Wl,--no-warn-rwx-segments -Wl,-z,max-page-size=4096 -T "$lib/guest.ld" \
		-o "$elf" "$lib/guest_start.S" "$lib/guest.c" "${@:2}"
	objcopy -O binary "$elf" "$build/$1"
}

# A program of the host's with the VMM, and with the guest program $build/GUEST in it.
compile_vmm() { # PROGRAM GUEST GCC-ARGUMENT...
	compile "$1" -pthread -DGUEST_FILE="\"$build/$2\"" "$lib/embed.S" "$lib/vmm.c" "${@:3}"
}

# $build/server and $build/asker.
compile_server_and_asker() {
	compile server "$lib"/{server,instant}.c -pthread
	compile asker "$lib"/{asker,echo,instant}.c "$top/experiments/ping/budget.c" -lm
}
