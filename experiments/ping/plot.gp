# gnuplot -e "rtt='rtt.csv'; dir='out/ping'" plot.gp
# A curve for each arm and a panel for each number of CPUs that rtt.csv holds.

set datafile separator comma
arms = "idle hard short spare spare-small spare-reply"
array title_of[6] = ["idle guest, no limit", "hard (40,100) ms", "short (4,10) ms", \
	"spare (40,100) + (4,10) ms", "spare-small (40,100) + (1,10) ms", \
	"spare-reply (40,100) + (4,10) ms, reply=1"]
# Okabe and Ito's colours: the colour-blind can tell them apart
array colour_of[6] = ["#777777", "#d55e00", "#e69f00", "#0072b2", "#cc79a7", "#009e73"]
array dash_of[6] = [3, 1, 4, 1, 2, 1]
# Narrow on wide: these two lie upon each other with 2 CPUs
array width_of[6] = [2.5, 2.5, 2.5, 6, 2.5, 2.5]

lines(arm, n) = sprintf("grep '^%s,%s,' %s | grep -v ',$' || true", arm, n, rtt)
count(arm, n) = int(system("(" . lines(arm, n) . ") | wc -l"))
panels = (count("[^,]*", "2") > 0) + (count("[^,]*", "1") > 0)

set xrange [0.03:200]
set logscale x 10
set yrange [0:1.02]
set xtics ("30 µs" 0.03, "100 µs" 0.1, "300 µs" 0.3, "1 ms" 1, "3 ms" 3, "10 ms" 10, "30 ms" 30, "100 ms" 100)
set ytics 0.25
set grid xtics ytics lt 1 lc rgb "#cccccc"
set border 3
set tics nomirror out
set xlabel "round-trip time (log scale)"

do for [format in "svg png"] {
	if (format eq "svg") {
		set terminal svg size 1200,480 dynamic font "sans,14" background rgb "white"
	} else {
		set terminal pngcairo size 1200,480 font "sans,12" background rgb "white"
	}
	set output sprintf("%s/cdf.%s", dir, format)
	set key at screen 0.5,0.02 bottom center vertical maxrows 3 reverse Left samplen 4 noenhanced
	set ylabel "fraction of pings"
	set multiplot layout 1,panels margins 0.07,0.98,0.33,0.84 spacing 0.06 title "Ping to a guest that computes, sent when its vCPU has used up its budget"
	do for [n in "2 1"] {
		if (count("[^,]*", n) == 0) { continue }
		set title (n eq "2" ? "2 CPUs: vCPU on one, its I/O on the other" : "1 CPU: vCPU and I/O share it")
		# A first point without weight lets a curve of equal values rise.
		plot for [i=1:6] "< echo ,,,,30; " . lines(word(arms, i), n) \
			using ($5 / 1000):($0 > 0) smooth cnormal with steps \
			lw width_of[i] dt dash_of[i] lc rgb colour_of[i] title title_of[i]
		unset key; unset ylabel
	}
	unset multiplot
	unset output
}
