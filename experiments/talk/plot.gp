# p50 and p99 of a request, a panel for one CPU and one for two. Needs dir, arms, cpus.
set datafile separator ','
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.8 noborder
set logscale y
set yrange [0.02:400]
set format y '%g'
set ylabel 'ms'
set grid ytics
set xtics rotate by -20
rows(cpus) = sprintf("< awk -F, '$1 == %s { print $2 \",\" $4 / 1000 \",\" $5 / 1000 }' %s/summary.csv", cpus, dir)
do for [kind in 'svg png'] {
	if (kind eq 'svg') { set terminal svg size 900, 360 font 'sans,11' background 'white' } else { set terminal png size 900, 360 }
	set output sprintf('%s/talk.%s', dir, kind)
	set multiplot layout 1, words(cpus)
	do for [n in cpus] {
		set title (n eq '1' ? 'both on one CPU' : 'a CPU each')
		plot rows(n) using 2:xtic(1) title 'p50' linecolor 1, '' using 3 title 'p99' linecolor 2
	}
	unset multiplot
}
