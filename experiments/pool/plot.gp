# gnuplot -e "dir='out/pool'" plot.gp
# A panel for each number of VMs that summary.csv holds: how often a request finds all units on loan.

set datafile separator comma
summary = dir . "/summary.csv"
counts = system(sprintf("tail -n +2 %s | cut -d, -f1 | sort -nu | tr '\\n' ' '", summary))
of(vms, how) = sprintf("< grep '^%s,%s,' %s || echo ,,,,,,,,,,,,,,,,,,,", vms, how, summary)
least = 1e-4
on_axis(p) = p > least ? p : least

set logscale y
set yrange [least:1.3]
set format y "10^{%L}"
set xrange [0.4:*]
set xtics 1
set offsets 0,0.4,0,0
set grid ytics lt 1 lc rgb "#dddddd"
set border 3
set tics nomirror out
set xlabel "units m"
colour_lost = "#0072b2"; colour_wait = "#d55e00"; colour_other = "#666666"

do for [format in "svg png"] {
	if (format eq "svg") {
		set terminal svg size 1200,480 dynamic font "sans,14" background rgb "white"
	} else {
		set terminal pngcairo size 1200,480 font "sans,12" background rgb "white"
	}
	set output sprintf("%s/pool.%s", dir, format)
	set key at screen 0.75,0.86 left top Left reverse vertical samplen 2 noenhanced
	set ylabel "requests that find all units on loan"
	set multiplot layout 1,words(counts) margins 0.075,0.73,0.17,0.84 spacing 0.03 \
		title "Many VMs, a pool of m units: loans of 10 ms: measured, with 95 % intervals, and by the formulas"
	do for [vms in counts] {
		rate = system(sprintf("grep -m1 '^%s,cleared' %s | cut -d, -f4", vms, summary))
		set title sprintf("%s VMs, %s events/s each", vms, rate) offset 0,-0.5
		plot of(vms, "cleared") using 3:16 with lines lw 2 lc rgb colour_lost title "Engset: they are lost", \
			"" using 3:15 with lines lw 1 dt 3 lc rgb colour_lost title "Erlang-B", \
			"" using 3:(on_axis($7)):(on_axis($8)):(on_axis($9)) with yerrorbars pt 7 ps 0.7 lw 1.5 lc rgb colour_lost title "measured, they are lost", \
			of(vms, "queued") using 3:19 with lines lw 2 lc rgb colour_wait title "constant: they wait", \
			"" using 3:18 with lines lw 1 dt 2 lc rgb colour_wait title "Palm: exponential loans", \
			"" using 3:17 with lines lw 1 dt 3 lc rgb colour_wait title "Erlang-C", \
			"" using ($3 + 0.12):(on_axis($7)):(on_axis($8)):(on_axis($9)) with yerrorbars pt 5 ps 0.6 lw 1.5 lc rgb colour_wait title "measured, they wait", \
			of(vms, "broadcast") using 3:(on_axis($7)) with points pt 9 ps 1.1 lc rgb colour_other notitle, \
			of(vms, "held") using 3:(on_axis($7)) with points pt 6 ps 1.1 lw 1.5 lc rgb "black" notitle, \
			of(vms, "aligned") using 3:(on_axis($7)) with points pt 2 ps 1.1 lw 1.5 lc rgb "black" notitle, \
			keyentry with points pt 9 ps 1.1 lc rgb colour_other title "broadcasts", \
			keyentry with points pt 6 ps 1.1 lw 1.5 lc rgb "black" title "held to the own budget, spread", \
			keyentry with points pt 2 ps 1.1 lw 1.5 lc rgb "black" title "held to the own budget, aligned"
		unset key; unset ylabel; set format y ""
	}
	unset multiplot
	set format y "10^{%L}"
	unset output
}
