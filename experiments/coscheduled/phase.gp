# gnuplot -e "dir='out/coscheduled'" phase.gp
# Response time against the moment of the ping, a panel for each number of VMs.

set datafile separator comma
rows(file, start) = sprintf("grep '^%s' %s/%s | grep -v ',$' || true", start, dir, file)
answers(n, arm) = rows("phase.csv", n . "," . arm . ",")
array tick[9] = [0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300]
array tick_name[9] = ["30 µs", "100 µs", "300 µs", "1 ms", "3 ms", "10 ms", "30 ms", "100 ms", "300 ms"]

set border 3
set tics nomirror out
set logscale y 10
set xrange [0:200]; set yrange [0.02:300]
set xtics 40
set grid xtics ytics lt 1 lc rgb "#dddddd"
set xlabel "ms since the early budget was used up"

do for [format in "svg png"] {
	if (format eq "svg") {
		set terminal svg size 1200,520 dynamic font "sans,14" background rgb "white"
	} else {
		set terminal pngcairo size 1200,520 font "sans,12" background rgb "white"
	}
	set output sprintf("%s/phase.%s", dir, format)
	set multiplot layout 1,3 margins 0.08,0.98,0.25,0.84 spacing 0.03 title "VMs on one CPU: response time against the moment of the ping"
	set key at screen 0.5,0.01 bottom center maxcols 3 horizontal reverse Left samplen 2 noenhanced
	set ylabel "round-trip time (log scale)"
	do for [n in "1 2 3"] {
		set title (n eq "1" ? "1 VM" : n . " VMs")
		set ytics ()
		do for [k=1:9] { set ytics add ((n eq "1" ? tick_name[k] : "") tick[k]) }
		# The points without time are for the key: an arm may not be there.
		plot "< echo ,,0; " . rows("expected.csv", n . ",") using ($2 / 1000):($3 > 0 ? $3 / 1000 : NaN) with lines \
				lw 6 lc rgb "#f4c2a1" title "expected of hard", \
			"< echo ,,,,0; " . answers(n, "hard") using ($4 / 1000):($5 > 0 ? $5 / 1000 : NaN) with points \
				pt 7 ps 0.5 lc rgb "#d55e00" title "hard, (20,100) ms", \
			"< echo ,,,,0; " . answers(n, "spare") using ($4 / 1000):($5 > 0 ? $5 / 1000 : NaN) with points \
				pt 9 ps 0.6 lc rgb "#0072b2" title "spare, (1,10) ms besides"
		unset key; unset ylabel
	}
	unset multiplot
	unset output
}
