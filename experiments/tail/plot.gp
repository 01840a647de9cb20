# Share of pings that took longer, log-log: needs sorted (a value a line), dir, limit_us.
stats sorted nooutput
n = STATS_records
set xlabel "round trip, µs"
set ylabel "share of pings that took longer"
set logscale xy
set xrange [10:2 * limit_us]
set format y "10^{%T}"
set grid
set key top right
set arrow from limit_us, graph 0 to limit_us, graph 1 nohead dashtype 2
set label "Ps" at limit_us, graph 0.5 offset 0.5, 0
set terminal svg size 720, 440 font "sans,12" background "white"
set output dir . "/ccdf.svg"
plot sorted using 1:((n - $0) / n) with steps linewidth 2 title sprintf("%d pings, default terms", n)
set terminal pngcairo size 720, 440 font "sans,12"
set output dir . "/ccdf.png"
replot
