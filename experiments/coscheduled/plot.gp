# gnuplot -e "dir='out/coscheduled'" plot.gp
# Above, the schedule around the first ping; below, the steps of its loan.

set datafile separator comma
timeline = dir . "/timeline.csv"
rtt = dir . "/rtt.csv"
steps = dir . "/steps.csv"
count(command) = int(system("(" . command . ") | wc -l"))

# Rows from top to bottom; the first period of each begins with the borrower's budget
array row_vms[6] = ["1", "1", "2", "2", "3", "3"]
array row_arm[6] = ["hard", "spare", "hard", "spare", "hard", "spare"]
array title_of[6] = ["1 VM, hard", "1 VM, spare", "2 VMs, hard", "2 VMs, spare", "3 VMs, hard", "3 VMs, spare"]
who = "vm1 vm1-loan vm2-aligned vm3-aligned vm[23]-steady"
# Okabe and Ito's colours: the colour-blind can tell them apart
array colour_of[5] = ["#0072b2", "#d55e00", "#aaaaaa", "#666666", "#e8d9a0"]
array name_of[5] = ["VM 1, the borrower: own budget", "VM 1 on a loan", "VM 2, wakes up just before 100 ms", \
	"VM 3, the same", "VM 2: 0.5 ms every 5, VM 3: every 10"]
slices(i, j) = sprintf("grep '^%s,%s,%s,' %s || true", row_vms[i], row_arm[i], word(who, j), timeline)
first(file, condition, value) = real(system(sprintf("awk -F, '%s { print %s; exit }' %s | grep . || echo -1", condition, value, file)))
row(i) = sprintf("$1 == %s && $2 == \"%s\"", row_vms[i], row_arm[i])
# The ping is sent where the borrower's first budget ends
sent(i) = real(system(sprintf("awk -F, '%s && $3 == \"vm1\" && $5 < 100 { t = $5 } END { print t + 0 }' %s", row(i), timeline)))
answer(i) = first(rtt, row(i), "($4 + $5) / 1000")
step(i, name) = first(steps, sprintf("%s && $3 ~ /^%s/", row(i), name), "$4")

array step_name[4] = ["sent", "event", "borrow", "dispatch"]
array step_to[4] = ["event", "borrow", "dispatch", "answer"]
array step_colour[4] = ["#56b4e9", "#e69f00", "#cc79a7", "#d55e00"]
array step_title[4] = ["packet on its way to the guest's ring", "event, until a unit is borrowed", \
	"borrowed, until it is dispatched", "the guest runs and answers"]

do for [format in "svg png"] {
	if (format eq "svg") {
		set terminal svg size 1200,1000 dynamic font "sans,14" background rgb "white"
	} else {
		set terminal pngcairo size 1200,1000 font "sans,12" background rgb "white"
	}
	set output sprintf("%s/schedule.%s", dir, format)
	set multiplot title "VMs on one CPU: a ping at the worst moment, without and with a spare reservation"
	set border 3
	set tics nomirror out

	set lmargin at screen 0.11; set rmargin at screen 0.97
	set tmargin at screen 0.95; set bmargin at screen 0.42
	unset logscale
	set xrange [0:200]; set yrange [0.4:6.9]
	set xtics 20
	set ytics ()
	do for [i=1:6] { set ytics add (title_of[i] 7 - i) }
	set grid xtics noytics lt 1 lc rgb "#dddddd"
	set xlabel "ms since a period of the borrower's began; beside others its budget comes early in this one, late in the next" offset 0,0.3
	unset label; unset arrow
	do for [i=1:6] {
		if (count(slices(i, 1)) == 0) { continue }
		set arrow from sent(i),7.46-i to sent(i),7.26-i filled size 1,20 lw 1.5
		if (answer(i) < 10) {
			set label sprintf("ping, answered after %.2f ms", answer(i)) at sent(i)+0.8,7.42-i font ",11"
		} else {
			set label "ping" at sent(i)+0.8,7.42-i font ",11"
			set arrow from sent(i)+answer(i),7.26-i to sent(i)+answer(i),7.46-i filled size 1,20 lw 1.5
			set label sprintf("answered after %.2f ms", answer(i)) at sent(i)+answer(i)+0.8,7.42-i font ",11"
		}
	}
	set key at screen 0.54,0.355 center top maxrows 2 horizontal reverse Left samplen 1.5 noenhanced
	plot for [j=1:5] NaN with boxes fill solid lc rgb colour_of[j] title name_of[j], \
		for [i=1:6] for [j=1:5] "< echo ,,,-1,-1; " . slices(i, j) \
		using 4:(7.0 - i):4:5:(6.8 - i):(7.2 - i) with boxxyerror fill solid noborder lc rgb colour_of[j] notitle

	unset label; unset arrow
	set tmargin at screen 0.26; set bmargin at screen 0.11
	set xrange [0:*]; set yrange [0.4:3.6]
	set xtics auto
	set ytics ()
	do for [n=1:3] { set ytics add (title_of[2*n] 4 - n) }
	set xlabel "µs since the first ping's packet was given to the tap: the steps of its loan"
	do for [n=1:3] {
		if (step(2*n, "answer") < 0) { continue }
		set label sprintf("  answered after %d µs; unit returned after %.1f ms", \
			int(step(2*n, "answer")), step(2*n, "return") / 1000) at step(2*n, "answer"),4-n font ",11"
	}
	set xrange [0:2 * (step(4, "answer") > 0 ? step(4, "answer") : 50)]
	set key at screen 0.54,0.045 center top maxcols 4 horizontal reverse Left samplen 1.5 noenhanced
	plot for [j=1:4] NaN with boxes fill solid lc rgb step_colour[j] title step_title[j], \
		for [n=1:3] for [j=1:4] "+" every ::0::0 \
		using (step(2*n, step_name[j])):(4 - n):(step(2*n, step_name[j])):(step(2*n, step_to[j])):(3.75 - n):(4.25 - n) \
		with boxxyerror fill solid noborder lc rgb step_colour[j] notitle
	unset multiplot
	unset output
}
