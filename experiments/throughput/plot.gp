# gnuplot -e "dir='out/throughput'" plot.gp
# The left panel has what rates.csv's guest did, the right one a thread of the host.

set datafile separator comma
summary = dir . "/summary.csv"
array load_of[5] = ["L,1000,on", "L,1000,off", "L,250,on", "L,250,off", "ticks,250,off"]
array title_of[5] = ["HZ=1000, HRTICK\\_DL", "HZ=1000", "HZ=250, HRTICK\\_DL", "HZ=250", "HZ=250, clock of ticks"]
array colour_of[5] = ["#0072b2", "#56b4e9", "#d55e00", "#e69f00", "#009e73"]
array width_of[5] = [6, 3.5, 4, 1.5, 2.5]
array point_of[5] = [7, 5, 6, 4, 9]
key_of(i, load) = load_of[i][1:2] eq "L," ? load . load_of[i][2:*] : load_of[i]
rows(i, load) = sprintf("< grep '^%s,' %s || true", key_of(i, load), summary)
# A cost at each throttling that is lost of the budget, us; this one fits the paper's two rates.
paper_cost = 2087.0
left(period_ms, cost_us) = 1 - cost_us / (400 * period_ms)

set logscale x 10
set xrange [0.8:250]
set yrange [0:1.1]
set xtics (1, 4, 10, 40, 100, 200)
set ytics 0.25
set grid xtics ytics lt 1 lc rgb "#dddddd"
set border 3
set tics nomirror out
set xlabel "period P, ms (log scale); Q = 0.4 P"

do for [format in "svg png"] {
	if (format eq "svg") {
		set terminal svg size 1200,480 dynamic font "sans,14" background rgb "white"
	} else {
		set terminal pngcairo size 1200,480 font "sans,12" background rgb "white"
	}
	set output sprintf("%s/throughput.%s", dir, format)
	set key at screen 0.5,0.02 bottom center maxrows 2 samplen 3
	set ylabel "rate, as a part of 0.4 × the undisturbed rate"
	set multiplot layout 1,2 margins 0.07,0.98,0.3,0.86 spacing 0.06 title "A batch load with 40 % of a CPU, by the period of its reservation"
	set label 1 "paper: 0.56 loops/µs" at 10.8,0.44 left
	set label 2 "1.11" at 108,0.87 left
	do for [load in "guest thread"] {
		set title (load eq "guest" ? "in a guest, as in the paper" : "a thread of the host: no VM exits")
		plot [x=0.8:250] x > 5.2 ? left(x, paper_cost) : NaN lw 1.5 dt 2 lc rgb "#444444" title "paper: 2.09 ms lost a throttling", \
			for [i=1:(load eq "guest" ? 4 : 5)] rows(i, load) using 4:8 with linespoints lw width_of[i] pt point_of[i] ps 0.8 lc rgb colour_of[i] title title_of[i], \
			"+" using (10):(left(10, paper_cost)) every ::0::0 with points pt 2 ps 1.5 lw 2 lc rgb "#000000" notitle, \
			"+" using (100):(left(100, paper_cost)) every ::0::0 with points pt 2 ps 1.5 lw 2 lc rgb "#000000" notitle, \
			keyentry with linespoints lw width_of[5] pt point_of[5] ps 0.8 lc rgb colour_of[5] title title_of[5]
		unset ylabel
		unset key
	}
	unset multiplot
	unset output
}
