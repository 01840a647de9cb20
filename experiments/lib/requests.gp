# p99 of each request, a panel a config, a colour an arm. Needs dir, title, configs, arms.
set datafile separator ','
n = words(configs)
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.8 noborder
set logscale y
set yrange [0.02:2000]
set format y '%g'
set grid ytics
set xtics rotate by -25 font ',9'
set key top right horizontal font ',9'
rows(config, arm) = sprintf("< awk -F, '$1 == \"%s\" && $2 == \"%s\" { print $3 \",\" $7 / 1000 }' %s/summary.csv", config, arm, dir)
do for [kind in 'svg png'] {
	if (kind eq 'svg') { set terminal svg size 900, 260 * n font 'sans,11' background 'white' } else { set terminal png size 900, 260 * n }
	set output sprintf('%s/%s.%s', dir, title, kind)
	set multiplot layout n, 1
	do for [config in configs] {
		set title config
		set ylabel 'p99, ms'
		plot for [i=1:words(arms)] rows(config, word(arms, i)) using 2:xtic(1) title word(arms, i) linecolor i
	}
	unset multiplot
}
