# Requests to a guest that always computes, or is idle, under one bound after another: sourced by run after stages.sh.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with the run
#
# The experiment sets
#   all_configs         what guests there are, words
#   all_arms            of idle, hard, spare, timer: each config has a stage for each
#   count seed          of requests of a kind; of the random instants
# of which options may choose (configs, arms)
# and defines
#   cpus_of CONFIG      of the testbed; those but the first have the vCPUs
#   guest_of CONFIG     options of `testbed guest start`
#   requests_of CONFIG  as lib/requests takes them, one a line
#   rule_of REQUEST     what must hold of its p99, in the arm spare: "times N" of idle's, "plus US" to it, "most US",
#                       or nothing; and of the time on loan for one: US, or nothing

# shellcheck source=experiments/lib/build.sh
. "$top/experiments/lib/build.sh"

readonly quota='40000 100000' unit='4000 10000'
declare -rA reservations=([idle]='' [hard]=$quota [spare]=$quota [timer]=$quota)
declare -rA pools=([idle]='' [hard]='' [spare]=$unit [timer]=$unit)
declare -rA terms=([idle]='' [hard]='' [spare]='' [timer]='--timer')

stage_script=$top/experiments/lib/requests configs=() arms=()

option() {
	case $1 in
	--count) check_number "$1" "$2"; count=$2 ;;
	--seed) check_number "$1" "$2"; seed=$2 ;;
	--configs) IFS=, read -ra configs <<<"$2"; check_list "$1" "$all_configs" "${configs[@]}" ;;
	--arms) IFS=, read -ra arms <<<"$2"; check_list "$1" "$all_arms" "${arms[@]}" ;;
	*) return 1 ;;
	esac
}

choose_stages() {
	local config arm
	((${#configs[@]})) || read -ra configs <<<"$all_configs"
	((${#arms[@]})) || read -ra arms <<<"$all_arms"
	for config in "${configs[@]}"; do
		for arm in "${arms[@]}"; do stages+=("$config-$arm"); done
	done
}

build_programs() {
	compile_server_and_asker
	added=("$build"/{server,asker})
}

stage_options() { # CONFIG-ARM
	printf '%s\n' --cpus "$(cpus_of "${1%-*}")" --limit $((1200 + count * 300))
}

interrupt_cpu_of() { # CONFIG
	if [[ $1 == *mq ]]; then echo -1; else echo 0; fi
}

stage_arguments() {
	local config=${1%-*} arm=${1#*-}
	printf '%s\n' "$(cpus_of "$config")" "$(interrupt_cpu_of "$config")" "${reservations[$arm]}" "${pools[$arm]}" "${terms[$arm]}" \
		"$(guest_of "$config")" "$count" "$seed"
	requests_of "$config"
}

# --- results ---

rtt_of() { # STAGE DIR
	local file
	for file in "$2"/*.rtt; do sed "s/^/${1%-*},${1#*-},$(basename "$file" .rtt),/" "$file"; done
}

# In the order of the requests.
summary_of() { # STAGE DIR
	local name kind cost
	while IFS=: read -r name kind _; do
		[[ $kind != job ]] || continue
		cost=$(<"$2/$name.cost")
		printf '%s,%s,%s,%s,%s,%s,' "${1%-*}" "${1#*-}" "$name" "$(wc -l <"$2/$name.rtt")" "$(grep -c ',$' "$2/$name.rtt" || :)" \
			"$(cut -d, -f2 "$2/$name.rtt" | grep . | percentiles 50 99 100)"
		awk -F, -v n="$count" '{ printf "%.4f,%.1f,%.2f\n", $1, $2 / n, $3 / n }' <<<"$cost"
	done < <(requests_of "${1%-*}")
}

jobs_of() { # STAGE DIR
	[[ ! -e $2/jobs.csv ]] || sed "s/^/${1%-*},${1#*-},/" "$2/jobs.csv"
}

claims() {
	local request rule value loan
	echo config,request,claim,measured,wanted,holds
	cut -d, -f3 "$out/summary.csv" | sed 1d | awk '!seen[$0]++' | while read -r request; do
		read -r rule value loan < <(rule_of "$request") || :
		awk -F, -v request="$request" -v rule="$rule" -v value="$value" -v loan="$loan" '
			$3 == request { p99[$1, $2] = $7; used[$1, $2] = $10; configs[$1] }
			function claim(config, what, measured, most) {
				printf "%s,%s,%s,%.4g,<= %s,%s\n", config, request, what, measured, most, measured <= most ? "yes" : "no"
			}
			END {
				for (config in configs) {
					if (!((config, "spare") in p99) || !((config, "idle") in p99)) continue
					spare = p99[config, "spare"]; idle = p99[config, "idle"]
					if (rule == "times") claim(config, "p99 / of idle", spare / idle, value)
					if (rule == "plus") claim(config, "p99 - of idle (us)", spare - idle, value)
					if (rule == "most") claim(config, "p99 (us)", spare, value)
					if (loan != "") claim(config, "on loan for one (us)", used[config, "spare"], loan)
				}
			}' "$out/summary.csv"
	done
}

write_tables() {
	table config,arm,request,seq,rtt_us rtt_of >"$out/rtt.csv"
	table config,arm,request,sent,lost,p50_us,p99_us,max_us,share,loan_us,loans summary_of >"$out/summary.csv"
	table config,arm,job,times,p50_us,p99_us,max_us,share,loan_us,loans,events jobs_of >"$out/jobs.csv"
	(($(wc -l <"$out/jobs.csv") > 1)) || rm "$out/jobs.csv"
	claims >"$out/claims.csv"
}

parameters() {
	local config arm
	echo "requests: $count of a kind, at depletions; of a guest that is idle at random, seed $seed"
	for arm in "${arms[@]}"; do echo "$arm: ${reservations[$arm]:-no reservation}; pool: ${pools[$arm]:-none} ${terms[$arm]}"; done
	for config in "${configs[@]}"; do echo "$config: $(cpus_of "$config") CPUs, $(guest_of "$config")"; done
}

show() {
	gnuplot -e "dir='$out'; title='$name'; configs='${configs[*]}'; arms='${arms[*]}'" "$top/experiments/lib/requests.gp"
	column -s, -t "$out/summary.csv"
	[[ ! -e $out/jobs.csv ]] || column -s, -t "$out/jobs.csv"
	column -s, -t "$out/claims.csv"
}

check_results() {
	awk -F, 'NR > 1 && $5 { exit 1 }' "$out/summary.csv" || fail "requests were lost"
	! grep ',no$' "$out/claims.csv" || say "some claims do not hold, see README.md"
}
