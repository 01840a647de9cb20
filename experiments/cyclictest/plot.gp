# gnuplot -e "dir='out/cyclictest'" plot.gp
# Three panels: cyclictest on CPU 0, where the I/O is, on CPU 1, where the vCPU is, and inside the guest.

set datafile separator comma
latency = dir . "/latency.csv"
arms = "none-vanilla none-patched hard-vanilla hard-patched loans-patched"
array title_of[5] = ["unpatched, no guest", "patched, no guest", "unpatched, pinged guest", "patched, pinged guest", "patched, pinged guest that borrows"]
# Wide below narrow: what is the same lies upon each other.
array width_of[5] = [7, 2.5, 7, 3.5, 1.5]
array colour_of[5] = ["#bbbbbb", "#000000", "#f0c080", "#d55e00", "#0072b2"]
inside = "inside-hard inside-spare inside-pinged"
array inside_title_of[3] = ["no pool", "pool, no packets", "pool, pinged"]
array inside_width_of[3] = [7, 3.5, 1.5]
array inside_colour_of[3] = ["#f0c080", "#d55e00", "#0072b2"]
# Latency and the part of wake-ups that took as long or longer.
ccdf(arm, cpu) = sprintf("< grep '^%s,%s,' %s | sort -t, -k3 -g | awk -F, '{ v[NR] = $3 } END { for (i = 1; i <= NR; i++) print v[i] / 1000 \",\" (NR - i + 1) / NR }'", arm, cpu, latency)

set logscale xy 10
set format y "10^{%T}"
set yrange [3e-4:1.5]
set border 3
set tics nomirror out
set grid xtics ytics lt 1 lc rgb "#dddddd"
set xtics ("1 µs" 1, "10 µs" 10, "100 µs" 100, "1 ms" 1e3, "10 ms" 1e4, "100 ms" 1e5)
set xlabel "latency (log scale)"

do for [format in "svg png"] {
	if (format eq "svg") {
		set terminal svg size 1300,500 dynamic font "sans,14" background rgb "white"
	} else {
		set terminal pngcairo size 1300,500 font "sans,12" background rgb "white"
	}
	set output sprintf("%s/latency.%s", dir, format)
	set multiplot layout 1,3 margins 0.07,0.98,0.33,0.84 spacing 0.06 title "cyclictest: wake-ups that took as long or longer"
	set ylabel "part of wake-ups"
	do for [cpu in "0 1"] {
		set title (cpu eq "0" ? "host, CPU 0: the I/O threads'" : "host, CPU 1: the vCPU's")
		set xrange [1:2e5]
		if (cpu eq "0") { set key at screen 0.33,0.02 bottom center maxrows 3 samplen 3 } else { unset key }
		plot for [i=1:5] ccdf(word(arms, i), cpu) using 1:2 with steps lw width_of[i] lc rgb colour_of[i] title title_of[i]
		unset ylabel
	}
	set key at screen 0.83,0.02 bottom center maxrows 3 samplen 3
	set title "inside the guest"
	plot for [i=1:3] ccdf(word(inside, i), "guest") using 1:2 with steps lw inside_width_of[i] lc rgb inside_colour_of[i] title inside_title_of[i]
	unset multiplot
	unset output
}
