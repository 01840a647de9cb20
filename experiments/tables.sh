# The tables that README.md files show, made of the CSV files beside them: sourced by experiments/*/tables.
# shellcheck shell=bash
#
# An experiments/NAME/tables calls table for each of its tables. In a README.md the line "<!-- table NAME/TABLE -->"
# stands above the table that `experiments/run --tables` puts there.

here=$(dirname "$(readlink -f "$0")")

# shellcheck disable=SC2016 # programs of awk

# For the programs: f(COLUMN) is a field by its name, row(TEXT) a line of the table, cells separated by " | ".
readonly table_functions='
function f(name) {
	if (!(name in column)) {
		print FILENAME " has no column " name >"/dev/stderr"
		failed = 1
		exit 1
	}
	return $column[name]
}
function row(text) { print "| " text " |" }
# Takes part in keys[1..nr_keys], each once, in the order in which they come.
function key(text) { if (!(text in is_key)) keys[++nr_keys] = text; is_key[text]; return text }
# What is left empty of a row in the columns of a header.
function empty(header) { gsub(/[^|]/, "", header); gsub(/./, " | ", header); return header }
function fixed(x, digits) { return sprintf("%." digits "f", x) }
# us as ms, three digits or so
function ms(us) { us /= 1000; return fixed(us, us < 1 ? 3 : us < 10 ? 2 : 1) }
# 12345 as 12,345
function grouped(n) {
	n = fixed(n, 0)
	while (match(n, /[0-9][0-9][0-9][0-9]($|,)/)) n = substr(n, 1, RSTART) "," substr(n, RSTART + 1)
	return n
}
FNR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
END { if (failed) exit 1 }
'

# A program prints rows, in the order of the CSV or at its END.
table() { # NAME HEADER CSV PROGRAM
	printf '<!-- table %s/%s -->\n| %s |\n' "${here##*/}" "$1" "$2"
	sed 's/[^|]//g; s/|/---|/g; s/^/|---|/' <<<"$2"
	awk -F, "$table_functions $4" "$here/$3"
	echo
}

# A row for each request to a guest: CELLS, an expression of both(ARM), its p50 and p99, p99(ARM) and loan(ARM), ms, and
# loans(ARM), how many.
table_of_requests() { # HEADER CELLS
	table requests "$1" summary.csv '
	function both(arm) { return p50_of[k, arm] ", " p99_of[k, arm] }
	function p99(arm) { return p99_of[k, arm] }
	function loan(arm) { return loan_of[k, arm] }
	function loans(arm) { return loans_of[k, arm] }
	{
		k = key(f("config") " | " f("request"))
		p50_of[k, f("arm")] = ms(f("p50_us"))
		p99_of[k, f("arm")] = ms(f("p99_us"))
		loan_of[k, f("arm")] = ms(f("loan_us"))
		loans_of[k, f("arm")] = fixed(f("loans"), 1)
	}
	END {
		for (i = 1; i <= nr_keys; i++) {
			k = keys[i]
			row(k " | " '"$2"')
		}
	}'
}

# Those of claims.csv that do not hold, and how many do.
table_of_claims() { # HEADER FIRST-COLUMNS
	table claims "$1 | claim | measured | wanted" claims.csv '
	{ total++ }
	f("holds") == "yes" { held++ }
	f("holds") == "no" { row('"$2"' " | " f("claim") " | " f("measured") " | " f("wanted")) }
	END { row(held + 0 " of " total " hold" empty("'"$1"'") " |  |  | ") }'
}
