# gnuplot -e "dir='out/coscheduled'" plot.gp
# Above, the schedule around one ping; below, the answers' times.

set datafile separator comma
timeline = dir . "/timeline.csv"
rtt = dir . "/rtt.csv"
count(command) = int(system("(" . command . ") | wc -l"))

# Rows from top to bottom; the first period of each begins with the borrower's budget
array row_vms[4] = ["2", "2", "3", "3"]
array row_arm[4] = ["hard", "spare", "hard", "spare"]
array title_of[4] = ["2 VMs, hard", "2 VMs, spare", "3 VMs, hard", "3 VMs, spare"]
array curve_colour[4] = ["#d55e00", "#0072b2", "#e69f00", "#56b4e9"]
array curve_dash[4] = [1, 1, 2, 2]
array curve_width[4] = [2.5, 6, 2.5, 2.5]
who = "vm1 vm1-loan vm2-aligned vm3-aligned vm[23]-steady"
array colour_of[5] = ["#0072b2", "#d55e00", "#aaaaaa", "#666666", "#e8d9a0"]
array name_of[5] = ["VM 1, the borrower: own budget", "VM 1 on a loan", "VM 2, wakes up just before 100 ms", \
	"VM 3, the same", "VM 2: 0.5 ms every 5, VM 3: every 10"]
slices(i, j) = sprintf("grep '^%s,%s,%s,' %s || true", row_vms[i], row_arm[i], word(who, j), timeline)
# The ping is sent where the borrower's first budget ends
sent(i) = real(system(sprintf("awk -F, '$1 == %s && $2 == \"%s\" && $3 == \"vm1\" && $5 < 100 { t = $5 } END { print t + 0 }' %s", \
	row_vms[i], row_arm[i], timeline)))
answer(i) = real(system(sprintf("awk -F, '$1 == %s && $2 == \"%s\" && $3 == 1 { t = ($4 + $5) / 1000 } END { print t + 0 }' %s", \
	row_vms[i], row_arm[i], rtt)))
answers(i) = sprintf("grep '^%s,%s,' %s | grep -v ',$' || true", row_vms[i], row_arm[i], rtt)

do for [format in "svg png"] {
	if (format eq "svg") {
		set terminal svg size 1200,800 dynamic font "sans,14" background rgb "white"
	} else {
		set terminal pngcairo size 1200,800 font "sans,12" background rgb "white"
	}
	set output sprintf("%s/coscheduled.%s", dir, format)
	set multiplot title "VMs on one CPU: a ping at the worst moment, without and with a spare reservation"
	set border 3
	set tics nomirror out

	set lmargin at screen 0.11; set rmargin at screen 0.97
	set tmargin at screen 0.93; set bmargin at screen 0.52
	unset logscale
	set xrange [0:200]; set yrange [0.4:4.9]
	set xtics 20
	set ytics ()
	do for [i=1:4] { set ytics add (title_of[i] 5 - i) }
	set grid xtics lt 1 lc rgb "#dddddd"
	set xlabel "ms since a period of the borrower's began; its budget comes early in this one, late in the next" offset 0,0.3
	unset label; unset arrow
	do for [i=1:4] {
		if (count(slices(i, 1)) == 0) { continue }
		set arrow from sent(i),5.42-i to sent(i),5.26-i filled size 1,20 lw 1.5
		if (answer(i) < 10) {
			set label sprintf("ping, answered after %.2f ms", answer(i)) at sent(i)+0.8,5.40-i font ",11"
		} else {
			set label "ping" at sent(i)+0.8,5.40-i font ",11"
			set arrow from sent(i)+answer(i),5.26-i to sent(i)+answer(i),5.42-i filled size 1,20 lw 1.5
			set label sprintf("answered after %.2f ms", answer(i)) at sent(i)+answer(i)+0.8,5.40-i font ",11"
		}
	}
	set key at screen 0.54,0.425 center top maxrows 2 horizontal reverse Left samplen 1.5 noenhanced
	plot for [j=1:5] NaN with boxes fill solid lc rgb colour_of[j] title name_of[j], \
		for [i=1:4] for [j=1:5] "< echo ,,,-1,-1; " . slices(i, j) \
		using 4:(5.0 - i):4:5:(4.8 - i):(5.2 - i) with boxxyerror fill solid noborder lc rgb colour_of[j] notitle

	unset label; unset arrow; unset ytics
	set tmargin at screen 0.33; set bmargin at screen 0.09
	set logscale x 10
	set xrange [0.03:300]; set yrange [0:1.02]
	set ytics 0.5
	set xtics ("30 µs" 0.03, "100 µs" 0.1, "300 µs" 0.3, "1 ms" 1, "3 ms" 3, "10 ms" 10, "30 ms" 30, "100 ms" 100, "300 ms" 300)
	set grid xtics ytics lt 1 lc rgb "#dddddd"
	set xlabel "round-trip time of all pings (log scale)"; set ylabel "fraction of pings"
	set key at graph 0.55,0.9 left top maxrows 4 vertical reverse Left samplen 3 noenhanced
	plot for [i=1:4] "< echo ,,,,30; " . answers(i) \
		using ($5 / 1000):($0 > 0) smooth cnormal with steps \
		lw curve_width[i] dt curve_dash[i] lc rgb curve_colour[i] title title_of[i]
	unset ylabel
	unset multiplot
	unset output
}
