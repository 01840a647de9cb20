# gnuplot -e "summary='summary.csv'; dir='out/web'" plot.gp
# A column for each page; rows: p50 and p99 of the response times, time on loan a request.

set datafile separator comma
arms = "alone hard short hold linger50 spare linger1000 once device"
array title_of[9] = ["no reservation, alone on its CPU", "hard (40,100) ms", "short (4,10) ms", \
	"(40,100) + (4,10) ms, reply=0", "the same, reply=1 linger=50", "reply=1 linger=200 (the default)", "reply=1 linger=1000", "reply=1 linger=200 chances=1", \
	"the default, the tap is named"]
# Okabe and Ito's colours: the colour-blind can tell them apart
array colour_of[9] = ["#777777", "#d55e00", "#e69f00", "#cc79a7", "#56b4e9", "#0072b2", "#009e73", "#000000", "#b22222"]
array dash_of[9] = [3, 1, 4, 1, 2, 1, 2, 5, 1]
array point_of[9] = [1, 5, 7, 9, 4, 6, 8, 10, 13]
array what[3] = ["response time, p50", "response time, p99", "time on loan a request"]
array column_of[3] = [6, 8, 14]
array least[3] = [30, 30, 10]
array most[3] = [300e3, 300e3, 30e3]
array top[3] = [0.91, 0.62, 0.33]

rows(arm, bytes) = sprintf("grep '^%s,%s,' %s || true", arm, bytes, summary)
values(field) = system("tail -n +2 " . summary . " | cut -d, -f" . field . " | sort -nu | tr '\\n' ' '")
pages = values("2")
rates = values("3")
size_of(bytes) = bytes < 1400 ? sprintf("%d bytes", bytes) : sprintf("%d KiB", bytes / 1024)
wide = 0.93 / words(pages)

set border 3
set tics nomirror out
set logscale xy 10
set xrange [word(rates, 1) / 1.4:word(rates, words(rates)) * 1.4]
set ytics ("10 µs" 10, "30 µs" 30, "100 µs" 100, "300 µs" 300, "1 ms" 1e3, "3 ms" 3e3, "10 ms" 1e4, "30 ms" 3e4, "100 ms" 1e5, "300 ms" 3e5)
set grid xtics ytics lt 1 lc rgb "#dddddd"

do for [format in "svg png"] {
	if (format eq "svg") {
		set terminal svg size 1600,1100 dynamic font "sans,14" background rgb "white"
	} else {
		set terminal pngcairo size 1600,1100 font "sans,12" background rgb "white"
	}
	set output sprintf("%s/web.%s", dir, format)
	set multiplot title "A web server in a guest that computes (log scales)"
	do for [i=1:words(pages)] {
		set lmargin at screen 0.08 + (i - 1) * wide; set rmargin at screen i * wide
		do for [row=1:3] {
			set tmargin at screen top[row]; set bmargin at screen top[row] - 0.22
			set title what[row] . ", " . size_of(word(pages, i) + 0) offset 0,-0.7
			set yrange [least[row]:most[row]]
			set xtics ()
			do for [rate in rates] { set xtics add ((row == 3 ? rate . "/s" : "") rate + 0) }
			if (i == 1 && row == 3) {
				set key at screen 0.5,0.005 bottom center vertical maxrows 3 reverse Left samplen 3 noenhanced
			} else {
				unset key
			}
			# The point outside is for the key: an arm may have no loans, or not be there.
			plot for [j=1:9] "< echo ,,1,,,-1,,-1,,,,,,-1; " . rows(word(arms, j), word(pages, i)) \
				using 3:(column(column_of[row]) > 0 ? column(column_of[row]) : NaN) with linespoints \
				lw 2.5 dt dash_of[j] pt point_of[j] ps 0.7 lc rgb colour_of[j] title title_of[j]
		}
	}
	unset multiplot
	unset output
}
