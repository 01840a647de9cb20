# The stages of an experiment, each one boot of the testbed, and what they have in common: sourced by experiments/*/run.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with the run
#
# The experiment sets before it calls main_of_stages "$@"
#   name here top  its name, its folder, the project's
#   jobs           testbeds at a time, if not 2
#   attempts       how often a stage that fails is begun, each time a little later by its clock, if not once
#   stage_script   what a stage runs in the testbed, if not $here/stage
#   slowest        the stage that is begun first, so that none is left alone at the end (optional)
# and defines
#   usage           prints its help, with "$common_options" in it
#   option NAME VALUE   takes an option of its own; fails if it knows none of that name (optional)
#   choose_stages   fills stages=(NAME...), after the options are known
#   build_programs  compiles what it needs (compile), and names in added=(FILE...) what the stages take along
#                   besides dlspare and vm.sh
#   stage_options STAGE    options of `testbed run`, one word a line (optional)
#   stage_arguments STAGE  arguments of the script, one a line
#   write_tables    makes $out/*.csv of $out/stages/*/…
#   parameters      prints "NAME: VALUE" lines beside the common ones
#   show            draws the figure and prints the result
#   check_results   fails (fail) if the result is not what it must be (optional)
#
# On this computer in the testbed's place (experiments/here), by the environment:
#   DLSPARE_HERE     the vCPUs' CPU. No figure is drawn and no result judged; what fails is left out of the tables.
#   DLSPARE_UNTIL    no stage begins that would end after this second of the epoch
#   DLSPARE_END      and none goes on after this one
#   DLSPARE_COMMAND  a dlspare that is there

common_options='  --jobs N      testbeds at a time
  --out DIR     (out/NAME)
  --again       do stages again that were done before

A stage that was done with the same kernel, programs and parameters is not done again.
Exit status 1 if a stage or a check failed, 2 for wrong usage.'

say() {
	echo "$name: $*"
}

fail() {
	say "$*" >&2
	exit 1
}

fail_usage() {
	say "$*; see --help" >&2
	exit 2
}

duration() { # SECONDS
	if (($1 < 60)); then echo "$1 s"; else echo "$(($1 / 60)) min $(($1 % 60)) s"; fi
}

check_number() { # OPTION VALUE
	[[ $2 =~ ^[1-9][0-9]{0,8}$ ]] || fail_usage "$1 '$2' is not a positive number"
}

check_list() { # OPTION KNOWN-WORDS ITEM...
	local option=$1 known=$2 item
	shift 2
	(($#)) || fail_usage "$option is empty"
	for item; do
		[[ " $known " == *" $item "* ]] || fail_usage "$option has '$item', not one of: $known"
	done
}

defined() {
	declare -F "$1" >/dev/null
}

parse_options() {
	while (($#)); do
		case $1 in
		-h | --help) usage; exit ;;
		--again) again=1; shift; continue ;;
		esac
		(($# > 1)) || fail_usage "unknown option '$1', or it lacks its value"
		case $1 in
		--jobs) check_number "$1" "$2"; jobs=$2 ;;
		--out) out=$2 ;;
		*) { defined option && option "$1" "$2"; } || fail_usage "unknown option '$1'" ;;
		esac
		shift 2
	done
}

# Into $build, static: the testbed has few libraries.
compile() { # PROGRAM GCC-ARGUMENT...
	local program=$1
	shift
	gcc -std=gnu11 -O2 -Wall -Wextra -Werror -static -o "$build/$program" "$@"
}

find_kernel() {
	DLSPARE_KERNEL=${DLSPARE_KERNEL:-$("$top/kernel-patches/build" --print-image)} || fail "the kernel could not be built"
	[[ -r $DLSPARE_KERNEL ]] || fail "kernel '$DLSPARE_KERNEL' cannot be read"
	export DLSPARE_KERNEL
}

# --- stages ---

options_of() {
	if defined stage_options; then stage_options "$1"; fi
}

# What decides a stage's result.
stage_key() {
	local file
	{
		cat "$DLSPARE_KERNEL" "$stage_script" "$top"/tests/testbed/{testbed,guest,*.c}
		options_of "$1" | sed -n '/^--kernel$/ { n; p }' | xargs -r cat
		for file in "${added[@]}"; do find "$file" -type f -exec cat {} +; done
		options_of "$1"
		stage_arguments "$1"
		echo "${DLSPARE_REFEREE:-}"
	} | sha256sum | cut -d' ' -f1
}

is_done() {
	[[ ! $again && -e $out/stages/$1/key && $(<"$out/stages/$1/key") == "$(stage_key "$1")" ]]
}

start_stage() {
	local dir=$out/stages/$1 file options arguments
	rm -rf "$dir"
	mkdir -p "$dir"
	stage_key "$1" >"$dir/key.begun"
	mapfile -t options < <(options_of "$1")
	mapfile -t arguments < <(stage_arguments "$1")
	for file in "${added[@]}"; do options+=(--add "$file"); done
	((began_times[$1]++ == 0)) || options+=(--append "attempt=${began_times[$1]}")
	[[ ! $natively ]] || options+=(--here "$DLSPARE_HERE" --limit $((DLSPARE_END > EPOCHSECONDS ? DLSPARE_END - EPOCHSECONDS : 1)))
	"$top/tests/testbed/testbed" run "${options[@]}" --out "$dir" "$stage_script" "${arguments[@]}" >"$dir/log" 2>&1 </dev/null &
	running[$!]=$1
	began[$!]=$SECONDS
}

report() { # STAGE TEXT
	local left=''
	ended=$((ended + 1))
	((ended == ${#stages[@]} || ended == skipped)) ||
		left=", about $(duration $(((SECONDS - first) * (${#stages[@]} - ended) / (ended - skipped)))) left"
	say "$ended/${#stages[@]} $1: $2$left"
}

tell_referee() { # STAGE
	sed -n "s/^referee: /$name: $1: &/p" "$out/stages/$1/log"
}

end_stage() {
	local pid status=0 stage took
	wait -n -p pid "${!running[@]}" || status=$?
	stage=${running[$pid]}
	unset "running[$pid]"
	took=$((SECONDS - began[$pid]))
	((took <= longest)) || longest=$took
	if ((status == 0)); then
		done_stages+=("$stage")
		mv "$out/stages/$stage/key.begun" "$out/stages/$stage/key"
		report "$stage" "$(duration $took)"
		tell_referee "$stage"
	elif ((began_times[$stage] < ${attempts:-1})); then
		say "$stage: failed with $status after $(duration $took), once more: $(tail -1 "$out/stages/$stage/log")"
		start_stage "$stage"
	else
		failed+=("$stage")
		report "$stage" "failed with $status, see $out/stages/$stage/log"
		tail -5 "$out/stages/$stage/log" | sed 's/^/  /' >&2
		tell_referee "$stage"
	fi
}

# Of two that are alike the next takes as long as the last.
too_late() {
	[[ $natively ]] && ((EPOCHSECONDS + longest > DLSPARE_UNTIL))
}

stop_stages() {
	((${#running[@]} == 0)) || kill "${!running[@]}" 2>/dev/null || true
	wait
}

# Prints them, the slowest first.
in_order() {
	printf '%s\n' "${stages[@]}" | grep -Fx "${slowest-}" || :
	printf '%s\n' "${stages[@]}" | grep -Fxv "${slowest-}" || :
}

run_stages() {
	local stage
	failed=() done_stages=() ended=0 skipped=0 longest=0 first=$SECONDS
	declare -gA running=() began=() began_times=()
	trap stop_stages EXIT
	say "${#stages[@]} stages, $jobs at a time"
	for stage in $(in_order); do
		if is_done "$stage"; then
			skipped=$((skipped + 1))
			report "$stage" "done before"
			continue
		fi
		# One that failed may have been begun again.
		while ((${#running[@]} >= jobs)); do end_stage; done
		if too_late; then
			skipped=$((skipped + 1))
			report "$stage" "left out, its time is up"
			continue
		fi
		start_stage "$stage"
	done
	while ((${#running[@]})); do end_stage; done
	if [[ $natively ]]; then
		stages=("${done_stages[@]}")
		return
	fi
	((${#failed[@]} == 0)) || fail "failed: ${failed[*]}; run again to do only these"
}

# --- results ---

# A table of a header line and of what COMMAND STAGE DIR prints for each stage.
table() { # HEADER COMMAND...
	local stage header=$1
	shift
	echo "$header"
	for stage in "${stages[@]}"; do "$@" "$stage" "$out/stages/$stage"; done
}

# The value of a KEY=VALUE or KEY VALUE line.
value_of() { # KEY FILE
	sed -n "s/^$1[= ]//p" "$2"
}

# Nearest rank, of numbers on standard input, a comma between them; 0 is the smallest.
percentiles() { # PERCENT...
	sort -g | awk -v list="$*" '
		{ value[NR] = $1 }
		END {
			n = split(list, percent, " ")
			for (k = 1; k <= n; k++) {
				i = int(NR * percent[k] / 100)
				if (!i || i < NR * percent[k] / 100) i++
				printf "%s%s", (k > 1 ? "," : ""), value[i]
			}
			print ""
		}'
}

# What went in. Where all of it but the project's commit is the same, so are the bytes of the tables.
write_manifest() {
	local stage
	echo "project: $(git -C "$top" describe --always --dirty 2>/dev/null || echo unknown)"
	parameters
	for stage in "${stages[@]}"; do echo "initramfs of $stage: $(<"$out/stages/$stage/initramfs")"; done
	"$top/tests/testbed/testbed" manifest
}

# --- the command ---

main_of_stages() {
	jobs=${jobs:-2} stage_script=${stage_script:-$here/stage} again='' out=$top/out/$name added=() stages=() natively=${DLSPARE_HERE:+1}
	parse_options "$@"
	choose_stages
	mkdir -p "$out/stages" "$out/build"
	out=$(readlink -f "$out") build=$out/build
	find_kernel
	[[ ${DLSPARE_COMMAND-} ]] || make -s -C "$top/cgroup-tools" programs
	build_programs
	added+=("${DLSPARE_COMMAND:-$top/out/tools/dlspare}" "$top/experiments/vm.sh")
	run_stages
	write_tables
	write_manifest >"$out/manifest.txt"
	[[ $natively ]] || show
	say "$(duration "$SECONDS"); results in $out"
	[[ ! $natively ]] || exit $((${#failed[@]} > 0))
	! defined check_results || check_results
}
