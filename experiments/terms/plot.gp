# p50, p90 and the slowest of each kind, a panel a kind, by setting; and the time on loan of one. Needs dir, kinds, cpus.
set datafile separator ','
n = words(kinds)
set style fill solid 0.8 noborder
set style data histograms
set style histogram clustered gap 1
set grid ytics
set logscale y
set format y '%g'
set xtics rotate by -25 font ',9'
set rmargin 10
rows(kind) = sprintf("< awk -F, '$1 == %s && $3 == \"%s\" { gsub(/--/, \"\", $2); sub(/^reply /, \"\", $2); print $2 \",\" $5 / 1000 \",\" $6 / 1000 \",\" $7 / 1000 \",\" $9 / 1000 }' %s/terms.csv", cpus, kind, dir)
do for [format in 'svg png'] {
	if (format eq 'svg') { set terminal svg size 1200, 300 * ((n + 1) / 2) font 'sans,11' background 'white' } else { set terminal png size 1200, 300 * ((n + 1) / 2) }
	set output sprintf('%s/terms.%s', dir, format)
	set multiplot layout (n + 1) / 2, 2
	set ylabel 'ms'
	set yrange [0.02:300]
	do for [kind in kinds] {
		set title kind
		if (kind eq word(kinds, 1)) { set key outside above right horizontal } else { unset key }
		plot rows(kind) using 2:xtic(1) title 'p50' linecolor 1, '' using 3 title 'p90' linecolor 2, \
			'' using 4 title 'slowest' linecolor 4, '' using ($5 > 0.02 ? $5 : NaN) title 'on loan' linecolor 7
	}
	unset multiplot
}
