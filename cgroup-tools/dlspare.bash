# shellcheck shell=bash
# Completion for dlspare(1). `dlspare complete vms` and `dlspare complete pools` print a name a line.

# What may follow a command, beside the options of all.
declare -gA _dlspare_options=(
	[set]='--runtime --period --class --vcpu --io --latency --device --pid --uid --group --dry-run'
	[unset]='--dry-run'
	[pool create]='--spare --runtime --period --units --cpus --exclusive --shared --edf --group --dry-run'
	[pool set]='--spare --runtime --period --units --cpus --exclusive --shared --edf --group --dry-run'
	[pool delete]='--dry-run'
	[assign]='--chances --charge --no-charge --reply --no-reply --linger --timer --no-timer --on --off --pid --uid --group --dry-run'
	[top]='--interval --count'
	[observe]='--for --spare-runtime --spare-period --figure'
	[why]='--last --later-than --from --threads --trace'
	[show]='--file'
	[plan]='--live --for --runtime --period --vms --spare-runtime --spare-period --units --cpus --limit --rate --hold --blocking
		--latency --ring --switch-cost --overhead --formulas'
	[apply]='--dry-run'
	[verify]='--no-latency'
	[reset]='--dry-run'
	[metrics]='--output'
)

# Offers each line of standard input that begins with the word to be completed, quoted: names may have spaces.
_dlspare_offer() {
	local line word=$cur
	# What was typed may be quoted or escaped.
	word=${word//\\/} word=${word#[\"\']}
	while IFS= read -r line; do
		[[ $line != "$word"* ]] || COMPREPLY+=("$(printf '%q' "$line")")
	done
}

_dlspare_words() { _dlspare_offer < <(printf '%s\n' "$@"); }
_dlspare_names() { _dlspare_offer < <("${COMP_WORDS[0]}" complete "$1" 2>/dev/null); }
_dlspare_files() { mapfile -t COMPREPLY < <(compgen -f -- "$cur"); compopt -o filenames; }

_dlspare_wants_value() {
	case $1 in
	--exclusive | --shared | --*charge | --*reply | --*timer | --on | --off | --file | --live | --formulas | --dry-run) return 1 ;;
	--json | --quiet | --verbose | --no-* | --help | --version) return 1 ;;
	--*) return 0 ;;
	*) return 1 ;;
	esac
}

_dlspare() {
	local cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command='' position=0 i word
	COMPREPLY=()

	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		# Bash makes words of these, as in housekeeping:0.
		: | =) ((++i)) ;;
		-*) ! _dlspare_wants_value "$word" || [[ ${COMP_WORDS[i + 1]} == = ]] || ((++i)) ;;
		*)
			if [[ ! $command ]]; then
				command=$word
			elif [[ $command == pool ]]; then
				command="pool $word"
			else
				((++position))
			fi
			;;
		esac
	done

	case $before in
	--latency) _dlspare_words none; return ;;
	--io) _dlspare_words keep housekeeping deadline; return ;;
	--device)
		_dlspare_words any none
		_dlspare_offer < <(ls /sys/class/net)
		return
		;;
	--chances) _dlspare_words max 1 2; return ;;
	--pid | --uid) _dlspare_words any; return ;;
	--spare) _dlspare_words auto; return ;;
	--edf) _dlspare_words partitioned global; return ;;
	--output | --from | --trace | --figure) _dlspare_files; return ;;
	--class) _dlspare_words auto deadline quota; return ;;
	: | =) return ;;
	*) ! _dlspare_wants_value "$before" || return ;;
	esac

	if [[ $cur == -* ]]; then
		# shellcheck disable=SC2086 # a list of words
		_dlspare_words ${_dlspare_options[$command]:-} --json --quiet --verbose --no-color --help --version
		return
	fi
	case $command:$position in
	:0)
		_dlspare_words set unset pool assign status top observe why show validate plan apply verify reset doctor metrics find
		;;
	pool:0) _dlspare_words create set delete show ;;
	'pool set:0' | 'pool delete:0' | 'pool show:0') _dlspare_names pools ;;
	set:0 | unset:0 | assign:0 | status:0 | why:0 | observe:*) _dlspare_names vms ;;
	assign:1) _dlspare_words none; _dlspare_names pools ;;
	validate:0 | apply:0 | plan:*) _dlspare_files ;;
	esac
}

complete -F _dlspare dlspare
