# gnuplot -e "dir='out/rivals'" plot.gp
# ccdf: how many pings take longer than that, a panel a phase. trade: the slowest ping in a thousand against the batch rate.

set datafile separator comma
rtt = dir . "/rtt.csv"
summary = dir . "/summary.csv"
arms = "idle hard mid short max burst fifo reclaim tight spare small"
array title_of[11] = ["idle guest, no limit", "hard (40,100) ms", "(4,10) ms", "(0.4,1) ms", "cpu.max 40/100 ms", \
	"cpu.max and burst", "FIFO, fair server 60/100", "GRUB reclaim (40,100)", "spare (0.2,1), linger=0", "spare (4,10), the default", "spare (1,10)"]
# Okabe and Ito's colours, and two more: the colour-blind can tell them apart
array colour_of[11] = ["#777777", "#d55e00", "#e69f00", "#8c6d00", "#cc79a7", "#882255", "#000000", "#66a61e", "#009e73", "#56b4e9", "#0072b2"]
array dash_of[11] = [3, 1, 4, 1, 1, 3, 5, 2, 4, 1, 1]
# Wide below narrow: these lie upon each other
array width_of[11] = [2.5, 7, 2.5, 2.5, 4.5, 2, 2, 2, 2, 3, 3]
array point_of[11] = [1, 5, 7, 9, 11, 10, 2, 3, 8, 4, 6]
phases = "random rival depletion"
array phase_title[3] = ["alone, pinged at random", "beside a second VM, pinged at random", "alone, pinged when the budget is gone"]

# Latency in ms and how many are as long or longer. Of those that are not rare each tenth is drawn.
longer(arm, phase) = "grep '^" . arm . "," . phase . ",' " . rtt . " | cut -d, -f5 | grep . | sort -g | " . \
	"awk '{ v[NR] = $1 } END { for (i = 1; i <= NR; i++) if (i == 1 || i % 10 == 0 || NR - i < 50) print v[i] / 1000 \",\" (NR - i + 1) / NR }'"
# p99.9 in ms against the batch rate by CPU charged, hard is 1
trade(arm, phase) = sprintf("awk -F, '$2 == \"%s\" { us[$1] = $11; rate[$1] = $17 } END { print rate[\"%s\"] / rate[\"hard\"] \",\" us[\"%s\"] / 1000 }' %s", phase, arm, arm, summary)
# Numbers of the arms that a phase was run with, from FIRST on
numbers(phase, first) = system(sprintf("awk -F, -v arms='%s' '$2 == \"%s\" { ran[$1] } END { n = split(arms, arm, \" \"); for (i = %d; i <= n; i++) if (arm[i] in ran) print i }' %s", arms, phase, first, summary))

set logscale xy 10
set grid lt 1 lc rgb "#dddddd"
set border 3
set tics nomirror out
set xtics ("30 µs" 0.03, "" 0.1 1, "300 µs" 0.3, "" 1 1, "3 ms" 3, "" 10 1, "30 ms" 30, "" 100 1)
set xrange [0.03:200]

do for [format in "svg png"] {
	if (format eq "svg") {
		set terminal svg size 1500,560 dynamic font "sans,14" background rgb "white"
	} else {
		set terminal pngcairo size 1500,560 font "sans,12" background rgb "white"
	}
	set output sprintf("%s/ccdf.%s", dir, format)
	set yrange [0.0008:1.2]
	set ytics ("1" 1, "0.1" 0.1, "0.01" 0.01, "0.001" 0.001)
	set xlabel "round-trip time (log scale)"
	set ylabel "pings that take as long or longer (log)"
	set key at screen 0.5,0.02 bottom center vertical maxrows 3 reverse Left samplen 3.5 width -1 noenhanced
	set multiplot layout 1,3 margins 0.07,0.985,0.31,0.86 spacing 0.045 title "Ping to a guest that computes and has 40 % of its CPU"
	do for [p=1:3] {
		if (words(numbers(word(phases, p), 1)) == 0) { continue }
		set title phase_title[p]
		plot for [n in numbers(word(phases, p), 1)] "< " . longer(word(arms, n + 0), word(phases, p)) using 1:2 with steps \
			lw width_of[n + 0] dt dash_of[n + 0] lc rgb colour_of[n + 0] title title_of[n + 0]
		unset key; unset ylabel
	}
	unset multiplot
	unset output
}

# hard is what the others are compared with; an idle guest has no rate.
do for [format in "svg png"] {
	if (format eq "svg") {
		set terminal svg size 1300,560 dynamic font "sans,14" background rgb "white"
	} else {
		set terminal pngcairo size 1300,560 font "sans,12" background rgb "white"
	}
	set output sprintf("%s/trade.%s", dir, format)
	unset logscale x
	set xrange [*<0.97:1.01<*]
	set xtics 0.01
	set yrange [0.03:200]
	set ytics ("30 µs" 0.03, "100 µs" 0.1, "300 µs" 0.3, "1 ms" 1, "3 ms" 3, "10 ms" 10, "30 ms" 30, "100 ms" 100)
	set xlabel "batch rate by CPU time charged, hard = 1"
	set ylabel "99.9 % of pings are faster than (log scale)"
	set key at screen 0.5,0.02 bottom center vertical maxrows 3 reverse Left samplen 2 width -1 noenhanced
	set multiplot layout 1,2 margins 0.07,0.985,0.31,0.86 spacing 0.06 title "What a short answer costs the batch load (down and to the right is better)"
	do for [p=1:2] {
		# Without hard there is nothing to compare with.
		if (word(numbers(word(phases, p), 2), 1) ne "2") { continue }
		set title phase_title[p]
		plot for [n in numbers(word(phases, p), 2)] "< " . trade(word(arms, n + 0), word(phases, p)) using 1:2 with points \
			pt point_of[n + 0] ps 1.8 lw 2 lc rgb colour_of[n + 0] title title_of[n + 0]
		unset key; unset ylabel
	}
	unset multiplot
	unset output
}
