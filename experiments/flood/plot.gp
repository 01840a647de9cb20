# gnuplot -e "dir='out/flood'; from=1541; seconds=5" plot.gp
# A panel for each rate that share.csv holds: the guest's share of the last second. Each tenth
# window: with all of them the figure is 0.7 MB.

set datafile separator comma
share = dir . "/share.csv"
rates = system(sprintf("tail -n +2 %s | cut -d, -f2 | sort -nu | tr '\\n' ' '", share))
arms = "hard spare spare-charge"
array title_of[3] = ["hard", "spare, charge=0", "spare, charge=1"]
array colour_of[3] = ["#d55e00", "#e69f00", "#0072b2"]
array width_of[3] = [5, 2.5, 2.5]
windows(arm, rate) = sprintf("grep '^%s,%s,' %s || true", arm, rate, share)
until = from / 1000.0 + seconds

set yrange [0.35:0.7]
set xrange [0:until + 1.5]
set grid ytics lt 1 lc rgb "#dddddd"
set border 3
set tics nomirror out
set xlabel "s; the flood is shaded"

do for [format in "svg png"] {
	if (format eq "svg") {
		set terminal svg size 1200,480 dynamic font "sans,14" background rgb "white"
	} else {
		set terminal pngcairo size 1200,480 font "sans,12" background rgb "white"
	}
	set output sprintf("%s/flood.%s", dir, format)
	set object 1 rectangle from from / 1000.0,graph 0 to until,graph 1 behind fillcolor rgb "#f2f2f2" fillstyle solid noborder
	set label 1 "U + (1−U) Us + Qs (1−Us) / P = 0.664" at graph 0.02,first 0.664 offset 0,0.5
	set label 2 "U + (1−U) Us = 0.64" at graph 0.02,first 0.64 offset 0,-0.6
	set label 3 "U + 1 % = 0.41" at graph 0.02,first 0.41 offset 0,0.5
	set key at screen 0.5,0.03 bottom center horizontal maxrows 1 samplen 3 noenhanced
	set ylabel "guest's share of the last second"
	set multiplot layout 1,words(rates) margins 0.07,0.98,0.27,0.84 spacing 0.06 title "A guest with (40,100) ms and a pool of one (4,10) ms unit, flooded with packets"
	do for [rate in rates] {
		set title sprintf("%s packets/s", rate)
		plot 0.664 lw 1 dt 2 lc rgb "#444444" notitle, 0.64 lw 1 dt 2 lc rgb "#444444" notitle, 0.41 lw 1 dt 2 lc rgb "#444444" notitle, \
			for [i=1:3] "< echo ,,-1,-1; echo; " . windows(word(arms, i), rate) \
			every 10 using ($3 / 1000):4 with lines lw width_of[i] lc rgb colour_of[i] title title_of[i]
		unset key; unset ylabel
	}
	unset multiplot
	unset output
}
